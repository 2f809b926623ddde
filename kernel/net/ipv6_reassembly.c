/* IPv6's side of reassembly: RFC 8200, 4.5. The fragments wait in net/ip_fragment.c. */
#include "net/ipv6_core.h"

#include "net/ip_core.h"
#include "net/mib.h"

enum {
    FRAGMENT_HLEN = 8,
    PACKET_MAX = 65535,
    HEADERS_MAX = 512,
    PARAM_FIELD = 0,
    PARAM_FIRST = 3 /* RFC 7112 */
};

/* How much of its transport header the first fragment has to have: as Linux asks. */
static unsigned least_transport(unsigned type)
{
    switch (type) {
    case IPPROTO_TCP:
        return 20;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_ICMPV6:
        return 8;
    default:
        return 1;
    }
}

/* data: the fragment header of a first fragment. Are all headers in it? */
static bool has_all_headers(const struct packet *packet)
{
    unsigned head = (unsigned)(packet->data - packet->network), type, offset;
    unsigned len = MIN(head + packet->total, (unsigned)HEADERS_MAX);
    uint8_t bytes[HEADERS_MAX];
    bool first;

    if (head > HEADERS_MAX)
        return true;
    memcpy(bytes, packet->network, head);
    if (!packet_read(packet, 0, bytes + head, len - head))
        return false;
    if (ipv6_find_transport(bytes, len, &type, &offset, &first))
        return len == HEADERS_MAX; /* more headers than are looked at */
    return type == NEXT_NONE || offset + least_transport(type) <= head + packet->total;
}

/* Where the chain of headers goes on behind the fragment header of a packet that is whole again. */
static bool find_rest(struct packet *packet, struct ipv6_chain *chain)
{
    unsigned head = (unsigned)(packet->data - packet->network), payload;

    ipv6_chain_begin(chain, packet->network, packet->kind == PACKET_HOST);
    for (;;) {
        const uint8_t *at = packet->network + chain->offset;
        enum ipv6_step step = ipv6_chain_step(chain, at, head - chain->offset);

        if (step == IPV6_FRAGMENT && chain->offset + FRAGMENT_HLEN == head) {
            ipv6_chain_pass(chain, at);
            break;
        }
        if (step == IPV6_FRAGMENT)
            ipv6_chain_pass(chain, at);
        else if (step != IPV6_PASSED)
            return false;
    }
    payload = head - IPV6_HLEN - FRAGMENT_HLEN + packet->total; /* as if it never had been cut */
    if (payload > PACKET_MAX)
        return false;
    put_be16(packet->network + 4, (uint16_t)payload);
    return true;
}

struct packet *ipv6_reassemble(struct packet *packet, struct ipv6_chain *chain)
{
    unsigned field = get_be16(packet->data + 2), len = packet->total - FRAGMENT_HLEN;
    struct ip_fragment fragment = {
        .source = ip_source(packet),
        .destination = ip_destination(packet),
        .id = get_be32(packet->data + 4),
        .offset = field & ~7u,
        .more = field & 1,
    };

    if (fragment.more && len & 7) {
        icmpv6_parameter_problem(packet, PARAM_FIELD, 4);
    } else if (fragment.offset + len > PACKET_MAX) {
        icmpv6_parameter_problem(packet, PARAM_FIELD, chain->offset + 2);
    } else if (fragment.offset == 0 && !has_all_headers(packet)) {
        icmpv6_parameter_problem(packet, PARAM_FIRST, 0);
    } else {
        packet_pull(packet, FRAGMENT_HLEN);
        packet = ip_reassemble(packet, &fragment);
        if (!packet || find_rest(packet, chain))
            return packet;
    }
    MIB(IP6_REASM_FAILS);
    packet_free(packet);
    return NULL;
}
