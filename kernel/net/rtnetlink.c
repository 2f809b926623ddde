/* net/rtnetlink.c: which message of NETLINK_ROUTE is whose, and what is told to its groups. */
#include "net/rtnetlink.h"

#include "core/boot.h"
#include "core/clock.h"
#include "lib/string.h"
#include "core/mutex.h"
#include "mm/heap.h"
#include "net/worker.h"

/* --- for all kinds
 * ------------------------------------------------------------------------------------------ */

int rtnl_refuse(struct netlink_request *r, int err, const char *why)
{
    r->why = why;
    return err;
}

int rtnl_fixed(struct netlink_request *r, void *fixed, size_t n, const char *why)
{
    const struct nl_message *m = &r->message;
    bool old = rtnl_is_dump(r) && !r->netlink->strict;

    memset(fixed, 0, n);
    if (m->len < n && !old)
        return rtnl_refuse(r, -EINVAL, why);
    memcpy(fixed, m->payload, m->len < n ? 1 : n);
    return 0;
}

int rtnl_attrs(struct netlink_request *r, size_t n, struct nl_attr *attrs, unsigned count,
               const uint8_t *least)
{
    const struct nl_message *m = &r->message;
    bool reads = (m->type & 3) == 2;

    if (m->len < n)
        n = m->len;
    return nl_attrs(m->payload, m->len, n, attrs, count, least, reads && r->netlink->strict,
                    &r->why);
}

bool rtnl_get_addr(const struct nl_attr *attr, unsigned family, struct inet_addr *a)
{
    size_t n = family == RTNL_INET ? 4 : 16;

    *a = (struct inet_addr){};
    if (!attr->data || attr->len < n)
        return false;
    if (family == RTNL_INET)
        *a = inet_v4(get_le32(attr->data));
    else
        memcpy(a->bytes, attr->data, 16);
    return true;
}

void rtnl_put_addr(struct nl_out *out, unsigned type, const struct inet_addr *a)
{
    bool v4 = inet_is_v4(a);

    nl_put(out, type, v4 ? a->bytes + 12 : a->bytes, v4 ? 4 : 16);
}

uint32_t rtnl_seconds_left(nsec_t until)
{
    nsec_t left = until - clock_monotonic();

    if (until == NSEC_FOREVER)
        return UINT32_MAX;
    return left > 0 ? (uint32_t)MIN(left / 1000000000, (nsec_t)UINT32_MAX - 1) : 0;
}

uint32_t rtnl_ticks_since(nsec_t then)
{
    return (uint32_t)((clock_monotonic() - then) / 10000000);
}

/* --- requests
 * --------------------------------------------------------------------------------------------------
 */

static int dispatch(struct netlink_request *r)
{
    switch (r->message.type & ~3u) {
    case RTM_NEWLINK:
        return rtnl_link(r);
    case RTM_NEWADDR:
        return rtnl_address(r);
    case RTM_NEWROUTE:
        return rtnl_route(r);
    case RTM_NEWNEIGH:
        return rtnl_neighbour(r);
    case RTM_NEWRULE:
        return rtnl_rule(r);
    default:
        return -EOPNOTSUPP;
    }
}

/* A message's type ends in what it wants: 0 new, 1 del, 2 get, 3 set. */
static int request(struct netlink_request *r)
{
    enum { GET = 2 };

    if (r->message.type > RTM_MAX)
        return -EOPNOTSUPP;
    if (!r->message.len)
        return 0;
    if ((r->message.type & 3) != GET && !r->admin)
        return -EPERM;
    return dispatch(r);
}

/* --- notifications
 * ------------------------------------------------------------------------------------------ */

enum { NOTE_MAX = 2048 };

struct note {
    struct nl_out out;
    uint8_t *buf;
};

/* Room for a message, if anybody in the group wants it. */
static bool note_begin(struct note *note, unsigned group)
{
    if (!netlink_listened(NETLINK_ROUTE, group))
        return false;
    note->buf = kmalloc(NOTE_MAX);
    note->out = (struct nl_out){.buf = note->buf, .size = NOTE_MAX};
    return note->buf;
}

static void note_send(struct note *note, unsigned group)
{
    if (note->out.len)
        netlink_multicast(NETLINK_ROUTE, group, note->out.buf, note->out.len);
    kfree(note->buf);
}

static void tell_link(struct netif *netif, enum netif_event event)
{
    struct rtnl_head head = {.type = RTM_NEWLINK};
    struct note note;

    if (!note_begin(&note, RTNLGRP_LINK))
        return;
    rtnl_fill_link(&note.out, &head, netif, event == NETIF_NEW ? UINT32_MAX : 0);
    note_send(&note, RTNLGRP_LINK);
}

static void tell_address(const struct netif_address *a, bool added)
{
    struct rtnl_head head = {.type = added ? RTM_NEWADDR : RTM_DELADDR};
    unsigned group = inet_is_v4(&a->address) ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
    struct note note;

    if (!note_begin(&note, group))
        return;
    rtnl_fill_address(&note.out, &head, a);
    note_send(&note, group);
}

static void changed(struct netif *netif, enum netif_event event, struct netif_address *address)
{
    switch (event) {
    case NETIF_NEW:
    case NETIF_CHANGED:
        tell_link(netif, event);
        break;
    case NETIF_ADDRESS_ADDED:
    case NETIF_ADDRESS_CHANGED:
    case NETIF_ADDRESS_REMOVED:
        tell_address(address, event != NETIF_ADDRESS_REMOVED);
        break;
    default:
        break;
    }
}

static void route_changed(const struct route *route, bool added)
{
    struct rtnl_head head = {.type = added ? RTM_NEWROUTE : RTM_DELROUTE};
    unsigned group = inet_is_v4(&route->destination) ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
    struct note note;

    if (!note_begin(&note, group))
        return;
    rtnl_fill_route(&note.out, &head, route);
    note_send(&note, group);
}

/* Neighbours change in any context: as they were then they wait for a worker. */
static struct {
    struct worker_call call;
    struct spinlock lock;
    struct mutex telling; /* one at a time, in order */
    struct told {
        struct told *next;
        struct neighbour neighbour;
        bool removed;
    } * first, *last;
    atomic_uint waiting;
} changes;
enum { CHANGES_MAX = 4 * NEIGHBOURS_MAX }; /* what is beyond them is not told */

static void neighbour_changed(const struct neighbour *neighbour, bool removed)
{
    struct told *told;

    if (!netlink_listened(NETLINK_ROUTE, RTNLGRP_NEIGH) ||
        atomic_load(&changes.waiting) >= CHANGES_MAX || !(told = kmalloc(sizeof(*told))))
        return;
    atomic_fetch_add(&changes.waiting, 1);
    *told = (struct told){.neighbour = *neighbour, .removed = removed};
    uint64_t flags = spin_lock_irq(&changes.lock);
    if (changes.first)
        changes.last->next = told;
    else
        changes.first = told;
    changes.last = told;
    spin_unlock_irq(&changes.lock, flags);
    worker_post(&changes.call);
}

static struct told *next_change(void)
{
    uint64_t flags = spin_lock_irq(&changes.lock);
    struct told *told = changes.first;

    if (told)
        changes.first = told->next;
    spin_unlock_irq(&changes.lock, flags);
    return told;
}

static void tell_neighbours(struct worker_call *call)
{
    struct told *told;

    mutex_lock(&changes.telling);
    while ((told = next_change())) {
        struct rtnl_head head = {.type = told->removed ? RTM_DELNEIGH : RTM_NEWNEIGH};
        struct note note;

        if (note_begin(&note, RTNLGRP_NEIGH)) {
            rtnl_fill_neighbour(&note.out, &head, &told->neighbour);
            note_send(&note, RTNLGRP_NEIGH);
        }
        kfree(told);
        atomic_fetch_sub(&changes.waiting, 1);
    }
    mutex_unlock(&changes.telling);
}

static int start(void)
{
    static const struct netlink_protocol protocol = {
        .number = NETLINK_ROUTE, .groups = RTNL_GROUPS, .request = request};
    static struct netif_watcher watcher = {.changed = changed};

    netlink_register(&protocol);
    netif_watch(&watcher);
    route_changed_hook = route_changed;
    changes.call.fn = tell_neighbours;
    neighbour_changed_hook = neighbour_changed;
    return 0;
}
BOOT_STEP(PHASE_FS, "rtnetlink", start);
