/* core/boot.h: what a loader hands over, and the phases in which the kernel starts.
 *
 * Each hand-over (kernel/boot/) fills one struct boot_info and calls kernel_main(). From then on
 * nobody asks who booted the machine. */
#pragma once

#include "lib/types.h"

enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED, MEMORY_ACPI, MEMORY_NVS, MEMORY_BAD };

struct memory_range {
    paddr_t start;
    uint64_t size;
    enum memory_type type;
};

enum { BOOT_MEMORY_RANGES = 64, BOOT_CMDLINE_MAX = 65536 };

/* A linear framebuffer: bytes per line and bits per pixel; bits and place of red, green, blue. */
struct boot_screen {
    paddr_t base; /* 0: none */
    uint32_t width, height, pitch;
    uint8_t depth, bits[3], shift[3];
};

struct boot_info {
    const char *loader; /* "PVH", "Linux 64-bit": for messages only */
    struct memory_range memory[BOOT_MEMORY_RANGES];
    unsigned nmemory;
    paddr_t cmdline; /* NUL-terminated, cmdline_len bytes without the NUL; 0: none */
    size_t cmdline_len;
    paddr_t own_cmdline; /* of an image that holds kernel and root; 0: none. Earlier words */
    size_t own_cmdline_len;
    paddr_t root_image; /* the initial RAM disk: an EROFS image; 0: none */
    size_t root_image_size;
    bool from_disk; /* the loader came from a disk with this signature (of its MBR) */
    uint32_t disk_signature;
    paddr_t acpi_rsdp; /* 0: not told (scan for it) */
    struct boot_screen screen;
    uint64_t tsc_at_loader, tsc_at_unpack, tsc_at_entry; /* first two 0: not told */
};
extern struct boot_info boot_info; /* constant after the hand-over */

/* The phases, in order. What works once a phase has BEGUN is what the one before has set up:
 *   ARCH     log, panic, per-CPU data of the boot CPU, boot_info, the command line
 *   MEMORY   + traps with backtrace
 *   CLOCK    + frame_alloc, kmalloc, karea (mm/)
 *   THREADS  + interrupts can be routed, clock_*() ticks, timers can be armed
 *   BUS      + threads, sleeping, mutexes, kernel threads; other CPUs are coming up
 *   FS       + drivers are bound, consoles and streams are there
 *   PROGRAM  + the VFS with its root; then the program is started
 */
enum boot_phase {
    PHASE_ARCH,
    PHASE_MEMORY,
    PHASE_CLOCK,
    PHASE_THREADS,
    PHASE_BUS,
    PHASE_FS,
    PHASE_PROGRAM,
    PHASES
};

struct boot_step {
    const char *name;
    int (*run)(void); /* a negative errno is reported and boot goes on */
};

/* Register fn to run in a phase; steps of one phase run in link order (Makefile: by layer, then
 * by name), so a step may rely only on steps of earlier phases. */
#define BOOT_STEP(phase, step_name, fn)                                                            \
    static const struct boot_step boot_step_##fn __used __section(".boot_step." #phase) = {        \
        step_name, fn}

/* The words of the command lines (lib/cmdline.h), parsed once in PHASE_ARCH. The value of the last
 * word `name=value` ("" for a bare `name`), or NULL. */
const char *boot_param(const char *name);
/* The n-th value of a repeatable word, or NULL past the end. */
const char *boot_param_nth(const char *name, unsigned n);
/* boot_param as a number; fallback where it is absent or no number (said on the console). */
uint64_t boot_param_u64(const char *name, uint64_t fallback);
/* The words after `--`; argc may be 0. */
char *const *boot_argv(unsigned *argc);
/* The words of the loader's line, unquoted, with the `--` in front of the program's. */
void boot_cmdline_each(void (*fn)(const char *word, void *arg), void *arg);
/* The file to execute: of the word exec=, unless that is the image's and the arguments are not;
 * else the first argument. NULL: none. */
const char *boot_program(void);
/* Parse another command line (of the image) whose words count as earlier than all the present
 * ones. text stays the caller's. -EINVAL for bad syntax, -E2BIG, -ENOMEM. */
int boot_params_prepend(const char *text, size_t len);
/* Every word so far unknown: for the one-line complaint before the program starts. */
void boot_params_report_unused(void);

/* A named instant for the boot chart. */
void boot_mark(const char *name);
/* What else the person who reads the chart wants to know: lines before it. May be NULL. */
extern void (*boot_chart_hook)(void);
