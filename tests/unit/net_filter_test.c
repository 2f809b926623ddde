// sources: kernel/lib/bpf.c kernel/net/igmp_parse.c tests/fuzz/net_filter.c
// flags: -Ikernel
/* Filters of packets: what tcpdump compiles, what must be refused; queries of IGMP; and mutants of
 * both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bpf.h"
#include "net/igmp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int failures;

static void check(bool ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

struct view {
    struct bpf_packet bpf; /* first */
    const uint8_t *data;
};

static bool read_bytes(const struct bpf_packet *packet, uint32_t offset, void *buf, unsigned n)
{
    if (offset > packet->len || n > packet->len - offset)
        return false;
    memcpy(buf, ((const struct view *)packet)->data + offset, n);
    return true;
}

static uint32_t ancillary(const struct bpf_packet *packet, unsigned which, uint32_t x)
{
    (void)packet, (void)x;
    return which == BPF_ANCILLARY_IFINDEX ? 7 : 0;
}

static uint32_t run(const struct bpf_insn *insns, const uint8_t *data, uint32_t n)
{
    struct view view = {{n, read_bytes, ancillary}, data};

    return bpf_packet_run(insns, &view.bpf);
}

/* tcpdump -y EN10MB -dd 'udp dst port 53' */
static const struct bpf_insn port53[] = {
    {0x28, 0, 0, 0x0000000c},  {0x15, 0, 4, 0x000086dd}, {0x30, 0, 0, 0x00000014},
    {0x15, 0, 11, 0x00000011}, {0x28, 0, 0, 0x00000038}, {0x15, 8, 9, 0x00000035},
    {0x15, 0, 8, 0x00000800},  {0x30, 0, 0, 0x00000017}, {0x15, 0, 6, 0x00000011},
    {0x28, 0, 0, 0x00000014},  {0x45, 4, 0, 0x00001fff}, {0xb1, 0, 0, 0x0000000e},
    {0x48, 0, 0, 0x00000010},  {0x15, 0, 1, 0x00000035}, {0x6, 0, 0, 0x00040000},
    {0x6, 0, 0, 0x00000000}};
enum { PORT53 = sizeof(port53) / sizeof(port53[0]) };

static void tcpdump(void)
{
    uint8_t frame[60] = {[12] = 8, [14] = 0x46, [23] = 17, [41] = 99}; /* with IP options */

    check(bpf_packet_valid(port53, PORT53), "a filter of tcpdump's is valid");
    check(run(port53, frame, sizeof frame) == 0, "another port is dropped");
    frame[41] = 53;
    check(run(port53, frame, sizeof frame) == 262144, "the port that is asked for is kept");
    frame[23] = 6;
    check(run(port53, frame, sizeof frame) == 0, "another protocol is dropped");
    check(run(port53, frame, 13) == 0, "a packet that is too short is dropped");
}

static bool one(uint16_t code, uint32_t k)
{
    struct bpf_insn insns[] = {{code, 0, 0, k}, {0x16, 0, 0, 0}};

    return bpf_packet_valid(insns, 2);
}

static void refused(void)
{
    struct bpf_insn endless[] = {{0x05, 0, 0, UINT32_MAX}, {0x06, 0, 0, 0}};

    check(!bpf_packet_valid(port53, PORT53 - 3), "a program that does not return is refused");
    check(!bpf_packet_valid(port53, 0), "an empty program is refused");
    check(!bpf_packet_valid(endless, 2), "a jump beyond the end is refused");
    check(!one(0x34, 0), "a division by the constant 0 is refused");
    check(!one(0x94, 0) && one(0x94, 3), "so is the rest of one");
    check(!one(0x60, 3), "a cell that was never written is not read");
    check(!one(0x02, 16) && one(0x02, 15), "there are 16 cells");
    check(!one(0x20, BPF_ANCILLARY + 2) && !one(0x20, BPF_ANCILLARY + 200) &&
              one(0x20, BPF_ANCILLARY + BPF_ANCILLARY_IFINDEX),
          "only what is known of packets is asked for");
    check(!one(0x18, 0) && !one(0x38, 0) && !one(0xc0, 0), "sizes and modes that there are not");
    check(!bpf_valid(port53, PORT53, 64), "what seccomp has no use for is refused there");
}

static void arithmetic(void)
{
    static const uint8_t data[] = {1, 2, 3, 4};
    struct bpf_insn odd[] = {{0x20, 0, 0, 0}, {0x94, 0, 0, 1000}, {0x16, 0, 0, 0}};
    struct bpf_insn index[] = {{0x20, 0, 0, BPF_ANCILLARY + BPF_ANCILLARY_IFINDEX},
                               {0x16, 0, 0, 0}};
    struct bpf_insn zero[] = {{0x01, 0, 0, 0}, {0x00, 0, 0, 9}, {0x3c, 0, 0, 0}, {0x16, 0, 0, 0}};

    check(run(odd, data, 4) == 0x01020304 % 1000, "words are big-endian, with a remainder");
    check(run(index, data, 4) == 7, "what is known beside the bytes");
    check(run(zero, data, 4) == 0, "a division by 0 at run time drops the packet");
}

static void queries(void)
{
    static const uint8_t v1[8] = {0x11}, v2[8] = {0x11, 100, 0, 0, 239, 1, 2, 3},
                         v3[12] = {0x11, 0x9f, 0, 0, 239, 1, 2, 3}, sources[16] = {0x11, [11] = 2};
    struct igmp_query q;

    check(igmp_query_parse(v1, 8, &q) && q.version == 1 && !q.group && q.delay_ms == 10000,
          "a query of version 1");
    check(igmp_query_parse(v2, 8, &q) && q.version == 2 && q.group == 0x030201ef &&
              q.delay_ms == 10000,
          "a query of version 2");
    check(igmp_query_parse(v3, 12, &q) && q.version == 3 && q.delay_ms == 31 * 16 * 100,
          "a query of version 3, with a long time");
    check(!igmp_query_parse(v2, 7, &q) && !igmp_query_parse(v3, 11, &q) &&
              !igmp_query_parse(sources, 16, &q),
          "what is cut short is no query");
}

static void mutants(void)
{
    uint8_t input[1 + sizeof(port53) + 60], copy[sizeof(input)];
    unsigned seed = 1;

    input[0] = PORT53;
    memcpy(input + 1, port53, sizeof(port53));
    for (size_t i = 1 + sizeof(port53); i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    for (int round = 0; round < 300000; round++) {
        memcpy(copy, input, sizeof(copy));
        for (unsigned n = 0; n < 1 + (unsigned)round % 4; n++) {
            seed = seed * 1103515245 + 12345;
            copy[(seed >> 8) % sizeof(copy)] = (uint8_t)(seed >> 20);
        }
        seed = seed * 1103515245 + 12345;
        LLVMFuzzerTestOneInput(copy, (seed >> 8) % (sizeof(copy) + 1));
    }
    check(true, "mutants of a program and its packet do no harm");
}

int main(void)
{
    tcpdump();
    refused();
    arithmetic();
    queries();
    mutants();
    printf("1..%d\n", 23);
    return failures != 0;
}
