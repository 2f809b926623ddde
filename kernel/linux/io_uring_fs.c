/* linux/io_uring_fs.c: requests that work on names and descriptors. Where one exists they make the
 * system call; its names are copied when the request has to wait. */
#include "linux/io_uring.h"

#include "arch/x86_64/trap.h"
#include "lib/string.h"
#include "linux/epoll.h"
#include "linux/path.h"
#include "linux/syscall.h"

struct names {
    struct open_how how;
    char *name[2];
};

int64_t uring_syscall(unsigned nr, const uint64_t args[6])
{
    /* The table itself is for entry.S alone: while a thread is watched its entries want rax. */
    return uring_result(syscall_real[nr](args[0], args[1], args[2], args[3], args[4], args[5]));
}

/* --- names */

static struct names *names_of(struct request *req)
{
    if (!req->data)
        req->data = kzalloc(sizeof(struct names));
    return req->data;
}

/* Which fields of the entry are names: of two the second may be missing. */
static void name_fields(struct request *req, uint64_t *fields[2])
{
    fields[0] = &req->sqe.addr;
    fields[1] = NULL;
    switch (req->sqe.opcode) {
    case OP_RENAMEAT:
    case OP_SYMLINKAT:
    case OP_LINKAT:
        fields[1] = &req->sqe.off;
        break;
    case OP_SETXATTR:
    case OP_GETXATTR:
        fields[1] = &req->sqe.addr3;
        break;
    }
}

static int copy_name(uintptr_t from, char **to)
{
    char *name = kmalloc(PATH_MAX);
    if (!name)
        return -ENOMEM;
    ssize_t n = user_read_string(name, from, PATH_MAX);
    if (n < 0) {
        kfree(name);
        return (int)n;
    }
    *to = krealloc(name, (size_t)n + 1) ?: name;
    return 0;
}

int names_stable(struct request *req)
{
    struct names *names = names_of(req);
    uint64_t *fields[2];
    int err = names ? 0 : -ENOMEM;
    name_fields(req, fields);
    for (unsigned i = 0; i < 2 && !err; i++) {
        if (fields[i])
            err = copy_name(*fields[i], &names->name[i]);
        if (fields[i] && !err)
            *fields[i] = (uintptr_t)names->name[i];
    }
    return err;
}

void names_cleanup(struct request *req)
{
    struct names *names = req->data;
    if (!names)
        return;
    kfree(names->name[0]);
    kfree(names->name[1]);
}

/* linux/path.c takes these, and no others, from the kernel's memory. */
static void offer_names(struct request *req, bool offer)
{
    const struct names *names = req->data;
    uintptr_t *slots = current_task()->kernel_names;
    slots[0] = offer && names ? (uintptr_t)names->name[0] : 0;
    slots[1] = offer && names ? (uintptr_t)names->name[1] : 0;
}

static int64_t call(struct request *req, unsigned nr, const uint64_t args[6])
{
    offer_names(req, true);
    int64_t result = uring_syscall(nr, args);
    offer_names(req, false);
    return result;
}

int prep_names(struct request *req)
{
    return req->sqe.flags & SQE_FIXED_FILE ? -EBADF : 0;
}

URING_ISSUE(issue_names)
{
    const struct sqe *s = &req->sqe;
    uint64_t dir = (uint64_t)s->fd, dir2 = (uint64_t)(int)s->len;
    switch (s->opcode) {
    case OP_RENAMEAT:
        return call(req, NR_renameat2, (uint64_t[]){dir, s->addr, dir2, s->off, s->op_flags, 0});
    case OP_UNLINKAT:
        return call(req, NR_unlinkat, (uint64_t[]){dir, s->addr, s->op_flags, 0, 0, 0});
    case OP_MKDIRAT:
        return call(req, NR_mkdirat, (uint64_t[]){dir, s->addr, s->len, 0, 0, 0});
    case OP_SYMLINKAT:
        return call(req, NR_symlinkat, (uint64_t[]){s->addr, dir, s->off, 0, 0, 0});
    default:
        return call(req, NR_linkat, (uint64_t[]){dir, s->addr, dir2, s->off, s->op_flags, 0});
    }
}

int prep_statx(struct request *req)
{
    return prep_names(req);
}

URING_ISSUE(issue_statx)
{
    const struct sqe *s = &req->sqe;
    return call(req, NR_statx,
                (uint64_t[]){(uint64_t)s->fd, s->addr, s->op_flags, s->len, s->off, 0});
}

/* --- extended attributes */

int prep_xattr(struct request *req)
{
    return req->sqe.flags & SQE_FIXED_FILE ? -EBADF : 0;
}

URING_ISSUE(issue_xattr)
{
    const struct sqe *s = &req->sqe;
    uint64_t on = s->addr3;
    unsigned nr = s->opcode == OP_SETXATTR ? NR_setxattr : NR_getxattr;
    if (s->opcode == OP_FSETXATTR || s->opcode == OP_FGETXATTR) {
        nr = s->opcode == OP_FSETXATTR ? NR_fsetxattr : NR_fgetxattr;
        on = (uint64_t)s->fd;
    }
    return call(req, nr, (uint64_t[]){on, s->addr, s->off, s->len, s->op_flags, 0});
}

/* --- open, close */

int prep_open(struct request *req)
{
    struct names *names = names_of(req);
    if (!names)
        return -ENOMEM;
    if (req->sqe.flags & SQE_FIXED_FILE)
        return -EBADF;
    int err = req->sqe.opcode == OP_OPENAT2
                  ? open_how_get(req->sqe.off, req->sqe.len, &names->how)
                  : open_how_loosely((int)req->sqe.op_flags, req->sqe.len, &names->how);
    if (err)
        return err;
    return req->sqe.file_index && names->how.flags & O_CLOEXEC ? -EINVAL : 0;
}

/* Opening a FIFO or a terminal may take its time. */
static bool may_sleep(const struct user_at *at, const struct open_how *how)
{
    struct path place;
    if (how->flags & (O_PATH | O_NONBLOCK) ||
        vfs_lookup(at->start, at->path.name, how->flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &place) <
            0)
        return false;
    const struct inode *inode = place.dentry->inode;
    uint32_t type = inode ? inode->mode & S_IFMT : 0;
    path_put(&place);
    return type == S_IFIFO || type == S_IFCHR;
}

URING_ISSUE(issue_open)
{
    const struct names *names = req->data;
    struct file *file = NULL;
    struct user_at at;
    offer_names(req, true);
    int err = user_at_get(&at, req->sqe.fd, req->sqe.addr, open_how_at(&names->how));
    offer_names(req, false);
    if (err)
        return err;
    bool later = !may_wait && may_sleep(&at, &names->how);
    if (!later)
        err = open_user_at(&at, &names->how, &file);
    user_at_put(&at);
    if (later)
        return uring_again(req);
    bool cloexec = names->how.flags & O_CLOEXEC;
    return err ? err : files_give(req, !may_wait, file, req->sqe.file_index, cloexec);
}

int prep_close(struct request *req)
{
    if (req->sqe.flags & SQE_FIXED_FILE)
        return -EBADF;
    return req->sqe.file_index && req->sqe.fd ? -EINVAL : 0;
}

/* Rings are not closed through rings. */
static int64_t close_fd(int fd)
{
    struct file *file = fd_get_any(fd);
    if (!file)
        return -EBADF;
    bool is_ring = uring_of(file) != NULL;
    int err = is_ring ? -EBADF : fd_close(fd);
    file_put(file);
    return err;
}

URING_ISSUE(issue_close)
{
    if (!req->sqe.file_index)
        return close_fd(req->sqe.fd);
    if (may_wait)
        uring_lock(req->ring);
    int err = files_close(req->ring, req->sqe.file_index);
    if (may_wait)
        uring_unlock(req->ring);
    return err;
}

/* --- epoll_ctl */

int epoll_stable(struct request *req)
{
    struct epoll_event *event = kzalloc(sizeof(*event));
    if (!event)
        return -ENOMEM;
    req->data = event;
    return req->sqe.len == EPOLL_CTL_DEL ? 0 : user_read(event, req->sqe.addr, sizeof(*event));
}

URING_ISSUE(issue_epoll_ctl)
{
    struct epoll_event event = {};
    if (req->data)
        event = *(struct epoll_event *)req->data;
    else if (req->sqe.len != EPOLL_CTL_DEL && user_read(&event, req->sqe.addr, sizeof(event)) < 0)
        return -EFAULT;
    return epoll_control(req->sqe.fd, (int)req->sqe.len, (int)req->sqe.off, &event);
}

/* --- to another ring */

enum { MSG_DATA, MSG_SEND_FD, MSG_CQE_SKIP = 1 };

int prep_msg_ring(struct request *req)
{
    if (req->sqe.personality || req->sqe.op_flags & ~(uint32_t)MSG_CQE_SKIP)
        return -EINVAL;
    return req->sqe.addr > MSG_SEND_FD ? -EINVAL : 0;
}

static int64_t send_data(struct request *req, struct uring *target)
{
    if (req->sqe.op_flags || req->sqe.file_index || req->sqe.addr3)
        return -EINVAL;
    cq_post(target, req->sqe.off, (int32_t)req->sqe.len, 0);
    cq_tell(target);
    return 0;
}

/* Two rings' locks are never held: what is in the way is tried again by a worker. */
static int64_t send_file(struct request *req, struct uring *target, bool may_wait)
{
    struct uring *own = req->ring;
    if (target == own)
        return -EINVAL;
    if (may_wait)
        uring_lock(own);
    struct file *file = files_get(req, (unsigned)req->sqe.addr3);
    if (may_wait)
        uring_unlock(own);
    if (!file)
        return -EBADF;
    if (may_wait) {
        uring_lock(target);
    } else if (!mutex_trylock(&target->lock)) {
        file_put(file);
        return uring_again(req);
    }
    int64_t result = files_install(target, file, req->sqe.file_index);
    mutex_unlock(&target->lock);
    if (result >= 0 && !(req->sqe.op_flags & MSG_CQE_SKIP))
        cq_post(target, req->sqe.off, (int32_t)req->sqe.len, 0);
    cq_tell(target);
    return result;
}

URING_ISSUE(issue_msg_ring)
{
    struct uring *target = uring_of(req->file);
    if (!target || target->disabled)
        return -EBADFD;
    return req->sqe.addr == MSG_DATA ? send_data(req, target) : send_file(req, target, may_wait);
}
