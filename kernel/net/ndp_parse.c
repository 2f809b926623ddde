#include "net/ndp_parse.h"

#include "lib/errno.h"

enum { NS_LEN = 24, RA_LEN = 16, REDIRECT_LEN = 40, TWO_HOURS = 2 * 60 * 60 };

int ndp_option_next(const uint8_t *options, unsigned len, unsigned *at, struct ndp_option *option)
{
    unsigned left = len - *at;

    if (left == 0)
        return 0;
    if (left < 8 || options[*at + 1] == 0 || options[*at + 1] * 8u > left)
        return -EINVAL;
    option->data = options + *at;
    option->type = option->data[0];
    option->len = option->data[1] * 8u;
    *at += option->len;
    return 1;
}

static struct inet_addr address(const uint8_t *p)
{
    struct inet_addr a;

    memcpy(a.bytes, p, 16);
    return a;
}

int ndp_parse_ns(const uint8_t *data, unsigned len, bool from_any, bool solicited_node,
                 struct ndp_neighbour *ns)
{
    struct ndp_option option;
    unsigned at = 0;
    int more;

    *ns = (struct ndp_neighbour){};
    if (len < NS_LEN || data[1] != 0)
        return -EINVAL;
    ns->target = address(data + 8);
    if (inet_is_multicast(&ns->target))
        return -EINVAL;
    while ((more = ndp_option_next(data + NS_LEN, len - NS_LEN, &at, &option)) > 0)
        if (option.type == ND_SOURCE && !ns->mac)
            ns->mac = option.data + 2;
        else if (option.type == ND_NONCE && option.len == 8 && !ns->nonce)
            ns->nonce = option.data + 2;
    if (more < 0 || (from_any && (ns->mac || !solicited_node)))
        return -EINVAL;
    return 0;
}

int ndp_parse_na(const uint8_t *data, unsigned len, bool group, struct ndp_neighbour *na)
{
    struct ndp_option option;
    unsigned at = 0;
    int more;

    *na = (struct ndp_neighbour){};
    if (len < NS_LEN || data[1] != 0)
        return -EINVAL;
    na->router = data[4] & 0x80;
    na->solicited = data[4] & 0x40;
    na->override = data[4] & 0x20;
    na->target = address(data + 8);
    if (inet_is_multicast(&na->target) || (group && na->solicited))
        return -EINVAL;
    while ((more = ndp_option_next(data + NS_LEN, len - NS_LEN, &at, &option)) > 0)
        if (option.type == ND_TARGET && !na->mac)
            na->mac = option.data + 2;
    return more;
}

static void add_prefix(struct ndp_ra *ra, const struct ndp_option *option)
{
    const uint8_t *p = option->data;
    struct ndp_prefix *prefix;

    if (option->len != 32 || ra->nprefixes == NDP_PREFIXES || p[2] > 128)
        return;
    prefix = &ra->prefixes[ra->nprefixes];
    *prefix = (struct ndp_prefix){
        .prefix = address(p + 16),
        .bits = p[2],
        .on_link = p[3] & 0x80,
        .autonomous = p[3] & 0x40,
        .valid = get_be32(p + 4),
        .preferred = get_be32(p + 8),
    };
    if (inet_is_multicast(&prefix->prefix) || inet_is_link_local(&prefix->prefix) ||
        prefix->preferred > prefix->valid)
        return;
    ra->nprefixes++;
}

static void add_servers(struct ndp_ra *ra, const struct ndp_option *option) /* RFC 8106, 5.1 */
{
    for (unsigned at = 8; at + 16 <= option->len && ra->nservers < NDP_SERVERS; at += 16) {
        ra->server_lifetime[ra->nservers] = get_be32(option->data + 4);
        ra->servers[ra->nservers++] = address(option->data + at);
    }
}

/* Letters of a host name: what may go into resolv.conf. */
static bool name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* One name of labels (RFC 1035, 3.1, no compression) as text with dots and a 0 at `out`, which has
 * `room`. The bytes that it takes at p; 0: none, or not a good one. */
static unsigned domain(const uint8_t *p, unsigned len, char *out, unsigned room, unsigned *written)
{
    unsigned at = 0, n = 0;

    while (at < len && p[at]) {
        unsigned label = p[at++];

        if (label > 63 || label > len - at || n + label + 1 > room)
            return 0;
        for (unsigned i = 0; i < label; i++) {
            if (!name_byte(p[at + i]))
                return 0;
            out[n++] = (char)p[at + i];
        }
        out[n++] = '.';
        at += label;
    }
    if (at == len || n == 0)
        return 0;
    out[n - 1] = 0;
    *written = n;
    return at + 1;
}

static void add_domains(struct ndp_ra *ra, const struct ndp_option *option) /* RFC 8106, 5.2 */
{
    for (unsigned at = 8, used, n; at < option->len && ra->ndomains < NDP_SERVERS; at += used) {
        used = domain(option->data + at, option->len - at, ra->domains + ra->domains_len,
                      NDP_DOMAINS - ra->domains_len, &n);
        if (!used)
            return;
        ra->domain_lifetime[ra->ndomains++] = get_be32(option->data + 4);
        ra->domains_len += n;
    }
}

static void ra_option(struct ndp_ra *ra, const struct ndp_option *option)
{
    switch (option->type) {
    case ND_SOURCE:
        if (!ra->mac)
            ra->mac = option->data + 2;
        break;
    case ND_MTU:
        if (option->len == 8)
            ra->mtu = get_be32(option->data + 4);
        break;
    case ND_PREFIX:
        add_prefix(ra, option);
        break;
    case ND_RDNSS:
        add_servers(ra, option);
        break;
    case ND_DNSSL:
        add_domains(ra, option);
        break;
    }
}

int ndp_parse_ra(const uint8_t *data, unsigned len, struct ndp_ra *ra)
{
    static const int8_t preferences[] = {0, 1, 0, -1}; /* RFC 4191, 2.1 */
    struct ndp_option option;
    unsigned at = 0;
    int more;

    memset(ra, 0, sizeof(*ra));
    if (len < RA_LEN || data[1] != 0)
        return -EINVAL;
    ra->hop_limit = data[4];
    ra->managed = data[5] & 0x80;
    ra->other = data[5] & 0x40;
    ra->preference = preferences[data[5] >> 3 & 3];
    ra->lifetime = get_be16(data + 6);
    ra->reachable = get_be32(data + 8);
    ra->retransmit = get_be32(data + 12);
    while ((more = ndp_option_next(data + RA_LEN, len - RA_LEN, &at, &option)) > 0)
        ra_option(ra, &option);
    return more;
}

int ndp_parse_redirect(const uint8_t *data, unsigned len, struct ndp_redirect *redirect)
{
    struct ndp_option option;
    unsigned at = 0;
    int more;

    *redirect = (struct ndp_redirect){};
    if (len < REDIRECT_LEN || data[1] != 0)
        return -EINVAL;
    redirect->target = address(data + 8);
    redirect->destination = address(data + 24);
    if (inet_is_multicast(&redirect->destination) ||
        (!inet_equal(&redirect->target, &redirect->destination) &&
         !inet_is_link_local(&redirect->target)))
        return -EINVAL;
    while ((more = ndp_option_next(data + REDIRECT_LEN, len - REDIRECT_LEN, &at, &option)) > 0)
        if (option.type == ND_TARGET && !redirect->mac)
            redirect->mac = option.data + 2;
    return more;
}

uint32_t ndp_valid_lifetime(uint32_t left, uint32_t advertised)
{
    if (advertised > TWO_HOURS || advertised > left)
        return advertised;
    return MIN(left, (uint32_t)TWO_HOURS);
}
