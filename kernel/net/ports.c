/* Local ports: who has which, and which are free. */
#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/rculist.h"

enum { BUCKETS = 256, PERTURB = 256 };

/* A port that somebody has. */
struct port {
    struct list link;
    unsigned number, protocol;
    bool connect_only; /* all who have it got it from connect(): others may, too */
    struct list sockets;
};

unsigned inet_port_low = 32768, inet_port_high = 60999, inet_port_unprivileged = 1024;

struct mutex bind_lock;
static struct list table[BUCKETS]; /* a head of zeros is an empty list */
static uint32_t perturb[PERTURB];  /* RFC 6056, 3.3.4: counters, one for some destinations */

static struct list *bucket_of(unsigned protocol, unsigned number)
{
    return &table[(number ^ number >> 8 ^ protocol * 37) % BUCKETS];
}

static struct port *find(unsigned protocol, unsigned number)
{
    struct list *head = bucket_of(protocol, number);

    if (!head->next)
        return NULL;
    list_for_each_entry (struct port, port, head, link)
        if (port->number == number && port->protocol == protocol)
            return port;
    return NULL;
}

static struct port *find_or_make(unsigned protocol, unsigned number, bool connect_only)
{
    struct list *head = bucket_of(protocol, number);
    struct port *port = find(protocol, number);

    if (port)
        return port;
    port = kzalloc(sizeof(*port));
    if (!port)
        return NULL;
    port->number = number;
    port->protocol = protocol;
    port->connect_only = connect_only;
    list_init(&port->sockets);
    if (!head->next)
        list_init(head);
    list_add(head, &port->link);
    return port;
}

static void release_if_unused(struct port *port)
{
    if (!list_empty(&port->sockets))
        return;
    list_del(&port->link);
    kfree(port);
}

/* It is in a table from now on: these hold one reference. */
static void enter(struct inet_socket *s)
{
    if (!s->tabled)
        inet_get(s);
    s->tabled = true;
}

static void take(struct port *port, struct inet_socket *s)
{
    list_add(&port->sockets, &s->bind_link);
    s->port = port;
    s->local_port = (uint16_t)port->number;
    enter(s);
}

static void leave(struct inet_socket *s)
{
    if (!s->port)
        return;
    list_del(&s->bind_link);
    release_if_unused(s->port);
    s->port = NULL;
}

/* --- conflicts */

/* Could a packet be for either? */
static bool addresses_overlap(const struct inet_socket *s, const struct inet_addr *a,
                              const struct inet_socket *other)
{
    const struct inet_addr *b = &other->local;
    bool any_a = inet_is_any(a), any_b = inet_is_any(b);
    bool v4_a = inet_is_v4(a), v4_b = inet_is_v4(b);
    bool both_a = any_a && !v4_a && !s->v6only, both_b = any_b && !v4_b && !other->v6only;

    if (v4_a != v4_b)
        return v4_a ? both_b : both_a;
    return any_a || any_b || inet_equal(a, b);
}

static bool devices_overlap(const struct inet_socket *a, const struct inet_socket *b)
{
    return !a->flow.bound || !b->flow.bound || a->flow.bound == b->flow.bound;
}

static bool share_by_reuse_port(const struct inet_socket *a, const struct inet_socket *b)
{
    return a->reuse_port && b->reuse_port && a->socket.cred.uid == b->socket.cred.uid;
}

/* May s not have the port beside other (socket(7), ip(7), SO_REUSEADDR and SO_REUSEPORT)? found: it
 * is looking for a free port itself, and shares with nobody. */
static bool excludes(const struct inet_socket *s, const struct inet_addr *address,
                     const struct inet_socket *other, bool found)
{
    bool stream = s->socket.type == SOCK_STREAM;

    if (s->force_reuse || s == other || !devices_overlap(s, other) ||
        !addresses_overlap(s, address, other))
        return false;
    if (stream && found)
        return true;
    if (s->reuse_address && other->reuse_address && !(stream && other->socket.listening))
        return false;
    return !share_by_reuse_port(s, other);
}

static bool is_excluded(const struct port *port, const struct inet_socket *s,
                        const struct inet_addr *address, bool found)
{
    list_for_each_entry (struct inet_socket, other, &port->sockets, bind_link)
        if (excludes(s, address, other, found))
            return true;
    return false;
}

/* --- bind */

static unsigned range(unsigned *low)
{
    unsigned high = __atomic_load_n(&inet_port_high, __ATOMIC_RELAXED);

    *low = __atomic_load_n(&inet_port_low, __ATOMIC_RELAXED);
    return high >= *low ? high - *low + 1 : 1;
}

/* The i-th candidate of n, from offset on: every other first, so that bind() and connect() use up
 * different halves. */
static unsigned candidate(unsigned i, unsigned offset, unsigned n)
{
    unsigned half = (n + 1) / 2, first = offset & 1;
    unsigned in_first = first ? n - half : half;

    if (i < in_first)
        return first + 2 * ((offset / 2 + i) % in_first);
    i -= in_first;
    return (first ^ 1) + 2 * ((offset / 2 + i) % (n - in_first));
}

/* One that nobody has in a way that excludes the socket; 0: none. */
static unsigned find_free(const struct inet_socket *s, const struct inet_addr *address)
{
    unsigned low, n = range(&low), offset = (unsigned)(random_u64() % n) | 1;

    for (unsigned i = 0; i < n; i++) {
        unsigned number = low + (n > 1 ? candidate(i, offset, n) : 0);
        const struct port *port = find(s->proto->number, number);
        if (!port || !is_excluded(port, s, address, true))
            return number;
    }
    return 0;
}

/* Addresses that a socket may have: ours, and those that packets to several carry. */
static bool may_have(const struct inet_socket *s, const struct inet_addr *address)
{
    unsigned kind;

    if (inet_is_any(address) || s->options.freebind || s->options.transparent)
        return true;
    kind = route_kind(address, NULL);
    return kind == RTN_LOCAL || kind == RTN_MULTICAST || kind == RTN_BROADCAST;
}

/* What the source of packets cannot be. */
static bool is_for_many(const struct inet_addr *address)
{
    rcu_read_lock();
    unsigned kind = route_kind(address, NULL);
    rcu_read_unlock();
    return kind == RTN_MULTICAST || kind == RTN_BROADCAST;
}

static int bind_port(struct inet_socket *s, const struct inet_addr *address, unsigned number)
{
    bool chosen = number != 0;
    struct port *port;

    if (chosen && s->proto->port_held && s->proto->port_held(s, address, number))
        return -EADDRINUSE;
    if (!chosen && !(number = find_free(s, address)))
        return -EADDRINUSE;
    port = find_or_make(s->proto->number, number, false);
    if (!port)
        return -ENOMEM;
    if (is_excluded(port, s, address, false))
        return -EADDRINUSE;
    port->connect_only = false;
    s->local = *address;
    take(port, s);
    return 0;
}

bool inet_may_use_port(unsigned port)
{
    return !port || port >= inet_port_unprivileged || socket_capable(NET_CAP_BIND_SERVICE);
}

int inet_bind(struct inet_socket *s, const struct inet_addr *address, unsigned port)
{
    if (s->port)
        return -EINVAL;
    if (!may_have(s, address))
        return -EADDRNOTAVAIL;
    if (!inet_may_use_port(port))
        return -EACCES;
    if (demux_init() < 0)
        return -ENOMEM;
    if (port || !s->options.bind_no_port) {
        mutex_lock(&bind_lock);
        int err = bind_port(s, address, port);
        mutex_unlock(&bind_lock);
        if (err)
            return err;
        s->bound_port = port != 0;
    }
    s->local = *address;
    s->bound_address = !inet_is_any(address);
    s->bound_many = s->bound_address && is_for_many(address);
    return 0;
}

/* --- connect */

/* RFC 6056, 3.3.4 (double hash): the ports for one destination follow each other, those for others
 * tell nothing about them. The counter's lowest bit says in which half one was found last. */
static unsigned connect_offset(const struct inet_socket *s, unsigned n, uint32_t **counter)
{
    uint32_t hash = inet_hash_flow(&s->local, 0, &s->remote, s->remote_port);

    *counter = &perturb[hash % PERTURB];
    return (((hash + **counter) % n) & ~1u) | (**counter & 1);
}

static int try_connect(struct inet_socket *s, unsigned number)
{
    struct port *port = find_or_make(s->proto->number, number, true);

    if (!port)
        return -ENOMEM;
    if (!port->connect_only)
        return -EADDRNOTAVAIL;
    int err = demux_connect(s, number, true);
    if (!err)
        take(port, s);
    release_if_unused(port);
    return err;
}

static int connect_stream(struct inet_socket *s)
{
    unsigned low, n = range(&low);
    uint32_t *counter;
    unsigned offset = connect_offset(s, n, &counter);
    int err = -EADDRNOTAVAIL;

    for (unsigned i = 0; i < n && err == -EADDRNOTAVAIL; i++) {
        unsigned at = n > 1 ? candidate(i, offset, n) : 0;
        err = try_connect(s, low + at);
        if (!err)
            *counter = ((*counter & ~1u) + 2 * (i + 1) + (random_u64() & 2)) | (at & 1);
    }
    return err;
}

static int connect_locked(struct inet_socket *s)
{
    bool stream = s->socket.type == SOCK_STREAM;
    int err = 0;

    if (!s->port && stream)
        return connect_stream(s);
    if (!s->port)
        err = bind_port(s, &s->local, 0);
    if (err)
        return err == -EADDRINUSE ? -EAGAIN : err;
    err = demux_connect(s, s->local_port, stream);
    if (!err) {
        enter(s);
        demux_unbind(s);
    }
    return err;
}

int inet_hash_connect(struct inet_socket *s)
{
    if (demux_init() < 0)
        return -ENOMEM;
    mutex_lock(&bind_lock);
    int err = connect_locked(s);
    mutex_unlock(&bind_lock);
    return err;
}

int inet_hash_accepted(struct inet_socket *s, struct inet_socket *listener)
{
    mutex_lock(&bind_lock);
    int err = demux_connect(s, listener->local_port, true) ? -EEXIST : 0;
    if (!err && listener->port)
        take(listener->port, s);
    if (!err)
        enter(s);
    mutex_unlock(&bind_lock);
    return err;
}

/* --- bound sockets */

int inet_hash_bound(struct inet_socket *s)
{
    int err = demux_init();

    mutex_lock(&bind_lock);
    /* Two that share by SO_REUSEADDR alone cannot both listen. */
    if (!err && s->port && s->socket.type == SOCK_STREAM &&
        is_excluded(s->port, s, &s->local, false))
        err = -EADDRINUSE;
    if (!err)
        err = demux_bind(s);
    if (!err) {
        enter(s);
        demux_disconnect(s);
    }
    mutex_unlock(&bind_lock);
    return err;
}

void inet_unhash_but_port(struct inet_socket *s)
{
    mutex_lock(&bind_lock);
    demux_disconnect(s);
    demux_unbind(s);
    mutex_unlock(&bind_lock);
}

void inet_unhash(struct inet_socket *s)
{
    mutex_lock(&bind_lock);
    demux_disconnect(s);
    demux_unbind(s);
    leave(s);
    bool held = s->tabled;
    s->tabled = false;
    mutex_unlock(&bind_lock);
    if (held)
        inet_put(s);
}
