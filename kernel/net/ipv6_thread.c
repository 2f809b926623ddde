/* IPv6's slow side: the sysctls, what happens when interfaces and addresses come and go, and the
 * thread that does it. */
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "core/thread.h"
#include "core/waitqueue.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/ipv6_core.h"

enum { QUEUE_MAX = 128 }; /* messages that wait for the thread */

static struct ipv6_conf default_conf = {
    .accept_ra = 1,
    .autoconf = 1,
    .accept_ra_defrtr = 1,
    .accept_ra_pinfo = 1,
    .accept_ra_mtu = 1,
    .accept_ra_rtr_pref = 1,
    .accept_ra_min_hop_limit = 1,
    .ra_defrtr_metric = 1024,
    .accept_redirects = 1,
    .accept_dad = 1,
    .enhanced_dad = 1,
    .dad_transmits = 1,
    .router_solicitations = -1,
    .router_solicitation_delay = 1,
    .router_solicitation_interval = 4,
    .router_solicitation_max_interval = 3600,
    .hop_limit = 64,
    .max_addresses = 16,
};
static struct ipv6_conf lo_conf = {
    .accept_ra = 1,
    .autoconf = 1,
    .accept_dad = -1,
    .dad_transmits = 1,
    .router_solicitations = -1,
    .hop_limit = 64,
    .max_addresses = 16,
};
void (*ipv6_dns_hook)(struct netif *netif, const struct ipv6_dns *dns);

struct ipv6_conf *ipv6_conf(struct netif *netif)
{
    struct ipv6_netif *state;

    if (netif == loopback)
        return &lo_conf;
    state = netif ? ipv6_netif(netif) : NULL;
    return state ? &state->conf : &default_conf;
}

/* --- the thread */

static struct spinlock queue_lock;
static struct packet_queue queue;
static atomic_bool kicked, started;
static struct waitqueue wake;

void ipv6_thread_kick(void)
{
    if (!atomic_load(&started))
        return;
    atomic_store(&kicked, true);
    wake_all(&wake);
}

void ipv6_thread_post(struct packet *packet)
{
    uint64_t flags = spin_lock_irq(&queue_lock);
    bool room = queue.n < QUEUE_MAX && atomic_load(&started);

    if (room)
        packet_enqueue(&queue, packet);
    spin_unlock_irq(&queue_lock, flags);
    if (room)
        ipv6_thread_kick();
    else
        packet_free(packet);
}

static struct packet *next_packet(void)
{
    uint64_t flags = spin_lock_irq(&queue_lock);
    struct packet *packet = packet_dequeue(&queue);

    spin_unlock_irq(&queue_lock, flags);
    return packet;
}

static void work_off_packets(void)
{
    struct packet *packet;

    while ((packet = next_packet())) {
        struct netif *netif = packet->netif;
        struct inet_addr source;

        memcpy(source.bytes, packet->scratch, 16);
        if (ipv6_netif(netif) && ipv6_netif(netif)->up && packet_pull_up(packet, packet->total)) {
            if (packet->data[0] >= NDP_RS && packet->data[0] <= NDP_REDIRECT)
                ndp_slow(netif, packet, &source);
            else
                mld_slow(netif, packet, &source);
        }
        packet_free(packet);
    }
}

static nsec_t work_off_timers(void)
{
    nsec_t next = NSEC_FOREVER, now = clock_monotonic();

    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif)) {
        nsec_t at;

        if (!ipv6_netif(netif) || !ipv6_netif(netif)->up)
            continue;
        at = dad_run(netif, now);
        next = MIN(next, at);
        at = autoconf_run(netif, now);
        next = MIN(next, at);
        at = mld_run(netif, now);
        next = MIN(next, at);
    }
    return next;
}

/* Files are written by this: without netif_lock. */
static void tell_dns(void)
{
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif)) {
        struct ipv6_netif *state = ipv6_netif(netif);
        struct ipv6_dns dns;
        bool changed;

        if (!state)
            continue;
        mutex_lock(&netif_lock);
        changed = state->dns_changed;
        state->dns_changed = false;
        dns = state->dns;
        mutex_unlock(&netif_lock);
        if (changed && ipv6_dns_hook)
            ipv6_dns_hook(netif, &dns);
    }
}

static void run(void *arg)
{
    nsec_t next;

    for (;;) {
        atomic_store(&kicked, false);
        mutex_lock(&netif_lock);
        work_off_packets();
        next = work_off_timers();
        mutex_unlock(&netif_lock);
        tell_dns();
        (void)WAIT_EVENT(&wake, atomic_load(&kicked), 0, next);
    }
}

static bool start_thread(void)
{
    if (atomic_load(&started))
        return true;
    waitqueue_init(&wake);
    atomic_store(&started, true);
    if (kthread_start("ipv6", run, NULL))
        return true;
    atomic_store(&started, false);
    return false;
}

/* --- interfaces */

static struct ipv6_netif *make_state(struct netif *netif)
{
    struct ipv6_netif *state = kzalloc(sizeof(*state));

    if (!state)
        return NULL;
    state->conf = default_conf;
    state->robustness = 2;
    state->general_at = NSEC_FOREVER;
    state->solicit_next = NSEC_FOREVER;
    list_init(&state->dads);
    list_init(&state->reports);
    random_bytes(state->secret, sizeof(state->secret));
    netif->ipv6 = state;
    return state;
}

static void remove_addresses(struct netif *netif)
{
    list_for_each_safe (p, n, &netif->addresses) {
        struct netif_address *a = list_entry(p, struct netif_address, link);

        if (!inet_is_v4(&a->address))
            netif_remove_address(netif, &a->address, a->prefix);
    }
}

static void address_added(struct netif *netif, struct netif_address *a)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct inet_addr group = ipv6_solicited_node(&a->address);

    if (netif == loopback || !state || !state->up)
        return;
    netif_join(netif, &group);
    dad_begin(netif, a);
}

static void go_up(struct netif *netif, struct ipv6_netif *state)
{
    if (!start_thread())
        return;
    state->up = true;
    netif_join(netif, &ipv6_all_nodes);
    mld_up(netif);
    list_for_each_entry (struct netif_address, a, &netif->addresses, link)
        if (!inet_is_v4(&a->address))
            address_added(netif, a);
    autoconf_up(netif);
    ipv6_thread_kick();
}

static void go_down(struct netif *netif, struct ipv6_netif *state)
{
    autoconf_down(netif);
    while (!list_empty(&state->dads))
        dad_cancel(netif, &list_first(&state->dads, struct ipv6_dad, link)->address);
    remove_addresses(netif);
    mld_down(netif);
    netif_leave(netif, &ipv6_all_nodes);
    state->up = false;
}

/* Follow flags, MTU and disable_ipv6. A lost link alone takes nothing away, as on Linux. */
static void adapt(struct netif *netif)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    unsigned flags = atomic_load(&netif->flags);
    bool possible, up;

    if (netif == loopback || netif->type != ARPHRD_ETHER)
        return;
    if (!state && !(state = make_state(netif)))
        return;
    possible = flags & IFF_UP && netif->mtu >= IPV6_MTU_MIN && !state->conf.disable_ipv6;
    up = possible && (state->up || flags & IFF_RUNNING);
    if (up && !state->up)
        go_up(netif, state);
    else if (!up && state->up)
        go_down(netif, state);
}

/* --- lo's: only disable_ipv6 matters */

static void adapt_lo(void)
{
    struct netif_address one = {
        .address = {.bytes = {[15] = 1}},
        .prefix = 128,
        .scope = RT_SCOPE_HOST,
        .flags = IFA_F_PERMANENT,
        .valid_until = NSEC_FOREVER,
        .preferred_until = NSEC_FOREVER,
    };

    if (lo_conf.disable_ipv6)
        remove_addresses(loopback);
    else
        netif_add_address(loopback, &one); /* -EEXIST: it is there */
}

void ipv6_conf_changed(struct netif *netif)
{
    bool taken = netif_change_begin();

    if (netif == loopback)
        adapt_lo();
    else if (netif)
        adapt(netif);
    atomic_fetch_add(&route_generation, 1);
    netif_change_end(taken);
}

/* --- what others change */

static void address_removed(struct netif *netif, const struct netif_address *a)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct inet_addr group = ipv6_solicited_node(&a->address);

    if (netif == loopback || !state || !state->up)
        return;
    dad_cancel(netif, &a->address);
    netif_leave(netif, &group);
}

static void changed(struct netif *netif, enum netif_event event, struct netif_address *address)
{
    switch (event) {
    case NETIF_NEW:
    case NETIF_CHANGED:
        adapt(netif);
        break;
    case NETIF_ADDRESS_ADDED:
        if (!inet_is_v4(&address->address))
            address_added(netif, address);
        break;
    case NETIF_ADDRESS_CHANGED:
        break;
    case NETIF_ADDRESS_REMOVED:
        if (!inet_is_v4(&address->address))
            address_removed(netif, address);
        break;
    }
}

static struct netif_watcher watcher = {.changed = changed};

static int start(void)
{
    netif_watch(&watcher);
    for (struct netif *netif = netif_first(); netif; netif = netif_next(netif))
        if (netif != loopback)
            changed(netif, NETIF_NEW, NULL);
    return 0;
}
BOOT_STEP(PHASE_BUS, "ipv6", start);
