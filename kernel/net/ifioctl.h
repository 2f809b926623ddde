/* net/ifioctl.h: the ioctls about interfaces that any socket takes (man 7 netdevice). Threads. */
#pragma once

#include "net/socket.h"

/* -ENOTTY: not one of them. */
int64_t netif_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg);
/* SIOCETHTOOL: what the kernel knows of a device (net/ethtool.c); data is the program's. */
struct netif;
int64_t ethtool_ioctl(const struct netif *netif, uintptr_t data);
