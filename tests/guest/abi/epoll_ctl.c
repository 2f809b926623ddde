/* man 2 epoll_ctl */
#include "abi.h"
#include <sys/epoll.h>

static void results(void)
{
    int ep = epoll_create1(0), other = epoll_create1(0), ends[2];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 5};

    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], &event), 0);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
    CHECK_EQ(CALL(epoll_ctl, ep, EPOLL_CTL_MOD, ends[0], &event), 0);
    CHECK_EQ(CALL(epoll_ctl, ep, EPOLL_CTL_DEL, ends[0], NULL), 0);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_DEL, ends[0], NULL), ENOENT);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_MOD, ends[0], &event), ENOENT);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ep, &event), EINVAL);
    CHECK_ERRNO(CALL(epoll_ctl, ends[0], EPOLL_CTL_ADD, ends[1], &event), EINVAL);
    CHECK_ERRNO(CALL(epoll_ctl, ep, 99, ends[0], &event), EINVAL);
    CHECK_ERRNO(CALL(epoll_ctl, BAD_FD, EPOLL_CTL_ADD, ends[0], &event), EBADF);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, BAD_FD, &event), EBADF);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], BAD), EFAULT);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, open("/etc/passwd", O_RDONLY), &event), EPERM);
    CHECK_EQ(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, other, &event), 0);
    CHECK_ERRNO(CALL(epoll_ctl, other, EPOLL_CTL_ADD, ep, &event), ELOOP);
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    CHECK_EQ(CALL(epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], &event), 0);
    CHECK_ERRNO(CALL(epoll_ctl, ep, EPOLL_CTL_MOD, ends[0], &event), EINVAL);
}

int main(void)
{
    promise("epoll_ctl: results and errors", results);
    return check_end();
}
