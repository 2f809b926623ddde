// cpus: 1 2
/* Pipes, eventfd, timerfd, poll, select and epoll. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static void pipe_basics(void)
{
    char text[16] = "";
    int fds[2], n;
    struct stat st;

    NEED(pipe(fds) == 0);
    CHECK_EQ(write(fds[1], "hello", 5), 5);
    CHECK_EQ(ioctl(fds[0], FIONREAD, &n), 0);
    CHECK_EQ(n, 5);
    CHECK_EQ(read(fds[0], text, 3), 3);
    CHECK_EQ(read(fds[0], text + 3, 10), 2);
    CHECK(strcmp(text, "hello") == 0);
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERRNO(pread(fds[0], text, 1, 0), ESPIPE);
    CHECK_ERRNO(read(fds[1], text, 1), EBADF);
    CHECK_ERRNO(write(fds[0], text, 1), EBADF);
    CHECK_EQ(fstat(fds[0], &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    close(fds[1]);
    CHECK_EQ(read(fds[0], text, 1), 0);
    close(fds[0]);
    CHECK_ERRNO(pipe2(fds, 0x1), EINVAL);
}

static void pipe_without_waiting(void)
{
    char block[4096] = "";
    int fds[2], total = 0;
    ssize_t n;

    NEED(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(read(fds[0], block, 1), EAGAIN);
    while ((n = write(fds[1], block, sizeof block)) > 0)
        total += (int)n;
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(total, fcntl(fds[0], F_GETPIPE_SZ));
    CHECK_EQ(total, 65536);
    CHECK_EQ(read(fds[0], block, 100), 100);
    /* No room for a whole atomic block: nothing is written. */
    CHECK_ERRNO(write(fds[1], block, 4096), EAGAIN);
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
    CHECK_EQ(write(fds[1], block, 4096), 4096);
    close(fds[0]);
    close(fds[1]);
}

struct writer {
    int fd;
    char id;
};

static void *write_records(void *arg)
{
    struct writer *w = arg;
    char record[512];

    memset(record, w->id, sizeof record);
    for (int i = 0; i < 400; i++)
        if (write(w->fd, record, sizeof record) != sizeof record)
            CHECK(0);
    return NULL;
}

static void atomic_writes(void)
{
    pthread_t threads[4];
    struct writer w[4];
    char record[512];
    int fds[2];

    NEED(pipe(fds) == 0);
    for (int i = 0; i < 4; i++) {
        w[i] = (struct writer){fds[1], (char)('a' + i)};
        NEED(pthread_create(&threads[i], NULL, write_records, &w[i]) == 0);
    }
    for (int i = 0; i < 1600; i++) {
        size_t got = 0;

        while (got < sizeof record)
            got += (size_t)read(fds[0], record + got, sizeof record - got);
        for (size_t j = 1; j < sizeof record; j++)
            NEED(record[j] == record[0]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    close(fds[0]);
    close(fds[1]);
}

static void *write_large(void *arg)
{
    static char data[1 << 20];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31 >> 3);
    CHECK_EQ(write(*(int *)arg, data, sizeof data), sizeof data);
    close(*(int *)arg);
    return NULL;
}

static void large_transfer(void)
{
    char block[3000];
    size_t at = 0;
    ssize_t n;
    pthread_t thread;
    int fds[2];

    NEED(pipe(fds) == 0);
    NEED(pthread_create(&thread, NULL, write_large, &fds[1]) == 0);
    while ((n = read(fds[0], block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; i++, at++)
            NEED(block[i] == (char)(at * 31 >> 3));
    }
    CHECK_EQ(at, 1 << 20);
    pthread_join(thread, NULL);
    close(fds[0]);
}

static void event_counter(void)
{
    uint64_t value = 5, got = 0;
    int fd = eventfd(3, EFD_NONBLOCK);

    NEED(fd >= 0);
    CHECK_EQ(write(fd, &value, 8), 8);
    CHECK_EQ(read(fd, &got, 8), 8);
    CHECK_EQ(got, 8);
    CHECK_ERRNO(read(fd, &got, 8), EAGAIN);
    CHECK_ERRNO(read(fd, &got, 4), EINVAL);
    value = ~0ULL;
    CHECK_ERRNO(write(fd, &value, 8), EINVAL);
    value = ~0ULL - 1;
    CHECK_EQ(write(fd, &value, 8), 8);
    value = 1;
    CHECK_ERRNO(write(fd, &value, 8), EAGAIN);
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    CHECK_EQ(read(fd, &got, 8), 8);
    CHECK_EQ(got, 1);
    CHECK_EQ(read(fd, &got, 8), 8);
    CHECK_ERRNO(read(fd, &got, 8), EAGAIN);
    close(fd);
    CHECK_ERRNO(eventfd(0, 0x40), EINVAL);
}

static void timer_descriptor(void)
{
    struct itimerspec spec = {.it_value = {0, 10 * MS}, .it_interval = {0, 5 * MS}}, left;
    struct pollfd poll_fd;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t n = 0;
    int64_t start = now_ns();

    NEED(fd >= 0);
    CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
    CHECK_EQ(timerfd_settime(fd, 0, &spec, NULL), 0);
    poll_fd = (struct pollfd){.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&poll_fd, 1, -1), 1);
    CHECK(now_ns() - start >= 10 * MS);
    sleep_ms(30);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK(n >= 5);
    CHECK_EQ(timerfd_gettime(fd, &left), 0);
    CHECK_EQ(left.it_interval.tv_nsec, 5 * MS);
    spec.it_value = (struct timespec){0, 1}; /* absolute and long past */
    spec.it_interval = (struct timespec){0, 0};
    CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
    CHECK_EQ(poll(&poll_fd, 1, 1000), 1);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK_EQ(n, 1);
    spec.it_value.tv_nsec = 1000000000;
    CHECK_ERRNO(timerfd_settime(fd, 0, &spec, NULL), EINVAL);
    CHECK_ERRNO(timerfd_create(77, 0), EINVAL);
    close(fd);
}

static void *write_later(void *arg)
{
    sleep_ms(30);
    CHECK_EQ(write(*(int *)arg, "x", 1), 1);
    return NULL;
}

static void polling(void)
{
    int fds[2], file = open("/dev/null", O_RDWR);
    struct pollfd p[3];
    pthread_t thread;
    int64_t start = now_ns();

    NEED(pipe(fds) == 0);
    p[0] = (struct pollfd){fds[0], POLLIN, 77};
    CHECK_EQ(poll(p, 1, 0), 0);
    CHECK_EQ(p[0].revents, 0);
    CHECK_EQ(poll(p, 1, 20), 0);
    CHECK(now_ns() - start >= 20 * MS);
    p[1] = (struct pollfd){fds[1], POLLOUT, 0};
    p[2] = (struct pollfd){file, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(p, 3, -1), 2);
    CHECK_EQ(p[1].revents, POLLOUT);
    CHECK_EQ(p[2].revents, POLLIN | POLLOUT);
    NEED(pthread_create(&thread, NULL, write_later, &fds[1]) == 0);
    CHECK_EQ(poll(p, 1, -1), 1);
    CHECK_EQ(p[0].revents, POLLIN);
    pthread_join(thread, NULL);
    close(fds[1]);
    CHECK_EQ(poll(p, 1, 0), 1);
    CHECK_EQ(p[0].revents, POLLIN | POLLHUP);
    p[0].fd = 999;
    CHECK_EQ(poll(p, 1, 0), 1);
    CHECK_EQ(p[0].revents, POLLNVAL);
    p[0].fd = -1;
    CHECK_EQ(poll(p, 1, 0), 0);
    close(fds[0]);
    NEED(pipe(fds) == 0);
    close(fds[0]);
    p[0] = (struct pollfd){fds[1], POLLOUT, 0};
    CHECK_EQ(poll(p, 1, 0), 1);
    CHECK(p[0].revents & POLLERR);
    close(fds[1]);
    close(file);
}

static void selecting(void)
{
    struct timeval none = {0, 0}, soon = {0, 20000};
    int fds[2];
    fd_set in, out;

    NEED(pipe(fds) == 0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &out);
    CHECK_EQ(select(fds[1] + 1, &in, &out, NULL, &none), 1);
    CHECK(!FD_ISSET(fds[0], &in) && FD_ISSET(fds[1], &out));
    FD_SET(fds[0], &in);
    CHECK_EQ(select(fds[0] + 1, &in, NULL, NULL, &soon), 0);
    CHECK_EQ(soon.tv_usec, 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    FD_SET(fds[0], &in);
    CHECK_EQ(pselect(fds[0] + 1, &in, NULL, NULL, NULL, NULL), 1);
    close(fds[0]);
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    CHECK_ERRNO(select(fds[0] + 1, &in, NULL, NULL, &none), EBADF);
    close(fds[1]);
    CHECK_ERRNO(select(-1, NULL, NULL, NULL, &none), EINVAL);
}

static void epoll_levels_and_edges(void)
{
    struct epoll_event event = {EPOLLIN, {.u64 = 0x123456789abcdef0}}, got[4];
    char text[8];
    int fds[2], ep = epoll_create1(EPOLL_CLOEXEC);

    NEED(ep >= 0 && pipe(fds) == 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &event), 0);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &event), EEXIST);
    CHECK_EQ(epoll_wait(ep, got, 4, 0), 0);
    CHECK_EQ(write(fds[1], "ab", 2), 2);
    for (int i = 0; i < 3; i++) { /* level: as long as it is ready */
        CHECK_EQ(epoll_wait(ep, got, 4, 1000), 1);
        CHECK_EQ(got[0].data.u64, 0x123456789abcdef0);
        CHECK_EQ(got[0].events, EPOLLIN);
    }
    event.events = EPOLLIN | EPOLLET;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &event), 0);
    CHECK_EQ(epoll_wait(ep, got, 4, 1000), 1);
    CHECK_EQ(epoll_wait(ep, got, 4, 20), 0); /* edge: once */
    CHECK_EQ(write(fds[1], "c", 1), 1);
    CHECK_EQ(epoll_wait(ep, got, 4, 1000), 1);
    event.events = EPOLLIN | EPOLLONESHOT;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &event), 0);
    CHECK_EQ(epoll_wait(ep, got, 4, 1000), 1);
    CHECK_EQ(epoll_wait(ep, got, 4, 20), 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &event), 0);
    CHECK_EQ(epoll_wait(ep, got, 4, 1000), 1);
    CHECK_EQ(read(fds[0], text, 8), 3);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), 0);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), ENOENT);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event), EINVAL);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &event), EBADF);
    CHECK_ERRNO(epoll_wait(ep, got, 0, 0), EINVAL);
    CHECK_ERRNO(epoll_wait(fds[0], got, 1, 0), EINVAL);
    int file = open("/tmp", O_RDONLY);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, file, &event), EPERM);
    close(file);
    close(fds[0]);
    close(fds[1]);
    close(ep);
}

static void epoll_nested_and_closed(void)
{
    struct epoll_event event = {EPOLLIN, {.u32 = 1}}, got[4];
    int fds[2], inner = epoll_create1(0), outer = epoll_create1(0);

    NEED(pipe(fds) == 0);
    CHECK_EQ(epoll_ctl(inner, EPOLL_CTL_ADD, fds[0], &event), 0);
    CHECK_EQ(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event), 0);
    CHECK_ERRNO(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event), ELOOP);
    CHECK_EQ(epoll_wait(outer, got, 4, 0), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(epoll_wait(outer, got, 4, 1000), 1);
    CHECK_EQ(epoll_wait(inner, got, 4, 1000), 1);
    close(fds[0]); /* the last descriptor: leaves the set by itself */
    CHECK_EQ(epoll_wait(inner, got, 4, 20), 0);
    close(fds[1]);
    close(inner);
    close(outer);
}

enum { EPOLL_FILES = 50, EPOLL_ROUNDS = 20, EPOLL_EVENTS = EPOLL_FILES * EPOLL_ROUNDS };
static int epoll_shared;
static atomic_int epoll_events;
static atomic_int epoll_idle; /* waits without an event */

static void *epoll_worker(void *arg)
{
    struct epoll_event got[4];
    int n;

    (void)arg;
    while (atomic_load(&epoll_events) < EPOLL_EVENTS && atomic_load(&epoll_idle) < 1000) {
        n = epoll_wait(epoll_shared, got, 4, 100);
        if (n == 0)
            atomic_fetch_add(&epoll_idle, 1);
        for (int i = 0; i < n; i++) {
            uint64_t value;

            if (read(got[i].data.fd, &value, 8) == 8)
                atomic_fetch_add(&epoll_events, (int)value);
        }
    }
    return NULL;
}

static void epoll_many(void)
{
    enum { N = EPOLL_FILES };
    int fds[N];
    pthread_t threads[3];

    epoll_shared = epoll_create1(0);
    for (int i = 0; i < N; i++) {
        struct epoll_event event = {EPOLLIN | EPOLLET, {.fd = fds[i] = eventfd(0, EFD_NONBLOCK)}};

        CHECK_EQ(epoll_ctl(epoll_shared, EPOLL_CTL_ADD, fds[i], &event), 0);
    }
    for (int i = 0; i < 3; i++)
        NEED(pthread_create(&threads[i], NULL, epoll_worker, NULL) == 0);
    for (int round = 0; round < EPOLL_ROUNDS; round++)
        for (int i = 0; i < N; i++)
            CHECK_EQ(write(fds[i], &(uint64_t){1}, 8), 8);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&epoll_events), EPOLL_EVENTS);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    close(epoll_shared);
}

static void *close_later(void *arg)
{
    sleep_ms(30);
    close(*(int *)arg);
    return NULL;
}

static void end_of_pipe_wakes_reader(void)
{
    pthread_t thread;
    char byte;
    int fds[2];

    NEED(pipe(fds) == 0);
    NEED(pthread_create(&thread, NULL, close_later, &fds[1]) == 0);
    CHECK_EQ(read(fds[0], &byte, 1), 0);
    pthread_join(thread, NULL);
    close(fds[0]);
}

static void nonblocking_by_ioctl(void)
{
    int fds[2], on = 1;
    char byte;

    NEED(pipe(fds) == 0);
    CHECK_EQ(ioctl(fds[0], FIONBIO, &on), 0);
    CHECK_ERRNO(read(fds[0], &byte, 1), EAGAIN);
    CHECK_EQ(ioctl(fds[0], FIOCLEX), 0);
    CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(ioctl(fds[0], 0x123456, 0), ENOTTY);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    promise("a pipe carries bytes and ends", pipe_basics);
    promise("a full or empty pipe gives EAGAIN, its size can be set", pipe_without_waiting);
    promise("writes up to PIPE_BUF do not mix", atomic_writes);
    promise("1 MiB goes through a pipe at once", large_transfer);
    promise("closing the writer wakes the reader", end_of_pipe_wakes_reader);
    promise("FIONBIO, FIOCLEX", nonblocking_by_ioctl);
    promise("eventfd", event_counter);
    promise("timerfd", timer_descriptor);
    promise("poll", polling);
    promise("select and pselect", selecting);
    promise("epoll: level, edge, one-shot, errors", epoll_levels_and_edges);
    promise("epoll: nested, and a closed descriptor leaves", epoll_nested_and_closed);
    promise("epoll: three threads take 1000 events, none lost", epoll_many);
    return check_end();
}
