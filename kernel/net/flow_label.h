/* net/flow_label.h: IPv6 flow labels that sockets have leased (IPV6_FLOWLABEL_MGR, as Linux has it;
 * RFC 6437). A lease lingers after its last user. Threads, the socket of each call locked. */
#pragma once

#include "net/inet6.h"

enum { FLOW_LABEL_REQUEST = 32 }; /* sizeof(struct in6_flowlabel_req) */

/* setsockopt; a label that was chosen is put into the value. */
int flow_label_set(struct inet_socket *s, void *value, size_t len);
/* getsockopt; remote: the label that the peer sends, network order. */
int flow_label_get(struct inet_socket *s, void *value, size_t len, uint32_t remote);
/* May the socket send with this label? 0 and what its lease says about headers (NULL: nothing; none
 * need ask for a lease), or -EINVAL. */
int flow_label_use(struct inet_socket *s, uint32_t label, const struct ipv6_headers **headers,
                   bool *leased);
/* All of the socket's go. */
void flow_label_release(struct inet6_extras *six);

extern int flow_label_consistency; /* net.ipv6.flowlabel_consistency */
