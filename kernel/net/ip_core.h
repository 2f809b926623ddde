/* net/ip_core.h: what the two families of IP share among each other, below net/ip.h: delivery to
 * protocols and raw sockets, path MTUs, reassembly, and the settings of /proc/sys/net/ipv4. */
#pragma once

#include "net/ip.h"

extern const struct ip_protocol *ip_protocols_v4[256], *ip_protocols_v6[256]; /* rcu_load */

/* A whole packet to us, data at the transport header: to raw sockets, then to its protocol. Takes
 * it. false: nobody wanted it (it is not taken: complain and free it). A thread. */
bool ip_deliver(struct packet *packet, unsigned protocol);
/* Tell the protocol of an error about one of our packets; -ENOPROTOOPT: it does not care. */
int ip_report_error(const struct ip_error *error, unsigned protocol);
/* Raw sockets hear of errors too (net/raw.c); NULL: there is none. */
extern void (*ip_raw_error_hook)(const struct ip_error *error, unsigned protocol);

/* The smaller of `mtu` and what has been learnt of the path. RCU. */
unsigned ip_path_mtu(const struct inet_addr *destination, unsigned mtu);
/* Forget all that was learnt. A thread. */
void ip_forget_mtus(void);

/* One fragment: packet->data at its payload, network at its header. */
struct ip_fragment {
    struct inet_addr source, destination;
    uint32_t id;      /* as it stands in the header */
    uint8_t protocol; /* IPv6: 0 */
    unsigned offset;  /* bytes */
    bool more;
    const void *user; /* who joins them, each for himself; NULL: this host */
};
/* Takes the fragment. Returns the whole packet once it is complete: the one with offset 0, at its
 * payload, with the others' bytes behind it and its header as it came; else NULL. Two that overlap
 * spoil the whole datagram (RFC 5722), as Linux does for both families. A thread. */
struct packet *ip_reassemble(struct packet *packet, const struct ip_fragment *fragment);
/* The same for IPv4, at its payload; the whole's header is mended. Any context. */
struct packet *ipv4_reassemble(struct packet *packet, const void *user);
extern size_t ip_fragment_high;              /* net.ipv4.ipfrag_high_thresh, of both families */
extern unsigned ip_fragment_seconds;         /* net.ipv4.ipfrag_time */
size_t ip_fragment_memory(unsigned *queues); /* in use, for /proc/net/sockstat */

extern unsigned ip_default_ttl;
extern bool icmp_echo_ignore_all, icmp_echo_ignore_broadcasts;
extern unsigned icmp_ratelimit_ms, icmp_ratemask, icmp_msgs_per_sec, icmp_msgs_burst;
extern unsigned ip_min_pmtu, ip_mtu_expires_seconds;

/* IPv4: the source that packets to destination through netif carry (0.0.0.0: it has none). RCU. */
struct inet_addr ipv4_choose_source(const struct inet_addr *destination, struct netif *netif,
                                    unsigned scope);
/* Leave it to the device to make fragments of `size` bytes, and the checksum: only for UDP, without
 * options or extension headers. true: `packet`, at its network header, is to be sent so. */
bool ip_leave_fragments(const struct ip_flow *flow, struct packet *packet, unsigned size);
int ipv4_route(struct ip_flow *flow);
int ipv4_output(struct ip_flow *flow, struct packet *packet);
void icmp_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer);
bool icmp_would_complain(const struct inet_addr *to);
/* Tell the neighbours of our addresses (gratuitous ARP): the link has come back. A thread. */
void arp_announce(struct netif *netif);

/* IPv4 options of a received packet (its header in one piece, and its own if it has options):
 * checked, and those filled in that record something. 0; -EINVAL: bad, *pointer says where; -EPERM:
 * source routed, which is refused. local: of the interface, for records. */
int ipv4_options_receive(struct packet *packet, const struct inet_addr *local, unsigned *pointer);
/* What an answer to the packet carries (RFC 1122, 3.2.2.6): fills out[40], returns the length. */
unsigned ipv4_options_answer(const struct packet *packet, uint8_t *out);
/* In fragments but the first: what need not be in each becomes NOP. */
void ipv4_options_later(uint8_t *options, unsigned len);
