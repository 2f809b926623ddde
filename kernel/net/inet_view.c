#include "net/inet_view.h"

#include "mm/heap.h"

enum { VIEWS_MAX = (4 << 20) / sizeof(struct inet_view), SLACK = 16 };

void (*inet_remnants_hook)(bool (*fn)(const struct inet_remnant *r, void *arg), void *arg);

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

static bool add_remnant(const struct inet_remnant *r, void *arg)
{
    enum { ON = 1, TIMEWAIT = 3, SYN_RECV = 3 };
    struct inet_views *all = arg;

    if (all->n == all->room)
        return false;
    all->views[all->n++] = (struct inet_view){.local = r->local,
                                              .remote = r->remote,
                                              .local_port = r->local_port,
                                              .remote_port = r->remote_port,
                                              .v6 = r->v6,
                                              .netif = r->netif ? r->netif->index : 0,
                                              .refs = 1,
                                              .d = {.state = r->state,
                                                    .timer = r->state == SYN_RECV ? ON : TIMEWAIT,
                                                    .timer_ms = r->timer_ms,
                                                    .retransmits = r->retransmits}};
    return true;
}

/* Sockets of protocols first <= p < end, but for those that are not wanted. */
static void each(unsigned first, unsigned end, bool (*fn)(struct inet_socket *s, void *arg),
                 void *arg)
{
    rcu_read_lock();
    for (unsigned p = first; p < end; p++)
        inet_each(p, fn, arg);
    rcu_read_unlock();
}

static int get(struct inet_views *all, unsigned first, unsigned end, bool remnants)
{
    unsigned n = SLACK;

    remnants &= inet_remnants_hook != NULL;
    each(first, end, count, &n);
    rcu_read_lock();
    if (remnants)
        inet_remnants_hook(count_remnant, &n);
    rcu_read_unlock();
    *all = (struct inet_views){.room = MIN(n + n / 8, (unsigned)VIEWS_MAX)};
    all->views = kmalloc(all->room * sizeof(*all->views));
    if (!all->views)
        return -ENOMEM;
    each(first, end, add, all);
    rcu_read_lock();
    if (remnants)
        inet_remnants_hook(add_remnant, all);
    rcu_read_unlock();
    return 0;
}

int inet_views_get(struct inet_views *all, unsigned protocol)
{
    return get(all, protocol, protocol + 1, protocol == IPPROTO_TCP);
}

static void drop(struct inet_views *all, unsigned i)
{
    struct inet_socket *s = all->views[i].socket;

    all->views[i] = all->views[--all->n];
    if (s)
        inet_put(s);
}

int inet_views_get_raw(struct inet_views *all, bool ping)
{
    int err = get(all, 0, 256, false);

    for (unsigned i = 0; !err && i < all->n;) {
        int type = all->views[i].socket->socket.type;
        unsigned p = all->views[i].socket->proto->number;
        bool is_ping = type == SOCK_DGRAM && (p == IPPROTO_ICMP || p == IPPROTO_ICMPV6);
        if (ping ? is_ping : type == SOCK_RAW)
            i++;
        else
            drop(all, i);
    }
    return err;
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
