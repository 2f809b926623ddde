#include "ldcache.h"

#include <errno.h>
#include <string.h>

static const char old_magic[] = "ld.so-1.7.0";
static const char new_magic[] = "glibc-ld.so.cache1.1";

enum {
    OLD_HEADER_SIZE = 16, /* magic and NUL, number of entries */
    OLD_ENTRY_SIZE = 12,
    NEW_HEADER_SIZE = 48,
    NEW_ENTRY_SIZE = 24, /* flags, key, value, osversion, hwcap (8) */
    COUNT_AT = 20,
    KEY_AT = 4,
    VALUE_AT = 8,
    FLAGS_X86_64_LIBC6 = 0x0303,
};

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

int ldcache_open(struct ldcache *cache, const void *data, size_t size)
{
    const uint8_t *from = data;

    *cache = (struct ldcache){0};
    if (size >= OLD_HEADER_SIZE && !memcmp(from, old_magic, sizeof old_magic - 1)) {
        uint64_t skip = OLD_HEADER_SIZE + (uint64_t)number(from + 12) * OLD_ENTRY_SIZE;
        skip = (skip + 7) & ~(uint64_t)7;
        if (skip > size)
            return -EINVAL;
        from += skip;
        size -= skip;
    }
    if (size < NEW_HEADER_SIZE || memcmp(from, new_magic, sizeof new_magic - 1))
        return -EINVAL;
    uint32_t count = number(from + COUNT_AT);
    if (count > (size - NEW_HEADER_SIZE) / NEW_ENTRY_SIZE)
        return -EINVAL;
    *cache = (struct ldcache){.data = from, .size = size, .count = count};
    return 0;
}

static const char *string_at(const struct ldcache *cache, uint32_t offset)
{
    if (offset >= cache->size || !memchr(cache->data + offset, 0, cache->size - offset))
        return NULL;
    return (const char *)cache->data + offset;
}

const char *ldcache_find(const struct ldcache *cache, const char *name, uint32_t *cursor)
{
    while (*cursor < cache->count) {
        const uint8_t *entry = cache->data + NEW_HEADER_SIZE + (size_t)(*cursor)++ * NEW_ENTRY_SIZE;
        if (number(entry) != FLAGS_X86_64_LIBC6)
            continue;
        const char *key = string_at(cache, number(entry + KEY_AT));
        if (!key || strcmp(key, name))
            continue;
        const char *path = string_at(cache, number(entry + VALUE_AT));
        if (path)
            return path;
    }
    return NULL;
}
