/* net/proc_routes.c: routes and neighbours in /proc/net. */
#include "lib/string.h"
#include "net/ip_param.h"
#include "net/proc_net.h"
#include "net/route.h"

enum {
    WIDTH = 127,
    RTF_UP = 1,
    RTF_GATEWAY = 2,
    RTF_HOST = 4,
    RTF_REJECT = 0x200,
    RTF_DEFAULT = 0x10000,
    RTF_ADDRCONF = 0x40000,
    RTF_ANYCAST = 0x100000,
    RTF_NONEXTHOP = 0x200000,
    RTF_EXPIRES = 0x400000,
    RTF_LOCAL = (int)0x80000000,
    ATF_COM = 2,
    ATF_PERM = 4,
};

static bool has(const struct inet_addr *a)
{
    return (a->halves[0] | a->halves[1]) && !inet_is_any(a);
}

static bool rejects(const struct route *r)
{
    return r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT;
}

static bool put_v4(const struct route *r, void *arg)
{
    char line[160];
    unsigned flags = RTF_UP | (has(&r->gateway) ? RTF_GATEWAY : 0) |
                     (r->prefix == 32 ? RTF_HOST : 0) | (rejects(r) ? RTF_REJECT : 0);

    if (!inet_is_v4(&r->destination) || r->table != RT_TABLE_MAIN || r->type == RTN_BROADCAST ||
        r->type == RTN_MULTICAST)
        return true;
    snprintf(line, sizeof(line), "%s\t%08X\t%08X\t%04X\t%d\t%d\t%u\t%08X\t%u\t%d\t%d",
             rejects(r) ? "*" : r->netif->name, inet_v4_of(&r->destination),
             has(&r->gateway) ? inet_v4_of(&r->gateway) : 0, flags, 0, 0, r->metric,
             ip_mask_of_prefix(r->prefix), r->mtu, 0, 0);
    proc_put_padded(arg, line, WIDTH);
    return true;
}

int proc_show_route(struct text *text, const struct pseudo *self)
{
    proc_put_padded(text,
                    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow"
                    "\tIRTT",
                    WIDTH);
    rcu_read_lock();
    route_each(put_v4, text);
    rcu_read_unlock();
    return 0;
}

/* 32 digits. */
static void put_hex(struct text *text, const struct inet_addr *a)
{
    for (unsigned i = 0; i < 16; i++)
        text_printf(text, "%02x", a->bytes[i]);
}

static bool put_v6(const struct route *r, void *arg)
{
    static const struct inet_addr zero;
    struct text *text = arg;
    unsigned flags = RTF_UP | (has(&r->gateway) ? RTF_GATEWAY : 0) | (rejects(r) ? RTF_REJECT : 0) |
                     (r->type == RTN_LOCAL     ? RTF_LOCAL | RTF_NONEXTHOP
                      : r->type == RTN_ANYCAST ? RTF_ANYCAST | RTF_NONEXTHOP
                                               : 0) |
                     (r->valid_until != NSEC_FOREVER ? RTF_EXPIRES : 0) |
                     (r->protocol == RTPROT_RA ? RTF_ADDRCONF : 0) |
                     (r->protocol == RTPROT_RA && !r->prefix ? RTF_DEFAULT : 0);

    if (inet_is_v4(&r->destination))
        return true;
    put_hex(text, &r->destination);
    text_printf(text, " %02x ", r->prefix);
    put_hex(text, &zero);
    text_printf(text, " 00 ");
    put_hex(text, has(&r->gateway) ? &r->gateway : &zero);
    text_printf(text, " %08x %08x %08x %08x %8s\n", r->metric, 1, 0, flags, r->netif->name);
    return true;
}

int proc_show_ipv6_route(struct text *text, const struct pseudo *self)
{
    rcu_read_lock();
    route_each(put_v6, text);
    rcu_read_unlock();
    return 0;
}

/* --- fib_trie: the routes as leaves below one node, for those who look for "host LOCAL" there */

struct trie {
    struct text *text;
    unsigned table;
};

static const char *scope_name(unsigned scope)
{
    return scope == RT_SCOPE_HOST ? "host" : scope == RT_SCOPE_LINK ? "link" : "universe";
}

static bool put_leaf(const struct route *r, void *arg)
{
    static const char *const types[] = {"UNSPEC",    "UNICAST",     "LOCAL",
                                        "BROADCAST", "ANYCAST",     "MULTICAST",
                                        "BLACKHOLE", "UNREACHABLE", "PROHIBIT"};
    const struct trie *trie = arg;
    char address[INET_TEXT];

    if (!inet_is_v4(&r->destination) || r->table != trie->table || r->type >= ARRAY_SIZE(types))
        return true;
    inet_text(&r->destination, address);
    text_printf(trie->text, "     |-- %s\n        /%u %s %s\n", address, r->prefix,
                scope_name(r->scope), types[r->type]);
    return true;
}

int proc_show_fib_trie(struct text *text, const struct pseudo *self)
{
    struct trie trie = {text, RT_TABLE_MAIN};

    rcu_read_lock();
    text_printf(text, "Main:\n  +-- 0.0.0.0/0 0 0 0\n");
    route_each(put_leaf, &trie);
    trie.table = RT_TABLE_LOCAL;
    text_printf(text, "Local:\n  +-- 0.0.0.0/0 0 0 0\n");
    route_each(put_leaf, &trie);
    rcu_read_unlock();
    return 0;
}

/* --- arp */

static bool put_neighbour(const struct neighbour *n, void *arg)
{
    char address[INET_TEXT], mac[18];
    bool known = n->state & ~(unsigned)(NUD_INCOMPLETE | NUD_FAILED);
    unsigned flags = n->state & NUD_PERMANENT ? ATF_PERM | ATF_COM : known ? ATF_COM : 0;
    const uint8_t *m = n->mac;

    if (!inet_is_v4(&n->address) || n->state & NUD_NOARP)
        return true;
    inet_text(&n->address, address);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    text_printf(arg, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", address, n->netif->type, flags,
                mac, n->netif->name);
    return true;
}

int proc_show_arp(struct text *text, const struct pseudo *self)
{
    text_printf(text, "IP address       HW type     Flags       HW address            Mask     "
                      "Device\n");
    rcu_read_lock();
    neighbour_each(put_neighbour, text);
    rcu_read_unlock();
    return 0;
}
