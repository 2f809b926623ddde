/* man 2 setrlimit */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    struct rlimit limit = {50, 200}, got;

    CHECK_EQ(CALL(setrlimit, RLIMIT_NOFILE, &limit), 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &got) == 0 && got.rlim_cur == 50 && got.rlim_max == 200);
    CHECK_ERRNO(dup2(1, 50), EBADF);
    CHECK_EQ(dup2(1, 49), 49);
    limit = (struct rlimit){201, 200};
    CHECK_ERRNO(CALL(setrlimit, RLIMIT_NOFILE, &limit), EINVAL);
    limit = (struct rlimit){1, 1ul << 40};
    CHECK_ERRNO(CALL(setrlimit, RLIMIT_NOFILE, &limit), EPERM); /* above fs.nr_open */
    CHECK_ERRNO(CALL(setrlimit, RLIM_NLIMITS, &limit), EINVAL);
    CHECK_ERRNO(CALL(setrlimit, RLIMIT_NOFILE, BAD), EFAULT);
    become_nobody();
    limit = (struct rlimit){10, 300};
    CHECK_ERRNO(CALL(setrlimit, RLIMIT_NOFILE, &limit), EPERM);
    limit.rlim_max = 150;
    CHECK_EQ(CALL(setrlimit, RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    promise_apart("setrlimit: results and errors", results);
    return check_end();
}
