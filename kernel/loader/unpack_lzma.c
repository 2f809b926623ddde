/* unpack_lzma.c: the loader of osprey-lzma.bin. */
#include "loader/loader.h"

int64_t kernel_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room)
{
    int64_t len = lzma_unpack(from, n, to, room);

    if (len > 0)
        branches_turn(to, (uint32_t)len, true);
    return len;
}
