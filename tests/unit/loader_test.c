// sources: kernel/loader/lz4.c kernel/loader/lzma.c kernel/loader/branches.c
// sources: kernel/loader/params.c kernel/loader/multiboot.c
// flags: -Ikernel -llz4 -llzma
/* The pure parts of the loader in osprey.bin: LZ4 and LZMA against the libraries, Multiboot's
 * information, the memory map; whole and damaged. */
#include "loader/loader.h"

#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
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

/* A stream as liblzma packs it with these properties; its bytes. */
static size_t pack_lzma(const uint8_t *plain, size_t n, uint8_t *to, size_t room, unsigned mode)
{
    lzma_options_lzma options;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t size = 1;

    lzma_lzma_preset(&options, mode % 10);
    options.lc = mode % 4;
    options.lp = mode / 4 % (4 - options.lc);
    options.pb = mode % 5;
    to[0] = (uint8_t)((options.pb * 5 + options.lp) * 9 + options.lc);
    if (lzma_raw_buffer_encode(filters, NULL, plain, n, to, &size, room) != LZMA_OK)
        abort();
    return size;
}

/* liblzma's answer to the same bytes (to[0] are the properties): as lzma_unpack()'s. */
static int64_t other_lzma(const uint8_t *from, size_t n, uint8_t *to, size_t room)
{
    lzma_options_lzma options = {
        .dict_size = 1 << 24, .lc = from[0] % 9, .lp = from[0] / 9 % 5, .pb = from[0] / 45};
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t in = 1, out = 0;

    return lzma_raw_buffer_decode(filters, NULL, from, &in, n, to, &out, room) == LZMA_OK
               ? (int64_t)out
               : -1;
}

/* What both do of damaged streams: ours takes all that liblzma takes, to the same bytes. */
static bool agree(const uint8_t *from, size_t n, uint8_t *ours, uint8_t *theirs, size_t room)
{
    int64_t got = lzma_unpack(from, n, ours, room), want = -1;

    if (n > 6 && from[0] < 225 && from[0] % 9 + from[0] / 9 % 5 <= 3)
        want = other_lzma(from, n, theirs, room);
    return want < 0 ? got >= -1 && got <= (int64_t)room
                    : got == want && !memcmp(ours, theirs, (size_t)got);
}

static void lzma(void)
{
    enum { ROOM = 100000 };
    uint8_t *plain = malloc(ROOM), *packed = malloc(2 * ROOM);
    bool same = true, short_of = true, safe = true;

    for (unsigned i = 0; i < 120 && same; i++) {
        size_t n = i < 10 ? i : sample(plain, ROOM);
        size_t size = pack_lzma(plain, n, packed, 2 * ROOM, i);
        uint8_t *exact = malloc(size), *out = malloc(n ? n : 1), *theirs = malloc(n ? n : 1);

        memcpy(exact, packed, size);
        same = lzma_unpack(exact, size, out, n) == (int64_t)n && !memcmp(out, plain, n);
        for (int k = 0; k < 4 && n; k++)
            short_of &= lzma_unpack(exact, draw() % size, out, n) == -1 &&
                        lzma_unpack(exact, size, out, draw() % n) == -1;
        for (int k = 0; k < 30; k++) {
            exact[draw() % (k & 1 ? size : size < 32 ? size : 32)] ^= (uint8_t)(1 << draw() % 8);
            safe &= agree(exact, size, out, theirs, n);
        }
        free(exact);
        free(out);
        free(theirs);
    }
    check(same, "LZMA: what the library packs is unpacked, for all properties");
    check(short_of, "LZMA: a stream that is cut off, or does not fit, is refused");
    check(safe, "LZMA: damaged streams stay inside their buffers, and come out as the library's");
    free(plain);
    free(packed);
}

/* Half of it opcodes and short distances, any of the bytes anywhere. */
static void branches(void)
{
    enum { ROOM = 400 };
    static const uint8_t likely[] = {0xe8, 0xe9, 0xe8, 0, 0, 0, 0xff, 1};
    bool same = true, moved = false;

    for (unsigned i = 0; i < 20000; i++) {
        size_t n = i % ROOM;
        uint8_t *code = malloc(n + 1), *before = malloc(n + 1);
        for (size_t k = 0; k < n; k++)
            code[k] = draw() & 1 ? (uint8_t)draw() : likely[draw() % sizeof likely];
        memcpy(before, code, n);
        branches_turn(code, (uint32_t)n, false);
        moved |= memcmp(before, code, n) != 0;
        branches_turn(code, (uint32_t)n, true);
        same &= memcmp(before, code, n) == 0;
        free(code);
        free(before);
    }
    check(same && moved, "branches: any bytes come back as they were");
    uint8_t calls[] = {0x90, 0xe8, 0x0a, 0, 0, 0, 0xe9, 0xf8, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0};
    branches_turn(calls, sizeof calls, false);
    check(calls[2] == 16 && calls[7] == 3 && calls[8] == 0 && calls[10] == 0,
          "branches: places from the start");
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
    lzma();
    branches();
    multiboot("Multiboot 1", multiboot1_read, make_multiboot1);
    multiboot("Multiboot 2", multiboot2_read, make_multiboot2);
    free(memory);
    return failures != 0;
}
