/* net/inet_view.h: all sockets of a transport at one time, for /proc/net and sock_diag. Threads. */
#pragma once

#include "net/inet.h"

enum {
    INET_STATE_ESTABLISHED = 1,
    INET_STATE_TIME_WAIT = 6,
    INET_STATE_CLOSE = 7,
    INET_STATE_LISTEN = 10
};

struct inet_view {
    struct inet_socket *socket; /* with a reference; NULL: a remnant, of which only this is left */
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    bool v6;        /* of an AF_INET6 socket */
    unsigned netif; /* index of what it is bound to; 0 */
    uint32_t uid, drops, refs;
    uint64_t ino;
    struct inet_description d;
};

struct inet_views {
    struct inet_view *views;
    unsigned n, room;
};
/* Those of TCP or UDP, in no order. -ENOMEM. inet_views_put() in any case. */
int inet_views_get(struct inet_views *all, unsigned protocol);
/* Raw sockets, or those of ICMP's echo. */
int inet_views_get_raw(struct inet_views *all, bool ping);
void inet_views_put(struct inet_views *all);
/* An address as a socket of that family shows it: any address of an IPv6 socket is all zeros. */
struct inet_addr inet_view_address(const struct inet_view *view, const struct inet_addr *a);
