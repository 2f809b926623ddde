#include "fat.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Microsoft's FAT specification 1.03: one sector a cluster, two tables of 40 sectors, 512 names in
 * the root. */
enum {
    SECTOR = 512,
    TABLE_SECTORS = 40,
    ROOT_SECTORS = 32,
    TABLE_AT = 1,
    ROOT_AT = 81,
    DATA_AT = 113
};
enum { FOLDER = 0x10, ARCHIVE = 0x20, END = 0xffff };
enum { EFI_CLUSTER = 2, BOOT_CLUSTER = 3, FILE_CLUSTER = 4 };

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value & 0xffff);
    put16(p + 2, value >> 16);
}

static void boot_sector(uint8_t *s, uint32_t hidden)
{
    memcpy(s, "\xeb\x3c\x90OSPREY  ", 11);
    put16(s + 11, SECTOR);
    s[13] = 1;
    put16(s + 14, TABLE_AT);
    s[16] = 2;
    put16(s + 17, ROOT_SECTORS * SECTOR / 32);
    put16(s + 19, FAT_SECTORS);
    s[21] = 0xf8;
    put16(s + 22, TABLE_SECTORS);
    put16(s + 24, 63);
    put16(s + 26, 255);
    put32(s + 28, hidden);
    s[36] = 0x80;
    s[38] = 0x29;
    memcpy(s + 39, "OSPROSPREY     FAT16   ", 23);
    put16(s + 510, 0xaa55);
}

static void entry(uint8_t *e, const char *name, unsigned kind, unsigned cluster, uint32_t size)
{
    memcpy(e, name, 11);
    e[11] = (uint8_t)kind;
    put16(e + 16, 0x21); /* 1 January 1980, as every build */
    put16(e + 24, 0x21);
    put16(e + 26, cluster);
    put32(e + 28, size);
}

static void table(uint8_t *t, unsigned clusters)
{
    put16(t, 0xfff8);
    put16(t + 2, END);
    put16(t + 2 * EFI_CLUSTER, END);
    put16(t + 2 * BOOT_CLUSTER, END);
    for (unsigned i = 0; i < clusters; i++)
        put16(t + 2 * (FILE_CLUSTER + i), i + 1 < clusters ? FILE_CLUSTER + i + 1 : END);
}

static int put(int fd, uint64_t offset, const void *bytes, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0)
            return errno;
        done += (uint64_t)n;
    }
    return 0;
}

int fat_write(int fd, uint64_t offset, uint32_t hidden, const void *file, uint64_t size)
{
    static uint8_t head[(DATA_AT + 2) * SECTOR];
    uint64_t clusters = (size + SECTOR - 1) / SECTOR;
    uint8_t *root = head + ROOT_AT * SECTOR, *efi = head + DATA_AT * SECTOR, *boot = efi + SECTOR;

    if (clusters > FAT_SECTORS - FAT_FILE_AT)
        return EFBIG;
    memset(head, 0, sizeof head);
    boot_sector(head, hidden);
    table(head + TABLE_AT * SECTOR, (unsigned)clusters);
    table(head + (TABLE_AT + TABLE_SECTORS) * SECTOR, (unsigned)clusters);
    entry(root, "EFI        ", FOLDER, EFI_CLUSTER, 0);
    entry(efi, ".          ", FOLDER, EFI_CLUSTER, 0);
    entry(efi + 32, "..         ", FOLDER, 0, 0);
    entry(efi + 64, "BOOT       ", FOLDER, BOOT_CLUSTER, 0);
    entry(boot, ".          ", FOLDER, BOOT_CLUSTER, 0);
    entry(boot + 32, "..         ", FOLDER, EFI_CLUSTER, 0);
    entry(boot + 64, "BOOTX64 EFI", ARCHIVE, FILE_CLUSTER, (uint32_t)size);
    int fault = put(fd, offset, head, sizeof head);
    return fault ? fault : put(fd, offset + (uint64_t)FAT_FILE_AT * SECTOR, file, size);
}
