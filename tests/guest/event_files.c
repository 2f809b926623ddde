// cpus: 1 2
/* Waiting for many things: epoll in all its modes, signalfd, O_ASYNC, select; tables of
 * descriptors. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static int add(int ep, int fd, uint32_t events)
{
    struct epoll_event ev = {events, {.fd = fd}};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int ready(int ep)
{
    struct epoll_event got[16];
    return epoll_wait(ep, got, 16, 0);
}

static void epoll_modes(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), fds[2];
    struct epoll_event ev, got[4];
    char byte;
    NEED(ep >= 0 && pipe(fds) == 0);
    CHECK_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(add(ep, fds[0], EPOLLIN), 0);
    CHECK_ERRNO(add(ep, fds[0], EPOLLIN), EEXIST);
    CHECK_EQ(ready(ep), 0);
    CHECK_EQ(write(fds[1], "ab", 2), 2);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(ready(ep), 1);
    ev.events = EPOLLIN | EPOLLET;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &ev), 0);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(ready(ep), 0);
    CHECK_EQ(write(fds[1], "c", 1), 1);
    CHECK_EQ(ready(ep), 1);
    ev.events = EPOLLIN | EPOLLONESHOT;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &ev), 0);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(write(fds[1], "d", 1), 1);
    CHECK_EQ(ready(ep), 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &ev), 0);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), 0);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), ENOENT);
    CHECK_EQ(ready(ep), 0);
    while (read(fds[0], &byte, 1) == 1 && byte != 'd')
        ;
    CHECK_EQ(add(ep, fds[0], EPOLLIN | EPOLLEXCLUSIVE), 0);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &ev), EINVAL);
    close(fds[1]);
    CHECK_EQ(epoll_wait(ep, got, 4, -1), 1);
    CHECK_EQ(got[0].events, EPOLLHUP);
    close(fds[0]);
    CHECK_EQ(ready(ep), 0);
    CHECK_ERRNO(epoll_wait(ep, got, 0, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(0x7fff, got, 1, 0), EBADF);
    CHECK_ERRNO(epoll_wait(ep, (void *)-4096, 1, 0), EFAULT);
    int file = open("file", O_CREAT | O_RDWR, 0600);
    CHECK_ERRNO(add(ep, file, EPOLLIN), EPERM);
    CHECK_ERRNO(add(ep, ep, EPOLLIN), EINVAL);
    close(file);
    close(ep);
}

static void epoll_closes(void)
{
    int ep = epoll_create1(0), fds[2];
    NEED(pipe(fds) == 0);
    int copy = dup(fds[0]);
    CHECK_EQ(add(ep, fds[0], EPOLLIN), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    close(fds[0]);
    CHECK_EQ(ready(ep), 1); /* the open file lives on */
    close(copy);
    CHECK_EQ(ready(ep), 0);
    close(fds[1]);
    close(ep);
}

static void epoll_nested(void)
{
    int eps[7], fd = eventfd(0, 0);
    uint64_t one = 1;
    for (int i = 0; i < 7; i++)
        eps[i] = epoll_create1(0);
    CHECK_EQ(add(eps[0], fd, EPOLLIN), 0);
    CHECK_EQ(add(eps[1], eps[0], EPOLLIN), 0);
    CHECK_EQ(add(eps[2], eps[1], EPOLLIN | EPOLLET), 0);
    CHECK_ERRNO(add(eps[0], eps[2], EPOLLIN), ELOOP);
    struct pollfd pfd = {eps[2], POLLIN, 0};
    CHECK_EQ(poll(&pfd, 1, 0), 0);
    CHECK_EQ(write(fd, &one, 8), 8);
    CHECK_EQ(poll(&pfd, 1, 0), 1);
    CHECK_EQ(ready(eps[2]), 1);
    CHECK_EQ(ready(eps[2]), 0);
    CHECK_EQ(ready(eps[1]), 1);
    CHECK_EQ(read(fd, &one, 8), 8);
    CHECK_EQ(ready(eps[1]), 0);
    close(eps[1]);
    CHECK_EQ(ready(eps[2]), 0);
    for (int i = 0; i < 7; i++)
        close(eps[i]);
    close(fd);
}

static int shared_ep;
static atomic_int served;

static void *serve(void *arg)
{
    struct epoll_event got;
    (void)arg;
    while (epoll_wait(shared_ep, &got, 1, -1) == 1) {
        uint64_t value;
        if (got.data.fd < 0)
            break;
        if (read(got.data.fd, &value, 8) == 8)
            atomic_fetch_add(&served, (int)value);
    }
    return NULL;
}

static void epoll_threads(void)
{
    enum { THREADS = 4, ROUNDS = 2000 };
    pthread_t threads[THREADS];
    int fd = eventfd(0, EFD_NONBLOCK), end = eventfd(1, 0);
    uint64_t one = 1;
    shared_ep = epoll_create1(0);
    CHECK_EQ(add(shared_ep, fd, EPOLLIN | EPOLLET), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, serve, NULL);
    for (int i = 0; i < ROUNDS; i++)
        CHECK_EQ(write(fd, &one, 8), 8);
    for (int i = 0; i < 3000 && atomic_load(&served) < ROUNDS; i++)
        sleep_ms(10);
    CHECK_EQ(atomic_load(&served), ROUNDS);
    struct epoll_event ev = {EPOLLIN, {.fd = -1}};
    epoll_ctl(shared_ep, EPOLL_CTL_ADD, end, &ev);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    close(shared_ep);
    close(fd);
    close(end);
}

static volatile sig_atomic_t caught;
static void on_signal(int signo)
{
    caught = signo;
}

static void *kick(void *arg)
{
    until_main_sleeps();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

static void interrupted(void)
{
    pthread_t self = pthread_self(), thread;
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct epoll_event got;
    sigset_t none, usr1;
    int ep = epoll_create1(0), fds[2];
    NEED(pipe(fds) == 0);
    sigaction(SIGUSR1, &act, NULL);
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    caught = 0;
    pthread_create(&thread, NULL, kick, &self);
    CHECK_ERRNO(epoll_wait(ep, &got, 1, 50000), EINTR);
    pthread_join(thread, NULL);
    CHECK_EQ(caught, SIGUSR1);
    pthread_create(&thread, NULL, kick, &self);
    struct pollfd pfd = {fds[0], POLLIN, 0};
    CHECK_ERRNO(poll(&pfd, 1, 50000), EINTR);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, kick, &self);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    CHECK_ERRNO(select(fds[0] + 1, &set, NULL, NULL, NULL), EINTR);
    CHECK(FD_ISSET(fds[0], &set));
    pthread_join(thread, NULL);
    /* Blocked outside, let in by the call's own mask. */
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    caught = 0;
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_ERRNO(epoll_pwait(ep, &got, 1, 50000, &none), EINTR);
    CHECK_EQ(caught, SIGUSR1);
    caught = 0;
    raise(SIGUSR1);
    struct timespec ts = {5, 0};
    CHECK_ERRNO(ppoll(&pfd, 1, &ts, &none), EINTR);
    CHECK_EQ(caught, SIGUSR1);
    caught = 0;
    raise(SIGUSR1);
    CHECK_ERRNO(pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
    CHECK_EQ(caught, SIGUSR1);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    close(ep);
    close(fds[0]);
    close(fds[1]);
}

static void signals_as_file(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), ep = epoll_create1(0);
    struct signalfd_siginfo info[4];
    NEED(fd >= 0);
    CHECK_EQ(add(ep, fd, EPOLLIN), 0);
    CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
    CHECK_ERRNO(read(fd, info, 10), EINVAL);
    CHECK_EQ(ready(ep), 0);
    raise(SIGUSR2);
    union sigval value = {.sival_int = 1234};
    sigqueue(getpid(), SIGRTMIN, value);
    CHECK_EQ(ready(ep), 1);
    CHECK_EQ(read(fd, info, sizeof info), 2 * sizeof info[0]);
    CHECK_EQ(info[0].ssi_signo, SIGUSR2);
    CHECK_EQ(info[0].ssi_pid, getpid());
    CHECK_EQ(info[1].ssi_signo, SIGRTMIN);
    CHECK_EQ(info[1].ssi_int, 1234);
    CHECK_EQ(info[1].ssi_code, SI_QUEUE);
    CHECK_EQ(ready(ep), 0);
    sigdelset(&set, SIGUSR2);
    CHECK_EQ(signalfd(fd, &set, 0), fd);
    CHECK_ERRNO(signalfd(ep, &set, 0), EINVAL);
    close(fd);
    close(ep);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile sig_atomic_t async_fd;
static void on_async(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    async_fd = info->si_fd;
}

static void async(void)
{
    int fds[2];
    struct sigaction act = {.sa_sigaction = on_async, .sa_flags = SA_SIGINFO};
    NEED(pipe(fds) == 0);
    sigaction(SIGRTMIN + 1, &act, NULL);
    CHECK_EQ(fcntl(fds[0], F_SETOWN, getpid()), 0);
    CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
    CHECK_EQ(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1), 0);
    CHECK_EQ(fcntl(fds[0], F_SETFL, O_ASYNC), 0);
    CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(async_fd, fds[0]);
    async_fd = 0;
    CHECK_EQ(fcntl(fds[0], F_SETFL, 0), 0);
    char byte;
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(async_fd, 0);
    CHECK_ERRNO(fcntl(fds[0], F_SETOWN, 999999), ESRCH);
    struct f_owner_ex ex = {F_OWNER_TID, getpid()}, back;
    CHECK_EQ(fcntl(fds[0], F_SETOWN_EX, &ex), 0);
    CHECK_EQ(fcntl(fds[0], F_GETOWN_EX, &back), 0);
    CHECK(back.type == F_OWNER_TID && back.pid == getpid());
    close(fds[0]);
    close(fds[1]);
}

static void tables(void)
{
    struct rlimit old, few;
    int null = open("/dev/null", O_RDWR);
    NEED(null >= 0);
    CHECK_EQ(fcntl(null, F_DUPFD, 100), 100);
    CHECK_EQ(fcntl(null, F_DUPFD_CLOEXEC, 100), 101);
    CHECK_EQ(fcntl(100, F_GETFD), 0);
    CHECK_EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(dup2(null, 700), 700);
    CHECK_EQ(dup2(700, 700), 700);
    CHECK_ERRNO(dup3(null, null, 0), EINVAL);
    CHECK_ERRNO(dup2(null, -1), EBADF);
    CHECK_ERRNO(dup2(9999, 5), EBADF);
    CHECK_EQ(dup3(null, 102, O_CLOEXEC), 102);
    CHECK_EQ(syscall(SYS_close_range, 100, 101, 0), 0);
    CHECK_ERRNO(fcntl(100, F_GETFD), EBADF);
    CHECK_EQ(fcntl(102, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(syscall(SYS_close_range, 700, ~0u, 4), 0);
    CHECK_EQ(fcntl(700, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
    close(700);
    close(102);
    CHECK_ERRNO(close(700), EBADF);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = null + 2;
    setrlimit(RLIMIT_NOFILE, &few);
    int last = dup(null);
    CHECK_EQ(last, null + 1);
    CHECK_ERRNO(dup(null), EMFILE);
    CHECK_ERRNO(open("must not appear", O_CREAT | O_RDWR, 0600), EMFILE);
    CHECK_ERRNO(access("must not appear", F_OK), ENOENT);
    CHECK_ERRNO(fcntl(null, F_DUPFD, null + 2), EINVAL);
    CHECK_ERRNO(dup2(null, null + 2), EBADF);
    setrlimit(RLIMIT_NOFILE, &old);
    close(last);
    int path = open(".", O_PATH | O_CLOEXEC);
    char byte;
    CHECK_ERRNO(read(path, &byte, 1), EBADF);
    CHECK_ERRNO(fcntl(path, F_SETFL, 0), EBADF);
    CHECK_EQ(fcntl(path, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(path, F_GETFL), O_PATH);
    close(path);
    close(null);
}

static void locks(void)
{
    int a = open("locked", O_CREAT | O_RDWR, 0600), b = open("locked", O_RDWR);
    NEED(a >= 0 && b >= 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
    CHECK_EQ(fcntl(a, F_SETLK, &lock), 0);
    CHECK_EQ(fcntl(b, F_SETLK, &lock), 0); /* the same process */
    CHECK_EQ(fcntl(a, F_OFD_SETLK, &lock) == -1 ? errno : 0, EAGAIN);
    CHECK_EQ(fcntl(b, F_OFD_GETLK, &lock), 0);
    CHECK_EQ(lock.l_type, F_WRLCK);
    CHECK_EQ(lock.l_pid, getpid());
    close(dup(b)); /* closing any descriptor of the file drops the process's locks */
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 0};
    CHECK_EQ(fcntl(a, F_OFD_SETLK, &lock), 0);
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);
    lock.l_pid = 5;
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &lock), EINVAL);
    lock.l_pid = 0;
    lock.l_type = F_UNLCK;
    CHECK_EQ(fcntl(a, F_OFD_SETLK, &lock), 0);
    lock.l_type = 77;
    CHECK_ERRNO(fcntl(a, F_SETLK, &lock), EINVAL);
    CHECK_EQ(flock(a, LOCK_EX), 0);
    CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(a, LOCK_SH), 0);
    CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
    CHECK_ERRNO(flock(a, 77), EINVAL);
    close(a);
    close(b);
}

static void vectors(void)
{
    int fd = open("vectors", O_CREAT | O_RDWR, 0600);
    char a[4] = "", b[8] = "";
    struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}}, in[2] = {{a, 3}, {b, 7}};
    NEED(fd >= 0);
    CHECK_EQ(writev(fd, out, 3), 8);
    CHECK_EQ(preadv(fd, in, 2, 0), 8);
    CHECK(strcmp(a, "abc") == 0 && strcmp(b, "defgh") == 0);
    CHECK_EQ(pwritev2(fd, out, 1, 0, RWF_APPEND), 3);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 11);
    CHECK_EQ(preadv2(fd, in, 1, 8, RWF_HIPRI), 3);
    CHECK_ERRNO(preadv2(fd, in, 1, 0, 0x4000), EOPNOTSUPP);
    CHECK_ERRNO(preadv(fd, in, 1, -1), EINVAL);
    CHECK_ERRNO(writev(fd, out, -1), EINVAL);
    CHECK_ERRNO(writev(fd, out, 1025), EINVAL);
    CHECK_ERRNO(writev(fd, (void *)8, 1), EFAULT);
    out[0].iov_len = (size_t)-1;
    CHECK_ERRNO(writev(fd, out, 1), EINVAL);
    int copy = open("copy", O_CREAT | O_RDWR, 0600);
    off_t from = 2;
    CHECK_EQ(sendfile(copy, fd, &from, 100), 9);
    CHECK_EQ(from, 11);
    CHECK_EQ(copy_file_range(fd, &(off_t){0}, copy, &(off_t){0}, 2, 0), 2);
    memset(b, 0, sizeof b);
    CHECK_EQ(pread(copy, b, 7, 0), 7);
    CHECK(strcmp(b, "abefgha") == 0);
    int fds[2];
    NEED(pipe(fds) == 0);
    CHECK_EQ(splice(fd, &(off_t){0}, fds[1], NULL, 6, 0), 6);
    CHECK_EQ(splice(fds[0], NULL, copy, &(off_t){0}, 6, 0), 6);
    CHECK_ERRNO(splice(fd, NULL, copy, NULL, 6, 0), EINVAL);
    CHECK_ERRNO(splice(fds[0], &(off_t){0}, copy, NULL, 6, 0), ESPIPE);
    memset(b, 0, sizeof b);
    CHECK_EQ(pread(copy, b, 6, 0), 6);
    CHECK(strcmp(b, "abcdef") == 0);
    CHECK_EQ(fcntl(fds[0], F_GETPIPE_SZ), 65536);
    CHECK_EQ(fcntl(fds[0], F_SETPIPE_SZ, 5000), 8192);
    close(fds[0]);
    close(fds[1]);
    close(fd);
    close(copy);
}

static void sealed(void)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    NEED(fd >= 0);
    CHECK_EQ(write(fd, "data", 4), 4);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    CHECK_ERRNO(ftruncate(fd, 2), EPERM);
    CHECK_ERRNO(ftruncate(fd, 20), EPERM);
    CHECK_EQ(pwrite(fd, "DATA", 4, 0), 4);
    CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
    CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    close(fd);
    fd = memfd_create("plain", 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    close(fd);
    CHECK_ERRNO(memfd_create("x", 0x100), EINVAL);
}

static void timers(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t ticks = 0;
    struct itimerspec set = {{0, 10 * MS}, {0, 10 * MS}}, now;
    NEED(fd >= 0);
    CHECK_EQ(timerfd_settime(fd, 0, &set, NULL), 0);
    sleep_ms(55);
    CHECK_EQ(read(fd, &ticks, 8), 8);
    CHECK(ticks >= 5);
    do /* a timer that is due, and not yet served, has nothing left */
        CHECK_EQ(timerfd_gettime(fd, &now), 0);
    while (now.it_value.tv_nsec == 0);
    CHECK_EQ(now.it_interval.tv_nsec, 10 * MS);
    CHECK(now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 10 * MS);
    CHECK_EQ(read(fd, &ticks, 8), 8);
    CHECK(ticks >= 1);
    set = (struct itimerspec){{0, 0}, {0, 0}};
    CHECK_EQ(timerfd_settime(fd, 0, &set, &now), 0);
    CHECK_EQ(now.it_interval.tv_nsec, 10 * MS);
    struct pollfd pfd = {fd, POLLIN, 0};
    CHECK_EQ(poll(&pfd, 1, 20), 0);
    clock_gettime(CLOCK_MONOTONIC, &set.it_value);
    set.it_value.tv_sec -= 1;
    if (set.it_value.tv_sec >= 0) {
        CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL), 0);
        CHECK_EQ(poll(&pfd, 1, 1000), 1);
    }
    close(fd);
    fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
    clock_gettime(CLOCK_REALTIME, &set.it_value);
    CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL), 0);
    pfd.fd = fd;
    CHECK_EQ(poll(&pfd, 1, 1000), 1);
    close(fd);
    set.it_value.tv_nsec = 1000000000;
    fd = timerfd_create(CLOCK_BOOTTIME, 0);
    CHECK_ERRNO(timerfd_settime(fd, 0, &set, NULL), EINVAL);
    CHECK_ERRNO(timerfd_settime(0, 0, &(struct itimerspec){0}, NULL), EINVAL);
    close(fd);
    CHECK_ERRNO(timerfd_create(CLOCK_THREAD_CPUTIME_ID, 0), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("epoll: level, edge, one-shot, exclusive", epoll_modes);
    promise("epoll: a closed file leaves", epoll_closes);
    promise("epoll: nested", epoll_nested);
    promise("epoll: threads lose no event", epoll_threads);
    promise("signals end waits, masks hold for their length", interrupted);
    promise("signalfd", signals_as_file);
    promise("O_ASYNC", async);
    promise("tables of descriptors", tables);
    promise("locks", locks);
    promise("vectors, sendfile, splice", vectors);
    promise("memfd seals", sealed);
    promise("timerfd", timers);
    return check_end();
}
