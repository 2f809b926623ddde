/* net/proc_net.h: the files of /proc/net (man 5 proc), in Linux' form to the byte. Threads. */
#pragma once

#include "fs/pseudo.h"

/* proc_sockets.c; entry->arg says which. */
int proc_show_stream(struct text *text, const struct pseudo *self);   /* 0 tcp, 1 tcp6 */
int proc_show_datagram(struct text *text, const struct pseudo *self); /* PROC_* */
enum { PROC_UDP, PROC_UDP6, PROC_RAW, PROC_RAW6, PROC_ICMP, PROC_ICMP6 };
int proc_show_unix(struct text *text, const struct pseudo *self);
int proc_show_packet(struct text *text, const struct pseudo *self);
int proc_show_netlink(struct text *text, const struct pseudo *self);
int proc_show_sockstat(struct text *text, const struct pseudo *self); /* 0, 1: sockstat6 */
int proc_show_protocols(struct text *text, const struct pseudo *self);

/* proc_mib.c */
int proc_show_snmp(struct text *text, const struct pseudo *self);
int proc_show_snmp6(struct text *text, const struct pseudo *self);
int proc_show_netstat(struct text *text, const struct pseudo *self);

/* proc_routes.c */
int proc_show_route(struct text *text, const struct pseudo *self);
int proc_show_ipv6_route(struct text *text, const struct pseudo *self);
int proc_show_fib_trie(struct text *text, const struct pseudo *self);
int proc_show_anycast6(struct text *text, const struct pseudo *self); /* anycast.c */
int proc_show_arp(struct text *text, const struct pseudo *self);
int proc_show_ip6_flowlabel(struct text *text, const struct pseudo *self); /* flow_label.c */

/* One line, filled up with blanks to `width`, and a newline. */
void proc_put_padded(struct text *text, const char *line, unsigned width);
