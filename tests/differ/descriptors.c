// Descriptors: duplicates, pipes, eventfd, epoll, timerfd, signalfd, inotify, poll masks.
#include "families.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

bool descriptors_setup(void)
{
    int ends[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    close(open("a", O_CREAT | O_RDWR, 0644));
    mkdir("d", 0755);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    if (pipe2(ends, O_NONBLOCK) != 0)
        abort();
    dup2(ends[0], SLOT_FIRST);
    dup2(ends[1], SLOT_FIRST + 1);
    dup2(epoll_create1(0), SLOT_FIRST + 2);
    dup2(eventfd(0, EFD_NONBLOCK), SLOT_FIRST + 3);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        abort();
    dup2(ends[0], SLOT_FIRST + 4);
    dup2(ends[1], SLOT_FIRST + 5);
    dup2(inotify_init1(IN_NONBLOCK), SLOT_FIRST + 6);
    // LEFT OUT: files that are removed while open; tests/guest/abi/inotify.c has what is told of
    // them.
    dup2(open("d", O_RDONLY), SLOT_FIRST + 7);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    return true;
}

static void op_make(void)
{
    static const struct named kinds[] = {N(0), N(1), N(2), N(3), N(4), N(5), N(6), N(7)};
    static const struct named epoll_flags[] = {N(0), N(EPOLL_CLOEXEC), N(1)};
    static const struct named event_flags[] = {N(0), N(EFD_SEMAPHORE), N(EFD_CLOEXEC), N(2)};
    static const struct named timer_flags[] = {N(0), N(TFD_CLOEXEC), N(4)};
    static const struct named clocks[] = {N(CLOCK_MONOTONIC), N(CLOCK_REALTIME), N(CLOCK_BOOTTIME),
                                          N(CLOCK_THREAD_CPUTIME_ID), N(99)};
    int in = take_slot(), other = take_slot(), ends[2];
    long fd = -1;
    sigset_t set;
    begin("make");
    switch (ONE(kinds)) {
    case 0:
        fd = call(SYS_epoll_create1, ONE(epoll_flags));
        break;
    case 1: {
        unsigned n = (unsigned)CHOOSE(0, 1, 5);
        fd = call(SYS_eventfd2, n, ONE(event_flags) | EFD_NONBLOCK);
        break;
    }
    case 2: {
        long clock = (long)ONE(clocks);
        fd = call(SYS_timerfd_create, clock, ONE(timer_flags) | TFD_NONBLOCK);
        break;
    }
    case 3:
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        if (chance(50))
            sigaddset(&set, SIGUSR2), say(" +USR2");
        fd = call(SYS_signalfd4, chance(70) ? -1 : slot(), &set, 8, SFD_NONBLOCK);
        break;
    case 4:
        fd = call(SYS_inotify_init1, IN_NONBLOCK);
        break;
    case 5:
    case 6:
        fd = call(SYS_pipe2, ends, O_NONBLOCK);
        break;
    default:
        fd = call(SYS_socketpair, AF_UNIX,
                  CHOOSE(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK, 0, ends);
    }
    if (fd == 0) {
        end(0);
        keep(ends[0], in);
        keep(ends[1], other);
        return;
    }
    end(fd);
    keep(fd, in);
}

static void op_close_range(void)
{
    static const struct named flags[] = {N(0), N(CLOSE_RANGE_CLOEXEC), N(CLOSE_RANGE_CLOEXEC),
                                         N(8)};
    begin("close_range");
    unsigned from = SLOT_FIRST + below(SLOTS), to = from + below(3) - (chance(10) ? 2 : 0);
    arg("%u, %u", from, to);
    end(call(SYS_close_range, from, to, ONE(flags)));
}

static void op_dup(void)
{
    static const struct named commands[] = {N(F_DUPFD), N(F_DUPFD_CLOEXEC)};
    int in = take_slot();
    begin("fcntl");
    int fd = slot();
    uint64_t command = ONE(commands);
    long r = call(SYS_fcntl, fd, command, CHOOSE(0, 5, 40, 255, 256, -1));
    end(r);
    keep(r, in);
}

static void op_dup2(void)
{
    begin("dup2");
    int fd = slot(), to = slot();
    end(call(SYS_dup2, fd, to));
    close(99);
}

static void op_close(void)
{
    begin("close");
    end(call(SYS_close, slot()));
}

static void op_fcntl(void)
{
    static const struct named some[] = {N(F_GETFD),  N(F_GETFL),      N(F_GETOWN),
                                        N(F_GETSIG), N(F_GETPIPE_SZ), N(F_GETLEASE)};
    static const struct named set[] = {N(O_APPEND), N(O_NONBLOCK), N(O_ASYNC), N(O_DIRECT),
                                       N(O_NOATIME)};
    begin("fcntl");
    int fd = slot();
    if (chance(50)) {
        end(call(SYS_fcntl, fd, ONE(some), 0));
    } else if (chance(50)) {
        arg("F_SETFD");
        end(call(SYS_fcntl, fd, F_SETFD, CHOOSE(0, 1, 2, 3)));
    } else if (chance(50)) {
        arg("F_SETFL");
        uint64_t how = (SOME(set, 2) | O_NONBLOCK) & ~(uint64_t)O_ASYNC;
        end(call(SYS_fcntl, fd, F_SETFL, how));
    } else {
        arg("F_SETSIG");
        end(call(SYS_fcntl, fd, F_SETSIG, CHOOSE(0, 10, 64, 65)));
    }
}

static void op_pipe_size(void)
{
    begin("fcntl");
    int fd = slot();
    arg("F_SETPIPE_SZ");
    end(call(SYS_fcntl, fd, F_SETPIPE_SZ, CHOOSE(0, 4096, 4097, 8192, 65536, 1 << 20)));
}

static void op_read(void)
{
    begin("read");
    int fd = slot();
    size_t n = (size_t)CHOOSE(0, 1, 4, 8, 16, 100, 5000);
    long r = call(SYS_read, fd, buffer, n);
    end(r);
    // What signalfd says of the sender and inotify of its cookies is each run's own.
    if (r > 0)
        show_data(buffer, type_of(fd) == 0 && r != 8 ? 0 : r);
}

static void op_write(void)
{
    begin("write");
    int fd = slot();
    uint64_t values[] = {0, 1, 5, -1ul, -2ul};
    unsigned which = below(COUNT(values));
    arg("#%u", which);
    bool anonymous =
        type_of(fd) == 0; // LEFT OUT: Linux 6.9 takes 8 bytes and no more for an eventfd
    data_fill(sizeof(buffer));
    memcpy(buffer, &values[which], 8);
    end(call(SYS_write, fd, buffer, anonymous ? CHOOSE(0, 4, 8, 8) : CHOOSE(8, 16, 4096, 70000)));
}

static void op_queued(void)
{
    int n = -1;
    begin("ioctl");
    int fd = slot();
    arg("FIONREAD");
    long r = call(SYS_ioctl, fd, FIONREAD, &n);
    if (r == -EINVAL)
        r = -ENOTTY; // LEFT OUT: so says epoll since Linux 6.9
    end(r);
    say(" %d", n);
}

static void show_events(const struct epoll_event *e, long n)
{
    // In the order in which they became ready, which is the calls'.
    for (long i = 0; i < n; i++)
        say(" %lu:%#x", (long)e[i].data.u64, e[i].events);
}

static void op_epoll_ctl(void)
{
    static const struct named ops[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_ADD), N(EPOLL_CTL_ADD),
                                       N(EPOLL_CTL_MOD), N(EPOLL_CTL_DEL), N(7)};
    static const struct named events[] = {
        N(EPOLLIN), N(EPOLLIN), N(EPOLLOUT),     N(EPOLLRDHUP),     N(EPOLLPRI),
        N(EPOLLET), N(EPOLLET), N(EPOLLONESHOT), N(EPOLLEXCLUSIVE), N(EPOLLHUP)};
    begin("epoll_ctl");
    int ep = chance(70) ? (arg("%d", SLOT_FIRST + 2), SLOT_FIRST + 2) : slot();
    uint64_t op = ONE(ops);
    int fd = slot();
    struct epoll_event e = {.events = (uint32_t)SOME(events, 3), .data.u64 = (uint64_t)fd};
    end(call(SYS_epoll_ctl, ep, op, fd, chance(3) ? (arg("BAD"), BAD_POINTER) : (void *)&e));
}

static void op_epoll_wait(void)
{
    struct epoll_event e[16];
    begin("epoll_wait");
    int ep = chance(80) ? (arg("%d", SLOT_FIRST + 2), SLOT_FIRST + 2) : slot();
    bool closed = fcntl(ep, F_GETFL) <
                  0; // LEFT OUT: which of both errors is first, 6.1 and 6.18 see otherwise
    long r = call(SYS_epoll_wait, ep, e, closed ? 1 : CHOOSE(16, 16, 16, 1, 0, -1), 0);
    end(r);
    show_events(e, r);
}

static void op_poll(void)
{
    static const struct named events[] = {N(POLLIN),     N(POLLOUT),    N(POLLPRI),
                                          N(POLLRDHUP),  N(POLLRDNORM), N(POLLWRNORM),
                                          N(POLLRDBAND), N(POLLWRBAND)};
    struct pollfd fds[4];
    begin("poll");
    for (int i = 0; i < 4; i++) {
        fds[i].fd = slot();
        fds[i].events = (short)SOME(events, 3);
    }
    end(call(SYS_poll, fds, 4, 0));
    say(" %#x %#x %#x %#x", fds[0].revents, fds[1].revents, fds[2].revents, fds[3].revents);
}

static void op_select(void)
{
    unsigned long in = 0, out = 0, except = 0;
    struct timeval none = {0, 0};
    begin("select");
    for (int i = 0; i < 4; i++) {
        int fd = slot();
        if (fd < 0 || fd > 60)
            continue;
        in |= chance(70) ? 1ul << fd : 0;
        out |= chance(50) ? 1ul << fd : 0;
        except |= chance(30) ? 1ul << fd : 0;
    }
    unsigned long sets[3][16] = {{in}, {out}, {except}};
    end(call(SYS_select, CHOOSE(64, 64, 64, 25, -1), sets[0], sets[1], sets[2], &none));
    say(" %#lx %#lx %#lx", sets[0][0], sets[1][0], sets[2][0]);
}

static void op_timer(void)
{
    struct itimerspec set = {0}, old;
    static const long nanos[] = {0, 0, 0, -1, 1000000000};
    begin("timerfd_settime");
    int fd = slot();
    set.it_value.tv_sec = CHOOSE(0, 1000, -1, 5000); // far: it does not expire while we look
    set.it_value.tv_nsec = choose(nanos, COUNT(nanos));
    set.it_interval.tv_sec = CHOOSE(0, 5, 100);
    long r = call(SYS_timerfd_settime, fd, CHOOSE(0, 0, 2, 4), &set, &old);
    end(r);
    if (r == 0)
        say(" old=%d/%ld", old.it_value.tv_sec != 0, (long)old.it_interval.tv_sec);
    memset(&old, 0, sizeof(old));
    r = call(SYS_timerfd_gettime, fd, &old);
    say(" get=%ld %d/%ld", r, old.it_value.tv_sec != 0, (long)old.it_interval.tv_sec);
}

static void op_expire(void)
{
    struct itimerspec set = {.it_value = {0, 1}};
    uint64_t count;
    begin("expire");
    int fd = slot();
    long r = call(SYS_timerfd_settime, fd, 0, &set, NULL);
    end(r);
    if (r != 0)
        return;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    poll(&p, 1, 10000);
    r = call(SYS_read, fd, &count, 8);
    say(" %#x %ld %lu", p.revents, r, count);
}

static void op_signal(void)
{
    begin("kill");
    end(call(SYS_tgkill, getpid(), gettid(), CHOOSE(SIGUSR1, SIGUSR2)));
}

static void op_take_signal(void)
{
    struct signalfd_siginfo info[3];
    begin("read signals");
    int fd = slot();
    long r = call(SYS_read, fd, info, CHOOSE(128, 384, 127));
    end(r);
    for (long i = 0; i < r / 128 && r % 128 == 0; i++)
        say(" %u", info[i].ssi_signo);
}

static void op_watch(void)
{
    static const struct named masks[] = {N(IN_ALL_EVENTS),  N(IN_CREATE),
                                         N(IN_MODIFY),      N(IN_OPEN),
                                         N(IN_ONLYDIR),     N(IN_MASK_ADD),
                                         N(IN_MASK_CREATE), N(IN_ONESHOT),
                                         N(IN_DONT_FOLLOW), N(IN_DELETE_SELF | IN_ATTRIB)};
    static const struct named names[] = {N("."), N("a"), N("d"), N("nowhere"), N("d/b"), N("a/")};
    begin("inotify_add_watch");
    int fd = chance(70) ? (arg("%d", SLOT_FIRST + 6), SLOT_FIRST + 6) : slot();
    const char *name = (const char *)ONE(names);
    end(call(SYS_inotify_add_watch, fd, name, SOME(masks, 2)));
}

static void op_unwatch(void)
{
    begin("inotify_rm_watch");
    int fd = chance(70) ? (arg("%d", SLOT_FIRST + 6), SLOT_FIRST + 6) : slot();
    end(call(SYS_inotify_rm_watch, fd, CHOOSE(1, 2, 3, 4, 0, -1)));
}

static void op_events(void)
{
    begin("read events");
    int fd = chance(80) ? (arg("%d", SLOT_FIRST + 6), SLOT_FIRST + 6) : slot();
    long r = call(SYS_read, fd, buffer, CHOOSE(16, 32, 8, 4096, 4096));
    end(r);
    int queued; // a signalfd that has come there has no FIONREAD
    if (r < 16 || fd != SLOT_FIRST + 6 || type_of(fd) != 0 || ioctl(fd, FIONREAD, &queued) != 0)
        return;
    for (long at = 0; at + 16 <= r;) {
        struct inotify_event *e = (struct inotify_event *)(buffer + at);
        say(" %d:%#x%s:%.20s", e->wd, e->mask, e->cookie ? "+" : "", e->len ? e->name : "");
        at += 16 + e->len;
    }
}

static void op_change(void)
{
    static const char *const names[] = {"a", "d/b", "d/c", "b", "d"};
    const char *a = names[below(COUNT(names))], *b = names[below(COUNT(names))];
    long r;
    say("change %s %s ", a, b);
    switch (below(7)) {
    case 0:
        r = call(SYS_unlink, a);
        break;
    case 1:
        r = call(SYS_rename, a, b);
        break;
    case 2:
        r = call(SYS_open, a, O_CREAT | O_RDWR, 0600);
        if (r >= 0 && write((int)r, "x", chance(50)) >= 0)
            close((int)r), r = 0;
        break;
    case 3:
        r = call(SYS_chmod, a, 0700);
        break;
    case 4:
        r = call(SYS_truncate, a, below(3));
        break;
    case 5:
        r = call(SYS_mkdir, a, 0700);
        break;
    default:
        r = call(SYS_link, a, b);
    }
    say("= %s", r < 0 ? error_name(-r) : "0");
}

const struct op descriptors_ops[] = {
    {op_make, 8},       {op_close_range, 1}, {op_dup, 4},         {op_dup2, 4},   {op_close, 2},
    {op_fcntl, 5},      {op_pipe_size, 2},   {op_read, 10},       {op_write, 12}, {op_queued, 3},
    {op_epoll_ctl, 14}, {op_epoll_wait, 10}, {op_poll, 8},        {op_select, 4}, {op_timer, 4},
    {op_expire, 2},     {op_signal, 3},      {op_take_signal, 3}, {op_watch, 6},  {op_unwatch, 2},
    {op_events, 6},     {op_change, 8},      {NULL, 0},
};
