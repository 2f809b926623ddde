/* lib/endian.h: fields of a given byte order, read from bytes at any alignment. Any context. */
#pragma once

#include "lib/types.h"

static inline uint16_t get_le16(const void *p)
{
    uint16_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t get_le32(const void *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t get_le64(const void *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline void put_le16(void *p, uint16_t v)
{
    __builtin_memcpy(p, &v, sizeof(v));
}
static inline void put_le32(void *p, uint32_t v)
{
    __builtin_memcpy(p, &v, sizeof(v));
}
static inline void put_le64(void *p, uint64_t v)
{
    __builtin_memcpy(p, &v, sizeof(v));
}

static inline uint16_t get_be16(const void *p)
{
    return __builtin_bswap16(get_le16(p));
}
static inline uint32_t get_be32(const void *p)
{
    return __builtin_bswap32(get_le32(p));
}
static inline uint64_t get_be64(const void *p)
{
    return __builtin_bswap64(get_le64(p));
}
static inline void put_be16(void *p, uint16_t v)
{
    put_le16(p, __builtin_bswap16(v));
}
static inline void put_be32(void *p, uint32_t v)
{
    put_le32(p, __builtin_bswap32(v));
}
static inline void put_be64(void *p, uint64_t v)
{
    put_le64(p, __builtin_bswap64(v));
}
