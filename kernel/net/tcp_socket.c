/* Socket calls of TCP, its life and death. */
#include "net/tcp.h"

#include "core/random.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/igmp.h"
#include "net/inet6.h"
#include "net/mib.h"

enum { CHANNEL_LIMIT = 8 << 20 };

static struct kcache cache = {.name = "tcp_socket", .size = sizeof(struct tcp)};
atomic_uint tcp_orphans;

/* --- life
 * -------------------------------------------------------------------------------------------------
 */

struct tcp *tcp_make(int family)
{
    struct tcp *tp = kcache_alloc(&cache);

    if (!tp)
        return NULL;
    inet_init(&tp->inet, &tcp_socket_ops, &tcp_proto, family, SOCK_STREAM, IPPROTO_TCP);
    tp->inet.channel_limit = CHANNEL_LIMIT;
    tp->inet.socket.send_buffer = (uint32_t)tcp_settings.wmem[1];
    tp->inet.socket.receive_buffer = (uint32_t)tcp_settings.rmem[1];
    tp->state = TCP_CLOSE;
    tp->rto = TCP_RTO_INIT;
    tp->mss = tp->received_mss = 536;
    tp->rack_window = 1;
    tp->congestion = tcp_congestion_find(tcp_settings.congestion);
    if (!tp->congestion)
        tp->congestion = &tcp_cubic;
    tcp_timer_init(tp);
    return tp;
}

/* The last reference is gone: nobody has it in a table, no timer is armed. */
static void free_tcp(struct inet_socket *s)
{
    struct tcp *tp = tcp_of(s);

    timer_cancel(&tp->timer);
    packet_free_list(tp->first);
    tcp_receive_purge(tp);
    kfree(tp->saved_syn);
    kfree(tp->departures);
    kfree(tp->fastopen_keys);
    atomic_fetch_sub_explicit(&tcp_memory, tp->charged, memory_order_relaxed);
    inet_options_end(s);
    kcache_free(&cache, tp);
}

void tcp_set_state(struct tcp *tp, unsigned state)
{
    bool was = tp->state == TCP_ESTABLISHED || tp->state == TCP_CLOSE_WAIT;
    bool is = state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;

    if (was != is)
        MIB_ADD(TCP_CURR_ESTAB, is ? 1 : -1);
    atomic_store_explicit(&tp->state, (uint8_t)state, memory_order_relaxed);
}

void tcp_wake(struct tcp *tp, unsigned events)
{
    waitqueue_wake(&tp->inet.readers, 0, events);
    waitqueue_wake(&tp->inet.writers, 0, events);
}

void tcp_done(struct tcp *tp)
{
    if (tp->state == TCP_CLOSE)
        return;
    if (TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV))
        MIB(TCP_ATTEMPT_FAILS);
    tcp_timer_stop(tp);
    tcp_set_state(tp, TCP_CLOSE);
    tp->shutdown = 3;
    tcp_send_purge(tp);
    if (tp->inet.bound_port && !tp->orphan)
        inet_unhash_but_port(&tp->inet);
    else
        inet_unhash(&tp->inet);
    if (tp->orphan) {
        tcp_receive_purge(tp);
        atomic_fetch_sub_explicit(&tcp_orphans, tp->counted_orphan, memory_order_relaxed);
        tp->counted_orphan = false;
    }
    tcp_charge(tp);
    tcp_wake(tp, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLHUP | POLLERR | POLLRDHUP);
}

int tcp_take_error(struct tcp *tp)
{
    if (!atomic_load_explicit(&tp->inet.socket.error, memory_order_relaxed))
        return 0;
    return -atomic_exchange(&tp->inet.socket.error, 0);
}

void tcp_fin_wait2(struct tcp *tp)
{
    nsec_t timeout =
        tp->linger2 > 0 ? tp->linger2 * TCP_SECOND : tcp_settings.fin_timeout * TCP_SECOND;

    if (tp->linger2 < 0) {
        tcp_send_reset(tp);
        tcp_done(tp);
    } else {
        tcp_time_wait(tp, TCP_FIN_WAIT2, timeout);
    }
}

/* --- connecting
 * ------------------------------------------------------------------------------------------- */

/* What another connection of this socket has left. */
static void begin_anew(struct tcp *tp)
{
    tp->shutdown = 0;
    tp->done = tp->urgent = tp->fin_queued = tp->nospace = tp->departing = false;
    kfree(tp->departures);
    tp->departures = NULL;
    tp->srtt = tp->rttvar = tp->min_rtt = 0;
    tp->rto = TCP_RTO_INIT;
    tp->backoff = tp->retries = tp->probes = tp->keep_probes = tp->total_again = 0;
    tp->retry_began = 0;
    tp->ca_state = CA_OPEN;
    tp->urg_data = URG_NONE;
    tp->snd_wscale = tp->rcv_wscale = 0;
    tp->max_window = tp->snd_wnd = 0;
    tp->peer_mss = tp->mss_limit = 0;
    tp->rcv_nxt = tp->copied_seq = tp->rcv_wup = 0;
    tp->ack_now = tp->ack_due = tp->dsack_due = false;
    tp->undo_possible = tp->tail_probe_again = false;
    tp->tail_probe_end = 0;
    tp->rack_sent_at = 0;
    tp->soft_error = 0;
    tp->delivered = tp->bytes_acked = tp->bytes_received = tp->bytes_sent = tp->bytes_again = 0;
    tp->nsacks = tp->small = tp->dup_acks = 0;
    tp->cwnd = TCP_INITIAL_WINDOW * 536;
    tp->ssthresh = TCP_NO_SSTHRESH;
}

static struct inet_addr any_of(const struct tcp *tp)
{
    return tp->inet.socket.family == AF_INET ? inet_v4(0) : (struct inet_addr){};
}

/* Not connected any more: only what bind(2) has said stays. */
static __cold void forget_ends(struct tcp *tp)
{
    struct inet_socket *s = &tp->inet;
    s->remote = any_of(tp);
    s->remote_port = 0;
    s->scope = 0;
    if (!s->bound_address)
        s->local = any_of(tp);
    if (!s->port) /* else it is still its own */
        s->local_port = 0;
}

static int take_port(struct tcp *tp)
{
    struct inet_socket *s = &tp->inet;
    int err = inet_hash_connect(s);

    if (err)
        return err == -EEXIST || err == -EAGAIN ? -EADDRNOTAVAIL : err;
    s->flow.hash = inet_hash_flow(&s->local, s->local_port, &s->remote, s->remote_port);
    return 0;
}

static void send_syn(struct tcp *tp)
{
    struct inet_socket *s = &tp->inet;

    tp->stamp_offset = tcp_stamp_offset_for(&s->local, &s->remote);
    tp->stamps = tcp_settings.timestamps != 0;
    tp->sack = tcp_settings.sack != 0;
    tp->wscale_ok = tcp_settings.window_scaling != 0;
    tp->rcv_wscale = tp->wscale_ok ? (uint8_t)tcp_choose_wscale(tp) : 0;
    tp->recent_stamp = 0;
    tp->write_seq = tcp_initial_sequence(&s->local, s->local_port, &s->remote, s->remote_port);
    tcp_time_wait_reuse(tp, s->local_port, true);
    tcp_update_mss(tp);
    tcp_first_window(tp);
    tcp_set_state(tp, TCP_SYN_SENT);
    tp->connecting = true;
    MIB(TCP_ACTIVE_OPENS);
    tcp_send_syn(tp);
}

static int begin_connect(struct tcp *tp, const struct inet_addr *ip, unsigned port, uint32_t scope)
{
    struct inet_socket *s = &tp->inet;
    unsigned hash_kind;
    uint32_t received = tp->rcv_nxt;
    int err;

    rcu_read_lock();
    hash_kind = route_kind(ip, NULL);
    rcu_read_unlock();
    if (hash_kind == RTN_BROADCAST || hash_kind == RTN_MULTICAST || inet_is_multicast(ip))
        return -ENETUNREACH;
    if (!inet_is_v4(ip) && inet_is_link_local(ip) && !scope && !s->flow.bound)
        return -EINVAL;
    err = inet_flow(s, &s->flow, ip, scope);
    if (!err)
        err = ip_route(&s->flow);
    if (err)
        return err;
    begin_anew(tp);
    s->local = s->flow.source;
    s->remote = *ip;
    s->remote_port = (uint16_t)port;
    s->scope = scope;
    err = take_port(tp);
    if (err) {
        forget_ends(tp);
    } else if (unlikely(tp->repair)) {
        tp->rcv_nxt = received;
        tcp_repair_connect(tp);
    } else {
        send_syn(tp);
    }
    return err;
}

static bool is_connecting(const struct tcp *tp)
{
    return TCP_IN(tcp_state(tp), 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV);
}

static bool has_connected(struct inet_socket *s)
{
    return !is_connecting(tcp_of(s));
}

/* connect(2) to AF_UNSPEC. */
static __cold void disconnect(struct tcp *tp)
{
    unsigned state = tcp_state(tp);

    if (state == TCP_LISTEN) {
        tcp_listen_stop(tp);
    } else if (state == TCP_SYN_SENT) {
        atomic_store(&tp->inet.socket.error, ECONNRESET);
    } else if (TCP_IN(state, 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT | 1 << TCP_FIN_WAIT1 |
                                 1 << TCP_FIN_WAIT2 | 1 << TCP_SYN_RECV) ||
               (tp->first && state != TCP_CLOSE)) {
        tcp_send_reset(tp);
        atomic_store(&tp->inet.socket.error, ECONNRESET);
    }
    tcp_done(tp);
    tcp_receive_purge(tp);
    tp->connected = tp->connecting = tp->cut = false;
    forget_ends(tp);
    begin_anew(tp);
}

/* The first call begins, the next ones learn how it went, the first of them 0. */
static int connect_step(struct tcp *tp, const struct inet_addr *ip, unsigned port, uint32_t scope,
                        bool nonblock)
{
    nsec_t deadline = socket_deadline(tp->inet.socket.send_timeout);
    int err;

    if (tp->cut)
        return -EINVAL;
    if (tp->connected || (tp->state != TCP_CLOSE && !tp->connecting))
        return -EISCONN;
    err = tp->connecting ? -EALREADY : begin_connect(tp, ip, port, scope);
    if (!tp->connecting)
        return err;
    if (err == 0)
        err = -EINPROGRESS;
    if (is_connecting(tp)) {
        int wait;

        if (nonblock)
            return err;
        wait = inet_wait(&tp->inet, &tp->inet.writers, has_connected, deadline);
        if (wait == -ETIMEDOUT)
            return err;
        if (wait)
            return socket_wait_error(wait, deadline);
    }
    tp->connecting = false;
    if (tp->state == TCP_CLOSE) {
        err = tcp_take_error(tp);
        disconnect(tp); /* as new */
        return err ? err : -ECONNABORTED;
    }
    tp->connected = true;
    return 0;
}

static int op_connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    struct tcp *tp = tcp_of_socket(socket);
    struct inet_addr ip;
    unsigned port;
    uint32_t scope;
    int err;

    inet_lock(&tp->inet);
    bool idle = tp->state == TCP_CLOSE && !tp->connecting && !tp->connected && !tp->cut;
    err = inet_destination_get(&tp->inet, address, &ip, &port, &scope);
    if (err == 1) {
        disconnect(tp);
        err = 0;
    } else {
        if (!err && idle)
            err = inet6_connect(&tp->inet, address);
        /* Under way or connected: whatever the address is. */
        if (!err || (!idle && address->len >= sizeof(address->family)))
            err = connect_step(tp, &ip, port, scope, nonblock);
    }
    inet_unlock(&tp->inet);
    return err;
}

static int op_name(struct socket *socket, bool peer, struct socket_address *address)
{
    struct tcp *tp = tcp_of_socket(socket);

    if (!inet_settled(&tp->inet)) {
        inet_lock(&tp->inet);
        inet_unlock(&tp->inet);
    }
    if (peer && (tcp_state(tp) == TCP_SYN_SENT || (tcp_state(tp) == TCP_CLOSE)))
        return -ENOTCONN;
    return inet_op_name(socket, peer, address);
}

/* --- ending
 * -----------------------------------------------------------------------------------------------
 */

/* Nothing more will be sent: the state moves on, and the FIN goes out behind what is queued. */
static void end_sending(struct tcp *tp)
{
    switch (tcp_state(tp)) {
    case TCP_ESTABLISHED:
    case TCP_SYN_RECV:
        tcp_set_state(tp, TCP_FIN_WAIT1);
        break;
    case TCP_CLOSE_WAIT:
        tcp_set_state(tp, TCP_LAST_ACK);
        break;
    default:
        return;
    }
    tcp_queue_fin(tp);
}

static int op_shutdown(struct socket *socket, int how)
{
    struct tcp *tp = tcp_of_socket(socket);
    uint8_t bits = (uint8_t)(how + 1);
    int err = 0;

    inet_lock(&tp->inet);
    if (tp->connecting) { /* the next connect(2) does not ask how it went */
        tp->connecting = false;
        tp->cut = tp->state == TCP_CLOSE;
        tp->connected = !tp->cut && !is_connecting(tp);
    }
    switch (tcp_state(tp)) {
    case TCP_LISTEN:
        if (bits & 1)
            disconnect(tp);
        break;
    case TCP_SYN_SENT:
        disconnect(tp);
        break;
    case TCP_CLOSE:
        err = -ENOTCONN;
        tp->shutdown |= bits;
        break;
    default:
        tp->shutdown |= bits;
        if (bits & 2)
            end_sending(tp);
    }
    tcp_wake(tp, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLHUP | POLLRDHUP);
    inet_unlock(&tp->inet);
    return err;
}

static bool has_closed(struct inet_socket *s)
{
    return !TCP_IN(tcp_state(tcp_of(s)), 1 << TCP_FIN_WAIT1 | 1 << TCP_CLOSING | 1 << TCP_LAST_ACK);
}

static bool too_many_orphans(void)
{
    return atomic_load_explicit(&tcp_orphans, memory_order_relaxed) >=
           (unsigned)tcp_settings.max_orphans;
}

/* The connection goes on without a file. */
static void leave_alone(struct tcp *tp)
{
    tp->orphan = true;
    tp->inet.socket.file = NULL;
    tcp_receive_purge(tp);
    tp->copied_seq = tp->rcv_nxt;
    if (tp->state == TCP_CLOSE)
        return;
    if (too_many_orphans()) {
        tcp_send_reset(tp);
        tcp_abort(tp, 0);
        return;
    }
    tp->counted_orphan = true;
    atomic_fetch_add_explicit(&tcp_orphans, 1, memory_order_relaxed);
    if (tp->state == TCP_FIN_WAIT2)
        tcp_fin_wait2(tp);
}

static void close_connection(struct tcp *tp)
{
    struct socket *socket = &tp->inet.socket;
    bool unread = tcp_readable(tp);

    tp->shutdown = 3;
    if (tp->repair) { /* it goes on elsewhere */
        tcp_abort(tp, 0);
    } else if (unread) { /* RFC 2525, 2.17: the other side must know that it was not read */
        MIB(TCP_ABORT_ON_CLOSE);
        if (TCP_IN(tcp_state(tp), TCP_SYNCED))
            tcp_send_reset(tp);
        tcp_abort(tp, 0);
    } else if (socket->linger.on && socket->linger.seconds <= 0) {
        MIB(TCP_ABORT_ON_LINGER);
        if (TCP_IN(tcp_state(tp), TCP_SYNCED))
            tcp_send_reset(tp);
        tcp_abort(tp, 0);
    } else if (tp->state == TCP_SYN_SENT) {
        tcp_abort(tp, 0);
    } else {
        end_sending(tp);
        if (socket->linger.on)
            inet_wait(&tp->inet, &tp->inet.writers, has_closed,
                      clock_monotonic() + socket->linger.seconds * TCP_SECOND);
    }
}

static void op_release(struct socket *socket)
{
    struct tcp *tp = tcp_of_socket(socket);

    inet_lock(&tp->inet);
    if (tp->state == TCP_LISTEN)
        tcp_listen_stop(tp);
    else if (tp->state != TCP_CLOSE)
        close_connection(tp);
    leave_alone(tp);
    if (tp->state == TCP_CLOSE)
        inet_unhash(&tp->inet); /* bound only */
    inet_unlock(&tp->inet);
    if (unlikely(!list_empty(&tp->inet.options.memberships))) /* anycast addresses */
        multicast_leave_all(&tp->inet);
    inet_put(&tp->inet);
}

/* --- readiness
 * -------------------------------------------------------------------------------------------- */

static unsigned send_events(struct tcp *tp)
{
    if (tp->shutdown & 2 || tcp_writable(tp))
        return POLLOUT | POLLWRNORM;
    tp->nospace = true;
    atomic_thread_fence(memory_order_seq_cst);
    return tcp_writable(tp) ? POLLOUT | POLLWRNORM : 0;
}

unsigned tcp_op_poll(struct socket *socket, struct poll_table *table)
{
    struct tcp *tp = tcp_of_socket(socket);
    unsigned events = 0, state;

    poll_wait(table, &tp->inet.readers);
    poll_wait(table, &tp->inet.writers);
    if (!inet_settled(&tp->inet)) {
        inet_lock(&tp->inet);
        inet_unlock(&tp->inet);
    }
    state = tcp_state(tp);
    if (state == TCP_LISTEN)
        return tcp_accept_ready(tp) ? POLLIN | POLLRDNORM : 0;
    if (tp->shutdown == 3 || state == TCP_CLOSE)
        events |= POLLHUP;
    if (tp->shutdown & 1)
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
        uint32_t target = (uint32_t)MAX(socket->receive_low, 1);

        if (tp->urg_data && tp->urg_seq == tp->copied_seq && !socket_flag(socket, SO_OOBINLINE))
            target++;
        if (tcp_readable(tp) >= MIN(target, MAX(tcp_window_of_space(socket->receive_buffer), 2u)))
            events |= POLLIN | POLLRDNORM;
        events |= send_events(tp);
        if (tp->urg_data & URG_HERE)
            events |= POLLPRI;
    }
    if (socket->error)
        events |= POLLERR;
    return events | inet_poll_errors(&tp->inet);
}

static int make(int family, int protocol, struct socket **socket)
{
    struct tcp *tp = tcp_make(family);

    if (!tp)
        return -ENOMEM;
    *socket = &tp->inet.socket;
    return 0;
}

struct inet_kind tcp_kind = {.type = SOCK_STREAM, .protocol = IPPROTO_TCP, .create = make};

const struct inet_proto tcp_proto = {
    .number = IPPROTO_TCP,
    .input = tcp_input,
    .input_done = tcp_input_done,
    .work = tcp_work,
    .free = free_tcp,
    .in_use = tcp_ends_in_use,
    .port_held = tcp_port_held,
    .describe = tcp_describe,
};

const struct socket_ops tcp_socket_ops = {
    .bind = inet_op_bind,
    .listen = tcp_op_listen,
    .connect = op_connect,
    .accept = tcp_op_accept,
    .name = op_name,
    .send = tcp_op_send,
    .late_control = true,
    .receive = tcp_op_receive,
    .shutdown = op_shutdown,
    .poll = tcp_op_poll,
    .ioctl = tcp_op_ioctl,
    .set_option = tcp_op_set_option,
    .get_option = tcp_op_get_option,
    .mmap = tcp_op_mmap,
    .release = op_release,
};
