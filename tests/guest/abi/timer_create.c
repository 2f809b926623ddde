/* man 2 timer_create: clocks of CPU time (of a thread, of another process), alarm clocks, signals
 * to a thread. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void block(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* SIGUSR1 within so many seconds? */
static bool comes(int seconds)
{
    struct timespec limit = {seconds, 0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return sigtimedwait(&set, NULL, &limit) == SIGUSR1;
}

static int64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static bool pending(void)
{
    sigset_t set;

    return sigpending(&set) == 0 && sigismember(&set, SIGUSR1);
}

static void thread_clock_to_thread(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    struct itimerspec set = {{0, 0}, {0, 30 * MS}};
    timer_t timer;
    int64_t begin;

    block();
    event._sigev_un._tid = (int)syscall(SYS_gettid);
    NEED(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0);
    begin = cpu_ns();
    CHECK_EQ(timer_settime(timer, 0, &set, NULL), 0);
    while (!pending() && cpu_ns() - begin < 20000ll * MS)
        ; /* time passes only while this thread works */
    CHECK(cpu_ns() - begin >= 30 * MS);
    CHECK(comes(200));
    timer_delete(timer);
    event._sigev_un._tid = 0x3ffffff;
    CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
}

static void other_process(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec set = {{0, 0}, {0, 30 * MS}};
    clockid_t clock;
    timer_t timer;
    pid_t pid;

    block();
    pid = fork();
    if (pid == 0) {
        for (;;)
            ;
    }
    CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
    NEED(timer_create(clock, &event, &timer) == 0);
    CHECK_EQ(timer_settime(timer, 0, &set, NULL), 0);
    CHECK(comes(200)); /* this process does nothing meanwhile */
    timer_delete(timer);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void alarm_clocks(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec set = {{0, 0}, {0, 10 * MS}};
    timer_t timer;

    block();
    for (int i = 0; i < 2; i++) {
        if (timer_create(clocks[i], &event, &timer) != 0 && errno == EOPNOTSUPP)
            SKIP("a machine that cannot wake up");
        CHECK_EQ(timer_settime(timer, 0, &set, NULL), 0);
        CHECK(comes(200));
        timer_delete(timer);
    }
    if (seteuid(65534) == 0) {
        CHECK_ERRNO(timer_create(CLOCK_REALTIME_ALARM, &event, &timer), EPERM);
        CHECK(seteuid(0) == 0);
    }
}

static void errors(void)
{
    struct sigevent event = {.sigev_notify = 77, .sigev_signo = SIGUSR1};
    timer_t timer;

    CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    CHECK_ERRNO(timer_create(99, NULL, &timer), EINVAL);
    CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &timer), EOPNOTSUPP);
}

int main(void)
{
    promise("a thread's CPU clock, the signal to that thread", thread_clock_to_thread);
    promise("another process's CPU clock", other_process);
    promise("alarm clocks", alarm_clocks);
    promise("errors are the documented ones", errors);
    return check_end();
}
