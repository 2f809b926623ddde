#include "lib/crc32c.h"

#include "lib/endian.h"

enum { POLYNOMIAL = 0x82f63b78, SSE42 = 1 << 20 };

static bool has_instruction(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;
    asm("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx & SSE42;
}

static uint32_t by_bits(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
    }
    return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t value = crc;

    if (!has_instruction())
        return by_bits(crc, p, n);
    for (; n >= 8; n -= 8, p += 8)
        asm("crc32q %1, %0" : "+r"(value) : "rm"(get_le64(p)));
    for (; n; n--, p++)
        asm("crc32b %1, %0" : "+r"(value) : "rm"(*p));
    return value;
}
