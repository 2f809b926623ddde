#include "net/inet6.h"

#include "mm/heap.h"
#include "net/flow_label.h"
#include "net/ipv6_parse.h"

enum {
    SOL_IPV6 = 41,
    IPV6_2292PKTOPTIONS = 6,
    IPV6_FLOWLABEL_MGR = 32,
    IPV6_PATHMTU = 61,
    IPV6_HOPOPTS = 54,
    IPV6_RTHDRDSTOPTS = 55,
    IPV6_RTHDR = 57,
    IPV6_DSTOPTS = 59,
};
enum { CONTROL_MAX = 64 * 1024 };

struct inet6_extras *inet6_need(struct inet_socket *s)
{
    if (!s->options.six)
        s->options.six = kzalloc(sizeof(*s->options.six));
    return s->options.six;
}

/* --- headers that are sent */

static struct ipv6_headers sticky(const struct inet_socket *s)
{
    const struct inet6_extras *six = s->options.six;

    return six && six->headers ? *six->headers : (struct ipv6_headers){};
}

static int replace(struct inet_socket *s, const struct ipv6_headers *headers)
{
    struct ipv6_headers *copy = ipv6_headers_copy(headers);

    if (!copy && !s->options.six && !ipv6_headers_any(headers))
        return 0;
    if (!inet6_need(s) || (!copy && ipv6_headers_any(headers))) {
        kfree(copy);
        return -ENOBUFS;
    }
    kfree(s->options.six->headers);
    s->options.six->headers = copy;
    inet_flow_options(s, &s->flow);
    return 0;
}

static int part_of(int name)
{
    switch (name) {
    case IPV6_HOPOPTS:
        return IPV6_HOP;
    case IPV6_RTHDRDSTOPTS:
        return IPV6_BEFORE;
    case IPV6_RTHDR:
        return IPV6_ROUTING;
    case IPV6_DSTOPTS:
        return IPV6_LAST;
    default:
        return -1;
    }
}

static int set_part(struct inet_socket *s, unsigned part, const void *value, size_t len)
{
    struct ipv6_headers headers = sticky(s);
    int err = 0;

    if (part != IPV6_ROUTING && !socket_capable(NET_CAP_RAW))
        return -EPERM;
    if (len)
        err = ipv6_headers_check(part, value, len);
    headers.part[part] = len ? value : NULL;
    return err ? err : replace(s, &headers);
}

/* IPV6_2292PKTOPTIONS: all of them at once, as control messages. */
static int set_all(struct inet_socket *s, const void *value, size_t len)
{
    struct message message = {.sent = value, .sent_size = len};
    struct ipv6_headers headers = {};
    struct ip_flow flow = {};
    int err = len > CONTROL_MAX ? -EINVAL : 0;

    if (!err)
        err = inet_get_control(s, &message, &flow, &headers, NULL, NULL);
    return err ? err : replace(s, &headers);
}

int inet6_set_option(struct inet_socket *s, int name, const void *value, size_t len)
{
    int part = part_of(name);

    if (part >= 0)
        return set_part(s, (unsigned)part, value, len);
    if (name == IPV6_FLOWLABEL_MGR)
        return flow_label_set(s, (void *)value, len); /* the one option that answers */
    return name == IPV6_2292PKTOPTIONS ? set_all(s, value, len) : -ENOPROTOOPT;
}

int inet6_get_option(struct inet_socket *s, int name, void *value, size_t len)
{
    struct ipv6_headers headers = sticky(s);
    int part = part_of(name);

    if (part < 0)
        return name == IPV6_FLOWLABEL_MGR ? flow_label_get(s, value, len, 0) : -ENOPROTOOPT;
    len = MIN(len, (size_t)ipv6_header_size(headers.part[part]));
    memcpy(value, headers.part[part], len);
    return (int)len;
}

/* --- flow labels */

uint32_t inet6_flowinfo(const struct inet_socket *s, const struct socket_address *address)
{
    struct sockaddr_in6 in;

    if (!(s->options.receive & INET_FLOWINFO_SEND) || s->socket.family != AF_INET6 ||
        address->family != AF_INET6)
        return 0;
    memcpy(&in, address->bytes, sizeof(in));
    return in.flowinfo & __builtin_bswap32(0x0fffffff);
}

/* Is there a lease where one is needed, and with which headers? */
static int check_label(struct inet_socket *s, uint32_t label, const struct ipv6_headers **headers,
                       bool *leased)
{
    *leased = false;
    return label ? flow_label_use(s, label, headers, leased) : 0;
}

int inet6_connect(struct inet_socket *s, const struct socket_address *address)
{
    const struct ipv6_headers *headers;
    uint32_t info = inet6_flowinfo(s, address);
    bool leased;
    int err = check_label(s, info & IPV6_LABEL, &headers, &leased);

    if (err || (!info && !s->options.six))
        return err;
    if (!inet6_need(s))
        return -ENOMEM;
    s->options.six->flowinfo = info;
    return 0;
}

int inet6_use_label(struct inet_socket *s, struct ip_flow *flow, struct ipv6_headers *headers)
{
    const struct ipv6_headers *its = NULL;
    struct ipv6_headers merged = {};
    bool leased;
    int err;

    if (s->socket.type == SOCK_DGRAM && s->socket.protocol == IPPROTO_ICMPV6)
        return 0; /* as Linux: nobody asks */
    err = check_label(s, flow->label, &its, &leased);
    if (err || !leased)
        return err;
    if (its)
        merged = *its;
    if (flow->options_len) /* only what is for the destination is the program's then */
        merged.part[IPV6_LAST] = flow->headers->part[IPV6_LAST];
    *headers = merged;
    flow->headers = headers;
    flow->options_len = ipv6_headers_size(headers);
    return 0;
}

/* --- what a connection's peer sends */

/* The bits of options.receive that ask for each part. */
static const uint32_t asked_by[IPV6_PARTS] = {
    [IPV6_HOP] = INET_RECEIVE6_HOPOPTS | INET_RECEIVE6_HOPOPTS_OLD,
    [IPV6_BEFORE] = INET_RECEIVE6_DSTOPTS | INET_RECEIVE6_DSTOPTS_OLD,
    [IPV6_ROUTING] = INET_RECEIVE6_RTHDR | INET_RECEIVE6_RTHDR_OLD,
    [IPV6_LAST] = INET_RECEIVE6_DSTOPTS | INET_RECEIVE6_DSTOPTS_OLD,
};

static struct ipv6_headers headers_of(const struct packet *packet, uint32_t asked)
{
    const uint8_t *at = packet->network + 40, *end = packet->transport;
    struct ipv6_headers headers = {};
    unsigned next = packet->network[6];

    if (packet->network < packet->buffer->start || end > packet->data)
        return headers;
    while (end - at >= 8) {
        unsigned size = next == NEXT_FRAGMENT ? 8 : ipv6_header_size(at);
        unsigned part = next == NEXT_HOP       ? IPV6_HOP
                        : next == NEXT_ROUTING ? IPV6_ROUTING
                                               : IPV6_LAST;

        if (size > (size_t)(end - at))
            break;
        if (part == IPV6_ROUTING) {
            headers.part[IPV6_BEFORE] = headers.part[IPV6_LAST];
            headers.part[IPV6_LAST] = NULL;
        }
        if (next != NEXT_FRAGMENT && asked & asked_by[part])
            headers.part[part] = at;
        next = at[0];
        at += size;
    }
    return headers;
}

void inet6_note(struct inet_socket *s, const struct packet *packet)
{
    struct inet6_extras *six = s->options.six;
    uint32_t asked = s->options.receive & INET_RECEIVE6_EXTENSIONS;
    struct ipv6_headers headers = {};

    if ((!six && !asked) || ip_packet_is_v4(packet))
        return;
    if (six && six->reflect)
        s->flow.label = six->flowinfo = get_le32(packet->network) & IPV6_LABEL;
    if (asked && packet->transport)
        headers = headers_of(packet, asked);
    if (ipv6_headers_any(&headers))
        six = inet6_need(s);
    if (!six)
        return;
    kfree(six->arrived);
    six->arrived = ipv6_headers_copy(&headers);
}

/* --- the path's MTU */

ssize_t inet6_receive_path_mtu(struct inet_socket *s, struct message *message)
{
    struct ip6_mtuinfo path = {};
    bool told = false;

    if (s->socket.protocol == IPPROTO_ICMPV6 && s->socket.type == SOCK_DGRAM)
        return -EAGAIN; /* Linux keeps it, but tells nobody */
    inet_lock(s);
    struct inet6_extras *six = s->options.six;
    if (six && six->too_big) {
        path = six->path;
        six->too_big = false;
        told = true;
    }
    inet_unlock(s);
    if (!told)
        return -EAGAIN;
    if (message->address) {
        message->address->len = sizeof(path.address);
        memcpy(message->address->bytes, &path.address, sizeof(path.address));
    }
    return message_put_control(message, SOL_IPV6, IPV6_PATHMTU, &path, sizeof(path));
}

/* --- life */

void inet6_inherit(struct inet_socket *to, const struct inet_socket *from)
{
    struct ipv6_headers headers = sticky(from);

    to->options.six = NULL;
    if (ipv6_headers_any(&headers))
        replace(to, &headers);
    if (from->options.six && from->options.six->reflect && inet6_need(to))
        to->options.six->reflect = true;
}

void inet6_end(struct inet_socket *s)
{
    struct inet6_extras *six = s->options.six;

    if (!six)
        return;
    s->options.six = NULL;
    inet_flow_options(s, &s->flow);
    flow_label_release(six);
    kfree(six->arrived);
    kfree(six->headers);
    kfree(six);
}
