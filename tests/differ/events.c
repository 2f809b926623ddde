// Descriptors that tell of events: epoll, poll, select, eventfd, timerfd, signalfd, and what they
// look at. events_told.c has inotify, leases and signals of descriptors.
//
// LEFT OUT: what waits; timers that go off.
#include "events.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

bool events_setup(void)
{
    sigset_t set;
    for (int fd = 3; fd < PEER_OUT; fd++)
        close(fd);
    sigfillset(&set);
    sigdelset(&set, SIGALRM);
    sigprocmask(SIG_SETMASK, &set, NULL);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    for (const char *const *name = (const char *const[]){"a", "b", "d/a", "d/e/c", NULL}; *name;
         name++) {
        int fd = open(*name, O_CREAT | O_RDWR, 0644);
        if (fd < 0 || write(fd, "text", 4) != 4)
            abort();
        close(fd);
    }
    symlink("a", "l");
    symlink("d", "m");
    for (int i = 0; i < 3; i++)
        dup2(open(i == 0 ? "a" : i == 1 ? "d" : "b", i == 2 ? O_RDWR : O_RDONLY), SLOT_FIRST + i);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    return true;
}

bool would_wait(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return !(fcntl(fd, F_GETFL) & O_NONBLOCK) && poll(&p, 1, 0) == 0;
}

// --- descriptors ---

static void op_eventfd(void)
{
    static const struct named flags[] = {N(EFD_SEMAPHORE), N(EFD_NONBLOCK), N(EFD_CLOEXEC), N(2)};
    begin("eventfd2");
    int to = take_slot();
    unsigned first = (unsigned)CHOOSE(0, 0, 1, 3, INT32_MAX, -1);
    long r = call(SYS_eventfd2, first, SOME(flags, 2));
    end(r);
    keep(r, to);
}

static void op_pipe(void)
{
    int ends[2], to = take_slot();
    static const struct named flags[] = {N(O_NONBLOCK), N(O_DIRECT)};
    begin("pipe2");
    long r = call(SYS_pipe2, ends, SOME(flags, 1) | O_NONBLOCK);
    end(r);
    keep(ends[0], to);
    keep(ends[1], take_slot());
}

static void op_socketpair(void)
{
    int ends[2], to = take_slot();
    begin("socketpair");
    long r = call(SYS_socketpair, AF_UNIX,
                  CHOOSE(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK, 0, ends);
    end(r);
    keep(ends[0], to);
    keep(ends[1], take_slot());
}

static void op_open(void)
{
    static const struct named flags[] = {N(O_RDWR),     N(O_RDONLY), N(O_WRONLY),
                                         N(O_NONBLOCK), N(O_PATH),   N(O_TRUNC)};
    begin("open");
    const char *name = path();
    int to = take_slot();
    long r = call(SYS_open, name, SOME(flags, 2) | O_NONBLOCK);
    end(r);
    keep(r, to);
}

static void op_dup(void)
{
    begin("dup");
    int from = slot(), to = take_slot();
    long r = call(SYS_dup, from);
    end(r);
    keep(r, to);
}

static void op_close(void)
{
    begin("close");
    end(call(SYS_close, slot()));
}

static void op_shutdown(void)
{
    begin("shutdown");
    int fd = slot();
    end(call(SYS_shutdown, fd, CHOOSE(0, 1, 2, 3)));
}

static void op_write(void)
{
    static const uint64_t values[] = {0, 1, 1, 5, UINT64_MAX - 1, UINT64_MAX, 1ull << 63};
    begin("write");
    int fd = slot();
    size_t n = (size_t)CHOOSE(8, 8, 8, 8, 0, 1, 7, 9, 100, 4096);
    uint64_t value = values[below(COUNT(values))];
    arg("%#lx", value);
    memset(buffer, 'w', 5000);
    memcpy(buffer, &value, sizeof(value));
    if (would_wait(fd, POLLOUT) || (value > 1 && !(fcntl(fd, F_GETFL) & O_NONBLOCK)))
        return end(0);
    end(call(SYS_write, fd, chance(97) ? buffer : (arg("BAD"), (char *)BAD_POINTER), n));
}

static void show_siginfo(const struct signalfd_siginfo *s)
{
    say(" {%u code=%d fd=%d band=%#x int=%d errno=%d}", s->ssi_signo, s->ssi_code, s->ssi_fd,
        s->ssi_band, s->ssi_int, s->ssi_errno);
}

static bool is_of(int fd, const char *what)
{
    char name[40], link[100] = "";
    snprintf(name, sizeof(name), "self/fd/%d", fd);
    return readlinkat(PROC, name, link, sizeof(link) - 1) > 0 && strstr(link, what);
}

static void op_read(void)
{
    begin("read");
    int fd = slot();
    size_t n = (size_t)CHOOSE(8, 8, 8, 128, 256, 4096, 4096, 4096, 0, 1, 7, 9, 16, 17, 31, 48, 127);
    if (would_wait(fd, POLLIN))
        return end(0);
    memset(buffer, 0x55, 5000);
    long r = call(SYS_read, fd, chance(97) ? buffer : (arg("BAD"), (char *)BAD_POINTER), n);
    end(r);
    if (is_of(fd, "inotify"))
        show_inotify(buffer, r);
    else if (is_of(fd, "[signalfd]"))
        for (long at = 0; at + 128 <= r; at += 128)
            show_siginfo((void *)(buffer + at));
    else
        show_data(buffer, r);
}

static void op_fionread(void)
{
    int n = -1;
    begin("FIONREAD");
    long r = call(SYS_ioctl, slot(), chance(85) ? FIONREAD : FIOASYNC, &n);
    end(r);
    say(" %d", n);
}

static void op_setfl(void)
{
    static const struct named flags[] = {N(O_APPEND), N(O_ASYNC), N(O_ASYNC)};
    begin("F_SETFL");
    int fd = slot();
    end(call(SYS_fcntl, fd, F_SETFL, SOME(flags, 1) | O_NONBLOCK));
    say(" %#lx", call(SYS_fcntl, fd, F_GETFL, 0));
}

// --- timerfd ---

static void op_timerfd(void)
{
    static const struct named clocks[] = {
        N(CLOCK_REALTIME),       N(CLOCK_MONOTONIC),          N(CLOCK_BOOTTIME),
        N(CLOCK_REALTIME_ALARM), N(CLOCK_BOOTTIME_ALARM),     N(CLOCK_TAI),
        N(CLOCK_MONOTONIC_RAW),  N(CLOCK_PROCESS_CPUTIME_ID), N(-1)};
    static const struct named flags[] = {N(TFD_NONBLOCK), N(TFD_CLOEXEC), N(1)};
    begin("timerfd_create");
    int to = take_slot();
    int clock = (int)(chance(80) ? (int)CHOOSE(0, 1, 7) : (int)ONE(clocks));
    long r = call(SYS_timerfd_create, clock, SOME(flags, 2));
    end(r);
    keep(r, to);
}

static void show_spec(const struct itimerspec *its)
{
    long left = its->it_value.tv_sec; /* a day is added at least: what passes is not seen */
    say(" {every %ld.%09ld, in %ld}", (long)its->it_interval.tv_sec, its->it_interval.tv_nsec,
        left                         ? (left + 1000) / 10000
        : its->it_value.tv_nsec != 0 ? -1
                                     : 0);
}

static void op_settime(void)
{
    static const struct named flags[] = {N(TFD_TIMER_ABSTIME), N(TFD_TIMER_CANCEL_ON_SET), N(4)};
    struct itimerspec its = {{0, 0}, {0, 0}}, old = {{7, 7}, {7, 7}};
    begin("timerfd_settime");
    int fd = slot();
    unsigned how = (unsigned)SOME(flags, 2);
    its.it_interval.tv_sec = CHOOSE(0, 0, 1, 100000, -1, INT64_MAX);
    its.it_interval.tv_nsec = CHOOSE(0, 0, 0, 1, 999999999, 1000000000, -1);
    its.it_value.tv_sec = CHOOSE(0, 0, 100000000, 50000000, -1, 4000000000, INT64_MAX);
    its.it_value.tv_nsec = its.it_value.tv_sec == 0 ? CHOOSE(0, 0, 1000000000, -1)
                                                    : CHOOSE(0, 0, 1, 999999999, 1000000000);
    long r =
        call(SYS_timerfd_settime, fd, how, chance(97) ? (void *)&its : (arg("BAD"), BAD_POINTER),
             chance(90)   ? (void *)&old
             : chance(70) ? NULL
                          : (arg("BADOLD"), BAD_POINTER));
    end(r);
    if (how & TFD_TIMER_ABSTIME) { // LEFT OUT: how far off it is, which depends on the day
        struct itimerspec none = {{0, 0}, {0, 0}};
        if (its.it_value.tv_sec)
            call(SYS_timerfd_settime, fd, 0, &none, NULL);
    }
    if (r == 0)
        show_spec(&old);
}

static void op_gettime(void)
{
    struct itimerspec its = {{7, 7}, {7, 7}};
    begin("timerfd_gettime");
    long r = call(SYS_timerfd_gettime, slot(), chance(95) ? (void *)&its : BAD_POINTER);
    end(r);
    if (r == 0)
        show_spec(&its);
}

// --- signalfd ---

static const int some_signals[] = {SIGUSR1, SIGUSR2, SIGIO, 40, 41, SIGTERM};

static void op_signalfd(void)
{
    static const struct named flags[] = {N(SFD_NONBLOCK), N(SFD_CLOEXEC), N(1)};
    uint64_t mask = 0;
    begin("signalfd4");
    int to = take_slot();
    for (unsigned i = below(5); i > 0; i--)
        mask |= 1ull << (some_signals[below(COUNT(some_signals))] - 1);
    if (chance(10))
        mask = ~0ull;
    arg("%#lx", mask);
    int fd = chance(70) ? (arg("-1"), -1) : slot();
    size_t size = chance(95) ? 8 : (size_t)CHOOSE(0, 4, 16, 128);
    long r = call(SYS_signalfd4, fd, chance(97) ? (void *)&mask : (arg("BAD"), BAD_POINTER), size,
                  SOME(flags, 1));
    end(r);
    if (fd == -1)
        keep(r, to);
}

static void op_signal(void)
{
    begin("rt_sigqueueinfo");
    siginfo_t si = {.si_code = -1};
    int which = some_signals[below(COUNT(some_signals))];
    arg("%d", which);
    si.si_int = (int)CHOOSE(0, 1, 77, -1);
    si.si_code = (int)CHOOSE(SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO);
    if (chance(70))
        return end(call(SYS_rt_sigqueueinfo, getpid(), which, &si));
    arg("tgkill");
    end(call(SYS_tgkill, getpid(), gettid(), which));
}

static void op_dequeue(void)
{
    siginfo_t si;
    uint64_t mask = ~0ull;
    struct timespec none = {0, 0};
    begin("rt_sigtimedwait");
    memset(&si, 0, sizeof(si));
    long r = call(SYS_rt_sigtimedwait, &mask, &si, &none, 8);
    end(r);
    if (r > 0)
        say(" code=%d int=%d band=%#lx fd=%d", si.si_code, si.si_code == SI_QUEUE ? si.si_int : 0,
            si.si_code > 0 ? si.si_band : 0, si.si_code > 0 ? si.si_fd : 0);
}

// --- epoll ---

static void op_epoll_create(void)
{
    begin("epoll_create");
    int to = take_slot();
    long r = chance(70) ? call(SYS_epoll_create1, chance(90) ? EPOLL_CLOEXEC : CHOOSE(0, 1, -1))
                        : call(SYS_epoll_create, CHOOSE(1, 100, 0, -1));
    end(r);
    keep(r, to);
}

static int an_epoll(void)
{
    int some[SLOTS], n = 0;
    for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++)
        if (is_of(fd, "[eventpoll]"))
            some[n++] = fd;
    if (n == 0 || chance(4))
        return slot();
    int fd = some[below(n)];
    arg("%d", fd);
    return fd;
}

static void op_epoll_ctl(void)
{
    static const struct named events[] = {
        N(EPOLLIN),     N(EPOLLIN),  N(EPOLLOUT),    N(EPOLLET),     N(EPOLLET),  N(EPOLLONESHOT),
        N(EPOLLWAKEUP), N(EPOLLPRI), N(EPOLLRDHUP),  N(EPOLLRDNORM), N(EPOLLMSG), N(0x08000000),
        N(EPOLLERR),    N(EPOLLHUP), N(EPOLLWRBAND), N(0x20)};
    struct epoll_event ev;
    static const struct named ops[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_ADD), N(EPOLL_CTL_ADD),
                                       N(EPOLL_CTL_MOD), N(EPOLL_CTL_MOD), N(EPOLL_CTL_DEL)};
    begin("epoll_ctl");
    int ep = an_epoll();
    int op = chance(97) ? (int)ONE(ops) : (int)CHOOSE(0, 4, -1);
    int fd = slot();
    ev.events = (uint32_t)SOME(events, 3);
    if (chance(50))
        ev.events |= EPOLLIN | EPOLLOUT, arg("IN|OUT");
    if (chance(10))
        ev.events |= EPOLLEXCLUSIVE, arg("EXCLUSIVE");
    ev.data.u64 = rnd() >> 40 << 8 | fd;
    end(call(SYS_epoll_ctl, ep, op, fd, chance(97) ? (void *)&ev : (arg("BAD"), BAD_POINTER)));
}

static void op_epoll_wait(void)
{
    struct epoll_event ev[10];
    uint64_t mask = ~0ull;
    struct timespec at = {0, 0};
    memset(ev, 0, sizeof(ev));
    begin("epoll_wait");
    int ep = an_epoll();
    int most = (int)CHOOSE(10, 10, 10, 10, 1, 2, 3, 0, -1, INT32_MAX);
    if (most > 10 && !is_of(ep, "[eventpoll]"))
        most = 10;
    void *to = chance(97) ? (void *)ev : (arg("BAD"), BAD_POINTER);
    long r;
    switch (below(4)) {
    case 0:
        r = call(SYS_epoll_pwait, ep, to, most, 0, chance(60) ? NULL : &mask,
                 CHOOSE(8, 8, 8, 0, 4));
        break;
    case 1:
        at.tv_nsec = CHOOSE(0, 0, 0, 0, -1, 1000000000);
        r = call(SYS_epoll_pwait2, ep, to, most, chance(95) ? (void *)&at : BAD_POINTER, NULL,
                 CHOOSE(8, 8, 0, 4));
        break;
    default:
        r = call(SYS_epoll_wait, ep, to, most, 0);
    }
    end(r);
    for (long i = 0; i < r && i < 10; i++)
        say(" %#x:%lx", ev[i].events, ev[i].data.u64);
}

// --- poll, select ---

static void op_poll(void)
{
    static const struct named events[] = {N(POLLIN),     N(POLLOUT),    N(POLLPRI),    N(POLLRDHUP),
                                          N(POLLERR),    N(POLLRDNORM), N(POLLRDBAND), N(POLLNVAL),
                                          N(POLLWRNORM), N(POLLWRBAND), N(POLLMSG),    N(-1)};
    struct pollfd p[8];
    struct timespec at = {0, 0};
    uint64_t mask = ~0ull;
    unsigned n = 1 + below(8);
    memset(p, 0, sizeof(p));
    begin("poll");
    for (unsigned i = 0; i < n; i++)
        p[i].fd = slot(), p[i].events = (short)SOME(events, 3), p[i].revents = 0x5555;
    void *from = chance(97) ? (void *)p : (arg("BAD"), BAD_POINTER);
    if (chance(3))
        n = (unsigned)CHOOSE(257, -1, 0);
    long r;
    if (chance(60)) {
        r = call(SYS_poll, from, n, 0);
    } else {
        at.tv_nsec = CHOOSE(0, 0, 0, 0, -1, 1000000000);
        r = call(SYS_ppoll, from, n, chance(96) ? (void *)&at : BAD_POINTER,
                 chance(60) ? NULL : &mask, CHOOSE(8, 8, 0, 4));
    }
    end(r);
    for (unsigned i = 0; i < n && n <= 8; i++)
        say(" %#x", p[i].revents & 0xffff);
}

static void op_select(void)
{
    uint64_t sets[3] = {0, 0, 0};
    struct timespec at = {0, 0};
    struct timeval tv = {0, 0};
    uint64_t mask = ~0ull;
    struct {
        void *mask;
        size_t size;
    } with = {NULL, 8};
    begin("select");
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            if (chance(50)) {
                int fd = slot();
                if (fd >= 0 && fd < 64)
                    sets[i] |= 1ull << fd;
            }
    int n = (int)CHOOSE(30, 30, 30, 30, 25, 64, 0, -1);
    void *in = chance(97) ? (void *)&sets[0] : (arg("BAD"), BAD_POINTER);
    void *out = chance(85) ? (void *)&sets[1] : NULL, *pri = chance(70) ? &sets[2] : NULL;
    long r;
    if (chance(60)) {
        tv.tv_usec = CHOOSE(0, 0, 0, 0, -1);
        r = call(SYS_select, n, in, out, pri, chance(97) ? (void *)&tv : BAD_POINTER);
    } else {
        at.tv_nsec = CHOOSE(0, 0, 0, 0, -1, 1000000000);
        if (chance(50))
            with.mask = chance(90) ? (void *)&mask : BAD_POINTER;
        with.size = (size_t)CHOOSE(8, 8, 8, 8, 0, 4);
        r = call(SYS_pselect6, n, in, out, pri, &at, chance(95) ? (void *)&with : BAD_POINTER);
    }
    end(r);
    say(" %lx %lx %lx", sets[0], sets[1], sets[2]);
}

const struct op events_ops[] = {
    {op_eventfd, 5}, {op_pipe, 5},         {op_socketpair, 4}, {op_open, 4},
    {op_dup, 3},     {op_close, 3},        {op_shutdown, 2},   {op_write, 16},
    {op_read, 18},   {op_fionread, 3},     {op_setfl, 3},      {op_timerfd, 3},
    {op_settime, 4}, {op_gettime, 3},      {op_signalfd, 4},   {op_signal, 5},
    {op_dequeue, 3}, {op_epoll_create, 7}, {op_epoll_ctl, 30}, {op_epoll_wait, 25},
    {op_poll, 10},   {op_select, 6},       {NULL, 0},
};
