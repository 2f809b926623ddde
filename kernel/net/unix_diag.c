/* net/unix_diag.c: AF_UNIX sockets in NETLINK_SOCK_DIAG. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/sock_diag.h"
#include "net/unix.h"

enum { /* UNIX_DIAG_* */
       NAME,
       VFS,
       PEER,
       ICONS,
       RQLEN,
       MEMINFO,
       SHUTDOWN,
       UID,
};
enum {
    SHOW_NAME = 1,
    SHOW_VFS = 2,
    SHOW_PEER = 4,
    SHOW_ICONS = 8,
    SHOW_RQLEN = 16,
    SHOW_MEMINFO = 32,
    SHOW_UID = 64
};
enum { ESTABLISHED = 1, CLOSE = 7, LISTEN = 10, ICONS_MAX = 512 };

struct diag_request {
    uint8_t family, protocol;
    uint16_t pad;
    uint32_t states, ino, show, cookie[2];
};
struct diag_message {
    uint8_t family, type, state, pad;
    uint32_t ino, cookie[2];
};

struct answer {
    struct netlink_request *request;
    struct diag_request wanted;
    const struct unix_view *view;
    uint32_t cookie[2];
    uint32_t *icons;
    unsigned nicons;
    int err;
};

static uint8_t state_of(const struct unix_view *v)
{
    return v->state == UNIX_LISTENING ? LISTEN : v->has_peer ? ESTABLISHED : CLOSE;
}

static void put_lengths(struct nl_out *out, const struct unix_view *v)
{
    bool listens = v->state == UNIX_LISTENING;
    uint32_t lengths[2] = {v->waiting, listens ? v->backlog : v->sent};

    nl_put(out, RQLEN, lengths, sizeof(lengths));
}

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *a = arg;
    const struct unix_view *v = a->view;
    const struct netlink_request *r = a->request;
    uint32_t show = a->wanted.show, vfs[2] = {(uint32_t)v->inode, v->device};
    struct diag_message *m = nl_begin(out, SOCK_DIAG_BY_FAMILY, netlink_flags(r), r->message.seq,
                                      r->netlink->port, sizeof(*m));

    *m = (struct diag_message){AF_UNIX, (uint8_t)v->type, state_of(v),
                               0,       (uint32_t)v->ino, {a->cookie[0], a->cookie[1]}};
    if (show & SHOW_NAME && v->name_len)
        nl_put(out, NAME, v->name, v->name_len);
    if (show & SHOW_VFS && v->has_inode)
        nl_put(out, VFS, vfs, sizeof(vfs));
    if (show & SHOW_PEER && v->has_peer)
        nl_put_u32(out, PEER, (uint32_t)v->peer_ino);
    if (show & SHOW_ICONS && a->nicons)
        nl_put(out, ICONS, a->icons, a->nicons * sizeof(*a->icons));
    if (show & SHOW_RQLEN)
        put_lengths(out, v);
    if (show & SHOW_MEMINFO)
        diag_put_meminfo(out, MEMINFO, &v->socket->socket, v->waiting, v->sent, 0);
    nl_put_u8(out, SHUTDOWN, (uint8_t)v->shut);
    if (show & SHOW_UID)
        nl_put_u32(out, UID, v->uid);
    return nl_end(out);
}

static void add_pending(uint64_t ino, void *arg)
{
    struct answer *a = arg;

    if (a->nicons < ICONS_MAX)
        a->icons[a->nicons++] = (uint32_t)ino;
}

static int tell(struct answer *a, const struct unix_view *v)
{
    a->view = v;
    a->nicons = 0;
    diag_cookie(&v->socket->socket, a->cookie);
    if (a->wanted.show & SHOW_ICONS && v->state == UNIX_LISTENING)
        unix_each_pending(v->socket, add_pending, a);
    return netlink_reply(a->request, fill, a);
}

static bool visit(const struct unix_view *v, void *arg)
{
    struct answer *a = arg;

    if (!(a->wanted.states >> state_of(v) & 1) || (a->wanted.ino && a->wanted.ino != v->ino))
        return true;
    a->err = tell(a, v);
    return !a->err;
}

static bool visit_one(const struct unix_view *v, void *arg)
{
    struct answer *a = arg;

    if (v->ino != a->wanted.ino)
        return true;
    a->err = diag_cookie_meets(&v->socket->socket, a->wanted.cookie) ? tell(a, v) : -ESTALE;
    return false;
}

static int search(struct answer *a)
{
    bool dump = a->request->message.flags & NLM_F_DUMP;

    if (!dump && !a->wanted.ino)
        return -EINVAL;
    a->err = dump ? netlink_dump_begin(a->request) : -ENOENT;
    if (!dump || !a->err)
        unix_each(dump ? visit : visit_one, a);
    return a->err;
}

int diag_unix(struct netlink_request *r)
{
    struct answer a = {.request = r};

    if (r->message.len < sizeof(a.wanted))
        return -EINVAL;
    memcpy(&a.wanted, r->message.payload, sizeof(a.wanted));
    if (a.wanted.protocol)
        return -EINVAL;
    a.icons = kmalloc(ICONS_MAX * sizeof(*a.icons));
    if (!a.icons)
        return -ENOMEM;
    int err = search(&a);
    kfree(a.icons);
    return err;
}
