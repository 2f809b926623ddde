/* man 2 epoll_wait */
#include "abi.h"
#include <sys/epoll.h>

static int ep, ends[2];

static int ready(uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x123456789abcdef}, got[2];
    int n;

    epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL);
    if (epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &event) != 0)
        return -1;
    n = CALL(epoll_wait, ep, got, 2, 0);
    CHECK(n != 1 || (got[0].data.u64 == event.data.u64 && got[0].events == EPOLLIN));
    return n;
}

static int again(void)
{
    struct epoll_event got[2];

    return CALL(epoll_wait, ep, got, 2, 0);
}

static void results(void)
{
    char byte;

    NEED(pipe(ends) == 0 && (ep = epoll_create1(0)) >= 0);
    CHECK_EQ(ready(EPOLLIN), 0);
    CHECK_EQ(write(ends[1], "ab", 2), 2);
    CHECK(ready(EPOLLIN) == 1 && again() == 1); /* level */
    CHECK(ready(EPOLLIN | EPOLLET) == 1 && again() == 0);
    CHECK(write(ends[1], "c", 1) == 1 && again() == 1 && again() == 0); /* edge */
    CHECK(ready(EPOLLIN | EPOLLONESHOT) == 1 && again() == 0);
    CHECK(write(ends[1], "d", 1) == 1 && again() == 0);
    CHECK(read(ends[0], &byte, 1) == 1);
}

static void errors(void)
{
    struct epoll_event got[2];

    CHECK_ERRNO(CALL(epoll_wait, ep, got, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(epoll_wait, ep, got, -1, 0), EINVAL);
    CHECK_ERRNO(CALL(epoll_wait, BAD_FD, got, 1, 0), EBADF);
    CHECK_ERRNO(CALL(epoll_wait, BAD_FD, BAD, 0, 0), EBADF);
    CHECK_ERRNO(CALL(ioctl, ep, 0x12345678, got), EINVAL);
    CHECK_ERRNO(CALL(epoll_wait, ends[0], got, 1, 0), EINVAL);
    ready(EPOLLIN);
    CHECK_ERRNO(CALL(epoll_wait, ep, BAD, 1, 0), EFAULT);
}

int main(void)
{
    promise("epoll_wait: level, edge, once", results);
    promise("epoll_wait: errors", errors);
    return check_end();
}
