/* linux/message.c: messages and what travels beside them (man 2 sendmsg, recvmsg, cmsg(3)). */
#include "linux/iov.h"
#include "linux/ipc_exit.h"
#include "linux/path.h"
#include "linux/sockets.h"
#include "linux/syscall.h"
#include "linux/time.h"

#include "lib/string.h"
#include "net/netlink.h"

enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, CONTROL_MAX = 20480, MESSAGES_MAX = 1024 };
enum { CAP_SETGID = 6, CAP_SETUID = 7 };

/* struct mmsghdr, struct cmsghdr of the program. */
struct user_messages {
    struct user_message message;
    uint32_t len, pad;
};
static size_t control_space(size_t n)
{
    return sizeof(struct control_header) + ALIGN_UP(n, 8ul);
}

/* --- control messages that are sent
 * ------------------------------------------------------------------------ */

/* Add the open files of an array of descriptors. */
static int take_files(struct message *message, const int32_t *fds, size_t n)
{
    size_t have = message->files ? message->files->n : 0;
    if (have + n > SOCKET_FILES_MAX)
        return -EINVAL;
    if (!n)
        return 0;
    struct socket_files *files = message->files;
    files = krealloc(files, sizeof(*files) + (have + n) * sizeof(files->files[0]));
    if (!files)
        return -ENOMEM;
    files->n = (unsigned)have;
    message->files = files;
    for (size_t i = 0; i < n; i++) {
        struct file *file = fd_get_any(fds[i]);
        if (!file)
            return -EBADF;
        files->files[files->n++] = file;
        if (uring_file_is(file)) /* a ring may hold the socket: they would keep each other */
            return -EINVAL;
    }
    return 0;
}

/* May the caller say that it is this? */
static int check_cred(const struct socket_cred *cred)
{
    const struct credentials *own = &current_task()->cred;
    if (cred->uid == UINT32_MAX || cred->gid == UINT32_MAX)
        return -EINVAL;
    bool pid = cred->pid == current_process()->pid || capable(CAP_SYS_ADMIN);
    bool uid = cred->uid == own->uid || cred->uid == own->euid || cred->uid == own->suid ||
               capable(CAP_SETUID);
    bool gid = cred->gid == own->gid || cred->gid == own->egid || cred->gid == own->sgid ||
               capable(CAP_SETGID);
    if (!pid || !uid || !gid)
        return -EPERM;
    rcu_read_lock();
    bool exists = process_find(cred->pid) || task_find(cred->pid);
    rcu_read_unlock();
    return exists ? 0 : -ESRCH;
}

static int take_one(const struct socket *socket, struct message *message,
                    const struct control_message *control)
{
    bool other = socket->family != AF_UNIX && socket->family != AF_NETLINK;
    if (control->level != SOL_SOCKET ||
        (other && (control->type == SCM_RIGHTS || control->type == SCM_CREDENTIALS)))
        return 0; /* not for this socket */
    if (control->type == SCM_RIGHTS)
        return take_files(message, control->data, control->len / sizeof(int32_t));
    if (control->type != SCM_CREDENTIALS || control->len != sizeof(struct socket_cred))
        return -EINVAL;
    memcpy(&message->cred, control->data, sizeof(message->cred));
    message->cred_given = true;
    return check_cred(&message->cred);
}

static int take_all(const struct socket *socket, struct message *message)
{
    struct control_message next;
    size_t at = 0;
    int more;
    while ((more = message_next_control(message, &at, &next)) > 0) {
        int err = take_one(socket, message, &next);
        if (err)
            return err;
    }
    return more;
}

/* All control messages of a sendmsg in kernel memory, and what is for every family taken from them.
 * control_drop() frees them, on failure too. */
static int control_get(const struct socket *socket, struct message *message, uintptr_t addr,
                       size_t size)
{
    if (!size)
        return 0;
    if (size > CONTROL_MAX)
        return -ENOBUFS;
    char *buf = kmalloc(size);
    if (!buf)
        return -ENOMEM;
    message->sent = buf;
    message->sent_size = size;
    int err = user_read(buf, addr, size);
    return err || socket->ops->control || socket->ops->late_control ? err
                                                                    : take_all(socket, message);
}

static void control_drop(struct message *message)
{
    kfree((void *)message->sent);
    socket_files_free(message->files);
}

/* --- control messages that are received
 * -------------------------------------------------------------------- */

/* Make descriptors of the files, as many as there is room for. */
static int put_files(struct message *message)
{
    struct control *control = &message->control;
    struct socket_files *files = message->files;
    const size_t head = sizeof(struct control_header);
    size_t room = control->left > head ? (control->left - head) / sizeof(int32_t) : 0;
    unsigned n = (unsigned)MIN(room, (size_t)files->n), done = 0;
    for (; done < n; done++) {
        struct file *file = files->files[done];
        int fd = fd_install(file, message->flags & MSG_CMSG_CLOEXEC, 0);
        if (fd < 0)
            break;
        file_get(file);
        if (user_put32(control->at + head + done * sizeof(int32_t), (uint32_t)fd) < 0) {
            fd_close(fd);
            break;
        }
    }
    if (done < files->n)
        message->result |= MSG_CTRUNC;
    if (!done)
        return 0;
    struct control_header header = {head + done * sizeof(int32_t), SOL_SOCKET, SCM_RIGHTS};
    if (user_write(control->at, &header, sizeof(header)) < 0)
        return -EFAULT;
    size_t space = MIN(control_space(done * sizeof(int32_t)), control->left);
    control->at += space;
    control->left -= space;
    return 0;
}

/* When it came, in the way that the socket asks for (a stream has no such times). */
static int put_time(const struct socket *socket, struct message *message)
{
    nsec_t now = message->stamp ? message->stamp : clock_realtime();
    int64_t time[2] = {now / 1000000000, now % 1000000000};
    if (socket->type == SOCK_STREAM)
        return 0;
    bool fine = socket_flag(socket, SO_TIMESTAMPNS);
    if (!fine)
        time[1] /= 1000;
    return message_put_control(message, SOL_SOCKET, fine ? SO_TIMESTAMPNS : SO_TIMESTAMP, time,
                               sizeof(time));
}

/* What came beside a message; frees the files. */
static int control_put(const struct socket *socket, struct message *message)
{
    int err = 0;
    if (socket->ops->control)
        return 0;
    if (socket->family == AF_UNIX && socket->type != SOCK_STREAM && !message->cred_given)
        return 0; /* the end is no message */
    if (socket_wants_time(socket))
        err = put_time(socket, message);
    if (!err && socket_flag(socket, SO_PASSCRED))
        err = message_put_control(message, SOL_SOCKET, SCM_CREDENTIALS, &message->cred,
                                  sizeof(message->cred));
    if (!err && message->files)
        err = put_files(message);
    socket_files_free(message->files);
    message->files = NULL;
    return err;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

static bool nonblocking(const struct file *file, unsigned flags)
{
    return flags & MSG_DONTWAIT || file->flags & O_NONBLOCK;
}

static int64_t send_buffer(int fd, uintptr_t buf, size_t n, unsigned flags, uintptr_t addr, int len)
{
    struct fd_ref ref;
    struct socket *socket;
    struct socket_address address;
    int64_t result = socket_borrow(fd, &ref, &socket);
    if (result)
        return result;
    n = MIN(n, (size_t)MAX_RW_COUNT);
    struct iovec iov;
    struct message message = {.io = io_user(&iov, buf, n),
                              .flags = flags,
                              .nonblock = nonblocking(ref.file, flags),
                              .cred = sender_cred()};
    if (!user_range_ok(buf, n))
        result = -EFAULT;
    if (!result && addr) {
        result = address_get(&address, addr, len);
        message.address = &address;
    }
    if (!result)
        result = socket->ops->send(socket, &message);
    fd_return(ref);
    return result;
}

SYSCALL(sendto, 6, SYSCALL_WHOLE, "")
{
    return send_buffer((int)a0, a1, a2, (unsigned)a3, a4, (int)a5);
}

int64_t message_send(struct socket *socket, const struct user_message *header, struct io *io,
                     unsigned flags, bool nonblock)
{
    struct socket_address address;
    struct message message = {
        .io = *io, .flags = flags, .nonblock = nonblock, .cred = sender_cred()};
    int64_t result = 0;
    if (header->name && header->name_len) {
        int len = MIN(header->name_len, (int)sizeof(address.bytes));
        result = address_get(&address, header->name, len);
        message.address = &address;
    }
    if (!result && header->control)
        result = control_get(socket, &message, header->control, header->control_len);
    if (!result)
        result = socket->ops->send(socket, &message);
    control_drop(&message);
    *io = message.io;
    return result;
}

static int64_t send_message(const struct fd_ref *ref, struct socket *socket,
                            const struct user_message *header, unsigned flags)
{
    struct user_iov vec;
    if (header->name && header->name_len < 0)
        return -EINVAL;
    if (header->iov_len > IOV_MAX)
        return -EMSGSIZE;
    int64_t result = user_iov_get(&vec, header->iov, header->iov_len);
    if (result)
        return result;
    result = message_send(socket, header, &vec.io, flags, nonblocking(ref->file, flags));
    user_iov_put(&vec);
    return result;
}

SYSCALL(sendmsg, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    struct user_message header;
    int64_t result = socket_borrow((int)a0, &ref, &socket);
    if (result)
        return result;
    result = user_read(&header, a1, sizeof(header));
    if (!result)
        result = send_message(&ref, socket, &header, (unsigned)a2);
    fd_return(ref);
    return result;
}

static int64_t send_messages(const struct fd_ref *ref, struct socket *socket, uintptr_t addr,
                             unsigned n, unsigned flags)
{
    unsigned done = 0;
    int64_t result = 0;
    for (; done < n; done++) {
        struct user_messages entry;
        uintptr_t at = addr + done * sizeof(entry);
        result = user_read(&entry, at, sizeof(entry));
        if (!result)
            result = send_message(ref, socket, &entry.message, flags);
        if (result < 0)
            break;
        result = user_put32(at + offsetof(struct user_messages, len), (uint32_t)result);
        if (result)
            break;
    }
    return done ? done : result;
}

SYSCALL(sendmmsg, 4, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int64_t result = socket_borrow((int)a0, &ref, &socket);
    if (result)
        return result;
    unsigned n = MIN((unsigned)a2, (unsigned)MESSAGES_MAX);
    result = send_messages(&ref, socket, a1, n, (unsigned)a3);
    fd_return(ref);
    return result;
}

/* --- receiving
 * -------------------------------------------------------------------------------------------- */

static int64_t receive_buffer(int fd, uintptr_t buf, size_t n, unsigned flags, uintptr_t addr,
                              uintptr_t len_addr)
{
    struct fd_ref ref;
    struct socket *socket;
    struct socket_address address = {};
    int64_t result = socket_borrow(fd, &ref, &socket);
    if (result)
        return result;
    n = MIN(n, (size_t)MAX_RW_COUNT);
    struct iovec iov;
    struct message message = {.io = io_user(&iov, buf, n),
                              .flags = flags,
                              .nonblock = nonblocking(ref.file, flags),
                              .address = addr ? &address : NULL};
    result = user_range_ok(buf, n) ? socket->ops->receive(socket, &message) : -EFAULT;
    socket_files_free(message.files);
    int err = result >= 0 ? address_put(&address, addr, len_addr) : 0;
    if (err)
        result = err;
    fd_return(ref);
    return result;
}

SYSCALL(recvfrom, 6, SYSCALL_WHOLE, "")
{
    return receive_buffer((int)a0, a1, a2, (unsigned)a3, a4, a5);
}

int64_t message_receive(struct socket *socket, struct user_message *header, struct io *io,
                        unsigned flags, bool nonblock)
{
    struct socket_address address = {};
    struct message message = {
        .io = *io,
        .flags = flags,
        .nonblock = nonblock,
        .address = header->name ? &address : NULL,
        .control = {header->control, header->control ? header->control_len : 0},
    };
    int64_t result = socket->ops->receive(socket, &message);
    if (result >= 0) {
        unsigned n = MIN((unsigned)header->name_len, address.len);
        int err = control_put(socket, &message);
        if (!err && header->name)
            err = user_write(header->name, address.bytes, n);
        if (err)
            result = err;
        header->name_len = (int32_t)address.len;
        header->flags = message.result | (flags & MSG_CMSG_CLOEXEC);
        header->control_len = message.control.at - header->control;
    }
    socket_files_free(message.files);
    *io = message.io;
    return result;
}

int message_put_header(uintptr_t at, const struct user_message *header)
{
    if (header->name &&
        user_put32(at + offsetof(struct user_message, name_len), (uint32_t)header->name_len) < 0)
        return -EFAULT;
    if (user_put32(at + offsetof(struct user_message, flags), header->flags) < 0)
        return -EFAULT;
    return user_put64(at + offsetof(struct user_message, control_len), header->control_len);
}

static int64_t receive_message(const struct fd_ref *ref, struct socket *socket, uintptr_t at,
                               unsigned flags)
{
    struct user_message header;
    struct user_iov vec;
    if (user_read(&header, at, sizeof(header)) < 0)
        return -EFAULT;
    if (header.name && header.name_len < 0)
        return -EINVAL;
    if (header.iov_len > IOV_MAX)
        return -EMSGSIZE;
    int64_t result = user_iov_get(&vec, header.iov, header.iov_len);
    if (result)
        return result;
    result = message_receive(socket, &header, &vec.io, flags, nonblocking(ref->file, flags));
    if (result >= 0 && message_put_header(at, &header) < 0)
        result = -EFAULT;
    user_iov_put(&vec);
    return result;
}

SYSCALL(recvmsg, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int64_t result = socket_borrow((int)a0, &ref, &socket);
    if (result)
        return result;
    result = receive_message(&ref, socket, a1, (unsigned)a2);
    fd_return(ref);
    return result;
}

/* The timeout is looked at after each message only, as on Linux. */
static int64_t receive_messages(const struct fd_ref *ref, struct socket *socket, uintptr_t addr,
                                unsigned n, unsigned flags, nsec_t deadline)
{
    unsigned done = 0;
    int64_t result = flags & MSG_ERRQUEUE ? 0 : -atomic_exchange(&socket->error, 0);
    while (done < n && !result) {
        uintptr_t at = addr + done * sizeof(struct user_messages);
        result = receive_message(ref, socket, at, flags & ~(unsigned)MSG_WAITFORONE);
        if (result < 0)
            break;
        result = user_put32(at + offsetof(struct user_messages, len), (uint32_t)result);
        if (result)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != NSEC_FOREVER && clock_monotonic() >= deadline)
            break;
    }
    if (done && result < 0 && result != -EAGAIN)
        atomic_store(&socket->error, (int)-result); /* told by the next call */
    return done ? done : result;
}

SYSCALL(recvmmsg, 5, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    nsec_t timeout = NSEC_FOREVER;
    int64_t result = a4 ? time_get(a4, &timeout) : 0;
    if (!result)
        result = socket_borrow((int)a0, &ref, &socket);
    if (result)
        return result;
    nsec_t deadline = a4 ? nsec_add(clock_monotonic(), timeout) : NSEC_FOREVER;
    unsigned n = MIN((unsigned)a2, (unsigned)MESSAGES_MAX);
    result = receive_messages(&ref, socket, a1, n, (unsigned)a3, deadline);
    if (a4 && result > 0) {
        nsec_t left = deadline - clock_monotonic();
        if (time_put(a4, left > 0 ? left : 0) < 0)
            result = -EFAULT;
    }
    fd_return(ref);
    return result;
}
