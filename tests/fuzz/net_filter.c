// sources: kernel/lib/bpf.c kernel/net/igmp_parse.c
// flags: -Ikernel
/* libFuzzer: programs of classic BPF over packets, and queries of IGMP. The first byte says how
 * many instructions there are; the packet lies behind them. */
#include <stdlib.h>
#include <string.h>

#include "lib/bpf.h"
#include "net/igmp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct view {
    struct bpf_packet bpf; /* first */
    const uint8_t *data;
};

static bool read_bytes(const struct bpf_packet *packet, uint32_t offset, void *buf, unsigned n)
{
    const struct view *view = (const struct view *)packet;

    if (offset > packet->len || n > packet->len - offset)
        return false;
    memcpy(buf, view->data + offset, n);
    return true;
}

static uint32_t ancillary(const struct bpf_packet *packet, unsigned which, uint32_t x)
{
    (void)packet;
    return which + x;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bpf_insn insns[256];
    struct igmp_query query;

    if (!size)
        return 0;
    unsigned n = data[0];
    if (1 + n * sizeof(insns[0]) > size)
        n = (unsigned)((size - 1) / sizeof(insns[0]));
    memcpy(insns, data + 1, n * sizeof(insns[0]));
    const uint8_t *rest = data + 1 + n * sizeof(insns[0]);
    size_t left = (size_t)(data + size - rest);
    /* Exactly as long as it is, so that a read behind its end is seen. */
    uint8_t *packet = malloc(left ? left : 1);
    memcpy(packet, rest, left);
    struct view view = {{(uint32_t)left, read_bytes, ancillary}, packet};
    if (bpf_packet_valid(insns, n))
        bpf_packet_run(insns, &view.bpf);
    if (igmp_query_parse(packet, left, &query) && (query.version < 1 || query.version > 3))
        abort();
    free(packet);
    return 0;
}
