#include "loader/loader.h"

#include "lib/endian.h"

enum {
    MB1_FLAG_CMDLINE = 1 << 2,
    MB1_FLAG_MODULES = 1 << 3,
    MB1_FLAG_MAP = 1 << 6,
    MB1_FLAG_FRAMEBUFFER = 1 << 12
};
enum { MB_RGB = 1 }; /* kind of framebuffer */
enum {
    MB2_CMDLINE = 1,
    MB2_MODULE = 3,
    MB2_MAP = 6,
    MB2_FRAMEBUFFER = 8,
    MB2_RSDP_OLD = 14,
    MB2_RSDP_NEW = 15
};

/* The command line without its first word, which is the kernel file's name, where `named`. */
static void take_cmdline(char *out, unsigned size, const char *text, uint64_t room, bool named)
{
    uint64_t i = 0;
    unsigned n = 0;

    while (named && i < room && text[i] && text[i] != ' ')
        i++;
    while (named && i < room && text[i] == ' ')
        i++;
    while (i < room && text[i] && n + 1 < size)
        out[n++] = text[i++];
    out[n] = 0;
}

static const char *text_at(uint64_t address, uint64_t *room, loader_window_t *window)
{
    const char *text;

    for (*room = 65536; !(text = window(address, *room)) && *room > 1; *room /= 2)
        ;
    return text;
}

/* iPXE loads by Multiboot and cuts the line off at 512 bytes: `osprey build --format netboot` puts
 * it into a second module, too. */
static void line_of_module(const uint8_t *module, char *cmdline, unsigned size,
                           loader_window_t *window)
{
    static const char magic[] = "#osprey cmdline\n";
    enum { MAGIC = sizeof(magic) - 1 };
    uint32_t start = module ? get_le32(module) : 0, end = module ? get_le32(module + 4) : 0;
    const char *text = end > start && end - start >= MAGIC ? window(start, end - start) : NULL;

    for (unsigned i = 0; text && i < MAGIC; i++)
        if (text[i] != magic[i])
            return;
    if (text)
        take_cmdline(cmdline, size, text + MAGIC, end - start - MAGIC, false);
}

int multiboot1_read(struct handed_over *h, uint64_t info, char *cmdline, unsigned size,
                    loader_window_t *window)
{
    const uint8_t *p = window(info, 52), *entry;
    uint32_t flags = p ? get_le32(p) : 0;
    uint64_t room;

    cmdline[0] = 0;
    if (!(flags & MB1_FLAG_MAP))
        return -1;
    const char *text = flags & MB1_FLAG_CMDLINE ? text_at(get_le32(p + 16), &room, window) : 0;
    if (text)
        take_cmdline(cmdline, size, text, room, true);
    if (flags & MB1_FLAG_MODULES && get_le32(p + 20)) {
        const uint8_t *module = window(get_le32(p + 24), 16);

        if (module && get_le32(module + 4) > get_le32(module))
            params_set_root(h, get_le32(module), get_le32(module + 4) - get_le32(module));
        if (get_le32(p + 20) > 1)
            line_of_module(window(get_le32(p + 24) + 16, 16), cmdline, size, window);
    }
    const uint8_t *screen = flags & MB1_FLAG_FRAMEBUFFER ? window(info + 88, 28) : NULL;
    if (screen && screen[21] == MB_RGB)
        params_set_screen(h, get_le64(screen), get_le32(screen + 8), get_le32(screen + 12),
                          get_le32(screen + 16), screen[20], screen + 22);
    uint64_t at = get_le32(p + 48), end = at + get_le32(p + 44);
    for (unsigned i = 0; i < MAP_MAX && at + 24 <= end && (entry = window(at, 24)); i++) {
        params_add_range(h, get_le64(entry + 4), get_le64(entry + 12), get_le32(entry + 20));
        at += get_le32(entry) + 4ull;
    }
    return h->params[P_MAP_COUNT] ? 0 : -1;
}

static void read_map(struct handed_over *h, const uint8_t *tag, uint32_t size)
{
    uint32_t each = size >= 16 ? get_le32(tag + 8) : 0;

    for (uint32_t at = 16; each >= 24 && each <= size && at <= size - each; at += each)
        params_add_range(h, get_le64(tag + at), get_le64(tag + at + 8), get_le32(tag + at + 16));
}

int multiboot2_read(struct handed_over *h, uint64_t info, char *cmdline, unsigned size,
                    loader_window_t *window)
{
    const uint8_t *head = window(info, 8), *tag;
    uint32_t total = head ? get_le32(head) : 0, len;
    bool root = false;

    cmdline[0] = 0;
    for (uint64_t at = 8; at + 8 <= total; at += (len + 7ull) & ~7ull) {
        tag = window(info + at, 8);
        len = tag ? get_le32(tag + 4) : 0;
        if (len < 8 || len > total - at || !(tag = window(info + at, len)))
            break;
        uint32_t type = get_le32(tag);
        if (type == MB2_CMDLINE)
            take_cmdline(cmdline, size, (const char *)tag + 8, len - 8, false);
        else if (type == MB2_MODULE && len >= 16 && !root &&
                 get_le32(tag + 12) > get_le32(tag + 8)) {
            params_set_root(h, get_le32(tag + 8), get_le32(tag + 12) - get_le32(tag + 8));
            root = true;
        } else if (type == MB2_MAP)
            read_map(h, tag, len);
        else if (type == MB2_FRAMEBUFFER && len >= 38 && tag[29] == MB_RGB)
            params_set_screen(h, get_le64(tag + 8), get_le32(tag + 16), get_le32(tag + 20),
                              get_le32(tag + 24), tag[28], tag + 32);
        else if (type == MB2_RSDP_OLD || type == MB2_RSDP_NEW)
            params_set64(h, P_RSDP, info + at + 8);
    }
    return h->params[P_MAP_COUNT] ? 0 : -1;
}
