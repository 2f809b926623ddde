// clang-format off
// sources: tests/unit/shim/tcp/sim.c tests/unit/shim/tcp/timers.c kernel/net/tcp_input.c kernel/net/tcp_output.c kernel/net/tcp_timer.c
// sources: kernel/net/tcp_listen.c kernel/net/tcp_options.c kernel/net/tcp_cong.c kernel/net/tcp_departures.c kernel/net/tcp_recovery.c
// sources: kernel/net/tcp_receive.c kernel/net/tcp_send.c kernel/net/tcp_socket.c kernel/net/tcp_sockopt.c
// sources: kernel/net/tcp_repair.c kernel/net/tcp_syncookie.c kernel/net/tcp_timewait.c kernel/net/tcp_ip.c kernel/net/packet.c
// sources: kernel/net/checksum.c kernel/lib/siphash.c kernel/lib/string.c
// flags: -Itests/unit/shim/tcp -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -Wno-unused-parameter -fwrapv -fno-builtin -w
// flags: -Wl,--wrap=tcp_initial_sequence
// clang-format on
/* How TCP acknowledges what it receives: when, with which ranges, and with what window. The other
 * side is a real connection whose segments the test writes by itself. */
#include "sim.h"

#include "lib/errno.h"

enum { PORT = 80, MSS = 1448, QUICK = 16, TOLD = 256 };

/* --- what the receiver says */

static struct told {
    struct tcp_header header;
    nsec_t at;
} told[TOLD];
static unsigned ntold;

static bool listen_in(uint8_t *segment, unsigned len, const struct inet_addr *source)
{
    struct told *t = &told[ntold % TOLD];

    if ((source->bytes[15] & 3) != 2)
        return false;
    NEED(tcp_header_parse(segment, len, &t->header));
    tcp_options_parse(segment + TCP_HEADER, t->header.len - TCP_HEADER, false, &t->header.options);
    t->at = clock_monotonic();
    ntold++;
    return true; /* its own end knows nothing of what the test sends */
}

static const struct tcp_header *last(void)
{
    return &told[(ntold - 1) % TOLD].header;
}

/* --- the two ends */

static struct socket *listener, *client, *server;
static struct tcp *tp;
static uint32_t start; /* the first byte */

static bool is_accepted(void *arg)
{
    if (!server)
        server = sim_accept(listener);
    return server && tcp_of_socket(client)->state == TCP_ESTABLISHED;
}

/* Bytes [at, at + n) of the stream arrive. */
static void arrive_with(unsigned flags, uint32_t at, unsigned n)
{
    static uint8_t segment[TCP_HEADER + 9000];

    memset(segment, 0, TCP_HEADER);
    put_be16(segment, tcp_of_socket(client)->inet.local_port);
    put_be16(segment + 2, PORT);
    put_be32(segment + 4, start + at);
    put_be32(segment + 8, tp->snd_nxt);
    segment[12] = 5 << 4;
    segment[13] = TCP_ACK | (uint8_t)flags;
    put_be16(segment + 14, 1000);
    for (unsigned i = 0; i < n; i++)
        segment[TCP_HEADER + i] = (uint8_t)((at + i) * 7);
    sim_inject(1, 2, segment, TCP_HEADER + n, true);
}

static void arrive(uint32_t at, unsigned n)
{
    arrive_with(0, at, n);
}

/* So many bytes can be read, and are those. */
static void expect_bytes(uint32_t at, size_t n)
{
    static uint8_t buffer[8 << 20];

    NEED(sim_receive(server, buffer, sizeof(buffer), 0) == (ssize_t)n);
    for (size_t i = 0; i < n; i++)
        NEED(buffer[i] == (uint8_t)((at + i) * 7));
}

/* A connection whose first QUICK segments have been received and read. */
static uint32_t begin(uint64_t seed)
{
    sim_start(seed);
    listener = sim_socket();
    sim_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    NEED(!sim_bind(listener, 2, PORT) && !listener->ops->listen(listener, 16));
    client = sim_socket();
    server = NULL;
    NEED(sim_connect(client, 2, PORT) == -EINPROGRESS);
    NEED(sim_until(is_accepted, NULL, 10));
    tp = tcp_of_socket(server);
    start = tp->rcv_nxt;
    sim_filter = listen_in;
    ntold = 0;
    for (unsigned i = 0; i < QUICK; i++) {
        arrive(i * MSS, MSS);
        NEED(ntold == i + 1 && last()->ack == tp->rcv_nxt);
    }
    expect_bytes(0, QUICK * MSS);
    return QUICK * MSS;
}

static bool is_quiet(void *arg)
{
    return !tcp_time_wait_count() && !sim_blocks;
}

static void end(void)
{
    sim_filter = NULL;
    sim_link.down = true;
    sim_close(client);
    sim_close(server);
    sim_close(listener);
    sim_link.down = false;
    NEED(sim_until(is_quiet, NULL, 4000));
    NEED(tcp_memory == 0);
}

/* --- what is promised */

/* RFC 9293, 3.8.6.3; RFC 5681, 4.2. */
static void test_delayed(void)
{
    uint32_t at = begin(1);
    unsigned n = ntold;
    nsec_t then;

    arrive(at, MSS);
    then = clock_monotonic();
    NEED(ntold == n);
    sim_run(TCP_ACK_DELAY_MS * TCP_MS / 2);
    NEED(ntold == n);
    sim_run(TCP_ACK_DELAY_MS * TCP_MS);
    NEED(ntold == n + 1 && last()->ack == start + at + MSS);
    NEED(told[n].at - then <= TCP_ACK_DELAY_MS * TCP_MS);
    at += MSS;
    for (unsigned i = 0; i < 10; i++) {
        n = ntold;
        arrive(at, MSS);
        NEED(ntold == n);
        arrive(at + MSS, MSS);
        NEED(ntold == n + 1 && last()->ack == start + at + 2 * MSS);
        at += 2 * MSS;
    }
    /* The end of what was written, and all of it is read: the other side may wait for this. */
    expect_bytes(at - 21 * MSS, 21 * MSS);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t size = i ? MSS / 2 : MSS;

        n = ntold;
        arrive_with(TCP_PSH, at, size);
        NEED(ntold == n);
        expect_bytes(at, size);
        NEED(ntold == n + 1 && last()->ack == start + at + size);
        at += size;
    }
    end();
    printf("ok - every second full segment at once, one alone within 40 ms or when all has been "
           "read\n");
}

/* RFC 2018, 4: at once, the range that has just grown first. */
static void test_ranges(void)
{
    uint32_t at = begin(2), s = start + at;
    static const unsigned order[] = {1, 2, 5, 9, 6, 13, 3};
    static const struct {
        unsigned n, ranges[4][2];
    } want[] = {
        {1, {{1, 2}}},
        {1, {{1, 3}}},
        {2, {{5, 6}, {1, 3}}},
        {3, {{9, 10}, {5, 6}, {1, 3}}},
        {3, {{5, 7}, {9, 10}, {1, 3}}},
        {3, {{13, 14}, {5, 7}, {9, 10}}},
        {3, {{1, 4}, {13, 14}, {5, 7}}},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        unsigned n = ntold;

        arrive(at + order[i] * MSS, MSS);
        NEED(ntold == n + 1 && last()->ack == s);
        NEED(last()->options.nsacks == want[i].n);
        for (unsigned k = 0; k < want[i].n; k++) {
            NEED(last()->options.sacks[k].start == s + want[i].ranges[k][0] * MSS);
            NEED(last()->options.sacks[k].end == s + want[i].ranges[k][1] * MSS);
        }
    }
    /* A gap closes: at once, whether others stay or not. */
    unsigned n = ntold;
    arrive(at, MSS);
    NEED(ntold == n + 1 && last()->ack == s + 4 * MSS && last()->options.nsacks == 3);
    arrive(at + 4 * MSS, MSS);
    NEED(ntold == n + 2 && last()->ack == s + 7 * MSS && last()->options.nsacks == 2);
    arrive(at + 7 * MSS, 2 * MSS);
    NEED(ntold == n + 3 && last()->ack == s + 10 * MSS && last()->options.nsacks == 1);
    arrive(at + 10 * MSS, 3 * MSS);
    NEED(ntold == n + 4 && last()->ack == s + 14 * MSS && !last()->options.nsacks);
    expect_bytes(at, 14 * MSS);
    end();
    printf("ok - beyond a gap each at once, with the newest range first; so when gaps close\n");
}

/* RFC 2883, 4. */
static void test_twice(void)
{
    uint32_t at = begin(3), s = start + at;
    unsigned n = ntold;

    arrive(at - MSS, MSS); /* long since acknowledged */
    NEED(ntold == n + 1 && last()->ack == s && last()->options.nsacks == 1);
    NEED(last()->options.sacks[0].start == s - MSS && last()->options.sacks[0].end == s);
    arrive(at + 2 * MSS, MSS);
    arrive(at + 3 * MSS, MSS);
    n = ntold;
    arrive(at + 2 * MSS, MSS); /* told as received before */
    NEED(ntold == n + 1 && last()->options.nsacks == 2);
    NEED(last()->options.sacks[0].start == s + 2 * MSS);
    NEED(last()->options.sacks[0].end == s + 3 * MSS);
    NEED(last()->options.sacks[1].start == s + 2 * MSS);
    NEED(last()->options.sacks[1].end == s + 4 * MSS);
    arrive(at + 5 * MSS, MSS); /* told once only */
    NEED(last()->options.nsacks == 2 && last()->options.sacks[0].start == s + 5 * MSS);
    end();
    printf("ok - what comes twice is told once, first\n");
}

/* While a gap stays open the window's right edge neither moves back nor is it broken: what was
 * offered is kept. */
static void test_window(unsigned size)
{
    uint32_t at = begin(4), s = start + at;
    uint32_t edge = tp->rcv_wup + tp->rcv_wnd;
    uint32_t end_at = at;

    for (uint32_t next = at + size; s + (next - at) + size <= edge + 0u; next += size) {
        arrive(next, size);
        NEED(last()->ack == s && s + (last()->window << tp->rcv_wscale) - edge < 1u << 31);
        end_at = next + size;
    }
    NEED(tp->early_total == (end_at - at) / size - 1);
    arrive(at, size);
    NEED(last()->ack == start + end_at);
    expect_bytes(at, end_at - at);
    end();
}

static void test_windows(void)
{
    test_window(MSS);
    test_window(536);
    test_window(100);
    printf("ok - a window that was offered holds while a gap is open\n");
}

/* Several segments are worked off at a time: the thread was busy. One acknowledgement would do, but
 * where segments are lost, acknowledgements are, too: every second segment has its own. */
static void arrive_together(uint32_t at, unsigned first, unsigned n)
{
    tp->inet.lock.count = 1;
    for (unsigned i = first; i < first + n; i++)
        arrive(at + i * MSS, MSS);
    inet_unlock(&tp->inet);
    sim_run(0);
}

static void test_together(void)
{
    uint32_t at = begin(5);
    unsigned n = ntold;

    arrive_together(at, 0, 12);
    NEED(ntold == n + 1 && last()->ack == start + at + 12 * MSS);
    expect_bytes(at, 12 * MSS);
    at += 12 * MSS;
    n = ntold;
    arrive_together(at, 1, 8);
    NEED(ntold >= n + 4 && last()->ack == start + at && last()->options.nsacks == 1);
    arrive(at, MSS);
    NEED(last()->ack == start + at + 9 * MSS);
    expect_bytes(at, 9 * MSS);
    at += 9 * MSS;
    n = ntold;
    arrive_together(at, 0, 12);
    NEED(ntold >= n + 6 && last()->ack == start + at + 12 * MSS);
    for (unsigned i = n; i < ntold; i++)
        NEED(told[i % TOLD].header.ack <= start + at + 2 * (i - n + 1) * MSS);
    at += 12 * MSS;
    /* One that comes alone after a pause is a probe, more likely than not. */
    sim_run(100 * TCP_MS);
    n = ntold;
    arrive(at, MSS);
    NEED(ntold == n + 1);
    end();
    printf("ok - where segments are lost no two acknowledgements are all that tells of many\n");
}

/* A reader who has fallen behind makes room: the other side hears of it at once. */
static void test_reader(void)
{
    uint32_t at = begin(6), size = 0, first = tp->rcv_wnd;

    while (tcp_window_left(tp) >= MSS) {
        arrive(at + size, MSS);
        size += MSS;
    }
    sim_run(TCP_SECOND);
    NEED(last()->ack == start + at + size);
    unsigned n = ntold;
    expect_bytes(at, size);
    NEED(ntold == n + 1 && (last()->window << tp->rcv_wscale) + 1 >= first);
    end();
    printf("ok - a window that opens again is told at once\n");
}

/* The buffer grows with what a round trip brings (as Linux's does), so that a long and fast way is
 * filled. */
static void test_grows(void)
{
    uint32_t at = begin(7), first = tp->rcv_wnd;

    tp->srtt = 50 * TCP_MS;
    for (unsigned round = 0; round < 8; round++) {
        uint32_t n = tcp_window_left(tp) / MSS;

        for (uint32_t i = 0; i < n; i++)
            arrive(at + i * MSS, MSS);
        expect_bytes(at, n * MSS);
        at += n * MSS;
        sim_run(50 * TCP_MS);
    }
    NEED(tp->rcv_wnd >= 16 * first);
    end();
    printf("ok - the window grows with what is read\n");
}

int main(void)
{
    setvbuf(stdout, NULL, 1, 0);
    test_delayed();
    test_ranges();
    test_twice();
    test_windows();
    test_together();
    test_reader();
    test_grows();
    return 0;
}
