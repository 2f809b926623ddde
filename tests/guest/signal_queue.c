// cpus: 1 2
/* Queued real-time signals, sigtimedwait, signalfd, and the timers that send signals. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>

static int order[100];
static volatile int taken;

static void note_value(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (taken < 100)
        order[taken++] = (sig - SIGRTMIN) * 1000 + info->si_value.sival_int;
}

static void block(int sig, int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, NULL);
}

static void real_time_queue(void)
{
    struct sigaction act = {.sa_sigaction = note_value, .sa_flags = SA_SIGINFO};
    sigset_t both;

    sigemptyset(&both);
    sigaddset(&both, SIGRTMIN + 1);
    sigaddset(&both, SIGRTMIN + 2);
    act.sa_mask = both;
    sigaction(SIGRTMIN + 1, &act, NULL);
    sigaction(SIGRTMIN + 2, &act, NULL);
    sigprocmask(SIG_BLOCK, &both, NULL);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}), 0);
        CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
    }
    taken = 0;
    sigprocmask(SIG_UNBLOCK, &both, NULL);
    CHECK_EQ(taken, 40);
    for (int i = 0; i < 20; i++) { /* the lower number first, each in order */
        CHECK_EQ(order[i], 1000 + i);
        CHECK_EQ(order[20 + i], 2000 + i);
    }
}

static void timed_wait(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec soon = {0, 20 * MS}, none = {0, 0};
    int64_t start = now_ns();

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
    CHECK_ERRNO(sigtimedwait(&set, &info, &soon), EAGAIN);
    CHECK(now_ns() - start >= 20 * MS);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
    CHECK_EQ(sigtimedwait(&set, &info, &soon), SIGRTMIN);
    CHECK_EQ(info.si_value.sival_int, 77);
    CHECK_EQ(info.si_code, SI_QUEUE);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void *send_later(void *arg)
{
    sleep_ms(30);
    kill(getpid(), (int)(long)arg);
    return NULL;
}

static void wait_wakes(void)
{
    pthread_t thread;
    sigset_t set;
    int sig = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    NEED(pthread_create(&thread, NULL, send_later, (void *)(long)SIGUSR2) == 0);
    CHECK_EQ(sigwait(&set, &sig), 0);
    CHECK_EQ(sig, SIGUSR2);
    pthread_join(thread, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void signal_fd(void)
{
    struct signalfd_siginfo info[2];
    struct pollfd poll_fd;
    pthread_t thread;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    NEED(fd >= 0);
    CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
    poll_fd = (struct pollfd){.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&poll_fd, 1, 0), 0);
    NEED(pthread_create(&thread, NULL, send_later, (void *)(long)SIGUSR1) == 0);
    CHECK_EQ(poll(&poll_fd, 1, -1), 1);
    CHECK_EQ(read(fd, info, sizeof info), sizeof *info);
    CHECK_EQ(info[0].ssi_signo, SIGUSR1);
    CHECK_EQ(info[0].ssi_pid, getpid());
    CHECK_EQ(info[0].ssi_code, SI_USER);
    CHECK_ERRNO(read(fd, info, 10), EINVAL);
    pthread_join(thread, NULL);
    close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void interval_timer(void)
{
    struct itimerval every = {{0, 10000}, {0, 10000}}, old, off = {0};
    struct timespec nap = {1, 0};

    signal(SIGALRM, on_alarm);
    alarms = 0;
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    for (int i = 0; i < 100 && alarms < 5; i++)
        nanosleep(&nap, NULL);
    CHECK(alarms >= 5);
    CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
    CHECK_EQ(old.it_interval.tv_usec, 10000);
    CHECK_EQ(setitimer(ITIMER_REAL, &off, &old), 0);
    CHECK_EQ(alarm(100), 0);
    CHECK(alarm(0) > 50);
    CHECK_ERRNO(setitimer(77, &off, NULL), EINVAL);
    every.it_value.tv_usec = 2000000;
    CHECK_ERRNO(setitimer(ITIMER_REAL, &every, NULL), EINVAL);
}

/* The timer of CPU time interrupts a loop that makes no system call. */
static void cpu_timer_interrupts_a_loop(void)
{
    struct itimerval every = {{0, 10000}, {0, 10000}}, off = {0};

    signal(SIGPROF, on_alarm);
    alarms = 0;
    CHECK_EQ(setitimer(ITIMER_PROF, &every, NULL), 0);
    while (alarms < 3)
        ;
    CHECK_EQ(setitimer(ITIMER_PROF, &off, NULL), 0);
}

static void posix_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    struct itimerspec spec = {.it_value = {1000, 0}}, left;
    siginfo_t info;
    sigset_t set;
    timer_t timer;

    event.sigev_value.sival_int = 1234;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
    CHECK_EQ(timer_gettime(timer, &left), 0);
    CHECK(left.it_value.tv_sec >= 900);
    CHECK(left.it_value.tv_sec < 1000 ||
          (left.it_value.tv_sec == 1000 && left.it_value.tv_nsec == 0));
    spec.it_value = (struct timespec){0, 20 * MS};
    CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 3);
    CHECK_EQ(info.si_code, SI_TIMER);
    CHECK_EQ(info.si_value.sival_int, 1234);
    CHECK_EQ(timer_gettime(timer, &left), 0);
    CHECK_EQ(left.it_value.tv_nsec, 0);
    /* While the signal waits, further expiries are counted and not queued. */
    spec.it_value.tv_nsec = spec.it_interval.tv_nsec = 2 * MS;
    CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
    sleep_ms(60);
    CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 3);
    CHECK(timer_getoverrun(timer) > 3);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK_ERRNO(timer_delete(timer), EINVAL);
    CHECK_ERRNO(timer_create(1234, &event, &timer), EINVAL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static atomic_int thread_calls;

static void timer_function(union sigval value)
{
    atomic_fetch_add(&thread_calls, value.sival_int);
}

static void timer_calls_a_thread(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD};
    struct itimerspec spec = {.it_value = {0, 5 * MS}};
    timer_t timer;

    event.sigev_notify_function = timer_function;
    event.sigev_value.sival_int = 5;
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
    for (int i = 0; i < 30000 && atomic_load(&thread_calls) == 0; i++)
        sleep_ms(1);
    CHECK_EQ(atomic_load(&thread_calls), 5);
    timer_delete(timer);
}

static void queue_errors(void)
{
    CHECK_ERRNO(sigqueue(999999, SIGUSR1, (union sigval){0}), ESRCH);
    CHECK_ERRNO(sigqueue(getpid(), 70, (union sigval){0}), EINVAL);
    block(SIGUSR1, SIG_UNBLOCK);
}

int main(void)
{
    promise("real-time signals queue, lowest first, with their values", real_time_queue);
    promise("sigtimedwait takes a signal or times out", timed_wait);
    promise("sigwait is woken by another thread's kill", wait_wakes);
    promise("signalfd reads signals and can be polled", signal_fd);
    promise("setitimer, getitimer, alarm", interval_timer);
    promise("ITIMER_PROF interrupts a loop", cpu_timer_interrupts_a_loop);
    promise("timer_create sends its value and counts overruns", posix_timer);
    promise("SIGEV_THREAD calls a function", timer_calls_a_thread);
    promise("sigqueue checks its arguments", queue_errors);
    return check_end();
}
