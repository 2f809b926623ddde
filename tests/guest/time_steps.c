/* Setting the real-time clock wakes and moves what waits for points of it: futexes, POSIX timers,
 * timerfd with TFD_TIMER_CANCEL_ON_SET, clock_nanosleep, message queues. Spans are not touched.
 * Only inside Osprey: here nobody else's clock is set. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

enum { FAR_S = 1000 };

static struct timespec realtime_in(int seconds)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += seconds;
    return ts;
}

static void step(int seconds)
{
    struct timespec ts = realtime_in(seconds);

    CHECK_EQ(clock_settime(CLOCK_REALTIME, &ts), 0);
}

#define INSIDE_ONLY                                                                                \
    if (!inside_osprey())                                                                          \
    SKIP("the clock is not ours to set")

static void *step_soon(void *arg)
{
    until_main_sleeps();
    step(*(int *)arg);
    return NULL;
}

static int forward = FAR_S + 10, back = -(FAR_S + 10);

/* Wait by `wait` while another thread sets the clock beyond the point. */
static void while_stepping(void (*wait)(void))
{
    int64_t begin = now_ns();
    pthread_t thread;

    NEED(pthread_create(&thread, NULL, step_soon, &forward) == 0);
    wait();
    CHECK(now_ns() - begin < 900ll * 1000 * MS);
    pthread_join(thread, NULL);
    step(back);
}

static uint32_t word;

static void wait_futex(void)
{
    struct timespec until = realtime_in(FAR_S);

    CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until, NULL,
                        FUTEX_BITSET_MATCH_ANY),
                ETIMEDOUT);
}

static void futex_wakes(void)
{
    INSIDE_ONLY;
    while_stepping(wait_futex);
}

static void wait_sleeping(void)
{
    struct timespec until = realtime_in(FAR_S);

    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
}

static void nanosleep_wakes(void)
{
    INSIDE_ONLY;
    while_stepping(wait_sleeping);
}

static void wait_for_signal(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQ(sigwaitinfo(&set, NULL), SIGUSR1);
}

static timer_t make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    CHECK_EQ(timer_create(CLOCK_REALTIME, &event, &timer), 0);
    return timer;
}

static void timer_fires(void)
{
    struct itimerspec set = {};
    timer_t timer;

    INSIDE_ONLY;
    timer = make_timer();
    set.it_value = realtime_in(FAR_S);
    CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &set, NULL), 0);
    while_stepping(wait_for_signal);
    timer_delete(timer);
}

/* A point moves away when the clock is set back; a span does not. */
static void timer_moves(void)
{
    struct itimerspec set = {}, left;
    timer_t timer;

    INSIDE_ONLY;
    timer = make_timer();
    set.it_value = realtime_in(FAR_S);
    timer_settime(timer, TIMER_ABSTIME, &set, NULL);
    step(-100);
    timer_gettime(timer, &left);
    CHECK(left.it_value.tv_sec >= FAR_S + 20 && left.it_value.tv_sec <= FAR_S + 100);
    step(100);
    timer_gettime(timer, &left);
    CHECK(left.it_value.tv_sec >= FAR_S - 80 && left.it_value.tv_sec <= FAR_S);
    set.it_value = (struct timespec){FAR_S, 0};
    timer_settime(timer, 0, &set, NULL);
    step(-100);
    timer_gettime(timer, &left);
    CHECK(left.it_value.tv_sec >= FAR_S - 80 && left.it_value.tv_sec <= FAR_S);
    step(100);
    timer_delete(timer);
}

static int cancelled_fd;

static void wait_cancelled(void)
{
    uint64_t ticks;

    CHECK_ERRNO(read(cancelled_fd, &ticks, sizeof(ticks)), ECANCELED);
}

static void timerfd_cancels(void)
{
    struct itimerspec set = {};

    INSIDE_ONLY;
    cancelled_fd = timerfd_create(CLOCK_REALTIME, 0);
    set.it_value = realtime_in(10 * FAR_S);
    CHECK_EQ(timerfd_settime(cancelled_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL),
             0);
    while_stepping(wait_cancelled);
    close(cancelled_fd);
}

static void wait_timerfd(void)
{
    uint64_t ticks;

    CHECK_EQ(read(cancelled_fd, &ticks, sizeof(ticks)), sizeof(ticks));
}

static void timerfd_fires(void)
{
    struct itimerspec set = {};

    INSIDE_ONLY;
    cancelled_fd = timerfd_create(CLOCK_REALTIME, 0);
    set.it_value = realtime_in(FAR_S);
    CHECK_EQ(timerfd_settime(cancelled_fd, TFD_TIMER_ABSTIME, &set, NULL), 0);
    while_stepping(wait_timerfd);
    close(cancelled_fd);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* How far the clock is ahead of the one that nobody steers, and when that was: of many looks the
 * one that was interrupted least. */
static int64_t ahead_of_raw(clockid_t clock, int64_t *raw)
{
    int64_t best = INT64_MAX, ahead = 0;

    for (int i = 0; i < 300; i++) {
        int64_t first = clock_ns(CLOCK_MONOTONIC_RAW), there = clock_ns(clock);
        int64_t took = clock_ns(CLOCK_MONOTONIC_RAW) - first;

        if (took < best) {
            best = took;
            *raw = first + took / 2;
            ahead = there - *raw;
        }
    }
    return ahead;
}

/* With the tick a tenth longer both clocks gain a tenth, the raw one nothing; vDSO and kernel
 * agree. */
static void steering(void)
{
    struct timex fast = {.modes = ADJ_TICK, .tick = 11000}, normal = {.modes = ADJ_TICK};
    static const clockid_t clocks[2] = {CLOCK_MONOTONIC, CLOCK_REALTIME};
    int64_t ahead[2], raw[2], now, gain, kernel_raw;
    struct timespec ts;

    INSIDE_ONLY;
    normal.tick = 10000;
    CHECK(adjtimex(&fast) >= 0);
    for (int i = 0; i < 2; i++)
        ahead[i] = ahead_of_raw(clocks[i], &raw[i]);
    sleep_ms(300);
    for (int i = 0; i < 2; i++) {
        gain = ahead_of_raw(clocks[i], &now) - ahead[i];
        CHECK(gain * 1000 > (now - raw[i]) * 50 && gain * 1000 < (now - raw[i]) * 150);
    }
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC_RAW, &ts);
    kernel_raw = ts.tv_sec * 1000000000ll + ts.tv_nsec;
    CHECK(clock_ns(CLOCK_MONOTONIC_RAW) >= kernel_raw);
    CHECK(adjtimex(&normal) >= 0);
    CHECK_EQ(normal.tick, 10000);
}

/* adjtime(3): half a millisecond a second. */
static void slewing(void)
{
    struct timeval delta = {0, 400}, old;
    int64_t before, gain, when;

    INSIDE_ONLY;
    CHECK_EQ(adjtime(&delta, &old), 0);
    CHECK_EQ(old.tv_usec, 0);
    CHECK_EQ(adjtime(NULL, &old), 0);
    CHECK_EQ(old.tv_usec, 400);
    before = ahead_of_raw(CLOCK_REALTIME, &when);
    sleep_ms(2300);
    gain = ahead_of_raw(CLOCK_REALTIME, &when) - before;
    CHECK(gain > 300000 && gain < 500000);
    CHECK_EQ(adjtime(NULL, &old), 0);
    CHECK_EQ(old.tv_usec, 0);
}

int main(void)
{
    promise("a futex with a deadline on the real-time clock times out when that is set",
            futex_wakes);
    promise("clock_nanosleep until a point ends when the clock passes it", nanosleep_wakes);
    promise("a POSIX timer at a point fires when the clock passes it", timer_fires);
    promise("a POSIX timer at a point moves with the clock, a span does not", timer_moves);
    promise("TFD_TIMER_CANCEL_ON_SET cancels", timerfd_cancels);
    promise("a timerfd at a point fires when the clock passes it", timerfd_fires);
    promise("adjtimex steers both clocks", steering);
    promise("adjtime slews the clock", slewing);
    return check_end();
}
