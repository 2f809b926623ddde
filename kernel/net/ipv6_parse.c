#include "net/ipv6_parse.h"

#include "lib/errno.h"
#include "lib/siphash.h"

enum { PARAM_FIELD = 0, PARAM_NEXT = 1, PARAM_OPTION = 2 }; /* RFC 4443, 3.4 */
enum { OPT_PAD1 = 0, OPT_PADN = 1, OPT_ALERT = 5, OPT_JUMBO = 0xc2 };
enum { HEADER = 40, NEXT_FIELD = 6, PAD_MAX = 7 };

void ipv6_chain_begin(struct ipv6_chain *chain, const uint8_t *header, bool unicast_frame)
{
    *chain = (struct ipv6_chain){
        .next = header[NEXT_FIELD],
        .offset = HEADER,
        .next_field = NEXT_FIELD,
        .multicast = header[24] == 0xff,
        .unicast_frame = unicast_frame,
        .payload = get_be16(header + 4),
    };
}

static void pass(struct ipv6_chain *chain, const uint8_t *data, unsigned len)
{
    chain->next = data[0];
    chain->next_field = chain->offset;
    chain->offset += len;
    chain->headers++;
}

void ipv6_chain_pass(struct ipv6_chain *chain, const uint8_t *data)
{
    pass(chain, data, 8);
}

static enum ipv6_step complain(struct ipv6_chain *chain, unsigned code, unsigned at)
{
    chain->code = code;
    chain->pointer = at;
    chain->complain_group = code == PARAM_OPTION;
    return IPV6_COMPLAIN;
}

/* RFC 8200, 4.2: what the two highest bits of an option that is not known ask for. */
static enum ipv6_step unknown_option(struct ipv6_chain *chain, unsigned type, unsigned at)
{
    switch (type >> 6) {
    case 0:
        return IPV6_PASSED;
    case 2:
        return complain(chain, PARAM_OPTION, at);
    case 3:
        return chain->multicast ? IPV6_DROP : complain(chain, PARAM_OPTION, at);
    default:
        return IPV6_DROP;
    }
}

/* One option of a hop-by-hop header. */
static enum ipv6_step hop_option(struct ipv6_chain *chain, const uint8_t *data, unsigned at)
{
    unsigned where = chain->offset + at;

    switch (data[at]) {
    case OPT_ALERT: /* RFC 2711, 2.1 */
        if (data[at + 1] != 2)
            return IPV6_DROP;
        chain->alert = true;
        chain->alert_value = get_be16(data + at + 2);
        return IPV6_PASSED;
    case OPT_JUMBO: /* RFC 2675, 3: too long to have come over any link of ours */
        if (data[at + 1] != 4 || (where & 3) != 2)
            return IPV6_DROP;
        if (get_be32(data + at + 2) <= 65535)
            return complain(chain, PARAM_FIELD, where + 2);
        return chain->payload ? complain(chain, PARAM_FIELD, where) : IPV6_DROP;
    default:
        return unknown_option(chain, data[at], where);
    }
}

/* PadN of n bytes: only as many as alignment needs, and zero. */
static bool good_padding(const uint8_t *option, unsigned n)
{
    for (unsigned i = 2; i < n; i++)
        if (option[i])
            return false;
    return true;
}

/* The options of a header of len bytes, all there. */
static enum ipv6_step options(struct ipv6_chain *chain, const uint8_t *data, unsigned len)
{
    unsigned count = 0, padding = 0;

    for (unsigned at = 2, n; at < len; at += n) {
        enum ipv6_step step;

        if (data[at] == OPT_PAD1) {
            n = 1;
            if (++padding > PAD_MAX)
                return IPV6_DROP;
            continue;
        }
        if (len - at < 2)
            return IPV6_DROP;
        n = 2u + data[at + 1];
        if (n > len - at)
            return IPV6_DROP;
        if (data[at] == OPT_PADN) {
            padding += n;
            if (padding > PAD_MAX || !good_padding(data + at, n))
                return IPV6_DROP;
            continue;
        }
        padding = 0;
        if (++count > IPV6_OPTIONS_MAX)
            return IPV6_DROP;
        step = chain->next == NEXT_HOP ? hop_option(chain, data, at)
                                       : unknown_option(chain, data[at], chain->offset + at);
        if (step != IPV6_PASSED)
            return step;
    }
    return IPV6_PASSED;
}

/* RFC 8200, 4.4; type 0 is deprecated (RFC 5095), and we are nobody's waypoint. */
static enum ipv6_step routing(struct ipv6_chain *chain, const uint8_t *data)
{
    if (chain->multicast || !chain->unicast_frame)
        return IPV6_DROP;
    if (data[2] >= 2 && data[2] <= 4) /* mobile nodes' (RFC 6275), RPL's, segments', all off here */
        return IPV6_DROP;
    return data[3] ? complain(chain, PARAM_FIELD, chain->offset + 2) : IPV6_PASSED;
}

enum ipv6_step ipv6_chain_step(struct ipv6_chain *chain, const uint8_t *data, unsigned avail)
{
    enum ipv6_step step;
    unsigned len;

    switch (chain->next) {
    case NEXT_HOP:
        if (chain->headers)
            return complain(chain, PARAM_NEXT, chain->next_field);
        break;
    case NEXT_ROUTING:
    case NEXT_DESTINATION:
    case NEXT_FRAGMENT:
        break;
    case NEXT_NONE:
        return IPV6_DROP;
    default:
        return IPV6_UPPER;
    }
    if (chain->headers >= IPV6_HEADERS_MAX)
        return IPV6_DROP;
    chain->need = 8;
    if (avail < 8)
        return IPV6_MORE;
    if (chain->next == NEXT_FRAGMENT)
        return IPV6_FRAGMENT;
    len = (data[1] + 1u) * 8;
    chain->need = len;
    if (avail < len)
        return IPV6_MORE;
    step = chain->next == NEXT_ROUTING ? routing(chain, data) : options(chain, data, len);
    if (step == IPV6_PASSED)
        pass(chain, data, len);
    return step;
}

/* Is it one that a chain goes on behind? */
static bool is_extension(unsigned type)
{
    return type == NEXT_HOP || type == NEXT_ROUTING || type == NEXT_DESTINATION ||
           type == NEXT_FRAGMENT;
}

int ipv6_find_transport(const uint8_t *packet, unsigned len, unsigned *type, unsigned *offset,
                        bool *first)
{
    unsigned at = HEADER, next;

    *first = true;
    if (len < HEADER)
        return -EINVAL;
    next = packet[NEXT_FIELD];
    for (unsigned n = 0; is_extension(next); n++) {
        unsigned size;

        if (len - at < 8 || n == IPV6_HEADERS_MAX)
            return -EINVAL;
        size = next == NEXT_FRAGMENT ? 8 : (packet[at + 1] + 1u) * 8;
        if (size > len - at)
            return -EINVAL;
        if (next == NEXT_FRAGMENT && get_be16(packet + at + 2) >> 3)
            *first = false;
        next = packet[at];
        at += size;
        if (!*first)
            break;
    }
    *type = next;
    *offset = at;
    return 0;
}

int ipv6_fragment_place(const uint8_t *chain, unsigned len, unsigned first, unsigned *place,
                        int *field)
{
    unsigned next = first;
    int before = -1; /* the field that says `next` */

    *place = 0;
    *field = -1;
    for (unsigned at = 0; at < len;) {
        unsigned size, type = next;

        if (len - at < 8 || (size = (chain[at + 1] + 1u) * 8) > len - at)
            return -EINVAL;
        before = (int)at;
        next = chain[at];
        at += size;
        if (type == NEXT_HOP || type == NEXT_ROUTING) {
            *place = at;
            *field = before;
        }
    }
    return 0;
}

unsigned ipv6_scope(const struct inet_addr *a)
{
    if (inet_is_v4(a))
        return inet_is_loopback(a) || inet_is_link_local(a) ? SCOPE_LINK : SCOPE_GLOBAL;
    if (a->bytes[0] == 0xff)
        return a->bytes[1] & 15;
    if (inet_is_link_local(a) || inet_is_loopback(a))
        return SCOPE_LINK;
    if (a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0xc0)
        return SCOPE_SITE;
    return SCOPE_GLOBAL;
}

unsigned ipv6_common_bits(const struct inet_addr *a, const struct inet_addr *b)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned differ = a->bytes[i] ^ b->bytes[i];

        if (differ)
            return i * 8 + (unsigned)__builtin_clz(differ) - 24;
    }
    return 128;
}

/* RFC 6724, 2.1, with the entries that Linux adds; longest prefixes first. */
static const struct policy {
    uint8_t prefix[16];
    uint8_t bits, label;
} policies[] = {
    {{[15] = 1}, 128, 0},        {{[10] = 0xff, 0xff}, 96, 4},   {{0}, 96, 3},
    {{0x20, 0x01, 0, 0}, 32, 6}, {{0x20, 0x01, 0, 0x10}, 28, 7}, {{0x20, 0x02}, 16, 2},
    {{0x3f, 0xfe}, 16, 12},      {{0xfe, 0xc0}, 10, 11},         {{0xfc}, 7, 5},
};

static unsigned label(const struct inet_addr *a)
{
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        struct inet_addr prefix;

        memcpy(prefix.bytes, policies[i].prefix, 16);
        if (ipv6_common_bits(a, &prefix) >= policies[i].bits)
            return policies[i].label;
    }
    return 1;
}

/* Rule 8 counts common bits up to the length of the source's own prefix. */
static unsigned likeness(const struct ipv6_candidate *c, const struct inet_addr *destination)
{
    unsigned bits = ipv6_common_bits(&c->address, destination);

    return MIN(bits, c->prefix);
}

bool ipv6_better_source(const struct ipv6_candidate *a, const struct ipv6_candidate *b,
                        const struct inet_addr *destination)
{
    unsigned sa = ipv6_scope(&a->address), sb = ipv6_scope(&b->address);
    bool la, lb;

    if (inet_equal(&a->address, destination)) /* rule 1 */
        return !inet_equal(&b->address, destination);
    if (inet_equal(&b->address, destination))
        return false;
    if (sa != sb) { /* rule 2 */
        unsigned sd = ipv6_scope(destination);

        return sa < sb ? sa >= sd : sb < sd;
    }
    if (a->deprecated != b->deprecated) /* rule 3 */
        return b->deprecated;
    if (a->outgoing != b->outgoing) /* rule 5 */
        return a->outgoing;
    la = label(&a->address) == label(destination); /* rule 6 */
    lb = label(&b->address) == label(destination);
    if (la != lb)
        return la;
    return likeness(a, destination) > likeness(b, destination); /* rule 8 */
}

void ipv6_eui64(const uint8_t mac[6], uint8_t id[8])
{
    memcpy(id, mac, 3);
    id[3] = 0xff;
    id[4] = 0xfe;
    memcpy(id + 5, mac + 3, 3);
    id[0] ^= 2;
}

/* RFC 5453: subnet-router anycast, and the anycast identifiers of RFC 2526; and of Ethernet's
 * registry 00-00-5E with FF-FE in it. */
static bool reserved_id(const uint8_t id[8])
{
    static const uint8_t iana[5] = {2, 0, 0x5e, 0xff, 0xfe};
    static const uint8_t zero[8], anycast[7] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return memcmp(id, zero, 8) == 0 || memcmp(id, iana, 5) == 0 ||
           (memcmp(id, anycast, 7) == 0 && id[7] >= 0x80);
}

bool ipv6_stable_id(const uint8_t secret[16], const uint8_t prefix[8], const uint8_t mac[6],
                    unsigned dad_counter, uint8_t id[8])
{
    uint8_t text[8 + 6 + 4];

    memcpy(text, prefix, 8);
    memcpy(text + 8, mac, 6);
    put_be32(text + 14, dad_counter);
    put_le64(id, siphash(secret, text, sizeof(text)));
    return !reserved_id(id);
}
