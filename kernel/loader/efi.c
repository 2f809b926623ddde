/* efi.c: the hand-over of UEFI (2.10): command line, root image and memory map, then the kernel.
 * What is needed of the firmware's tables is reached by offset: see efi.h. */
#include "loader/efi.h"

#include "lib/endian.h"
#include "loader/loader.h"

static struct efi_system *efi;
static struct handed_over *handed_over;
static char *cmdline;
enum { CMDLINE_SIZE = 65536 };

static void say_efi(const char *text)
{
    uint16_t line[2] = {0, 0};

    for (; *text; text++) {
        line[0] = (uint8_t)*text;
        efi->console->output(efi->console, line);
    }
}

static uint64_t give_up(const char *text)
{
    say_efi("osprey: ");
    say_efi(text);
    say_efi("\r\n");
    return EFI_LOAD_ERROR;
}

/* Pages below 4 GiB, zeroed; NULL. */
static void *pages(uint64_t size)
{
    uint64_t address = 0xffffffff, n = (size + 4095) / 4096;

    if (efi->boot->allocate_pages(EFI_BELOW, EFI_LOADER_DATA, n, &address))
        return NULL;
    for (uint64_t i = 0; i < n * 512; i++)
        ((uint64_t *)address)[i] = 0;
    return (void *)address;
}

static bool same_guid(const struct efi_guid *a, const struct efi_guid *b)
{
    return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

static void find_acpi(void)
{
    uint64_t old = 0, new = 0;

    for (uint64_t i = 0; i < efi->ntables; i++) {
        if (same_guid(&efi->tables[i].guid, &efi_acpi20))
            new = efi->tables[i].table;
        else if (same_guid(&efi->tables[i].guid, &efi_acpi10))
            old = efi->tables[i].table;
    }
    params_set64(handed_over, P_RSDP, new ? new : old);
}

static void take_options(const struct efi_loaded_image *image)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < image->options_size / 2 && image->options[i]; i++)
        if (n + 1 < CMDLINE_SIZE)
            cmdline[n++] = image->options[i] < 0x80 ? (char)image->options[i] : '?';
    cmdline[n] = 0;
}

/* --- the root ------------------------------------------------------------------------------------
 */

/* "initrd=NAME" of the command line as a path of the volume that we came from; false: none. */
static bool named_root(uint16_t *path, unsigned room)
{
    for (const char *at = cmdline; *at; at++) {
        static const char word[] = "initrd=";
        unsigned i = 0, n = 0;

        if (at != cmdline && at[-1] != ' ')
            continue;
        while (word[i] && at[i] == word[i])
            i++;
        if (word[i])
            continue;
        if (at[i] != '\\' && at[i] != '/')
            path[n++] = '\\';
        for (; at[i] && at[i] != ' ' && n + 1 < room; i++)
            path[n++] = at[i] == '/' ? '\\' : (uint8_t)at[i];
        path[n] = 0;
        return true;
    }
    return false;
}

static const char *root_from_file(const struct efi_loaded_image *image, const uint16_t *path)
{
    struct efi_volume *volume;
    struct efi_file *folder, *file;
    uint64_t size = 0, n;
    void *root;

    if (efi->boot->handle_protocol(image->device, &efi_volume_protocol, (void **)&volume) ||
        volume->open(volume, &folder))
        return "the volume of initrd= cannot be read";
    if (folder->open(folder, &file, path, 1, 0))
        return "the file of initrd= is not there";
    if (file->set_position(file, UINT64_MAX) || file->get_position(file, &size) ||
        file->set_position(file, 0) || !(root = pages(size)))
        return "no memory for the file of initrd=";
    for (uint64_t done = 0; done < size; done += n) {
        n = size - done;
        if (file->read(file, &n, (char *)root + done) || n == 0)
            return "the file of initrd= cannot be read";
    }
    params_set_root(handed_over, (uint64_t)root, size);
    return NULL;
}

/* The loader that started us offers an initial RAM disk (LINUX_EFI_INITRD_MEDIA_GUID). */
static bool root_from_loader(void)
{
    static const struct efi_device_path_vendor where = {
        4, 3, {20, 0}, {{0x4f3d68fc5568e427, 0x68cc315255ca74ac}}, 0x7f, 0xff, {4, 0}};
    const void *path = &where;
    struct efi_load_file *source;
    uint64_t size = 0;
    void *handle, *root;

    if (efi->boot->locate_device_path(&efi_load_file2, &path, &handle) ||
        efi->boot->handle_protocol(handle, &efi_load_file2, (void **)&source))
        return false;
    if (source->load(source, path, 0, &size, NULL) != EFI_BUFFER_TOO_SMALL || !size ||
        !(root = pages(size)) || source->load(source, path, 0, &size, root))
        return false;
    params_set_root(handed_over, (uint64_t)root, size);
    return true;
}

static bool read_blocks(struct efi_block_io *disk, uint64_t block, uint64_t size, void *to)
{
    return !disk->read(disk, disk->media->id, block, size, to);
}

enum { CD_BLOCK = 2048, CD_SECTORS = CD_BLOCK / 512 };
static uint64_t cd_start; /* the first block of our disk on a CD */
static uint8_t *cd_block;

/* El Torito's hard disk on a CD ("El Torito" Bootable CD-ROM Format Specification 1.0, 2.0). */
static bool find_on_cd(struct efi_block_io *disk)
{
    enum { BOOT_RECORD = 17, CATALOGUE_AT = 0x47, IMAGE_AT = 32 + 8 };

    if (!read_blocks(disk, BOOT_RECORD, CD_BLOCK, cd_block) ||
        get_le32(cd_block + 1) != 0x30304443 || /* CD00 */
        !read_blocks(disk, get_le32(cd_block + CATALOGUE_AT), CD_BLOCK, cd_block))
        return false;
    cd_start = get_le32(cd_block + IMAGE_AT);
    return true;
}

static bool read_sectors(struct efi_block_io *disk, uint64_t sector, uint64_t n, void *to)
{
    if (disk->media->block_size == 512)
        return read_blocks(disk, sector, n * 512, to);
    if (disk->media->block_size != CD_BLOCK)
        return false;
    if (sector % CD_SECTORS == 0 && n % CD_SECTORS == 0)
        return read_blocks(disk, cd_start + sector / CD_SECTORS, n * 512, to);
    for (uint64_t i = 0; i < n; i++, sector++) {
        const uint8_t *from = cd_block + sector % CD_SECTORS * 512;

        if ((i == 0 || sector % CD_SECTORS == 0) &&
            !read_blocks(disk, cd_start + sector / CD_SECTORS, CD_BLOCK, cd_block))
            return false;
        for (unsigned j = 0; j < 512; j++)
            ((uint8_t *)to)[i * 512 + j] = from[j];
    }
    return true;
}

/* Is this the disk that holds us? Its boot sector says where, and the packed kernel is the same. */
static bool is_our_disk(struct efi_block_io *disk, uint8_t *sector, struct disk_layout *layout)
{
    const uint8_t *mine = (const uint8_t *)&payload_packed;

    if (!disk->media->present || disk->media->partition ||
        (disk->media->block_size == CD_BLOCK && !find_on_cd(disk)) ||
        !read_sectors(disk, 0, 1, sector))
        return false;
    *layout = *(const struct disk_layout *)(sector + MBR_DISK);
    uint32_t signature = *(const uint32_t *)(sector + MBR_SIGNATURE);
    if (layout->magic != DISK_MAGIC ||
        !read_sectors(disk, layout->kernel + (SETUP_BYTES + PACKED) / 512, 1, sector))
        return false;
    for (unsigned i = 0; i < sizeof(struct packed_kernel); i++)
        if (sector[PACKED % 512 + i] != mine[i])
            return false;
    params_set32(handed_over, LOADER_DISK_AT, LOADER_DISK_MARK);
    params_set32(handed_over, LOADER_DISK_AT + 4, signature);
    return true;
}

static const char *root_from_disk(struct efi_block_io *disk, const struct disk_layout *layout)
{
    enum { STEP = 2048 };
    uint8_t *root;

    if (layout->cmdline_len && !cmdline[0] && !read_sectors(disk, 1, CMDLINE_SECTORS, cmdline))
        return "the command line cannot be read from the disk";
    cmdline[CMDLINE_SECTORS * 512] = 0;
    if (!layout->root || layout->flags & DISK_ROOT_STAYS)
        return NULL;
    root = pages(layout->root_sectors * 512ull);
    if (!root)
        return "no memory for the root image";
    for (uint32_t done = 0, n; done < layout->root_sectors; done += n) {
        n = layout->root_sectors - done < STEP ? layout->root_sectors - done : STEP;
        if (!read_sectors(disk, layout->root + done, n, root + done * 512ull))
            return "the root image cannot be read from the disk";
    }
    params_set_root(handed_over, (uint64_t)root, layout->root_sectors * 512ull);
    return NULL;
}

static const char *find_disk(void)
{
    uint64_t n = 0;
    void **handles;
    struct efi_block_io *disk;
    struct disk_layout layout;
    uint8_t *sector = pages(2 * 4096);

    if (!sector || efi->boot->locate_handle_buffer(2, &efi_block_io, NULL, &n, &handles))
        return NULL;
    cd_block = sector + 4096;
    for (uint64_t i = 0; i < n; i++)
        if (!efi->boot->handle_protocol(handles[i], &efi_block_io, (void **)&disk) &&
            is_our_disk(disk, sector, &layout))
            return root_from_disk(disk, &layout);
    return NULL;
}

static const char *find_root(const struct efi_loaded_image *image)
{
    static uint16_t path[512];

    if (root_from_loader())
        return NULL;
    if (named_root(path, 512))
        return root_from_file(image, path);
    return find_disk();
}

/* The first framebuffer that has bytes for its colours. */
static void find_screen(void)
{
    uint64_t n = 0;
    void **handles;
    struct efi_graphics *graphics;

    if (efi->boot->locate_handle_buffer(2, &efi_graphics, NULL, &n, &handles))
        return;
    for (uint64_t i = 0; i < n; i++) {
        if (efi->boot->handle_protocol(handles[i], &efi_graphics, (void **)&graphics) ||
            graphics->mode->info->format > 1 || !graphics->mode->base)
            continue;
        uint8_t red = graphics->mode->info->format ? 16 : 0;
        const uint8_t colours[6] = {red, 8, 8, 8, 16 - red, 8};
        params_set_screen(handed_over, graphics->mode->base,
                          graphics->mode->info->pixels_per_line * 4, graphics->mode->info->width,
                          graphics->mode->info->height, 32, colours);
        return;
    }
}

/* --- the end of boot services --------------------------------------------------------------------
 */

static uint32_t e820_type(uint32_t type)
{
    switch (type) {
    case EFI_LOADER_CODE ... EFI_BOOT_DATA:
    case EFI_CONVENTIONAL:
        return 1;
    case EFI_ACPI_RECLAIM:
        return 3;
    case EFI_ACPI_NVS:
        return 4;
    case EFI_UNUSABLE:
        return 5;
    default:
        return 2;
    }
}

/* The map comes in order of addresses from nearly every firmware: neighbours of a kind become one.
 */
static void take_map(const uint8_t *map, uint64_t size, uint64_t each)
{
    uint64_t start = 0, len = 0;
    uint32_t type = 0;

    for (uint64_t at = 0; at + each <= size; at += each) {
        const struct efi_memory *m = (const void *)(map + at);

        if (len && e820_type(m->type) == type && m->start == start + len) {
            len += m->npages * 4096;
            continue;
        }
        if (len)
            params_add_range(handed_over, start, len, type);
        start = m->start, len = m->npages * 4096, type = e820_type(m->type);
    }
    if (len)
        params_add_range(handed_over, start, len, type);
}

static const char *leave(void *handle, void *map, uint64_t room)
{
    uint64_t size, key, each;
    uint32_t version;

    for (int i = 0; i < 4; i++) { /* the key is stale when the firmware did something meanwhile */
        size = room;
        if (efi->boot->get_memory_map(&size, map, &key, &each, &version))
            return "the firmware tells no memory map";
        if (!efi->boot->exit_boot_services(handle, key)) {
            take_map(map, size, each);
            return NULL;
        }
    }
    return "the firmware does not let go";
}

static bool meets_kernel(const void *p, uint64_t n)
{
    uint64_t start = (uint64_t)p;

    return start < PAYLOAD_AT + payload_packed.memory && start + n > PAYLOAD_AT;
}

uint64_t efi_main(void *handle, void *system_table)
{
    enum { MAP_ROOM = 256 << 10 };
    const struct packed_kernel *packed = &payload_packed;
    struct efi_loaded_image *image;
    const char *wrong;
    void *kernel, *map;
    uint64_t tsc = __builtin_ia32_rdtsc();

    efi = system_table;
    if (efi->boot->handle_protocol(handle, &efi_loaded_image, (void **)&image))
        return give_up("the firmware does not know us");
    handed_over = pages(sizeof(*handed_over));
    cmdline = pages(CMDLINE_SIZE);
    kernel = pages(packed->len);
    map = pages(MAP_ROOM);
    if (!handed_over || !cmdline || !kernel || !map)
        return give_up("too little memory");
    take_options(image);
    wrong = find_root(image);
    if (wrong)
        return give_up(wrong);
    params_set_cmdline(handed_over, (uint64_t)cmdline);
    params_set_tsc(handed_over, tsc);
    find_acpi();
    find_screen();
    params_set64(handed_over, LOADER_UNPACK_AT, __builtin_ia32_rdtsc());
    loader_unpack(kernel);
    if (meets_kernel(payload, 0x200000) || meets_kernel(kernel, packed->len) ||
        meets_kernel(handed_over, 4096) || meets_kernel(cmdline, CMDLINE_SIZE))
        return give_up("the firmware uses the memory at 1 MiB");
    wrong = leave(handle, map, MAP_ROOM);
    if (wrong)
        return give_up(wrong);
    if (!params_is_ram(handed_over, PAYLOAD_AT, packed->memory))
        loader_fail("there is no memory at 1 MiB");
    launch(packed->entry, handed_over, kernel, packed->len, packed->memory);
}
