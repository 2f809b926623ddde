#include "net/config.h"

#include "core/boot.h"
#include "core/log.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/dhcp.h"
#include "net/ipv6.h"
#include "net/route.h"

/* --- settings
 * -----------------------------------------------------------------------------------------------
 */

enum { INTERFACES_MAX = 16 };

static struct mutex settings_lock;
static struct net_settings settings_of[INTERFACES_MAX];
static struct netif *settings_netif[INTERFACES_MAX];
static bool settings_six[INTERFACES_MAX]; /* from router advertisements */
static unsigned nsettings;
static char hostname[IP_PARAM_NAME + 1];

void (*net_hostname_hook)(const char *name);

void net_hostname_set(const char *name)
{
    if (name[0] && net_hostname_hook && !boot_param("hostname"))
        net_hostname_hook(name);
}

const char *net_hostname(void)
{
    const char *word = boot_param("hostname");

    return word ? word : hostname;
}

/* Would /etc/resolv.conf look different? */
static bool same_names(const struct net_settings *a, const struct net_settings *b)
{
    if (a->ndns != b->ndns || strcmp(a->domain, b->domain) || strcmp(a->search, b->search))
        return false;
    for (unsigned i = 0; i < a->ndns; i++)
        if (!inet_equal(&a->dns[i], &b->dns[i]))
            return false;
    return true;
}

static void store_settings(unsigned at, struct netif *netif, bool six,
                           const struct net_settings *settings)
{
    if (settings) {
        settings_of[at] = *settings;
        settings_netif[at] = netif;
        settings_six[at] = six;
        nsettings = MAX(nsettings, at + 1);
    } else if (at < nsettings) {
        nsettings--;
        memmove(&settings_of[at], &settings_of[at + 1], (nsettings - at) * sizeof(settings_of[0]));
        memmove(&settings_netif[at], &settings_netif[at + 1],
                (nsettings - at) * sizeof(settings_netif[0]));
        memmove(&settings_six[at], &settings_six[at + 1],
                (nsettings - at) * sizeof(settings_six[0]));
    }
}

static void take_settings(struct netif *netif, bool six, const struct net_settings *settings)
{
    static const struct net_settings none;
    unsigned at = 0;

    mutex_lock(&settings_lock);
    while (at < nsettings && (settings_netif[at] != netif || settings_six[at] != six))
        at++;
    if (at < INTERFACES_MAX) {
        const struct net_settings *old = at < nsettings ? &settings_of[at] : &none;
        bool same = same_names(old, settings ? settings : &none);
        store_settings(at, netif, six, settings);
        if (!same)
            resolv_write(settings_of, nsettings);
    }
    mutex_unlock(&settings_lock);
}

void net_settings_set(struct netif *netif, const struct net_settings *settings)
{
    take_settings(netif, false, settings);
}

/* What routers say, beside what DHCP or a word says. */
static void take_dns6(struct netif *netif, const struct ipv6_dns *dns)
{
    struct net_settings settings = {.dhcp = true};

    settings.ndns = MIN(dns->nservers, (unsigned)SETTINGS_SERVERS);
    memcpy(settings.dns, dns->servers, settings.ndns * sizeof(settings.dns[0]));
    strlcpy(settings.search, dns->domains, sizeof(settings.search));
    take_settings(netif, true, settings.ndns || settings.search[0] ? &settings : NULL);
}

bool net_settings_get(unsigned n, struct net_settings *settings)
{
    mutex_lock(&settings_lock);
    bool found = n < nsettings;
    if (found)
        *settings = settings_of[n];
    mutex_unlock(&settings_lock);
    return found;
}

/* --- what the words say
 * ------------------------------------------------------------------------------------- */

/* One interface and the words for it. */
struct plan {
    struct netif *netif;
    bool has4, has6;
    struct ip_param four, six;
};

static bool is_wired(const struct netif *netif)
{
    return netif->type == ARPHRD_ETHER;
}

/* The interface that a word is for: NULL, and said why. v6: of ip6=. */
static struct plan *plan_for(struct plan *plans, unsigned n, const struct ip_param *param, bool v6)
{
    for (unsigned i = 0; i < n; i++) {
        bool has = v6 ? plans[i].has6 : plans[i].has4;
        if (param->device[0] ? !strcmp(plans[i].netif->name, param->device) : !has)
            return &plans[i];
    }
    log_err("net: %s: there is no %s%s",
            v6 ? "ip6=" : "ip=", param->device[0] ? "interface " : "interface left", param->device);
    return NULL;
}

static void plan_word(struct plan *plans, unsigned n, const char *word, bool v6)
{
    struct ip_param param;
    unsigned field;
    int err = v6 ? ip6_param_parse(word, &param, &field) : ip_param_parse(word, &param, &field);

    if (err) {
        log_err("net: %s%s: field %u is not understood", v6 ? "ip6=" : "ip=", word, field);
        return;
    }
    if (param.hostname[0])
        strlcpy(hostname, param.hostname, sizeof(hostname));
    if (param.all)
        return;
    struct plan *plan = plan_for(plans, n, &param, v6);
    if (!plan)
        return;
    *(v6 ? &plan->six : &plan->four) = param;
    *(v6 ? &plan->has6 : &plan->has4) = true;
}

/* What holds for interfaces without a word of their own: DHCP, or the last word for all. */
static struct ip_param default_param(void)
{
    struct ip_param param, last = {.mode = IP_MODE_DHCP};
    unsigned field;
    const char *word;

    for (unsigned i = 0; (word = boot_param_nth("ip", i)); i++)
        if (!ip_param_parse(word, &param, &field) && param.all)
            last = param;
    return last;
}

/* The words that name their interface, or those that do not. */
static void plan_words(struct plan *plans, unsigned n, bool v6, bool named)
{
    struct ip_param param;
    unsigned field;
    const char *word;

    for (unsigned i = 0; (word = boot_param_nth(v6 ? "ip6" : "ip", i)); i++) {
        int err = v6 ? ip6_param_parse(word, &param, &field) : ip_param_parse(word, &param, &field);
        if ((!err && param.device[0]) == named)
            plan_word(plans, n, word, v6);
    }
}

/* --- doing it
 * -----------------------------------------------------------------------------------------------
 */

static int add_default_route(struct netif *netif, const struct inet_addr *gateway)
{
    struct route route = {.gateway = *gateway,
                          .netif = netif,
                          .type = RTN_UNICAST,
                          .table = RT_TABLE_MAIN,
                          .protocol = RTPROT_BOOT,
                          .scope = RT_SCOPE_UNIVERSE,
                          .metric = inet_is_v4(gateway) ? 0 : 1024,
                          .valid_until = NSEC_FOREVER};
    if (inet_is_v4(gateway))
        route.destination = inet_v4(0);
    return route_add(&route);
}

static void say(struct netif *netif, const char *what, const struct inet_addr *a, int err)
{
    char text[INET_TEXT];

    inet_text(a, text);
    log_err("%s: %s %s cannot be set (error %d)", netif->name, what, text, -err);
}

static void set_static(struct netif *netif, const struct ip_param *param)
{
    struct netif_address address = {.netif = netif,
                                    .address = param->client,
                                    .peer = param->client,
                                    .prefix = param->prefix,
                                    .scope = RT_SCOPE_UNIVERSE,
                                    .valid_until = NSEC_FOREVER,
                                    .preferred_until = NSEC_FOREVER};
    bool v4 = inet_is_v4(&param->client);

    if (v4 && param->prefix < 31)
        address.broadcast = inet_v4(inet_v4_of(&param->client) | ~ip_mask_of_prefix(param->prefix));
    if (v4)
        strlcpy(address.label, netif->name, sizeof(address.label));
    int err = netif_add_address(netif, &address);
    if (err)
        say(netif, "the address", &param->client, err);
    if (!err && ip_param_has(&param->gateway)) {
        err = add_default_route(netif, &param->gateway);
        if (err)
            say(netif, "the gateway", &param->gateway, err);
    }
}

static void set_static_settings(struct netif *netif, const struct ip_param *param)
{
    struct net_settings settings = {.server = param->server};

    for (unsigned i = 0; i < ARRAY_SIZE(param->dns); i++)
        if (ip_param_has(&param->dns[i]))
            settings.dns[settings.ndns++] = param->dns[i];
    if (ip_param_has(&param->ntp))
        settings.ntp[settings.nntp++] = param->ntp;
    net_settings_set(netif, &settings);
}

/* nameserver= and domain= belong to no interface, and come first. */
static void set_given(void)
{
    struct net_settings settings = {};
    const char *domain = boot_param("domain"), *word;
    struct inet_addr server;

    for (unsigned i = 0; (word = boot_param_nth("nameserver", i)); i++) {
        if (inet_parse(word, &server))
            log_err("net: nameserver=%s is no address", word);
        else if (settings.ndns < SETTINGS_SERVERS)
            settings.dns[settings.ndns++] = server;
    }
    if (domain)
        strlcpy(settings.domain, domain, sizeof(settings.domain));
    if (domain || settings.ndns)
        net_settings_set(NULL, &settings);
}

/* True if a lease is worth waiting for. */
static bool carry_out(struct plan *plan)
{
    struct netif *netif = plan->netif;
    bool off6 = !plan->has6 || plan->six.mode == IP_MODE_OFF;

    if (plan->four.mode == IP_MODE_OFF && off6)
        return false;
    int err = netif_set_flags(netif, IFF_UP, IFF_UP);
    if (err) {
        log_err("%s: cannot be brought up (error %d)", netif->name, -err);
        return false;
    }
    if (plan->four.mode == IP_MODE_STATIC) {
        set_static(netif, &plan->four);
        set_static_settings(netif, &plan->four);
    }
    if (!off6)
        set_static(netif, &plan->six);
    return plan->four.mode == IP_MODE_DHCP && dhcp_start(netif) == 0;
}

static unsigned list_interfaces(struct plan *plans)
{
    unsigned n = 0;

    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
        if (is_wired(netif) && n < INTERFACES_MAX)
            plans[n++] = (struct plan){.netif = netif};
    return n;
}

static void configure(struct plan *plans, unsigned n)
{
    struct ip_param fallback = default_param();
    unsigned leases = 0;

    for (unsigned named = 2; named-- > 0;) { /* the others get what is left */
        plan_words(plans, n, false, named);
        plan_words(plans, n, true, named);
    }
    set_given();
    net_hostname_set(hostname);
    for (unsigned i = 0; i < n; i++) {
        if (!plans[i].has4)
            plans[i].four = fallback;
        leases += carry_out(&plans[i]);
    }
    if (leases)
        dhcp_wait();
}

static int start(void)
{
    struct plan *plans = NULL;
    static const char *const words[] = {"ip", "ip6", "nameserver", "domain"};

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        boot_param(words[i]); /* known, even where there is no interface */
    if (!netif_first() || !netif_next(netif_first()))
        return 0;
    plans = kcalloc(INTERFACES_MAX, sizeof(*plans));
    if (!plans)
        return -ENOMEM;
    ipv6_dns_hook = take_dns6;
    unsigned n = list_interfaces(plans);
    if (n)
        configure(plans, n);
    kfree(plans);
    return 0;
}
BOOT_STEP(PHASE_PROGRAM, "network", start);
