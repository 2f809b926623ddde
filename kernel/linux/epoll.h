/* linux/epoll.h: epoll_ctl(2) with the event at hand; looking into an epoll from outside (kcmp).
 * Threads only; may sleep. */
#pragma once

#include "fs/vfs.h"

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };
struct epoll_event {
    uint32_t events;
    uint64_t data;
} __packed;
/* 0; -EBADF, and what man 2 epoll_ctl lists. */
int64_t epoll_control(int epfd, int op, int fd, struct epoll_event *event);
/* The file that stands in the epoll as the nth (from 0) with this descriptor: *target, without a
 * reference, only to be compared. -EINVAL: no epoll; -ENOENT. */
int epoll_target(struct file *epoll, int fd, unsigned nth, struct file **target);
