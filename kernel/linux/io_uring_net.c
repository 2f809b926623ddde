/* linux/io_uring_net.c: sockets. */
#include "linux/io_uring.h"

#include "lib/string.h"
#include "linux/sockets.h"

enum {
    RECVSEND_POLL_FIRST = 1,
    RECV_MULTISHOT = 2,
    RECVSEND_FIXED_BUF = 4,
    ACCEPT_MULTISHOT = 1,
    SOCK_FLAGS = O_NONBLOCK | O_CLOEXEC,
    SOCK_TYPE = 15,
    ADDRESS_MAX = 128,
};

/* struct io_uring_recvmsg_out */
struct message_out {
    uint32_t name_len, control_len, payload_len, flags;
};
/* What the program said, copied when its request had to wait. */
struct message_copy {
    struct user_message header;
    unsigned n;
    struct iovec iov[];
};

static bool has_header(const struct request *req)
{
    return req->sqe.opcode == OP_SENDMSG || req->sqe.opcode == OP_RECVMSG;
}

static bool is_send(const struct request *req)
{
    return req->sqe.opcode == OP_SENDMSG || req->sqe.opcode == OP_SEND;
}

static bool is_multishot(const struct request *req)
{
    return !is_send(req) && req->sqe.ioprio & RECV_MULTISHOT;
}

int prep_message(struct request *req)
{
    const struct sqe *sqe = &req->sqe;
    unsigned known = RECVSEND_POLL_FIRST | (is_send(req) ? 0 : RECV_MULTISHOT);
    if (sqe->opcode == OP_SEND ? sqe->file_index >> 16 : sqe->off || sqe->file_index)
        return -EINVAL;
    if (sqe->ioprio & ~known)
        return -EINVAL;
    if (sqe->op_flags & MSG_DONTWAIT)
        req->flags |= REQ_NOWAIT;
    if (!is_multishot(req))
        return 0;
    if (!(sqe->flags & SQE_BUFFER_SELECT) || sqe->op_flags & MSG_WAITALL)
        return -EINVAL;
    return sqe->opcode == OP_RECV && sqe->len ? -EINVAL : 0;
}

/* --- the message as the program gives it */

static int read_header(struct request *req, struct user_message *header)
{
    if (user_read(header, req->sqe.addr, sizeof(*header)) < 0)
        return -EFAULT;
    if (header->name && header->name_len < 0)
        return -EINVAL;
    if (header->iov_len > IOV_MAX)
        return -EMSGSIZE;
    return req->sqe.flags & SQE_BUFFER_SELECT && header->iov_len > 1 ? -EINVAL : 0;
}

int message_stable(struct request *req)
{
    struct user_message header;
    struct user_iov vec;
    if (!has_header(req))
        return 0;
    int err = read_header(req, &header);
    if (!err)
        err = user_iov_get(&vec, header.iov, header.iov_len);
    if (err)
        return err;
    struct message_copy *copy = kmalloc(sizeof(*copy) + header.iov_len * sizeof(struct iovec));
    if (copy) {
        copy->header = header;
        copy->n = (unsigned)header.iov_len;
        for (unsigned i = 0; i < copy->n; i++)
            copy->iov[i] = vec.iov[i];
        req->data = copy;
    }
    user_iov_put(&vec);
    return copy ? 0 : -ENOMEM;
}

/* A transfer: header and bytes. vec.io points into vec or the copy. */
struct exchange {
    struct user_message header;
    struct user_iov vec;
    uintptr_t buffer; /* the selected one */
    uint32_t room;
};

static int get_parts(struct request *req, struct exchange *x)
{
    const struct message_copy *copy = req->data;
    x->vec.big = NULL;
    x->header = (struct user_message){};
    if (!has_header(req)) {
        size_t len = MIN(req->sqe.len, (uint32_t)MAX_RW_COUNT);
        x->vec.io = io_user(x->vec.small, req->sqe.addr, len);
        if (req->sqe.opcode == OP_SEND && req->sqe.off) {
            x->header.name = req->sqe.off;
            x->header.name_len = req->sqe.file_index & 0xffff;
        }
        return req->sqe.flags & SQE_BUFFER_SELECT || user_range_ok(req->sqe.addr, len) ? 0
                                                                                       : -EFAULT;
    }
    if (!copy) {
        int err = read_header(req, &x->header);
        return err ? err : user_iov_get(&x->vec, x->header.iov, x->header.iov_len);
    }
    x->header = copy->header;
    x->vec.io = (struct io){.iov = copy->iov, .niov = copy->n};
    for (unsigned i = 0; i < copy->n; i++)
        x->vec.io.left += copy->iov[i].len;
    return 0;
}

/* The bytes go to a provided buffer instead; those of a multishot recvmsg behind a header. */
static int select_buffer(struct request *req, struct exchange *x, bool locked)
{
    uint32_t len = has_header(req) && x->vec.io.niov ? (uint32_t)x->vec.io.left : 0;
    uintptr_t addr;
    if (!has_header(req))
        len = req->sqe.len;
    if (is_multishot(req))
        len = 0;
    int err = provided_select(req, locked, &addr, &len);
    if (err)
        return err;
    x->buffer = addr;
    x->room = len;
    uint64_t head = 0;
    if (is_multishot(req) && has_header(req)) {
        head = sizeof(struct message_out) + (uint32_t)x->header.name_len + x->header.control_len;
        if (x->header.control_len > len || head > len)
            return -EFAULT;
        x->header.name = x->header.name_len ? addr + sizeof(struct message_out) : 0;
        x->header.control = x->header.control_len
                                ? addr + sizeof(struct message_out) + (uint32_t)x->header.name_len
                                : 0;
    }
    user_iov_put(&x->vec);
    x->vec.big = NULL;
    x->vec.io = io_user(x->vec.small, addr + head, len - head);
    return user_range_ok(addr, len) ? 0 : -EFAULT;
}

/* A stream that was asked to fill all of it goes on where it was. */
static bool wants_rest(const struct request *req, const struct socket *socket)
{
    return req->sqe.op_flags & MSG_WAITALL &&
           (socket->type == SOCK_STREAM || socket->type == SOCK_SEQPACKET);
}

static int64_t exchange(struct request *req, struct socket *socket, struct exchange *x,
                        bool may_wait)
{
    unsigned flags = req->sqe.op_flags | (is_send(req) ? MSG_NOSIGNAL : 0);
    bool nonblock = !may_wait || flags & MSG_DONTWAIT;
    io_skip(&x->vec.io, req->done);
    size_t asked = x->vec.io.left;
    int64_t n = is_send(req) ? message_send(socket, &x->header, &x->vec.io, flags, nonblock)
                             : message_receive(socket, &x->header, &x->vec.io, flags, nonblock);
    if (n > 0 && (size_t)n < asked && wants_rest(req, socket) && !may_wait &&
        !(flags & (MSG_DONTWAIT | MSG_PEEK))) {
        req->done += (uint64_t)n;
        return -EAGAIN;
    }
    bool truncated = !is_send(req) && x->header.flags & (MSG_TRUNC | MSG_CTRUNC);
    if (flags & MSG_WAITALL && n >= 0 && ((size_t)n < asked || truncated))
        req->flags |= REQ_PARTIAL;
    if (req->done && n >= 0)
        n += (int64_t)req->done;
    else if (req->done && n != -EAGAIN)
        n = (int64_t)req->done;
    return n;
}

static int put_out(struct request *req, const struct exchange *x, int64_t *n)
{
    const struct message_copy *copy = req->data;
    struct user_message given;
    if (copy)
        given = copy->header;
    else if (read_header(req, &given) < 0)
        return -EFAULT;
    struct message_out out = {
        .name_len = given.name_len ? (uint32_t)x->header.name_len : 0,
        .control_len = (uint32_t)x->header.control_len,
        .payload_len = (uint32_t)*n,
        .flags = x->header.flags,
    };
    if (user_write(x->buffer, &out, sizeof(out)) < 0)
        return -EFAULT;
    size_t payload =
        MIN((size_t)*n, x->room - sizeof(out) - (uint32_t)given.name_len - given.control_len);
    *n = (int64_t)(sizeof(out) + (uint32_t)given.name_len + given.control_len + payload);
    return 0;
}

static int64_t try_once(struct request *req, struct socket *socket, bool may_wait)
{
    struct exchange x;
    int64_t n = get_parts(req, &x);
    bool selects = req->sqe.flags & SQE_BUFFER_SELECT;
    if (n)
        return n;
    if (selects && !(req->flags & REQ_SELECTED)) {
        n = select_buffer(req, &x, !may_wait);
    }
    if (!n)
        n = exchange(req, socket, &x, may_wait);
    if (n >= 0 && !is_send(req) && has_header(req)) {
        int err = is_multishot(req) ? n ? put_out(req, &x, &n) : 0
                                    : message_put_header(req->sqe.addr, &x.header);
        n = err ? err : n;
    }
    user_iov_put(&x.vec);
    return n;
}

/* --- send, receive */

static bool waits_first(const struct request *req, bool may_wait)
{
    return req->sqe.ioprio & RECVSEND_POLL_FIRST && !(req->flags & REQ_POLLED) && !may_wait;
}

URING_ISSUE(issue_send)
{
    struct socket *socket = socket_of(req->file);
    if (!socket)
        return -ENOTSOCK;
    if (waits_first(req, may_wait))
        return uring_again(req);
    int64_t n = try_once(req, socket, may_wait);
    if (n != -EAGAIN || may_wait)
        return n;
    provided_recycle(req, true);
    return uring_again(req);
}

/* Of a multishot, tell it and look for more: true. */
static bool tell_one(struct request *req, int64_t n)
{
    if (!is_multishot(req) || n <= 0)
        return false;
    uint32_t flags = provided_commit(req);
    if (cq_post_more(req->ring, req->sqe.user_data, (int32_t)n, flags))
        return true;
    req->cqe_flags |= flags;
    return false;
}

URING_ISSUE(issue_recv)
{
    struct socket *socket = socket_of(req->file);
    if (!socket)
        return -ENOTSOCK;
    if (waits_first(req, may_wait))
        return uring_again(req);
    int64_t n;
    do
        n = try_once(req, socket, may_wait);
    while (tell_one(req, n));
    if (n <= 0 && !(n == -EAGAIN && req->done))
        provided_recycle(req, !may_wait);
    return n == -EAGAIN && !may_wait ? uring_again(req) : n;
}

/* --- accept */

int prep_accept(struct request *req)
{
    const struct sqe *sqe = &req->sqe;
    if (sqe->op_flags & ~(uint32_t)SOCK_FLAGS || sqe->ioprio & ~ACCEPT_MULTISHOT)
        return -EINVAL;
    if (sqe->file_index && sqe->op_flags & O_CLOEXEC)
        return -EINVAL;
    bool many = sqe->ioprio & ACCEPT_MULTISHOT;
    return many && sqe->file_index && sqe->file_index != (uint32_t)FILE_INDEX_ALLOC ? -EINVAL : 0;
}

static int64_t accept_one(struct request *req, struct socket *socket, bool may_wait)
{
    struct file *file = NULL;
    int fd = 0;
    if (!req->sqe.file_index) {
        fd = fd_reserve(0);
        if (fd < 0)
            return fd;
    }
    int err = socket_accept(socket, !may_wait, (int)req->sqe.op_flags, req->sqe.addr, req->sqe.off,
                            &file);
    if (!req->sqe.file_index)
        return fd_finish(fd, err, file, req->sqe.op_flags & O_CLOEXEC);
    return err ? err : files_give(req, !may_wait, file, req->sqe.file_index, false);
}

URING_ISSUE(issue_accept)
{
    struct socket *socket = socket_of(req->file);
    int64_t n;
    if (!socket)
        return -ENOTSOCK;
    do
        n = accept_one(req, socket, may_wait);
    while (n >= 0 && req->sqe.ioprio & ACCEPT_MULTISHOT &&
           cq_post_more(req->ring, req->sqe.user_data, (int32_t)n, 0));
    return n == -EAGAIN && !may_wait ? uring_again(req) : n;
}

/* --- connect, socket, shutdown */

int prep_connect(struct request *req)
{
    return 0;
}

int connect_stable(struct request *req)
{
    struct socket_address *address = kmalloc(sizeof(*address));
    if (!address)
        return -ENOMEM;
    int err = address_get(address, req->sqe.addr, (int)req->sqe.off);
    if (err)
        kfree(address);
    else
        req->data = address;
    return err;
}

URING_ISSUE(issue_connect)
{
    struct socket *socket = socket_of(req->file);
    struct socket_address address;
    int err = 0;
    if (!socket)
        return -ENOTSOCK;
    if (req->flags & REQ_POLLED) /* it was under way */
        return -atomic_exchange(&socket->error, 0);
    if (req->data)
        address = *(struct socket_address *)req->data;
    else
        err = address_get(&address, req->sqe.addr, (int)req->sqe.off);
    if (err)
        return err;
    socket->cred = caller_cred();
    err = socket->ops->connect(socket, &address, !may_wait);
    if (may_wait || req->file->flags & O_NONBLOCK || (err != -EAGAIN && err != -EINPROGRESS))
        return err;
    if (err == -EAGAIN) /* the listener's queue is full: nothing that the socket could tell */
        req->flags |= REQ_MUST_WAIT;
    return uring_again(req);
}

int prep_socket(struct request *req)
{
    unsigned flags = (unsigned)req->sqe.off & ~(unsigned)SOCK_TYPE;
    if (req->sqe.file_index && flags & O_CLOEXEC)
        return -EINVAL;
    return flags & ~(unsigned)SOCK_FLAGS ? -EINVAL : 0;
}

URING_ISSUE(issue_socket)
{
    unsigned type = (unsigned)req->sqe.off & SOCK_TYPE, flags = (unsigned)req->sqe.off & SOCK_FLAGS;
    struct file *file = NULL;
    int err = socket_make(req->sqe.fd, (int)type, (int)req->sqe.len, (int)flags, &file);
    return err ? err : files_give(req, !may_wait, file, req->sqe.file_index, flags & O_CLOEXEC);
}

URING_ISSUE(issue_shutdown)
{
    struct socket *socket = socket_of(req->file);
    if (!socket)
        return -ENOTSOCK;
    return req->sqe.len > SHUT_RDWR ? -EINVAL : socket->ops->shutdown(socket, (int)req->sqe.len);
}
