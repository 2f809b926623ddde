#include "net/inet_view.h"

#include "mm/heap.h"
#include "net/raw.h"

enum { VIEWS_MAX = (4 << 20) / sizeof(struct inet_view), SLACK = 16 };

void (*inet_remnants_hook)(inet_remnant_fn *fn, void *arg);
void (*inet_requests_hook)(struct inet_socket *listener, inet_remnant_fn *fn, void *arg);

static bool count(struct inet_socket *s, void *arg)
{
    ++*(unsigned *)arg;
    return true;
}
static bool count_remnant(const struct inet_remnant *r, void *arg)
{
    ++*(unsigned *)arg;
    return true;
}

static bool add(struct inet_socket *s, void *arg)
{
    struct inet_views *all = arg;

    if (all->n == all->room)
        return false;
    if (!inet_try_get(s))
        return true;
    struct inet_view *v = &all->views[all->n++];
    *v = (struct inet_view){.socket = s,
                            .local = s->local,
                            .remote = s->remote,
                            .local_port = s->local_port,
                            .remote_port = s->remote_port,
                            .v6 = s->socket.family == AF_INET6,
                            .netif = s->flow.bound ? s->flow.bound->index : 0,
                            .uid = s->socket.cred.uid,
                            .drops = s->drops,
                            .refs = s->refs - 1,
                            .ino = s->socket.ino,
                            .d = {.state = INET_STATE_CLOSE}};
    if (s->proto->describe)
        s->proto->describe(s, &v->d);
    return true;
}

enum { SYN_RECV = 3 };

static bool add_remnant(const struct inet_remnant *r, void *arg)
{
    enum { ON = 1, TIMEWAIT = 3 };
    struct inet_views *all = arg;

    if (all->n == all->room)
        return false;
    all->views[all->n++] = (struct inet_view){.local = r->local,
                                              .remote = r->remote,
                                              .local_port = r->local_port,
                                              .remote_port = r->remote_port,
                                              .v6 = r->v6,
                                              .netif = r->netif ? r->netif->index : 0,
                                              .refs = r->state != SYN_RECV,
                                              .d = {.state = r->state,
                                                    .timer = r->state == SYN_RECV ? ON : TIMEWAIT,
                                                    .timer_ms = r->timer_ms,
                                                    .retransmits = r->retransmits}};
    return true;
}

/* How the sockets of one kind are gone through; fn under RCU. */
typedef void each_fn(bool (*fn)(struct inet_socket *s, void *arg), void *arg);

static void each_tcp(bool (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    inet_each(IPPROTO_TCP, fn, arg);
}
static void each_udp(bool (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    inet_each(IPPROTO_UDP, fn, arg);
}

struct pass {
    bool (*fn)(struct inet_socket *s, void *arg);
    void *arg;
    int type;
};

static bool pass_raw(struct raw_socket *r, void *arg)
{
    const struct pass *pass = arg;

    return raw_inet(r)->socket.type != pass->type || pass->fn(raw_inet(r), pass->arg);
}
static void each_raw(bool (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    raw_each(pass_raw, &(struct pass){fn, arg, SOCK_RAW});
}
static void each_ping(bool (*fn)(struct inet_socket *s, void *arg), void *arg)
{
    raw_each(pass_raw, &(struct pass){fn, arg, SOCK_DGRAM});
}

/* Of each listener, with its user. As many as there is room for. */
static void add_requests(struct inet_views *all)
{
    unsigned n = all->n, wanted = n;

    for (unsigned i = 0; i < n; i++)
        if (all->views[i].d.state == INET_STATE_LISTEN)
            inet_requests_hook(all->views[i].socket, count_remnant, &wanted);
    if (wanted > all->room) {
        unsigned room = MIN(wanted + SLACK, (unsigned)VIEWS_MAX);
        struct inet_view *larger = krealloc(all->views, room * sizeof(*larger));

        if (larger)
            *all = (struct inet_views){larger, n, room};
    }
    for (unsigned i = 0; i < n && wanted > n; i++) {
        unsigned first = all->n;

        if (all->views[i].d.state == INET_STATE_LISTEN)
            inet_requests_hook(all->views[i].socket, add_remnant, all);
        for (; first < all->n; first++)
            all->views[first].uid = all->views[i].uid;
    }
}

static int get(struct inet_views *all, each_fn *each, bool remnants)
{
    unsigned n = SLACK;

    remnants &= inet_remnants_hook != NULL;
    rcu_read_lock();
    each(count, &n);
    if (remnants)
        inet_remnants_hook(count_remnant, &n);
    rcu_read_unlock();
    *all = (struct inet_views){.room = MIN(n + n / 8, (unsigned)VIEWS_MAX)};
    all->views = kmalloc(all->room * sizeof(*all->views));
    if (!all->views)
        return -ENOMEM;
    rcu_read_lock();
    each(add, all);
    if (remnants)
        inet_remnants_hook(add_remnant, all);
    rcu_read_unlock();
    if (remnants)
        add_requests(all);
    return 0;
}

int inet_views_get(struct inet_views *all, unsigned protocol)
{
    bool tcp = protocol == IPPROTO_TCP;

    return get(all, tcp ? each_tcp : each_udp, tcp);
}

int inet_views_get_raw(struct inet_views *all, bool ping)
{
    return get(all, ping ? each_ping : each_raw, false);
}

static void drop(struct inet_views *all, unsigned i)
{
    struct inet_socket *s = all->views[i].socket;

    all->views[i] = all->views[--all->n];
    if (s)
        inet_put(s);
}

void inet_views_put(struct inet_views *all)
{
    while (all->views && all->n)
        drop(all, all->n - 1);
    kfree(all->views);
}

struct inet_addr inet_view_address(const struct inet_view *view, const struct inet_addr *a)
{
    return view->v6 && inet_is_any(a) ? (struct inet_addr){} : *a;
}
