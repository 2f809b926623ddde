/* Data that has come: in order, beyond gaps, and up to the program. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/mib.h"
#include "net/tcp.h"

enum { PACKET_COST = 512, SMALL = 1024, OWN_ROOM = 3584 };
enum { WARY = 1024 }; /* segments after the last gap */

/* --- queues
 * -----------------------------------------------------------------------------------------------
 */

static uint32_t got_end(struct packet *packet)
{
    return tcp_got(packet)->seq + packet->total;
}

static void count(struct tcp *tp, struct packet *packet)
{
    uint32_t cost = packet->total;

    for (const struct packet *piece = packet; piece; piece = piece->more)
        cost += PACKET_COST;
    tcp_got(packet)->cost = cost;
    tp->rx_cost += cost;
}

static void drop(struct tcp *tp, struct packet *packet)
{
    tp->rx_cost -= tcp_got(packet)->cost;
    packet->next = NULL;
    packet_free(packet);
}

static void drop_list(struct tcp *tp, struct packet *packet)
{
    while (packet) {
        struct packet *next = packet->next;

        drop(tp, packet);
        packet = next;
    }
}

static void purge_early(struct tcp *tp)
{
    drop_list(tp, tp->early);
    tp->early = tp->early_last = NULL;
    tp->nsacks = 0;
}

void tcp_receive_purge(struct tcp *tp)
{
    purge_early(tp);
    drop_list(tp, tp->got_first);
    tp->got_first = tp->got_last = NULL;
}

/* Few bytes behind those of `last`: together, so that a buffer is not held for each. The packet
 * that has them now, `last` or a new one that belongs behind it; NULL: they are too many. */
static struct packet *gather(struct tcp *tp, struct packet *last, struct packet *packet)
{
    uint32_t len = packet->total;

    if (len > SMALL)
        return NULL;
    if (!tcp_got(last)->own || packet_tailroom(last) < len) {
        last = packet_alloc(0, OWN_ROOM);
        if (!last)
            return NULL;
        *tcp_got(last) = (struct tcp_got){.seq = tcp_got(packet)->seq, .own = true};
        last->next = NULL;
        count(tp, last);
    }
    packet_read(packet, 0, packet_append(last, len), len);
    tcp_got(last)->cost += len;
    tp->rx_cost += len;
    packet->next = NULL;
    packet_free(packet);
    return last;
}

/* The packet's bytes are next (counted: it was among the early ones). */
static void append(struct tcp *tp, struct packet *packet, bool counted)
{
    uint32_t len = packet->total;
    struct packet *gathered;

    tp->rcv_nxt += len;
    tp->bytes_received += len;
    if (counted)
        tp->rx_cost -= tcp_got(packet)->cost;
    gathered = tp->got_last ? gather(tp, tp->got_last, packet) : NULL;
    if (gathered) {
        MIB(TCP_RCV_COALESCE);
        if (gathered == tp->got_last)
            return;
        packet = gathered;
    } else {
        count(tp, packet);
        packet->next = NULL;
    }
    if (tp->got_last)
        tp->got_last->next = packet;
    else
        tp->got_first = packet;
    tp->got_last = packet;
}

/* --- SACK (RFC 2018, 4; RFC 2883)
 * ----------------------------------------------------------------------- */

void tcp_dsack(struct tcp *tp, uint32_t start, uint32_t end)
{
    if (!tp->sack || !tcp_settings.dsack || start == end)
        return;
    if (seq_before(start, tp->rcv_nxt))
        MIB(TCP_DSACK_OLD_SENT);
    else
        MIB(TCP_DSACK_OFO_SENT);
    tp->dsack = (struct tcp_range){start, end};
    tp->dsack_due = true;
}

/* A range has come: the first from now on, grown together with those that it touches. */
static void note_range(struct tcp *tp, uint32_t start, uint32_t end)
{
    struct tcp_range first = {start, end}, *ranges = tp->recent_sacks;
    unsigned n = 0;

    for (unsigned i = 0; i < tp->nsacks; i++) {
        if (seq_after(ranges[i].start, first.end) || seq_after(first.start, ranges[i].end)) {
            ranges[n++] = ranges[i];
            continue;
        }
        if (seq_before(ranges[i].start, first.start))
            first.start = ranges[i].start;
        first.end = seq_max(first.end, ranges[i].end);
    }
    n = MIN(n, TCP_SACKS_MAX - 1u);
    for (unsigned i = n; i; i--)
        ranges[i] = ranges[i - 1];
    ranges[0] = first;
    tp->nsacks = (uint8_t)(n + 1);
}

static void forget_ranges(struct tcp *tp)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tp->nsacks; i++)
        if (seq_after(tp->recent_sacks[i].start, tp->rcv_nxt))
            tp->recent_sacks[n++] = tp->recent_sacks[i];
    tp->nsacks = (uint8_t)n;
}

unsigned tcp_sack_ranges(struct tcp *tp, struct tcp_range ranges[TCP_SACKS_MAX])
{
    unsigned n = 0;

    if (!tp->sack)
        return 0;
    if (tp->dsack_due)
        ranges[n++] = tp->dsack;
    for (unsigned i = 0; i < tp->nsacks && n < TCP_SACKS_MAX; i++)
        ranges[n++] = tp->recent_sacks[i];
    return n;
}

/* --- beyond a gap
 * ----------------------------------------------------------------------------------------- */

/* Take the packets out that the new one covers, behind *link; cut it where the next one begins. */
static void cover(struct tcp *tp, struct packet *packet, struct packet **link)
{
    struct packet *next;

    while ((next = *link) && !seq_after(got_end(next), got_end(packet))) {
        tcp_dsack(tp, tcp_got(next)->seq, got_end(next));
        if (tcp_got(next)->fin)
            tcp_got(packet)->fin = true;
        *link = next->next;
        if (tp->early_last == next)
            tp->early_last = NULL; /* found again by the caller */
        drop(tp, next);
    }
    if (next && seq_before(tcp_got(next)->seq, got_end(packet))) {
        tcp_dsack(tp, tcp_got(next)->seq, got_end(packet));
        packet_trim(packet, tcp_got(next)->seq - tcp_got(packet)->seq);
    }
}

/* Into the list behind `before` (NULL: the first), whose `next` link is. */
static void link_early(struct tcp *tp, struct packet *packet, struct packet *before,
                       struct packet **link)
{
    struct packet *gathered = NULL;

    if (before && got_end(before) == tcp_got(packet)->seq && !tcp_got(packet)->fin &&
        !tcp_got(before)->fin)
        gathered = gather(tp, before, packet);
    if (gathered)
        packet = gathered;
    else
        count(tp, packet);
    if (packet != before) {
        packet->next = *link;
        *link = packet;
    }
    if (!packet->next)
        tp->early_last = packet;
}

static void insert_early(struct tcp *tp, struct packet *packet)
{
    struct packet **link = &tp->early, *before = NULL;
    uint32_t seq = tcp_got(packet)->seq;

    if (tp->early_last && !seq_before(seq, got_end(tp->early_last))) {
        before = tp->early_last;
        link = &before->next;
    }
    for (; *link && !seq_after(tcp_got(*link)->seq, seq); link = &(*link)->next)
        before = *link;
    if (before && seq_after(got_end(before), seq)) {
        uint32_t overlap = got_end(before) - seq;

        tcp_dsack(tp, seq, seq + MIN(overlap, packet->total));
        if (overlap >= packet->total && !tcp_got(packet)->fin) {
            packet_free(packet);
            return;
        }
        packet_skip(packet, MIN(overlap, packet->total));
        tcp_got(packet)->seq += overlap;
    }
    cover(tp, packet, link);
    note_range(tp, seq, got_end(packet) + tcp_got(packet)->fin);
    link_early(tp, packet, before, link);
}

static void receive_early(struct tcp *tp, struct packet *packet)
{
    tp->ack_now = true;
    tp->early_total++;
    tp->wary = WARY;
    if (tp->rx_cost + packet->total + PACKET_COST > tp->inet.socket.receive_buffer) {
        MIB(TCP_OFO_DROP);
        packet_free(packet);
    } else {
        MIB(TCP_OFO_QUEUE);
        insert_early(tp, packet);
    }
    /* Without SACK each counts as one more duplicate. */
    if (!tp->sack || tp->early_total & 1)
        tcp_send_ack(tp);
}

/* --- in order
 * --------------------------------------------------------------------------------------------- */

/* The other side has nothing more to say (RFC 9293, 3.10.7.4, eighth). */
static void receive_fin(struct tcp *tp)
{
    tp->rcv_nxt++;
    tp->shutdown |= 1;
    tp->done = true;
    tp->ack_now = true;
    purge_early(tp);
    switch (tcp_state(tp)) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
        tcp_set_state(tp, TCP_CLOSE_WAIT);
        tp->pingpong = true;
        break;
    case TCP_FIN_WAIT1:
        tcp_send_ack(tp);
        tcp_set_state(tp, TCP_CLOSING);
        break;
    case TCP_FIN_WAIT2:
        tcp_send_ack(tp);
        tcp_time_wait(tp, TCP_TIME_WAIT, 60 * TCP_SECOND);
        break;
    }
    tcp_wake(tp, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP);
}

/* What the gap that has just closed had kept back. */
static void receive_kept(struct tcp *tp)
{
    struct packet *packet;

    if (!tp->early)
        return;
    tp->ack_now = true;
    while ((packet = tp->early) && !seq_after(tcp_got(packet)->seq, tp->rcv_nxt)) {
        uint32_t old = tp->rcv_nxt - tcp_got(packet)->seq;
        bool fin = tcp_got(packet)->fin;

        tp->early = packet->next;
        if (!tp->early)
            tp->early_last = NULL;
        if (old > packet->total || (old == packet->total && !fin)) {
            tcp_dsack(tp, tcp_got(packet)->seq, got_end(packet));
            drop(tp, packet);
            continue;
        }
        if (old) {
            packet_skip(packet, old);
            tcp_got(packet)->seq += old;
        }
        if (packet->total)
            append(tp, packet, true);
        else
            drop(tp, packet);
        if (fin) {
            receive_fin(tp);
            return;
        }
    }
    forget_ranges(tp);
}

/* How large the other side's segments are, and how it is best answered. */
static void note_arrival(struct tcp *tp, const struct packet *packet, unsigned flags, nsec_t now)
{
    uint32_t len = packet->gso ? packet->gso_size : packet->total;

    if (len < tp->received_mss) {
        tp->small += tp->small < 2;
    } else {
        tp->received_mss = (uint16_t)MIN(len, 65535u);
        if (flags & TCP_PSH && !tp->small)
            tp->small = 1;
    }
    if (unlikely(now - tp->last_receive > TCP_ACK_DELAY_MS * TCP_MS) && tp->last_receive &&
        (tp->wary || now - tp->last_receive > tp->rto))
        tp->quick = MAX(tp->quick, (uint16_t)2);
    tp->last_receive = now;
    tp->data_in++;
    tp->ack_due = true;
}

static bool has_room(struct tcp *tp, uint32_t len)
{
    uint32_t most = tp->inet.socket.receive_buffer;

    if (tcp_memory_above(TCP_MEMORY_MOST) && tp->rx_cost > (uint32_t)tcp_settings.rmem[0]) {
        MIB(TCP_RCV_Q_DROP);
        return false;
    }
    if (tp->rx_cost + len <= most)
        return true;
    if (tp->early)
        purge_early(tp);
    /* The window was offered: the copy into fewer buffers makes room for it. */
    return tp->rx_cost <= most + most / 2;
}

static void receive_next(struct tcp *tp, struct packet *packet, unsigned flags)
{
    note_arrival(tp, packet, flags, tp->now);
    if (packet->total)
        append(tp, packet, false);
    else
        packet_free(packet);
    if (flags & TCP_FIN)
        receive_fin(tp);
    else
        receive_kept(tp);
    /* Of segments that are worked off together the last one is acknowledged, for all. Where some
     * are lost, that would be lost at times, too, and the other side left waiting. */
    if (unlikely(tp->wary)) {
        tp->wary--;
        if (tp->rcv_nxt - tp->rcv_wup > tp->received_mss && TCP_IN(tcp_state(tp), TCP_CAN_RECEIVE))
            tcp_send_ack(tp);
    }
}

void tcp_receive_data(struct tcp *tp, struct packet *packet, uint32_t seq, unsigned flags)
{
    bool fin = flags & TCP_FIN;
    uint32_t end = seq + packet->total + fin;

    if (!seq_after(end, tp->rcv_nxt)) { /* all of it was here before */
        MIB(TCP_DELAYED_ACK_LOST);
        tcp_dsack(tp, seq, end);
        tp->quick = MAX(tp->quick, (uint16_t)2);
        tp->ack_now = true;
        packet_free(packet);
        return;
    }
    if (seq_before(seq, tp->rcv_nxt)) {
        uint32_t old = tp->rcv_nxt - seq;

        tcp_dsack(tp, seq, tp->rcv_nxt);
        packet_skip(packet, MIN(old, packet->total));
        seq = tp->rcv_nxt;
    }
    *tcp_got(packet) = (struct tcp_got){.seq = seq, .fin = fin};
    if ((!tcp_window_left(tp) && packet->total) || !has_room(tp, packet->total)) {
        tp->ack_now = true;
        packet_free(packet);
    } else if (seq == tp->rcv_nxt) {
        receive_next(tp, packet, flags);
    } else {
        receive_early(tp, packet);
    }
    tcp_charge(tp);
}

/* --- urgent data (as Linux: one byte, and where it was)
 * --------------------------------------------------- */

static void note_urgent(struct tcp *tp, const struct tcp_header *header)
{
    uint32_t at = header->urgent;

    if (at && !tcp_settings.stdurg)
        at--;
    at += header->seq;
    if (seq_after(tp->copied_seq, at) || seq_before(at, tp->rcv_nxt) ||
        (tp->urg_data && !seq_after(at, tp->urg_seq)))
        return;
    if (!tp->orphan && tp->inet.socket.file)
        socket_urgent_hook(tp->inet.socket.file);
    /* A byte that was urgent and not read is lost if the next one follows at once. */
    if (tp->urg_seq == tp->copied_seq && tp->urg_data &&
        !socket_flag(&tp->inet.socket, SO_OOBINLINE) && tp->copied_seq != tp->rcv_nxt)
        tp->copied_seq++;
    tp->urg_data = URG_COMING;
    tp->urg_seq = at;
    tcp_wake(tp, POLLPRI);
}

__cold void tcp_receive_urgent(struct tcp *tp, const struct packet *packet,
                               const struct tcp_header *header)
{
    uint32_t offset;
    uint8_t byte;

    if (header->flags & TCP_URG)
        note_urgent(tp, header);
    if (tp->urg_data != URG_COMING)
        return;
    offset = tp->urg_seq - header->seq;
    if (offset >= packet->total || !packet_read(packet, offset, &byte, 1))
        return;
    tp->urg_data = URG_HERE | byte;
    tcp_wake(tp, POLLPRI | POLLIN | POLLRDNORM);
}

bool tcp_at_mark(const struct tcp *tp)
{
    return tp->urg_data && tp->urg_seq == tp->copied_seq;
}

/* --- the window (RFC 9293, 3.8.6)
 * ----------------------------------------------------------------------- */

/* What may be kept: under pressure a few segments. */
static uint32_t receive_space(const struct tcp *tp)
{
    uint32_t space = tp->inet.socket.receive_buffer;

    if (tcp_memory_above(TCP_MEMORY_PRESSURE))
        space = MIN(space, MAX(8u * tp->received_mss, 2u * (uint32_t)tcp_settings.rmem[0]));
    return space;
}

static uint32_t full_window(const struct tcp *tp)
{
    uint32_t window = tcp_window_of_space(receive_space(tp));

    return tp->window_clamp ? MIN(window, tp->window_clamp) : window;
}

uint32_t tcp_window_for(const struct tcp *tp)
{
    uint32_t full = full_window(tp), mss = MIN((uint32_t)tp->received_mss, full), step;
    uint32_t room = tcp_window_of_space((int64_t)receive_space(tp) - (int64_t)tp->rx_cost);

    room = MIN(room, full);
    if (room < full / 2 && (room < full / 16 || room < mss))
        return 0;
    step = 1u << tp->rcv_wscale;
    if (tp->rcv_wscale)
        return MIN(ALIGN_UP(room, step), 65535u << tp->rcv_wscale);
    room = MIN(room, 65535u);
    if (tp->rcv_wnd + mss <= room || tp->rcv_wnd > room)
        return mss ? room / mss * mss : room;
    return tp->rcv_wnd;
}

uint32_t tcp_new_window(struct tcp *tp)
{
    uint32_t window, left = tcp_window_left(tp);

    if (tp->state == TCP_SYN_SENT || tp->state == TCP_SYN_RECV)
        return tp->rcv_wnd;
    window = tcp_window_for(tp);
    if (window < left) { /* never take back */
        if (!window)
            MIB(TCP_WANT_ZERO_WINDOW_ADV);
        window = ALIGN_UP(left, 1u << tp->rcv_wscale);
    }
    if (unlikely(!window != !tp->rcv_wnd)) {
        if (window)
            MIB(TCP_FROM_ZERO_WINDOW_ADV);
        else
            MIB(TCP_TO_ZERO_WINDOW_ADV);
    }
    tp->rcv_wnd = window;
    tp->rcv_wup = tp->rcv_nxt;
    return window;
}

unsigned tcp_choose_wscale(const struct tcp *tp)
{
    uint32_t most = MAX((uint32_t)tcp_settings.rmem[2], tp->inet.socket.receive_buffer);
    unsigned scale = 0;

    if (tp->window_clamp)
        most = MIN(most, tp->window_clamp);
    while (scale < TCP_WSCALE_MAX && most > 65535u << scale)
        scale++;
    return scale;
}

__cold void tcp_first_window(struct tcp *tp)
{
    tp->rcv_wnd = MIN(full_window(tp), 65535u);
    tp->rcv_wup = tp->rcv_nxt;
}

/* --- the buffer follows the program
 * --------------------------------------------------------------------- */

static void measure_reader(struct tcp *tp, nsec_t now)
{
    nsec_t rtt = tp->srtt ? tp->srtt : 10 * TCP_MS;
    uint32_t copied = tp->copied_seq - tp->tune.seq;
    uint64_t wanted;

    if (now - tp->tune.at < rtt)
        return;
    if (copied > tp->tune.space && tcp_settings.moderate_rcvbuf && !tp->receive_locked) {
        /* Twice what was read in a round, and as fast as slow start doubles it. */
        wanted = 2 * (uint64_t)copied + 16 * tp->received_mss;
        wanted += wanted * (copied - tp->tune.space) / MAX(tp->tune.space, 1u) * 2;
        wanted = MIN(wanted * 2, (uint64_t)tcp_settings.rmem[2]);
        if (wanted > tp->inet.socket.receive_buffer)
            tp->inet.socket.receive_buffer = (uint32_t)wanted;
        tp->tune.space = copied;
    }
    tp->tune.seq = tp->copied_seq;
    tp->tune.at = now;
}

/* --- reading
 * ---------------------------------------------------------------------------------------------- */

uint32_t tcp_readable(const struct tcp *tp)
{
    uint32_t n = tp->rcv_nxt - tp->copied_seq;

    if (n && tp->shutdown & 1 && tp->done)
        n--; /* the FIN */
    return n;
}

void tcp_reader_done(struct tcp *tp, bool read)
{
    bool ack = false;

    if (TCP_IN(tcp_state(tp), 1 << TCP_CLOSE | 1 << TCP_LISTEN | 1 << TCP_SYN_SENT))
        return;
    if (tp->ack_due)
        ack = tp->rcv_nxt - tp->rcv_wup > tp->received_mss ||
              (read && (tp->small > 1 || (tp->small && !tp->pingpong)) && !tcp_readable(tp));
    if (!ack && read && !(tp->shutdown & 1)) {
        uint32_t left = tcp_window_left(tp);

        if (2 * left <= full_window(tp)) {
            uint32_t window = tcp_window_for(tp);

            ack = window && window >= 2 * left;
        }
    }
    if (ack)
        tcp_send_ack(tp);
    if (read)
        measure_reader(tp, tp->last_receive);
}

/* Free what the program has read. */
static void free_read(struct tcp *tp)
{
    struct packet *packet;

    while ((packet = tp->got_first) && !seq_after(got_end(packet), tp->copied_seq)) {
        tp->got_first = packet->next;
        if (!tp->got_first)
            tp->got_last = NULL;
        drop(tp, packet);
    }
}

static struct packet *find_packet(struct tcp *tp, uint32_t seq)
{
    struct packet *packet = tp->got_first;

    while (packet && !seq_after(got_end(packet), seq))
        packet = packet->next;
    return packet;
}

/* Up to n bytes from offset to the program, or nowhere. */
static uint32_t copy_out(const struct packet *packet, uint32_t offset, uint32_t n,
                         struct message *message)
{
    uint32_t done = 0;

    if (message->flags & MSG_TRUNC) {
        io_skip(&message->io, n);
        return n;
    }
    for (; packet && done < n; packet = packet->more) {
        uint32_t part, moved;

        if (offset >= packet->len) {
            offset -= packet->len;
            continue;
        }
        part = MIN(packet->len - offset, n - done);
        moved = (uint32_t)io_put(&message->io, packet->data + offset, part);
        done += moved;
        if (moved < part)
            break;
        offset = 0;
    }
    return done;
}

/* One step of reading at *seq: bytes, 0: skipped the urgent byte, -EFAULT. */
static ssize_t read_at(struct tcp *tp, struct packet *packet, uint32_t *seq,
                       struct message *message)
{
    uint32_t offset = *seq - tcp_got(packet)->seq;
    uint32_t n = (uint32_t)MIN((size_t)(packet->total - offset), message->io.left), moved = 0;

    if (unlikely(tp->urg_data)) {
        uint32_t urgent = tp->urg_seq - *seq;

        if (urgent < n && urgent) {
            n = urgent;
        } else if (urgent < n && !socket_flag(&tp->inet.socket, SO_OOBINLINE)) {
            ++*seq;
            offset++;
            n--;
        }
    }
    if (n) {
        moved = copy_out(packet, offset, n, message);
        if (!moved)
            return -EFAULT;
        *seq += moved;
    }
    if (tp->urg_data && seq_after(tp->copied_seq, tp->urg_seq))
        tp->urg_data = URG_NONE;
    return moved;
}

static bool may_read_on(struct inet_socket *s)
{
    struct tcp *tp = tcp_of(s);

    return tp->rcv_nxt != tp->wait_mark || tp->shutdown & 1 || s->socket.error ||
           tp->state == TCP_CLOSE;
}

/* Nothing was there at all: 1: wait; 0 or why not. */
static int why_nothing(struct tcp *tp, const struct message *message)
{
    int err;

    if (tp->done) /* before an error: the answer to what was written after the end */
        return 0;
    err = tcp_take_error(tp);
    if (err)
        return err;
    if (tp->shutdown & 1)
        return 0;
    if (tp->state == TCP_CLOSE)
        return -ENOTCONN;
    return message->nonblock ? -EAGAIN : 1;
}

/* Wait for more behind what there is: 1, or the call's end. */
static int wait_more(struct tcp *tp, const struct message *message, bool some, nsec_t deadline)
{
    int err;

    if (!some) {
        err = why_nothing(tp, message);
        if (err <= 0)
            return err;
    } else if (tp->inet.socket.error || tp->state == TCP_CLOSE || tp->shutdown & 1 ||
               message->nonblock) {
        return 0;
    }
    tp->wait_mark = tp->rcv_nxt;
    err = inet_wait(&tp->inet, &tp->inet.readers, may_read_on, deadline);
    return err ? socket_wait_error(err, deadline) : 1;
}

ssize_t tcp_receive_stream(struct tcp *tp, struct message *message)
{
    struct socket *socket = &tp->inet.socket;
    nsec_t deadline = socket_deadline(socket->receive_timeout);
    size_t size = message->io.left, done = 0, target;
    bool peek = message->flags & MSG_PEEK;
    uint32_t peeked = tp->copied_seq, *seq = peek ? &peeked : &tp->copied_seq;

    target = message->flags & MSG_WAITALL ? size : MIN(size, (size_t)socket->receive_low);
    target = MAX(target, (size_t)1);
    do {
        struct packet *packet;
        ssize_t n;
        int err;

        if (unlikely(tp->urg_data) && tp->urg_seq == *seq && done)
            break;
        packet = find_packet(tp, *seq);
        if (packet) {
            uint32_t before = *seq;

            n = read_at(tp, packet, seq, message);
            if (n < 0)
                return done ? (ssize_t)done : n;
            done += (size_t)n;
            if (!peek)
                free_read(tp);
            if (!size || (!n && *seq == before))
                break;
            continue;
        }
        if (done >= target)
            break;
        if (!peek)
            tcp_reader_done(tp, done);
        err = wait_more(tp, message, done, deadline);
        if (err <= 0)
            return done ? (ssize_t)done : err;
    } while (message->io.left);
    return (ssize_t)done;
}

/* recv(MSG_OOB). */
static ssize_t receive_oob(struct tcp *tp, struct message *message)
{
    uint8_t byte = (uint8_t)tp->urg_data;

    if (socket_flag(&tp->inet.socket, SO_OOBINLINE) || !tp->urg_data || tp->urg_data == URG_READ)
        return -EINVAL;
    if (tp->state == TCP_CLOSE && !tp->done)
        return -ENOTCONN;
    if (!(tp->urg_data & URG_HERE))
        return tp->state == TCP_CLOSE || tp->shutdown & 1 ? 0 : -EAGAIN;
    if (!(message->flags & MSG_PEEK))
        tp->urg_data = URG_READ;
    message->result |= MSG_OOB;
    if (!message->io.left) {
        message->result |= MSG_TRUNC;
        return 0;
    }
    if (!(message->flags & MSG_TRUNC) && io_put(&message->io, &byte, 1) != 1)
        return -EFAULT;
    return 1;
}

/* TCP_INQ: how much is left. */
static ssize_t tell_inq(struct tcp *tp, struct message *message)
{
    enum { TCP_CM_INQ = 36 };
    uint32_t left = tcp_inq(tp);

    return message_put_control(message, IPPROTO_TCP, TCP_CM_INQ, &left, sizeof(left));
}

ssize_t tcp_op_receive(struct socket *socket, struct message *message)
{
    struct tcp *tp = tcp_of_socket(socket);
    ssize_t n;

    if (message->address)
        message->address->len = 0;
    if (unlikely(message->flags & MSG_ERRQUEUE))
        return inet_receive_error(&tp->inet, message);
    inet_lock(&tp->inet);
    if (tp->state == TCP_LISTEN)
        n = -ENOTCONN;
    else if (message->flags & MSG_OOB)
        n = receive_oob(tp, message);
    else if (unlikely(tp->repair))
        n = tcp_repair_receive(tp, message);
    else
        n = tcp_receive_stream(tp, message);
    if (n > 0 && !(message->flags & MSG_PEEK)) {
        tcp_reader_done(tp, true);
        tcp_charge(tp);
    }
    if (unlikely(tp->tell_inq) && n >= 0)
        n = tell_inq(tp, message) ?: n;
    inet_unlock(&tp->inet);
    return n;
}
