/* What has been learnt of the MTUs of paths (RFC 1191, RFC 8201). */
#include "core/clock.h"
#include "core/timer.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/inet.h"
#include "net/ip_core.h"
#include "net/rculist.h"

enum { BUCKETS = 64, ENTRIES_MAX = 1024, MTU_MIN_V6 = 1280 };

struct path_mtu {
    struct list link;
    struct inet_addr destination;
    unsigned mtu;
    nsec_t expires;
    struct rcu_head rcu;
};

unsigned ip_min_pmtu = 552, ip_mtu_expires_seconds = 600;

static struct spinlock lock;
static struct list table[BUCKETS]; /* a head of zeros is an empty list */
static unsigned count;
static struct timer expiry; /* at which flows look again */

static struct list *bucket_of(const struct inet_addr *a)
{
    return &table[inet_hash_flow(a, 0, a, 0) % BUCKETS];
}

static struct path_mtu *find(const struct inet_addr *destination)
{
    struct list *head = bucket_of(destination);

    if (!rcu_load(head->next))
        return NULL;
    rculist_for_each_entry(struct path_mtu, path, head,
                           link) if (inet_equal(&path->destination, destination)) return path;
    return NULL;
}

unsigned ip_path_mtu(const struct inet_addr *destination, unsigned mtu)
{
    const struct path_mtu *path;

    if (likely(!__atomic_load_n(&count, __ATOMIC_RELAXED)))
        return mtu;
    path = find(destination);
    return path && path->expires > clock_monotonic() ? MIN(mtu, path->mtu) : mtu;
}

static void free_path(struct rcu_head *head)
{
    kfree(container_of(head, struct path_mtu, rcu));
}

/* Everything below with the lock held. */

static void take_out(struct path_mtu *path)
{
    rculist_del(&path->link);
    count--;
    rcu_call(&path->rcu, free_path);
}

/* Of those in the bucket that are through, or the one that will be first. */
static void make_room(struct list *head)
{
    struct path_mtu *oldest = NULL;

    list_for_each_entry (struct path_mtu, path, head, link)
        if (!oldest || path->expires < oldest->expires)
            oldest = path;
    if (oldest)
        take_out(oldest);
}

static void look_again(struct timer *timer)
{
    atomic_fetch_add(&route_generation, 1);
}

/* The first that ends arms it; later ones find it armed and are at most once as old again. */
static void arm(nsec_t expires)
{
    if (!expiry.fire)
        timer_init(&expiry, look_again);
    timer_start(&expiry, expires + 1);
}

static void note(const struct inet_addr *destination, unsigned mtu, nsec_t expires)
{
    struct list *head = bucket_of(destination);
    struct path_mtu *path = find(destination);

    if (path) {
        path->mtu = mtu;
        path->expires = expires;
        return;
    }
    if (!head->next)
        list_init(head);
    if (count >= ENTRIES_MAX)
        make_room(head);
    path = count < ENTRIES_MAX ? kzalloc(sizeof(*path)) : NULL;
    if (!path)
        return;
    path->destination = *destination;
    path->mtu = mtu;
    path->expires = expires;
    rculist_add(head, &path->link);
    count++;
}

void ip_learn_mtu(const struct inet_addr *destination, unsigned mtu)
{
    unsigned least = inet_is_v4(destination) ? ip_min_pmtu : MTU_MIN_V6;
    nsec_t now = clock_monotonic(), expires = now + ip_mtu_expires_seconds * 1000000000ll;
    const struct path_mtu *path;

    mtu = MAX(mtu, least);
    uint64_t flags = spin_lock_irq(&lock);
    path = find(destination);
    if (!path || path->expires <= now || path->mtu > mtu) {
        note(destination, mtu, expires);
        arm(expires);
        atomic_fetch_add(&route_generation, 1);
    }
    spin_unlock_irq(&lock, flags);
}

void ip_forget_mtus(void)
{
    uint64_t flags = spin_lock_irq(&lock);

    for (unsigned i = 0; i < BUCKETS; i++)
        if (table[i].next)
            list_for_each_safe (p, n, &table[i])
                take_out(list_entry(p, struct path_mtu, link));
    atomic_fetch_add(&route_generation, 1);
    spin_unlock_irq(&lock, flags);
}
