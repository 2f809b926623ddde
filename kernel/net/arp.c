/* ARP (RFC 826, RFC 1122 2.3.2, RFC 5227 where addresses clash). */
#include "core/clock.h"
#include "core/log.h"
#include "lib/endian.h"
#include "net/neighbour.h"
#include "lib/errno.h"
#include "net/ip_core.h"
#include "net/rculist.h"

enum { REQUEST = 1, REPLY = 2, LENGTH = 28, FRAME_MIN = 60 };

struct arp {
    unsigned operation;
    uint8_t mac[ETH_ALEN];           /* the sender's */
    struct inet_addr sender, target; /* whose mac is asked for or told */
};

/* --- out */

static const uint8_t everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void send(struct netif *netif, unsigned operation, const struct inet_addr *sender,
                 const struct inet_addr *target, const uint8_t *target_mac, const uint8_t *to)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, LENGTH);
    static const uint8_t nobody[ETH_ALEN];
    uint8_t *p;

    if (!packet)
        return;
    p = packet_append(packet, LENGTH);
    put_be16(p, ARPHRD_ETHER);
    put_be16(p + 2, ETH_P_IP);
    p[4] = ETH_ALEN;
    p[5] = 4;
    put_be16(p + 6, (uint16_t)operation);
    memcpy(p + 8, netif->mac, ETH_ALEN);
    put_le32(p + 14, inet_v4_of(sender));
    memcpy(p + 18, target_mac ? target_mac : nobody, ETH_ALEN);
    put_le32(p + 24, inet_v4_of(target));
    packet->network = p;
    packet->protocol = ETH_P_ARP;
    packet->kind = PACKET_OUTGOING;
    neighbour_frame(netif, to, packet);
}

static bool speaks(const struct netif *netif)
{
    unsigned flags = atomic_load(&netif->flags);

    return netif->type == ARPHRD_ETHER && flags & IFF_UP && !(flags & IFF_NOARP);
}

/* What was to be sent may name the sender: if it is us. */
static struct inet_addr solicit_source(struct neighbour *n)
{
    struct inet_addr source = inet_v4(0);
    uint64_t flags = spin_lock_irq(&n->lock);
    const struct packet *packet = n->waiting.first;

    if (packet && packet->protocol == ETH_P_IP && packet->len >= 20)
        source = inet_v4(get_le32(packet->data + 12));
    spin_unlock_irq(&n->lock, flags);
    if (inet_is_any(&source) || route_kind(&source, NULL) != RTN_LOCAL)
        source = ipv4_choose_source(&n->address, n->netif, RT_SCOPE_LINK);
    return source;
}

void arp_solicit(struct neighbour *n)
{
    struct inet_addr source = solicit_source(n);
    uint8_t mac[ETH_ALEN];
    bool probe = n->state == NUD_PROBE;

    if (!speaks(n->netif))
        return;
    memcpy(mac, n->mac, ETH_ALEN);
    send(n->netif, REQUEST, &source, &n->address, NULL, probe ? mac : everybody);
}

/* RFC 5227, 2.3. */
static void announce_one(struct netif *netif, const struct inet_addr *address)
{
    send(netif, REQUEST, address, address, NULL, everybody);
}

void arp_announce(struct netif *netif)
{
    if (!speaks(netif))
        return;
    rculist_for_each_entry(struct netif_address, a, &netif->addresses,
                           link) if (inet_is_v4(&a->address)) announce_one(netif, &a->address);
}

/* --- in */

static bool parse(struct packet *packet, struct arp *arp)
{
    const uint8_t *p;

    if (!packet_pull_up(packet, LENGTH))
        return false;
    p = packet->data;
    if (get_be16(p) != ARPHRD_ETHER || get_be16(p + 2) != ETH_P_IP || p[4] != ETH_ALEN || p[5] != 4)
        return false;
    arp->operation = get_be16(p + 6);
    memcpy(arp->mac, p + 8, ETH_ALEN);
    arp->sender = inet_v4(get_le32(p + 14));
    arp->target = inet_v4(get_le32(p + 24));
    return arp->operation == REQUEST || arp->operation == REPLY;
}

/* Addresses that nobody on a link can have. */
static bool is_nonsense(const struct arp *arp)
{
    const struct inet_addr *s = &arp->sender, *t = &arp->target;

    return arp->mac[0] & 1 || inet_is_multicast(s) || inet_is_limited_broadcast(s) ||
           inet_is_loopback(s) || inet_is_multicast(t) || inet_is_loopback(t);
}

static bool is_ours(const struct inet_addr *a)
{
    return route_kind(a, NULL) == RTN_LOCAL && !inet_is_loopback(a);
}

/* RFC 5227, 2.4: say once in ten seconds whose the address is. */
static void defend(struct netif *netif, const struct arp *arp)
{
    static _Atomic nsec_t last;
    nsec_t now = clock_monotonic(), before = atomic_load(&last);
    char text[INET_TEXT];

    if (before && now - before < 10000000000ll)
        return;
    atomic_store(&last, now);
    inet_text(&arp->sender, text);
    log_warning("net: another machine on %s has our address %s too", netif->name, text);
    announce_one(netif, &arp->sender);
}

static void answer(struct netif *netif, const struct arp *arp)
{
    send(netif, REPLY, &arp->target, &arp->sender, arp->mac, arp->mac);
}

static void process(struct netif *netif, const struct packet *packet, const struct arp *arp)
{
    bool asks_us = arp->operation == REQUEST && is_ours(&arp->target);
    bool told_us = arp->operation == REPLY && packet->kind == PACKET_HOST;

    if (inet_is_any(&arp->sender)) { /* a probe: is the address free? */
        if (asks_us)
            answer(netif, arp);
        return;
    }
    if (is_ours(&arp->sender)) {
        if (memcmp(arp->mac, netif->mac, ETH_ALEN) != 0)
            defend(netif, arp);
        return;
    }
    neighbour_learn(netif, &arp->sender, arp->mac, told_us, true, asks_us);
    if (asks_us)
        answer(netif, arp);
}

void arp_receive(struct packet *packet)
{
    struct netif *netif = packet->netif;
    struct arp arp;

    if (speaks(netif) && parse(packet, &arp) && !is_nonsense(&arp))
        process(netif, packet, &arp);
    packet_free(packet);
}
