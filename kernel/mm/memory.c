/* The boot step that brings memory up: from the loader's map to frames, heap and kernel area. */
#include "arch/x86_64/paging.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/panic.h"
#include "lib/errno.h"
#include "mm/frame.h"

extern char __kernel_start[], __kernel_end[], boot_stack[];

enum { SPANS = 72 };

/* Everything that boot was handed over in RAM must be in reach of the direct map. */
static int reach(paddr_t start, uint64_t size)
{
    for (paddr_t at = ALIGN_DOWN(start, 1ul << 30); size && at < start + size; at += 1ul << 30) {
        paddr_t spare = frame_alloc(0, 0);
        bool used = false;
        int err = paging_extend_direct_map(at, spare, &used);
        if (spare && !used)
            frame_free(spare, 0);
        if (err)
            return err;
    }
    return 0;
}

/* Nothing works without memory: one line, and the end. */
static __noreturn void give_up(const char *why)
{
    uint64_t ram = 0;
    for (unsigned i = 0; i < boot_info.nmemory; i++)
        ram += boot_info.memory[i].type == MEMORY_RAM ? boot_info.memory[i].size : 0;
    log_at(LOG_PANIC, "panic: too little memory: %s (%lu KiB of RAM, kernel %lu, root image %lu)",
           why, ram >> 10, (uint64_t)(__kernel_end - __kernel_start) >> 10,
           boot_info.root_image_size >> 10);
    panic_end_hook();
}

/* A loader that is short of memory puts the image over the kernel. */
static bool image_over_kernel(const struct boot_info *boot)
{
    return boot->root_image < virt_to_phys(__kernel_end) &&
           boot->root_image + boot->root_image_size > virt_to_phys(__kernel_start);
}

static int memory_init(void)
{
    static struct frame_span spans[SPANS];
    const struct boot_info *boot = &boot_info;
    struct frame_span taken[] = {
        {virt_to_phys(__kernel_start), virt_to_phys(__kernel_end)},
        {boot->root_image, boot->root_image + boot->root_image_size},
        {boot->cmdline, boot->cmdline ? boot->cmdline + boot->cmdline_len + 1 : 0},
        {boot->own_cmdline, boot->own_cmdline + boot->own_cmdline_len + !!boot->own_cmdline},
    };
    paddr_t top = 1ul << 32;

    if (boot->root_image_size && image_over_kernel(boot))
        give_up("the root image lies over the kernel");
    paging_cpu_init();
    unsigned n =
        frame_usable_spans(boot->memory, boot->nmemory, taken, ARRAY_SIZE(taken), spans, SPANS);
    int err = frame_init(spans, n);
    if (err)
        give_up("nothing is left");
    for (unsigned i = 0; i < n; i++)
        top = MAX(top, spans[i].end);
    paging_unmap_kernel((uintptr_t)boot_stack - PAGE_SIZE, PAGE_SIZE); /* its guard */
    top = MAX(top, boot->root_image + boot->root_image_size);
    err = paging_prepare_kernel_half(MIN(top, FRAME_LIMIT));
    if (!err)
        err = reach(boot->root_image, boot->root_image_size);
    if (!err && boot->cmdline)
        err = reach(boot->cmdline, boot->cmdline_len + 1);
    if (err)
        give_up("nothing is left for page tables");
    return 0;
}
BOOT_STEP(PHASE_MEMORY, "memory", memory_init);
