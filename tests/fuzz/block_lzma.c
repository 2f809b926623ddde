// sources: kernel/loader/lzma.c kernel/loader/branches.c
// flags: -Ikernel -llzma
/* libFuzzer: a packed kernel of up to 4 KiB: an LZMA stream, unpacked beside liblzma; what comes of
 * it (or where nothing does, the bytes as they are) is turned as x86 code is, there and back. */
#include "loader/loader.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 65536, LITERAL_BITS = 3 };

static int64_t theirs(const uint8_t *from, size_t n, uint8_t *to)
{
    lzma_options_lzma options = {
        .dict_size = 1 << 16, .lc = from[0] % 9, .lp = from[0] / 9 % 5, .pb = from[0] / 45};
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t in = 1, out = 0;

    if (options.lc + options.lp > LITERAL_BITS ||
        lzma_raw_buffer_decode(filters, NULL, from, &in, n, to, &out, ROOM) != LZMA_OK)
        return -1;
    return (int64_t)out;
}

static void turn(uint8_t *code, const uint8_t *before, size_t n)
{
    branches_turn(code, (uint32_t)n, true);
    branches_turn(code, (uint32_t)n, false);
    if (memcmp(code, before, n))
        abort();
    branches_turn(code, (uint32_t)n, false);
    branches_turn(code, (uint32_t)n, true);
    if (memcmp(code, before, n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t other[ROOM];

    if (size < 7 || size > 4096)
        return 0;
    uint8_t *packed = malloc(size), *out = malloc(ROOM);
    memcpy(packed, data, size);
    packed[0] %= 225;
    packed[1] = 0;
    int64_t n = lzma_unpack(packed, size, out, ROOM), want = theirs(packed, size, other);
    if (n > ROOM || n < -1 || (want >= 0 && (n != want || memcmp(out, other, (size_t)n))))
        abort();
    if (n <= 0)
        memcpy(out, data, size);
    n = n > 0 ? n : (int64_t)size;
    memcpy(other, out, (size_t)n);
    turn(out, other, (size_t)n);
    free(packed);
    free(out);
    return 0;
}
