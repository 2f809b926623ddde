/* linux/socket.c: sockets but for their messages (man 2 socket, bind, connect, accept, ...). */
#include "core/boot.h"
#include "lib/string.h"
#include "linux/groups.h"
#include "linux/path.h"
#include "linux/pidfd.h"
#include "linux/sockets.h"
#include "linux/syscall.h"
#include "mm/heap.h"
#include "net/filter.h"
#include "net/unix.h"

enum { SOCK_TYPE_MASK = 15, SOCK_NONBLOCK = O_NONBLOCK, SOCK_CLOEXEC = O_CLOEXEC };
enum { SOL_TCP = 6, SOL_IPV6 = 41, TCP_SAVED_SYN = 28, SOL_RAW = 255, AF_INET6 = 10 };
enum { IPV6_FLOWLABEL_MGR = 32, LABEL_AT = 16 };
enum { OPTION_MAX = 4096, OPTION_MAX6 = (64 << 10) + 1 };

int socket_borrow(int fd, struct fd_ref *ref, struct socket **socket)
{
    *ref = fd_borrow(fd);
    if (!ref->file)
        return -EBADF;
    *socket = socket_of(ref->file);
    if (*socket)
        return 0;
    fd_return(*ref);
    return -ENOTSOCK;
}

/* What SO_PEERCRED tells the other side: the effective user. */
struct socket_cred caller_cred(void)
{
    struct task *task = current_task();
    return (struct socket_cred){task->process->pid, task->cred.euid, task->cred.egid};
}

/* What SCM_CREDENTIALS tells it: the real one. */
struct socket_cred sender_cred(void)
{
    struct task *task = current_task();
    return (struct socket_cred){task->process->pid, task->cred.uid, task->cred.gid};
}

/* With the right, or as many as it may have open. */
static unsigned long in_flight_limit(uint32_t *uid)
{
    *uid = current_task()->cred.uid;
    if (capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
        return ~0ul;
    return current_process()->limits[LIMIT_NOFILE][0];
}

static int give_hook(void)
{
    unix_in_flight_hook = in_flight_limit;
    socket_cred_hook = sender_cred;
    return 0;
}
BOOT_STEP(PHASE_FS, "socket credentials", give_hook);

int address_get(struct socket_address *address, uintptr_t addr, int len)
{
    if (len < 0 || len > (int)sizeof(address->bytes))
        return -EINVAL;
    *address = (struct socket_address){.len = (unsigned)len};
    return user_read(address->bytes, addr, (size_t)len);
}

static int put_name(const struct socket_address *address, uintptr_t addr, uintptr_t len_addr)
{
    uint32_t room;
    if (user_get32(len_addr, &room) < 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (user_write(addr, address->bytes, MIN(room, address->len)) < 0)
        return -EFAULT;
    return user_put32(len_addr, address->len);
}

int address_put(const struct socket_address *address, uintptr_t addr, uintptr_t len_addr)
{
    return addr ? put_name(address, addr, len_addr) : 0;
}

/* --- making
 * -----------------------------------------------------------------------------------------------
 */

static int split_type(int type, int *flags)
{
    *flags = type & ~SOCK_TYPE_MASK;
    return *flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC) ? -EINVAL : type & SOCK_TYPE_MASK;
}

/* A socket with its file; on failure neither. */
int socket_make(int family, int type, int protocol, int flags, struct file **file)
{
    struct socket *socket;
    int err = socket_create(family, type, protocol, &socket);
    if (err)
        return err;
    socket->cred = caller_cred();
    err = socket_file(socket, flags, file);
    if (err)
        socket->ops->release(socket);
    return err;
}

SYSCALL(socket, 3, SYSCALL_WHOLE, "")
{
    int flags, type = split_type((int)a1, &flags);
    if (type < 0)
        return type;
    struct file *file = NULL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    int err = socket_make((int)a0, type, (int)a2, flags, &file);
    return fd_finish(fd, err, file, flags & SOCK_CLOEXEC);
}

static int make_pair(int family, int type, int protocol, int flags, struct file *files[2])
{
    int err = socket_make(family, type, protocol, flags, &files[0]);
    if (err)
        return err;
    err = socket_make(family, type, protocol, flags, &files[1]);
    if (err) {
        file_put(files[0]);
        return err;
    }
    struct socket *a = socket_of(files[0]), *b = socket_of(files[1]);
    err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
    if (err) {
        file_put(files[0]);
        file_put(files[1]);
    }
    return err;
}

SYSCALL(socketpair, 4, SYSCALL_WHOLE, "")
{
    int flags, type = split_type((int)a1, &flags);
    if (type < 0)
        return type;
    struct file *files[2];
    int err = make_pair((int)a0, type, (int)a2, flags, files);
    return err ? err : fd_install_pair(files, flags & SOCK_CLOEXEC, a3);
}

/* --- connecting
 * ------------------------------------------------------------------------------------------- */

SYSCALL(bind, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    struct socket_address address;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err;
    err = address_get(&address, a1, (int)a2);
    if (!err)
        err = socket->ops->bind(socket, &address);
    fd_return(ref);
    return err;
}

SYSCALL(listen, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err;
    socket->cred = caller_cred();
    err = socket->ops->listen(socket, (int)a1);
    fd_return(ref);
    return err;
}

SYSCALL(connect, 3, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    struct socket_address address;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err == -EBADF ? err : address_get(&address, a1, (int)a2) ?: err;
    err = address_get(&address, a1, (int)a2);
    if (!err) {
        socket->cred = caller_cred();
        err = socket->ops->connect(socket, &address, ref.file->flags & O_NONBLOCK);
    }
    fd_return(ref);
    return err;
}

/* Wait for a connection and make it a file. */
int socket_accept(struct socket *socket, bool nonblock, int flags, uintptr_t addr,
                  uintptr_t len_addr, struct file **file)
{
    struct socket *new;
    int err = socket->ops->accept(socket, nonblock, &new);
    if (err)
        return err;
    new->cred = socket->cred;
    err = socket_file(new, flags, file);
    if (err) {
        new->ops->release(new);
        return err;
    }
    struct socket_address address;
    if (addr) {
        err = new->ops->name(new, true, &address);
        err = err ? -ECONNABORTED : address_put(&address, addr, len_addr);
    }
    if (err)
        file_put(*file);
    return err;
}

static int64_t do_accept(int fd, uintptr_t addr, uintptr_t len_addr, int flags)
{
    struct fd_ref ref;
    struct socket *socket;
    int err = socket_borrow(fd, &ref, &socket);
    if (err != -EBADF && flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
        if (!err)
            fd_return(ref);
        return -EINVAL;
    }
    if (err)
        return err;
    struct file *file = NULL;
    int new = fd_reserve(0);
    if (new >= 0) {
        err = socket_accept(socket, ref.file->flags & O_NONBLOCK, flags, addr, len_addr, &file);
        new = fd_finish(new, err, file, flags & SOCK_CLOEXEC);
    }
    fd_return(ref);
    return new;
}

SYSCALL(accept, 3, SYSCALL_WHOLE, "")
{
    return do_accept((int)a0, a1, a2, 0);
}

SYSCALL(accept4, 4, SYSCALL_WHOLE, "")
{
    return do_accept((int)a0, a1, a2, (int)a3);
}

SYSCALL(shutdown, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err;
    err = (unsigned)a1 > SHUT_RDWR ? -EINVAL : socket->ops->shutdown(socket, (int)a1);
    fd_return(ref);
    return err;
}

static int64_t get_name(int fd, bool peer, uintptr_t addr, uintptr_t len_addr)
{
    struct fd_ref ref;
    struct socket *socket;
    struct socket_address address;
    int err = socket_borrow(fd, &ref, &socket);
    if (err)
        return err;
    err = socket->ops->name(socket, peer, &address);
    if (!err)
        err = put_name(&address, addr, len_addr);
    fd_return(ref);
    return err;
}

SYSCALL(getsockname, 3, SYSCALL_WHOLE, "")
{
    return get_name((int)a0, false, a1, a2);
}

SYSCALL(getpeername, 3, SYSCALL_WHOLE, "")
{
    return get_name((int)a0, true, a1, a2);
}

/* --- options
 * ---------------------------------------------------------------------------------------------- */

static int set_option(struct socket *socket, int level, int name, uintptr_t addr, int len)
{
    char small[64], *value = small;
    if (len < 0)
        return -EINVAL;
    if ((size_t)len > sizeof(small)) {
        len = MIN(len, level == SOL_IPV6 ? OPTION_MAX6 : OPTION_MAX);
        value = kmalloc((size_t)len);
        if (!value)
            return -ENOMEM;
    }
    int err = user_read(value, addr, (size_t)len);
    if (!err)
        err = socket_set_option(socket, level, name, value, (size_t)len, capable(CAP_NET_ADMIN));
    if (!err && level == SOL_IPV6 && name == IPV6_FLOWLABEL_MGR) /* which one was chosen */
        user_write(addr + LABEL_AT, value + LABEL_AT, sizeof(uint32_t));
    if (value != small)
        kfree(value);
    return err;
}

SYSCALL(setsockopt, 5, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err;
    err = set_option(socket, (int)a1, (int)a2, a3, (int)a4);
    fd_return(ref);
    return err;
}

static int get_option(struct socket *socket, int level, int name, uintptr_t addr,
                      uintptr_t len_addr)
{
    alignas(8) char small[256];
    char *value = small;
    uint32_t room;
    if (user_get32(len_addr, &room) < 0)
        return -EFAULT;
    /* Those of IPv6 take a length below 0 for a large one, as Linux does. */
    if ((int32_t)room < 0 && level != SOL_IPV6 &&
        (level == SOL_SOCKET || socket->family != AF_UNIX) &&
        (level != SOL_RAW || socket->family != AF_INET6))
        return -EINVAL;
    if (room > sizeof(small)) {
        room = MIN(room, (uint32_t)OPTION_MAX);
        value = kzalloc(room);
        if (!value)
            return -ENOMEM;
    }
    user_read_partial(value, addr, room); /* some options are asked with a value */
    int len = socket_get_option(socket, level, name, value, room);
    /* The length may be what there is, not what there is room for. */
    if (len > (int32_t)room && level == SOL_TCP && name == TCP_SAVED_SYN)
        len = user_put32(len_addr, (uint32_t)len) ?: -EINVAL;
    else if (len >= 0)
        len = user_write(addr, value, MIN((uint32_t)len, room)) < 0
                  ? -EFAULT
                  : user_put32(len_addr, (uint32_t)len);
    if (value != small)
        kfree(value);
    return len;
}

/* The peer as SO_PEERCRED has it; -ENODATA. */
static int get_peer(struct socket *socket, struct socket_cred *cred)
{
    int n = socket_get_option(socket, SOL_SOCKET, SO_PEERCRED, cred, sizeof(*cred));
    return n == sizeof(*cred) && cred->pid ? 0 : -ENODATA;
}

/* The supplementary groups that the peer had when it connected or listened. */
static int get_peer_groups(struct socket *socket, uintptr_t addr, uintptr_t len_addr)
{
    uint32_t room;
    struct socket_cred cred;
    if (user_get32(len_addr, &room) < 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (socket->family != AF_UNIX || get_peer(socket, &cred) < 0)
        return -ENODATA;
    struct group_set *set = unix_peer_groups(unix_of(socket));
    uint32_t size = set ? set->n * (uint32_t)sizeof(set->ids[0]) : 0;
    int err = room < size ? -ERANGE : size ? user_write(addr, set->ids, size) : 0;
    group_set_put(set);
    return user_put32(len_addr, size) < 0 ? -EFAULT : err;
}

static int get_peer_pidfd(struct socket *socket, uintptr_t addr, uintptr_t len_addr)
{
    uint32_t room;
    struct socket_cred cred;
    struct file *file = NULL;
    if (user_get32(len_addr, &room) < 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    room = MIN(room, (uint32_t)sizeof(int32_t));
    int err = get_peer(socket, &cred);
    if (err)
        return err;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    rcu_read_lock();
    struct process *process = process_find(cred.pid);
    rcu_read_unlock();
    err = process ? pidfd_file(process, 0, &file) : -ESRCH;
    if (!err && (user_write(addr, &fd, room) < 0 || user_put32(len_addr, room) < 0)) {
        file_put(file);
        err = -EFAULT;
    }
    fd = fd_finish(fd, err, file, true);
    return fd < 0 ? fd : 0;
}

/* SO_GET_FILTER: lengths are numbers of instructions. */
static int get_filter(struct socket *socket, uintptr_t addr, uintptr_t len_addr)
{
    uint32_t room;
    if (user_get32(len_addr, &room) < 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    int n = socket_filter_get(socket, addr, room);
    return n < 0 ? n : user_put32(len_addr, (uint32_t)n);
}

SYSCALL(getsockopt, 5, SYSCALL_WHOLE, "")
{
    struct fd_ref ref;
    struct socket *socket;
    int err = socket_borrow((int)a0, &ref, &socket);
    if (err)
        return err;
    if ((int)a1 == SOL_SOCKET && (int)a2 == SO_ATTACH_FILTER)
        err = get_filter(socket, a3, a4);
    else if ((int)a1 == SOL_SOCKET && ((int)a2 == SO_PEERGROUPS || (int)a2 == SO_PEERPIDFD))
        err = (int)a2 == SO_PEERGROUPS ? get_peer_groups(socket, a3, a4)
                                       : get_peer_pidfd(socket, a3, a4);
    else
        err = get_option(socket, (int)a1, (int)a2, a3, a4);
    fd_return(ref);
    return err;
}
