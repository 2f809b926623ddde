/* net/unix_data.c: what is on its way between AF_UNIX sockets.
 *
 * A packet counts against its sender's buffer until it is read; the receiver's queue is under the
 * receiver's lock. Packets are freed without a lock held: the files in them may be sockets. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/filter.h"
#include "net/unix.h"

enum { STREAM_CHUNK = 16 * 1024, MESSAGE_SPARE = 32, OVERFLOW_ID = 65534 };

/* --- packets
 * --------------------------------------------------------------------------------------------- */

static size_t cost(const struct unix_packet *packet)
{
    return sizeof(*packet) + packet->len;
}

void unix_packet_free(struct unix_packet *packet)
{
    struct unix_socket *sender = packet->sender;
    if (sender) {
        atomic_fetch_sub_explicit(&sender->in_flight, cost(packet), memory_order_release);
        if (unix_has_room(sender))
            waitqueue_wake(&sender->writable, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
        unix_put(sender);
    }
    if (packet->files)
        unix_files_arrive(packet->files);
    socket_files_free(packet->files);
    kfree(packet);
}

/* The next len bytes of the message; -ENOMEM, -EFAULT, -ETOOMANYREFS. Counted against the sender.
 */
static int packet_make(struct unix_socket *u, struct message *message, size_t len,
                       struct unix_packet **made)
{
    struct unix_packet *packet = kmalloc(sizeof(*packet) + len);
    if (!packet)
        return len > STREAM_CHUNK ? -ENOBUFS : -ENOMEM;
    *packet =
        (struct unix_packet){.len = len, .cred = message->cred, .cred_given = message->cred_given};
    if (io_get(&message->io, packet->data, len) != len) {
        kfree(packet);
        return -EFAULT;
    }
    int err = message->files ? unix_files_depart(message->files) : 0;
    if (err) {
        kfree(packet);
        return err;
    }
    packet->mark = message->flags & MSG_OOB && len == 1 && !message->io.left;
    packet->sender = u;
    unix_get(u);
    packet->files = message->files;
    message->files = NULL;
    atomic_fetch_add_explicit(&u->in_flight, cost(packet), memory_order_relaxed);
    *made = packet;
    return 0;
}

/* Under to->lock. */
static void enqueue(struct unix_socket *to, struct unix_packet *packet)
{
    static const struct socket_cred nobody = {0, OVERFLOW_ID, OVERFLOW_ID};
    const uint64_t flags = to->socket.flags | packet->sender->socket.flags;
    if (!packet->cred_given && to->socket.file && !(flags & 1ull << SO_PASSCRED))
        packet->cred = nobody; /* neither has asked for it yet */
    list_add_tail(&to->queue, &packet->link);
    to->queued_bytes += packet->len;
    to->nqueued++;
}

void unix_dequeue(struct unix_socket *u, struct unix_packet *packet)
{
    list_del(&packet->link);
    u->queued_bytes -= packet->len - packet->offset;
    u->nqueued--;
}

bool unix_purge(struct unix_socket *u)
{
    bool any = false;
    for (;;) {
        struct unix_packet *packet = NULL;
        mutex_lock(&u->lock);
        if (!list_empty(&u->queue)) {
            packet = list_first(&u->queue, struct unix_packet, link);
            unix_dequeue(u, packet);
        }
        mutex_unlock(&u->lock);
        if (!packet)
            return any;
        unix_packet_free(packet);
        any = true;
    }
}

/* --- peers of datagram sockets
 * ---------------------------------------------------------------------------- */

int unix_may_send(const struct unix_socket *u, const struct unix_socket *to)
{
    return !to->peer || to->peer == u ? 0 : -EPERM;
}

/* Over changes of peers: `client` of a socket is a link in its peer's list, under the peer's lock,
 * and must leave one list before it enters the next. */
static struct mutex peers_lock;

static struct unix_socket *exchange_peer(struct unix_socket *u, struct unix_socket *peer)
{
    mutex_lock(&u->lock);
    struct unix_socket *old = u->peer;
    u->peer = peer;
    mutex_unlock(&u->lock);
    return old;
}

/* With peers_lock held. Returns the one before, with its reference. */
static struct unix_socket *change_peer(struct unix_socket *u, struct unix_socket *peer)
{
    struct unix_socket *old = exchange_peer(u, peer);
    if (old) {
        mutex_lock(&old->lock);
        list_del(&u->client);
        mutex_unlock(&old->lock);
    }
    if (peer && u->socket.type == SOCK_DGRAM) {
        mutex_lock(&peer->lock);
        list_add(&peer->clients, &u->client);
        mutex_unlock(&peer->lock);
    }
    return old;
}

/* What a datagram socket has from the peer that it leaves is lost, and that one learns it. */
static void left(struct unix_socket *u, struct unix_socket *old)
{
    if (unix_purge(u)) {
        waitqueue_wake(&u->writable, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
        if (!old->dead && old->peer == u) {
            atomic_store(&old->socket.error, ECONNRESET);
            waitqueue_wake(&old->readable, 0, POLLERR);
        }
    }
    unix_put(old);
}

void unix_change_peer(struct unix_socket *u, struct unix_socket *peer)
{
    mutex_lock(&peers_lock);
    struct unix_socket *old = change_peer(u, peer);
    mutex_unlock(&peers_lock);
    if (old && old != peer)
        left(u, old);
    else if (old)
        unix_put(old);
}

/* The peer was found dead: leave it, unless there is another by now. */
static void leave_dead_peer(struct unix_socket *u, const struct unix_socket *dead)
{
    mutex_lock(&peers_lock);
    struct unix_socket *old = u->peer == dead ? change_peer(u, NULL) : NULL;
    mutex_unlock(&peers_lock);
    if (old)
        left(u, old);
}

/* The peer with a reference, or NULL. */
static struct unix_socket *get_peer(struct unix_socket *u)
{
    mutex_lock(&u->lock);
    struct unix_socket *peer = u->peer;
    if (peer)
        unix_get(peer);
    mutex_unlock(&u->lock);
    return peer;
}

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

/* Told once: -errno, or 0 if another thread was faster. */
static int take_error(struct unix_socket *u)
{
    return unlikely(u->socket.error) ? -atomic_exchange(&u->socket.error, 0) : 0;
}

static bool may_send_now(const struct unix_socket *u)
{
    return u->in_flight < u->socket.send_buffer || u->shut_write;
}

static int wait_for_room(struct unix_socket *u, const struct message *message, nsec_t deadline)
{
    if (may_send_now(u))
        return 0;
    if (message->nonblock)
        return -EAGAIN;
    int err = WAIT_EVENT(&u->writable, may_send_now(u), WAIT_INTERRUPTIBLE, deadline);
    return err ? socket_wait_error(err, deadline) : 0;
}

static int deliver_stream(struct unix_socket *peer, struct unix_packet *packet)
{
    mutex_lock(&peer->lock);
    bool open = !peer->dead && !peer->shut_read, mark = packet->mark;
    if (open)
        enqueue(peer, packet);
    if (unlikely(mark) && open) {
        peer->urgent = packet; /* the one before is like any other now */
        if (peer->socket.file)
            socket_urgent_hook(peer->socket.file);
    }
    mutex_unlock(&peer->lock);
    if (!open) {
        unix_packet_free(packet);
        return -EPIPE;
    }
    waitqueue_wake(&peer->readable, 0, POLLIN | POLLRDNORM | (mark ? POLLPRI : 0));
    return 0;
}

/* How much of the message is the next piece: the last byte of MSG_OOB is one of its own. */
static size_t next_piece(const struct message *message)
{
    size_t left = message->io.left;
    if (message->flags & MSG_OOB && left > 1)
        left--;
    return MIN(left, (size_t)STREAM_CHUNK);
}

/* One piece: bytes sent. */
static ssize_t send_piece(struct unix_socket *u, struct message *message, nsec_t deadline)
{
    struct unix_packet *packet;
    if (u->shut_write)
        return -EPIPE;
    int err = wait_for_room(u, message, deadline);
    if (!err)
        err = u->shut_write ? -EPIPE : 0;
    if (!err)
        err = packet_make(u, message, next_piece(message), &packet);
    if (err)
        return err;
    ssize_t n = (ssize_t)packet->len;
    err = deliver_stream(u->peer, packet);
    return err ? err : n;
}

ssize_t unix_send_stream(struct socket *socket, struct message *message)
{
    struct unix_socket *u = unix_of(socket);
    bool connected = u->state == UNIX_CONNECTED;
    if (message->flags & MSG_OOB && !message->io.left)
        return -EOPNOTSUPP;
    if (message->address && message->address->len)
        return connected ? -EISCONN : -EOPNOTSUPP;
    if (!connected)
        return -ENOTCONN;
    nsec_t deadline = socket_deadline(socket->send_timeout);
    ssize_t total = 0, n = u->shut_write ? -EPIPE : 0;
    while (message->io.left && n >= 0) {
        n = send_piece(u, message, deadline);
        if (n > 0)
            total += n;
    }
    if (n == -EPIPE && !total && !(message->flags & MSG_NOSIGNAL) && vfs_sigpipe_hook)
        vfs_sigpipe_hook();
    return total ? total : n;
}

/* What the receiver's program keeps of it; false: nothing. */
static bool cut_packet(const struct unix_socket *to, struct unix_packet *packet)
{
    rcu_read_lock();
    size_t keep = socket_filter_bytes(&to->socket, packet->data, packet->len);
    rcu_read_unlock();
    if (packet->sender)
        atomic_fetch_sub_explicit(&packet->sender->in_flight, packet->len - keep,
                                  memory_order_relaxed);
    packet->len = keep;
    return keep;
}

/* 0, 1: its queue is full, or why it takes nothing. */
static int deliver_packet(struct unix_socket *u, struct unix_socket *to, struct unix_packet *packet)
{
    int result = 0;
    bool dgram = u->socket.type == SOCK_DGRAM;
    mutex_lock(&to->lock);
    if (to->dead)
        result = dgram ? -ECONNREFUSED : -EPIPE;
    else if (dgram && unix_may_send(u, to))
        result = -EPERM;
    else if (to->shut_read)
        result = -EPIPE;
    else if (dgram && to->peer != u && to->nqueued > UNIX_DGRAM_QUEUE)
        result = 1;
    else
        enqueue(to, packet);
    if (!result && socket_wants_time(&to->socket))
        packet->stamp = clock_realtime();
    mutex_unlock(&to->lock);
    if (!result)
        waitqueue_wake(&to->readable, 0, POLLIN | POLLRDNORM);
    return result;
}

static int deliver_when_room(struct unix_socket *u, struct unix_socket *to,
                             struct unix_packet *packet, const struct message *message,
                             nsec_t deadline)
{
    for (;;) {
        int result = deliver_packet(u, to, packet);
        if (result <= 0)
            return result;
        if (message->nonblock)
            return -EAGAIN;
        int err =
            WAIT_EVENT(&to->writable, to->nqueued <= UNIX_DGRAM_QUEUE || to->dead || to->shut_read,
                       WAIT_INTERRUPTIBLE, deadline);
        if (err)
            return socket_wait_error(err, deadline);
    }
}

/* In the order in which Linux finds mistakes: who gets it by name is looked for last. */
static ssize_t send_packet(struct unix_socket *u, bool named, struct message *message)
{
    struct unix_packet *packet;
    nsec_t deadline = socket_deadline(u->socket.send_timeout);
    size_t len = message->io.left;
    if (len > u->socket.send_buffer - MESSAGE_SPARE)
        return -EMSGSIZE;
    int err = take_error(u); /* the peer has gone with something unread */
    if (!err && u->shut_write)
        err = -EPIPE;
    if (!err)
        err = wait_for_room(u, message, deadline);
    if (!err)
        err = packet_make(u, message, len, &packet);
    if (err)
        return err;
    struct unix_socket *to = NULL;
    if (named)
        err = unix_name_find(message->address, SOCK_DGRAM, &to);
    else if (!(to = get_peer(u)))
        err = -ENOTCONN;
    bool kept = !err && (likely(!to->socket.filter) || cut_packet(to, packet));
    if (kept)
        err = deliver_when_room(u, to, packet, message, deadline);
    if (err || !kept)
        unix_packet_free(packet);
    if (err == -ECONNREFUSED && to)
        leave_dead_peer(u, to);
    if (to)
        unix_put(to);
    return err ? err : (ssize_t)len;
}

ssize_t unix_send_packet(struct socket *socket, struct message *message)
{
    static const struct socket_address automatic = {.len = UNIX_PATH_AT, .family = AF_UNIX};
    struct unix_socket *u = unix_of(socket);
    bool named = socket->type == SOCK_DGRAM && message->address && message->address->len;
    int err = socket->type == SOCK_SEQPACKET ? take_error(u) : 0;
    if (err)
        return err;
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return -ENOTCONN;
    err = named ? unix_address_check(message->address) : 0;
    if (err)
        return err;
    if (socket_flag(socket, SO_PASSCRED) && !u->name)
        socket->ops->bind(socket, &automatic);
    return send_packet(u, named, message);
}

/* --- receiving
 * -------------------------------------------------------------------------------------------- */

static bool may_receive(const struct unix_socket *u)
{
    return u->nqueued || u->shut_read || u->socket.error;
}

/* The queue is empty: 1 look again, 0 the end, or why there is nothing. */
static int wait_for_data(struct unix_socket *u, const struct message *message, nsec_t deadline)
{
    int error = take_error(u);
    if (error)
        return error;
    if (u->shut_read && u->nqueued)
        return 1;
    if (u->shut_read && (u->socket.type != SOCK_DGRAM || !message->nonblock))
        return 0;
    if (message->nonblock)
        return -EAGAIN;
    int err = WAIT_EVENT(&u->readable, may_receive(u), WAIT_INTERRUPTIBLE, deadline);
    return err ? socket_wait_error(err, deadline) : 1;
}

/* References of the files of a packet that stays in the queue; NULL if there are none. */
static struct socket_files *copy_files(const struct socket_files *files)
{
    if (!files)
        return NULL;
    struct socket_files *copy = kmalloc(sizeof(*copy) + files->n * sizeof(files->files[0]));
    if (!copy)
        return NULL;
    copy->n = files->n;
    for (unsigned i = 0; i < files->n; i++) {
        copy->files[i] = files->files[i];
        file_get(copy->files[i]);
    }
    unix_files_peeked();
    return copy;
}

static bool same_cred(const struct socket_cred *a, const struct socket_cred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Who has sent the first bytes that are received. */
static void note_sender(struct message *message, const struct unix_packet *packet)
{
    const struct unix_name *name = packet->sender->name;
    message->cred = packet->cred;
    if (message->address && name)
        *message->address = name->address;
}

/* Reading does not go over this one: the urgent byte, or the place where it was. */
static bool stops_at(const struct unix_socket *u, const struct unix_packet *packet)
{
    if (packet->offset == packet->len)
        return true;
    return packet == u->urgent && !socket_flag(&u->socket, SO_OOBINLINE);
}

/* Look at the stream without taking; under the lock. Bytes, or -EFAULT. */
static ssize_t peek_stream(struct unix_socket *u, struct message *message)
{
    size_t skip = u->peek_offset > 0 ? (size_t)u->peek_offset : 0, total = 0;
    list_for_each_entry (struct unix_packet, packet, &u->queue, link) {
        size_t len = packet->len - packet->offset;
        if (unlikely(packet->mark) && stops_at(u, packet)) {
            if (total)
                break;
            continue;
        }
        if (skip >= len) {
            skip -= len;
            continue;
        }
        if (!total)
            note_sender(message, packet);
        else if (socket_flag(&u->socket, SO_PASSCRED) && !same_cred(&message->cred, &packet->cred))
            break;
        size_t n = MIN(len - skip, message->io.left);
        size_t moved = io_put(&message->io, packet->data + packet->offset + skip, n);
        total += moved;
        if (moved < n)
            return total ? (ssize_t)total : -EFAULT;
        message->files = copy_files(packet->files);
        skip = 0;
        if (message->files || !message->io.left)
            break;
    }
    if (u->peek_offset >= 0)
        u->peek_offset += (int)total;
    return (ssize_t)total;
}

/* Take bytes of the oldest piece, under the lock; *done is it when it is used up. Bytes, 0: the
 * queue is empty or what follows is somebody else's, -EFAULT. */
static ssize_t take_stream(struct unix_socket *u, struct message *message, bool first,
                           struct unix_packet **done)
{
    if (list_empty(&u->queue))
        return 0;
    struct unix_packet *packet = list_first(&u->queue, struct unix_packet, link);
    if (!first && socket_flag(&u->socket, SO_PASSCRED) && !same_cred(&message->cred, &packet->cred))
        return 0;
    if (unlikely(packet->mark)) {
        bool stop = stops_at(u, packet);
        if (!first && (stop || packet == u->urgent))
            return 0;
        if (packet == u->urgent)
            u->urgent = NULL;
        if (stop) { /* at the start: it is gone */
            unix_dequeue(u, packet);
            *done = packet;
            return 0;
        }
    }
    if (first)
        note_sender(message, packet);
    message->cred = packet->cred;
    size_t n = MIN(packet->len - packet->offset, message->io.left);
    size_t moved = io_put(&message->io, packet->data + packet->offset, n);
    if (!moved)
        return -EFAULT;
    packet->offset += moved;
    u->queued_bytes -= moved;
    if (u->peek_offset > 0)
        u->peek_offset = MAX(u->peek_offset - (int)moved, 0);
    message->files = packet->files;
    packet->files = NULL;
    if (packet->offset == packet->len) {
        unix_dequeue(u, packet);
        *done = packet;
    }
    return (ssize_t)moved;
}

/* What is there now. Bytes, 0: nothing, -EFAULT. */
static ssize_t receive_now(struct unix_socket *u, struct message *message, bool first)
{
    size_t total = 0;
    ssize_t n = 1;
    while (message->io.left && !message->files && n > 0) {
        struct unix_packet *done = NULL;
        mutex_lock(&u->lock);
        n = message->flags & MSG_PEEK ? peek_stream(u, message)
                                      : take_stream(u, message, first && !total, &done);
        mutex_unlock(&u->lock);
        if (unlikely(message->files) && !(message->flags & MSG_PEEK))
            unix_files_arrive(message->files);
        bool skipped = done && !n;
        if (done)
            unix_packet_free(done);
        if (n > 0)
            total += (size_t)n;
        if (unlikely(skipped))
            n = 1; /* what follows the urgent byte */
        if (message->flags & MSG_PEEK)
            break;
    }
    return total ? (ssize_t)total : n;
}

/* recv(2) of no bytes waits for some and leaves them, but not the files beside them. */
static ssize_t wait_for_any(struct unix_socket *u, struct message *message, nsec_t deadline)
{
    while (!u->nqueued) {
        int err = wait_for_data(u, message, deadline);
        if (err <= 0)
            return err;
    }
    mutex_lock(&u->lock);
    if (!list_empty(&u->queue)) {
        struct unix_packet *packet = list_first(&u->queue, struct unix_packet, link);
        note_sender(message, packet);
        if (message->flags & MSG_PEEK) {
            message->files = copy_files(packet->files);
        } else {
            message->files = packet->files;
            packet->files = NULL;
        }
    }
    mutex_unlock(&u->lock);
    if (message->files && !(message->flags & MSG_PEEK))
        unix_files_arrive(message->files);
    return 0;
}

/* recv(MSG_OOB). */
static ssize_t receive_urgent(struct unix_socket *u, struct message *message)
{
    ssize_t n = -EINVAL;
    mutex_lock(&u->lock);
    struct unix_packet *packet = u->urgent;
    if (packet && !socket_flag(&u->socket, SO_OOBINLINE)) {
        n = (ssize_t)MIN(message->io.left, packet->len);
        if (n && io_put(&message->io, packet->data, 1) != 1)
            n = -EFAULT;
    }
    if (n >= 0) {
        note_sender(message, packet);
        message->result |= MSG_OOB;
    }
    if (n >= 0 && !(message->flags & MSG_PEEK)) {
        u->urgent = NULL;
        packet->offset = packet->len; /* stays as the mark */
        u->queued_bytes--;
    }
    mutex_unlock(&u->lock);
    return n;
}

ssize_t unix_receive_stream(struct socket *socket, struct message *message)
{
    struct unix_socket *u = unix_of(socket);
    if (u->state != UNIX_CONNECTED)
        return -EINVAL;
    if (message->address)
        message->address->len = 0;
    if (message->flags & MSG_OOB)
        return receive_urgent(u, message);
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    if (!message->io.left)
        return wait_for_any(u, message, deadline);
    size_t size = message->io.left, total = 0;
    size_t target = message->flags & MSG_WAITALL ? size : MIN(size, (size_t)socket->receive_low);
    for (;;) {
        ssize_t n = receive_now(u, message, !total);
        if (n < 0)
            return total ? (ssize_t)total : n;
        total += (size_t)n;
        if ((n && message->flags & MSG_PEEK) || total >= target || message->files || total == size)
            return (ssize_t)total;
        if (!n && total && u->nqueued)
            return (ssize_t)total; /* what follows was written by somebody else */
        int err = wait_for_data(u, message, deadline);
        if (err <= 0)
            return total ? (ssize_t)total : err;
    }
}

/* Room again at the receiver: whoever is connected to it, or waits for it, may go on. */
static void tell_senders(struct unix_socket *u)
{
    mutex_lock(&u->lock);
    list_for_each_entry (struct unix_socket, client, &u->clients, client) {
        waitqueue_wake(&client->writable, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
    }
    mutex_unlock(&u->lock);
    waitqueue_wake(&u->writable, 0, 0);
}

static ssize_t copy_packet(struct unix_socket *u, struct message *message,
                           const struct unix_packet *packet)
{
    bool peek = message->flags & MSG_PEEK;
    size_t skip = peek && u->peek_offset > 0 ? (size_t)u->peek_offset : 0;
    skip = MIN(skip, packet->len);
    size_t len = packet->len - skip, n = MIN(len, message->io.left);
    if (io_put(&message->io, packet->data + skip, n) != n)
        return -EFAULT;
    if (n < len)
        message->result |= MSG_TRUNC;
    message->cred = packet->cred;
    message->cred_given = true;
    message->stamp = packet->stamp;
    if (message->address) {
        message->address->len = 0;
        if (packet->sender->name) /* which it may have got since */
            *message->address = packet->sender->name->address;
    }
    if (peek && u->peek_offset >= 0)
        u->peek_offset += (int)n;
    return (ssize_t)(message->flags & MSG_TRUNC ? len : n);
}

/* The oldest packet: 1 and its *length, or 0: none. */
static int receive_packet_now(struct unix_socket *u, struct message *message, ssize_t *length)
{
    struct unix_packet *done = NULL;
    bool was_full = false;
    mutex_lock(&u->lock);
    bool any = !list_empty(&u->queue);
    if (any) {
        struct unix_packet *packet = list_first(&u->queue, struct unix_packet, link);
        *length = copy_packet(u, message, packet);
        if (message->flags & MSG_PEEK) {
            message->files = copy_files(packet->files);
        } else {
            if (u->peek_offset > 0)
                u->peek_offset = MAX(u->peek_offset - (int)packet->len, 0);
            was_full = u->nqueued > UNIX_DGRAM_QUEUE;
            unix_dequeue(u, packet);
            message->files = packet->files;
            packet->files = NULL;
            done = packet;
        }
    }
    mutex_unlock(&u->lock);
    if (unlikely(message->files) && done)
        unix_files_arrive(message->files);
    if (done)
        unix_packet_free(done);
    if (was_full)
        tell_senders(u);
    return any;
}

ssize_t unix_receive_packet(struct socket *socket, struct message *message)
{
    struct unix_socket *u = unix_of(socket);
    ssize_t length;
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return -ENOTCONN;
    int error = take_error(u); /* before what is still there to read */
    if (error)
        return error;
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    while (!receive_packet_now(u, message, &length)) {
        int err = wait_for_data(u, message, deadline);
        if (err <= 0)
            return err;
    }
    return length;
}
