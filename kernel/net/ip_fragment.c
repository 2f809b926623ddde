/* Reassembly of both families (RFC 791, 3.2; RFC 8200, 4.5; RFC 5722). Bounded in memory and time:
 * what is oldest goes first. */
#include "core/clock.h"
#include "core/spinlock.h"
#include "core/timer.h"
#include "lib/errno.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/inet.h"
#include "net/ip_core.h"
#include "net/mib.h"
#include "net/worker.h"

enum { BUCKETS = 64, DATAGRAM_MAX = 65535, QUEUE_COST = 512 };

/* In packet->scratch of a fragment that waits. */
struct place {
    struct rb_node node;
    uint32_t offset;
};
_Static_assert(sizeof(struct place) <= sizeof(((struct packet *)0)->scratch), "it must fit");

struct datagram {
    struct list link, age_link; /* of its bucket; by age */
    struct inet_addr source, destination;
    struct netif *netif; /* of link-local sources; else NULL */
    const void *user;
    uint32_t id;
    uint8_t protocol;
    uint16_t largest; /* bytes of a fragment with its headers */
    uint8_t ecn;      /* a bit for each code point that was seen (RFC 3168, 5.3) */
    bool has_last;
    struct rb_tree fragments; /* by offset, disjoint */
    unsigned end, received;   /* of the last byte that is known of; bytes */
    size_t cost;
    nsec_t expires;
};

size_t ip_fragment_high = 4 << 20;
unsigned ip_fragment_seconds = 30;

static struct spinlock lock;
static struct list table[BUCKETS]; /* a head of zeros is an empty list */
static struct list by_age = LIST_INIT(by_age);
static size_t cost_of_all;
static unsigned count;
static struct timer timer;

static struct place *place_of(struct packet *packet)
{
    return (struct place *)packet->scratch;
}

static struct packet *packet_at(struct rb_node *node)
{
    return container_of(container_of(node, struct place, node), struct packet, scratch);
}

static size_t cost_of(const struct packet *packet)
{
    size_t cost = 0;

    /* A buffer that others hold too (of a sender on this machine) counts with what is used of it.
     */
    for (; packet; packet = packet->more) {
        bool alone = atomic_load(&packet->buffer->refs) == 1;
        cost += sizeof(*packet) + (alone ? packet->buffer->size : packet->len);
    }
    return cost;
}

/* --- the table; with the lock held */

static struct list *bucket_of(const struct ip_fragment *f)
{
    return &table[inet_hash_flow(&f->source, f->id & 0xffff, &f->destination, f->id >> 16) %
                  BUCKETS];
}

static struct netif *link_of(const struct packet *packet, const struct ip_fragment *f)
{
    return inet_is_link_local(&f->source) ? packet->netif : NULL;
}

static struct datagram *find(const struct ip_fragment *f, const struct netif *netif)
{
    struct list *head = bucket_of(f);

    if (!head->next)
        return NULL;
    list_for_each_entry (struct datagram, d, head, link)
        if (d->id == f->id && d->protocol == f->protocol && d->netif == netif &&
            d->user == f->user && inet_equal(&d->source, &f->source) &&
            inet_equal(&d->destination, &f->destination))
            return d;
    return NULL;
}

static void take_out(struct datagram *d)
{
    list_del(&d->link);
    list_del(&d->age_link);
    cost_of_all -= d->cost;
    count--;
}

static struct packet *first_of(struct datagram *d)
{
    struct rb_node *node = rb_first(&d->fragments);

    return node ? packet_at(node) : NULL;
}

static void free_datagram(struct datagram *d)
{
    struct packet *packet;

    while ((packet = first_of(d))) {
        rb_remove(&d->fragments, &place_of(packet)->node);
        packet_free(packet);
    }
    kfree(d);
}

/* The oldest are out until there is room. */
static void make_room(void)
{
    while (cost_of_all > ip_fragment_high && !list_empty(&by_age)) {
        struct datagram *d = list_first(&by_age, struct datagram, age_link);
        take_out(d);
        MIB(IP_REASM_FAILS);
        free_datagram(d);
    }
}

/* --- the end of its time */

static struct datagram *take_expired(nsec_t now)
{
    uint64_t flags = spin_lock_irq(&lock);
    struct datagram *d =
        list_empty(&by_age) ? NULL : list_first(&by_age, struct datagram, age_link);

    if (d && d->expires > now) {
        timer_start(&timer, d->expires);
        d = NULL;
    }
    if (d)
        take_out(d);
    spin_unlock_irq(&lock, flags);
    return d;
}

/* RFC 1122, 3.3.2; RFC 8200, 4.5: said only if the first fragment is there. */
static void tell_expired(struct datagram *d)
{
    struct packet *packet = first_of(d);

    if (packet && place_of(packet)->offset == 0 && !d->user)
        ip_complain(packet, COMPLAIN_REASSEMBLY, 0);
}

static void expire(struct worker_call *call)
{
    nsec_t now = clock_monotonic();
    struct datagram *d;

    while ((d = take_expired(now))) {
        if (inet_is_v4(&d->source)) {
            MIB(IP_REASM_TIMEOUT);
            MIB(IP_REASM_FAILS);
        } else {
            MIB(IP6_REASM_TIMEOUT);
            MIB(IP6_REASM_FAILS);
        }
        tell_expired(d);
        free_datagram(d);
    }
}

static void timer_fired(struct timer *t)
{
    static struct worker_call call = {.fn = expire};

    worker_post(&call);
}

/* --- putting together; with the lock held */

static struct datagram *make(const struct ip_fragment *f, struct netif *netif)
{
    struct list *head = bucket_of(f);
    struct datagram *d = kzalloc(sizeof(*d));

    if (!d)
        return NULL;
    if (!head->next)
        list_init(head);
    d->source = f->source;
    d->destination = f->destination;
    d->netif = netif;
    d->user = f->user;
    d->id = f->id;
    d->protocol = f->protocol;
    d->cost = QUEUE_COST;
    d->expires = clock_monotonic() + ip_fragment_seconds * 1000000000ll;
    list_add(head, &d->link);
    list_add_tail(&by_age, &d->age_link);
    cost_of_all += d->cost;
    count++;
    if (!timer.fire)
        timer_init(&timer, timer_fired);
    if (d->age_link.prev == &by_age)
        timer_start(&timer, d->expires);
    return d;
}

/* Is the end that the fragment tells of in accord with what is known? Notes it. */
static bool note_end(struct datagram *d, const struct ip_fragment *f, unsigned end)
{
    if (!f->more) {
        if (end < d->end || (d->has_last && end != d->end))
            return false;
        d->has_last = true;
        d->end = end;
    } else if (end > d->end) {
        if (d->has_last)
            return false;
        d->end = end;
    }
    return true;
}

/* DUPLICATE and SPOILS: it was not put in; BROKEN: it was, but the whole does not hold. */
enum verdict { FITS, DUPLICATE, SPOILS, BROKEN };

/* Put it in its place, if that is free. */
static enum verdict insert(struct datagram *d, struct packet *packet, unsigned offset)
{
    struct rb_node *parent = NULL, **link = &d->fragments.root;
    unsigned end = offset + packet->total;

    while (*link) {
        parent = *link;
        struct packet *other = packet_at(parent);
        unsigned from = place_of(other)->offset, to = from + other->total;
        if (end <= from)
            link = &parent->left;
        else if (offset >= to)
            link = &parent->right;
        else
            return offset >= from && end <= to ? DUPLICATE : SPOILS;
    }
    *place_of(packet) = (struct place){.offset = offset};
    rb_insert(&d->fragments, &place_of(packet)->node, parent, link);
    return FITS;
}

static unsigned ecn_of(const struct packet *packet)
{
    return ip_tos(packet) & 3;
}

/* RFC 3168, 5.3: congestion that one fragment has met holds for the whole; those that say "not
 * capable" beside others that say the contrary spoil it. */
static bool merge_ecn(const struct datagram *d, struct packet *packet)
{
    bool congested = d->ecn & 8, incapable = d->ecn & 1;

    if (incapable && d->ecn != 1)
        return false;
    if (!congested || ecn_of(packet) == 3)
        return true;
    if (ip_packet_is_v4(packet))
        packet->network[1] |= 3;
    else
        packet->network[1] |= 0x30;
    return true;
}

/* All there: the first with the bytes of the others. NULL: what they say does not fit. */
static struct packet *join(struct datagram *d)
{
    struct packet *whole = first_of(d), **end = &whole->more, *packet;
    unsigned header = (unsigned)(whole->data - whole->network);

    if (header + d->end > DATAGRAM_MAX + (ip_packet_is_v4(whole) ? 0 : 40 + 8))
        return NULL;
    packet_push(whole, header);
    bool own = packet_own(whole, header) && merge_ecn(d, whole);
    packet_pull(whole, header);
    if (!own)
        return NULL;
    rb_remove(&d->fragments, &place_of(whole)->node);
    while ((packet = first_of(d))) {
        rb_remove(&d->fragments, &place_of(packet)->node);
        while (*end)
            end = &(*end)->more;
        *end = packet;
        whole->total += packet->total;
    }
    whole->checksum = CHECKSUM_NONE;
    whole->gso = GSO_NONE;
    whole->header_len = d->largest;
    return whole;
}

/* Add it; *whole if that completes the datagram. SPOILS: all of it is to go. */
static enum verdict add(struct datagram *d, struct packet *packet, const struct ip_fragment *f,
                        struct packet **whole)
{
    enum verdict verdict =
        note_end(d, f, f->offset + packet->total) ? insert(d, packet, f->offset) : SPOILS;

    if (verdict != FITS)
        return verdict;
    size_t cost = cost_of(packet);
    d->largest = MAX(d->largest, (uint16_t)(packet->data - packet->network + packet->total));
    d->cost += cost;
    cost_of_all += cost;
    d->received += packet->total;
    d->ecn |= (uint8_t)(1 << ecn_of(packet));
    if (d->has_last && d->received == d->end) {
        *whole = join(d);
        if (!*whole)
            verdict = BROKEN;
    }
    return verdict;
}

static void count_result(bool v4, enum verdict verdict, bool complete, bool overlap)
{
    if (complete)
        mib_add(v4 ? MIB_IP_REASM_OKS : MIB_IP6_REASM_OKS, 1);
    else if (verdict != FITS)
        mib_add(v4 ? MIB_IP_REASM_FAILS : MIB_IP6_REASM_FAILS, 1);
    if (overlap)
        MIB(IPEXT_REASM_OVERLAPS);
}

struct packet *ip_reassemble(struct packet *packet, const struct ip_fragment *f)
{
    bool v4 = inet_is_v4(&f->source);
    struct packet *whole = NULL;
    enum verdict verdict = SPOILS;
    struct datagram *d = NULL;

    mib_add(v4 ? MIB_IP_REASM_REQDS : MIB_IP6_REASM_REQDS, 1);
    uint64_t flags = spin_lock_irq(&lock);
    if (packet->total && f->offset + packet->total <= DATAGRAM_MAX) {
        make_room();
        struct netif *link = link_of(packet, f);
        d = find(f, link);
        if (!d)
            d = make(f, link);
    }
    if (d)
        verdict = add(d, packet, f, &whole);
    if (d && (whole || verdict == SPOILS || verdict == BROKEN))
        take_out(d);
    else
        d = NULL;
    spin_unlock_irq(&lock, flags);
    count_result(v4, verdict, whole, verdict == SPOILS && d);
    if (verdict == DUPLICATE || verdict == SPOILS)
        packet_free(packet);
    if (d)
        free_datagram(d);
    return whole;
}

size_t ip_fragment_memory(unsigned *queues)
{
    *queues = count;
    return cost_of_all;
}
