// cpus: 1 4
// libc: glibc musl
/* Clocks and sleeping. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>

static int64_t ns_of(clockid_t clock)
{
    struct timespec ts = {0, -1};

    CHECK_EQ(clock_gettime(clock, &ts), 0);
    CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void clocks_exist(void)
{
    static const clockid_t clocks[] = {
        CLOCK_REALTIME,         CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,  CLOCK_TAI,           CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID};
    struct timespec res;

    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        CHECK(ns_of(clocks[i]) >= 0);
        CHECK_EQ(clock_getres(clocks[i], &res), 0);
        CHECK(res.tv_sec == 0 && res.tv_nsec >= 1 && res.tv_nsec <= 10 * MS);
    }
    CHECK_ERRNO(clock_gettime(99, &res), EINVAL);
    CHECK_ERRNO(clock_getres(99, &res), EINVAL);
}

static void vdso_agrees_with_kernel(void)
{
    struct timespec fast, slow, later;

    for (int i = 0; i < 1000; i++) {
        int64_t a, b, c;

        clock_gettime(CLOCK_MONOTONIC, &fast);
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &slow);
        clock_gettime(CLOCK_MONOTONIC, &later);
        a = fast.tv_sec * 1000000000LL + fast.tv_nsec;
        b = slow.tv_sec * 1000000000LL + slow.tv_nsec;
        c = later.tv_sec * 1000000000LL + later.tv_nsec;
        NEED(a <= b && b <= c);
    }
    CHECK(getauxval(AT_SYSINFO_EHDR) != 0);
}

static void real_time_is_now(void)
{
    struct timeval tv;
    int64_t real = ns_of(CLOCK_REALTIME), after;

    CHECK(real / 1000000000 > 1700000000);
    CHECK_EQ(gettimeofday(&tv, NULL), 0);
    CHECK(tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL >= real / 1000 * 1000);
    CHECK(time(NULL) >= tv.tv_sec - 1);
    CHECK(real - ns_of(CLOCK_REALTIME_COARSE) < 1000 * MS);
    after = ns_of(CLOCK_REALTIME);
    CHECK(tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL <= after);
    CHECK(time(NULL) <= ns_of(CLOCK_REALTIME) / 1000000000);
}

static _Atomic int64_t latest;
static atomic_int backwards;

static void *race_clock(void *arg)
{
    (void)arg;
    for (int i = 0; i < 30000; i++) {
        int64_t before = atomic_load(&latest), now = now_ns();

        if (now < before)
            atomic_fetch_add(&backwards, 1);
        while (before < now && !atomic_compare_exchange_weak(&latest, &before, now))
            ;
        if (i % 5000 == 0)
            sched_yield();
    }
    return NULL;
}

static void never_backwards(void)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, race_clock, NULL) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&backwards), 0);
}

static void sleeping(void)
{
    static const long lengths[] = {0, 1, 1000, 100000, 2 * MS, 50 * MS};
    struct timespec ts = {0, 1000000000};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct timespec nap = {0, lengths[i]};
        int64_t start = now_ns(), took;

        CHECK_EQ(nanosleep(&nap, NULL), 0);
        took = now_ns() - start;
        CHECK(took >= lengths[i]);
        CHECK(took < lengths[i] + 30000LL * MS); /* not a thousand times as long */
    }
    CHECK_ERRNO(nanosleep(&ts, NULL), EINVAL);
    ts = (struct timespec){-1, 0};
    CHECK_ERRNO(nanosleep(&ts, NULL), EINVAL);
}

static void absolute_sleep(void)
{
    int64_t until = now_ns() + 30 * MS;
    struct timespec ts = {until / 1000000000, until % 1000000000};

    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
    CHECK(now_ns() >= until);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
    until = ns_of(CLOCK_REALTIME) + 20 * MS;
    ts = (struct timespec){until / 1000000000, until % 1000000000};
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
    CHECK(ns_of(CLOCK_REALTIME) >= until);
    CHECK_EQ(clock_nanosleep(99, 0, &ts, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EOPNOTSUPP);
}

static void processor_number(void)
{
    unsigned cpu = 1234, node = 1234;

    CHECK_EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
    CHECK(cpu < 1024 && node < 1024);
    CHECK(sched_getcpu() >= 0);
}

static void process_times(void)
{
    struct tms buffer;

    CHECK(times(&buffer) != (clock_t)-1);
    CHECK(buffer.tms_cutime == 0);
    CHECK_EQ(sysconf(_SC_CLK_TCK), 100);
}

static void clock_can_be_set_or_refused(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK_ERRNO(clock_settime(CLOCK_MONOTONIC, &now), EINVAL);
    now.tv_nsec = -1;
    CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &now), EINVAL);
}

int main(void)
{
    promise("every clock exists and has a resolution", clocks_exist);
    promise("vDSO and system call agree", vdso_agrees_with_kernel);
    promise("the real-time clock shows this decade", real_time_is_now);
    promise("monotonic time never runs backwards between threads", never_backwards);
    promise("nanosleep sleeps as long as told", sleeping);
    promise("clock_nanosleep until a moment", absolute_sleep);
    promise("getcpu", processor_number);
    promise("times", process_times);
    promise("clock_settime checks its arguments", clock_can_be_set_or_refused);
    return check_end();
}
