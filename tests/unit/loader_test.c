// sources: kernel/loader/lz4.c kernel/loader/params.c kernel/loader/multiboot.c
// flags: -Ikernel -llz4
/* The pure parts of the loader in osprey.bin: LZ4 against the library, Multiboot's information, the
 * memory map; whole and damaged. */
#include "loader/loader.h"

#include <lz4.h>
#include <lz4hc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 16, INFO = 0x1000, MAP = 0x2000, MODULE = 0x3000, TEXT = 0x4000 };

static uint8_t *memory;
static uint64_t memory_size = SIZE;
static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

static const void *window(uint64_t address, uint64_t n)
{
    return address && address < memory_size && n <= memory_size - address ? memory + address : NULL;
}

static uint32_t seed = 1;
static uint32_t draw(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void put(uint64_t at, uint64_t value, int n)
{
    memcpy(memory + at, &value, (size_t)n);
}

/* Bytes that compress: runs, repeats at short and long distances, noise. */
static size_t sample(uint8_t *to, size_t room)
{
    size_t n = 0, want = draw() % room;

    while (n < want) {
        size_t len = 1 + draw() % 300, back = n ? 1 + draw() % (n < 65000 ? n : 65000) : 0;
        unsigned kind = draw() % 3;
        for (size_t i = 0; i < len && n < want; i++, n++)
            to[n] = kind == 0 ? (uint8_t)draw() : kind == 1 || !back ? 7 : to[n - back];
    }
    return n;
}

static void lz4(void)
{
    enum { ROOM = 200000 };
    uint8_t *plain = malloc(ROOM), *packed = malloc(2 * ROOM), *back = malloc(ROOM);
    bool same = true, safe = true;

    for (int i = 0; i < 200 && same; i++) {
        size_t n = sample(plain, ROOM);
        int size = i & 1 ? LZ4_compress_default((char *)plain, (char *)packed, (int)n, 2 * ROOM)
                         : LZ4_compress_HC((char *)plain, (char *)packed, (int)n, 2 * ROOM, 12);
        uint8_t *exact = malloc((size_t)size), *out = malloc(n + 1);

        memcpy(exact, packed, (size_t)size);
        same = lz4_unpack(exact, (uint64_t)size, out, n) == (int64_t)n && !memcmp(out, plain, n);
        for (int k = 0; k < 50; k++) { /* damaged: any answer, but inside both buffers */
            exact[draw() % (unsigned)size] ^= (uint8_t)(1 << draw() % 8);
            int64_t got = lz4_unpack(exact, draw() % ((unsigned)size + 1), out, n);
            safe &= got >= -1 && got <= (int64_t)n;
        }
        free(exact);
        free(out);
    }
    check(same, "what the library packs is unpacked");
    check(safe, "damaged blocks stay inside their buffers");
    free(plain);
    free(packed);
    free(back);
}

static void make_multiboot1(void)
{
    memset(memory, 0, SIZE);
    put(INFO, 1 << 2 | 1 << 3 | 1 << 6, 4);
    put(INFO + 16, TEXT, 4);
    put(INFO + 20, 1, 4);
    put(INFO + 24, MODULE, 4);
    put(INFO + 44, 48, 4);
    put(INFO + 48, MAP, 4);
    put(MODULE, 0x800000, 4);
    put(MODULE + 4, 0x900000, 4);
    for (unsigned i = 0; i < 2; i++) {
        put(MAP + i * 24, 20, 4);
        put(MAP + i * 24 + 4, i ? 0x100000 : 0, 8);
        put(MAP + i * 24 + 12, i ? 0x7f00000 : 0x9fc00, 8);
        put(MAP + i * 24 + 20, 1, 4);
    }
    strcpy((char *)memory + TEXT, "/boot/osprey.bin  -- prog x");
}

static void make_multiboot2(void)
{
    memset(memory, 0, SIZE);
    put(INFO, 8 + 24 + 24 + 64 + 24 + 8, 4);
    put(INFO + 8, 1, 4);
    put(INFO + 12, 18, 4);
    strcpy((char *)memory + INFO + 16, "-- prog x");
    put(INFO + 32, 3, 4);
    put(INFO + 36, 17, 4);
    put(INFO + 40, 0x800000, 4);
    put(INFO + 44, 0x900000, 4);
    put(INFO + 56, 6, 4);
    put(INFO + 60, 64, 4);
    put(INFO + 64, 24, 4);
    for (unsigned i = 0; i < 2; i++) {
        put(INFO + 72 + i * 24, i ? 0x100000 : 0, 8);
        put(INFO + 80 + i * 24, i ? 0x7f00000 : 0x9fc00, 8);
        put(INFO + 88 + i * 24, 1, 4);
    }
    put(INFO + 120, 14, 4);
    put(INFO + 124, 24, 4);
    put(INFO + 144, 0, 4);
    put(INFO + 148, 8, 4);
}

typedef int read_fn(struct handed_over *h, uint64_t info, char *cmdline, unsigned size,
                    loader_window_t *window);

static void multiboot(const char *name, read_fn *read, void (*make)(void))
{
    struct handed_over h = {0};
    char line[32], what[80];
    bool safe = true;

    make();
    snprintf(what, sizeof what, "%s: map, root and command line", name);
    check(read(&h, INFO, line, sizeof line, window) == 0 && h.params[P_MAP_COUNT] == 2 &&
              params_get32(&h, P_ROOT) == 0x800000 && params_get32(&h, P_ROOT_SIZE) == 0x100000 &&
              !strcmp(line, "-- prog x") && params_is_ram(&h, 0x100000, 0x500000) &&
              !params_is_ram(&h, 0x90000, 0x100000),
          what);
    char small[4];
    h = (struct handed_over){0};
    read(&h, INFO, small, sizeof small, window);
    snprintf(what, sizeof what, "%s: a long command line is cut", name);
    check(!strcmp(small, "-- "), what);
    for (int i = 0; i < 20000; i++) {
        make();
        for (unsigned n = 1 + draw() % 4; n; n--)
            memory[INFO + draw() % 160] = (uint8_t)draw();
        memory_size = draw() % 4 ? SIZE : INFO + draw() % 200;
        h = (struct handed_over){0};
        read(&h, INFO, line, sizeof line, window);
        safe &= h.params[P_MAP_COUNT] <= MAP_MAX && strlen(line) < sizeof line;
    }
    memory_size = SIZE;
    snprintf(what, sizeof what, "%s: damaged information", name);
    check(safe, what);
}

int main(void)
{
    memory = malloc(SIZE);
    lz4();
    multiboot("Multiboot 1", multiboot1_read, make_multiboot1);
    multiboot("Multiboot 2", multiboot2_read, make_multiboot2);
    free(memory);
    return failures != 0;
}
