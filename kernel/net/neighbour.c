#include "net/neighbour.h"

#include "core/clock.h"
#include "core/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/ipv6.h"
#include "net/rculist.h"

enum { BUCKETS = 128, PROBES = 3 };
#define SECOND (1000000000ll)
/* RFC 4861, 10; the same for ARP. */
static const nsec_t delay_time = 5 * SECOND, retransmit_time = SECOND, reachable_time = 30 * SECOND;

static struct spinlock table_lock; /* before that of a neighbour */
static struct list table[BUCKETS]; /* a head of zeros is an empty list */
static unsigned count;

static void nobody(const struct neighbour *neighbour, bool removed)
{
}
void (*neighbour_changed_hook)(const struct neighbour *neighbour, bool removed) = nobody;

static struct list *bucket_of(const struct netif *netif, const struct inet_addr *address)
{
    uint64_t mixed = address->halves[0] ^ address->halves[1] ^ netif->index;

    return &table[mixed * 0x9e3779b97f4a7c15ull >> 57];
}

static struct neighbour *find(const struct netif *netif, const struct inet_addr *address)
{
    struct list *head = bucket_of(netif, address);

    if (!rcu_load(head->next))
        return NULL;
    rculist_for_each_entry(struct neighbour, n, head,
                           hash_link) if (n->netif == netif &&
                                          inet_equal(&n->address, address)) return n;
    return NULL;
}

static void free_neighbour(struct rcu_head *head)
{
    struct neighbour *n = container_of(head, struct neighbour, rcu);

    timer_cancel(&n->timer);
    packet_queue_purge(&n->waiting);
    kfree(n);
}

/* Under table_lock. The timer is cancelled later: its handler sees `gone`. */
static void take_out(struct neighbour *n)
{
    spin_lock(&n->lock);
    n->gone = true;
    atomic_store_explicit(&n->link_word, 0, memory_order_release);
    neighbour_changed_hook(n, true);
    spin_unlock(&n->lock);
    rculist_del(&n->hash_link);
    count--;
    rcu_call(&n->rcu, free_neighbour);
}

/* --- states; all with the neighbour locked */

static void enter(struct neighbour *n, enum neighbour_state state, nsec_t span)
{
    nsec_t now = clock_monotonic();
    uint64_t word = 0;

    n->state = state;
    n->updated = now;
    n->expires = span == NSEC_FOREVER ? NSEC_FOREVER : now + span;
    atomic_store_explicit(&n->confirmed, false, memory_order_relaxed);
    /* Whoever sends in the other states must come by here. */
    if (state & (NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)) {
        memcpy(&word, n->mac, ETH_ALEN);
        word |= 1ull << 48;
    }
    atomic_store_explicit(&n->link_word, word, memory_order_release);
    timer_start(&n->timer, n->expires);
}

static void enter_reachable(struct neighbour *n)
{
    enter(n, NUD_REACHABLE, reachable_time / 2 + (nsec_t)(random_u64() % (uint64_t)reachable_time));
}

static void solicit(struct neighbour *n)
{
    if (inet_is_v4(&n->address))
        arp_solicit(n);
    else
        ndp_solicit(n);
}

/* What happens when a state's time is over: true if it is time for a solicitation; the packets that
 * nobody can deliver go into *lost. */
static bool next_state(struct neighbour *n, struct packet_queue *lost)
{
    switch (n->state) {
    case NUD_REACHABLE:
        if (atomic_load_explicit(&n->confirmed, memory_order_relaxed))
            enter_reachable(n);
        else
            enter(n, NUD_STALE, NSEC_FOREVER);
        return false;
    case NUD_DELAY:
        if (atomic_load_explicit(&n->confirmed, memory_order_relaxed)) {
            enter_reachable(n);
            return false;
        }
        n->probes = 1;
        enter(n, NUD_PROBE, retransmit_time);
        return true;
    case NUD_PROBE:
    case NUD_INCOMPLETE:
        if (n->probes++ < PROBES) {
            enter(n, n->state, retransmit_time);
            return true;
        }
        enter(n, NUD_FAILED, NSEC_FOREVER);
        *lost = n->waiting;
        n->waiting = (struct packet_queue){};
        return false;
    default:
        return false;
    }
}

static void give_up_all(struct packet_queue *lost)
{
    struct packet *packet;

    while ((packet = packet_dequeue(lost))) {
        neighbour_give_up(packet);
        packet_free(packet);
    }
}

static __cold void timer_fired(struct timer *timer)
{
    struct neighbour *n = container_of(timer, struct neighbour, timer);
    struct packet_queue lost = {};
    bool due = false;

    spin_lock(&n->lock);
    if (!n->gone && n->expires <= clock_monotonic()) {
        enum neighbour_state old = n->state;
        due = next_state(n, &lost);
        if (n->state != old)
            neighbour_changed_hook(n, false);
    }
    spin_unlock(&n->lock);
    if (due)
        solicit(n);
    give_up_all(&lost);
}

/* --- making them */

/* Make room: one that is not in use, else any that may go. Under table_lock. */
static bool evict(void)
{
    static unsigned hand;
    struct neighbour *second = NULL;

    for (unsigned i = 0; i < BUCKETS; i++) {
        struct list *head = &table[hand++ % BUCKETS];
        if (!head->next)
            continue;
        list_for_each_entry (struct neighbour, n, head, hash_link) {
            if (n->state & (NUD_STALE | NUD_FAILED)) {
                take_out(n);
                return true;
            }
            if (!second && !(n->state & (NUD_PERMANENT | NUD_NOARP)))
                second = n;
        }
    }
    if (second)
        take_out(second);
    return second;
}

static struct neighbour *make(struct netif *netif, const struct inet_addr *address)
{
    struct neighbour *n = kzalloc(sizeof(*n));

    if (!n)
        return NULL;
    n->netif = netif;
    n->address = *address;
    n->expires = NSEC_FOREVER;
    timer_init(&n->timer, timer_fired);
    return n;
}

/* Find it or make it (state 0). RCU. NULL: no memory, or no room. */
static struct neighbour *need(struct netif *netif, const struct inet_addr *address)
{
    struct neighbour *n = find(netif, address), *made;
    struct list *head = bucket_of(netif, address);

    if (n || !(made = make(netif, address)))
        return n;
    uint64_t flags = spin_lock_irq(&table_lock);
    n = find(netif, address);
    if (!n && (count < NEIGHBOURS_MAX || evict())) {
        if (!head->next)
            list_init(head);
        rculist_add(head, &made->hash_link);
        count++;
        n = made;
    }
    spin_unlock_irq(&table_lock, flags);
    if (n != made)
        kfree(made);
    return n;
}

/* --- sending */

int neighbour_frame(struct netif *netif, const uint8_t *mac, struct packet *packet)
{
    if (unlikely(packet_headroom(packet) < ETH_HLEN)) {
        struct packet *copy = packet_copy(packet, PACKET_HEADROOM);
        packet_free(packet);
        if (!copy)
            return -ENOBUFS;
        packet = copy;
    }
    packet->link = packet_push(packet, ETH_HLEN);
    memcpy(packet->link, mac, ETH_ALEN);
    memcpy(packet->link + ETH_ALEN, netif->mac, ETH_ALEN);
    put_be16(packet->link + 2 * ETH_ALEN, packet->protocol);
    if (packet->checksum == CHECKSUM_PARTIAL)
        packet->csum_start += ETH_HLEN;
    if (packet->gso)
        packet->header_len += ETH_HLEN;
    return netif_transmit(netif, packet);
}

/* RFC 1112, 6.4. */
__cold void neighbour_group_mac(const struct inet_addr *group, uint8_t *mac)
{
    if (!inet_is_v4(group)) {
        ipv6_group_mac(group, mac);
        return;
    }
    memcpy(mac, (uint8_t[]){1, 0, 0x5e}, 3);
    memcpy(mac + 3, group->bytes + 13, 3);
    mac[3] &= 0x7f;
}

/* An address whose frames need no neighbour: true, and the hardware address. */
static bool maps_to_mac(struct netif *netif, const struct inet_addr *next_hop, uint8_t *mac)
{
    if (inet_is_multicast(next_hop)) {
        neighbour_group_mac(next_hop, mac);
        return true;
    }
    if (inet_is_v4(next_hop) && route_kind(next_hop, netif) == RTN_BROADCAST) {
        memcpy(mac, netif->broadcast, ETH_ALEN);
        return true;
    }
    if (atomic_load_explicit(&netif->flags, memory_order_relaxed) & IFF_NOARP) {
        memset(mac, 0, ETH_ALEN);
        return true;
    }
    return false;
}

/* Keep it until the address is known; the oldest goes when there are too many. Locked. */
static void keep_waiting(struct neighbour *n, struct packet *packet)
{
    if (n->waiting.n >= NEIGHBOUR_QUEUE) {
        packet_free(packet_dequeue(&n->waiting));
        netif_count_drop(n->netif, false);
    }
    packet_enqueue(&n->waiting, packet);
}

/* The neighbour's hardware address is not to be had without a look at its state: true if the packet
 * waits for it; else it may be sent to mac. *due: a solicitation is to be sent. */
static bool look_at_state(struct neighbour *n, struct packet *packet, uint8_t *mac, bool *due)
{
    uint64_t flags = spin_lock_irq(&n->lock);
    bool waits = false;

    *due = false;
    n->used = clock_monotonic();
    if (n->state == NUD_STALE)
        enter(n, NUD_DELAY, delay_time);
    if (n->state == 0 || n->state == NUD_FAILED) {
        n->probes = 1;
        enter(n, NUD_INCOMPLETE, retransmit_time);
        *due = true;
    }
    if (n->state == NUD_INCOMPLETE) {
        keep_waiting(n, packet);
        waits = true;
    } else {
        memcpy(mac, n->mac, ETH_ALEN);
    }
    spin_unlock_irq(&n->lock, flags);
    return waits;
}

static int send_slowly(struct netif *netif, const struct inet_addr *next_hop, struct packet *packet)
{
    uint8_t mac[ETH_ALEN];
    bool due;

    if (netif->type != ARPHRD_ETHER || maps_to_mac(netif, next_hop, mac))
        return neighbour_frame(netif, mac, packet);
    struct neighbour *n = need(netif, next_hop);
    if (!n) {
        packet_free(packet);
        return -ENOBUFS;
    }
    if (!look_at_state(n, packet, mac, &due))
        return neighbour_frame(netif, mac, packet);
    if (due)
        solicit(n);
    return 0;
}

int neighbour_send(struct netif *netif, const struct inet_addr *next_hop, struct packet *packet)
{
    packet->netif = netif;
    if (netif->type == ARPHRD_LOOPBACK)
        return netif_transmit(netif, packet);
    struct neighbour *n = find(netif, next_hop);
    uint64_t word = n ? atomic_load_explicit(&n->link_word, memory_order_acquire) : 0;
    if (likely(word))
        return neighbour_frame(netif, (const uint8_t *)&word, packet);
    return send_slowly(netif, next_hop, packet);
}

/* --- learning */

static void send_waiting(struct netif *netif, const uint8_t *mac, struct packet_queue *waiting)
{
    struct packet *packet;

    while ((packet = packet_dequeue(waiting)))
        neighbour_frame(netif, mac, packet);
}

/* RFC 4861, 7.2.5; ARP's answers are solicited and override. Locked. */
static void take_in(struct neighbour *n, const uint8_t *mac, bool solicited, bool override)
{
    bool known = !(n->state & (NUD_INCOMPLETE | NUD_FAILED)) && n->state;
    bool same = known && (!mac || memcmp(n->mac, mac, ETH_ALEN) == 0);
    enum neighbour_state old = n->state;

    if (n->state & (NUD_PERMANENT | NUD_NOARP) || (!mac && !known))
        return;
    if (!mac)
        mac = n->mac;
    if (known && !same && !override) {
        if (n->state == NUD_REACHABLE) {
            enter(n, NUD_STALE, NSEC_FOREVER);
            neighbour_changed_hook(n, false);
        }
        return;
    }
    if (!same) {
        memcpy(n->mac, mac, ETH_ALEN);
        atomic_fetch_add(&route_generation, 1);
    }
    if (solicited)
        enter_reachable(n);
    else if (!same)
        enter(n, NUD_STALE, NSEC_FOREVER);
    if (!same || n->state != old)
        neighbour_changed_hook(n, false);
}

void neighbour_learn(struct netif *netif, const struct inet_addr *address, const uint8_t *mac,
                     bool solicited, bool override, bool create)
{
    struct neighbour *n = create && mac ? need(netif, address) : find(netif, address);
    struct packet_queue waiting = {};
    uint8_t now[ETH_ALEN];

    if (!n)
        return;
    uint64_t flags = spin_lock_irq(&n->lock);
    if (!n->gone)
        take_in(n, mac, solicited, override);
    if (!(n->state & (NUD_INCOMPLETE | NUD_FAILED))) {
        waiting = n->waiting;
        n->waiting = (struct packet_queue){};
    }
    memcpy(now, n->mac, ETH_ALEN);
    spin_unlock_irq(&n->lock, flags);
    send_waiting(netif, now, &waiting);
}

void neighbour_confirm(struct netif *netif, const struct inet_addr *address)
{
    struct neighbour *n = netif->type == ARPHRD_ETHER ? find(netif, address) : NULL;

    /* Whoever enters the next state looks. */
    if (n && !atomic_load_explicit(&n->confirmed, memory_order_relaxed))
        atomic_store_explicit(&n->confirmed, true, memory_order_relaxed);
}

/* --- by hand */

void neighbour_each(bool (*fn)(const struct neighbour *neighbour, void *arg), void *arg)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        if (!rcu_load(table[i].next))
            continue;
        rculist_for_each_entry(struct neighbour, n, &table[i], hash_link) if (!fn(n, arg)) return;
    }
}

__cold int neighbour_set(struct netif *netif, const struct inet_addr *address, const uint8_t *mac,
                         enum neighbour_state state)
{
    struct packet_queue waiting;
    struct neighbour *n = need(netif, address);
    bool other;

    if (!n)
        return -ENOBUFS;
    uint64_t flags = spin_lock_irq(&n->lock);
    other = n->state != state || (mac && memcmp(n->mac, mac, ETH_ALEN));
    if (mac)
        memcpy(n->mac, mac, ETH_ALEN);
    if (state == NUD_REACHABLE)
        enter_reachable(n);
    else
        enter(n, state,
              state & (NUD_INCOMPLETE | NUD_PROBE) ? retransmit_time
              : state == NUD_DELAY                 ? delay_time
                                                   : NSEC_FOREVER);
    if (other)
        neighbour_changed_hook(n, false);
    waiting = n->waiting;
    n->waiting = (struct packet_queue){};
    spin_unlock_irq(&n->lock, flags);
    atomic_fetch_add(&route_generation, 1);
    if (mac)
        send_waiting(netif, mac, &waiting);
    else
        packet_queue_purge(&waiting);
    return 0;
}

/* As Linux says it: first it failed, then it is gone. Under table_lock. */
static void fail(struct neighbour *n)
{
    spin_lock(&n->lock);
    if (n->state & ~(NUD_INCOMPLETE | NUD_FAILED)) {
        enter(n, NUD_FAILED, NSEC_FOREVER);
        neighbour_changed_hook(n, false);
    }
    n->state = NUD_FAILED;
    spin_unlock(&n->lock);
}

__cold int neighbour_remove(struct netif *netif, const struct inet_addr *address)
{
    uint64_t flags = spin_lock_irq(&table_lock);
    struct neighbour *n = find(netif, address);

    if (n) {
        fail(n);
        take_out(n);
    }
    spin_unlock_irq(&table_lock, flags);
    return n ? 0 : -ENOENT;
}

__cold void neighbour_flush(struct netif *netif)
{
    uint64_t flags = spin_lock_irq(&table_lock);

    for (unsigned i = 0; i < BUCKETS; i++) {
        if (!table[i].next)
            continue;
        list_for_each_safe (p, next, &table[i]) {
            struct neighbour *n = list_entry(p, struct neighbour, hash_link);
            if (n->netif == netif && !(n->state & NUD_PERMANENT))
                take_out(n);
        }
    }
    spin_unlock_irq(&table_lock, flags);
}
