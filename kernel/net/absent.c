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
