#include "net/ipv6_core.h"

#include "core/boot.h"
#include "core/clock.h"
#include "lib/errno.h"
#include "net/ip_core.h"
#include "net/ipv6_headers.h"
#include "net/mib.h"

enum {
    UNREACHABLE = 1,
    TOO_BIG,
    TIME_EXCEEDED,
    PARAMETER,
    ECHO_REQUEST = 128,
    ECHO_REPLY,
    REDIRECT = 137,
    INFORMATION = 128, /* types from here on are no errors */
};
enum { HEAD = 8, EE_ORIGIN_ICMP6 = 3, QUOTED_MAX = 512 };

/* --- sending messages */

struct packet *icmpv6_message(unsigned type, unsigned len)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, len);

    if (packet) {
        uint8_t *p = packet_append(packet, len);
        memset(p, 0, len);
        p[0] = (uint8_t)type;
    }
    return packet;
}

static void count_sent(unsigned type)
{
    static const struct {
        uint8_t type;
        uint16_t counter;
    } counters[] = {
        {UNREACHABLE, MIB_ICMP6_OUT_DEST_UNREACHS}, {TOO_BIG, MIB_ICMP6_OUT_PKT_TOO_BIGS},
        {TIME_EXCEEDED, MIB_ICMP6_OUT_TIME_EXCDS},  {PARAMETER, MIB_ICMP6_OUT_PARM_PROBLEMS},
        {ECHO_REPLY, MIB_ICMP6_OUT_ECHO_REPLIES},   {NDP_RS, MIB_ICMP6_OUT_ROUTER_SOLICITS},
        {NDP_NS, MIB_ICMP6_OUT_NEIGHBOR_SOLICITS},  {NDP_NA, MIB_ICMP6_OUT_NEIGHBOR_ADVERTISEMENTS},
        {143, MIB_ICMP6_OUT_MLDV2_REPORTS},
    };

    MIB(ICMP6_OUT_MSGS);
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        if (counters[i].type == type)
            mib_add(counters[i].counter, 1);
}

/* Fill in the checksum of a message and count it. */
static void finish(struct packet *packet, const struct inet_addr *source,
                   const struct inet_addr *destination)
{
    uint32_t sum = ip_pseudo_sum(source, destination, IPPROTO_ICMPV6, packet->total);

    packet->data[2] = packet->data[3] = 0;
    put_le16(packet->data + 2, checksum_fold(packet_sum(sum, packet, 0, packet->total)));
    count_sent(packet->data[0]);
}

static int send_on(struct netif *netif, const struct inet_addr *source,
                   const struct inet_addr *destination, unsigned hop_limit,
                   const struct ipv6_headers *headers, struct packet *packet)
{
    struct ip_flow flow = {
        .source = *source,
        .destination = *destination,
        .protocol = IPPROTO_ICMPV6,
        .ttl = (uint8_t)hop_limit,
        .no_loop = true,
        .netif = netif,
        .next_hop = *destination,
        .mtu = ipv6_mtu(netif),
        .headers = headers,
        .options_len = ipv6_headers_size(headers),
    };

    finish(packet, source, destination);
    return ipv6_send(&flow, packet);
}

int icmpv6_send(struct netif *netif, const struct inet_addr *source,
                const struct inet_addr *destination, unsigned hop_limit, struct packet *packet)
{
    return send_on(netif, source, destination, hop_limit, NULL, packet);
}

int icmpv6_send_alert(struct netif *netif, const struct inet_addr *source,
                      const struct inet_addr *destination, struct packet *packet)
{
    static const uint8_t alert[8] = {0, 0, 5, 2, 0, 0, 1, 0}; /* RFC 2711, and PadN */
    static const struct ipv6_headers headers = {{[IPV6_HOP] = alert}};

    return send_on(netif, source, destination, 1, &headers, packet);
}

/* Where an answer to a packet goes out: its own address as source if that is one of ours. */
static struct ip_flow answer_flow(const struct packet *packet)
{
    struct inet_addr destination = ip_destination(packet);
    struct ip_flow flow = {
        .destination = ip_source(packet),
        .protocol = IPPROTO_ICMPV6,
        .source = ipv6_any,
    };

    if (!inet_is_multicast(&destination) && route_kind(&destination, NULL) == RTN_LOCAL)
        flow.source = destination;
    if (packet->netif != loopback && inet_is_link_local(&flow.destination))
        flow.bound = packet->netif;
    return flow;
}

static void send_answer(struct ip_flow *flow, struct packet *packet)
{
    if (ipv6_route(flow)) {
        packet_free(packet);
        return;
    }
    finish(packet, &flow->source, &flow->destination);
    ipv6_output(flow, packet);
}

/* --- errors that we send (RFC 4443, 2.4) */

/* Tokens for one answer a second to a host, with a burst of six, and for 1000 a second in all with
 * a burst of 50: as Linux's ratelimit and icmp_msgs_per_sec. Hosts share buckets by hash. */
enum { BUCKETS = 256, HOST_BURST = 6, ALL_BURST = 50 };
static struct spinlock limit_lock;
static nsec_t host_credit[BUCKETS], all_credit; /* the time up to which credit has been used */

static bool take_token(nsec_t *used, nsec_t now, nsec_t span, unsigned burst, bool really)
{
    nsec_t oldest = now - span * burst;

    if (*used < oldest || *used > now)
        *used = oldest;
    if (*used + span > now)
        return false;
    if (really)
        *used += span;
    return true;
}

/* really: one goes out if it may. */
static bool within_limits(const struct inet_addr *to, bool really)
{
    uint64_t mixed = (to->halves[0] ^ to->halves[1]) * 0x9e3779b97f4a7c15ull, flags;
    nsec_t now = clock_monotonic() + 3600 * IPV6_SECOND; /* credit from the start */
    bool host, all = false;

    flags = spin_lock_irq(&limit_lock);
    host = take_token(&host_credit[mixed >> 56], now, IPV6_SECOND, HOST_BURST, really);
    if (host)
        all = take_token(&all_credit, now, IPV6_SECOND / 1000, ALL_BURST, really);
    spin_unlock_irq(&limit_lock, flags);
    return host && all;
}

bool icmpv6_would_complain(const struct inet_addr *to)
{
    return within_limits(to, false);
}

/* The packet from its IPv6 header on lies in one piece before data. */
static bool is_whole(const struct packet *packet)
{
    return packet->network >= packet->buffer->start && packet->network <= packet->data;
}

/* No errors about errors, fragments but the first, and what nobody has sent. */
static bool deserves_error(const struct packet *packet, bool also_groups)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    unsigned head = (unsigned)(packet->data - packet->network), type, offset;
    uint8_t quoted[QUOTED_MAX];
    bool first;
    unsigned n = MIN(head + packet->total, (unsigned)sizeof(quoted));

    if (!also_groups && (inet_is_multicast(&destination) || packet->kind != PACKET_HOST))
        return false;
    if (inet_is_any(&source) || inet_is_multicast(&source))
        return false;
    memcpy(quoted, packet->network, MIN(head, n));
    if (head < n && !packet_read(packet, 0, quoted + head, n - head))
        return false;
    if (ipv6_find_transport(quoted, n, &type, &offset, &first))
        return true; /* headers too long, or broken: that is what the error says */
    if (!first)
        return false;
    return type != IPPROTO_ICMPV6 ||
           (offset < n && quoted[offset] >= INFORMATION && quoted[offset] != REDIRECT);
}

static void send_error(const struct packet *about, unsigned type, unsigned code, uint32_t info,
                       bool also_groups)
{
    struct inet_addr to;
    struct ip_flow flow;
    struct packet *packet;
    unsigned head, quoted;

    if (!is_whole(about) || !deserves_error(about, also_groups))
        return;
    to = ip_source(about);
    if (route_kind(&to, NULL) != RTN_LOCAL && !within_limits(&to, true))
        return;
    head = (unsigned)(about->data - about->network);
    quoted = MIN(head + about->total, (unsigned)IPV6_MTU_MIN - IPV6_HLEN - HEAD);
    packet = icmpv6_message(type, HEAD + quoted);
    if (!packet)
        return;
    packet->data[1] = (uint8_t)code;
    put_be32(packet->data + 4, info);
    head = MIN(head, quoted);
    memcpy(packet->data + HEAD, about->network, head);
    packet_read(about, 0, packet->data + HEAD + head, quoted - head);
    flow = answer_flow(about);
    struct inet_addr asked = ip_destination(about);
    if (anycast_netif(inet_is_link_local(&asked) ? about->netif : NULL, &asked))
        flow.source = asked;
    send_answer(&flow, packet);
}

void icmpv6_parameter_problem(const struct packet *packet, unsigned code, unsigned pointer)
{
    send_error(packet, PARAMETER, code, pointer, code == 2);
}

void icmpv6_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
    switch (what) {
    case COMPLAIN_PORT:
        send_error(packet, UNREACHABLE, 4, 0, false);
        break;
    case COMPLAIN_PROTOCOL:
        send_error(packet, PARAMETER, 1, pointer ? pointer : 6, false);
        break;
    case COMPLAIN_HOST:
        send_error(packet, UNREACHABLE, 3, 0, false);
        break;
    case COMPLAIN_ADMIN:
        send_error(packet, UNREACHABLE, 1, 0, false);
        break;
    case COMPLAIN_REASSEMBLY:
        send_error(packet, TIME_EXCEEDED, 1, 0, false);
        break;
    case COMPLAIN_PARAMETER:
        send_error(packet, PARAMETER, 0, pointer, false);
        break;
    }
}

/* --- errors about what we have sent */

/* As Linux maps type and code (icmp(7), ipv6(7)). */
static void map_errno(struct ip_error *error)
{
    static const struct {
        uint8_t err;
        bool fatal;
    } unreachable[] = {
        {ENETUNREACH, false}, {EACCES, true}, {EHOSTUNREACH, false}, {EHOSTUNREACH, false},
        {ECONNREFUSED, true}, {EACCES, true}, {EACCES, true},
    };

    error->err = EPROTO;
    error->fatal = false;
    switch (error->type) {
    case UNREACHABLE:
        error->fatal = true;
        if (error->code < ARRAY_SIZE(unreachable)) {
            error->err = unreachable[error->code].err;
            error->fatal = unreachable[error->code].fatal;
        }
        break;
    case TOO_BIG:
        error->err = EMSGSIZE;
        break;
    case TIME_EXCEEDED:
        error->err = EHOSTUNREACH;
        break;
    case PARAMETER:
        error->fatal = true;
        break;
    }
}

static void count_error(unsigned type)
{
    switch (type) {
    case UNREACHABLE:
        MIB(ICMP6_IN_DEST_UNREACHS);
        break;
    case TOO_BIG:
        MIB(ICMP6_IN_PKT_TOO_BIGS);
        break;
    case TIME_EXCEEDED:
        MIB(ICMP6_IN_TIME_EXCDS);
        break;
    case PARAMETER:
        MIB(ICMP6_IN_PARM_PROBLEMS);
        break;
    }
}

/* data: the message; at HEAD what it quotes of our packet. */
static void take_error(struct packet *packet)
{
    unsigned len = packet->total, type, offset;
    const uint8_t *quoted;
    struct ip_error error = {.origin = EE_ORIGIN_ICMP6};
    bool first;

    count_error(packet->data[0]);
    if (!packet_pull_up(packet, len) ||
        ipv6_find_transport(packet->data + HEAD, len - HEAD, &type, &offset, &first) || !first ||
        len - HEAD - offset < 8) {
        MIB(ICMP6_IN_ERRORS);
        return;
    }
    quoted = packet->data + HEAD;
    error.icmp = packet->data;
    error.type = packet->data[0];
    error.code = packet->data[1];
    memcpy(error.source.bytes, quoted + 8, 16);
    memcpy(error.destination.bytes, quoted + 24, 16);
    error.offender = ip_source(packet);
    error.transport = quoted + offset;
    error.transport_len = len - HEAD - offset;
    error.netif = packet->netif;
    map_errno(&error);
    if (error.type == TOO_BIG) {
        error.mtu = get_be32(packet->data + 4);
        if (error.mtu < IPV6_MTU_MIN) /* RFC 8201, 4 */
            return;
        ip_learn_mtu(&error.destination, error.mtu);
    }
    ip_report_error(&error, type & 0xff);
}

/* --- echo */

static void echo(struct packet *packet)
{
    struct ip_flow flow = answer_flow(packet);
    struct packet *reply;

    MIB(ICMP6_IN_ECHOS);
    if (inet_is_any(&flow.destination))
        return;
    reply = packet_copy(packet, PACKET_HEADROOM);
    if (!reply)
        return;
    reply->data[0] = ECHO_REPLY;
    reply->checksum = CHECKSUM_NONE;
    reply->gso = GSO_NONE;
    flow.tos = (uint8_t)ip_tos(packet);
    send_answer(&flow, reply);
}

/* --- input */

static bool checksum_is_right(const struct packet *packet)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    uint32_t sum;

    if (packet->checksum != CHECKSUM_NONE)
        return true;
    sum = ip_pseudo_sum(&source, &destination, IPPROTO_ICMPV6, packet->total);
    return checksum_fold(packet_sum(sum, packet, 0, packet->total)) == 0;
}

static void take(struct packet *packet)
{
    unsigned type = packet->data[0];

    switch (type) {
    case ECHO_REQUEST:
        echo(packet);
        break;
    case ECHO_REPLY:
        MIB(ICMP6_IN_ECHO_REPLIES);
        break;
    case NDP_RS:
    case NDP_RA:
    case NDP_NS:
    case NDP_NA:
    case NDP_REDIRECT:
        ndp_receive(packet, type);
        break;
    case 130:
    case 131:
    case 132:
    case 143:
        mld_receive(packet);
        break;
    default:
        if (type < INFORMATION)
            take_error(packet);
    }
}

static void receive(struct packet *packet)
{
    MIB(ICMP6_IN_MSGS);
    if (!packet_pull_up(packet, HEAD))
        MIB(ICMP6_IN_ERRORS);
    else if (!checksum_is_right(packet))
        MIB(ICMP6_IN_CSUM_ERRORS);
    else
        take(packet);
    packet_free(packet);
}

static const struct ip_protocol protocol = {
    .number = IPPROTO_ICMPV6,
    .receive = receive,
    .v6 = true,
};

static int start(void)
{
    ip_protocol_register(&protocol);
    return 0;
}
BOOT_STEP(PHASE_BUS, "icmpv6", start);
