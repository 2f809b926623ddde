/* host/ldcache.h: look libraries up in /etc/ld.so.cache, as the glibc loader does.
 *
 * Format: glibc's "glibc-ld.so.cache1.1" (dl-cache.h), alone or behind the old "ld.so-1.7.0"
 * part. The bytes are foreign: reads are bounded. No allocation; strings point into the bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ldcache {
    const uint8_t *data; /* from the new format's magic on */
    size_t size;
    uint32_t count;
};

/* 0, or -EINVAL if this is no such cache; then a look-up finds nothing. */
int ldcache_open(struct ldcache *cache, const void *data, size_t size);

/* The paths given for `name` for x86-64 programs, those for better processors (glibc-hwcaps)
 * included: start with *cursor = 0, NULL after the last. */
const char *ldcache_find(const struct ldcache *cache, const char *name, uint32_t *cursor);
