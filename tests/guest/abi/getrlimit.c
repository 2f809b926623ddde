/* man 2 getrlimit */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    struct rlimit limit;

    for (int i = 0; i < RLIM_NLIMITS; i++) {
        limit = (struct rlimit){1, 0};
        CHECK_EQ(CALL(getrlimit, i, &limit), 0);
        CHECK(limit.rlim_cur <= limit.rlim_max);
    }
    CHECK_ERRNO(CALL(getrlimit, RLIM_NLIMITS, &limit), EINVAL);
    CHECK_ERRNO(CALL(getrlimit, -1, &limit), EINVAL);
    CHECK_ERRNO(CALL(getrlimit, 0, BAD), EFAULT);
}

int main(void)
{
    promise("getrlimit: results and errors", results);
    return check_end();
}
