/* sendmsg: bytes of the program become packets of the list. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/tcp.h"

/* Chunks are blocks of memory less what describes them (see tcp_attach). */
enum { CHUNK_COST = 512, CHUNK = 65536 - CHUNK_COST, CHUNK_LEAST = 4096 - CHUNK_COST };
enum { CHARGE_STEP = 4096 };

atomic_long tcp_memory;

void tcp_charge(struct tcp *tp)
{
    long now = (long)tp->tx_cost + tp->rx_cost, change = now - tp->charged;

    if (change < CHARGE_STEP && change > -CHARGE_STEP && (now || !tp->charged))
        return;
    tp->charged = now;
    atomic_fetch_add_explicit(&tcp_memory, change, memory_order_relaxed);
}

static uint32_t notsent_low(const struct tcp *tp)
{
    return tp->notsent_low ? tp->notsent_low : (uint32_t)tcp_settings.notsent_lowat;
}

/* Its own bytes alone keep a connection from going on, so that their acknowledgement wakes it. */
static bool is_too_much(uint32_t used)
{
    return used > CHUNK_LEAST && tcp_memory_above(TCP_MEMORY_MOST);
}

static bool has_room(const struct tcp *tp)
{
    uint32_t used = tp->tx_cost;

    return !is_too_much(used) && used < tp->inet.socket.send_buffer &&
           tp->write_seq - tp->snd_nxt < notsent_low(tp);
}

/* A third must be free before somebody is called for it. */
bool tcp_writable(const struct tcp *tp)
{
    uint32_t used = tp->tx_cost, size = tp->inet.socket.send_buffer;

    return !is_too_much(used) && used < size && size - used >= used / 2 &&
           (uint64_t)(tp->write_seq - tp->snd_nxt) * 2 < notsent_low(tp);
}

/* What a segment costs, as Linux counts, twice for what the window holds: a round on its way and
 * one that waits. */
void tcp_grow_send_buffer(struct tcp *tp)
{
    uint32_t mss, segment = 1024;
    uint64_t wanted;

    if (tp->send_locked || tp->inet.socket.send_buffer >= (uint32_t)tcp_settings.wmem[2] ||
        tcp_memory_above(TCP_MEMORY_PRESSURE))
        return;
    mss = tcp_mss(tp);
    while (segment < mss + 640u)
        segment *= 2;
    wanted = 2ull * MAX(tp->cwnd / mss + 1, (uint32_t)TCP_INITIAL_WINDOW) * (segment + 256);
    wanted = MIN(wanted, (uint64_t)tcp_settings.wmem[2]);
    if (wanted > tp->inet.socket.send_buffer)
        tp->inet.socket.send_buffer = (uint32_t)wanted;
}

/* --- may it be sent?
 * ------------------------------------------------------------------------------------- */

static bool is_connected(struct inet_socket *s)
{
    struct tcp *tp = tcp_of(s);

    return !TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV) || s->socket.error;
}

static int wait_connected(struct tcp *tp, const struct message *message, nsec_t deadline)
{
    int err;

    if (TCP_IN(tcp_state(tp), TCP_CAN_SEND))
        return 0;
    if (tp->inet.socket.error)
        return tcp_take_error(tp);
    if (!TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV))
        return -EPIPE;
    if (message->nonblock)
        return -EAGAIN;
    err = inet_wait(&tp->inet, &tp->inet.writers, is_connected, deadline);
    if (err)
        return socket_wait_error(err, deadline);
    if (tp->inet.socket.error)
        return tcp_take_error(tp);
    return TCP_IN(tcp_state(tp), TCP_CAN_SEND) ? 0 : -EPIPE;
}

static int check(struct tcp *tp)
{
    if (!tp->inet.socket.error && !(tp->shutdown & 2))
        return 0;
    return tcp_take_error(tp) ?: -EPIPE;
}

static bool may_go_on(struct inet_socket *s)
{
    struct tcp *tp = tcp_of(s);

    return tcp_writable(tp) || s->socket.error || tp->shutdown & 2;
}

static int wait_room(struct tcp *tp, const struct message *message, nsec_t deadline)
{
    int err;

    tp->nospace = true;
    tcp_push(tp, PUSH_NOW);
    if (message->nonblock)
        return -EAGAIN;
    err = inet_wait(&tp->inet, &tp->inet.writers, may_go_on, deadline);
    return err ? socket_wait_error(err, deadline) : check(tp);
}

/* --- copying
 * ---------------------------------------------------------------------------------------------- */

/* The last packet, if it has not been sent and takes more. */
static struct packet *open_packet(struct tcp *tp)
{
    struct packet *last = tp->last;

    if (!tp->unsent || tcp_sent(last)->flags & (TCP_FIN | TCP_SYN) || !packet_tailroom(last) ||
        last->len >= CHUNK)
        return NULL;
    return last;
}

/* Room for much: a block that is used to its end. None is freed before the last of its bytes has
 * been acknowledged, so it is a quarter of the send buffer at most. */
static __attribute__((noinline)) size_t chunk_for(const struct tcp *tp, size_t left)
{
    uint32_t share = tp->inet.socket.send_buffer / 4;
    size_t block = CHUNK_LEAST + CHUNK_COST;

    if (tcp_memory_above(TCP_MEMORY_PRESSURE))
        return CHUNK_LEAST;
    while (block - CHUNK_COST < left && block * 2 <= share && block < CHUNK + CHUNK_COST)
        block *= 2;
    return block - CHUNK_COST;
}

static struct packet *new_packet(const struct tcp *tp, size_t left)
{
    size_t size = left > CHUNK_LEAST ? chunk_for(tp, left) : left;
    struct packet *packet;

    if (tp->unsent) /* more small ones are likely to follow before it goes */
        size = MAX(size, (size_t)MIN(tcp_mss(tp), (unsigned)CHUNK_LEAST));
    packet = packet_alloc(PACKET_HEADROOM, (unsigned)size);
    if (!packet && size > CHUNK_LEAST)
        packet = packet_alloc(PACKET_HEADROOM, CHUNK_LEAST);
    return packet;
}

/* Bytes into the last packet or a new one: how many, -ENOMEM, -EFAULT. */
static ssize_t take(struct tcp *tp, struct message *message)
{
    struct packet *packet = open_packet(tp), *fresh = NULL;
    size_t n, moved;

    if (!packet) {
        packet = fresh = new_packet(tp, message->io.left);
        if (!packet)
            return -ENOMEM;
    }
    n = MIN(message->io.left, (size_t)packet_tailroom(packet));
    moved = io_get(&message->io, packet->data + packet->len, n);
    if (!moved) {
        packet_free(fresh);
        return -EFAULT;
    }
    if (fresh)
        tcp_attach(tp, fresh, 0);
    packet_append(packet, (unsigned)moved);
    tp->write_seq += (uint32_t)moved;
    return (ssize_t)moved;
}

static void mark_push(struct tcp *tp)
{
    if (!tp->unsent)
        return;
    tcp_sent(tp->last)->flags |= TCP_PSH;
    tp->pushed_seq = tp->write_seq;
}

static void finish(struct tcp *tp, const struct message *message)
{
    if (unlikely(message->flags & (MSG_OOB | MSG_ZEROCOPY))) {
        if (message->flags & MSG_OOB) {
            tp->urgent = true;
            tp->snd_up = tp->write_seq;
        }
        if (message->flags & MSG_ZEROCOPY)
            inet_tell_copied(&tp->inet);
    }
    if (!(message->flags & MSG_MORE))
        mark_push(tp);
    tcp_push(tp, message->flags & MSG_MORE ? PUSH_MORE : PUSH_NORMAL);
    tcp_charge(tp);
}

/* Control data of a stream is SOL_SOCKET's alone, and of no effect. */
static __cold int check_control(const struct tcp *tp, const struct message *message)
{
    struct control_message control;
    size_t at = 0;
    uint32_t mark;
    uint16_t stamps;
    int err;

    while ((err = message_next_control(message, &at, &control)) > 0) {
        err = control.level != SOL_SOCKET
                  ? 0
                  : socket_get_control(&tp->inet.socket, &mark, &stamps, &control);
        if (err)
            break;
    }
    return err;
}

static ssize_t send_stream(struct tcp *tp, struct message *message)
{
    nsec_t deadline = socket_deadline(tp->inet.socket.send_timeout);
    ssize_t done = 0, n = wait_connected(tp, message, deadline);

    if (!n && unlikely(message->sent_size))
        n = check_control(tp, message);
    if (!n)
        n = check(tp);
    while (!n && message->io.left) {
        if (!has_room(tp)) {
            n = wait_room(tp, message, deadline);
            continue;
        }
        n = take(tp, message);
        if (n == -ENOMEM)
            n = tp->first ? wait_room(tp, message, deadline) : -ENOBUFS;
        if (n <= 0)
            continue;
        done += n;
        n = 0;
        if (message->io.left) {
            if (tp->write_seq - tp->pushed_seq > tp->max_window / 2)
                mark_push(tp);
            tcp_push(tp, PUSH_MORE);
            tcp_charge(tp);
        }
    }
    if (done)
        finish(tp, message);
    return done ? done : n;
}

static ssize_t send_unusual(struct tcp *tp, struct message *message)
{
    ssize_t n = tp->repair ? tcp_repair_send(tp, message) : 0;
    uint32_t end;

    if (n || !tp->stamping)
        return n ?: send_stream(tp, message);
    end = tcp_departures_begin(tp, message->io.left);
    n = send_stream(tp, message);
    tcp_departures_taken(tp, end, n > 0);
    return n;
}

ssize_t tcp_op_send(struct socket *socket, struct message *message)
{
    struct tcp *tp = tcp_of_socket(socket);
    ssize_t n;

    if (message->flags & MSG_FASTOPEN)
        return -EOPNOTSUPP;
    inet_lock(&tp->inet);
    n = unlikely(tp->unusual) ? send_unusual(tp, message) : send_stream(tp, message);
    inet_unlock(&tp->inet);
    if (n == -EPIPE && !(message->flags & MSG_NOSIGNAL) && vfs_sigpipe_hook)
        vfs_sigpipe_hook();
    return n;
}
