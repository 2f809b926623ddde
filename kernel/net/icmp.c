/* ICMP (RFC 792, RFC 1122 3.2.2): echo, timestamps, errors that arrive and errors that we send. */
#include "core/boot.h"
#include "core/clock.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "net/inet.h"
#include "net/ip_core.h"
#include "net/mib.h"
#include "net/rculist.h"

enum {
    ECHO_REPLY = 0,
    UNREACHABLE = 3,
    SOURCE_QUENCH = 4,
    REDIRECT = 5,
    ECHO = 8,
    TIME_EXCEEDED = 11,
    PARAMETER = 12,
    TIMESTAMP = 13,
    TIMESTAMP_REPLY = 14,
    MASK_REQUEST = 17,
    MASK_REPLY = 18,
    TYPES,
};
enum { FRAGMENTATION_NEEDED = 4, PORT_UNREACHABLE = 3, SOURCE_ROUTE_FAILED = 5 };
enum { HEADER = 8, IP_HEADER = 20, QUOTE_MAX = 576, TIMESTAMP_LEN = 20 };
enum { ORIGIN_ICMP = 2 }; /* SO_EE_ORIGIN_ICMP */

bool icmp_echo_ignore_all, icmp_echo_ignore_broadcasts = true;

/* --- how many go out (Linux: icmp_ratelimit, icmp_msgs_per_sec) */

enum { HOSTS = 256, HOST_BURST = 6 };
unsigned icmp_ratelimit_ms = 1000, icmp_ratemask = 6168;
unsigned icmp_msgs_per_sec = 1000, icmp_msgs_burst = 50;

/* Buckets of time: what has gathered since `stamp`, at most `burst` messages' worth. */
struct bucket {
    struct spinlock lock;
    nsec_t stamp, credit;
};

static bool take(struct bucket *bucket, nsec_t price, unsigned burst, bool really)
{
    uint64_t flags = spin_lock_irq(&bucket->lock);
    nsec_t now = clock_monotonic();
    bool enough;

    bucket->credit += bucket->stamp ? now - bucket->stamp : price * burst;
    bucket->credit = MIN(bucket->credit, price * burst);
    bucket->stamp = now;
    enough = bucket->credit >= price;
    if (enough && really)
        bucket->credit -= price;
    spin_unlock_irq(&bucket->lock, flags);
    return enough;
}

/* really: one goes out if it may. */
static bool within_limits(const struct inet_addr *to, unsigned type, bool really)
{
    static struct bucket all, hosts[HOSTS];
    nsec_t second = 1000000000, price = icmp_ratelimit_ms * 1000000ll;

    if (!(icmp_ratemask >> type & 1))
        return true;
    if (icmp_msgs_per_sec &&
        !take(&all, second / icmp_msgs_per_sec, MAX(icmp_msgs_burst, 1u), really)) {
        MIB(ICMP_OUT_RATE_LIMIT_GLOBAL);
        return false;
    }
    uint32_t hash = inet_hash_flow(to, 0, to, 0);
    if (price && !take(&hosts[hash % HOSTS], price, HOST_BURST, really)) {
        MIB(ICMP_OUT_RATE_LIMIT_HOST);
        return false;
    }
    return true;
}

bool icmp_would_complain(const struct inet_addr *to)
{
    return within_limits(to, UNREACHABLE, false);
}

/* --- out */

static void count_out(unsigned type)
{
    static const uint16_t counter[TYPES] = {
        [ECHO_REPLY] = MIB_ICMP_OUT_ECHO_REPS,
        [UNREACHABLE] = MIB_ICMP_OUT_DEST_UNREACHS,
        [TIME_EXCEEDED] = MIB_ICMP_OUT_TIME_EXCDS,
        [PARAMETER] = MIB_ICMP_OUT_PARM_PROBS,
        [ECHO] = MIB_ICMP_OUT_ECHOS,
        [TIMESTAMP_REPLY] = MIB_ICMP_OUT_TIMESTAMP_REPS,
    };

    MIB(ICMP_OUT_MSGS);
    if (type < TYPES && counter[type])
        mib_add(counter[type], 1);
}

/* The message is complete but for its checksum. Takes it. */
static void send(struct ip_flow *flow, struct packet *packet)
{
    unsigned type = packet->data[0];

    put_le16(packet->data + 2, 0);
    put_le16(packet->data + 2, checksum_fold(packet_sum(0, packet, 0, packet->total)));
    count_out(type);
    ip_output(flow, packet);
}

/* From the address that was asked, if it is one of ours alone. */
static struct inet_addr answer_source(const struct packet *packet)
{
    struct inet_addr a = ip_destination(packet);

    return route_kind(&a, NULL) == RTN_LOCAL ? a : inet_v4(0);
}

/* --- errors that we send */

static bool is_error(unsigned type)
{
    return type == UNREACHABLE || type == SOURCE_QUENCH || type == REDIRECT ||
           type == TIME_EXCEEDED || type == PARAMETER;
}

/* RFC 1122, 3.2.2: about which packets nothing may be said. */
static bool may_complain(const struct packet *packet, unsigned quoted)
{
    const uint8_t *ip = packet->network;
    unsigned header = (ip[0] & 15) * 4u;
    struct inet_addr source = ip_source(packet);
    unsigned kind = route_kind(&source, packet->netif);

    if (packet->kind != PACKET_HOST && packet->kind != PACKET_OUTGOING)
        return false;
    if (get_be16(ip + 6) & 0x1fff)
        return false;
    if ((kind != RTN_UNICAST && kind != RTN_LOCAL) || inet_is_any(&source))
        return false;
    if (ip[9] != IPPROTO_ICMP)
        return true;
    /* What cannot be seen may be an error. */
    return quoted > header && packet->len + (packet->data - ip) > header && ip[header] < TYPES &&
           !is_error(ip[header]);
}

/* Copy n bytes of the packet from its network header on. */
static bool quote(const struct packet *packet, uint8_t *to, unsigned n)
{
    unsigned passed = (unsigned)(packet->data - packet->network), front = MIN(passed, n);

    memcpy(to, packet->network, front);
    return packet_read(packet, 0, to + front, n - front);
}

static void complain(const struct packet *about, uint8_t type, uint8_t code, uint32_t word)
{
    unsigned there = about->total + (unsigned)(about->data - about->network);
    unsigned n = MIN(there, (unsigned)(QUOTE_MAX - IP_HEADER - HEADER));
    struct ip_flow flow = {
        .source = answer_source(about),
        .destination = ip_source(about),
        .protocol = IPPROTO_ICMP,
        .tos = (uint8_t)((about->network[1] & 0x1e) | 0xc0), /* RFC 1812, 4.3.2.5 */
    };
    struct packet *packet;

    if (!may_complain(about, n))
        return;
    flow.bound = inet_is_link_local(&flow.destination) ? about->netif : NULL;
    if (ip_route(&flow) < 0 ||
        (flow.netif != loopback && !within_limits(&flow.destination, type, true)))
        return;
    packet = packet_alloc(PACKET_HEADROOM, HEADER + n);
    if (!packet)
        return;
    uint8_t *icmp = packet_append(packet, HEADER + n);
    icmp[0] = type;
    icmp[1] = code;
    put_be32(icmp + 4, word);
    if (quote(about, icmp + HEADER, n))
        send(&flow, packet);
    else
        packet_free(packet);
}

void icmp_complain(const struct packet *packet, enum ip_complaint what, unsigned pointer)
{
    static const struct {
        uint8_t type, code;
    } messages[] = {
        [COMPLAIN_PORT] = {UNREACHABLE, PORT_UNREACHABLE},
        [COMPLAIN_PROTOCOL] = {UNREACHABLE, 2},
        [COMPLAIN_HOST] = {UNREACHABLE, 1},
        [COMPLAIN_ADMIN] = {UNREACHABLE, 13},
        [COMPLAIN_REASSEMBLY] = {TIME_EXCEEDED, 1},
        [COMPLAIN_PARAMETER] = {PARAMETER, 0},
    };

    complain(packet, messages[what].type, messages[what].code,
             what == COMPLAIN_PARAMETER ? pointer << 24 : 0);
}

/* --- errors that arrive */

/* As Linux tells programs of the codes of "unreachable": the errno, and whether it is lasting. */
static const struct {
    uint8_t err;
    bool fatal;
} unreachable[] = {
    {ENETUNREACH, false},  {EHOSTUNREACH, false}, {ENOPROTOOPT, true},  {ECONNREFUSED, true},
    {EMSGSIZE, false},     {EOPNOTSUPP, false},   {ENETUNREACH, true},  {EHOSTDOWN, true},
    {ENONET, true},        {ENETUNREACH, true},   {EHOSTUNREACH, true}, {ENETUNREACH, false},
    {EHOSTUNREACH, false}, {EHOSTUNREACH, true},  {EHOSTUNREACH, true}, {EHOSTUNREACH, true},
};

/* Fills in what the error means; false: nothing to be told. */
static bool judge(struct ip_error *error, const uint8_t *icmp)
{
    switch (error->type) {
    case UNREACHABLE:
        if (error->code >= ARRAY_SIZE(unreachable))
            return false;
        error->err = unreachable[error->code].err;
        error->fatal = unreachable[error->code].fatal;
        if (error->code == FRAGMENTATION_NEEDED)
            error->mtu = MAX((unsigned)get_be16(icmp + 6), ip_min_pmtu);
        return true;
    case TIME_EXCEEDED:
        error->err = EHOSTUNREACH;
        return true;
    case PARAMETER:
        error->err = EPROTO;
        error->fatal = true;
        return true;
    default:
        return false;
    }
}

/* The message quotes a packet of ours: its header and at least 8 bytes more. */
static bool read_quoted(struct ip_error *error, const struct packet *packet, unsigned *protocol)
{
    const uint8_t *ip = packet->data + HEADER;
    unsigned there = packet->len - HEADER, header;

    if (there < IP_HEADER + 8)
        return false;
    header = (ip[0] & 15) * 4u;
    if (ip[0] >> 4 != 4 || header < IP_HEADER || there < header + 8)
        return false;
    error->icmp = packet->data;
    error->source = inet_v4(get_le32(ip + 12));
    error->destination = inet_v4(get_le32(ip + 16));
    error->transport = ip + header;
    error->transport_len = there - header;
    *protocol = ip[9];
    /* Of a later fragment nobody knows whose it is. */
    return !(get_be16(ip + 6) & 0x1fff);
}

static void receive_error(struct packet *packet)
{
    struct ip_error error = {
        .type = packet->data[0],
        .code = packet->data[1],
        .origin = ORIGIN_ICMP,
        .offender = ip_source(packet),
        .netif = packet->netif,
    };
    unsigned protocol;

    if (!packet_pull_up(packet, packet->total) || !read_quoted(&error, packet, &protocol)) {
        MIB(ICMP_IN_ERRORS);
        return;
    }
    if (!judge(&error, packet->data))
        return;
    /* Of nobody's packets the path may be believed at once; transports judge for themselves. */
    if (ip_report_error(&error, protocol) < 0 && error.mtu)
        ip_learn_mtu(&error.destination, error.mtu);
}

/* --- questions */

/* The message's bytes may be changed and sent back. The answer's bytes are new: the sender may be
 * on this machine and still hold its own. */
static struct packet *begin_answer(const struct packet *packet, unsigned len)
{
    struct packet *answer = packet_alloc(PACKET_HEADROOM, len);

    if (answer && !packet_read(packet, 0, packet_append(answer, len), len)) {
        packet_free(answer);
        return NULL;
    }
    return answer;
}

static void send_answer(const struct packet *packet, struct packet *answer)
{
    uint8_t options[40];
    struct ip_flow flow = {
        .source = answer_source(packet),
        .destination = ip_source(packet),
        .protocol = IPPROTO_ICMP,
        .tos = (uint8_t)ip_tos(packet),
        .options = options,
        .options_len = ipv4_options_answer(packet, options),
    };

    flow.bound = inet_is_link_local(&flow.destination) ? packet->netif : NULL;
    if (ip_route(&flow) < 0)
        packet_free(answer);
    else
        send(&flow, answer);
}

static bool is_ignored(const struct packet *packet)
{
    return packet->kind != PACKET_HOST && icmp_echo_ignore_broadcasts;
}

static void answer_echo(const struct packet *packet)
{
    struct packet *answer;

    if (icmp_echo_ignore_all || is_ignored(packet))
        return;
    answer = begin_answer(packet, packet->total);
    if (!answer)
        return;
    answer->data[0] = ECHO_REPLY;
    send_answer(packet, answer);
}

/* RFC 792: when it was received and sent, in milliseconds since midnight UTC. */
static void answer_timestamp(const struct packet *packet)
{
    uint32_t now = (uint32_t)(clock_realtime() / 1000000 % 86400000);
    struct packet *answer;

    if (packet->total < TIMESTAMP_LEN) {
        MIB(ICMP_IN_ERRORS);
        return;
    }
    answer = is_ignored(packet) ? NULL : begin_answer(packet, TIMESTAMP_LEN);
    if (!answer)
        return;
    answer->data[0] = TIMESTAMP_REPLY;
    answer->data[1] = 0;
    put_be32(answer->data + 12, now);
    put_be32(answer->data + 16, now);
    send_answer(packet, answer);
}

/* --- in */

static void count_in(unsigned type)
{
    static const uint16_t counter[TYPES] = {
        [ECHO_REPLY] = MIB_ICMP_IN_ECHO_REPS,
        [UNREACHABLE] = MIB_ICMP_IN_DEST_UNREACHS,
        [SOURCE_QUENCH] = MIB_ICMP_IN_SRC_QUENCHS,
        [REDIRECT] = MIB_ICMP_IN_REDIRECTS,
        [ECHO] = MIB_ICMP_IN_ECHOS,
        [TIME_EXCEEDED] = MIB_ICMP_IN_TIME_EXCDS,
        [PARAMETER] = MIB_ICMP_IN_PARM_PROBS,
        [TIMESTAMP] = MIB_ICMP_IN_TIMESTAMPS,
        [TIMESTAMP_REPLY] = MIB_ICMP_IN_TIMESTAMP_REPS,
        [MASK_REQUEST] = MIB_ICMP_IN_ADDR_MASKS,
        [MASK_REPLY] = MIB_ICMP_IN_ADDR_MASK_REPS,
    };

    if (type < TYPES && counter[type])
        mib_add(counter[type], 1);
}

static bool check(struct packet *packet)
{
    if (packet->total < HEADER || !packet_pull_up(packet, HEADER)) {
        MIB(ICMP_IN_ERRORS);
        return false;
    }
    if (packet->checksum == CHECKSUM_NONE &&
        checksum_fold(packet_sum(0, packet, 0, packet->total)) != 0) {
        MIB(ICMP_IN_CSUM_ERRORS);
        MIB(ICMP_IN_ERRORS);
        return false;
    }
    return true;
}

static void receive(struct packet *packet)
{
    MIB(ICMP_IN_MSGS);
    if (check(packet)) {
        unsigned type = packet->data[0];
        count_in(type);
        if (type == ECHO)
            answer_echo(packet);
        else if (type == TIMESTAMP)
            answer_timestamp(packet);
        else if (is_error(type))
            receive_error(packet);
    }
    packet_free(packet);
}

static const struct ip_protocol protocol = {.number = IPPROTO_ICMP, .receive = receive, .v4 = true};

static int start(void)
{
    ip_protocol_register(&protocol);
    return 0;
}
BOOT_STEP(PHASE_BUS, "icmp", start);
