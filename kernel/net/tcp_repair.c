/* TCP_REPAIR: a connection is taken apart and made again elsewhere (man 7 tcp has nothing on it;
 * CRIU is who uses it). While it is under repair nothing is sent: what is written counts as sent,
 * and connect(2) is done at once. */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/datagram.h"
#include "net/tcp.h"

enum { PAWS_SECONDS = 24 * 86400 };
enum { REPAIR_OFF = 0, REPAIR_ON = 1, REPAIR_OFF_NO_PROBE = -1 };
enum { QUEUE_NONE, QUEUE_RECEIVE, QUEUE_SEND, QUEUES };
enum { OPTION_MSS = 2, OPTION_WINDOW = 3, OPTION_SACK = 4, OPTION_STAMP = 8, WSCALE_MAX = 14 };

/* struct tcp_repair_window */
struct window {
    uint32_t snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup;
};

static int set_repair(struct tcp *tp, int number)
{
    if (!socket_capable(NET_CAP_ADMIN) || tp->state == TCP_LISTEN)
        return -EPERM;
    if (number != REPAIR_ON && number != REPAIR_OFF && number != REPAIR_OFF_NO_PROBE)
        return -EINVAL;
    tp->repair = number == REPAIR_ON;
    tp->inet.force_reuse = tp->repair;
    tp->inet.reuse_address = false;
    tp->inet.socket.flags &= ~(1ull << SO_REUSEADDR);
    tp->repair_queue = QUEUE_NONE;
    if (number == REPAIR_OFF && TCP_IN(tcp_state(tp), TCP_SYNCED))
        tcp_send_probe(tp, false);
    return 0;
}

static int set_sequence(struct tcp *tp, uint32_t seq)
{
    if (tp->state != TCP_CLOSE)
        return -EPERM;
    switch (tp->repair_queue) {
    case QUEUE_SEND:
        if (tp->first)
            return -EPERM;
        tp->write_seq = seq;
        return 0;
    case QUEUE_RECEIVE:
        if (tp->rcv_nxt != tp->copied_seq)
            return -EPERM;
        tp->rcv_nxt = tp->copied_seq = seq;
        return 0;
    default:
        return -EINVAL;
    }
}

static int set_option(struct tcp *tp, uint32_t code, uint32_t number)
{
    switch (code) {
    case OPTION_MSS:
        tp->peer_mss = (uint16_t)number;
        tcp_update_mss(tp);
        return 0;
    case OPTION_WINDOW:
        if ((number & 0xffff) > WSCALE_MAX || number >> 16 > WSCALE_MAX)
            return -EFBIG;
        tp->snd_wscale = (uint8_t)number;
        tp->rcv_wscale = (uint8_t)(number >> 16);
        tp->wscale_ok = true;
        return 0;
    case OPTION_SACK:
    case OPTION_STAMP:
        if (number)
            return -EINVAL;
        *(code == OPTION_SACK ? &tp->sack : &tp->stamps) = true;
        tcp_update_mss(tp);
        return 0;
    default:
        return 0;
    }
}

static int set_options(struct tcp *tp, const void *value, size_t len)
{
    uint32_t option[2];
    int err = 0;

    if (!tp->repair)
        return -EINVAL;
    if (tp->state != TCP_ESTABLISHED || tp->bytes_sent)
        return -EPERM;
    for (size_t at = 0; at + sizeof(option) <= len && !err; at += sizeof(option)) {
        memcpy(option, (const char *)value + at, sizeof(option));
        err = set_option(tp, option[0], option[1]);
    }
    return err;
}

static int set_window(struct tcp *tp, const void *value, size_t len)
{
    struct window w;

    if (!tp->repair)
        return -EPERM;
    if (len != sizeof(w))
        return -EINVAL;
    memcpy(&w, value, sizeof(w));
    if (w.max_window < w.snd_wnd || seq_after(w.snd_wl1, tp->rcv_nxt + w.rcv_wnd) ||
        seq_after(w.rcv_wup, tp->rcv_nxt))
        return -EINVAL;
    tp->snd_wl1 = w.snd_wl1;
    tp->snd_wnd = w.snd_wnd;
    tp->max_window = w.max_window;
    tp->rcv_wnd = w.rcv_wnd;
    tp->rcv_wup = w.rcv_wup;
    return 0;
}

int tcp_repair_set(struct tcp *tp, int name, int number, const void *value, size_t len)
{
    switch (name) {
    case TCP_REPAIR:
        return set_repair(tp, number);
    case TCP_REPAIR_QUEUE:
        if (!tp->repair)
            return -EPERM;
        if (number < 0 || number >= QUEUES)
            return -EINVAL;
        tp->repair_queue = (uint8_t)number;
        return 0;
    case TCP_QUEUE_SEQ:
        return set_sequence(tp, (uint32_t)number);
    case TCP_REPAIR_OPTIONS:
        return set_options(tp, value, len);
    case TCP_REPAIR_WINDOW:
        return set_window(tp, value, len);
    default: /* TCP_TIMESTAMP */
        if (!tp->repair)
            return -EPERM;
        tp->stamp_offset += (uint32_t)number - tcp_stamp(tp, clock_monotonic());
        return 0;
    }
}

static int put(void *value, size_t len, uint32_t number)
{
    len = MIN(len, sizeof(number));
    memcpy(value, &number, len);
    return (int)len;
}

int tcp_repair_get(struct tcp *tp, int name, void *value, size_t len)
{
    struct window w = {tp->snd_wl1, tp->snd_wnd, tp->max_window, tp->rcv_wnd, tp->rcv_wup};

    switch (name) {
    case TCP_REPAIR:
        return put(value, len, tp->repair);
    case TCP_REPAIR_QUEUE:
        return tp->repair ? put(value, len, tp->repair_queue) : -EINVAL;
    case TCP_QUEUE_SEQ:
        if (tp->repair_queue == QUEUE_NONE)
            return -EINVAL;
        return put(value, len, tp->repair_queue == QUEUE_SEND ? tp->write_seq : tp->rcv_nxt);
    default: /* TCP_REPAIR_WINDOW */
        if (len != sizeof(w))
            return -EINVAL;
        if (!tp->repair)
            return -EPERM;
        memcpy(value, &w, sizeof(w));
        return sizeof(w);
    }
}

void tcp_repair_connect(struct tcp *tp)
{
    tp->stamp_offset = tcp_stamp_offset_for(&tp->inet.local, &tp->inet.remote);
    tp->stamps = tp->sack = tp->wscale_ok = false;
    tp->iss = tp->snd_una = tp->snd_nxt = tp->snd_up = tp->pushed_seq = tp->write_seq;
    tp->rcv_wup = tp->last_ack_sent = tp->rcv_nxt;
    tp->copied_seq = tp->rcv_nxt;
    tp->recent_stamp_at = (uint32_t)(clock_monotonic() / TCP_SECOND) - PAWS_SECONDS; /* any goes */
    tcp_first_window(tp);
    tcp_established(tp);
    tp->done = tp->connected = true;
}

/* Bytes straight into the queue of those that have arrived. */
static ssize_t fill_receive_queue(struct tcp *tp, struct message *message)
{
    size_t n = MIN(message->io.left, (size_t)UINT16_MAX);
    struct packet *packet;

    if (!TCP_IN(tcp_state(tp), TCP_CAN_SEND)) /* as Linux: there is no connection yet */
        return -EPIPE;
    packet = packet_alloc(0, (unsigned)n);
    if (!packet)
        return -ENOMEM;
    if (io_get(&message->io, packet_append(packet, (unsigned)n), n) != n) {
        packet_free(packet);
        return -EFAULT;
    }
    tp->rcv_wup = tp->rcv_nxt; /* whatever window there was: it fits */
    tcp_receive_data(tp, packet, tp->rcv_nxt, 0);
    return (ssize_t)n;
}

ssize_t tcp_repair_send(struct tcp *tp, struct message *message)
{
    if (tp->repair_queue == QUEUE_RECEIVE)
        return fill_receive_queue(tp, message);
    return tp->repair_queue == QUEUE_SEND ? 0 : -EINVAL;
}

/* A look at what was sent and is not acknowledged, and what waits to be sent. */
ssize_t tcp_repair_receive(struct tcp *tp, struct message *message)
{
    ssize_t done = 0;

    if (!(message->flags & MSG_PEEK))
        return -EPERM;
    if (tp->repair_queue == QUEUE_RECEIVE)
        return tcp_receive_stream(tp, message);
    if (tp->repair_queue == QUEUE_NONE)
        return -EINVAL;
    for (struct packet *packet = tp->first; packet && message->io.left; packet = packet->next) {
        size_t n = MIN((size_t)packet->len, message->io.left);

        if (io_put(&message->io, packet->data, n) != n)
            return -EFAULT;
        done += (ssize_t)n;
    }
    return done;
}
