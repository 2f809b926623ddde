/* net/netlink.h: what mq_notify(2) needs of AF_NETLINK: a socket from which a thread reads the
 * cookies that it was promised. There is no protocol behind it yet. Threads only. */
#pragma once

#include "fs/vfs.h"

bool netlink_is(const struct file *file);
/* Hand bytes to whoever reads the socket; lost where memory is. */
void netlink_deliver(struct file *file, const void *data, size_t len);
