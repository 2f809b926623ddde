/* shim/tcp/no_ipv6.h: what IPv6 and groups would do; for sim.c. */
#pragma once

int inet6_connect(struct inet_socket *s, const struct socket_address *address)
{
    return 0;
}
void inet6_note(struct inet_socket *s, const struct packet *packet)
{
}
int flow_label_get(struct inet_socket *s, void *value, size_t len, uint32_t remote)
{
    return -ENOPROTOOPT;
}
void inet6_inherit(struct inet_socket *to, const struct inet_socket *from)
{
}
void inet_flow_options(const struct inet_socket *s, struct ip_flow *flow)
{
}
void multicast_leave_all(struct inet_socket *s)
{
}
