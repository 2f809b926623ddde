/* What both families of IP share. */
#include "net/ip.h"

#include "lib/endian.h"
#include "lib/errno.h"
#include "net/ip_core.h"
#include "net/ipv6.h"
#include "net/neighbour.h"
#include "net/rculist.h"

const struct ip_protocol *ip_protocols_v4[256], *ip_protocols_v6[256];
bool (*ip_raw_hook)(const struct packet *packet, unsigned protocol);
void (*ip_raw_error_hook)(const struct ip_error *error, unsigned protocol);

void ip_protocol_register(const struct ip_protocol *protocol)
{
    if (protocol->v4)
        rcu_store(ip_protocols_v4[protocol->number], protocol);
    if (protocol->v6)
        rcu_store(ip_protocols_v6[protocol->number], protocol);
}

/* --- what a received packet says */

struct inet_addr ip_source(const struct packet *packet)
{
    struct inet_addr a;

    if (ip_packet_is_v4(packet))
        return inet_v4(get_le32(packet->network + 12));
    memcpy(&a, packet->network + 8, sizeof(a));
    return a;
}

struct inet_addr ip_destination(const struct packet *packet)
{
    struct inet_addr a;

    if (ip_packet_is_v4(packet))
        return inet_v4(get_le32(packet->network + 16));
    memcpy(&a, packet->network + 24, sizeof(a));
    return a;
}

unsigned ip_ttl(const struct packet *packet)
{
    return packet->network[ip_packet_is_v4(packet) ? 8 : 7];
}

unsigned ip_tos(const struct packet *packet)
{
    if (ip_packet_is_v4(packet))
        return packet->network[1];
    return get_be16(packet->network) >> 4 & 0xff;
}

uint32_t ip_pseudo_sum(const struct inet_addr *source, const struct inet_addr *destination,
                       unsigned protocol, unsigned len)
{
    uint32_t sum = __builtin_bswap16((uint16_t)protocol) + __builtin_bswap16((uint16_t)len) +
                   __builtin_bswap16((uint16_t)(len >> 16));

    if (likely(inet_is_v4(destination))) {
        uint64_t both = (uint64_t)source->words[3] + destination->words[3];
        return sum + (uint32_t)(both & 0xffff) + (uint32_t)(both >> 16);
    }
    sum = checksum_add(sum, source, 16);
    return checksum_add(sum, destination, 16);
}

/* --- by family */

static bool goes_by_v4(const struct ip_flow *flow)
{
    return inet_is_v4(&flow->destination);
}

int ip_route(struct ip_flow *flow)
{
    unsigned now = atomic_load_explicit(&route_generation, memory_order_acquire);

    if (likely(flow->netif && flow->generation == now))
        return 0;
    int err = goes_by_v4(flow) ? ipv4_route(flow) : ipv6_route(flow);
    if (err)
        flow->netif = NULL;
    else
        flow->generation = now;
    return err;
}

int ip_output(struct ip_flow *flow, struct packet *packet)
{
    return goes_by_v4(flow) ? ipv4_output(flow, packet) : ipv6_output(flow, packet);
}

bool ip_leave_fragments(const struct ip_flow *flow, struct packet *packet, unsigned size)
{
    if (!(flow->netif->features & NETIF_UFO) || flow->protocol != IPPROTO_UDP ||
        packet->checksum != CHECKSUM_PARTIAL || flow->options_len)
        return false;
    packet->gso = GSO_UFO;
    packet->gso_size = (uint16_t)size;
    packet->header_len = packet->csum_start + 8;
    return true;
}

unsigned ip_header_len(const struct ip_flow *flow)
{
    return (goes_by_v4(flow) ? 20 : 40) + flow->options_len;
}

void ip_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
    if (ip_packet_is_v4(packet))
        icmp_complain(packet, what, pointer);
    else
        icmpv6_complain(packet, what, pointer);
}

bool ip_would_complain(const struct inet_addr *to)
{
    return inet_is_v4(to) ? icmp_would_complain(to) : icmpv6_would_complain(to);
}

void neighbour_give_up(struct packet *packet)
{
    packet->network = packet->data;
    ip_complain(packet, COMPLAIN_HOST, 0);
}

/* --- delivery */

bool ip_deliver(struct packet *packet, unsigned protocol)
{
    bool v4 = ip_packet_is_v4(packet);
    const struct ip_protocol *p = rcu_load((v4 ? ip_protocols_v4 : ip_protocols_v6)[protocol]);
    bool (*raw)(const struct packet *, unsigned) = rcu_load(ip_raw_hook);
    bool wanted = raw && raw(packet, protocol);

    if (p)
        p->receive(packet);
    else if (wanted)
        packet_free(packet);
    return p || wanted;
}

int ip_report_error(const struct ip_error *error, unsigned protocol)
{
    bool v4 = inet_is_v4(&error->destination);
    const struct ip_protocol *p = rcu_load((v4 ? ip_protocols_v4 : ip_protocols_v6)[protocol]);
    void (*raw)(const struct ip_error *, unsigned) = rcu_load(ip_raw_error_hook);

    if (raw)
        raw(error, protocol);
    if (!p || !p->error)
        return -ENOPROTOOPT;
    p->error(error);
    return 0;
}
