/* Routers and what they advertise: solicitations, default routes, prefixes, addresses (RFC 4862),
 * name servers; redirects. All in the thread, under netif_lock. */
#include "net/ipv6_core.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "lib/errno.h"
#include "net/ip_core.h"

enum { NDP_HOPS = 255, PREFIX_BITS = 64, ID_TRIES = 3, METRIC_PREFIX = 256, RTPROT_REDIRECT = 1 };
enum { REDIRECTS_MAX = 256, REDIRECT_SECONDS = 600 };

static nsec_t later(nsec_t now, uint32_t seconds)
{
    return seconds == (uint32_t)NDP_FOREVER ? NSEC_FOREVER : now + seconds * IPV6_SECOND;
}

static uint32_t seconds_left(nsec_t until, nsec_t now)
{
    if (until == NSEC_FOREVER)
        return (uint32_t)NDP_FOREVER;
    return until > now ? (uint32_t)((until - now) / IPV6_SECOND) : 0;
}

/* --- routes that end */

struct meant {
    const struct route *by;
    nsec_t until, now, next;
    unsigned count;
    bool found;
    struct route copy;
};

/* The route that advertisements keep alive is changed in place: senders always find it. */
static bool prolong(const struct route *route, void *arg)
{
    struct meant *meant = arg;
    const struct route *by = meant->by;

    if (route->netif != by->netif || route->prefix != by->prefix ||
        route->protocol != by->protocol || route->metric != by->metric ||
        !inet_equal(&route->destination, &by->destination) ||
        !inet_equal(&route->gateway, &by->gateway))
        return true;
    ((struct route *)route)->valid_until = meant->until;
    meant->found = true;
    return false;
}

/* Have this route until then: a new one, an old one for longer, or (0) no longer. */
static void set_route(const struct route *route, nsec_t until)
{
    struct meant meant = {.by = route, .until = until};

    if (!until) {
        route_remove(route);
        return;
    }
    route_each(prolong, &meant);
    if (!meant.found) {
        struct route copy = *route;

        copy.valid_until = until;
        route_add(&copy);
    }
}

static bool look_for_ended(const struct route *route, void *arg)
{
    struct meant *meant = arg;

    if (route->valid_until == NSEC_FOREVER || inet_is_v4(&route->destination))
        return true;
    if (route->valid_until > meant->now) {
        meant->next = MIN(meant->next, route->valid_until);
        return true;
    }
    meant->copy = *route;
    meant->found = true;
    return false;
}

static nsec_t end_routes(nsec_t now)
{
    for (;;) {
        struct meant meant = {.now = now, .next = NSEC_FOREVER};

        route_each(look_for_ended, &meant);
        if (!meant.found || route_remove(&meant.copy))
            return meant.next;
    }
}

/* --- addresses */

static bool make_id(struct netif *netif, const struct inet_addr *prefix, unsigned attempt,
                    uint8_t id[8])
{
    struct ipv6_netif *state = ipv6_netif(netif);
    const uint8_t *secret;

    switch (state->conf.addr_gen_mode) {
    case IPV6_GEN_EUI64:
        ipv6_eui64(netif->mac, id);
        return attempt == 0;
    case IPV6_GEN_SECRET:
        if (!state->conf.has_secret)
            return false;
        secret = state->conf.stable_secret;
        break;
    case IPV6_GEN_RANDOM:
        secret = state->secret;
        break;
    default:
        return false;
    }
    while (attempt < ID_TRIES + 1u &&
           !ipv6_stable_id(secret, prefix->bytes, netif->mac, attempt, id))
        attempt++;
    return attempt < ID_TRIES + 1u;
}

static uint32_t id_flags(const struct netif *netif)
{
    return ipv6_netif(netif)->conf.addr_gen_mode == IPV6_GEN_EUI64 ? 0 : IFA_F_STABLE_PRIVACY;
}

static void add_link_local(struct netif *netif)
{
    struct netif_address a = {
        .address = {.bytes = {0xfe, 0x80}},
        .prefix = PREFIX_BITS,
        .scope = RT_SCOPE_LINK,
        .flags = IFA_F_PERMANENT | id_flags(netif),
        .valid_until = NSEC_FOREVER,
        .preferred_until = NSEC_FOREVER,
    };

    if (make_id(netif, &a.address, ipv6_netif(netif)->id_attempts, a.address.bytes + 8))
        netif_add_address(netif, &a);
}

void autoconf_up(struct netif *netif)
{
    struct ipv6_netif *state = ipv6_netif(netif);

    state->router_heard = false;
    state->solicited = 0;
    state->solicit_next = NSEC_FOREVER;
    state->id_attempts = 0;
    state->conf.mtu = 0;
    add_link_local(netif);
}

void autoconf_down(struct netif *netif)
{
    struct ipv6_netif *state = ipv6_netif(netif);

    state->dns_changed = state->dns.nservers || state->dns.domains[0];
    state->dns = (struct ipv6_dns){};
    ipv6_thread_kick();
    state->solicit_next = NSEC_FOREVER;
}

void autoconf_unique(struct netif *netif, const struct inet_addr *address)
{
    struct ipv6_netif *state = ipv6_netif(netif);

    if (netif == loopback || !state || !inet_is_link_local(address))
        return;
    state->general_at = 0; /* reports so far had no source: RFC 3590 */
    if (state->conf.accept_ra && state->conf.router_solicitations && !state->router_heard) {
        state->solicited = 0;
        state->solicit_interval = state->conf.router_solicitation_interval * IPV6_SECOND;
        state->solicit_next = 0;
    }
    ipv6_thread_kick();
}

void autoconf_duplicate(struct netif *netif, const struct inet_addr *address)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct netif_address *a = netif_address_find(netif, address);
    struct netif_address other;

    if (!a)
        return;
    if (!(a->flags & IFA_F_STABLE_PRIVACY)) {
        if (a->flags & IFA_F_PERMANENT) { /* shown, and never used */
            a->flags |= IFA_F_DADFAILED;
            netif_address_changed(a);
        } else {
            netif_remove_address(netif, address, a->prefix);
        }
        return;
    }
    /* RFC 7217, 6: another identifier. */
    other = *a;
    netif_remove_address(netif, address, a->prefix);
    other.flags &= ~(uint32_t)(IFA_F_TENTATIVE | IFA_F_DADFAILED);
    if (++state->id_attempts <= ID_TRIES &&
        make_id(netif, &other.address, state->id_attempts, other.address.bytes + 8))
        netif_add_address(netif, &other);
}

static unsigned count_dynamic(struct netif *netif)
{
    unsigned n = 0;

    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        n += !inet_is_v4(&a->address) && !(a->flags & IFA_F_PERMANENT);
    return n;
}

static bool same_prefix(const struct netif_address *a, const struct inet_addr *prefix)
{
    return !inet_is_v4(&a->address) && a->flags & IFA_F_MANAGETEMPADDR &&
           memcmp(a->address.bytes, prefix->bytes, 8) == 0;
}

static void set_lifetimes(struct netif_address *a, uint32_t valid, uint32_t preferred, nsec_t now)
{
    a->valid_until = later(now, valid);
    a->preferred_until = later(now, MIN(preferred, valid));
    if (preferred)
        a->flags &= ~(uint32_t)IFA_F_DEPRECATED;
    else
        a->flags |= IFA_F_DEPRECATED;
}

/* RFC 4862, 5.5.3 d: an address of our own with the prefix. The prefix has its own route. */
static void form_address(struct netif *netif, const struct ndp_prefix *p, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct netif_address a = {
        .address = p->prefix,
        .prefix = PREFIX_BITS,
        .scope = ipv6_scope(&p->prefix) == SCOPE_SITE ? RT_SCOPE_SITE : RT_SCOPE_UNIVERSE,
        .flags = IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | id_flags(netif),
    };
    struct netif_address *added;

    if (!p->valid || (state->conf.max_addresses > 0 &&
                      count_dynamic(netif) >= (unsigned)state->conf.max_addresses))
        return;
    if (!make_id(netif, &p->prefix, state->id_attempts, a.address.bytes + 8))
        return;
    set_lifetimes(&a, p->valid, p->preferred, now);
    if (netif_add_address(netif, &a))
        return;
    added = netif_address_find(netif, &a.address);
    if (added)
        added->flags &= ~(uint32_t)IFA_F_NOPREFIXROUTE; /* the route goes with the address */
}

static void take_autonomous(struct netif *netif, const struct ndp_prefix *p, nsec_t now)
{
    bool known = false;

    if (p->bits != PREFIX_BITS)
        return;
    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        if (same_prefix(a, &p->prefix)) {
            uint32_t valid = ndp_valid_lifetime(seconds_left(a->valid_until, now), p->valid);

            set_lifetimes(a, valid, p->preferred, now);
            netif_address_changed(a);
            known = true;
        }
    if (!known)
        form_address(netif, p, now);
}

static struct inet_addr cut(const struct inet_addr *address, unsigned bits)
{
    struct inet_addr result = *address;

    for (unsigned i = bits; i < 128; i++)
        result.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return result;
}

static void take_prefix(struct netif *netif, const struct ndp_prefix *p, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct route route = {
        .destination = cut(&p->prefix, p->bits),
        .prefix = p->bits,
        .netif = netif,
        .type = RTN_UNICAST,
        .table = RT_TABLE_MAIN,
        .protocol = RTPROT_KERNEL,
        .metric = METRIC_PREFIX,
    };

    if (p->on_link)
        set_route(&route, p->valid ? later(now, p->valid) : 0);
    if (p->autonomous && state->conf.autoconf)
        take_autonomous(netif, p, now);
}

static nsec_t end_addresses(struct netif *netif, nsec_t now)
{
    nsec_t next = NSEC_FOREVER;

    list_for_each_safe (p, n, &netif->addresses) {
        struct netif_address *a = list_entry(p, struct netif_address, link);

        if (inet_is_v4(&a->address))
            continue;
        if (a->valid_until <= now) {
            netif_remove_address(netif, &a->address, a->prefix);
            continue;
        }
        if (a->preferred_until > now) {
            next = MIN(next, a->preferred_until);
        } else if (!(a->flags & IFA_F_DEPRECATED)) {
            a->flags |= IFA_F_DEPRECATED;
            netif_address_changed(a);
        }
        next = MIN(next, a->valid_until);
    }
    return next;
}

/* --- name servers (RFC 8106) */

static bool drop_server(struct ipv6_netif *state, unsigned i)
{
    struct ipv6_dns *dns = &state->dns;

    dns->nservers--;
    memmove(&dns->servers[i], &dns->servers[i + 1], (dns->nservers - i) * sizeof(dns->servers[0]));
    memmove(&state->server_until[i], &state->server_until[i + 1],
            (dns->nservers - i) * sizeof(nsec_t));
    return true;
}

/* True if the list is another now. */
static bool take_server(struct ipv6_netif *state, const struct inet_addr *server, nsec_t until,
                        nsec_t now)
{
    struct ipv6_dns *dns = &state->dns;

    for (unsigned i = 0; i < dns->nservers; i++)
        if (inet_equal(&dns->servers[i], server)) {
            state->server_until[i] = until;
            return until <= now && drop_server(state, i);
        }
    if (until <= now || dns->nservers == ARRAY_SIZE(dns->servers))
        return false;
    state->server_until[dns->nservers] = until;
    dns->servers[dns->nservers++] = *server;
    return true;
}

/* The domains of an advertisement are the whole list. */
static bool take_domains(struct ipv6_netif *state, const struct ndp_ra *ra)
{
    char text[sizeof(state->dns.domains)] = "";
    const char *name = ra->domains;
    size_t len = 0;

    for (unsigned i = 0; i < ra->ndomains; i++, name += strlen(name) + 1)
        if (ra->domain_lifetime[i] && len + strlen(name) + 2 < sizeof(text))
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "", name);
    if (!ra->ndomains || strcmp(text, state->dns.domains) == 0)
        return false;
    memcpy(state->dns.domains, text, sizeof(text));
    return true;
}

static void take_dns(struct netif *netif, const struct ndp_ra *ra, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    bool changed = false;

    for (unsigned i = 0; i < ra->nservers; i++)
        changed |= take_server(state, &ra->servers[i], later(now, ra->server_lifetime[i]), now);
    changed |= take_domains(state, ra);
    state->dns_changed |= changed;
}

static nsec_t end_servers(struct netif *netif, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    nsec_t next = NSEC_FOREVER;
    bool changed = false;

    for (unsigned i = 0; i < state->dns.nservers;)
        if (state->server_until[i] <= now)
            changed = drop_server(state, i);
        else
            next = MIN(next, state->server_until[i++]);
    state->dns_changed |= changed;
    return next;
}

/* --- router advertisements (RFC 4861, 6.3.4) */

static struct route default_route(struct netif *netif, const struct inet_addr *router,
                                  int preference)
{
    int metric = ipv6_netif(netif)->conf.ra_defrtr_metric;

    return (struct route){
        .gateway = *router,
        .netif = netif,
        .type = RTN_UNICAST,
        .table = RT_TABLE_MAIN,
        .protocol = RTPROT_RA,
        .metric = (uint32_t)(metric - preference), /* better ones first */
    };
}

/* No default route by this router, but one of `keep` (2: none). */
static void forget_router(struct netif *netif, const struct inet_addr *router, int keep)
{
    for (int preference = -1; preference <= 1; preference++) {
        struct route route = default_route(netif, router, preference);

        if (preference != keep)
            route_remove(&route);
    }
}

static void take_router(struct netif *netif, const struct inet_addr *source,
                        const struct ndp_ra *ra, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    int preference = state->conf.accept_ra_rtr_pref ? ra->preference : 0;
    struct route route = default_route(netif, source, preference);

    if (!state->conf.accept_ra_defrtr)
        return;
    if (ra->lifetime)
        set_route(&route, now + ra->lifetime * IPV6_SECOND);
    forget_router(netif, source, ra->lifetime ? preference : 2);
}

static void take_parameters(struct netif *netif, const struct ndp_ra *ra)
{
    struct ipv6_conf *conf = &ipv6_netif(netif)->conf;

    if (ra->hop_limit && ra->hop_limit >= conf->accept_ra_min_hop_limit)
        conf->hop_limit = ra->hop_limit;
    if (conf->accept_ra_mtu && ra->mtu >= IPV6_MTU_MIN && ra->mtu <= netif->mtu &&
        (int)ra->mtu != conf->mtu) {
        conf->mtu = (int)ra->mtu;
        atomic_fetch_add(&route_generation, 1);
    }
}

static void take_ra(struct netif *netif, const struct packet *packet,
                    const struct inet_addr *source)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    nsec_t now = clock_monotonic();
    static struct ndp_ra ra; /* netif_lock is held */

    if (!inet_is_link_local(source) || !state->conf.accept_ra ||
        ndp_parse_ra(packet->data, packet->len, &ra) || netif_address_find(NULL, source))
        return;
    state->router_heard = true;
    state->solicit_next = NSEC_FOREVER;
    take_router(netif, source, &ra, now);
    take_parameters(netif, &ra);
    if (ra.mac)
        neighbour_learn(netif, source, ra.mac, false, true, true);
    for (unsigned i = 0; state->conf.accept_ra_pinfo && i < ra.nprefixes; i++)
        take_prefix(netif, &ra.prefixes[i], now);
    take_dns(netif, &ra, now);
}

/* --- redirects (RFC 4861, 8): a route of its own for the destination, for a while */

static bool count_redirects(const struct route *route, void *arg)
{
    struct meant *meant = arg;

    meant->count += route->protocol == RTPROT_REDIRECT;
    return true;
}

static void take_redirect(struct netif *netif, const struct packet *packet,
                          const struct inet_addr *source)
{
    struct ndp_redirect redirect;
    struct meant meant = {};
    const struct route *old;
    struct route route;

    if (!ipv6_netif(netif)->conf.accept_redirects || !inet_is_link_local(source) ||
        ndp_parse_redirect(packet->data, packet->len, &redirect) ||
        inet_is_v4(&redirect.destination))
        return;
    old = route_find(&redirect.destination, netif);
    if (!old || old->netif != netif || !inet_equal(&old->gateway, source))
        return; /* only from the router that is used now */
    route_each(count_redirects, &meant);
    if (meant.count >= REDIRECTS_MAX)
        return;
    route = (struct route){
        .destination = redirect.destination,
        .prefix = 128,
        .netif = netif,
        .type = RTN_UNICAST,
        .table = RT_TABLE_MAIN,
        .protocol = RTPROT_REDIRECT,
    };
    if (!inet_equal(&redirect.target, &redirect.destination))
        route.gateway = redirect.target;
    if (redirect.mac)
        neighbour_learn(netif, &redirect.target, redirect.mac, false, true, true);
    set_route(&route, clock_monotonic() + REDIRECT_SECONDS * IPV6_SECOND);
}

/* --- about tentative addresses, and routers that are none any more */

static void take_ns(struct netif *netif, const struct packet *packet)
{
    struct ndp_neighbour ns;

    if (ndp_parse_ns(packet->data, packet->len, true, true, &ns) == 0)
        dad_conflict(netif, &ns.target, ns.nonce);
}

static void take_na(struct netif *netif, const struct packet *packet)
{
    struct ndp_neighbour na;

    if (ndp_parse_na(packet->data, packet->len, false, &na))
        return;
    if (netif_address_find(netif, &na.target))
        dad_conflict(netif, &na.target, NULL);
    else if (!na.router)
        forget_router(netif, &na.target, 2);
}

void ndp_slow(struct netif *netif, const struct packet *packet, const struct inet_addr *source)
{
    switch (packet->data[0]) {
    case NDP_RA:
        take_ra(netif, packet, source);
        break;
    case NDP_REDIRECT:
        take_redirect(netif, packet, source);
        break;
    case NDP_NS:
        take_ns(netif, packet);
        break;
    case NDP_NA:
        take_na(netif, packet);
        break;
    }
}

/* --- solicitations (RFC 4861, 6.3.7; RFC 7559) */

static void send_rs(struct netif *netif)
{
    struct inet_addr source = ipv6_link_local(netif);
    bool named = !inet_is_any(&source);
    struct packet *packet = icmpv6_message(NDP_RS, named ? 16 : 8);

    if (!packet)
        return;
    if (named) {
        packet->data[8] = ND_SOURCE;
        packet->data[9] = 1;
        memcpy(packet->data + 10, netif->mac, ETH_ALEN);
    }
    icmpv6_send(netif, &source, &ipv6_all_routers, NDP_HOPS, packet);
}

/* A tenth more or less. */
static nsec_t jittered(nsec_t span)
{
    return span - span / 10 + (nsec_t)(random_u64() % (uint64_t)(span / 5 + 1));
}

static nsec_t solicit(struct netif *netif, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    int most = state->conf.router_solicitations;
    nsec_t longest = state->conf.router_solicitation_max_interval * IPV6_SECOND;

    if (state->solicit_next > now)
        return state->solicit_next;
    if (most >= 0 && state->solicited >= (unsigned)most)
        return state->solicit_next = NSEC_FOREVER;
    send_rs(netif);
    state->solicited++;
    state->solicit_next = now + jittered(MAX(state->solicit_interval, IPV6_SECOND / 10));
    state->solicit_interval = MIN(state->solicit_interval * 2, MAX(longest, IPV6_SECOND));
    return state->solicit_next;
}

nsec_t autoconf_run(struct netif *netif, nsec_t now)
{
    nsec_t next = solicit(netif, now), at;

    at = end_addresses(netif, now);
    next = MIN(next, at);
    at = end_routes(now);
    next = MIN(next, at);
    at = end_servers(netif, now);
    return MIN(next, at);
}
