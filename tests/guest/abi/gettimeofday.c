/* man 2 gettimeofday */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct timeval tv;
    struct timezone tz = {7, 7};
    int64_t now = time(NULL);

    CHECK_EQ(CALL(gettimeofday, &tv, &tz), 0);
    CHECK(tv.tv_sec >= now && tv.tv_sec < now + 60 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    CHECK(tz.tz_minuteswest != 7 && tz.tz_dsttime != 7);
    CHECK_EQ(CALL(gettimeofday, NULL, NULL), 0);
    CHECK_ERRNO(CALL(gettimeofday, BAD, NULL), EFAULT);
    CHECK_ERRNO(CALL(gettimeofday, NULL, BAD), EFAULT);
}

int main(void)
{
    promise("gettimeofday: results and errors", results);
    return check_end();
}
