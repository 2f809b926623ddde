/* loader/loader.h: the parts of the loader in osprey.bin. It ends as every loader of Linux' 64-bit
 * protocol does: the kernel at 1 MiB, boot_params (Documentation/x86/zero-page.rst) in rsi. Runs
 * before everything: no interrupts, one to one mapping; pure parts compile on the host too. */
#pragma once

#include "loader/layout.h"

enum { BOOT_PARAMS = 4096, MAP_MAX = 128 };

/* boot_params being filled in; fields at their offsets (zero-page.rst). */
struct handed_over {
    uint8_t params[BOOT_PARAMS];
};
void params_set32(struct handed_over *h, unsigned offset, uint32_t value);
void params_set64(struct handed_over *h, unsigned offset, uint64_t value);
uint32_t params_get32(const struct handed_over *h, unsigned offset);
/* Another range of the memory map; -1: the table is full (the rest is left out). */
int params_add_range(struct handed_over *h, uint64_t start, uint64_t size, uint32_t type);
void params_set_root(struct handed_over *h, uint64_t start, uint64_t size);
void params_set_cmdline(struct handed_over *h, uint64_t address);
/* A framebuffer, as screen_info has UEFI's; colours: place and bits of red, green, blue. */
void params_set_screen(struct handed_over *h, uint64_t base, uint32_t pitch, uint32_t width,
                       uint32_t height, uint8_t depth, const uint8_t colours[6]);
/* The time-stamp counter at the loader's first instruction, unless somebody before us has told it.
 */
void params_set_tsc(struct handed_over *h, uint64_t tsc);
/* Is [start, start + size) memory by the map? */
bool params_is_ram(const struct handed_over *h, uint64_t start, uint64_t size);
enum {
    P_SCREEN = 0x00,
    P_RSDP = 0x70,
    P_ROOT_HIGH = 0xc0,
    P_ROOT_SIZE_HIGH = 0xc4,
    P_CMDLINE_HIGH = 0xc8,
    P_MAP_COUNT = 0x1e8,
    P_LOADER = 0x210,
    P_ROOT = 0x218,
    P_ROOT_SIZE = 0x21c,
    P_CMDLINE = 0x228,
    P_MAP = 0x2d0,
};

/* A window on memory, as in boot/handover.h: NULL where nothing may be read. */
typedef const void *loader_window_t(uint64_t address, uint64_t n);

/* From Multiboot's information (1: 0.6.96, 3.3; 2: 2.0, 3.6) to boot_params. cmdline (size bytes)
 * gets the command line without the file's name in front. 0, or -1: no memory map in it. */
enum { MULTIBOOT1 = 0x2badb002, MULTIBOOT2 = 0x36d76289 };
int multiboot1_read(struct handed_over *h, uint64_t info, char *cmdline, unsigned size,
                    loader_window_t *window);
int multiboot2_read(struct handed_over *h, uint64_t info, char *cmdline, unsigned size,
                    loader_window_t *window);

/* An LZ4 block (LZ4 block format 1.6.x): bytes written, or -1 for a damaged one; never beyond
 * either buffer. */
int64_t lz4_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room);

/* The byte of properties (lc + lp at most 3) and an LZMA stream with its end mark; the same
 * answers. Not from two threads at a time: its 16 KiB of odds are static. */
int64_t lzma_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room);

/* In x86 code the operands of calls and jumps within its n bytes (below 2^31) become where they
 * lead to, counted from its start: the same in all that lead there, which packs better. `relative`:
 * back again. Any bytes come back as they were. */
void branches_turn(uint8_t *code, uint32_t n, bool relative);

/* One of these: there is a loader for each. */
int64_t kernel_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room);

/* Text on COM1 and, under a BIOS, on the screen; the last words. */
void loader_say(const char *text);
void loader_fail(const char *text) __attribute__((noreturn));

/* Check and unpack the kernel into `to` (packed->len bytes of room); fails with a message. */
void loader_unpack(uint8_t *to);
extern const struct packed_kernel payload_packed;
extern const uint8_t payload[];
void launch(uint64_t entry, const void *params, const void *from, uint64_t n, uint64_t memory)
    __attribute__((noreturn));
void loader_main(uint64_t left, uint32_t magic) __attribute__((noreturn));
uint64_t efi_main(void *handle, void *system_table);
