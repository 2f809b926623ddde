/* net/packet_diag.c: AF_PACKET sockets in NETLINK_SOCK_DIAG. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/filter.h"
#include "net/packet_socket.h"
#include "net/sock_diag.h"

enum { /* PACKET_DIAG_* */
       INFO,
       MEMBERSHIPS,
       RECEIVE_RING, /* and SEND_RING */
       FANOUT = 4,
       UID,
       MEMINFO,
       FILTER,
};
enum {
    SHOW_INFO = 1,
    SHOW_MEMBERSHIPS = 2,
    SHOW_RINGS = 4,
    SHOW_FANOUT = 8,
    SHOW_MEMINFO = 16,
    SHOW_FILTER = 32
};

struct diag_request {
    uint8_t family, protocol;
    uint16_t pad;
    uint32_t ino, show, cookie[2];
};
struct diag_message {
    uint8_t family, type;
    uint16_t protocol;
    uint32_t ino, cookie[2];
};
struct diag_membership {
    uint32_t ifindex, users;
    uint16_t type, len;
    uint8_t address[32];
};

struct answer {
    struct netlink_request *request;
    struct diag_request wanted;
    struct packet_socket *socket;
    struct packet_ring_request rings[RINGS];
    struct diag_membership *memberships;
    unsigned nmemberships;
    uint32_t cookie[2];
    bool privileged;
    int err;
};

static void put_info(struct nl_out *out, const struct packet_socket *p)
{
    uint32_t info[] = {p->netif ? p->netif->index : 0,
                       p->version,
                       p->reserve,
                       p->copy_threshold,
                       p->timestamp,
                       packet_is_running(p) | p->auxdata << 1 | p->origdev << 2 | p->has_vnet << 3 |
                           p->loss << 4};

    nl_put(out, INFO, info, sizeof(info));
    nl_put_u32(out, UID, p->socket.cred.uid);
}

static void put_filter(struct nl_out *out, const struct answer *a)
{
    const void *insns = NULL;
    unsigned n = a->privileged ? socket_filter_peek(&a->socket->socket, &insns) : 0;

    if (n || !a->privileged)
        nl_put(out, FILTER, insns, n);
}

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *a = arg;
    const struct netlink_request *r = a->request;
    struct packet_socket *p = a->socket;
    uint32_t show = a->wanted.show;
    struct diag_message *m = nl_begin(out, SOCK_DIAG_BY_FAMILY, netlink_flags(r), r->message.seq,
                                      r->netlink->port, sizeof(*m));

    *m = (struct diag_message){AF_PACKET,
                               (uint8_t)p->socket.type,
                               p->protocol,
                               (uint32_t)p->socket.ino,
                               {a->cookie[0], a->cookie[1]}};
    if (show & SHOW_INFO)
        put_info(out, p);
    if (show & SHOW_MEMBERSHIPS)
        nl_put(out, MEMBERSHIPS, a->memberships, a->nmemberships * sizeof(*a->memberships));
    for (unsigned i = 0; show & SHOW_RINGS && i < RINGS; i++)
        if (a->rings[i].block_nr)
            nl_put(out, RECEIVE_RING + i, &a->rings[i], sizeof(a->rings[i]));
    if (show & SHOW_FANOUT && p->group)
        nl_put_u32(out, FANOUT, packet_fanout_number(p));
    if (show & SHOW_MEMINFO)
        diag_put_meminfo(out, MEMINFO, &p->socket, (uint32_t)p->charged, 0,
                         atomic_load_explicit(&p->dropped, memory_order_relaxed));
    if (show & SHOW_FILTER)
        put_filter(out, a);
    return nl_end(out);
}

static void copy_rings(struct answer *a, struct packet_socket *p)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    for (unsigned i = 0; i < RINGS; i++)
        a->rings[i] = p->rings[i] ? p->rings[i]->request : (struct packet_ring_request){};
    spin_unlock_irq(&p->queue_lock, flags);
}

static int copy_memberships(struct answer *a, struct packet_socket *p)
{
    unsigned n = 0;

    list_for_each_entry (struct packet_membership, m, &p->memberships, link)
        n++;
    a->memberships = kzalloc(MAX(n, 1u) * sizeof(*a->memberships));
    a->nmemberships = n;
    if (!a->memberships)
        return -ENOMEM;
    struct diag_membership *d = a->memberships;
    list_for_each_entry (struct packet_membership, m, &p->memberships, link) {
        *d = (struct diag_membership){(uint32_t)m->ifindex, m->users, m->type, m->len, {}};
        memcpy(d++->address, m->address, sizeof(d->address));
    }
    return 0;
}

static bool visit(struct packet_socket *p, void *arg)
{
    struct answer *a = arg;

    if (!p->socket.ino)
        return true;
    a->socket = p;
    diag_cookie(&p->socket, a->cookie);
    copy_rings(a, p);
    a->err = copy_memberships(a, p);
    if (!a->err)
        a->err = netlink_reply(a->request, fill, a);
    kfree(a->memberships);
    return !a->err;
}

/* Only all of them can be asked for. */
int diag_packet(struct netlink_request *r)
{
    struct answer a = {.request = r, .privileged = socket_capable(NET_CAP_ADMIN)};

    if (r->message.len < sizeof(a.wanted))
        return -EINVAL;
    memcpy(&a.wanted, r->message.payload, sizeof(a.wanted));
    if (a.wanted.protocol)
        return -EINVAL;
    if (!(r->message.flags & NLM_F_DUMP))
        return -EOPNOTSUPP;
    a.err = netlink_dump_begin(r);
    if (a.err)
        return a.err;
    packet_each(visit, &a);
    return netlink_dump_end(r, a.err);
}
