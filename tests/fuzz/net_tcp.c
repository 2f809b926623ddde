// clang-format off
// sources: tests/unit/shim/tcp/sim.c tests/unit/shim/tcp/timers.c kernel/net/tcp_input.c kernel/net/tcp_output.c kernel/net/tcp_timer.c
// sources: kernel/net/tcp_listen.c kernel/net/tcp_options.c kernel/net/tcp_cong.c kernel/net/tcp_departures.c kernel/net/tcp_recovery.c
// sources: kernel/net/tcp_receive.c kernel/net/tcp_send.c kernel/net/tcp_socket.c kernel/net/tcp_sockopt.c
// sources: kernel/net/tcp_repair.c kernel/net/tcp_syncookie.c kernel/net/tcp_timewait.c kernel/net/tcp_ip.c kernel/net/packet.c
// sources: kernel/net/checksum.c kernel/lib/siphash.c kernel/lib/string.c
// flags: -Itests/unit/shim/tcp -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -fwrapv -fno-builtin
// flags: -fno-sanitize=alignment -Wl,--wrap=tcp_initial_sequence
// clang-format on
/* TCP under any segments in every state: the input chooses a state, then says what happens: foreign
 * segments near the windows, calls of the program, time. Counters must agree with the lists, and
 * when all is closed nothing may be left. */
#include "../unit/shim/tcp/sim.h"

#include "lib/errno.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORT = 80 };

struct input {
    const uint8_t *data;
    size_t left;
};

static unsigned byte_of(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->data++;
}

static struct socket *listener, *client, *server;

/* --- what must always hold */

static void check_sent(struct tcp *tp)
{
    uint32_t sacked = 0, lost = 0, again = 0, cost = 0, seq = tp->snd_una;
    bool sent = true;

    for (struct packet *p = tp->first; p; p = p->next) {
        struct tcp_sent *s = tcp_sent(p);

        sent &= p != tp->unsent;
        NEED(s->seq == seq);
        seq = tcp_sent_end(p);
        cost += s->cost;
        if (!sent)
            continue;
        sacked += s->state & SENT_SACKED ? tcp_sent_len(p) : 0;
        lost += s->state & SENT_LOST ? tcp_sent_len(p) : 0;
        again += s->state & SENT_AGAIN ? tcp_sent_len(p) : 0;
        NEED(!(s->state & SENT_SACKED) || !(s->state & (SENT_LOST | SENT_AGAIN)));
    }
    NEED(cost == tp->tx_cost && (!tp->first || seq == tp->write_seq));
    NEED(lost == tp->lost && again == tp->again && (!tp->sack || sacked == tp->sacked));
    NEED((int32_t)(lost + sacked - again) <= (int32_t)(tp->snd_nxt - tp->snd_una));
    NEED(!seq_before(tp->snd_nxt, tp->snd_una) && !seq_after(tp->snd_nxt, tp->write_seq));
}

static void check_received(struct tcp *tp)
{
    uint32_t cost = 0, end = tp->rcv_nxt;

    for (struct packet *p = tp->got_first; p; p = p->next) {
        cost += tcp_got(p)->cost;
        NEED(!p->next || tcp_got(p)->seq + p->total == tcp_got(p->next)->seq);
        NEED(p->next || p == tp->got_last);
    }
    for (struct packet *p = tp->early; p; p = p->next) {
        cost += tcp_got(p)->cost;
        NEED(seq_after(tcp_got(p)->seq, tp->rcv_nxt) && !seq_before(tcp_got(p)->seq, end));
        end = tcp_got(p)->seq + p->total;
        NEED(p->next || p == tp->early_last);
    }
    NEED(cost == tp->rx_cost);
    NEED(tp->rx_cost < 3 * tp->inet.socket.receive_buffer + 200000);
}

static void check(struct socket *socket)
{
    struct tcp *tp = socket ? tcp_of_socket(socket) : NULL;

    if (!tp || tp->state == TCP_LISTEN)
        return;
    check_sent(tp);
    check_received(tp);
}

/* --- what happens */

static void inject(struct input *in, struct tcp *tp, bool to_server)
{
    uint8_t segment[1600] = {0};
    unsigned kind = byte_of(in), flags = byte_of(in), options = byte_of(in) & 40, len, header;
    uint32_t seq = tp->rcv_nxt, ack = tp->snd_nxt;

    options &= ~3u;
    header = 20 + options;
    if (kind & 1)
        seq += (uint32_t)(int8_t)byte_of(in) << (kind >> 4 & 7);
    if (kind & 2)
        ack += (uint32_t)(int8_t)byte_of(in) << (kind >> 4 & 7);
    if (kind & 4)
        ack = tp->snd_una;
    put_be16(segment, tp->inet.remote_port);
    put_be16(segment + 2, tp->inet.local_port);
    put_be32(segment + 4, seq);
    put_be32(segment + 8, ack);
    segment[12] = (uint8_t)(header << 2);
    segment[13] = (uint8_t)(kind & 8 ? flags : TCP_ACK | (flags & (TCP_PSH | TCP_FIN)));
    put_be16(segment + 14, (uint16_t)(byte_of(in) << (kind >> 5)));
    put_be16(segment + 18, (uint16_t)byte_of(in));
    for (unsigned i = 0; i < options; i++)
        segment[20 + i] = (uint8_t)byte_of(in);
    if (options >= 12 && flags & 64) { /* a timestamp that passes */
        tcp_options_put_stamp(segment + 20, tp->recent_stamp + (flags & 1), 1);
        if (options >= 24 && flags & 128) {
            segment[32] = segment[33] = TCPOPT_NOP;
            segment[34] = TCPOPT_SACK;
            segment[35] = 10;
            put_be32(segment + 36, tp->snd_una + (byte_of(in) << 4));
            put_be32(segment + 40, tp->snd_una + (byte_of(in) << 6));
        }
    }
    len = byte_of(in) * (kind & 16 ? 5 : 1);
    sim_inject(to_server ? 1 : 2, to_server ? 2 : 1, segment, header + len, kind != 255);
}

static void act(struct input *in)
{
    static uint8_t buffer[20000];
    unsigned what = byte_of(in);
    struct socket *socket = what & 16 ? server : client;
    struct tcp *tp = socket ? tcp_of_socket(socket) : NULL;

    if (!socket)
        return;
    switch (what & 15) {
    case 8:
        sim_send(socket, buffer, byte_of(in) * 70 + 1,
                 what & 32   ? MSG_OOB
                 : what & 64 ? MSG_MORE
                             : 0);
        break;
    case 9:
        sim_receive(socket, buffer, byte_of(in) * 70 + 1,
                    what & 32   ? MSG_OOB
                    : what & 64 ? MSG_PEEK
                                : 0);
        break;
    case 10:
        socket->ops->shutdown(socket, byte_of(in) % 3);
        break;
    case 11:
        sim_run((nsec_t)byte_of(in) * 20 * TCP_MS << (what >> 5));
        break;
    case 12:
        sim_link.loss = byte_of(in) * 4;
        sim_link.late = byte_of(in) * 2;
        break;
    case 13:
        sim_set(socket, IPPROTO_TCP, byte_of(in) % 40, byte_of(in));
        break;
    case 14:
        sim_set(socket, SOL_SOCKET, what & 32 ? SO_RCVBUF : SO_KEEPALIVE, byte_of(in) * 64);
        break;
    case 15:
        sim_poll(socket);
        break;
    default:
        inject(in, tp, socket == server);
    }
}

static void begin(struct input *in)
{
    unsigned state = byte_of(in);

    listener = sim_socket();
    sim_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    tcp_settings.sack = !(state & 32);
    tcp_settings.timestamps = !(state & 64);
    tcp_settings.window_scaling = !(state & 128);
    NEED(!sim_bind(listener, 2, PORT) && !listener->ops->listen(listener, 2));
    client = sim_socket();
    server = NULL;
    NEED(sim_connect(client, 2, state & 16 ? PORT + 1 : PORT) == -EINPROGRESS);
    if (state & 1)
        return; /* SYN_SENT, and a request */
    sim_run(TCP_SECOND);
    server = sim_accept(listener);
    if (state & 2)
        client->ops->shutdown(client, SHUT_WR);
    if (state & 4 && server)
        server->ops->shutdown(server, SHUT_WR);
    if (state & 8)
        sim_run(TCP_SECOND);
}

static void end(void)
{
    if (client)
        sim_close(client);
    if (server)
        sim_close(server);
    sim_close(listener);
    sim_link.down = true;
    for (unsigned i = 0; i < 3000 && (tcp_time_wait_count() || sim_blocks); i++)
        sim_run(4 * TCP_SECOND);
    NEED(!sim_blocks && !tcp_memory && !tcp_orphans);
    sim_link.down = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    sim_start(1);
    begin(&in);
    while (in.left) {
        act(&in);
        check(client);
        check(server);
        if (!server)
            server = sim_accept(listener);
    }
    end();
    return 0;
}
