/* net/unix.c: AF_UNIX sockets: life, connections, readiness. */
#include "net/unix.h"

#include "core/boot.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/filter.h"

enum { FIONREAD = 0x541b, TIOCOUTQ = 0x5411, SIOCATMARK = 0x8905 };

static struct kcache unix_cache = {.name = "unix_socket", .size = sizeof(struct unix_socket)};
static const struct socket_ops stream_ops, packet_ops;

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

static struct unix_socket *create(int type)
{
    struct unix_socket *u = kcache_alloc(&unix_cache);
    if (!u)
        return NULL;
    socket_init(&u->socket, type == SOCK_STREAM ? &stream_ops : &packet_ops, AF_UNIX, type, 0);
    atomic_init(&u->refs, 1);
    list_init(&u->clients);
    list_init(&u->client);
    list_init(&u->name_link);
    list_init(&u->queue);
    list_init(&u->pending);
    waitqueue_init(&u->readable);
    waitqueue_init(&u->writable);
    u->peek_offset = -1;
    unix_list_add(u);
    return u;
}

static struct group_set *groups_get(struct group_set *set)
{
    if (set)
        atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

static void free_groups(struct rcu_head *head)
{
    kfree(container_of(head, struct group_set, rcu));
}

/* Takes the reference of `groups`. */
static void set_peer_groups(struct unix_socket *u, struct group_set *groups)
{
    struct group_set *old = u->peer_groups;
    u->peer_groups = groups;
    if (old && atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) == 1)
        rcu_call(&old->rcu, free_groups);
}

static struct group_set *callers_groups(void)
{
    return groups_get(vfs_caller_hook()->cred->groups);
}

struct group_set *unix_peer_groups(struct unix_socket *u)
{
    mutex_lock(&u->lock);
    struct group_set *set = groups_get(u->peer_groups);
    mutex_unlock(&u->lock);
    return set;
}

void unix_put(struct unix_socket *u)
{
    if (atomic_fetch_sub_explicit(&u->refs, 1, memory_order_acq_rel) != 1)
        return;
    unix_list_remove(u);
    unix_name_put(u->name);
    set_peer_groups(u, NULL);
    socket_filter_free(&u->socket);
    kcache_free(&unix_cache, u);
}

void unix_lock_both(struct unix_socket *a, struct unix_socket *b)
{
    struct unix_socket *first = a < b ? a : b, *second = a < b ? b : a;
    mutex_lock(&first->lock);
    if (first != second)
        mutex_lock(&second->lock);
}

void unix_unlock_both(struct unix_socket *a, struct unix_socket *b)
{
    mutex_unlock(&a->lock);
    if (a != b)
        mutex_unlock(&b->lock);
}

static void wake_both_ways(struct unix_socket *u)
{
    waitqueue_wake(&u->readable, 0, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP | POLLERR);
    waitqueue_wake(&u->writable, 0, POLLOUT | POLLWRNORM | POLLWRBAND | POLLHUP | POLLERR);
}

static void close_socket(struct unix_socket *u, bool never_accepted);

static void close_pending(struct unix_socket *u)
{
    for (;;) {
        struct unix_socket *pending = NULL;
        mutex_lock(&u->lock);
        if (!list_empty(&u->queue)) {
            pending = list_first(&u->queue, struct unix_socket, pending);
            list_del(&pending->pending);
            u->nqueued--;
        }
        mutex_unlock(&u->lock);
        if (!pending)
            return;
        close_socket(pending, true);
    }
}

/* The other side of a connection learns that this one is gone. */
static void hang_up(struct unix_socket *peer, bool lost)
{
    if (lost)
        atomic_store(&peer->socket.error, ECONNRESET);
    peer->shut_read = peer->shut_write = true;
    wake_both_ways(peer);
}

/* Datagram sockets that were connected to a socket that is gone. */
static void drop_clients(struct unix_socket *u)
{
    for (;;) {
        struct unix_socket *client = NULL;
        mutex_lock(&u->lock);
        if (!list_empty(&u->clients)) {
            client = list_first(&u->clients, struct unix_socket, client);
            list_del(&client->client);
            unix_get(client);
        }
        mutex_unlock(&u->lock);
        if (!client)
            return;
        wake_both_ways(client); /* its next send finds the peer dead */
        unix_put(client);
    }
}

static void close_socket(struct unix_socket *u, bool never_accepted)
{
    mutex_lock(&u->lock);
    enum unix_state state = u->state;
    u->dead = u->shut_read = u->shut_write = true;
    mutex_unlock(&u->lock);
    unix_name_release(u);
    wake_both_ways(u);
    if (state == UNIX_LISTENING) {
        close_pending(u);
    } else {
        bool lost = u->queued_bytes; /* empty messages are no loss */
        unix_purge(u);
        if (u->peer && u->socket.type != SOCK_DGRAM)
            hang_up(u->peer, lost || never_accepted);
        drop_clients(u);
        unix_change_peer(u, NULL);
    }
    unix_put(u);
}

static void unix_release(struct socket *socket)
{
    close_socket(unix_of(socket), false);
    unix_collect_at_release();
}

static int unix_create(int type, int protocol, struct socket **socket)
{
    if (protocol && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct unix_socket *u = create(type);
    if (!u)
        return -ENOMEM;
    *socket = &u->socket;
    return 0;
}

/* --- connecting
 * ------------------------------------------------------------------------------------------- */

static __cold int unix_bind(struct socket *socket, const struct socket_address *address)
{
    struct unix_socket *u = unix_of(socket);
    bool automatic = address->len == UNIX_PATH_AT && address->family == AF_UNIX;
    int err = automatic ? 0 : unix_address_check(address);
    if (err)
        return err;
    mutex_lock(&u->lock);
    if (!u->name || !automatic)
        err = unix_name_bind(u, address);
    mutex_unlock(&u->lock);
    return err;
}

/* Somebody who wants to be known by name gets one. */
static int bind_if_needed(struct unix_socket *u)
{
    static const struct socket_address automatic = {.len = UNIX_PATH_AT, .family = AF_UNIX};
    if (!socket_flag(&u->socket, SO_PASSCRED) || u->name)
        return 0;
    return unix_bind(&u->socket, &automatic);
}

static __cold int unix_listen(struct socket *socket, int backlog)
{
    struct unix_socket *u = unix_of(socket);
    if (socket->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    int err = 0;
    mutex_lock(&u->lock);
    if (!u->name || u->state == UNIX_CONNECTED) {
        err = -EINVAL;
    } else {
        u->backlog = (unsigned)backlog < UNIX_BACKLOG_MAX ? (unsigned)backlog : UNIX_BACKLOG_MAX;
        u->state = UNIX_LISTENING;
        u->peer_cred = socket->cred;
        set_peer_groups(u, callers_groups());
        socket->listening = true;
    }
    mutex_unlock(&u->lock);
    if (!err)
        waitqueue_wake(&u->writable, 0, 0);
    return err;
}

/* Both locked: the new socket, which waits to be accepted, becomes the peer of the caller's. */
static void establish(struct unix_socket *u, struct unix_socket *listener, struct unix_socket *new)
{
    unix_get(u);
    new->peer = u;
    unix_get(new);
    u->peer = new;
    new->peer_cred = u->socket.cred;
    set_peer_groups(new, callers_groups());
    u->peer_cred = listener->peer_cred;
    set_peer_groups(u, groups_get(listener->peer_groups));
    new->name = listener->name;
    atomic_fetch_add_explicit(&listener->name->refs, 1, memory_order_relaxed);
    new->socket.flags = listener->socket.flags & 1ull << SO_PASSCRED;
    new->state = UNIX_CONNECTED;
    u->state = UNIX_CONNECTED;
    list_add_tail(&listener->queue, &new->pending);
    listener->nqueued++;
}

/* 0; 1: the backlog is full; 2: the listener has just gone, look again. */
static int try_connect(struct unix_socket *u, struct unix_socket *listener, struct unix_socket *new)
{
    int result = 0;
    unix_lock_both(u, listener);
    if (listener->dead)
        result = 2;
    else if (listener->state != UNIX_LISTENING || listener->shut_read)
        result = -ECONNREFUSED;
    else if (listener->nqueued > listener->backlog)
        result = 1;
    else if (u->state != UNIX_IDLE)
        result = u->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    else
        establish(u, listener, new);
    unix_unlock_both(u, listener);
    return result;
}

static int wait_backlog(struct unix_socket *listener, bool nonblock, nsec_t deadline)
{
    if (nonblock)
        return -EAGAIN;
    int err =
        WAIT_EVENT(&listener->writable,
                   listener->nqueued <= listener->backlog || listener->dead || listener->shut_read,
                   WAIT_INTERRUPTIBLE, deadline);
    return err ? socket_wait_error(err, deadline) : 0;
}

static int connect_with(struct unix_socket *u, struct unix_socket *new,
                        const struct socket_address *address, bool nonblock)
{
    nsec_t deadline = socket_deadline(u->socket.send_timeout);
    for (;;) {
        struct unix_socket *listener;
        int result = unix_name_find(address, u->socket.type, &listener);
        if (result)
            return result;
        result = try_connect(u, listener, new);
        if (!result)
            waitqueue_wake(&listener->readable, 1, POLLIN | POLLRDNORM);
        else if (result == 1)
            result = wait_backlog(listener, nonblock, deadline) ?: 1;
        unix_put(listener);
        if (result <= 0)
            return result;
    }
}

static int unix_connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    struct unix_socket *u = unix_of(socket);
    int err = unix_address_check(address);
    if (!err)
        err = bind_if_needed(u);
    if (err)
        return err;
    struct unix_socket *new = create(socket->type);
    if (!new)
        return -ENOMEM;
    err = connect_with(u, new, address, nonblock);
    if (err)
        unix_put(new);
    else
        wake_both_ways(u);
    return err;
}

static int dgram_connect(struct socket *socket, const struct socket_address *address)
{
    struct unix_socket *u = unix_of(socket), *peer;
    if (address->len >= sizeof(address->family) && address->family == AF_UNSPEC) {
        unix_change_peer(u, NULL);
        return 0;
    }
    int err = unix_address_check(address);
    if (!err)
        err = bind_if_needed(u);
    if (!err)
        err = unix_name_find(address, socket->type, &peer);
    if (err)
        return err;
    if (unix_may_send(u, peer)) {
        unix_put(peer);
        return -EPERM;
    }
    unix_change_peer(u, peer);
    return 0;
}

static __cold int packet_connect(struct socket *socket, const struct socket_address *address,
                                 bool nonblock)
{
    return socket->type == SOCK_DGRAM ? dgram_connect(socket, address)
                                      : unix_connect(socket, address, nonblock);
}

/* The oldest that waits, with the backlog's reference; NULL: none. */
static struct unix_socket *take_pending(struct unix_socket *u)
{
    struct unix_socket *pending = NULL;
    mutex_lock(&u->lock);
    if (!list_empty(&u->queue)) {
        pending = list_first(&u->queue, struct unix_socket, pending);
        list_del(&pending->pending);
        u->nqueued--;
    }
    mutex_unlock(&u->lock);
    return pending;
}

static int unix_accept(struct socket *socket, bool nonblock, struct socket **accepted)
{
    struct unix_socket *u = unix_of(socket), *pending;
    if (socket->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (u->state != UNIX_LISTENING)
        return -EINVAL;
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    while (!(pending = take_pending(u))) {
        if (nonblock)
            return -EAGAIN;
        if (u->shut_read)
            return -EINVAL;
        int err = WAIT_EVENT(&u->readable, u->nqueued || u->shut_read,
                             WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, deadline);
        if (err)
            return socket_wait_error(err, deadline);
    }
    waitqueue_wake(&u->writable, 0, 0);
    *accepted = &pending->socket;
    return 0;
}

static int unix_pair(struct socket *a, struct socket *b)
{
    struct unix_socket *ua = unix_of(a), *ub = unix_of(b);
    unix_get(ua);
    unix_get(ub);
    ua->peer_cred = a->cred;
    ub->peer_cred = b->cred;
    set_peer_groups(ua, callers_groups());
    set_peer_groups(ub, callers_groups());
    unix_change_peer(ua, ub);
    unix_change_peer(ub, ua);
    if (a->type != SOCK_DGRAM)
        ua->state = ub->state = UNIX_CONNECTED;
    return 0;
}

/* --- asking and telling
 * ----------------------------------------------------------------------------------- */

static int unix_name(struct socket *socket, bool peer, struct socket_address *address)
{
    struct unix_socket *u = unix_of(socket);
    int err = 0;
    *address = (struct socket_address){.len = sizeof(address->family), .family = AF_UNIX};
    mutex_lock(&u->lock);
    struct unix_socket *which = peer ? u->peer : u;
    if (!which)
        err = -ENOTCONN;
    else if (which->name)
        *address = which->name->address;
    mutex_unlock(&u->lock);
    return err;
}

static __cold int unix_shutdown(struct socket *socket, int how)
{
    struct unix_socket *u = unix_of(socket);
    bool reads = how != SHUT_WR, writes = how != SHUT_RD;
    mutex_lock(&u->lock);
    struct unix_socket *peer = socket->type != SOCK_DGRAM ? u->peer : NULL;
    if (reads)
        u->shut_read = true;
    if (writes)
        u->shut_write = true;
    mutex_unlock(&u->lock);
    wake_both_ways(u);
    if (peer) { /* stays until u's release */
        if (reads)
            peer->shut_write = true;
        if (writes)
            peer->shut_read = true;
        wake_both_ways(peer);
    }
    return 0;
}

static unsigned common_events(const struct unix_socket *u)
{
    unsigned events = 0;
    if (u->socket.error)
        events |= POLLERR;
    if (u->shut_read && u->shut_write)
        events |= POLLHUP;
    if (u->shut_read)
        events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (u->nqueued)
        events |= POLLIN | POLLRDNORM;
    if (u->urgent)
        events |= POLLPRI;
    if (u->socket.type != SOCK_DGRAM && u->state == UNIX_IDLE)
        events |= POLLHUP;
    return events;
}

/* A datagram's sender also waits for room at its peer, who wakes its clients. */
static bool peer_has_room(struct unix_socket *u)
{
    bool room = true;
    if (u->socket.type != SOCK_DGRAM || !u->peer)
        return true;
    mutex_lock(&u->lock);
    if (u->peer && u->peer->peer != u)
        room = u->peer->nqueued <= UNIX_DGRAM_QUEUE;
    mutex_unlock(&u->lock);
    return room;
}

static unsigned unix_poll(struct socket *socket, struct poll_table *table)
{
    struct unix_socket *u = unix_of(socket);
    poll_wait(table, &u->readable);
    poll_wait(table, &u->writable);
    unsigned events = common_events(u);
    if (u->state != UNIX_LISTENING && unix_has_room(u) && peer_has_room(u))
        events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}

/* What can be read: all of a connection, the next datagram otherwise. */
static uint32_t readable_bytes(struct unix_socket *u)
{
    size_t bytes = 0;
    mutex_lock(&u->lock);
    if (u->socket.type != SOCK_DGRAM)
        bytes = u->queued_bytes;
    else if (!list_empty(&u->queue))
        bytes = list_first(&u->queue, struct unix_packet, link)->len;
    mutex_unlock(&u->lock);
    return (uint32_t)bytes;
}

/* SIOCATMARK: is what MSG_OOB sent, or the place where it was, next? */
static uint32_t at_mark(struct unix_socket *u)
{
    bool next = false;
    mutex_lock(&u->lock);
    if (!list_empty(&u->queue)) {
        const struct unix_packet *packet = list_first(&u->queue, struct unix_packet, link);
        const struct unix_packet *after =
            packet->link.next == &u->queue
                ? NULL
                : list_entry(packet->link.next, struct unix_packet, link);
        next = packet == u->urgent || (packet->mark && packet->offset == packet->len &&
                                       (!u->urgent || after == u->urgent));
    }
    mutex_unlock(&u->lock);
    return next;
}

static __cold int64_t unix_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    struct unix_socket *u = unix_of(socket);
    switch (cmd) {
    case FIONREAD:
        return u->state == UNIX_LISTENING ? -EINVAL : user_put32(arg, readable_bytes(u));
    case SIOCATMARK:
        return socket->type == SOCK_STREAM ? user_put32(arg, at_mark(u)) : -EOPNOTSUPP;
    case TIOCOUTQ:
        return user_put32(arg, (uint32_t)u->in_flight);
    default:
        return -ENOTTY;
    }
}

static int unix_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    struct unix_socket *u = unix_of(socket);
    const void *from;
    size_t size;
    if (level == SOL_SOCKET && name == SO_PEERCRED) {
        static const struct socket_cred unknown = {0, UINT32_MAX, UINT32_MAX};
        from = u->peer_cred.pid ? &u->peer_cred : &unknown;
        size = sizeof(struct socket_cred);
    } else if (level == SOL_SOCKET && name == SO_PEEK_OFF) {
        from = &u->peek_offset;
        size = sizeof(u->peek_offset);
    } else if (level == SOL_SOCKET && name == SO_MEMINFO) {
        return socket_put_meminfo(socket, value, len, u->queued_bytes, u->in_flight, 0);
    } else {
        return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
    }
    size = MIN(size, len);
    memcpy(value, from, size);
    return (int)size;
}

static __cold int unix_set_option(struct socket *socket, int level, int name, const void *value,
                                  size_t len)
{
    struct unix_socket *u = unix_of(socket);
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (name != SO_PEEK_OFF)
        return -ENOPROTOOPT;
    int offset;
    if (len < sizeof(offset))
        return -EINVAL;
    memcpy(&offset, value, sizeof(offset));
    u->peek_offset = offset;
    return 0;
}

static const struct socket_ops stream_ops = {
    .bind = unix_bind,
    .listen = unix_listen,
    .connect = unix_connect,
    .accept = unix_accept,
    .name = unix_name,
    .pair = unix_pair,
    .send = unix_send_stream,
    .receive = unix_receive_stream,
    .shutdown = unix_shutdown,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .set_option = unix_set_option,
    .get_option = unix_get_option,
    .release = unix_release,
};
static const struct socket_ops packet_ops = {
    .bind = unix_bind,
    .listen = unix_listen,
    .connect = packet_connect,
    .accept = unix_accept,
    .name = unix_name,
    .pair = unix_pair,
    .send = unix_send_packet,
    .receive = unix_receive_packet,
    .shutdown = unix_shutdown,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .set_option = unix_set_option,
    .get_option = unix_get_option,
    .release = unix_release,
};

static int register_unix(void)
{
    static const struct socket_family family = {AF_UNIX, unix_create};
    socket_family_register(&family);
    return 0;
}
BOOT_STEP(PHASE_BUS, "unix sockets", register_unix);
