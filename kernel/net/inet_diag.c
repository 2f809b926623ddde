/* net/inet_diag.c: Internet sockets in NETLINK_SOCK_DIAG. */
#include "lib/endian.h"
#include "lib/string.h"
#include "net/inet_diag_filter.h"
#include "net/inet_view.h"
#include "net/sock_diag.h"

enum { BYTECODE = 1, PROTOCOL = 3, REQUEST_ATTRS };
enum { /* INET_DIAG_* */
       MEMINFO = 1,
       INFO,
       CONG = 4,
       TOS,
       TCLASS,
       SKMEMINFO,
       SHUTDOWN,
       SKV6ONLY = 11,
       MARK = 15,
       SOCKOPT = 22,
};
enum { SOL_TCP = 6, TCP_INFO = 11, TCP_CONGESTION = 13, INFO_MAX = 248, NAME_ROOM = 16 };

struct sockid {
    uint8_t local_port[2], remote_port[2]; /* in network order */
    uint8_t local[16], remote[16];
    uint32_t netif, cookie[2];
};
struct diag_request {
    uint8_t family, protocol, extensions, raw_protocol;
    uint32_t states;
    struct sockid id;
};
struct old_request { /* of *DIAG_GETSOCK */
    uint8_t family, local_len, remote_len, extensions;
    struct sockid id;
    uint32_t states, tables;
};
struct diag_message {
    uint8_t family, state, timer, retransmits;
    struct sockid id;
    uint32_t expires, receive_queue, send_queue, uid, inode;
};

/* A request, and the socket that is just being told. */
struct answer {
    struct netlink_request *request;
    struct diag_request wanted;
    const uint8_t *code;
    size_t code_len;
    const struct inet_view *view;
    uint32_t cookie[2];
    uint8_t info[INFO_MAX];
    int info_len;
    char congestion[NAME_ROOM];
};

static bool wants(const struct answer *a, unsigned attribute)
{
    return a->wanted.extensions >> (attribute - 1) & 1;
}

/* --- one socket
 * ------------------------------------------------------------------------------------------------
 */

static void put_address(uint8_t bytes[16], const struct inet_view *v, const struct inet_addr *a)
{
    struct inet_addr shown = inet_view_address(v, a);

    memset(bytes, 0, 16);
    if (v->v6)
        memcpy(bytes, shown.bytes, 16);
    else
        memcpy(bytes, shown.bytes + 12, 4);
}

static void put_head(struct diag_message *m, const struct answer *a)
{
    const struct inet_view *v = a->view;

    m->family = v->v6 ? AF_INET6 : AF_INET;
    m->state = (uint8_t)v->d.state;
    m->timer = (uint8_t)v->d.timer;
    m->retransmits = (uint8_t)(v->d.timer == 4 ? v->d.probes : v->d.retransmits);
    put_be16(m->id.local_port, v->local_port);
    put_be16(m->id.remote_port, v->remote_port);
    put_address(m->id.local, v, &v->local);
    put_address(m->id.remote, v, &v->remote);
    m->id.netif = v->netif;
    memcpy(m->id.cookie, a->cookie, sizeof(m->id.cookie));
    m->expires = v->d.timer_ms;
    m->receive_queue = v->d.receive_queue;
    m->send_queue = v->d.send_queue;
    m->uid = v->uid;
    m->inode = (uint32_t)v->ino;
}

static void put_socket(struct nl_out *out, const struct answer *a)
{
    const struct inet_socket *s = a->view->socket;
    const struct socket *socket = &s->socket;
    uint32_t meminfo[4] = {a->view->d.receive_queue, a->view->d.send_queue, 0, 0};

    nl_put_u8(out, SHUTDOWN, 0);
    if (wants(a, TOS))
        nl_put_u8(out, TOS, s->options.tos);
    if (a->view->v6 && wants(a, TCLASS))
        nl_put_u8(out, TCLASS, s->options.tclass);
    if (a->view->v6 &&
        (a->view->d.state == INET_STATE_LISTEN || a->view->d.state == INET_STATE_CLOSE))
        nl_put_u8(out, SKV6ONLY, s->v6only);
    if (a->request->admin)
        nl_put_u32(out, MARK, (uint32_t)socket->mark);
    if (wants(a, MEMINFO))
        nl_put(out, MEMINFO, meminfo, sizeof(meminfo));
    if (wants(a, SKMEMINFO))
        diag_put_meminfo(out, SKMEMINFO, socket, meminfo[0], meminfo[1], a->view->drops);
    if (a->info_len > 0)
        nl_put(out, INFO, a->info, (size_t)a->info_len);
    if (a->congestion[0])
        nl_put_text(out, CONG, a->congestion);
}

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *a = arg;
    const struct netlink_request *r = a->request;
    struct diag_message *m = nl_begin(out, r->message.type, netlink_flags(r), r->message.seq,
                                      r->netlink->port, sizeof(*m));

    put_head(m, a);
    if (a->view->socket)
        put_socket(out, a);
    return nl_end(out);
}

/* What takes the socket's lock, before anything is written. */
static void look_closely(struct answer *a)
{
    struct inet_socket *s = a->view->socket;

    a->info_len = 0;
    a->congestion[0] = 0;
    diag_cookie(s ? &s->socket : NULL, a->cookie);
    if (!s || s->proto->number != IPPROTO_TCP)
        return;
    if (wants(a, INFO))
        a->info_len = socket_get_option(&s->socket, SOL_TCP, TCP_INFO, a->info, sizeof(a->info));
    if (wants(a, CONG)) {
        int n = socket_get_option(&s->socket, SOL_TCP, TCP_CONGESTION, a->congestion,
                                  sizeof(a->congestion) - 1);
        a->congestion[MAX(n, 0)] = 0;
    }
}

static int tell(struct answer *a, const struct inet_view *v)
{
    a->view = v;
    look_closely(a);
    return netlink_reply(a->request, fill, a);
}

/* --- which
 * ------------------------------------------------------------------------------------------------------
 */

static int get_views(struct inet_views *all, unsigned protocol)
{
    *all = (struct inet_views){};
    switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
        return inet_views_get(all, protocol);
    case IPPROTO_RAW:
        return inet_views_get_raw(all, false);
    case IPPROTO_UDPLITE:
        return 0;
    default:
        return -ENOENT;
    }
}

static bool passes(const struct answer *a, const struct inet_view *v)
{
    const struct diag_request *w = &a->wanted;
    unsigned local = get_be16(w->id.local_port), remote = get_be16(w->id.remote_port);
    struct diag_subject subject = {.v6 = v->v6,
                                   .local = inet_view_address(v, &v->local),
                                   .remote = inet_view_address(v, &v->remote),
                                   .local_port = v->local_port,
                                   .remote_port = v->remote_port,
                                   .netif = v->netif,
                                   .mark = v->socket ? (uint32_t)v->socket->socket.mark : 0,
                                   .chosen_port = v->socket && !v->socket->bound_port};

    if ((w->family && v->v6 != (w->family == AF_INET6)) || !(w->states >> v->d.state & 1))
        return false;
    if ((local && local != v->local_port) || (remote && remote != v->remote_port))
        return false;
    return !a->code || diag_filter_run(a->code, a->code_len, &subject);
}

static int dump(struct answer *a, unsigned protocol)
{
    struct inet_views all;
    int err = get_views(&all, protocol);

    for (unsigned listening = 2; listening-- > 0;)
        for (unsigned i = 0; !err && i < all.n; i++)
            if ((all.views[i].d.state == INET_STATE_LISTEN) == (bool)listening &&
                passes(a, &all.views[i]))
                err = tell(a, &all.views[i]);
    inet_views_put(&all);
    return err;
}

static bool is_meant(const struct answer *a, const struct inet_view *v)
{
    const struct sockid *id = &a->wanted.id;
    uint8_t local[16], remote[16];

    put_address(local, v, &v->local);
    put_address(remote, v, &v->remote);
    if (v->v6 != (a->wanted.family == AF_INET6) || get_be16(id->local_port) != v->local_port)
        return false;
    if (v->d.state != INET_STATE_LISTEN &&
        (get_be16(id->remote_port) != v->remote_port || memcmp(local, id->local, 16) ||
         memcmp(remote, id->remote, 16)))
        return false;
    return !v->socket || diag_cookie_meets(&v->socket->socket, id->cookie);
}

static int get_one(struct answer *a, unsigned protocol)
{
    struct inet_views all;
    int err = get_views(&all, protocol);

    if (!err)
        err = -ENOENT;
    for (unsigned i = 0; err == -ENOENT && i < all.n; i++)
        if (is_meant(a, &all.views[i]))
            err = tell(a, &all.views[i]);
    inet_views_put(&all);
    return err;
}

/* Take the request's head, whose size is returned; -EINVAL. The older kind dumps both families. */
static int read_head(struct diag_request *to, const struct nl_message *m)
{
    struct old_request old;
    bool is_old = m->type != SOCK_DIAG_BY_FAMILY;
    size_t size = is_old ? sizeof(old) : sizeof(*to);

    if (m->len < size)
        return -EINVAL;
    memcpy(is_old ? (void *)&old : to, m->payload, size);
    if (is_old)
        *to = (struct diag_request){.family = m->flags & NLM_F_DUMP ? 0 : old.family,
                                    .protocol =
                                        m->type == TCPDIAG_GETSOCK ? IPPROTO_TCP : IPPROTO_DCCP,
                                    .extensions = old.extensions,
                                    .states = old.states,
                                    .id = old.id};
    return (int)size;
}

int diag_inet(struct netlink_request *r)
{
    struct nl_attr attrs[REQUEST_ATTRS];
    struct answer a = {.request = r};
    const struct nl_message *m = &r->message;

    int head = read_head(&a.wanted, m), err = head;
    if (head >= 0)
        err = nl_attrs(m->payload, m->len, head, attrs, REQUEST_ATTRS, NULL, false, NULL);
    if (err)
        return err;
    unsigned protocol = attrs[PROTOCOL].data ? nl_u32(&attrs[PROTOCOL]) : a.wanted.protocol;
    if (!(m->flags & NLM_F_DUMP))
        return get_one(&a, protocol);
    if (attrs[BYTECODE].data) {
        a.code = attrs[BYTECODE].data;
        a.code_len = attrs[BYTECODE].len;
        err = diag_filter_check(a.code, a.code_len, r->admin);
        if (err)
            return err;
    }
    err = netlink_dump_begin(r);
    return err ? err : dump(&a, protocol);
}
