#include "boot/handover.h"

#include "boot/marks.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { E820_ENTRY = 20, E820_COUNT = 0x1e8, E820_TABLE = 0x2d0, E820_MAX = 128 };
enum { PVH_MAGIC = 0x336ec578, PVH_LEN_0 = 40, PVH_LEN = 56, PVH_RANGE = 24, PVH_MODULE = 32 };

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static void add_range(struct boot_info *info, uint64_t start, uint64_t size, uint32_t type)
{
    uint64_t end;
    if (!size || __builtin_add_overflow(start, size, &end) || end > 1ull << 52)
        return;
    if (type < MEMORY_RAM || type > MEMORY_BAD)
        type = MEMORY_RESERVED;
    if (info->nmemory < BOOT_MEMORY_RANGES)
        info->memory[info->nmemory++] = (struct memory_range){start, size, type};
}

static void set_cmdline(struct boot_info *info, paddr_t paddr, phys_window_t *window)
{
    if (!paddr)
        return;
    size_t seen = BOOT_CMDLINE_MAX; /* as much of it as can be seen */
    const char *text;
    while (!(text = window(paddr, seen)) && seen > 1)
        seen /= 2;
    size_t n = text ? strnlen(text, seen - 1) : 0; /* where there is no 0, it is cut off for one */
    info->cmdline = paddr;
    info->cmdline_len = n;
}

static void set_root(struct boot_info *info, uint64_t start, uint64_t size)
{
    uint64_t end;
    if (start && size && !__builtin_add_overflow(start, size, &end) && end <= 1ull << 52) {
        info->root_image = start;
        info->root_image_size = size;
    }
}

static int has_memory(const struct boot_info *info)
{
    for (unsigned i = 0; i < info->nmemory; i++)
        if (info->memory[i].type == MEMORY_RAM)
            return 0;
    return -EINVAL;
}

int handover_pvh(struct boot_info *info, paddr_t start_info, phys_window_t *window)
{
    const uint8_t *s = window(start_info, PVH_LEN_0);
    if (!s || get32(s) != PVH_MAGIC)
        return -EINVAL;
    info->loader = "PVH";
    uint32_t version = get32(s + 4), nmodules = get32(s + 12);
    set_cmdline(info, get64(s + 24), window);
    info->acpi_rsdp = get64(s + 32);
    const uint8_t *module = nmodules ? window(get64(s + 16), PVH_MODULE) : NULL;
    if (module)
        set_root(info, get64(module), get64(module + 8));
    s = window(start_info, PVH_LEN);
    if (version < 1 || !s)
        return -EINVAL;
    uint64_t map = get64(s + 40);
    for (uint32_t i = 0, n = get32(s + 48); i < n && i < 4096; i++) {
        const uint8_t *e = window(map + (uint64_t)i * PVH_RANGE, PVH_RANGE);
        if (!e)
            break;
        add_range(info, get64(e), get64(e + 8), get32(e + 16));
    }
    return has_memory(info);
}

/* A framebuffer in Linux' screen_info (zero-page.rst): VESA's and UEFI's look the same. */
static void take_screen(struct boot_screen *screen, const uint8_t *p)
{
    enum { VIDEO_VESA = 0x23, VIDEO_EFI = 0x70 };
    struct boot_screen s = {.base = get32(p + 0x18) | (uint64_t)get32(p + 0x3a) << 32,
                            .width = p[0x12] | p[0x13] << 8,
                            .height = p[0x14] | p[0x15] << 8,
                            .depth = p[0x16],
                            .pitch = p[0x24] | p[0x25] << 8};
    if (p[0x0f] != VIDEO_VESA && p[0x0f] != VIDEO_EFI)
        return;
    if (s.width < 320 || s.height < 200 || s.depth < 15 || s.depth > 32 || s.base >> 52 ||
        s.pitch < s.width * ((s.depth + 7u) / 8))
        return;
    s.depth = (s.depth + 7) & ~7;
    for (unsigned i = 0; i < 3; i++) {
        s.bits[i] = p[0x26 + 2 * i];
        s.shift[i] = p[0x27 + 2 * i];
        if (!s.bits[i] || s.bits[i] > 8 || s.bits[i] + s.shift[i] > s.depth)
            return;
    }
    *screen = s;
}

int handover_linux(struct boot_info *info, paddr_t boot_params, phys_window_t *window)
{
    const uint8_t *p = window(boot_params, 4096);
    if (!p)
        return -EINVAL;
    info->loader = "Linux 64-bit";
    set_cmdline(info, get32(p + 0x228) | (uint64_t)get32(p + 0xc8) << 32, window);
    set_root(info, get32(p + 0x218) | (uint64_t)get32(p + 0xc0) << 32,
             get32(p + 0x21c) | (uint64_t)get32(p + 0xc4) << 32);
    info->acpi_rsdp = get64(p + 0x70);
    info->from_disk = get32(p + LOADER_DISK_AT) == LOADER_DISK_MARK;
    info->disk_signature = get32(p + LOADER_DISK_AT + 4);
    take_screen(&info->screen, p);
    if (get32(p + LOADER_TSC_AT) == LOADER_TSC_MARK) {
        info->tsc_at_loader = get64(p + LOADER_TSC_AT + 8);
        info->tsc_at_unpack = get64(p + LOADER_UNPACK_AT);
    }
    for (unsigned i = 0; i < p[E820_COUNT] && i < E820_MAX; i++) {
        const uint8_t *e = p + E820_TABLE + i * E820_ENTRY;
        add_range(info, get64(e), get64(e + 8), get32(e + 16));
    }
    return has_memory(info);
}
