#include "boot_disk.h"

#include "fat.h"
#include "root.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The boot sector's fields: kernel/loader/layout.h. */
enum {
    SECTOR = 512,
    LAYOUT_AT = 0x190,
    LAYOUT_MAGIC = 0x4450534f,
    ROOT_STAYS = 1,
    ROOT_STAYS_FROM = 32 << 11, /* sectors: larger roots are read by the kernel as it needs them */
    SIGNATURE_AT = 0x1b8,
    PARTITIONS_AT = 0x1be,
    PARTITION_EFI = 0xef,
    PARTITION_LINUX = 0x83,
    ESP_SECTOR = 2048, /* partitions begin on whole MiB */
    ROOT_SECTOR = ESP_SECTOR + FAT_SECTORS,
    EROFS_UUID_AT = 1024 + 48,
};

static void put32(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const void *map_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    const void *data = MAP_FAILED;

    if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0)
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    close(fd);
    *size = (size_t)st.st_size;
    return data;
}

static void partition(uint8_t *p, unsigned kind, bool active, uint32_t start, uint32_t sectors)
{
    memset(p, 0, 16);
    p[0] = active ? 0x80 : 0;
    memset(p + 1, 0xff, 3); /* beyond what cylinders can say: by sector numbers only */
    p[4] = (uint8_t)kind;
    memset(p + 5, 0xff, 3);
    put32(p + 8, start);
    put32(p + 12, sectors);
}

/* Who reads the root: the loader, into memory, whatever the disk hangs on; or the kernel, which
 * needs a driver for it, page by page. The word root= decides, or the size. */
static void choose_reader(uint8_t *sector, const char *cmdline)
{
    uint8_t *layout = sector + LAYOUT_AT;
    bool there = get32(sector + PARTITIONS_AT + 16 + 12); /* not on a CD */
    bool stays = get32(layout + 16) >= ROOT_STAYS_FROM;

    for (const char *at = cmdline; (at = strstr(at, "root=")); at++)
        if (at == cmdline || at[-1] == ' ')
            stays = strncmp(at + 5, "memory", 6) != 0;
    put32(layout + 24, there && stays ? ROOT_STAYS : 0);
}

static void fill_boot_sector(uint8_t *sector, size_t kernel, size_t root, const uint8_t *image,
                             const char *cmdline)
{
    uint32_t root_sectors = (uint32_t)((root + SECTOR - 1) / SECTOR);
    uint8_t *layout = sector + LAYOUT_AT;

    put32(layout + 4, ESP_SECTOR + FAT_FILE_AT);
    put32(layout + 8, (kernel + SECTOR - 1) / SECTOR);
    put32(layout + 12, ROOT_SECTOR);
    put32(layout + 16, root_sectors);
    put32(layout + 20, strlen(cmdline));
    memcpy(sector + SIGNATURE_AT, image + EROFS_UUID_AT, 4);
    partition(sector + PARTITIONS_AT, PARTITION_EFI, true, ESP_SECTOR, FAT_SECTORS);
    partition(sector + PARTITIONS_AT + 16, PARTITION_LINUX, false, ROOT_SECTOR, root_sectors);
    choose_reader(sector, cmdline);
}

static void put_all(int fd, const char *file, uint64_t at, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(at + done));
        if (n < 0)
            die(STATUS_FAILED, "%s: %s", file, strerror(errno));
        done += (size_t)n;
    }
}

/* A file, or a device that nobody uses (man 2 open: O_EXCL of a block device). */
static int open_output(const char *file)
{
    struct stat st;
    bool device = !stat(file, &st) && S_ISBLK(st.st_mode);
    int fd = open(file, O_RDWR | O_CLOEXEC | (device ? O_EXCL : O_CREAT | O_TRUNC), 0666);

    if (fd < 0 && errno == EBUSY)
        die(STATUS_FAILED, "%s is in use: umount it, with all its partitions", file);
    return fd;
}

/* What a regular file is to be long; a device has its length, and need not have as much. */
static int set_end(int fd, off_t end)
{
    struct stat st;

    if (!fstat(fd, &st) && S_ISBLK(st.st_mode))
        return fsync(fd);
    return ftruncate(fd, end);
}

void disk_write(const struct parts *parts, const char *file)
{
    static uint8_t area[CMDLINE_AREA];
    uint8_t sector[SECTOR];
    size_t boot_size, kernel_size, root_size;
    const void *boot = map_file(parts->boot_sector, &boot_size);
    const void *kernel = map_file(parts->kernel, &kernel_size);
    const void *root = map_file(parts->root, &root_size);
    uint64_t end =
        ((uint64_t)ROOT_SECTOR * SECTOR + root_size + (1 << 20) - 1) & ~((1ull << 20) - 1);
    int fd = open_output(file), fault;

    if (fd < 0)
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    if (boot_size != SECTOR || get32((const uint8_t *)boot + LAYOUT_AT) != LAYOUT_MAGIC)
        die(STATUS_FAILED, "%s: is not Osprey's boot sector", parts->boot_sector);
    if (strlen(parts->cmdline) >= sizeof area)
        die(STATUS_FAILED, "the command line is too long for a disk: %zu bytes, at most %zu",
            strlen(parts->cmdline), sizeof area - 1);
    if (root_size > UINT32_MAX)
        die(STATUS_FAILED, "the root image is too large for a disk: %zu MiB, at most 4095",
            root_size >> 20);
    memcpy(sector, boot, SECTOR);
    fill_boot_sector(sector, kernel_size, root_size, root, parts->cmdline);
    memcpy(area, parts->cmdline, strlen(parts->cmdline) + 1);
    put_all(fd, file, 0, sector, SECTOR);
    put_all(fd, file, SECTOR, area, sizeof area);
    fault = fat_write(fd, (uint64_t)ESP_SECTOR * SECTOR, ESP_SECTOR, kernel, kernel_size);
    if (fault)
        die(STATUS_FAILED, "%s: %s", file, strerror(fault));
    put_all(fd, file, (uint64_t)ROOT_SECTOR * SECTOR, root, root_size);
    if (set_end(fd, (off_t)end) || close(fd))
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    munmap((void *)(uintptr_t)boot, boot_size);
    munmap((void *)(uintptr_t)kernel, kernel_size);
    munmap((void *)(uintptr_t)root, root_size);
}

int disk_hide_root(const char *file)
{
    static const uint8_t none[16];
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pwrite(fd, none, 4, LAYOUT_AT + 24);

    if (n == 4)
        n = pwrite(fd, none, sizeof none, PARTITIONS_AT + 16);

    if (fd >= 0)
        close(fd);
    return n == sizeof none ? 0 : -1;
}

/* Where the disk begins in the file: on a CD El Torito's catalogue tells ("El Torito" Bootable
 * CD-ROM Format Specification 1.0, 2.0), in a raw image it is the file. */
static off_t start_of(int fd)
{
    enum { CD_SECTOR = 2048, BOOT_RECORD = 17, CATALOGUE_AT = 0x47, ENTRY = 32, IMAGE_AT = 8 };
    uint8_t record[CATALOGUE_AT + 4], entry[ENTRY];

    if (pread(fd, record, sizeof record, BOOT_RECORD * CD_SECTOR) != sizeof record ||
        memcmp(record, "\0CD001\1EL TORITO", 16) ||
        pread(fd, entry, ENTRY, (off_t)get32(record + CATALOGUE_AT) * CD_SECTOR + ENTRY) != ENTRY)
        return 0;
    return (off_t)get32(entry + IMAGE_AT) * CD_SECTOR;
}

static bool ours(int fd, off_t start, uint8_t *sector)
{
    return pread(fd, sector, SECTOR, start) == SECTOR && sector[510] == 0x55 &&
           sector[511] == 0xaa && get32(sector + LAYOUT_AT) == LAYOUT_MAGIC;
}

int disk_read_cmdline(int fd, char *line)
{
    uint8_t sector[SECTOR];
    off_t start = start_of(fd);

    if (!ours(fd, start, sector) || pread(fd, line, CMDLINE_AREA, start + SECTOR) != CMDLINE_AREA)
        return -1;
    line[CMDLINE_AREA - 1] = 0;
    return 0;
}

int disk_replace_cmdline(int fd, const char *line)
{
    static char area[CMDLINE_AREA];
    uint8_t sector[SECTOR];
    off_t start = start_of(fd);

    if (!ours(fd, start, sector) || strlen(line) >= CMDLINE_AREA)
        return -1;
    memset(area, 0, sizeof area);
    memcpy(area, line, strlen(line));
    put32(sector + LAYOUT_AT + 20, strlen(line));
    choose_reader(sector, line);
    return pwrite(fd, area, sizeof area, start + SECTOR) == sizeof area &&
                   pwrite(fd, sector, SECTOR, start) == SECTOR
               ? 0
               : -1;
}
