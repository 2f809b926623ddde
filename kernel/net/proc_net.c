/* net/proc_net.c: /proc/net: its folder, interfaces and their groups, and what never changes. */
#include "net/proc_net.h"

#include "core/cpu.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "net/config.h"
#include "net/igmp.h"
#include "net/neighbour.h"
#include "net/netif.h"
#include "net/route.h"

static int show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s", (const char *)self->entry->arg);
    return 0;
}

static int show_dev(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Inter-|   Receive                                                |  "
                      "Transmit\n face |bytes    packets errs drop fifo frame compressed "
                      "multicast|bytes    packets errs drop fifo colls carrier compressed\n");
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif)) {
        struct netif_stats s;
        netif_sum_stats(netif, &s);
        text_printf(text,
                    "%6s: %7lu %7lu %4lu %4lu %4d %5d %10d %9lu %8lu %7lu %4lu %4lu %4d %5d %7d "
                    "%10d\n",
                    netif->name, s.rx_bytes, s.rx_packets, s.rx_errors, s.rx_dropped, 0, 0, 0,
                    s.multicast, s.tx_bytes, s.tx_packets, s.tx_errors, s.tx_dropped, 0, 0, 0, 0);
    }
    return 0;
}

/* Packets are not counted by processor: the first has them all. */
static int show_softnet_stat(struct text *text, const struct pseudo *self)
{
    enum { FIELDS = 15, PROCESSED = 0, CPU = 12 };
    uint32_t packets = 0;

    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif)) {
        struct netif_stats s;
        netif_sum_stats(netif, &s);
        packets += s.rx_packets;
    }
    for (unsigned cpu = 0; cpu < ncpus; cpu++, packets = 0)
        for (unsigned i = 0; i < FIELDS; i++)
            text_printf(text, "%08x%c",
                        i == PROCESSED ? packets
                        : i == CPU     ? cpu
                                       : 0,
                        i == FIELDS - 1 ? '\n' : ' ');
    return 0;
}

static void put_hex(struct text *text, const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        text_printf(text, "%02x", bytes[i]);
}

/* An IPv6 address's scope as the file numbers it. */
static unsigned scope_of(const struct inet_addr *a)
{
    enum { HOST = 0x10, LINK = 0x20, SITE = 0x40 };

    if (inet_is_loopback(a))
        return HOST;
    if (inet_is_link_local(a))
        return LINK;
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0xc0 ? SITE : 0;
}

static int show_if_inet6(struct text *text, const struct pseudo *self)
{
    enum { PERMANENT = 0x80 };

    mutex_lock(&netif_lock);
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif)) {
        list_for_each_entry (struct netif_address, a, &netif->addresses, link) {
            bool always = a->valid_until == NSEC_FOREVER;
            if (inet_is_v4(&a->address))
                continue;
            put_hex(text, a->address.bytes, 16);
            text_printf(text, " %02x %02x %02x %02x %8s\n", netif->index, a->prefix,
                        scope_of(&a->address), (uint8_t)(a->flags | (always ? PERMANENT : 0)),
                        netif->name);
        }
    }
    mutex_unlock(&netif_lock);
    return 0;
}

/* --- groups
 * -----------------------------------------------------------------------------------------------------
 */

static unsigned count_groups(const struct netif *netif)
{
    unsigned n = 0;

    list_for_each_entry (struct netif_group, group, &netif->groups, link)
        n += inet_is_v4(&group->group);
    return n;
}

static void put_igmp(struct text *text, const struct netif *netif)
{
    text_printf(text, "%u\t%-10s: %5u %7s\n", netif->index, netif->name, count_groups(netif), "V3");
    list_for_each_entry (struct netif_group, group, &netif->groups, link)
        if (inet_is_v4(&group->group))
            text_printf(text, "\t\t\t\t%08X %5u %d:%08X\t\t%d\n", inet_v4_of(&group->group),
                        group->users, 0, 0, 0);
}

static int show_igmp(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    mutex_lock(&netif_lock);
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
        if (netif->flags & IFF_UP)
            put_igmp(text, netif);
    mutex_unlock(&netif_lock);
    return 0;
}

static int each_group(struct text *text, void (*row)(struct text *text, const struct netif *netif,
                                                     const struct netif_group *group))
{
    mutex_lock(&netif_lock);
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
        list_for_each_entry (struct netif_group, group, &netif->groups, link)
            row(text, netif, group);
    mutex_unlock(&netif_lock);
    return 0;
}

static void put_igmp6(struct text *text, const struct netif *netif, const struct netif_group *group)
{
    if (inet_is_v4(&group->group))
        return;
    text_printf(text, "%-4u %-15s ", netif->index, netif->name);
    put_hex(text, group->group.bytes, 16);
    text_printf(text, " %5u %08X %d\n", group->users, 4, 0);
}

static int show_igmp6(struct text *text, const struct pseudo *self)
{
    return each_group(text, put_igmp6);
}

static void put_mac(struct text *text, const struct netif *netif, const struct netif_group *group)
{
    uint8_t mac[ETH_ALEN];

    if (netif->type != ARPHRD_ETHER)
        return;
    neighbour_group_mac(&group->group, mac);
    text_printf(text, "%-4u %-15s %-5u %-5d ", netif->index, netif->name, group->users, 0);
    put_hex(text, mac, ETH_ALEN);
    text_printf(text, "\n");
}

static int show_dev_mcast(struct text *text, const struct pseudo *self)
{
    return each_group(text, put_mac);
}

/* --- what the network told at boot (Linux: Documentation/admin-guide/nfs/nfsroot.rst)
 * -------------- */

static int show_pnp(struct text *text, const struct pseudo *self)
{
    struct net_settings s;
    char address[INET_TEXT];

    for (unsigned i = 0; net_settings_get(i, &s); i++) {
        text_printf(text, "#%s\n", s.dhcp ? "PROTO: DHCP" : "MANUAL");
        if (s.domain[0])
            text_printf(text, "domain %s\n", s.domain);
        if (s.search[0])
            text_printf(text, "search %s\n", s.search);
        for (unsigned k = 0; k < s.ndns; k++) {
            inet_text(&s.dns[k], address);
            text_printf(text, "nameserver %s\n", address);
        }
        if (ip_param_has(&s.server)) {
            inet_text(&s.server, address);
            text_printf(text, "bootserver %s\n", address);
        }
    }
    return 0;
}

static int show_ntp_servers(struct text *text, const struct pseudo *self)
{
    struct net_settings s;
    char address[INET_TEXT];

    for (unsigned i = 0; net_settings_get(i, &s); i++)
        for (unsigned k = 0; k < s.nntp; k++) {
            inet_text(&s.ntp[k], address);
            text_printf(text, "%s\n", address);
        }
    return 0;
}

/* --- the folder
 * -------------------------------------------------------------------------------------------------
 */

#define FILE(n, fn, a)                                                                             \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0444, .show = (fn), .arg = (uint64_t)(a)                    \
    }
#define TEXT(n, s) FILE(n, show_text, (uintptr_t)(s))
#define FOLDER(n, t)                                                                               \
    {                                                                                              \
        .name = (n), .mode = S_IFDIR | 0555, .table = (t), .ntable = ARRAY_SIZE(t)                 \
    }

static const struct pseudo_entry ipconfig_table[] = {FILE("ntp_servers", show_ntp_servers, 0)};
static const struct pseudo_entry net_table[] = {
    FILE("anycast6", proc_show_anycast6, 0),
    FILE("arp", proc_show_arp, 0),
    FILE("dev", show_dev, 0),
    FILE("dev_mcast", show_dev_mcast, 0),
    FILE("fib_trie", proc_show_fib_trie, 0),
    FILE("icmp", proc_show_datagram, PROC_ICMP),
    FILE("icmp6", proc_show_datagram, PROC_ICMP6),
    FILE("if_inet6", show_if_inet6, 0),
    FILE("igmp", show_igmp, 0),
    FILE("igmp6", show_igmp6, 0),
    FILE("ip6_flowlabel", proc_show_ip6_flowlabel, 0),
    FILE("ipv6_route", proc_show_ipv6_route, 0),
    FILE("netlink", proc_show_netlink, 0),
    FILE("netstat", proc_show_netstat, 0),
    FILE("packet", proc_show_packet, 0),
    FILE("pnp", show_pnp, 0),
    FILE("protocols", proc_show_protocols, 0),
    TEXT("psched", "000003e8 00000040 000f4240 3b9aca00\n"),
    TEXT("ptype", "Type Device      Function\n0800          ip_rcv\n0806          arp_rcv\n"
                  "86dd          ipv6_rcv\n"),
    FILE("raw", proc_show_datagram, PROC_RAW),
    FILE("raw6", proc_show_datagram, PROC_RAW6),
    FILE("route", proc_show_route, 0),
    FILE("snmp", proc_show_snmp, 0),
    FILE("snmp6", proc_show_snmp6, 0),
    FILE("sockstat", proc_show_sockstat, 0),
    FILE("sockstat6", proc_show_sockstat, 1),
    FILE("softnet_stat", show_softnet_stat, 0),
    FILE("tcp", proc_show_stream, 0),
    FILE("tcp6", proc_show_stream, 1),
    FILE("udp", proc_show_datagram, PROC_UDP),
    FILE("udp6", proc_show_datagram, PROC_UDP6),
    FILE("unix", proc_show_unix, 0),
    TEXT("wireless", "Inter-| sta-|   Quality        |   Discarded packets               | Missed "
                     "| WE\n face | tus | link level noise |  nwid  crypt   frag  retry   misc | "
                     "beacon | 22\n"),
    FOLDER("ipconfig", ipconfig_table),
};
static const struct pseudo_entry folders[] = {FOLDER("net", net_table)};
PROC_PID_FILES(folders, PROC_PROCESS | PROC_THREAD);
