#include "net/inet6.h"

#include "mm/heap.h"

enum {
    IPV6_2292PKTOPTIONS = 6,
    IPV6_HOPOPTS = 54,
    IPV6_RTHDRDSTOPTS = 55,
    IPV6_RTHDR = 57,
    IPV6_DSTOPTS = 59,
};
enum { CONTROL_MAX = 64 * 1024 };

static struct inet6_extras *need(struct inet_socket *s)
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
    if (!need(s) || (!copy && ipv6_headers_any(headers))) {
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
    return name == IPV6_2292PKTOPTIONS ? set_all(s, value, len) : -ENOPROTOOPT;
}

int inet6_get_option(struct inet_socket *s, int name, void *value, size_t len)
{
    struct ipv6_headers headers = sticky(s);
    int part = part_of(name);

    if (part < 0)
        return -ENOPROTOOPT;
    len = MIN(len, (size_t)ipv6_header_size(headers.part[part]));
    memcpy(value, headers.part[part], len);
    return (int)len;
}

/* --- life */

void inet6_inherit(struct inet_socket *to, const struct inet_socket *from)
{
    struct ipv6_headers headers = sticky(from);

    to->options.six = NULL;
    if (ipv6_headers_any(&headers))
        replace(to, &headers);
}

void inet6_end(struct inet_socket *s)
{
    struct inet6_extras *six = s->options.six;

    if (!six)
        return;
    s->options.six = NULL;
    inet_flow_options(s, &s->flow);
    kfree(six->headers);
    kfree(six);
}
