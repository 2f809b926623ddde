/* man 2 adjtimex, clock_adjtime: what is kept, and what is refused. */
#include "check.h"
#include <sys/timex.h>

/* As on a machine that nobody else steers; elsewhere only what changes nothing. */
#define OURS_ONLY                                                                                  \
    if (!inside_osprey())                                                                          \
    SKIP("the clock is not ours to steer")

static void asking(void)
{
    struct timex tx = {};
    struct timespec before, now;
    int state;

    clock_gettime(CLOCK_REALTIME, &before);
    state = adjtimex(&tx);
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK(state >= TIME_OK && state <= TIME_ERROR);
    CHECK_EQ(tx.precision, 1);
    CHECK_EQ(tx.tolerance, 500 << 16);
    CHECK(tx.tick >= 9000 && tx.tick <= 11000);
    CHECK(tx.time.tv_sec >= before.tv_sec && tx.time.tv_sec <= now.tv_sec);
    CHECK(tx.time.tv_usec >= 0 && tx.time.tv_usec < (tx.status & STA_NANO ? 1000000000 : 1000000));
    CHECK(!(state != TIME_ERROR && tx.status & STA_UNSYNC));
}

static void keeping(void)
{
    struct timex tx = {.modes = ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR, .freq = 10 << 16};
    int state;

    OURS_ONLY;
    tx.maxerror = 1000;
    tx.esterror = 2000;
    CHECK(adjtimex(&tx) >= 0);
    tx = (struct timex){.modes = ADJ_STATUS, .status = STA_PLL};
    state = adjtimex(&tx);
    CHECK_EQ(state, TIME_OK);
    CHECK_EQ(tx.freq, 10 << 16);
    CHECK(tx.maxerror >= 1000 && tx.maxerror < 100000);
    CHECK_EQ(tx.esterror, 2000);
    CHECK_EQ(tx.status, STA_PLL);
    tx = (struct timex){.modes = ADJ_NANO};
    adjtimex(&tx);
    CHECK_EQ(tx.status, STA_PLL | STA_NANO);
    tx = (struct timex){.modes = ADJ_OFFSET | ADJ_TIMECONST, .offset = 1000000, .constant = 2};
    adjtimex(&tx);
    CHECK_EQ(tx.constant, 2);
    CHECK_EQ(tx.offset, 1000000);
    tx = (struct timex){.modes = ADJ_FREQUENCY | ADJ_MICRO | ADJ_OFFSET, .freq = 1000 << 16};
    adjtimex(&tx);
    CHECK_EQ(tx.freq, 500 << 16);
    CHECK_EQ(tx.status, STA_PLL);
    tx = (struct timex){.modes = ADJ_FREQUENCY | ADJ_STATUS, .status = 0};
    adjtimex(&tx);
    CHECK_EQ(tx.freq, 0);
    CHECK(tx.status == 0 || tx.status == STA_UNSYNC);
}

static void tai(void)
{
    struct timex tx = {.modes = ADJ_TAI, .constant = 37};
    struct timespec utc, tai;

    OURS_ONLY;
    CHECK(adjtimex(&tx) >= 0);
    CHECK_EQ(tx.tai, 37);
    clock_gettime(CLOCK_REALTIME, &utc);
    clock_gettime(CLOCK_TAI, &tai);
    CHECK(tai.tv_sec - utc.tv_sec == 37 || tai.tv_sec - utc.tv_sec == 38);
    tx = (struct timex){.modes = ADJ_TAI, .constant = 0};
    adjtimex(&tx);
}

static void offset(void)
{
    struct timespec before, after;
    struct timex tx = {.modes = ADJ_SETOFFSET};

    OURS_ONLY;
    tx.time.tv_sec = 100;
    clock_gettime(CLOCK_REALTIME, &before);
    CHECK(adjtimex(&tx) >= 0);
    clock_gettime(CLOCK_REALTIME, &after);
    CHECK(after.tv_sec - before.tv_sec >= 100 && after.tv_sec - before.tv_sec < 110);
    tx = (struct timex){.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {-100, 0}};
    CHECK(adjtimex(&tx) >= 0);
}

static void errors(void)
{
    struct timex tx = {.modes = ADJ_TICK, .tick = 8999};

    CHECK_ERRNO(adjtimex(&tx), EINVAL);
    tx.tick = 11001;
    CHECK_ERRNO(adjtimex(&tx), EINVAL);
    tx = (struct timex){.modes = ADJ_SETOFFSET, .time = {0, 1000000}};
    CHECK_ERRNO(adjtimex(&tx), EINVAL);
    tx.time.tv_usec = -1;
    CHECK_ERRNO(adjtimex(&tx), EINVAL);
    tx = (struct timex){.modes = 0x8000};
    CHECK_ERRNO(adjtimex(&tx), EINVAL);
    CHECK_ERRNO(adjtimex((void *)8), EFAULT);
    tx = (struct timex){};
    CHECK_ERRNO(clock_adjtime(CLOCK_MONOTONIC, &tx), EOPNOTSUPP);
    CHECK_ERRNO(clock_adjtime(99, &tx), EINVAL);
    CHECK(clock_adjtime(CLOCK_REALTIME, &tx) >= 0);
}

static void rights(void)
{
    struct timex tx = {};

    if (seteuid(65534) != 0)
        SKIP("not root");
    CHECK(adjtimex(&tx) >= 0);
    tx.modes = ADJ_FREQUENCY;
    CHECK_ERRNO(adjtimex(&tx), EPERM);
    tx.modes = ADJ_OFFSET_SINGLESHOT;
    CHECK_ERRNO(adjtimex(&tx), EPERM);
    tx.modes = ADJ_OFFSET_SS_READ;
    CHECK(adjtimex(&tx) >= 0);
    CHECK(seteuid(0) == 0);
}

int main(void)
{
    promise("asking changes nothing and needs no right", asking);
    promise("frequency, errors, status, offset are kept in their bounds", keeping);
    promise("ADJ_TAI sets CLOCK_TAI", tai);
    promise("ADJ_SETOFFSET steps the clock", offset);
    promise("what is wrong is refused", errors);
    promise("changing is root's", rights);
    return check_end();
}
