/* net_no_ipv6.c: what the tests of IPv4 have in the place of IPv6. */
#include "lib/errno.h"
#include "net/inet.h"
#include "net/ipv6.h"

void ipv6_receive(struct packet *packet)
{
    packet_free(packet);
}
void ndp_solicit(struct neighbour *neighbour)
{
}
int ipv6_output(struct ip_flow *flow, struct packet *packet)
{
    packet_free(packet);
    return -ENETUNREACH;
}
int ipv6_route(struct ip_flow *flow)
{
    return -ENETUNREACH;
}
void icmpv6_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
}
bool icmpv6_would_complain(const struct inet_addr *to)
{
    return true;
}
void mld_group_changed(struct netif *netif, const struct inet_addr *group, bool joined)
{
}
