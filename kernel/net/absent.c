/* What stands in for parts of the stack that are not linked in. */
#include "lib/errno.h"
#include "net/inet.h"

#define WEAK __attribute__((weak))

WEAK void ipv4_receive(struct packet *packet)
{
    packet_free(packet);
}
WEAK void arp_receive(struct packet *packet)
{
    packet_free(packet);
}
WEAK void ipv6_receive(struct packet *packet)
{
    packet_free(packet);
}
WEAK void arp_solicit(struct neighbour *neighbour)
{
}
WEAK void ndp_solicit(struct neighbour *neighbour)
{
}
WEAK int ipv6_output(struct ip_flow *flow, struct packet *packet)
{
    packet_free(packet);
    return -ENETUNREACH;
}
WEAK void inet_options_init(struct inet_socket *s)
{
}
WEAK struct inet_addr ip_source(const struct packet *packet)
{
    return inet_v4(0);
}
WEAK struct inet_addr ip_destination(const struct packet *packet)
{
    return inet_v4(0);
}
WEAK unsigned ip_ttl(const struct packet *packet)
{
    return 0;
}
WEAK unsigned ip_tos(const struct packet *packet)
{
    return 0;
}
WEAK int ip_route(struct ip_flow *flow)
{
    return -ENETUNREACH;
}
WEAK int ip_output(struct ip_flow *flow, struct packet *packet)
{
    packet_free(packet);
    return -ENETUNREACH;
}
WEAK uint32_t ip_pseudo_sum(const struct inet_addr *source, const struct inet_addr *destination,
                            unsigned protocol, unsigned len)
{
    return 0;
}
WEAK unsigned ip_header_len(const struct ip_flow *flow)
{
    return 0;
}
WEAK void ip_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
}
WEAK int64_t inet_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    return -ENOTTY;
}
