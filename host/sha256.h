/* host/sha256.h: SHA-256 (FIPS 180-4), which names cached images by what is in them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64];
};

void sha256_start(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t size);
void sha256_end(struct sha256 *sha, uint8_t digest[32]);

/* The first 128 bits in hexadecimal. */
void sha256_name(struct sha256 *sha, char name[33]);
