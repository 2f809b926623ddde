/* The boot step that brings memory up: from the loader's map to frames, heap and kernel area. */
#include "arch/x86_64/paging.h"
#include "core/boot.h"
#include "core/log.h"
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

static int memory_init(void)
{
    static struct frame_span spans[SPANS];
    const struct boot_info *boot = &boot_info;
    struct frame_span taken[] = {
        {virt_to_phys(__kernel_start), virt_to_phys(__kernel_end)},
        {boot->root_image, boot->root_image + boot->root_image_size},
        {boot->cmdline, boot->cmdline ? boot->cmdline + boot->cmdline_len + 1 : 0},
    };
    paddr_t top = 1ul << 32;

    paging_cpu_init();
    unsigned n =
        frame_usable_spans(boot->memory, boot->nmemory, taken, ARRAY_SIZE(taken), spans, SPANS);
    int err = frame_init(spans, n);
    if (err) {
        log_err("memory: the loader told of no usable RAM");
        return err;
    }
    for (unsigned i = 0; i < n; i++)
        top = MAX(top, spans[i].end);
    paging_unmap_kernel((uintptr_t)boot_stack - PAGE_SIZE, PAGE_SIZE); /* its guard */
    top = MAX(top, boot->root_image + boot->root_image_size);
    err = paging_prepare_kernel_half(MIN(top, FRAME_LIMIT));
    if (!err)
        err = reach(boot->root_image, boot->root_image_size);
    if (!err && boot->cmdline)
        err = reach(boot->cmdline, boot->cmdline_len + 1);
    return err;
}
BOOT_STEP(PHASE_MEMORY, "memory", memory_init);
