/* net/proc_sysctl_conf.c: /proc/sys/net/ipv4/conf and ipv6/conf: a folder for each interface, and
 * "all" and "default". self->key: 1 all, 2 default, above: an interface's index. */
#include "lib/string.h"
#include "net/ipv6.h"
#include "net/proc_sysctl.h"

enum { ALL = 1, DEFAULT = 2 };

/* --- which folders there are
 * --------------------------------------------------------------------------------- */

static const struct pseudo_entry *inner_of(const struct pseudo *self)
{
    return (const struct pseudo_entry *)self->entry->arg;
}

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    const struct netif *netif = netif_find(name);
    uint64_t key = !strcmp(name, "all") ? ALL : !strcmp(name, "default") ? DEFAULT : 0;

    if (!key && netif)
        key = DEFAULT + netif->index;
    if (!key)
        return -ENOENT;
    *child = (struct pseudo){inner_of(self), key, 0};
    return 0;
}

static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    uint64_t key = ++*cursor;
    const struct netif *netif = key > DEFAULT ? netif_by_index((unsigned)key - DEFAULT) : NULL;

    if (key > DEFAULT && !netif)
        return false;
    strlcpy(name, key == ALL ? "all" : key == DEFAULT ? "default" : netif->name, NAME_MAX + 1);
    *child = (struct pseudo){inner_of(self), key, 0};
    return true;
}

/* --- IPv4: nothing that could be changed
 * --------------------------------------------------------------------- */

static const struct pseudo_entry ipv4_table[] = {
    SYSCTL_CONSTANT("accept_local", 0),        SYSCTL_CONSTANT("accept_redirects", 0),
    SYSCTL_CONSTANT("accept_source_route", 0), SYSCTL_CONSTANT("arp_announce", 0),
    SYSCTL_CONSTANT("arp_filter", 0),          SYSCTL_CONSTANT("arp_ignore", 0),
    SYSCTL_CONSTANT("arp_notify", 0),          SYSCTL_CONSTANT("bootp_relay", 0),
    SYSCTL_CONSTANT("force_igmp_version", 0),  SYSCTL_CONSTANT("forwarding", 0),
    SYSCTL_CONSTANT("log_martians", 0),        SYSCTL_CONSTANT("mc_forwarding", 0),
    SYSCTL_CONSTANT("proxy_arp", 0),           SYSCTL_CONSTANT("route_localnet", 0),
    SYSCTL_CONSTANT("rp_filter", 0),           SYSCTL_CONSTANT("secure_redirects", 1),
    SYSCTL_CONSTANT("send_redirects", 0),
};
static const struct pseudo_entry ipv4_inner = SYSCTL_FOLDER("conf", ipv4_table);

/* --- IPv6
 * ------------------------------------------------------------------------------------------------------
 */

static struct netif *netif_of(const struct pseudo *self)
{
    return self->key > DEFAULT ? netif_by_index((unsigned)self->key - DEFAULT) : NULL;
}

static int *field(struct netif *netif, const struct pseudo *self)
{
    return (int *)((char *)ipv6_conf(netif) + self->entry->arg);
}

static int show_field(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", *field(netif_of(self), self));
    return 0;
}

static void set_field(struct netif *netif, const struct pseudo *self, int value)
{
    *field(netif, self) = value;
    if (netif)
        ipv6_conf_changed(netif);
}

/* "all" is the default and every interface there is. */
static int store_field(const struct pseudo *self, const char *text, size_t len)
{
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < INT32_MIN || value > INT32_MAX)
        return -EINVAL;
    set_field(netif_of(self), self, (int)value);
    if (self->key == ALL)
        for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
            set_field(netif, self, (int)value);
    return 0;
}

#define FIELD(n) SYSCTL_FILE(#n, show_field, store_field, offsetof(struct ipv6_conf, n))
static const struct pseudo_entry ipv6_table[] = {
    FIELD(disable_ipv6),
    FIELD(accept_ra),
    FIELD(autoconf),
    FIELD(addr_gen_mode),
    FIELD(accept_ra_defrtr),
    FIELD(accept_ra_pinfo),
    FIELD(accept_ra_mtu),
    FIELD(accept_ra_rtr_pref),
    FIELD(accept_ra_min_hop_limit),
    FIELD(ra_defrtr_metric),
    FIELD(accept_redirects),
    FIELD(accept_dad),
    FIELD(enhanced_dad),
    FIELD(dad_transmits),
    FIELD(router_solicitations),
    FIELD(router_solicitation_delay),
    FIELD(router_solicitation_interval),
    FIELD(router_solicitation_max_interval),
    FIELD(hop_limit),
    FIELD(mtu),
    FIELD(max_addresses),
    FIELD(force_mld_version),
    SYSCTL_CONSTANT("forwarding", 0),
    SYSCTL_CONSTANT("proxy_ndp", 0),
    SYSCTL_CONSTANT("use_tempaddr", 0),
};
static const struct pseudo_entry ipv6_inner = SYSCTL_FOLDER("conf", ipv6_table);

static const struct pseudo_special members = {.lookup = lookup, .next = next};
#define CONF(inner)                                                                                \
    {                                                                                              \
        .name = "conf", .mode = S_IFDIR | 0555, .special = &members, .arg = (uintptr_t) & (inner)  \
    }
const struct pseudo_entry sysctl_ipv4_conf = CONF(ipv4_inner);
const struct pseudo_entry sysctl_ipv6_conf = CONF(ipv6_inner);
