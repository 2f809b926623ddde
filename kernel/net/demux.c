/* Which socket is a packet for: the tables of connections and of bound sockets. Ports: net/ports.c.
 *
 * Both tables are read under RCU. A socket that is taken out and put in again while a reader stands
 * at it leads that reader into another chain: a reader that ends at another head than its own looks
 * again. */
#include "net/demux.h"

#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/rculist.h"

struct bucket {
    struct spinlock lock;
    struct list head;
};
enum { CONNECTED_BITS = 12, BOUND_BITS = 9 };
enum { CONNECTED = 1 << CONNECTED_BITS, BOUND = 1 << BOUND_BITS };

/* A head of zeros is an empty list. */
static struct bucket *connected, bound[BOUND];
static uint64_t secret[3];

int demux_init(void)
{
    static struct mutex lock;
    struct bucket *table;

    if (likely(rcu_load(connected)))
        return 0;
    mutex_lock(&lock);
    if (!connected) {
        random_bytes(secret, sizeof(secret));
        table = kcalloc(CONNECTED, sizeof(*table));
        rcu_store(connected, table);
    }
    mutex_unlock(&lock);
    return connected ? 0 : -ENOMEM;
}

/* --- hashes */

/* Both halves of the product: each bit of the input reaches all of the result. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t inet_hash_flow(const struct inet_addr *local, unsigned local_port,
                        const struct inet_addr *remote, unsigned remote_port)
{
    uint64_t ports = (uint64_t)local_port << 16 | remote_port;
    uint64_t h = mix(local->halves[1] ^ secret[0], remote->halves[1] ^ secret[1]);

    h ^= mix(local->halves[0] ^ secret[1], remote->halves[0] ^ ports ^ secret[2]);
    h = mix(h ^ secret[0], secret[2] | 1);
    return (uint32_t)(h ^ h >> 32);
}

static struct bucket *connected_bucket(uint32_t hash)
{
    return &connected[hash >> (32 - CONNECTED_BITS)];
}

static struct bucket *bound_bucket(unsigned protocol, unsigned port)
{
    return &bound[(port ^ port >> BOUND_BITS ^ protocol * 31) % BOUND];
}

static uint64_t lock_bucket(struct bucket *bucket)
{
    uint64_t flags = spin_lock_irq(&bucket->lock);

    if (!bucket->head.next)
        list_init(&bucket->head);
    return flags;
}

static bool is_head(const struct list *p, const struct bucket *table, unsigned n)
{
    return (uintptr_t)p - (uintptr_t)table < n * sizeof(*table);
}

/* --- connections */

static bool is_connection(const struct inet_socket *s, unsigned protocol,
                          const struct inet_addr *remote, unsigned remote_port,
                          const struct inet_addr *local, unsigned local_port)
{
    return s->local_port == local_port && s->remote_port == remote_port &&
           inet_equal(&s->remote, remote) && inet_equal(&s->local, local) &&
           s->proto->number == protocol;
}

/* On a link of its own: a scope or a device. */
static bool takes_from(const struct inet_socket *s, const struct netif *netif)
{
    return !s->flow.bound || !netif || s->flow.bound == netif;
}

static struct inet_socket *find_connected(unsigned protocol, const struct inet_addr *source,
                                          unsigned source_port, const struct inet_addr *destination,
                                          unsigned destination_port, const struct netif *netif)
{
    if (unlikely(!connected))
        return NULL;
    struct bucket *bucket =
        connected_bucket(inet_hash_flow(destination, destination_port, source, source_port));
    struct list *p;
    do {
        p = rcu_load(bucket->head.next);
        if (!p)
            return NULL;
        for (; !is_head(p, connected, CONNECTED); p = rcu_load(p->next)) {
            struct inet_socket *s = list_entry(p, struct inet_socket, hash_link);
            if (is_connection(s, protocol, source, source_port, destination, destination_port) &&
                takes_from(s, netif))
                return s;
        }
    } while (unlikely(p != &bucket->head));
    return NULL;
}

struct inet_socket *inet_find_connected(unsigned protocol, const struct inet_addr *source,
                                        unsigned source_port, const struct inet_addr *destination,
                                        unsigned destination_port)
{
    return find_connected(protocol, source, source_port, destination, destination_port, NULL);
}

static void unlink_connected(struct inet_socket *s)
{
    rculist_del(&s->hash_link);
    s->hashed_connected = false;
}

/* Is somebody else at these ends who does not give way? Bucket locked. */
static bool is_taken(struct bucket *bucket, const struct inet_socket *s, unsigned port)
{
    list_for_each_safe (p, n, &bucket->head) {
        struct inet_socket *old = list_entry(p, struct inet_socket, hash_link);
        if (!is_connection(old, s->proto->number, &s->remote, s->remote_port, &s->local, port) ||
            old == s || !takes_from(old, s->flow.bound))
            continue;
        if (!old->proto->gives_way || !old->proto->gives_way(old))
            return true;
        unlink_connected(old);
    }
    return false;
}

int demux_connect(struct inet_socket *s, unsigned port, bool unique)
{
    uint32_t hash = inet_hash_flow(&s->local, port, &s->remote, s->remote_port);
    struct bucket *bucket = connected_bucket(hash);

    demux_disconnect(s);
    uint64_t flags = lock_bucket(bucket);
    bool taken =
        unique && (is_taken(bucket, s, port) || (s->proto->in_use && s->proto->in_use(s, port)));

    if (!taken) {
        s->local_port = (uint16_t)port;
        s->connected_hash = hash;
        rculist_add(&bucket->head, &s->hash_link);
        s->hashed_connected = true;
    }
    spin_unlock_irq(&bucket->lock, flags);
    return taken ? -EADDRNOTAVAIL : 0;
}

void demux_disconnect(struct inet_socket *s)
{
    struct bucket *bucket;

    if (!connected)
        return;
    bucket = connected_bucket(s->connected_hash);
    uint64_t flags = lock_bucket(bucket);
    if (s->hashed_connected)
        unlink_connected(s);
    spin_unlock_irq(&bucket->lock, flags);
}

/* --- bound sockets */

bool demux_takes_family(const struct inet_socket *s, bool v4)
{
    if (v4)
        return inet_is_v4(&s->local) || (inet_is_any(&s->local) && !s->v6only);
    return !inet_is_v4(&s->local);
}

/* How well the socket suits a packet; 0: not at all. As Linux weighs: the address first, then the
 * device, then the socket's family, then the CPU. */
static unsigned score(const struct inet_socket *s, unsigned protocol,
                      const struct inet_addr *destination, unsigned port, const struct netif *netif)
{
    bool v4 = inet_is_v4(destination);
    unsigned result = 1;

    if (s->local_port != port || s->proto->number != protocol || !demux_takes_family(s, v4))
        return 0;
    if (!inet_is_any(&s->local)) {
        if (!inet_equal(&s->local, destination))
            return 0;
        result += 8;
    }
    if (s->flow.bound) {
        if (s->flow.bound != netif)
            return 0;
        result += 4;
    }
    if (s->socket.family == AF_INET)
        result += 2;
    return result * 2 + (s->socket.incoming_cpu == (int)this_cpu()->id);
}

static struct inet_socket *find_bound(unsigned protocol, const struct inet_addr *destination,
                                      unsigned port, const struct netif *netif)
{
    struct bucket *bucket = bound_bucket(protocol, port);
    struct inet_socket *best;
    struct list *p;

    do {
        unsigned best_score = 0;
        best = NULL;
        p = rcu_load(bucket->head.next);
        if (!p)
            return NULL;
        for (; !is_head(p, bound, BOUND); p = rcu_load(p->next)) {
            struct inet_socket *s = list_entry(p, struct inet_socket, bound_link);
            unsigned mine = score(s, protocol, destination, port, netif);
            if (mine > best_score) {
                best = s;
                best_score = mine;
            }
        }
    } while (unlikely(p != &bucket->head));
    return best;
}

struct inet_socket *inet_find(unsigned protocol, const struct inet_addr *source,
                              unsigned source_port, const struct inet_addr *destination,
                              unsigned destination_port, struct netif *netif,
                              const struct packet *packet)
{
    struct inet_socket *s =
        find_connected(protocol, source, source_port, destination, destination_port, netif);

    if (s)
        return s;
    s = find_bound(protocol, destination, destination_port, netif);
    if (s && s->reuse_port)
        return reuseport_choose(
            s, inet_hash_flow(destination, destination_port, source, source_port), packet);
    return s;
}

__cold int demux_bind(struct inet_socket *s)
{
    struct bucket *bucket = bound_bucket(s->proto->number, s->local_port);
    int err = s->reuse_port ? reuseport_join(s) : 0;

    if (err)
        return err;
    uint64_t flags = lock_bucket(bucket);
    if (!s->hashed_bound) {
        rculist_add(&bucket->head, &s->bound_link);
        s->hashed_bound = true;
    }
    spin_unlock_irq(&bucket->lock, flags);
    return 0;
}

void demux_unbind(struct inet_socket *s)
{
    struct bucket *bucket = bound_bucket(s->proto->number, s->local_port);
    uint64_t flags = lock_bucket(bucket);

    if (s->hashed_bound) {
        rculist_del(&s->bound_link);
        s->hashed_bound = false;
    }
    spin_unlock_irq(&bucket->lock, flags);
    reuseport_leave(s);
}

/* --- several at once */

/* Does it take this packet to a group or to all (the address checked, membership not)? */
static bool takes_many(const struct inet_socket *s, unsigned protocol, const struct packet *packet,
                       const struct inet_addr *source, unsigned source_port,
                       const struct inet_addr *destination, unsigned port)
{
    if (!score(s, protocol, destination, port, packet->netif))
        return false;
    return !s->remote_port || (s->remote_port == source_port && inet_equal(&s->remote, source));
}

void inet_find_all(unsigned protocol, const struct packet *packet, unsigned destination_port,
                   unsigned source_port, void (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    struct bucket *bucket = bound_bucket(protocol, destination_port);
    struct inet_socket *s =
        inet_find_connected(protocol, &source, source_port, &destination, destination_port);
    struct list *p = rcu_load(bucket->head.next);

    if (s && !s->hashed_bound)
        fn(s, arg);
    for (; p && !is_head(p, bound, BOUND); p = rcu_load(p->next)) {
        s = list_entry(p, struct inet_socket, bound_link);
        if (takes_many(s, protocol, packet, &source, source_port, &destination, destination_port))
            fn(s, arg);
    }
}

void inet_each(unsigned protocol, bool (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    for (unsigned i = 0; i < BOUND; i++)
        for (struct list *p = rcu_load(bound[i].head.next); p && !is_head(p, bound, BOUND);
             p = rcu_load(p->next)) {
            struct inet_socket *s = list_entry(p, struct inet_socket, bound_link);
            if (s->proto->number == protocol && !fn(s, arg))
                return;
        }
    for (unsigned i = 0; connected && i < CONNECTED; i++)
        for (struct list *p = rcu_load(connected[i].head.next);
             p && !is_head(p, connected, CONNECTED); p = rcu_load(p->next)) {
            struct inet_socket *s = list_entry(p, struct inet_socket, hash_link);
            if (s->proto->number == protocol && !s->hashed_bound && !fn(s, arg))
                return;
        }
}
