/* man 2 times */
#include "abi.h"
#include <sys/times.h>

static void results(void)
{
    struct tms tms = {-1, -1, -1, -1}, later;
    long before = CALL(times, &tms);
    pid_t pid = start();

    CHECK(before > 0 && tms.tms_utime >= 0 && tms.tms_cutime >= 0);
    if (pid == 0) { /* a tenth of a second */
        while (CALL(times, &later), later.tms_utime + later.tms_stime < 10)
            ;
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK(CALL(times, &later) >= before);
    CHECK(later.tms_cutime + later.tms_cstime >= tms.tms_cutime + tms.tms_cstime + 10);
    CHECK(CALL(times, NULL) >= before);
    CHECK_ERRNO(CALL(times, BAD), EFAULT);
}

int main(void)
{
    promise("times: results and errors", results);
    return check_end();
}
