/* unpack_lz4.c: the loader of osprey.bin. */
#include "loader/loader.h"

int64_t kernel_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room)
{
    return lz4_unpack(from, n, to, room);
}
