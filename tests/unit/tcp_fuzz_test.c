// clang-format off
// sources: tests/fuzz/net_tcp.c
// sources: tests/unit/shim/tcp/sim.c tests/unit/shim/tcp/timers.c kernel/net/tcp_input.c kernel/net/tcp_output.c kernel/net/tcp_timer.c
// sources: kernel/net/tcp_listen.c kernel/net/tcp_options.c kernel/net/tcp_cong.c kernel/net/tcp_departures.c kernel/net/tcp_recovery.c
// sources: kernel/net/tcp_receive.c kernel/net/tcp_send.c kernel/net/tcp_socket.c kernel/net/tcp_sockopt.c
// sources: kernel/net/tcp_repair.c kernel/net/tcp_syncookie.c kernel/net/tcp_timewait.c kernel/net/tcp_ip.c kernel/net/packet.c
// sources: kernel/net/checksum.c kernel/lib/siphash.c kernel/lib/string.c
// flags: -Itests/unit/shim/tcp -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -Wno-unused-parameter -fwrapv -fno-builtin -w
// flags: -Wl,--wrap=tcp_initial_sequence
// clang-format on
/* Options of TCP and mutants of them; and tests/fuzz/net_tcp.c on random input: segments in every
 * state, with the counters checked against the lists. SOAK=1: longer. */
#include "shim/tcp/sim.h"

char *getenv(const char *name);
void *malloc(size_t n);
void free(void *p);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

/* What was written is read back, in any combination. */
static void test_options(void)
{
    for (unsigned i = 0; i < 16; i++) {
        uint8_t bytes[40];
        struct tcp_options in = {.mss = i & 1 ? 1460 : 0,
                                 .has_wscale = i & 2,
                                 .wscale = i & 2 ? 7 : 0,
                                 .sack_ok = i & 4,
                                 .has_stamp = i & 8,
                                 .stamp = i & 8 ? 0x12345678 : 0,
                                 .echo = i & 8 ? 0x9abcdef0 : 0},
                           out;
        unsigned len = tcp_options_put_syn(bytes, &in);

        NEED(len <= 40 && len % 4 == 0);
        tcp_options_parse(bytes, len, true, &out);
        NEED(out.mss == in.mss && out.has_wscale == in.has_wscale && out.wscale == in.wscale &&
             out.sack_ok == in.sack_ok && out.has_stamp == in.has_stamp && out.nsacks == 0);
        NEED(!out.has_stamp || (out.stamp == in.stamp && out.echo == in.echo));
        tcp_options_parse(bytes, len, false, &out);
        NEED(!out.mss && !out.has_wscale && !out.sack_ok && out.has_stamp == in.has_stamp);
    }
    static const uint8_t broken[][4] = {{2, 5, 1}, {2, 0}, {3, 1}, {5, 255}, {8}, {1, 1, 1, 2}};
    for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
        struct tcp_options out;

        tcp_options_parse(broken[i], 4, true, &out);
        NEED(!out.mss && !out.has_wscale && !out.nsacks && !out.has_stamp);
    }
    printf("ok - options are read as they were written\n");
}

/* Exactly as long as it is, so that a byte too far is found. */
static void test_mutants(void)
{
    static const uint8_t good[40] = {2, 4, 5, 180, 4, 2, 8, 10, 1,  2, 3, 4, 5, 6,
                                     7, 8, 3, 3,   7, 1, 1, 5,  18, 0, 0, 1, 0, 0,
                                     0, 2, 0, 0,   0, 3, 0, 0,  0,  4, 0, 0};
    for (unsigned i = 0; i < 300000; i++) {
        unsigned len = rnd(41);
        uint8_t *copy = malloc(len ? len : 1), *header = malloc(20 + len);
        struct tcp_header parsed;

        memcpy(copy, good, len);
        for (unsigned n = rnd(6); n && len; n--)
            copy[rnd(len)] = (uint8_t)(rnd(2) ? rnd(256) : rnd(12));
        tcp_options_parse(copy, len, rnd(2), &parsed.options);
        NEED(parsed.options.nsacks <= TCP_SACKS_MAX && parsed.options.wscale <= TCP_WSCALE_MAX);
        for (unsigned j = 0; j < 20; j++)
            header[j] = (uint8_t)rnd(256);
        if (tcp_header_parse(header, len, &parsed))
            NEED(parsed.len <= len && parsed.len >= TCP_HEADER);
        free(copy);
        free(header);
    }
    printf("ok - mutants of options and headers\n");
}

static void test_states(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned len = 1 + rnd(300);
        uint8_t *input = malloc(len);

        for (unsigned j = 0; j < len; j++)
            input[j] = (uint8_t)(rnd(3) ? rnd(256) : rnd(20));
        seed += i;
        LLVMFuzzerTestOneInput(input, len);
        free(input);
    }
    printf("ok - %u random stories in every state\n", n);
}

int main(void)
{
    setvbuf(stdout, NULL, 1, 0);
    test_options();
    test_mutants();
    test_states(getenv("SOAK") && getenv("SOAK")[0] == '1' ? 300000 : 4000);
    return 0;
}
