// clang-format off
// sources: tests/unit/shim/tcp/sim.c tests/unit/shim/tcp/timers.c kernel/net/tcp_input.c kernel/net/tcp_output.c kernel/net/tcp_timer.c
// sources: kernel/net/tcp_listen.c kernel/net/tcp_options.c kernel/net/tcp_cong.c kernel/net/tcp_departures.c kernel/net/tcp_recovery.c
// sources: kernel/net/tcp_receive.c kernel/net/tcp_send.c kernel/net/tcp_socket.c kernel/net/tcp_sockopt.c
// sources: kernel/net/tcp_repair.c kernel/net/tcp_syncookie.c kernel/net/tcp_timewait.c kernel/net/tcp_ip.c kernel/net/packet.c
// sources: kernel/net/checksum.c kernel/lib/siphash.c kernel/lib/string.c
// flags: -Itests/unit/shim/tcp -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -Wno-unused-parameter -fwrapv -fno-builtin -w
// flags: -Wl,--wrap=tcp_initial_sequence
// timeout: 600
// clang-format on
/* TCP between two ends over a link that loses, reorders, repeats, delays and spoils what it
 * carries: everything arrives once and in order, ends come to their end, and nothing is left.
 * SOAK=1: more seeds. */
#include "sim.h"

#include "lib/errno.h"

char *getenv(const char *name);

enum { PORT = 80 };

/* --- one direction of a connection */

struct stream {
    struct socket *from, *to;
    uint64_t size, sent, received, seed;
    bool closed, ended;
};

static uint8_t byte_at(uint64_t seed, uint64_t at)
{
    uint64_t x = (at / 8 + seed) * 0x9e3779b97f4a7c15;

    return (uint8_t)(x >> 8 * (at % 8));
}

static uint8_t buffer[1 << 17];

static void write_some(struct stream *s)
{
    while (s->sent < s->size) {
        size_t n = MIN(1 + sim_below(sim_below(8) ? 3000 : sizeof(buffer)), s->size - s->sent);
        ssize_t done;

        for (size_t i = 0; i < n; i++)
            buffer[i] = byte_at(s->seed, s->sent + i);
        done = sim_send(s->from, buffer, n, MSG_NOSIGNAL);
        if (done < 0) {
            NEED(done == -EAGAIN);
            return;
        }
        s->sent += (uint64_t)done;
    }
    if (!s->closed) {
        s->closed = true;
        NEED(!s->from->ops->shutdown(s->from, SHUT_WR));
    }
}

static void read_some(struct stream *s)
{
    while (!s->ended) {
        size_t n = 1 + sim_below(sim_below(4) ? sizeof(buffer) : 2000);
        ssize_t got = sim_receive(s->to, buffer, n, 0);

        if (got == -EAGAIN)
            return;
        if (got < 0)
            printf("# receive says %ld after %lu of %lu\n", (long)got, s->received, s->size);
        NEED(got >= 0);
        for (ssize_t i = 0; i < got; i++)
            NEED(buffer[i] == byte_at(s->seed, s->received + (uint64_t)i));
        s->received += (uint64_t)got;
        s->ended = got == 0;
    }
    NEED(s->received == s->size);
}

/* --- a connection */

struct pair {
    struct socket *listener, *client, *server;
};

static bool is_accepted(void *arg)
{
    struct pair *p = arg;

    if (!p->server)
        p->server = sim_accept(p->listener);
    return p->server && tcp_of_socket(p->client)->state == TCP_ESTABLISHED;
}

static void open_pair(struct pair *p)
{
    p->listener = sim_socket();
    sim_set(p->listener, SOL_SOCKET, SO_REUSEADDR, 1);
    NEED(!sim_bind(p->listener, 2, PORT));
    NEED(!p->listener->ops->listen(p->listener, 16));
    p->client = sim_socket();
    p->server = NULL;
    NEED(sim_connect(p->client, 2, PORT) == -EINPROGRESS);
    NEED(sim_until(is_accepted, p, 300));
    NEED(!sim_connect(p->client, 2, PORT));
    NEED(sim_connect(p->client, 2, PORT) == -EISCONN);
}

static void close_pair(struct pair *p)
{
    sim_close(p->client);
    sim_close(p->server);
    sim_close(p->listener);
}

static bool is_quiet(void *arg)
{
    return !tcp_time_wait_count() && !sim_blocks;
}

/* All that was made is gone again, TIME-WAIT included. */
static void expect_nothing_left(void)
{
    sim_link.loss = sim_link.spoil = 0;
    sim_link.down = false;
    NEED(sim_until(is_quiet, NULL, 4000));
    NEED(tcp_memory == 0 && tcp_orphans == 0);
}

static nsec_t transfer(uint64_t there, uint64_t back)
{
    struct pair p;
    struct stream s[2];
    nsec_t began;

    open_pair(&p);
    began = clock_monotonic();
    s[0] = (struct stream){.from = p.client, .to = p.server, .size = there, .seed = 7};
    s[1] = (struct stream){.from = p.server, .to = p.client, .size = back, .seed = 99};
    while (!s[0].ended || !s[1].ended) {
        write_some(&s[0]);
        write_some(&s[1]);
        read_some(&s[0]);
        read_some(&s[1]);
        if (s[0].ended && s[1].ended)
            break;
        NEED(sim_step());
        NEED(clock_monotonic() - began < 3000 * TCP_SECOND);
    }
    began = clock_monotonic() - began;
    close_pair(&p);
    expect_nothing_left();
    return began;
}

/* --- tests */

static uint64_t seeds = 1;

static void test_clean(void)
{
    for (uint64_t seed = 1; seed <= 4 * seeds; seed++) {
        sim_start(seed);
        sim_link.features = seed & 1 ? NETIF_TSO4 : 0;
        sim_link.mtu = seed & 2 ? 1500 : 65536;
        transfer(2000000, seed & 1 ? 100000 : 0);
        NEED(sim_lost == 0);
    }
    printf("ok - a link without faults\n");
}

static void test_loss(unsigned thousandths)
{
    for (uint64_t seed = 1; seed <= 6 * seeds; seed++) {
        sim_start(seed * 1000 + thousandths);
        sim_link.features = seed & 1 ? NETIF_TSO4 : 0;
        sim_link.loss = thousandths;
        transfer(1000000, seed & 2 ? 300000 : 0);
    }
    printf("ok - %u in 1000 segments are lost\n", thousandths);
}

static void test_faults(void)
{
    for (uint64_t seed = 1; seed <= 12 * seeds; seed++) {
        sim_start(seed);
        sim_link.features = seed & 1 ? NETIF_TSO4 : 0;
        sim_link.loss = sim_below(30);
        sim_link.again = sim_below(50);
        sim_link.spoil = sim_below(20);
        sim_link.late = sim_below(300);
        sim_link.jitter = (unsigned)sim_below(20000);
        sim_link.mtu = 576 + (unsigned)sim_below(9000);
        sim_link.delay = (unsigned)sim_below(50000);
        transfer(400000, 200000);
    }
    printf("ok - loss, repetition, corruption and reordering together\n");
}

/* Sequence numbers wrap in the middle of it. */
static void test_wrap(void)
{
    for (unsigned i = 0; i < 4; i++) {
        sim_start(i + 1);
        sim_force_iss = true;
        sim_iss = 0u - 300000 + i;
        sim_link.loss = i * 10;
        sim_link.features = i & 1 ? NETIF_TSO4 : 0;
        transfer(1000000, 1000000);
    }
    printf("ok - sequence numbers wrap\n");
}

static void test_without_options(void)
{
    struct tcp_settings saved = tcp_settings;

    for (unsigned i = 0; i < 8; i++) {
        tcp_settings.sack = i & 1;
        tcp_settings.timestamps = i >> 1 & 1;
        tcp_settings.window_scaling = i >> 2 & 1;
        sim_start(i + 1);
        sim_link.loss = 20;
        sim_link.features = i & 2 ? NETIF_TSO4 : 0;
        transfer(500000, 100000);
    }
    tcp_settings = saved;
    printf("ok - without SACK, timestamps, window scaling\n");
}

static bool always(void *arg)
{
    return false;
}

/* Nobody reads for minutes: the window closes, probes go out, then all of it arrives. */
static void test_zero_window(void)
{
    struct pair p;
    struct stream s;

    sim_start(3);
    open_pair(&p);
    s = (struct stream){.from = p.client, .to = p.server, .size = 6000000, .seed = 5};
    write_some(&s);
    for (unsigned i = 0; i < 30; i++) {
        sim_until(always, NULL, 10);
        write_some(&s);
    }
    NEED(tcp_of_socket(p.client)->state == TCP_ESTABLISHED);
    NEED(s.sent < s.size);
    sim_link.loss = 50;
    while (!s.ended) {
        read_some(&s);
        write_some(&s);
        NEED(s.ended || sim_step());
    }
    close_pair(&p);
    expect_nothing_left();
    printf("ok - a window that stays closed\n");
}

static bool is_closed(void *arg)
{
    return tcp_of_socket(arg)->state == TCP_CLOSE;
}

static void test_reset(void)
{
    struct pair p;
    uint8_t byte;

    sim_start(4);
    open_pair(&p);
    NEED(sim_send(p.client, "abc", 3, 0) == 3);
    sim_run(TCP_SECOND);
    sim_close(p.server); /* with bytes that nobody has read */
    NEED(sim_until(is_closed, p.client, 5));
    NEED(sim_receive(p.client, &byte, 1, 0) == -ECONNRESET);
    NEED(sim_receive(p.client, &byte, 1, 0) == 0 || 1);
    NEED(sim_send(p.client, "x", 1, MSG_NOSIGNAL) == -EPIPE);
    NEED((sim_poll(p.client) & (POLLHUP | POLLIN | POLLOUT)) == (POLLHUP | POLLIN | POLLOUT));
    sim_close(p.client);
    sim_close(p.listener);
    expect_nothing_left();

    /* Nobody listens. */
    struct socket *alone = sim_socket();
    NEED(sim_connect(alone, 2, 9) == -EINPROGRESS);
    NEED(sim_until(is_closed, alone, 5));
    NEED(sim_connect(alone, 2, 9) == -ECONNREFUSED);
    sim_close(alone);
    expect_nothing_left();
    printf("ok - resets\n");
}

/* The other host has gone: each way of finding out ends. */
static void test_silence(void)
{
    struct pair p;
    uint8_t byte;

    sim_start(5);
    open_pair(&p);
    sim_link.loss = 1000;
    NEED(sim_send(p.client, "abc", 3, 0) == 3);
    NEED(sim_until(is_closed, p.client, 3000));
    NEED(sim_receive(p.client, &byte, 1, 0) == -ETIMEDOUT);
    close_pair(&p);
    expect_nothing_left();

    sim_start(6);
    open_pair(&p);
    sim_set(p.client, IPPROTO_TCP, 4, 10); /* TCP_KEEPIDLE, KEEPINTVL, KEEPCNT */
    sim_set(p.client, IPPROTO_TCP, 5, 2);
    sim_set(p.client, IPPROTO_TCP, 6, 3);
    sim_set(p.client, SOL_SOCKET, SO_KEEPALIVE, 1);
    sim_run(100 * TCP_SECOND);
    NEED(tcp_of_socket(p.client)->state == TCP_ESTABLISHED);
    sim_link.loss = 1000;
    nsec_t began = clock_monotonic();
    NEED(sim_until(is_closed, p.client, 100));
    NEED(clock_monotonic() - began <= 20 * TCP_SECOND);
    NEED(sim_receive(p.client, &byte, 1, 0) == -ETIMEDOUT);
    close_pair(&p);
    expect_nothing_left();

    sim_start(7);
    struct socket *alone = sim_socket();
    sim_link.loss = 1000;
    NEED(sim_connect(alone, 2, 9) == -EINPROGRESS);
    NEED(sim_until(is_closed, alone, 300));
    NEED(sim_connect(alone, 2, 9) == -ETIMEDOUT);
    sim_close(alone);
    expect_nothing_left();
    printf("ok - a peer that falls silent\n");
}

static bool both_open(void *arg)
{
    struct socket **s = arg;

    return tcp_of_socket(s[0])->state == TCP_ESTABLISHED &&
           tcp_of_socket(s[1])->state == TCP_ESTABLISHED;
}

static bool both_closed(void *arg)
{
    struct socket **s = arg;

    return is_closed(s[0]) && is_closed(s[1]);
}

/* Both begin, and both end, at the same time. */
static void test_simultaneous(void)
{
    struct socket *s[2] = {0};
    uint8_t byte;

    for (unsigned loss = 0; loss <= 200; loss += 100) {
        sim_start(8 + loss);
        for (unsigned i = 0; i < 2; i++) {
            s[i] = sim_socket();
            NEED(!sim_bind(s[i], 1 + i, 5000 + i));
        }
        sim_link.loss = loss;
        NEED(sim_connect(s[0], 2, 5001) == -EINPROGRESS);
        NEED(sim_connect(s[1], 1, 5000) == -EINPROGRESS);
        NEED(sim_until(both_open, s, 200));
        NEED(sim_send(s[0], "a", 1, 0) == 1 && sim_send(s[1], "b", 1, 0) == 1);
        sim_run(30 * TCP_SECOND);
        NEED(sim_receive(s[0], &byte, 1, 0) == 1 && byte == 'b');
        NEED(sim_receive(s[1], &byte, 1, 0) == 1 && byte == 'a');
        NEED(!s[0]->ops->shutdown(s[0], SHUT_WR) && !s[1]->ops->shutdown(s[1], SHUT_WR));
        NEED(sim_until(both_closed, s, 200));
        NEED(sim_receive(s[0], &byte, 1, 0) == 0 && sim_receive(s[1], &byte, 1, 0) == 0);
        sim_close(s[0]);
        sim_close(s[1]);
        expect_nothing_left();
    }
    printf("ok - both begin and both end at once\n");
}

static void put_header(uint8_t *p, unsigned source, unsigned destination, uint32_t seq,
                       uint32_t ack, unsigned flags)
{
    memset(p, 0, 20);
    put_be16(p, (uint16_t)source);
    put_be16(p + 2, (uint16_t)destination);
    put_be32(p + 4, seq);
    put_be32(p + 8, ack);
    p[12] = 5 << 4;
    p[13] = (uint8_t)flags;
    put_be16(p + 14, 1000);
}

/* A hundred thousand SYNs from nowhere: memory stays bounded, and who means it gets through. */
static void test_flood(void)
{
    struct pair p = {};
    uint8_t syn[20];
    long blocks;

    sim_start(9);
    p.listener = sim_socket();
    NEED(!sim_bind(p.listener, 2, PORT));
    NEED(!p.listener->ops->listen(p.listener, 64));
    blocks = sim_blocks;
    for (unsigned i = 0; i < 100000; i++) {
        put_header(syn, 1024 + i % 60000, PORT, (uint32_t)sim_random(), 0, TCP_SYN);
        sim_inject(100 + i / 60000, 2, syn, sizeof(syn), true);
    }
    NEED(sim_blocks < blocks + 1000);
    p.client = sim_socket();
    NEED(sim_connect(p.client, 2, PORT) == -EINPROGRESS);
    NEED(sim_until(is_accepted, &p, 100));
    NEED(tcp_of_socket(p.server)->sack && tcp_of_socket(p.server)->wscale_ok);
    NEED(sim_send(p.client, "abc", 3, 0) == 3);
    sim_run(5 * TCP_SECOND);
    NEED(sim_receive(p.server, buffer, 10, 0) == 3);
    close_pair(&p);
    expect_nothing_left();
    printf("ok - a flood of SYNs\n");
}

/* The backlog is full: connections wait in the handshake and come through later. */
static void test_backlog(void)
{
    struct socket *listener, *clients[20];
    unsigned n = 0, got = 0;

    sim_start(10);
    listener = sim_socket();
    NEED(!sim_bind(listener, 2, PORT) && !listener->ops->listen(listener, 3));
    for (unsigned i = 0; i < 20; i++) {
        clients[i] = sim_socket();
        NEED(sim_connect(clients[i], 2, PORT) == -EINPROGRESS);
    }
    sim_run(2 * TCP_SECOND);
    NEED(tcp_listen_queued(tcp_of_socket(listener)) == 4);
    /* Who was answered with a cookie is known again by what it sends. */
    for (unsigned i = 0; i < 20; i++)
        sim_send(clients[i], "x", 1, MSG_NOSIGNAL);
    for (unsigned i = 0; i < 600 && got < 20; i++) {
        struct socket *s = sim_accept(listener);

        if (s) {
            got++;
            sim_close(s);
        }
        sim_run(TCP_SECOND / 5);
    }
    NEED(got == 20);
    for (n = 0; n < 20; n++)
        sim_close(clients[n]);
    sim_close(listener);
    expect_nothing_left();
    printf("ok - a backlog that is full\n");
}

static void test_many(void)
{
    static struct socket *clients[10000], *servers[10000];
    struct socket *listener;
    unsigned got = 0, n = ARRAY_SIZE(clients);

    sim_start(11);
    tcp_settings.max_orphans = tcp_settings.max_tw_buckets = 2 * (int)n;
    listener = sim_socket();
    NEED(!sim_bind(listener, 2, PORT) && !listener->ops->listen(listener, 4000));
    for (unsigned i = 0; i < n; i++) {
        clients[i] = sim_socket();
        NEED(sim_connect(clients[i], 2, PORT) == -EINPROGRESS);
        if (i % 50 == 49) {
            sim_run(10 * TCP_MS);
            while (got < n && (servers[got] = sim_accept(listener)))
                got++;
        }
    }
    sim_run(TCP_SECOND);
    while (got < n && (servers[got] = sim_accept(listener)))
        got++;
    NEED(got == n);
    for (unsigned i = 0; i < n; i++) {
        NEED(sim_send(servers[i], &i, sizeof(i), 0) == sizeof(i));
        sim_close(servers[i]);
    }
    sim_run(TCP_SECOND);
    for (unsigned i = 0; i < n; i++) {
        NEED(sim_receive(clients[i], buffer, 10, 0) == 4);
        NEED(sim_receive(clients[i], buffer, 10, 0) == 0);
        sim_close(clients[i]);
    }
    sim_close(listener);
    sim_run(TCP_SECOND);
    NEED(tcp_time_wait_count() == n);
    expect_nothing_left();
    printf("ok - ten thousand connections\n");
}

/* Many who do not read: what TCP says that it takes is what it takes, and no more than it may. */
static void test_memory(void)
{
    enum { N = 200, PAGES = 1024, UNTOLD = 4096, FIRST = 8192 };
    static struct socket *ends[N][2];
    struct tcp_settings before = tcp_settings;
    struct socket *listener;
    long idle, taken;

    sim_start(12);
    sim_link.features = NETIF_TSO4;
    tcp_settings.mem[2] = PAGES;
    tcp_settings.mem[1] = PAGES * 2 / 3;
    listener = sim_socket();
    NEED(!sim_bind(listener, 2, PORT) && !listener->ops->listen(listener, N));
    for (unsigned i = 0; i < N; i++) {
        ends[i][0] = sim_socket();
        NEED(sim_connect(ends[i][0], 2, PORT) == -EINPROGRESS);
    }
    sim_run(TCP_SECOND);
    for (unsigned i = 0; i < N; i++)
        NEED((ends[i][1] = sim_accept(listener)));
    idle = sim_bytes;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < N; i++)
            while (sim_send(ends[i][0], buffer, 65536, MSG_NOSIGNAL) > 0)
                ;
        sim_run(TCP_SECOND);
        taken = sim_bytes - idle;
        NEED(taken <= tcp_memory + N * UNTOLD);
        NEED(taken <= PAGES * (long)PAGE_SIZE + N * 2 * FIRST);
    }
    printf("# %d connections: %ld KiB taken, %ld said, %d allowed\n", N, taken >> 10,
           (long)tcp_memory >> 10, PAGES * 4);
    for (unsigned i = 0; i < N; i++) {
        sim_close(ends[i][1]);
        sim_close(ends[i][0]);
    }
    sim_close(listener);
    tcp_settings = before;
    expect_nothing_left();
    printf("ok - memory of those who are not read keeps within bounds\n");
}

/* Old segments (PAWS), blind resets and SYNs (RFC 5961) do no harm. */
static void test_blind(void)
{
    struct pair p;
    struct tcp *tp;
    uint8_t segment[64];

    sim_start(12);
    open_pair(&p);
    NEED(sim_send(p.client, "0123456789", 10, 0) == 10);
    sim_run(TCP_SECOND);
    tp = tcp_of_socket(p.server);
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t seq = tp->rcv_nxt + (i ? (uint32_t)sim_below(2000) : 1);
        unsigned flags = i % 3 == 0 ? TCP_RST : i % 3 == 1 ? TCP_SYN : TCP_ACK;

        if (seq == tp->rcv_nxt && flags == TCP_RST)
            seq++;
        put_header(segment, tp->inet.remote_port, PORT, seq, tp->snd_nxt + 100000, flags);
        sim_inject(1, 2, segment, 20, true);
        NEED(tp->state == TCP_ESTABLISHED);
    }
    /* A duplicate of other bytes with an old timestamp. */
    put_header(segment, tp->inet.remote_port, PORT, tp->rcv_nxt, tp->snd_una, TCP_ACK);
    segment[12] = 8 << 4;
    tcp_options_put_stamp(segment + 20, tp->recent_stamp - 100000, 0);
    memcpy(segment + 32, "XXXX", 4);
    sim_inject(1, 2, segment, 36, true);
    NEED(tcp_readable(tp) == 10);
    tcp_options_put_stamp(segment + 20, tp->recent_stamp, 0);
    sim_inject(1, 2, segment, 36, true);
    NEED(tcp_readable(tp) == 14);
    sim_link.down = true;
    close_pair(&p);
    expect_nothing_left();
    printf("ok - old and forged segments\n");
}

/* A probe of the tail that is due when the tail has arrived repeats what has not. */
static void test_tail_probe(void)
{
    struct pair p;
    struct tcp *tp;
    uint8_t segment[44];

    sim_start(14);
    open_pair(&p);
    tp = tcp_of_socket(p.client);
    sim_set(p.client, IPPROTO_TCP, 1 /* TCP_NODELAY */, 1);
    sim_link.down = true;
    NEED(sim_send(p.client, "first", 5, 0) == 5 && sim_send(p.client, "second", 6, 0) == 6);
    put_header(segment, PORT, tp->inet.local_port, tp->rcv_nxt, tp->snd_una, TCP_ACK);
    segment[12] = 11 << 4;
    tcp_options_put_stamp(segment + 20, tp->recent_stamp, 0);
    segment[32] = segment[33] = TCPOPT_NOP;
    segment[34] = TCPOPT_SACK;
    segment[35] = 10;
    put_be32(segment + 36, tp->snd_una + 5);
    put_be32(segment + 40, tp->snd_una + 11);
    sim_inject(2, 1, segment, sizeof(segment), true);
    NEED(tcp_sent(tp->last)->state == SENT_SACKED && !tcp_sent(tp->first)->state);
    tp->retransmit_what = RT_PROBE_TAIL;
    tp->retransmit_at = clock_monotonic();
    tcp_timer_arm(tp);
    sim_run(TCP_MS);
    NEED(tcp_sent(tp->last)->state == SENT_SACKED && tcp_sent(tp->first)->state & SENT_AGAIN);
    NEED(tp->again == 5 && tp->sacked == 6);
    close_pair(&p);
    expect_nothing_left();
    printf("ok - a probe of a tail that has arrived\n");
}

static void test_urgent(void)
{
    struct pair p;
    uint8_t byte;

    sim_start(13);
    open_pair(&p);
    NEED(sim_send(p.client, "abc", 3, MSG_OOB) == 3);
    NEED(sim_send(p.client, "def", 3, 0) == 3);
    sim_run(TCP_SECOND);
    NEED(sim_poll(p.server) & POLLPRI);
    NEED(sim_receive(p.server, buffer, 10, 0) == 2 && !memcmp(buffer, "ab", 2));
    NEED(tcp_at_mark(tcp_of_socket(p.server)));
    NEED(sim_receive(p.server, &byte, 1, MSG_OOB) == 1 && byte == 'c');
    NEED(sim_receive(p.server, &byte, 1, MSG_OOB) == -EINVAL);
    NEED(sim_receive(p.server, buffer, 10, 0) == 3 && !memcmp(buffer, "def", 3));
    close_pair(&p);
    expect_nothing_left();
    printf("ok - urgent data\n");
}

/* The path gets narrower without a word: the segments do, too. */
static unsigned narrow;
static bool drop_large(uint8_t *segment, unsigned len, const struct inet_addr *source)
{
    return len + 20 > narrow;
}

static void test_black_hole(void)
{
    sim_start(14);
    narrow = 900;
    sim_filter = drop_large;
    transfer(200000, 0);
    sim_filter = NULL;
    printf("ok - a black hole for large segments\n");
}

/* A queue in the way that overflows: the link stays busy, whatever is lost. */
static void test_throughput(const char *name, unsigned rate, unsigned delay, unsigned queue,
                            unsigned loss, unsigned least)
{
    nsec_t took;
    uint64_t size = 20000000;

    sim_start(15);
    strlcpy(tcp_settings.congestion, name, sizeof(tcp_settings.congestion));
    sim_link.rate = rate;
    sim_link.delay = delay;
    sim_link.queue = queue;
    sim_link.loss = loss;
    sim_link.features = NETIF_TSO4;
    took = transfer(size, 0);
    printf("# %s, %u bytes/ms, delay %u us, queue %u, loss %u: %lu%% of the link\n", name, rate,
           delay, queue, loss, (unsigned long)(size * TCP_MS * 100 / rate / (uint64_t)took));
    NEED(size * TCP_MS * 100 / rate / (uint64_t)took >= least);
    strlcpy(tcp_settings.congestion, "cubic", sizeof(tcp_settings.congestion));
}

/* SO_MAX_PACING_RATE: neither faster nor much slower, with loss or without, whatever the link cuts;
 * and the peer is never sent more than a few segments at once. */
static unsigned burst;
static bool count_burst(uint8_t *segment, unsigned len, const struct inet_addr *source)
{
    static nsec_t began;
    static unsigned bytes;

    if (clock_monotonic() != began)
        bytes = 0;
    began = clock_monotonic();
    bytes += len > 60 ? len : 0;
    burst = MAX(burst, bytes);
    return false;
}

static nsec_t paced_transfer(struct pair *p, uint64_t size)
{
    struct stream s = {.from = p->client, .to = p->server, .size = size, .seed = 5};
    nsec_t began = clock_monotonic();

    while (!s.ended) {
        write_some(&s);
        read_some(&s);
        if (!s.ended)
            NEED(sim_step());
    }
    return clock_monotonic() - began;
}

static void test_pacing(void)
{
    for (unsigned i = 0; i < 12; i++) {
        uint64_t rate = i % 3 == 0 ? 20000 : i % 3 == 1 ? 1000000 : 30000000;
        uint64_t size = MIN(rate * 4, 4000000ul);
        struct pair p;
        nsec_t took, least = (nsec_t)((size - 10 * 1460) * 990 / rate) * TCP_MS;

        sim_start(60 + i);
        sim_link.features = i & 1 ? NETIF_TSO4 : 0;
        sim_link.mtu = 1500;
        sim_link.delay = 200;
        sim_link.loss = i >= 6 && rate < 30000000 ? 10 : 0;
        open_pair(&p);
        sim_set(p.client, SOL_SOCKET, SO_MAX_PACING_RATE, 1);
        p.client->pacing_rate = rate;
        tcp_of_socket(p.client)->inet.socket.send_buffer = 1 << 22;
        sim_filter = count_burst;
        burst = 0;
        took = paced_transfer(&p, size);
        sim_filter = NULL;
        printf("# %lu bytes/s: %lu bytes in %lu ms, at most %u at once\n", (unsigned long)rate,
               (unsigned long)size, (unsigned long)(took / TCP_MS), burst);
        NEED(took > least && took < least * 11 / 10 + (sim_link.loss ? 1000 : 0) * TCP_MS);
        NEED(burst < MAX(rate / 1000, 12ul * 1500));
        close_pair(&p);
        expect_nothing_left();
    }
    printf("ok - a paced connection\n");
}

/* The rate is taken back, is 0, or the file is closed meanwhile: all arrives. */
static void test_pacing_ends(void)
{
    struct pair p;

    for (unsigned i = 0; i < 3; i++) {
        sim_start(80 + i);
        open_pair(&p);
        sim_set(p.client, SOL_SOCKET, SO_MAX_PACING_RATE, 1);
        p.client->pacing_rate = i == 1 ? 0 : 10000;
        NEED(sim_send(p.client, buffer, 60000, MSG_NOSIGNAL) == 60000);
        sim_run(TCP_SECOND);
        if (i == 0)
            p.client->pacing_rate = UINT64_MAX;
        if (i == 2) {
            sim_close(p.client);
            sim_run(TCP_SECOND);
            NEED(tcp_of_socket(p.server)->state == TCP_ESTABLISHED);
            sim_run(20 * TCP_SECOND);
            NEED(tcp_of_socket(p.server)->state == TCP_CLOSE_WAIT);
            sim_close(p.server);
            sim_close(p.listener);
        } else {
            sim_run(TCP_SECOND);
            NEED(tcp_of_socket(p.server)->rcv_nxt - tcp_of_socket(p.server)->irs > 50000);
            close_pair(&p);
        }
        expect_nothing_left();
    }
    printf("ok - pacing that ends\n");
}

int main(void)
{
    setvbuf(stdout, NULL, 1, 0);
    seeds = getenv("SOAK") && getenv("SOAK")[0] == '1' ? 40 : 1;
    test_clean();
    test_loss(10);
    test_loss(50);
    test_loss(100);
    test_faults();
    test_wrap();
    test_without_options();
    test_zero_window();
    test_reset();
    test_silence();
    test_simultaneous();
    test_blind();
    test_tail_probe();
    test_urgent();
    test_black_hole();
    test_pacing();
    test_pacing_ends();
    test_backlog();
    test_flood();
    test_many();
    test_memory();
    test_throughput("cubic", 2000, 10000, 40000, 0, 85);
    test_throughput("reno", 2000, 10000, 40000, 0, 85);
    test_throughput("cubic", 10000, 10000, 400000, 0, 70);
    printf("ok - a link with a queue is kept busy\n");
    return 0;
}
