/* man 2 sysinfo */
#include "abi.h"
#include <sys/sysinfo.h>

static void results(void)
{
    struct sysinfo info;

    memset(&info, 0xff, sizeof info);
    CHECK_EQ(CALL(sysinfo, &info), 0);
    CHECK(info.uptime >= 0 && info.uptime < 10l * 365 * 86400);
    CHECK(info.mem_unit >= 1 && info.totalram > info.freeram && info.freeram > 0);
    CHECK(info.procs >= 1);
    CHECK_ERRNO(CALL(sysinfo, BAD), EFAULT);
}

int main(void)
{
    promise("sysinfo: results and errors", results);
    return check_end();
}
