/* man 2 epoll_pwait2 */
#include "abi.h"
#include <sys/epoll.h>

static void results(void)
{
    struct epoll_event got;
    struct timespec soon = {0, 1000000}, wrong = {0, 1000000000};
    int ep = epoll_create1(0);
    int64_t before = now_ns();

    CHECK_EQ(CALL(epoll_pwait2, ep, &got, 1, &soon, NULL, 8), 0);
    CHECK(now_ns() - before >= 1000000);
    CHECK_ERRNO(CALL(epoll_pwait2, ep, &got, 1, &wrong, NULL, 8), EINVAL);
    CHECK_ERRNO(CALL(epoll_pwait2, ep, &got, 1, BAD, NULL, 8), EFAULT);
    CHECK_ERRNO(CALL(epoll_pwait2, BAD_FD, &got, 1, &soon, NULL, 8), EBADF);
}

int main(void)
{
    promise("epoll_pwait2: results and errors", results);
    return check_end();
}
