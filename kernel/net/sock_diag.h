/* net/sock_diag.h: NETLINK_SOCK_DIAG (man 7 sock_diag): what its parts share. Threads only. */
#pragma once

#include "net/netlink.h"

enum { TCPDIAG_GETSOCK = 18, DCCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY = 20, DIAG_MEMINFO = 9 };

int diag_inet(struct netlink_request *r);   /* inet_diag.c */
int diag_unix(struct netlink_request *r);   /* unix_diag.c */
int diag_packet(struct netlink_request *r); /* packet_diag.c */

/* SK_MEMINFO_*: what waits in both directions and the limits. */
void diag_put_meminfo(struct nl_out *out, unsigned type, const struct socket *socket,
                      uint32_t received, uint32_t sent, uint32_t drops);
/* A socket's cookie as two words, or what the program knows of it if it has none. */
void diag_cookie(struct socket *socket, uint32_t cookie[2]);
/* Does the cookie of a request (all ones: any) mean this socket? */
bool diag_cookie_meets(struct socket *socket, const uint32_t cookie[2]);
