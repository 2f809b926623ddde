// sources: host/elf.c host/ldcache.c
// flags: -Ihost
/* The readers of ELF files and of ld.so.cache: what they find in this host's own files, and that
 * no damage to the bytes leads them outside (under the sanitizers). SEED and COUNT in the
 * environment change the mutants; a failing one's seed is printed. */
#include "elf.h"
#include "ldcache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
static uint64_t random_state;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

/* xorshift64* */
static uint64_t draw(uint64_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * 2685821657736338717u >> 16) % below;
}

/* A file in a buffer of exactly its size. */
static uint8_t *load(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    uint8_t *data = NULL;

    *size = 0;
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    data = malloc(*size);
    if (fread(data, 1, *size, file) != *size)
        abort();
    fclose(file);
    return data;
}

static size_t touch(const char *string)
{
    return string ? strlen(string) : 0;
}

/* Read all that there is to read. */
static size_t walk(const uint8_t *data, size_t size)
{
    struct elf elf;
    size_t cursor = 0, sum = 0;
    const char *name;

    if (elf_parse(&elf, data, size))
        return 0;
    sum += touch(elf.interpreter) + touch(elf.soname) + touch(elf.rpath) + touch(elf.runpath);
    while ((name = elf_needed(&elf, &cursor)))
        sum += touch(name);
    return sum;
}

/* Change a few bytes, more often in the headers; cut the end off now and then. */
static size_t mutate(uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};

    for (uint64_t n = 1 + draw(8); n; n--) {
        size_t limit = draw(4) ? (size < 1024 ? size : 1024) : size;
        data[draw(limit)] = draw(2) ? edges[draw(sizeof edges)] : (uint8_t)draw(256);
    }
    return draw(8) ? size : draw(size + 1);
}

static void mutants(const char *what, const uint8_t *good, size_t size, uint64_t seed,
                    uint64_t count, size_t (*reader)(const uint8_t *, size_t))
{
    size_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        random_state = seed + i * 0x9e3779b97f4a7c15u;
        random_state += !random_state;
        uint8_t *bytes = malloc(size);
        memcpy(bytes, good, size);
        size_t left = mutate(bytes, size);
        uint8_t *exact = malloc(left ? left : 1);
        memcpy(exact, bytes, left);
        sum += reader(exact, left);
        free(exact);
        free(bytes);
    }
    printf("# %s: %llu mutants from seed %llu, %zu bytes of strings\n", what,
           (unsigned long long)count, (unsigned long long)seed, sum);
    check(true, what);
}

static bool needs(const struct elf *elf, const char *wanted)
{
    size_t cursor = 0;
    const char *name;

    while ((name = elf_needed(elf, &cursor)))
        if (!strcmp(name, wanted))
            return true;
    return false;
}

static void own_program(void)
{
    struct elf elf;
    size_t size;
    uint8_t *data = load("/bin/true", &size);

    check(data && !elf_parse(&elf, data, size), "a program of this host is read");
    check(elf.interpreter && !strcmp(elf.interpreter, "/lib64/ld-linux-x86-64.so.2"),
          "its interpreter");
    check(needs(&elf, "libc.so.6"), "its libraries");
    check(elf.type == ELF_SHARED && elf.entry && elf.memory_size, "its kind, entry and size");
    free(data);
}

static size_t cache_walk(const uint8_t *data, size_t size)
{
    struct ldcache cache;
    uint32_t cursor = 0;
    size_t sum = 0;
    const char *path;

    if (ldcache_open(&cache, data, size))
        return 0;
    while ((path = ldcache_find(&cache, "libc.so.6", &cursor)))
        sum += touch(path);
    return sum;
}

static void own_cache(void)
{
    struct ldcache cache;
    size_t size;
    uint8_t *data = load("/etc/ld.so.cache", &size);
    uint32_t cursor = 0;

    if (!data) {
        puts("skip - ld.so.cache # there is none here");
        return;
    }
    check(!ldcache_open(&cache, data, size), "this host's ld.so.cache is read");
    const char *path = ldcache_find(&cache, "libc.so.6", &cursor);
    check(path && strstr(path, "/libc.so.6"), "it knows libc");
    cursor = 0;
    check(!ldcache_find(&cache, "libnowhere.so.1", &cursor), "and not what is not there");
    free(data);
}

static void faults(void)
{
    uint8_t bytes[64] = "\177ELF\2\1\1";
    struct elf elf;

    check(elf_parse(&elf, "#!/bin/sh\n", 10) != NULL, "a script is no ELF file");
    check(elf_parse(&elf, bytes, 20) && strstr(elf_parse(&elf, bytes, 20), "truncated"),
          "a header that ends early is truncated");
    bytes[18] = 183;
    check(strstr(elf_parse(&elf, bytes, 64), "AArch64") != NULL, "another machine is named");
    bytes[18] = 62;
    bytes[4] = 1;
    check(strstr(elf_parse(&elf, bytes, 64), "x32") != NULL, "x32 is refused");
    bytes[4] = 2;
    bytes[56] = 1;
    bytes[54] = 56;
    bytes[32] = 60;
    check(strstr(elf_parse(&elf, bytes, 64), "truncated") != NULL,
          "program headers beyond the end are truncated");
}

int main(void)
{
    const char *seed_text = getenv("SEED"), *count_text = getenv("COUNT");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    uint64_t count = count_text ? strtoull(count_text, NULL, 10) : 10000;
    size_t size;

    own_program();
    own_cache();
    faults();
    uint8_t *data = load("/bin/true", &size);
    mutants("damaged programs do no harm", data, size, seed, count, walk);
    free(data);
    data = load("/etc/ld.so.cache", &size);
    if (data)
        mutants("damaged ld.so.caches do no harm", data, size, seed, count / 10, cache_walk);
    free(data);
    return failures != 0;
}
