/* man 2 settimeofday: time and time zone. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/time.h>

static int set(const struct timeval *tv, const struct timezone *tz)
{
    return (int)syscall(SYS_settimeofday, tv, tz);
}

static int get(struct timeval *tv, struct timezone *tz)
{
    return (int)syscall(SYS_gettimeofday, tv, tz);
}

static void zone(void)
{
    struct timezone old, new = {0, 0}, now;

    if (!inside_osprey())
        SKIP("the zone is not ours to set");
    NEED(get(NULL, &old) == 0);
    CHECK_EQ(set(NULL, &new), 0); /* the first may warp the clock: not by nothing */
    new = (struct timezone){-60, 1};
    CHECK_EQ(set(NULL, &new), 0);
    CHECK_EQ(get(NULL, &now), 0);
    CHECK_EQ(now.tz_minuteswest, -60);
    CHECK_EQ(now.tz_dsttime, 1);
    CHECK_EQ(set(NULL, &old), 0);
}

static void time_of_day(void)
{
    struct timeval before, after;

    if (!inside_osprey())
        SKIP("the clock is not ours to set");
    get(&before, NULL);
    before.tv_sec += 1000;
    CHECK_EQ(set(&before, NULL), 0);
    get(&after, NULL);
    CHECK(after.tv_sec - before.tv_sec < 100 && after.tv_sec >= before.tv_sec);
    after.tv_sec -= 1000;
    CHECK_EQ(set(&after, NULL), 0);
}

static void errors(void)
{
    struct timeval tv = {0, 1000000};
    struct timezone tz = {15 * 60 + 1, 0};

    CHECK_ERRNO(set(&tv, NULL), EINVAL);
    tv.tv_usec = -1;
    CHECK_ERRNO(set(&tv, NULL), EINVAL);
    CHECK_ERRNO(set(NULL, &tz), EINVAL);
    CHECK_ERRNO(set((void *)8, NULL), EFAULT);
    CHECK_ERRNO(set(NULL, (void *)8), EFAULT);
    if (seteuid(65534) == 0) {
        get(&tv, NULL);
        CHECK_ERRNO(set(&tv, NULL), EPERM);
        CHECK(seteuid(0) == 0);
    }
}

int main(void)
{
    promise("the time zone is kept", zone);
    promise("the time is set", time_of_day);
    promise("what is wrong is refused", errors);
    return check_end();
}
