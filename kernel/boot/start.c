/* boot/start.c: the first C functions, one for each hand-over: fill boot_info, go on in
 * kernel_main(). */
#include "boot/embedded.h"
#include "boot/handover.h"
#include "core/panic.h"
#include "main.h"
#include "mm/frame.h"

extern uint64_t boot_tsc;
__noreturn void pvh_start(paddr_t start_info);
__noreturn void linux_start(paddr_t boot_params);

struct boot_info boot_info __after_boot_readonly;

/* The first page tables map 4 GiB. */
static const void *low_memory(paddr_t paddr, size_t n)
{
    return paddr && paddr < 1ull << 32 && n <= (1ull << 32) - paddr ? phys_to_virt(paddr) : NULL;
}

void pvh_start(paddr_t start_info)
{
    if (handover_pvh(&boot_info, start_info, low_memory))
        panic("boot: the PVH start info at %#lx is damaged", start_info);
    embedded_take(&boot_info);
    boot_info.tsc_at_entry = boot_tsc;
    kernel_main();
}

void linux_start(paddr_t boot_params)
{
    if (handover_linux(&boot_info, boot_params, low_memory))
        panic("boot: the boot parameters at %#lx hold no memory map", boot_params);
    embedded_take(&boot_info);
    boot_info.tsc_at_entry = boot_tsc;
    kernel_main();
}
