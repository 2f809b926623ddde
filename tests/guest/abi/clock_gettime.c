/* man 2 clock_gettime */
#include "abi.h"

static int64_t read_clock(int clock)
{
    struct timespec ts = {0, 0};

    CHECK_EQ(CALL(clock_gettime, clock, &ts), 0);
    CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void results(void)
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,          CLOCK_MONOTONIC_RAW,
                                 CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE,    CLOCK_MONOTONIC_COARSE,
                                 CLOCK_TAI,      CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t first = read_clock(clocks[i]);
        CHECK(read_clock(clocks[i]) >= first);
    }
    CHECK(read_clock(CLOCK_REALTIME) > 1600000000ll * 1000000000);
    int64_t running = read_clock(CLOCK_MONOTONIC);
    CHECK(read_clock(CLOCK_BOOTTIME) >= running);
    int64_t call = read_clock(CLOCK_MONOTONIC), vdso = now_ns();
    CHECK(vdso >= call && read_clock(CLOCK_MONOTONIC) >= vdso); /* the same clock as the vDSO's */
}

static void cpu_clocks(void)
{
    clockid_t clock;
    struct timespec ts;

    NEED(clock_getcpuclockid(getpid(), &clock) == 0);
    CHECK_EQ(CALL(clock_gettime, clock, &ts), 0);
    NEED(clock_getcpuclockid(getppid(), &clock) == 0);
    CHECK_EQ(CALL(clock_gettime, clock, &ts), 0);
    CHECK_ERRNO(CALL(clock_gettime, ~(0x3ffffff << 3) & ~5, &ts), EINVAL); /* no such process */
}

static void errors(void)
{
    struct timespec ts;

    CHECK_ERRNO(CALL(clock_gettime, 99, &ts), EINVAL);
    CHECK_ERRNO(CALL(clock_gettime, CLOCK_MONOTONIC, BAD), EFAULT);
    CHECK_ERRNO(CALL(clock_gettime, CLOCK_MONOTONIC, NULL), EFAULT);
}

int main(void)
{
    promise("clock_gettime: the clocks", results);
    promise("clock_gettime: clocks of processes", cpu_clocks);
    promise("clock_gettime: errors", errors);
    return check_end();
}
