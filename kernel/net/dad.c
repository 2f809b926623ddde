/* Detection of duplicate addresses: RFC 4862, 5.4, with RFC 7527's nonces. */
#include "net/ipv6_core.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "mm/heap.h"

static struct ipv6_dad *find(struct ipv6_netif *state, const struct inet_addr *address)
{
    list_for_each_entry (struct ipv6_dad, dad, &state->dads, link)
        if (inet_equal(&dad->address, address))
            return dad;
    return NULL;
}

static bool is_exempt(const struct netif *netif, const struct netif_address *address)
{
    const struct ipv6_conf *conf = ipv6_conf((struct netif *)netif);

    return netif == loopback || address->flags & IFA_F_NODAD || conf->accept_dad < 1 ||
           conf->dad_transmits < 1 || atomic_load(&netif->flags) & IFF_NOARP;
}

void dad_begin(struct netif *netif, struct netif_address *address)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct ipv6_dad *dad;
    unsigned delay;

    if (!state || is_exempt(netif, address) || !(dad = kzalloc(sizeof(*dad)))) {
        address->flags &= ~(uint32_t)IFA_F_TENTATIVE;
        autoconf_unique(netif, &address->address);
        return;
    }
    address->flags |= IFA_F_TENTATIVE;
    delay = state->conf.router_solicitation_delay > 0
                ? (unsigned)state->conf.router_solicitation_delay
                : 1;
    dad->address = address->address;
    dad->left = (unsigned)state->conf.dad_transmits;
    dad->next = clock_monotonic() + (nsec_t)(random_u64() % (delay * (uint64_t)IPV6_SECOND));
    random_bytes(dad->nonce, sizeof(dad->nonce));
    list_add_tail(&state->dads, &dad->link);
    ipv6_thread_kick();
}

static void end(struct ipv6_dad *dad)
{
    list_del(&dad->link);
    kfree(dad);
}

void dad_cancel(struct netif *netif, const struct inet_addr *address)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct ipv6_dad *dad = state ? find(state, address) : NULL;

    if (dad)
        end(dad);
}

void dad_conflict(struct netif *netif, const struct inet_addr *address, const uint8_t *nonce)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct ipv6_dad *dad = state ? find(state, address) : NULL;
    char text[INET_TEXT];

    if (!dad)
        return;
    if (nonce && memcmp(nonce, dad->nonce, sizeof(dad->nonce)) == 0)
        return;
    end(dad);
    inet_text(address, text);
    log_warning("%s: IPv6 duplicate address %s detected\n", netif->name, text);
    autoconf_duplicate(netif, address);
}

static void finished(struct netif *netif, struct ipv6_dad *dad)
{
    struct inet_addr address = dad->address;
    struct netif_address *a = netif_address_find(netif, &address);

    end(dad);
    if (!a)
        return;
    a->flags &= ~(uint32_t)IFA_F_TENTATIVE;
    atomic_fetch_add(&route_generation, 1);
    netif_address_changed(a);
    autoconf_unique(netif, &address);
}

static void solicit(struct netif *netif, struct ipv6_dad *dad, nsec_t now)
{
    struct inet_addr group = ipv6_solicited_node(&dad->address);
    const uint8_t *nonce = ipv6_conf(netif)->enhanced_dad ? dad->nonce : NULL;

    dad->left--;
    dad->next = now + IPV6_SECOND; /* RetransTimer */
    ndp_send_ns(netif, &dad->address, &ipv6_any, &group, nonce);
}

nsec_t dad_run(struct netif *netif, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    nsec_t next = NSEC_FOREVER;

    list_for_each_safe (p, n, &state->dads) {
        struct ipv6_dad *dad = list_entry(p, struct ipv6_dad, link);

        if (dad->next <= now && dad->left == 0) {
            finished(netif, dad);
            continue;
        }
        if (dad->next <= now)
            solicit(netif, dad, now);
        next = MIN(next, dad->next);
    }
    return next;
}
