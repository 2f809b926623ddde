/* The net channel of a socket: see net/inet.h. */
#include "core/clock.h"
#include "core/thread.h"
#include "lib/errno.h"
#include "net/inet.h"
#include "net/mib.h"
#include "net/worker.h"

enum {
    CHANNEL_LIMIT = 2 << 20, /* bytes, to begin with */
    PACKET_COST = 512,       /* of memory, beside its bytes */
    UNLOCK_ROUNDS = 16,      /* then it is the worker's turn */
};

void inet_init(struct inet_socket *s, const struct socket_ops *ops, const struct inet_proto *proto,
               int family, int type, int protocol)
{
    socket_init(&s->socket, ops, family, type, protocol);
    worker_need();
    s->proto = proto;
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    waitqueue_init(&s->readers);
    waitqueue_init(&s->writers);
    list_init(&s->bind_link);
    if (family == AF_INET)
        s->local = s->remote = inet_v4(0);
    inet_options_init(s);
    s->channel_limit = CHANNEL_LIMIT;
}

bool inet_try_get(struct inet_socket *s)
{
    unsigned refs = atomic_load_explicit(&s->refs, memory_order_relaxed);

    while (refs && !atomic_compare_exchange_weak_explicit(
                       &s->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed))
        ;
    return refs;
}

static void free_socket(struct rcu_head *head)
{
    struct inet_socket *s = container_of(head, struct inet_socket, rcu);
    struct packet *packet = atomic_exchange(&s->channel, NULL);

    packet_free_list(packet);
    s->proto->free(s);
}

void inet_put(struct inet_socket *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        rcu_call(&s->rcu, free_socket);
}

/* --- working it off */

/* What has arrived, oldest first. */
static struct packet *take_all(struct inet_socket *s)
{
    struct packet *packet, *oldest = NULL;

    if (!atomic_load_explicit(&s->channel, memory_order_relaxed))
        return NULL;
    packet = atomic_exchange_explicit(&s->channel, NULL, memory_order_acquire);
    while (packet) {
        struct packet *older = packet->next;
        packet->next = oldest;
        oldest = packet;
        packet = older;
    }
    return oldest;
}

/* Nobody's: to the worker from the network header on. */
static void give_back(struct packet *packet)
{
    unsigned n = (unsigned)(packet->data - packet->network);

    packet_push(packet, n);
    worker_input(packet);
}

static bool work_off_packets(struct inet_socket *s)
{
    struct packet *packet = take_all(s);
    unsigned cost = 0;

    if (!packet)
        return false;
    while (packet) {
        struct packet *next = packet->next;
        packet->next = NULL;
        cost += packet->total + PACKET_COST;
        if (!s->proto->input(s, packet))
            give_back(packet);
        packet = next;
    }
    atomic_fetch_sub_explicit(&s->channel_bytes, cost, memory_order_relaxed);
    return true;
}

void inet_drain(struct inet_socket *s)
{
    bool any = false;

    /* Said before anything is taken (taking is a full barrier): inet_settled() looks at it after it
     * has found the channel empty. */
    atomic_store_explicit(&s->draining, true, memory_order_relaxed);
    if (atomic_load_explicit(&s->events, memory_order_relaxed)) {
        unsigned events = atomic_exchange_explicit(&s->events, 0, memory_order_acquire);
        if (events && s->proto->work)
            s->proto->work(s, events);
    }
    while (work_off_packets(s))
        any = true;
    if (any && s->proto->input_done)
        s->proto->input_done(s);
    atomic_store_explicit(&s->draining, false, memory_order_release);
}

void inet_lock(struct inet_socket *s)
{
    mutex_lock(&s->lock);
    if (inet_pending(s))
        inet_drain(s);
}

/* Whoever appends looks for a holder afterwards, and the holder looks for packets after it has let
 * go; both are atomic operations on either side, so one of the two sees the other. */
void inet_unlock(struct inet_socket *s)
{
    for (unsigned round = 0; round < UNLOCK_ROUNDS; round++) {
        if (inet_pending(s))
            inet_drain(s);
        mutex_unlock(&s->lock);
        if (likely(!inet_pending(s)) || !mutex_trylock(&s->lock))
            return;
    }
    mutex_unlock(&s->lock);
    worker_socket(s);
}

int inet_wait(struct inet_socket *s, struct waitqueue *queue, bool (*ready)(struct inet_socket *s),
              nsec_t deadline)
{
    for (;;) {
        struct waiter waiter = {};
        unsigned flags = WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE;
        int err = 0;

        inet_drain(s);
        if (ready(s))
            return 0;
        wait_prepare(queue, &waiter, flags);
        mutex_unlock(&s->lock);
        /* What came while the lock was ours has woken nobody, and others may have worked it off. */
        if (inet_settled(s) && !ready(s))
            err = wait_sleep(flags, deadline);
        wait_finish(queue, &waiter);
        inet_lock(s);
        if (ready(s))
            return 0;
        if (err < 0)
            return err;
    }
}

/* --- filling it */

static bool is_locked(struct inet_socket *s)
{
    return atomic_load_explicit(&s->lock.count, memory_order_seq_cst) != 0;
}

static bool has_waiters(const struct waitqueue *queue)
{
    return __atomic_load_n(&queue->waiters.next, __ATOMIC_RELAXED) != &queue->waiters;
}

/* One of those who wait does the work; whether it comes soon is for the sweep to see. */
static void wake_one(struct inet_socket *s)
{
    if (has_waiters(&s->readers))
        waitqueue_wake(&s->readers, 1, 0);
    else if (has_waiters(&s->writers))
        waitqueue_wake(&s->writers, 1, 0);
}

void channel_push(struct inet_socket *s, struct packet *packet)
{
    unsigned cost = packet->total + PACKET_COST;
    struct packet *newest;

    if (atomic_fetch_add_explicit(&s->channel_bytes, cost, memory_order_relaxed) + cost >
        s->channel_limit) {
        atomic_fetch_sub_explicit(&s->channel_bytes, cost, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->drops, 1, memory_order_relaxed);
        packet_free(packet);
        return;
    }
    newest = atomic_load_explicit(&s->channel, memory_order_relaxed);
    do
        packet->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&s->channel, &newest, packet,
                                                  memory_order_seq_cst, memory_order_relaxed));
    /* There was one before: whoever was called for that one takes this one too. A holder of the
     * lock works it off, but others have to hear of it: they wait for what it brings. */
    if (newest)
        return;
    wake_one(s);
    if (!is_locked(s))
        worker_sweep(s);
}

void inet_post(struct inet_socket *s, unsigned events)
{
    unsigned old = atomic_fetch_or_explicit(&s->events, events, memory_order_seq_cst);

    if (old == 0 && !is_locked(s))
        worker_socket(s);
}
