#include "boot/embedded.h"

#include "arch/x86_64/memory_map.h"
#include "lib/string.h"

/* Written in the file, not by the kernel: hence volatile. */
static const volatile struct {
    char magic[16];
    uint64_t root, root_size, cmdline, cmdline_size; /* physical; 0: nothing was put in */
} embedded __used __section(".data") = {.magic = "osprey-embedded"};

void embedded_take(struct boot_info *info)
{
    if (!embedded.root_size)
        return;
    if (!info->root_image) {
        info->root_image = embedded.root;
        info->root_image_size = embedded.root_size;
    }
    info->own_cmdline = embedded.cmdline;
    info->own_cmdline_len = strnlen(phys_to_virt(embedded.cmdline), embedded.cmdline_size - 1);
}
