// POSIX message queues: order, limits, waits, notification (man 7 mq_overview).
#include "check.h"
#include "own_ipc.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char name[40];

static mqd_t fresh(long maxmsg, long msgsize, int flags)
{
    struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};
    mq_unlink(name);
    mqd_t q = mq_open(name, O_CREAT | O_EXCL | flags, 0600, &attr);
    CHECK(q >= 0);
    return q;
}

static void gone(mqd_t q)
{
    CHECK_EQ(mq_close(q), 0);
    CHECK_EQ(mq_unlink(name), 0);
}

static bool next_is(mqd_t q, const char *want, unsigned want_priority)
{
    char buf[100];
    unsigned priority = 0;
    ssize_t n = mq_receive(q, buf, sizeof(buf), &priority);
    return n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n) && priority == want_priority;
}

static void opening(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 100}, got;
    CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
    mqd_t q = mq_open(name, O_CREAT | O_RDWR, 0640, &attr);
    NEED(q >= 0);
    CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(mq_getattr(q, &got), 0);
    CHECK(got.mq_maxmsg == 3 && got.mq_msgsize == 100 && !got.mq_curmsgs && !got.mq_flags);
    CHECK_ERRNO(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr), EEXIST);
    mqd_t again = mq_open(name, O_RDONLY | O_NONBLOCK);
    NEED(again >= 0);
    CHECK_EQ(mq_getattr(again, &got), 0);
    CHECK_EQ(got.mq_flags, O_NONBLOCK);
    CHECK_ERRNO(mq_send(again, "x", 1, 0), EBADF);
    CHECK_ERRNO(mq_receive(again, (char[100]){}, 100, NULL), EAGAIN);
    CHECK_EQ(mq_unlink(name), 0);
    CHECK_ERRNO(mq_unlink(name), ENOENT);
    CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
    CHECK_EQ(mq_send(q, "still", 5, 1), 0);
    CHECK(next_is(again, "still", 1));
    CHECK_EQ(mq_close(q), 0);
    CHECK_EQ(mq_close(again), 0);
    CHECK_ERRNO(mq_send(q, "x", 1, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    CHECK_ERRNO(syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
    CHECK_ERRNO(syscall(SYS_mq_open, (void *)8, O_RDWR), EFAULT);
    attr.mq_maxmsg = 0;
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
    attr = (struct mq_attr){.mq_maxmsg = 1 << 20, .mq_msgsize = 10};
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
}

static void defaults(void)
{
    struct mq_attr got;
    mqd_t q = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
    NEED(q >= 0);
    CHECK_EQ(mq_getattr(q, &got), 0);
    CHECK(got.mq_maxmsg == 10 && got.mq_msgsize == 8192);
    char line[200] = "";
    struct stat st;
    CHECK_EQ(fstat(q, &st), 0);
    CHECK(S_ISREG(st.st_mode) && st.st_size == 80 && (st.st_mode & 0777) == 0600);
    CHECK_EQ(mq_send(q, "seven b", 7, 0), 0);
    CHECK(read(q, line, sizeof(line) - 1) > 0);
    CHECK(strncmp(line, "QSIZE:7 ", 8) == 0 && strstr(line, " NOTIFY_PID:0"));
    gone(q);
}

static void order(void)
{
    mqd_t q = fresh(10, 100, O_RDWR | O_NONBLOCK);
    CHECK_EQ(mq_send(q, "one", 3, 1), 0);
    CHECK_EQ(mq_send(q, "five", 4, 5), 0);
    CHECK_EQ(mq_send(q, "five again", 10, 5), 0);
    CHECK_EQ(mq_send(q, "", 0, 0), 0);
    CHECK_EQ(mq_send(q, "most", 4, 32767), 0);
    CHECK_ERRNO(mq_send(q, "x", 1, 32768), EINVAL);
    CHECK(next_is(q, "most", 32767));
    CHECK(next_is(q, "five", 5));
    CHECK(next_is(q, "five again", 5));
    CHECK(next_is(q, "one", 1));
    CHECK(next_is(q, "", 0));
    gone(q);
}

static void sizes(void)
{
    mqd_t q = fresh(2, 10, O_RDWR | O_NONBLOCK);
    char buf[20];
    CHECK_ERRNO(mq_send(q, "eleven byte", 11, 0), EMSGSIZE);
    CHECK_EQ(mq_send(q, "ten bytes!", 10, 0), 0);
    CHECK_ERRNO(mq_receive(q, buf, 9, NULL), EMSGSIZE);
    CHECK_EQ(mq_receive(q, buf, 10, NULL), 10);
    CHECK_EQ(mq_send(q, "1", 1, 0), 0);
    CHECK_EQ(mq_send(q, "2", 1, 0), 0);
    CHECK_ERRNO(mq_send(q, "3", 1, 0), EAGAIN);
    CHECK_ERRNO(mq_send(q, (void *)8, 1, 0), EFAULT);
    CHECK_ERRNO(mq_send(0, "x", 1, 0), EBADF);
    CHECK_ERRNO(mq_getattr(0, &(struct mq_attr){}), EBADF);
    gone(q);
}

static void attributes(void)
{
    mqd_t q = fresh(2, 10, O_RDWR);
    struct mq_attr set = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 77}, old;
    CHECK_EQ(mq_setattr(q, &set, &old), 0);
    CHECK(old.mq_flags == 0 && old.mq_maxmsg == 2);
    CHECK_EQ(mq_setattr(q, &(struct mq_attr){.mq_flags = 0}, &old), 0);
    CHECK(old.mq_flags == O_NONBLOCK && old.mq_maxmsg == 2);
    CHECK_ERRNO(mq_setattr(q, &(struct mq_attr){.mq_flags = O_APPEND}, NULL), EINVAL);
    gone(q);
}

static mqd_t shared;
static atomic_int waiter; /* who is about to wait */

static void *run_receive(void *arg)
{
    atomic_store(&waiter, (int)syscall(SYS_gettid));
    ssize_t n = mq_receive(shared, arg, 100, NULL);
    return (void *)(n < 0 ? -errno : n);
}

static void *run_send(void *arg)
{
    atomic_store(&waiter, (int)syscall(SYS_gettid));
    return (void *)(long)(mq_send(shared, arg, strlen(arg), 9) < 0 ? -errno : 0);
}

static void waiting(void)
{
    pthread_t thread;
    char buf[100] = "";
    void *result;
    shared = fresh(1, 100, O_RDWR);
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, run_receive, buf);
    until_asleep(&waiter);
    CHECK_EQ(mq_send(shared, "for you", 7, 0), 0);
    pthread_join(thread, &result);
    CHECK_EQ((long)result, 7);
    CHECK(memcmp(buf, "for you", 7) == 0);
    CHECK_EQ(mq_send(shared, "low", 3, 1), 0);
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, run_send, "high");
    until_asleep(&waiter);
    CHECK(next_is(shared, "low", 1)); /* it could not overtake */
    pthread_join(thread, &result);
    CHECK_EQ((long)result, 0);
    CHECK(next_is(shared, "high", 9));
    gone(shared);
}

static void timeouts(void)
{
    mqd_t q = fresh(1, 10, O_RDWR);
    struct timespec past = {0, 0}, soon, bad = {0, -1};
    char buf[10];
    CHECK_ERRNO(mq_timedreceive(q, buf, 10, NULL, &past), ETIMEDOUT);
    CHECK_ERRNO(mq_timedreceive(q, buf, 10, NULL, &bad), EINVAL);
    int64_t start = now_ns(); /* before the deadline is made: it may take long to get to the call */
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 40 * MS;
    if (soon.tv_nsec >= 1000 * MS) {
        soon.tv_nsec -= 1000 * MS;
        soon.tv_sec++;
    }
    CHECK_ERRNO(mq_timedreceive(q, buf, 10, NULL, &soon), ETIMEDOUT);
    CHECK(now_ns() - start >= 30 * MS);
    CHECK_EQ(mq_timedsend(q, "x", 1, 0, &past), 0);
    CHECK_ERRNO(mq_timedsend(q, "x", 1, 0, &past), ETIMEDOUT);
    gone(q);
}

static volatile int got_signo, got_code, got_value, got_pid;

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got_signo = signo;
    got_code = info->si_code;
    got_value = info->si_value.sival_int;
    got_pid = info->si_pid;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    pthread_t thread;
    char buf[100];
    void *result;
    sigaction(SIGUSR1, &action, NULL);
    shared = fresh(1, 100, O_RDWR);
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, run_receive, buf);
    until_asleep(&waiter);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, &result);
    CHECK_EQ((long)result, -EINTR);
    action.sa_flags |= SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, run_receive, buf);
    until_asleep(&waiter);
    got_signo = 0;
    pthread_kill(thread, SIGUSR1);
    while (!got_signo)
        sleep_ms(1);
    CHECK_EQ(mq_send(shared, "now", 3, 0), 0);
    pthread_join(thread, &result);
    CHECK_EQ((long)result, 3);
    gone(shared);
}

static void notification(void)
{
    mqd_t q = fresh(4, 100, O_RDWR);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    event.sigev_value.sival_int = 4711;
    sigaction(SIGRTMIN + 3, &action, NULL);
    CHECK_EQ(mq_notify(q, &event), 0);
    CHECK_ERRNO(mq_notify(q, &event), EBUSY);
    got_signo = 0;
    CHECK_EQ(mq_send(q, "a", 1, 0), 0);
    CHECK_EQ(got_signo, SIGRTMIN + 3);
    CHECK_EQ(got_code, SI_MESGQ);
    CHECK_EQ(got_value, 4711);
    CHECK_EQ(got_pid, getpid());
    got_signo = 0; /* once only, and only when the queue was empty */
    CHECK_EQ(mq_notify(q, &event), 0);
    CHECK_EQ(mq_send(q, "b", 1, 0), 0);
    CHECK_EQ(got_signo, 0);
    CHECK_EQ(mq_notify(q, NULL), 0);
    CHECK(next_is(q, "a", 0) && next_is(q, "b", 0));
    CHECK_EQ(mq_send(q, "c", 1, 0), 0);
    CHECK_EQ(got_signo, 0);
    event.sigev_notify = SIGEV_NONE;
    CHECK_EQ(mq_notify(q, &event), 0);
    CHECK_ERRNO(mq_notify(q, &event), EBUSY);
    mqd_t other = mq_open(name, O_RDONLY);
    CHECK_EQ(mq_close(other), 0); /* any close by the process ends it */
    CHECK_EQ(mq_notify(q, &event), 0);
    event.sigev_notify = 99;
    CHECK_ERRNO(mq_notify(q, &event), EINVAL);
    event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    CHECK_ERRNO(mq_notify(q, &event), EINVAL);
    CHECK_ERRNO(mq_notify(0, NULL), EBADF);
    gone(q);
}

static void polling(void)
{
    mqd_t q = fresh(1, 10, O_RDWR);
    struct pollfd p = {q, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    CHECK_EQ(mq_send(q, "x", 1, 0), 0);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    pthread_t thread;
    void *result;
    CHECK_EQ(mq_receive(q, (char[10]){}, 10, NULL), 1);
    shared = q;
    p.events = POLLIN;
    atomic_store(&waiter, 0);
    pthread_create(&thread, NULL, run_send, "late");
    CHECK_EQ(poll(&p, 1, -1), 1);
    pthread_join(thread, &result);
    gone(q);
}

static void limits(void)
{
    struct rlimit old, small = {20000, RLIM_INFINITY};
    struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 4000};
    NEED(getrlimit(RLIMIT_MSGQUEUE, &old) == 0);
    small.rlim_max = old.rlim_max;
    NEED(setrlimit(RLIMIT_MSGQUEUE, &small) == 0);
    CHECK_ERRNO(mq_open(name, O_CREAT | O_RDWR, 0600, &attr), EMFILE);
    attr.mq_msgsize = 1000;
    mqd_t q = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
    CHECK(q >= 0);
    gone(q);
    CHECK_EQ(setrlimit(RLIMIT_MSGQUEUE, &old), 0);
}

static void permissions(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    mqd_t q = fresh(1, 10, O_RDWR), other;
    NEED(seteuid(1000) == 0);
    CHECK_ERRNO(mq_open(name, O_RDONLY), EACCES);
    CHECK_EQ(mq_unlink(name), -1);
    CHECK(errno == EPERM || errno == EACCES);
    NEED(seteuid(0) == 0);
    other = mq_open(name, O_RDWR);
    CHECK(other >= 0);
    CHECK_EQ(mq_close(other), 0);
    gone(q);
}

enum { PER_THREAD = 3000 };
static atomic_long sum;

static void *produce(void *arg)
{
    (void)arg;
    for (int i = 1; i <= PER_THREAD; i++)
        if (mq_send(shared, (char *)&i, sizeof(i), (unsigned)i % 7) < 0)
            return (void *)1;
    return NULL;
}

static void *consume(void *arg)
{
    char buf[100];
    (void)arg;
    for (int i = 1; i <= PER_THREAD; i++) {
        int number;
        if (mq_receive(shared, buf, sizeof(buf), NULL) != sizeof(number))
            return (void *)1;
        memcpy(&number, buf, sizeof(number));
        atomic_fetch_add(&sum, number);
    }
    return NULL;
}

static void stress(void)
{
    pthread_t threads[6];
    void *failed;
    shared = fresh(5, 100, O_RDWR);
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, i < 3 ? produce : consume, NULL);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
    CHECK_EQ(sum, 3l * PER_THREAD * (PER_THREAD + 1) / 2);
    gone(shared);
}

int main(void)
{
    own_ipc();
    snprintf(name, sizeof(name), "/check.%d", getpid());
    promise("a name gives one queue until it is unlinked", opening);
    promise("without attributes there are the usual ones; the file tells the state", defaults);
    promise("the highest priority comes first, then the oldest", order);
    promise("sizes and the number of messages are limited", sizes);
    promise("only O_NONBLOCK can be set", attributes);
    promise("receivers and senders wait", waiting);
    promise("waits end in time", timeouts);
    promise("a signal ends a wait, or not, as SA_RESTART says", interrupted);
    promise("mq_notify tells once of a message in an empty queue", notification);
    promise("poll tells of messages and room", polling);
    promise("RLIMIT_MSGQUEUE counts what a queue may hold", limits);
    promise("the mode decides who may open", permissions);
    promise("three producers and three consumers lose nothing", stress);
    return check_end();
}
