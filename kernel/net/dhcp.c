#include "net/dhcp.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "core/waitqueue.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/config.h"
#include "net/dhcp_client.h"
#include "net/ip.h"

enum { INBOX_MAX = 16, FRAME_MAX = 1600, FRAME_LEAST = 60, MTU_LEAST = 576, METRIC_STEP = 100 };

struct dhcp {
    struct dhcp_client client; /* the thread's */
    struct netif *netif;
    struct dhcp *next; /* all of them; never freed */
    struct netif_tap tap;
    bool tapped, settled; /* settled: it need not be waited for any more */
    bool was_up;          /* the link, when it was told last */
    atomic_bool relink;   /* it has come back */
    struct spinlock lock; /* inbox */
    struct packet_queue inbox;
    struct waitqueue work;
    /* What was set up. */
    struct netif_address address;
    struct route routes[DHCP_ROUTES];
    unsigned nroutes;
};

static struct dhcp *all;
static struct waitqueue settled;

static struct dhcp *dhcp_of(struct dhcp_client *client)
{
    return container_of(client, struct dhcp, client);
}

/* --- sending
 * ---------------------------------------------------------------------------------------------------
 */

static void send_frame(struct dhcp *dhcp, struct packet *packet)
{
    packet->link = packet->data;
    packet->netif = dhcp->netif;
    packet->kind = PACKET_OUTGOING;
    netif_transmit(dhcp->netif, packet);
}

static void broadcast(struct dhcp *dhcp, uint32_t source, uint32_t destination, const uint8_t *data,
                      size_t len)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, DHCP_FRAME_HEAD + DHCP_MESSAGE_MAX);

    if (!packet)
        return;
    size_t n = dhcp_frame_build(dhcp->netif->mac, source, destination, data, len, packet->data);
    packet_append(packet, (unsigned)n);
    packet->protocol = ETH_P_IP;
    send_frame(dhcp, packet);
}

/* From the address that it has, the usual way. */
static void unicast(uint32_t source, uint32_t destination, const uint8_t *data, size_t len,
                    struct netif *netif)
{
    struct ip_flow flow = {.source = inet_v4(source),
                           .destination = inet_v4(destination),
                           .protocol = IPPROTO_UDP,
                           .bound = netif};
    struct packet *packet = packet_alloc(PACKET_HEADROOM, 8 + DHCP_MESSAGE_MAX);

    if (!packet)
        return;
    uint8_t *udp = packet_append(packet, (unsigned)(8 + len));
    put_be16(udp, DHCP_CLIENT_PORT);
    put_be16(udp + 2, DHCP_SERVER_PORT);
    put_be16(udp + 4, (uint16_t)(8 + len));
    put_be16(udp + 6, 0); /* no checksum (RFC 768) */
    memcpy(udp + 8, data, len);
    if (ip_route(&flow))
        packet_free(packet);
    else
        ip_output(&flow, packet);
}

static void on_send(struct dhcp_client *client, uint32_t source, uint32_t destination,
                    const uint8_t *data, size_t len)
{
    struct dhcp *dhcp = dhcp_of(client);

    if (destination == 0xffffffff)
        broadcast(dhcp, source, destination, data, len);
    else
        unicast(source, destination, data, len, dhcp->netif);
}

static void on_probe(struct dhcp_client *client, uint32_t address)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, FRAME_LEAST);

    if (!packet)
        return;
    memset(packet_append(packet, FRAME_LEAST), 0, FRAME_LEAST);
    arp_probe_build(client->mac, address, packet->data);
    packet->protocol = ETH_P_ARP;
    send_frame(dhcp_of(client), packet);
}

static uint32_t on_random(struct dhcp_client *client)
{
    return (uint32_t)random_u64();
}

/* --- what a lease gives
 * ------------------------------------------------------------------------------------- */

static void set_address(struct dhcp *dhcp, const struct dhcp_message *m)
{
    unsigned prefix = m->mask && ip_prefix_of_mask(m->mask) >= 0
                          ? (unsigned)ip_prefix_of_mask(m->mask)
                          : ip_class_prefix(m->yours);
    struct netif_address *a = &dhcp->address;

    *a = (struct netif_address){.netif = dhcp->netif,
                                .address = inet_v4(m->yours),
                                .peer = inet_v4(m->yours),
                                .prefix = prefix,
                                .scope = RT_SCOPE_UNIVERSE,
                                .valid_until = dhcp->client.expires_at,
                                .preferred_until = dhcp->client.expires_at};
    if (m->broadcast || prefix < 31)
        a->broadcast = inet_v4(m->broadcast ?: m->yours | ~ip_mask_of_prefix(prefix));
    strlcpy(a->label, dhcp->netif->name, sizeof(a->label));
    int err = netif_add_address(dhcp->netif, a);
    if (err && err != -EEXIST)
        log_err("%s: the address cannot be set (error %d)", dhcp->netif->name, -err);
}

/* A longer lease of the address that is there. */
static void prolong_address(struct dhcp *dhcp)
{
    mutex_lock(&netif_lock);
    rcu_read_lock();
    struct netif_address *a = netif_address_find(dhcp->netif, &dhcp->address.address);
    if (a)
        a->valid_until = a->preferred_until = dhcp->client.expires_at;
    rcu_read_unlock();
    mutex_unlock(&netif_lock);
}

static void add_route(struct dhcp *dhcp, const struct dhcp_route *told)
{
    struct route *route = &dhcp->routes[dhcp->nroutes];
    unsigned before = dhcp->netif->index - loopback->index - 1;

    *route = (struct route){.destination = inet_v4(told->destination),
                            .source = dhcp->address.address,
                            .prefix = told->prefix,
                            .netif = dhcp->netif,
                            .type = RTN_UNICAST,
                            .table = RT_TABLE_MAIN,
                            .protocol = RTPROT_DHCP,
                            .scope = told->gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                            .metric = before * METRIC_STEP,
                            .valid_until = NSEC_FOREVER};
    if (told->gateway)
        route->gateway = inet_v4(told->gateway);
    int err = route_add(route);
    if (!err)
        dhcp->nroutes++;
    else if (err != -EEXIST)
        log_warning("%s: a route of the lease cannot be set (error %d)", dhcp->netif->name, -err);
}

static void remove_routes(struct dhcp *dhcp)
{
    while (dhcp->nroutes)
        route_remove(&dhcp->routes[--dhcp->nroutes]);
}

/* Those on the link first: gateways may be reached through them. */
static void set_routes(struct dhcp *dhcp, const struct dhcp_message *m)
{
    remove_routes(dhcp);
    for (unsigned linked = 2; linked-- > 0;)
        for (unsigned i = 0; i < m->nroutes; i++)
            if (!m->routes[i].gateway == (bool)linked)
                add_route(dhcp, &m->routes[i]);
}

static void set_mtu(struct dhcp *dhcp, unsigned mtu)
{
    if (!mtu || mtu == dhcp->netif->mtu)
        return;
    int err = mtu < MTU_LEAST ? -EINVAL : netif_set_mtu(dhcp->netif, mtu);
    if (err)
        log_warning("%s: the MTU of the lease, %u, cannot be set (error %d)", dhcp->netif->name,
                    mtu, -err);
}

static void set_settings(struct dhcp *dhcp, const struct dhcp_message *m)
{
    struct net_settings s = {.dhcp = true, .server = inet_v4(m->next_server ?: m->server)};

    for (; s.ndns < m->ndns && s.ndns < SETTINGS_SERVERS; s.ndns++)
        s.dns[s.ndns] = inet_v4(m->dns[s.ndns]);
    for (; s.nntp < m->nntp && s.nntp < SETTINGS_SERVERS; s.nntp++)
        s.ntp[s.nntp] = inet_v4(m->ntp[s.nntp]);
    strlcpy(s.domain, m->domain, sizeof(s.domain));
    strlcpy(s.search, m->search, sizeof(s.search));
    net_settings_set(dhcp->netif, &s);
}

static void settle(struct dhcp *dhcp)
{
    dhcp->settled = true;
    wake_all(&settled);
}

static void say_lease(const struct dhcp *dhcp, const struct dhcp_message *m)
{
    char address[INET_TEXT], server[INET_TEXT];
    struct inet_addr a = inet_v4(m->server);

    inet_text(&dhcp->address.address, address);
    inet_text(&a, server);
    if (m->lease == UINT32_MAX)
        log_info("%s: %s/%u by DHCP from %s for ever", dhcp->netif->name, address,
                 dhcp->address.prefix, server);
    else
        log_info("%s: %s/%u by DHCP from %s for %u s", dhcp->netif->name, address,
                 dhcp->address.prefix, server, m->lease);
}

static void on_bound(struct dhcp_client *client)
{
    struct dhcp *dhcp = dhcp_of(client);
    const struct dhcp_message *m = &client->lease;
    struct inet_addr address = inet_v4(m->yours);

    if (inet_equal(&dhcp->address.address, &address)) {
        prolong_address(dhcp);
    } else {
        set_address(dhcp, m);
        say_lease(dhcp, m);
        net_hostname_set(m->hostname);
    }
    set_mtu(dhcp, m->mtu);
    set_routes(dhcp, m);
    set_settings(dhcp, m);
    settle(dhcp);
}

static void on_lost(struct dhcp_client *client, const char *why)
{
    struct dhcp *dhcp = dhcp_of(client);
    char address[INET_TEXT];

    inet_text(&dhcp->address.address, address);
    log_warning("%s: %s is given up: %s", dhcp->netif->name, address, why);
    remove_routes(dhcp);
    netif_remove_address(dhcp->netif, &dhcp->address.address, dhcp->address.prefix);
    net_settings_set(dhcp->netif, NULL);
    dhcp->address = (struct netif_address){};
}

static const struct dhcp_ops ops = {on_send, on_probe, on_bound, on_lost, on_random};

/* --- receiving
 * -------------------------------------------------------------------------------------------------
 */

/* ARP, or UDP that is not obviously for others: from the link header on. */
static bool may_matter(const struct packet *packet)
{
    uint8_t head[24];

    if (!packet_read(packet, 0, head, sizeof(head)))
        return false;
    unsigned type = get_be16(head + 12);
    return type == ETH_P_ARP || (type == ETH_P_IP && head[23] == IPPROTO_UDP);
}

static void seen(struct netif_tap *tap, const struct packet *packet, bool outgoing)
{
    struct dhcp *dhcp = container_of(tap, struct dhcp, tap);

    if (outgoing || !may_matter(packet))
        return;
    struct packet *copy = dhcp->inbox.n < INBOX_MAX ? packet_copy(packet, 0) : NULL;
    if (!copy)
        return;
    copy->checksum = packet->checksum;
    uint64_t flags = spin_lock_irq(&dhcp->lock);
    packet_enqueue(&dhcp->inbox, copy);
    spin_unlock_irq(&dhcp->lock, flags);
    wake_all(&dhcp->work);
}

static struct packet *next_frame(struct dhcp *dhcp)
{
    uint64_t flags = spin_lock_irq(&dhcp->lock);
    struct packet *packet = packet_dequeue(&dhcp->inbox);

    spin_unlock_irq(&dhcp->lock, flags);
    return packet;
}

static void handle_frame(struct dhcp *dhcp, const struct packet *packet)
{
    struct dhcp_client *client = &dhcp->client;
    nsec_t now = clock_monotonic();
    uint32_t watched = dhcp_client_watched(client, now);
    const uint8_t *data;
    size_t len;

    if (watched && arp_shows_conflict(packet->data, packet->len, client->mac, watched))
        dhcp_client_conflict(client, now);
    else if (!dhcp_frame_parse(packet->data, packet->len, packet->checksum != CHECKSUM_NONE, &data,
                               &len))
        dhcp_client_input(client, now, data, len);
}

/* --- the thread
 * -------------------------------------------------------------------------------------------------
 */

/* When there is something to do, with nothing coming in: also when it may stop listening. */
static nsec_t next_deadline(const struct dhcp *dhcp)
{
    const struct dhcp_client *c = &dhcp->client;
    nsec_t now = clock_monotonic(), deadline = c->deadline;

    if (dhcp->tapped && c->state == DHCP_BOUND && c->watch_until > now)
        deadline = MIN(deadline, c->watch_until);
    if (dhcp->tapped && (c->state == DHCP_RENEWING || c->state == DHCP_REBINDING) &&
        c->listen_until > now)
        deadline = MIN(deadline, c->listen_until);
    return deadline;
}

/* Listen before a question is sent, or its answer may be missed. */
static void tap(struct dhcp *dhcp)
{
    if (!dhcp->tapped)
        netif_tap_add(&dhcp->tap);
    dhcp->tapped = true;
}

static void untap(struct dhcp *dhcp)
{
    struct packet *packet;

    if (dhcp->tapped)
        netif_tap_remove(&dhcp->tap);
    dhcp->tapped = false;
    while ((packet = next_frame(dhcp)))
        packet_free(packet);
}

static void turn(struct dhcp *dhcp)
{
    struct packet *packet;

    if (atomic_exchange(&dhcp->relink, false)) {
        tap(dhcp);
        dhcp_client_relink(&dhcp->client, clock_monotonic());
    }
    while ((packet = next_frame(dhcp))) {
        handle_frame(dhcp, packet);
        packet_free(packet);
    }
    if (clock_monotonic() >= dhcp->client.deadline) {
        tap(dhcp);
        dhcp_client_timeout(&dhcp->client, clock_monotonic());
    }
    if (!dhcp_client_listens(&dhcp->client, clock_monotonic()))
        untap(dhcp);
}

static void run(void *arg)
{
    struct dhcp *dhcp = arg;

    for (;;) {
        turn(dhcp);
        WAIT_EVENT(&dhcp->work, dhcp->inbox.n || dhcp->relink, 0, next_deadline(dhcp));
    }
}

static void link_changed(struct netif *netif, enum netif_event event, struct netif_address *address)
{
    bool up = netif->flags & IFF_RUNNING;

    for (struct dhcp *dhcp = all; event == NETIF_CHANGED && dhcp; dhcp = dhcp->next) {
        if (dhcp->netif != netif)
            continue;
        if (up && !dhcp->was_up) {
            atomic_store(&dhcp->relink, true);
            wake_all(&dhcp->work);
        }
        dhcp->was_up = up;
    }
}

int dhcp_start(struct netif *netif)
{
    static struct netif_watcher watcher = {.changed = link_changed};
    struct dhcp *dhcp = kzalloc(sizeof(*dhcp));

    if (!dhcp)
        return -ENOMEM;
    if (!all) {
        waitqueue_init(&settled);
        netif_watch(&watcher);
    }
    dhcp->netif = netif;
    dhcp->was_up = netif->flags & IFF_RUNNING;
    dhcp->tap.netif = netif;
    dhcp->tap.seen = seen;
    waitqueue_init(&dhcp->work);
    dhcp->client.ops = &ops;
    memcpy(dhcp->client.mac, netif->mac, sizeof(dhcp->client.mac));
    strlcpy(dhcp->client.hostname, net_hostname(), sizeof(dhcp->client.hostname));
    dhcp_client_init(&dhcp->client, clock_monotonic());
    if (!kthread_start("dhcp", run, dhcp)) {
        kfree(dhcp);
        return -ENOMEM;
    }
    dhcp->next = all;
    all = dhcp;
    return 0;
}

/* --- the wait at boot
 * ------------------------------------------------------------------------------------------- */

/* All that may still be had in time. */
static bool all_settled(bool linked_only)
{
    for (struct dhcp *dhcp = all; dhcp; dhcp = dhcp->next)
        if (!dhcp->settled && (!linked_only || dhcp->netif->flags & IFF_RUNNING))
            return false;
    return true;
}

static void say_missing(const char *what)
{
    for (struct dhcp *dhcp = all; dhcp; dhcp = dhcp->next)
        if (!dhcp->settled)
            log_warning("%s: %s%s", dhcp->netif->name,
                        dhcp->netif->flags & IFF_RUNNING ? "no answer from a DHCP server yet"
                                                         : "there is no link",
                        what);
}

void dhcp_wait(void)
{
    nsec_t start = clock_monotonic();

    if (!WAIT_EVENT(&settled, all_settled(false), 0, start + DHCP_SAY_AFTER * DHCP_SECOND))
        return;
    if (!all_settled(true))
        say_missing(": the program waits for it");
    WAIT_EVENT(&settled, all_settled(true), 0, start + DHCP_BOOT_WAIT * DHCP_SECOND);
    say_missing(": going on without");
}
