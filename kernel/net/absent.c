/* What stands in for parts of the stack that are not linked in. */
#include "lib/errno.h"
#include "net/inet.h"
#include "net/ipv6.h"

#define WEAK __attribute__((weak))

WEAK void ipv6_receive(struct packet *packet)
{
    packet_free(packet);
}
WEAK void ndp_solicit(struct neighbour *neighbour)
{
}
WEAK int ipv6_output(struct ip_flow *flow, struct packet *packet)
{
    packet_free(packet);
    return -ENETUNREACH;
}
WEAK int ipv6_route(struct ip_flow *flow)
{
    return -ENETUNREACH;
}
WEAK void icmpv6_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
}
WEAK void mld_group_changed(struct netif *netif, const struct inet_addr *group, bool joined)
{
}
