// sources: kernel/boot/handover.c
// flags: -Ikernel
/* What loaders leave in memory: PVH's start info and Linux' boot parameters, whole and damaged. */
#include "boot/handover.h"
#include "lib/errno.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIZE = 65536,
    INFO = 0x1000,
    MAP = 0x2000,
    MODULES = 0x3000,
    CMDLINE = 0x4000,
    ZERO = 0x7000
};

static uint8_t *memory;
static int failures;

static const void *window(paddr_t paddr, size_t n)
{
    return paddr && paddr < SIZE && n <= SIZE - paddr ? memory + paddr : NULL;
}

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

static void put(uint64_t at, uint64_t v, int n)
{
    memcpy(memory + at, &v, n);
}

static void make_pvh(void)
{
    memset(memory, 0, SIZE);
    put(INFO, 0x336ec578, 4);
    put(INFO + 4, 1, 4);
    put(INFO + 12, 1, 4);
    put(INFO + 16, MODULES, 8);
    put(INFO + 24, CMDLINE, 8);
    put(INFO + 32, 0xe0000, 8);
    put(INFO + 40, MAP, 8);
    put(INFO + 48, 2, 4);
    put(MAP + 8, 0x9fc00, 8);
    put(MAP + 16, 1, 4);
    put(MAP + 24, 0x100000, 8);
    put(MAP + 32, 0x7f00000, 8);
    put(MAP + 40, 1, 4);
    put(MODULES, 0x600000, 8);
    put(MODULES + 8, 0x1000, 8);
    strcpy((char *)memory + CMDLINE, "loglevel=7 -- prog");
}

static void make_linux(void)
{
    memset(memory, 0, SIZE);
    put(ZERO + 0x1e8, 2, 1);
    put(ZERO + 0x2d0 + 8, 0x9fc00, 8);
    put(ZERO + 0x2d0 + 16, 1, 4);
    put(ZERO + 0x2d0 + 20, 0x100000, 8);
    put(ZERO + 0x2d0 + 28, 0x7f00000, 8);
    put(ZERO + 0x2d0 + 36, 1, 4);
    put(ZERO + 0x228, CMDLINE, 4);
    put(ZERO + 0x218, 0x600000, 4);
    put(ZERO + 0x21c, 0x1000, 4);
    put(ZERO + 0x70, 0xe0000, 8);
    strcpy((char *)memory + CMDLINE, "loglevel=7 -- prog");
}

static int whole(const struct boot_info *info)
{
    return info->nmemory == 2 && info->memory[1].start == 0x100000 &&
           info->memory[1].size == 0x7f00000 && info->memory[1].type == MEMORY_RAM &&
           info->root_image == 0x600000 && info->root_image_size == 0x1000 &&
           info->acpi_rsdp == 0xe0000 && info->cmdline == CMDLINE && info->cmdline_len == 18;
}

static int sane(const struct boot_info *info)
{
    if (info->nmemory > BOOT_MEMORY_RANGES || info->cmdline_len > BOOT_CMDLINE_MAX)
        return 0;
    for (unsigned i = 0; i < info->nmemory; i++)
        if (info->memory[i].start + info->memory[i].size < info->memory[i].start)
            return 0;
    return info->root_image + info->root_image_size >= info->root_image;
}

static int mutate(void (*make)(void), int (*read)(struct boot_info *, paddr_t, phys_window_t *),
                  paddr_t at)
{
    int bad = 0;
    for (int i = 0; i < 10000; i++) {
        make();
        for (int k = 1 + rand() % 12; k > 0; k--) {
            static const int places[] = {INFO, MAP,          MODULES,     CMDLINE,
                                         ZERO, ZERO + 0x1e0, ZERO + 0x2d0};
            memory[places[rand() % 7] + rand() % 64] = rand() % 2 ? rand() : 0xff;
        }
        struct boot_info info = {0};
        int err = read(&info, at, window);
        bad += (err && err != -EINVAL) || !sane(&info);
    }
    return bad;
}

int main(void)
{
    memory = malloc(SIZE);
    struct boot_info info = {0};
    make_pvh();
    check(!handover_pvh(&info, INFO, window) && whole(&info),
          "PVH: memory, module, command line, RSDP");
    memory[INFO] ^= 1;
    check(handover_pvh(&info, INFO, window) == -EINVAL, "PVH: a wrong magic is refused");
    info = (struct boot_info){0};
    make_linux();
    check(!handover_linux(&info, ZERO, window) && whole(&info), "Linux: the same from boot_params");
    put(ZERO + 0x1e8, 0, 1);
    info = (struct boot_info){0};
    check(handover_linux(&info, ZERO, window) == -EINVAL, "Linux: no memory map is refused");
    info = (struct boot_info){0};
    check(handover_pvh(&info, SIZE - 8, window) == -EINVAL, "PVH: beyond memory is refused");
    make_linux(); /* up to the end of memory: the command line's own 0 needs a place there */
    memset(memory + SIZE - 4096, 'x', 4096);
    put(ZERO + 0x228, SIZE - 4096, 4);
    info = (struct boot_info){0};
    check(!handover_linux(&info, ZERO, window) && info.cmdline_len == 4095,
          "a command line without end is cut off inside of memory");
    srand(11);
    check(!mutate(make_pvh, handover_pvh, INFO), "PVH: 10,000 mutants");
    check(!mutate(make_linux, handover_linux, ZERO), "Linux: 10,000 mutants");
    free(memory);
    return failures != 0;
}
