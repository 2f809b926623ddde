/* linux/epoll.h: epoll_ctl(2) with the event at hand. Threads only. */
#pragma once

#include "lib/types.h"

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };
struct epoll_event {
    uint32_t events;
    uint64_t data;
} __packed;
int64_t epoll_control(int epfd, int op, int fd, struct epoll_event *event);
