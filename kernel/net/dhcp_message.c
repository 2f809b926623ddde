#include "net/dhcp_message.h"

#include "lib/errno.h"
#include "net/ip_param.h"

enum {
    HEAD = 236, /* before the options: op to file */
    SNAME_AT = 44,
    FILE_AT = 108,
    COOKIE = 0x63825363,
    BOOTREPLY = 2,
    OPTION_MAX = 512, /* of one option, put together */
};
enum { /* RFC 2132 */
       PAD = 0,
       MASK = 1,
       ROUTERS = 3,
       DNS = 6,
       HOSTNAME = 12,
       DOMAIN = 15,
       MTU = 26,
       BROADCAST = 28,
       STATIC_ROUTES = 33,
       NTP = 42,
       REQUESTED = 50,
       LEASE = 51,
       OVERLOAD = 52,
       TYPE = 53,
       SERVER = 54,
       PARAMETERS = 55,
       TEXT = 56,
       MAX_SIZE = 57,
       T1 = 58,
       T2 = 59,
       VENDOR = 60,
       CLIENT_ID = 61,
       SEARCH = 119,
       CLASSLESS = 121,
       END = 255,
};

/* --- options that came
 * -------------------------------------------------------------------------------------- */

/* A message, and where options are in it: the field of that name, and by OVERLOAD two more. */
struct reply {
    const uint8_t *data;
    size_t len;
    uint8_t overload; /* 1: file, 2: sname, 3: both */
};
struct option {
    uint8_t bytes[OPTION_MAX];
    size_t len;
};

/* Append what an area has of an option (RFC 3396); false: the area is broken. */
static bool gather(const uint8_t *area, size_t size, uint8_t code, struct option *option)
{
    for (size_t at = 0; at < size && area[at] != END;) {
        if (area[at] == PAD) {
            at++;
            continue;
        }
        if (size - at < 2 || area[at + 1] > size - at - 2)
            return false;
        size_t len = area[at + 1];
        if (area[at] == code && option->len + len <= OPTION_MAX) {
            memcpy(option->bytes + option->len, area + at + 2, len);
            option->len += len;
        }
        at += 2 + len;
    }
    return true;
}

/* The option of this code; false: there is none. */
static bool option_get(const struct reply *r, uint8_t code, struct option *option)
{
    option->len = 0;
    gather(r->data + HEAD + 4, r->len - HEAD - 4, code, option);
    if (r->overload & 1)
        gather(r->data + FILE_AT, 128, code, option);
    if (r->overload & 2)
        gather(r->data + SNAME_AT, 64, code, option);
    return option->len > 0;
}

static uint32_t get_u32(const struct reply *r, uint8_t code)
{
    struct option option;

    return option_get(r, code, &option) && option.len == 4 ? get_be32(option.bytes) : 0;
}

/* In network order. */
static uint32_t get_address(const struct reply *r, uint8_t code)
{
    struct option option;

    return option_get(r, code, &option) && option.len >= 4 ? get_le32(option.bytes) : 0;
}

static unsigned get_addresses(const struct reply *r, uint8_t code, uint32_t *list, unsigned max)
{
    struct option option;
    unsigned n = 0;

    if (!option_get(r, code, &option) || option.len % 4)
        return 0;
    for (size_t at = 0; at < option.len && n < max; at += 4)
        if (get_le32(option.bytes + at))
            list[n++] = get_le32(option.bytes + at);
    return n;
}

/* Is it something that may stand in a name? Nothing else gets into files that others read. */
static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_printable(uint8_t c)
{
    return c >= ' ' && c < 127;
}

/* A text without the zero bytes that some servers end it with; "" where it has anything else. */
static void get_text(const struct reply *r, uint8_t code, bool (*good)(uint8_t c), char *text,
                     size_t size)
{
    struct option option;

    text[0] = 0;
    if (!option_get(r, code, &option))
        return;
    while (option.len && !option.bytes[option.len - 1])
        option.len--;
    if (option.len >= size)
        return;
    for (size_t i = 0; i < option.len; i++)
        if (!good(option.bytes[i]))
            return;
    memcpy(text, option.bytes, option.len);
    text[option.len] = 0;
}

/* --- domains to search (RFC 3397: names as in DNS, RFC 1035 4.1.4)
 * ------------------------------------------ */

/* Append one label and a dot. */
static int put_label(const uint8_t *label, size_t n, char *text, size_t size, size_t *len)
{
    if (*len + n + 2 > size)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        if (!is_name_char(label[i]) || label[i] == '.')
            return -EINVAL;
        text[(*len)++] = (char)label[i];
    }
    text[(*len)++] = '.';
    return 0;
}

/* Append the name at *at, which then is behind it. */
static int put_domain(const struct option *o, size_t *at, char *text, size_t size, size_t *len)
{
    size_t here = *at, start = *len;
    bool jumped = false;

    for (unsigned steps = 0; steps < 64; steps++) {
        if (here >= o->len)
            return -EINVAL;
        uint8_t n = o->bytes[here];
        if (n >= 0xc0) {
            if (here + 1 >= o->len)
                return -EINVAL;
            if (!jumped)
                *at = here + 2;
            jumped = true;
            here = (size_t)(n & 0x3f) << 8 | o->bytes[here + 1];
            continue;
        }
        if (n > 63 || n > o->len - here - 1)
            return -EINVAL;
        if (!n) {
            if (!jumped)
                *at = here + 1;
            *len -= *len > start; /* the last dot */
            return 0;
        }
        if (put_label(o->bytes + here + 1, n, text, size, len))
            return -EINVAL;
        here += 1u + n;
    }
    return -EINVAL;
}

static void get_search(const struct reply *r, char *text, size_t size)
{
    struct option option;
    size_t at = 0, len = 0;

    text[0] = 0;
    if (!option_get(r, SEARCH, &option))
        return;
    while (at < option.len) {
        if (len && len + 1 < size)
            text[len++] = ' ';
        if (put_domain(&option, &at, text, size, &len)) {
            text[0] = 0;
            return;
        }
    }
    text[len] = 0;
}

/* --- routes
 * ---------------------------------------------------------------------------------------------------
 */

static void add_route(struct dhcp_message *m, uint32_t destination, unsigned prefix,
                      uint32_t gateway)
{
    if (m->nroutes < DHCP_ROUTES)
        m->routes[m->nroutes++] =
            (struct dhcp_route){destination & ip_mask_of_prefix(prefix), gateway, prefix};
}

/* RFC 3442; false: not told, or broken. */
static bool get_classless(const struct reply *r, struct dhcp_message *m)
{
    struct option o;

    if (!option_get(r, CLASSLESS, &o))
        return false;
    for (size_t at = 0; at < o.len;) {
        unsigned prefix = o.bytes[at], n = (prefix + 7) / 8;
        uint8_t destination[4] = {};
        if (prefix > 32 || n + 4 > o.len - at - 1) {
            m->nroutes = 0;
            return false;
        }
        memcpy(destination, o.bytes + at + 1, n);
        add_route(m, get_le32(destination), prefix, get_le32(o.bytes + at + 1 + n));
        at += 1 + n + 4;
    }
    return m->nroutes > 0;
}

/* RFC 2132, 5.8: pairs of a destination of its class and a router; and 3.5. */
static void get_routes(const struct reply *r, struct dhcp_message *m)
{
    struct option o;
    uint32_t router = get_address(r, ROUTERS);

    if (get_classless(r, m))
        return;
    if (router)
        add_route(m, 0, 0, router);
    if (!option_get(r, STATIC_ROUTES, &o) || o.len % 8)
        return;
    for (size_t at = 0; at < o.len; at += 8) {
        uint32_t destination = get_le32(o.bytes + at);
        unsigned prefix = ip_class_prefix(destination);
        if (destination & ~ip_mask_of_prefix(prefix))
            prefix = 32;
        if (destination)
            add_route(m, destination, prefix, get_le32(o.bytes + at + 4));
    }
}

/* --- a whole message
 * ---------------------------------------------------------------------------------------- */

static void get_times(const struct reply *r, struct dhcp_message *m)
{
    struct option option;

    m->has_lease = option_get(r, LEASE, &option) && option.len == 4;
    m->lease = get_u32(r, LEASE);
    m->t1 = get_u32(r, T1);
    m->t2 = get_u32(r, T2);
}

int dhcp_message_parse(const uint8_t *data, size_t len, struct dhcp_message *m)
{
    struct reply r = {data, len, 0};
    struct option option;

    *m = (struct dhcp_message){};
    if (len < HEAD + 4 || data[0] != BOOTREPLY || data[1] != 1 || data[2] != 6 ||
        get_be32(data + HEAD) != COOKIE)
        return -EINVAL;
    option.len = 0;
    if (!gather(data + HEAD + 4, len - HEAD - 4, OVERLOAD, &option))
        return -EINVAL;
    r.overload = option.len == 1 ? option.bytes[0] & 3 : 0;
    m->xid = get_be32(data + 4);
    m->client = get_le32(data + 12);
    m->yours = get_le32(data + 16);
    m->next_server = get_le32(data + 20);
    memcpy(m->mac, data + 28, 6);
    if (option_get(&r, TYPE, &option) && option.len == 1)
        m->type = option.bytes[0];
    if (option_get(&r, MTU, &option) && option.len == 2)
        m->mtu = get_be16(option.bytes);
    m->server = get_address(&r, SERVER);
    m->mask = get_address(&r, MASK);
    m->broadcast = get_address(&r, BROADCAST);
    m->ndns = get_addresses(&r, DNS, m->dns, DHCP_SERVERS);
    m->nntp = get_addresses(&r, NTP, m->ntp, DHCP_SERVERS);
    get_times(&r, m);
    get_text(&r, DOMAIN, is_name_char, m->domain, sizeof(m->domain));
    get_text(&r, HOSTNAME, is_name_char, m->hostname, sizeof(m->hostname));
    get_text(&r, TEXT, is_printable, m->text, sizeof(m->text));
    get_search(&r, m->search, sizeof(m->search));
    get_routes(&r, m);
    return 0;
}

static uint8_t *put_option(uint8_t *at, uint8_t code, const void *value, size_t len)
{
    at[0] = code;
    at[1] = (uint8_t)len;
    memcpy(at + 2, value, len);
    return at + 2 + len;
}

/* What the client would like to know; RFC 3442: the routes of that before routers. */
static uint8_t *put_parameters(uint8_t *at)
{
    static const uint8_t list[] = {CLASSLESS, MASK,     ROUTERS, STATIC_ROUTES, DNS, DOMAIN,
                                   SEARCH,    HOSTNAME, MTU,     BROADCAST,     NTP, LEASE,
                                   SERVER,    T1,       T2};

    return put_option(at, PARAMETERS, list, sizeof(list));
}

static uint8_t *put_identity(uint8_t *at, const struct dhcp_query *query)
{
    uint8_t id[7] = {1};

    memcpy(id + 1, query->mac, 6);
    at = put_option(at, CLIENT_ID, id, sizeof(id));
    if (query->hostname[0])
        at = put_option(at, HOSTNAME, query->hostname, strnlen(query->hostname, 64));
    return at;
}

size_t dhcp_message_build(const struct dhcp_query *query, uint8_t *buf)
{
    uint8_t *at = buf + HEAD + 4, type = (uint8_t)query->type, size[2];

    memset(buf, 0, DHCP_MESSAGE_MAX);
    buf[0] = 1; /* BOOTREQUEST */
    buf[1] = 1; /* Ethernet */
    buf[2] = 6;
    put_be32(buf + 4, query->xid);
    put_be16(buf + 8, query->seconds);
    /* Without an address replies may only be seen as broadcasts (RFC 2131, 4.1), and a tap sees
     * those to the hardware address, too: the flag stays off. */
    put_le32(buf + 12, query->client);
    memcpy(buf + 28, query->mac, 6);
    put_be32(buf + HEAD, COOKIE);
    at = put_option(at, TYPE, &type, 1);
    at = put_identity(at, query);
    if (query->requested)
        at = put_option(at, REQUESTED, &query->requested, 4);
    if (query->server)
        at = put_option(at, SERVER, &query->server, 4);
    if (query->type == DHCP_DISCOVER || query->type == DHCP_REQUEST) {
        put_be16(size, 1500);
        at = put_option(at, MAX_SIZE, size, 2);
        at = put_option(at, VENDOR, "osprey", 6);
        at = put_parameters(at);
    }
    *at++ = END;
    return MAX((size_t)(at - buf), 300ul); /* RFC 1542, 2.1: some relays want that much */
}
