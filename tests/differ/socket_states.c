// Sockets of any family: their life, names, readiness, and calls on files that find one.
#include "sockets.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>

enum { EPOLL = 62 };

static void op_bind(void)
{
    struct sockaddr_storage a;
    begin("bind");
    int fd = socket_slot();
    socklen_t len = socket_world.draw(&a);
    end(call(SYS_bind, fd, chance(98) ? (void *)&a : BAD_POINTER, len));
}

static void op_connect(void)
{
    struct sockaddr_storage a;
    begin("connect");
    int fd = socket_slot();
    socklen_t len = socket_world.draw(&a);
    if (socket_world.refuses && socket_world.refuses(fd, &a))
        return end(0);
    end(call(SYS_connect, fd, chance(98) ? (void *)&a : BAD_POINTER, len));
    if (socket_world.settle)
        socket_world.settle();
}

static void op_listen(void)
{
    begin("listen");
    int fd = socket_slot();
    long most = CHOOSE(5, 5, 0, 1, -1, 100);
    if (socket_world.settle && most >= 0)
        most = 100; // LEFT OUT: what is refused where the queue is full is tried again in a second
    end(call(SYS_listen, fd, most));
}

static void op_accept(void)
{
    static const struct named flags[] = {N(0), N(SOCK_NONBLOCK), N(SOCK_CLOEXEC), N(SOCK_NONBLOCK),
                                         N(1)};
    struct sockaddr_storage a = {0};
    begin("accept4");
    int fd = socket_slot(), in = take_slot();
    int room = (int)CHOOSE(128, 128, 110, 16, 2, 0, -1), len = room;
    uint64_t how = ONE(flags);
    if (socket_world.settle)
        how |= SOCK_NONBLOCK;
    bool named = chance(70);
    long r = named ? call(SYS_accept4, fd, &a, chance(97) ? &len : BAD_POINTER, how)
                   : call(SYS_accept4, fd, NULL, NULL, how);
    end(r < 0 ? r : 0);
    if (r >= 0 && named)
        show_peer_name(&a, room, len);
    keep(r, in);
    if (r >= 0)
        sockets_ready(in);
    if (r >= 0 && socket_world.settle)
        socket_world.settle();
}

static void op_shutdown(void)
{
    begin("shutdown");
    int fd = socket_slot();
    end(call(SYS_shutdown, fd, CHOOSE(0, 1, 1, 2, 2, 3, -1)));
    if (socket_world.settle)
        socket_world.settle();
}

static void op_names(void)
{
    struct sockaddr_storage a = {0};
    bool peer = chance(50);
    begin(peer ? "getpeername" : "getsockname");
    int fd = socket_slot(), room = (int)CHOOSE(128, 128, 110, 28, 16, 8, 3, 2, 1, 0, -1),
        len = room;
    void *at = chance(97) ? (void *)&a : chance(50) ? NULL : BAD_POINTER;
    long r =
        call(peer ? SYS_getpeername : SYS_getsockname, fd, at, chance(97) ? &len : BAD_POINTER);
    end(r);
    if (r == 0 && at == &a)
        show_peer_name(&a, room, len);
}

static void op_close(void)
{
    begin("close");
    int fd = socket_slot();
    end(call(SYS_close, fd));
    if (socket_world.settle)
        socket_world.settle();
}

static void op_dup(void)
{
    begin("dup");
    int fd = socket_slot(), in = take_slot();
    if (fd == in)
        return end(0);
    end(call(SYS_dup3, fd, in, chance(50) ? O_CLOEXEC : 0));
    if (socket_world.settle)
        socket_world.settle();
}

// --- readiness ---

static void op_poll(void)
{
    struct pollfd all[SLOTS];
    begin("poll");
    long events = CHOOSE(0x7fff, 0x7fff, POLLIN, POLLOUT, POLLRDHUP | POLLPRI, 0);
    for (int i = 0; i < SLOTS; i++)
        all[i] = (struct pollfd){SLOT_FIRST + i, (short)events, 0};
    end(call(SYS_poll, all, SLOTS, 0));
    for (int i = 0; i < SLOTS; i++)
        say(" %x", (unsigned short)all[i].revents);
}

static void op_epoll_ctl(void)
{
    static const struct named events[] = {
        N(EPOLLIN),  N(EPOLLIN | EPOLLOUT),   N(EPOLLRDHUP),
        N(EPOLLPRI), N(EPOLLIN | EPOLLRDHUP), N(EPOLLONESHOT | EPOLLIN | EPOLLOUT)};
    static const struct named ops[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_ADD), N(EPOLL_CTL_MOD),
                                       N(EPOLL_CTL_DEL)};
    begin("epoll_ctl");
    if (fcntl(EPOLL, F_GETFD) < 0)
        dup2(epoll_create1(0), EPOLL), close(3);
    uint64_t op = ONE(ops);
    int fd = socket_slot();
    struct epoll_event e = {(uint32_t)ONE(events), {.u32 = (uint32_t)fd}};
    end(call(SYS_epoll_ctl, EPOLL, op, fd, &e));
}

static void op_epoll_wait(void)
{
    struct epoll_event all[64];
    begin("epoll_wait");
    long n = call(SYS_epoll_wait, EPOLL, all, 64, 0);
    end(n);
    for (unsigned of = SLOT_FIRST; of < SLOT_FIRST + SLOTS; of++)
        for (long i = 0; i < n; i++)
            if (all[i].data.u32 == of)
                say(" %u:%x", of, all[i].events);
}

// --- of files ---

static void op_ioctl(void)
{
    static const struct named commands[] = {N(FIONREAD), N(FIONREAD),  N(TIOCOUTQ), N(FIONBIO),
                                            N(FIOASYNC), N(TCGETS),    N(FIOCLEX),  N(FIONCLEX),
                                            N(0x8906),   N(0x12345678)};
    int n[4] = {77}; // a time takes all
    begin("ioctl");
    int fd = socket_slot();
    uint64_t command = ONE(commands);
    if (command == FIONBIO || command == FIOASYNC)
        n[0] = command == FIONBIO && socket_world.settle ? 1 : (int)below(2);
    if (type_of(fd) != S_IFSOCK)
        return end(0);
    long r = call(SYS_ioctl, fd, command, chance(97) ? (void *)n : BAD_POINTER);
    end(r);
    if (r == 0 && command == TIOCOUTQ && socket_world.settle)
        return; // LEFT OUT: when TCP acknowledges is chance, and of UDP Linux counts structures
    if (r == 0 && command != 0x8906)
        say(" %d", command == TIOCOUTQ ? n[0] != 0 : n[0]);
}

static void op_fcntl(void)
{
    begin("fcntl");
    int fd = socket_slot();
    if (chance(60)) {
        long r = call(SYS_fcntl, fd, F_GETFL, 0);
        end(r);
        return say(" cloexec=%ld", call(SYS_fcntl, fd, F_GETFD, 0));
    }
    long flags = CHOOSE(0, O_NONBLOCK, O_RDWR, O_APPEND, O_DIRECT, O_NOATIME, -1);
    if (type_of(fd) == S_IFREG)
        return end(0);
    if (socket_world.settle)
        flags |= O_NONBLOCK;
    sockets_ready(fd);
    end(call(SYS_fcntl, fd, F_SETFL, flags & ~O_ASYNC));
}

static void op_as_file(void)
{
    struct stat st;
    struct statfs fs;
    char text[100];
    begin("as file");
    int fd = socket_slot();
    if (type_of(fd) != S_IFSOCK)
        return end(0);
    switch (below(20)) {
    case 0:
        return arg("lseek"), end(call(SYS_lseek, fd, 0, CHOOSE(0, 1, 2, 9)));
    case 1:
        return arg("pread"), end(call(SYS_pread64, fd, buffer, 10, CHOOSE(0, 5, -1)));
    case 2:
        return arg("pwrite"), end(call(SYS_pwrite64, fd, buffer, 10, CHOOSE(0, 5, -1)));
    case 3:
        return arg("ftruncate"), end(call(SYS_ftruncate, fd, CHOOSE(0, 5, -1)));
    case 4:
        return arg("fsync"), end(call(SYS_fsync, fd));
    case 5:
        return arg("fallocate"), end(call(SYS_fallocate, fd, 0, 0, 100));
    case 6:
        arg("mmap");
        return end(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0);
    case 7:
        return arg("getdents"), end(call(SYS_getdents64, fd, buffer, 100));
    case 8:
        return arg("flock"), end(call(SYS_flock, fd, LOCK_EX | LOCK_NB)), (void)flock(fd, LOCK_UN);
    case 9:
        return arg("fchdir"), end(call(SYS_fchdir, fd));
    case 10:
        arg("fstat");
        end(call(SYS_fstat, fd, &st));
        return say(" %o n=%lu %u:%u size=%ld blocks=%ld", st.st_mode, (long)st.st_nlink, st.st_uid,
                   st.st_gid, (long)st.st_size, (long)st.st_blocks);
    case 11:
        arg("fstatfs");
        end(call(SYS_fstatfs, fd, &fs));
        return say(" %lx", (long)fs.f_type);
    case 12:
        return arg("fadvise"), end(call(SYS_fadvise64, fd, 0, 100, 0));
    case 13:
        return arg("sync_file_range"), end(call(SYS_sync_file_range, fd, 0, 100, 0));
    case 14:
        return arg("readahead"), end(call(SYS_readahead, fd, 0, 100));
    case 15: {
        struct flock lock = {.l_type = F_WRLCK};
        arg("lock");
        end(call(SYS_fcntl, fd, F_SETLK, &lock));
        lock.l_type = F_UNLCK;
        fcntl(fd, F_SETLK, &lock);
        return;
    }
    case 16:
        arg("owner");
        long r = call(SYS_fcntl, fd, F_SETOWN, CHOOSE(0, 99999999, 0x80000000));
        end(r);
        return say(" %ld", call(SYS_fcntl, fd, F_GETOWN));
    case 17:
        sprintf(text, "/proc/self/fd/%d", fd);
        arg("open");
        r = call(SYS_openat, PROC, text + 6, O_RDWR);
        return end(r);
    case 18:
        return arg("pipe size"), end(call(SYS_fcntl, fd, F_SETPIPE_SZ, 4096));
    default:
        arg("preadv2");
        struct iovec part = {buffer, 10};
        return end(call(SYS_preadv2, fd, &part, 1, -1, -1, CHOOSE(0, 8, 8, 2, 0x100)));
    }
}

static void op_file(void)
{
    int in = take_slot(), ends[2];
    begin("file");
    switch (CHOOSE(0, 1, 2)) {
    case 0:
        end(0);
        keep(call(SYS_open, "f", O_RDWR), in);
        break;
    case 1:
        end(0);
        keep(call(SYS_epoll_create1, 0), in);
        break;
    default:
        end(pipe2(ends, O_NONBLOCK));
        keep(ends[0], in);
        close(ends[1]);
    }
    if (socket_world.settle)
        socket_world.settle();
}

const struct op socket_state_ops[] = {
    {op_bind, 12},    {op_connect, 18},  {op_listen, 7},     {op_accept, 12},
    {op_shutdown, 5}, {op_names, 7},     {op_close, 4},      {op_dup, 2},
    {op_poll, 8},     {op_epoll_ctl, 6}, {op_epoll_wait, 6}, {op_ioctl, 6},
    {op_fcntl, 4},    {op_as_file, 3},   {op_file, 1},       {NULL, 0},
};
