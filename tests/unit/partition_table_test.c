// sources: kernel/drivers/block/partition_table.c
// flags: -Ikernel
// timeout: 600
/* The reader of partition tables: what sfdisk and sgdisk write is what it finds, the backup GPT is
 * used when the first one is damaged, and mutants of them never make it read outside the disk, go
 * on without end, or tell of partitions that are not inside the disk or overlap. */
#include "drivers/block/partition_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MUTANTS = 30000, MIB = 1 << 20 };

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - %s:%d: %s (%s)\n", __FILE__, __LINE__, #cond, where);                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *where = "";
static uint8_t image[64 * MIB];
static unsigned reads;
static bool failing;

static int read_image(void *owner, uint64_t sector, void *buf, size_t n)
{
    struct partition_disk *disk = owner;
    reads++;
    NEED(n == disk->logical_block && sector * 512 % n == 0);
    NEED(sector < disk->sectors && n <= (disk->sectors - sector) * 512);
    if (failing)
        return -5;
    memcpy(buf, image + sector * 512, n);
    return 0;
}

static struct partition list[PARTITIONS_MAX];
static enum partition_kind kind;
static unsigned wrong;

static int find(uint64_t sectors, uint32_t logical)
{
    static struct partition_disk disk;
    disk =
        (struct partition_disk){.sectors = sectors, .logical_block = logical, .read = read_image};
    disk.owner = &disk;
    reads = 0;
    int n = partitions_read(&disk, list, &kind, &wrong);
    NEED(n <= PARTITIONS_MAX && reads < 2000);
    for (int i = 0; i < n; i++) {
        NEED(list[i].number && list[i].sectors && list[i].start < sectors);
        NEED(list[i].sectors <= sectors - list[i].start);
        NEED(strlen(list[i].uuid) < sizeof(list[i].uuid) && strlen(list[i].name) < 37);
        for (int j = 0; j < i; j++)
            NEED(list[i].container || list[j].container ||
                 list[i].start >= list[j].start + list[j].sectors ||
                 list[j].start >= list[i].start + list[i].sectors);
    }
    return n;
}

/* --- as the tools write it ---------------------------------------------------------------- */

static void load(const char *file, size_t size)
{
    FILE *f = fopen(file, "r");
    NEED(f && fread(image, 1, size, f) == size);
    fclose(f);
}

static bool run(const char *format, const char *file)
{
    char command[1000];
    snprintf(command, sizeof(command), format, file, file, file);
    return system(command) == 0;
}

/* "FILE3 : start= 2048, size= 100, type=..., uuid=..., name="..."" of sfdisk -d. */
static void compare(const char *file, size_t size, bool gpt)
{
    char line[500], command[300];
    load(file, size);
    int n = find(size / 512, 512), told = 0;
    NEED(wrong == 0 && kind == (gpt ? PARTITIONS_GPT : PARTITIONS_MBR));
    snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin sfdisk -d %s", file);
    FILE *f = popen(command, "r");
    NEED(f);
    while (fgets(line, sizeof(line), f)) {
        unsigned long start, length;
        unsigned number;
        char *colon = strstr(line, " : start=");
        if (!colon || sscanf(line + strlen(file), "%u", &number) != 1 ||
            sscanf(colon, " : start= %lu, size= %lu", &start, &length) != 2)
            continue;
        const struct partition *p = NULL;
        for (int i = 0; i < n; i++)
            if (list[i].number == number)
                p = &list[i];
        bool container = !gpt && strstr(line, "type=5");
        NEED(p && p->start == start && p->sectors == (container ? 2 : length));
        char *uuid = strstr(line, "uuid=");
        if (gpt)
            NEED(uuid && strncasecmp(uuid + 5, p->uuid, 36) == 0);
        char *name = strstr(line, "name=\"");
        if (name)
            NEED(strncmp(name + 6, p->name, strlen(p->name)) == 0 &&
                 name[6 + strlen(p->name)] == '"');
        told++;
    }
    NEED(pclose(f) == 0 && told == n && n > 0);
}

static const char mbr[] =
    "truncate -s 64M %s && PATH=$PATH:/sbin:/usr/sbin sfdisk -q %s >/dev/null "
    "<<'END'\nlabel: dos\nlabel-id: 0x1234abcd\n"
    "start=2048, size=2048, type=83\nstart=4096, size=8192, type=ef\n"
    "start=20480, size=80000, type=5\nstart=110000, size=1000, type=82\n"
    "start=22528, size=2048, type=83\nstart=30720, size=4096, type=83\n"
    "start=40960, size=59000, type=83\nEND\n";
static const char gpt[] =
    "truncate -s 64M %s && PATH=$PATH:/sbin:/usr/sbin sgdisk -n 1:2048:4095 -n 2:8192:+4M -n "
    "9:40960:+1M -n 128:65536:0 -c 1:first -c '2:with space' -c 9:third %s >/dev/null";

static void tools(void)
{
    where = "sfdisk, MBR";
    NEED(run(mbr, "mbr.img"));
    compare("mbr.img", sizeof(image), false);
    NEED(strcmp(list[0].uuid, "1234abcd-01") == 0);
    NEED(find(110500, 512) == 7 && wrong & PARTITIONS_CUT); /* a smaller disk */
    where = "sgdisk, GPT";
    NEED(run(gpt, "gpt.img"));
    compare("gpt.img", sizeof(image), true);
    NEED(find(sizeof(image) / 512, 4096) == 0); /* blocks of another size: no header there */
    where = "sfdisk, GPT";
    NEED(run("truncate -s 64M %s && printf 'label: gpt\\n,10M\\n,\\n' | PATH=$PATH:/sbin:/usr/sbin "
             "sfdisk -q %s >/dev/null",
             "gpt2.img"));
    compare("gpt2.img", sizeof(image), true);
}

static void damage(void)
{
    where = "damage";
    load("gpt.img", sizeof(image));
    uint64_t sectors = sizeof(image) / 512;
    image[512 + 100] ^= 1; /* reserved, but under the checksum: only if it is that long */
    image[512 + 60] ^= 1;
    NEED(find(sectors, 512) == 4 && kind == PARTITIONS_GPT && wrong == PARTITIONS_BACKUP);
    image[512 + 60] ^= 1;
    image[1024 + 32] ^= 1; /* an entry of the first table */
    NEED(find(sectors, 512) == 4 && wrong == PARTITIONS_BACKUP && list[0].start == 2048);
    image[sizeof(image) - 512 + 40] ^= 1;
    NEED(find(sectors, 512) == 0 && kind == PARTITIONS_NONE && wrong == PARTITIONS_DAMAGED);
    image[1024 + 32] ^= 1;
    NEED(find(sectors, 512) == 4 && wrong == 0); /* the backup alone is damaged: not looked at */
    image[510] = 0;
    NEED(find(sectors, 512) == 0 && kind == PARTITIONS_NONE && wrong == 0);
    memset(image, 0, sizeof(image));
    NEED(find(sectors, 512) == 0 && find(1, 512) == 0 && find(0, 512) == 0 && find(9, 4096) == 0);
    failing = true;
    NEED(find(sectors, 512) == -5);
    failing = false;
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void entry(unsigned sector, unsigned i, uint8_t type, uint32_t start, uint32_t n)
{
    uint8_t *e = image + sector * 512 + 446 + 16 * i;
    e[4] = type;
    put32(e + 8, start);
    put32(e + 12, n);
    image[sector * 512 + 510] = 0x55;
    image[sector * 512 + 511] = 0xaa;
}

static void hostile(void)
{
    where = "hostile MBR";
    memset(image, 0, sizeof(image));
    entry(0, 0, 0x83, 100, 1000);
    entry(0, 1, 0x83, 500, 1000); /* overlaps */
    entry(0, 2, 0x83, 131000, 0xffffffff);
    NEED(find(131072, 512) == 2 && wrong == (PARTITIONS_OVERLAP | PARTITIONS_CUT));
    NEED(list[1].start == 131000 && list[1].sectors == 72);
    where = "a chain that turns back";
    memset(image, 0, sizeof(image));
    entry(0, 0, 0x05, 100, 10000);
    entry(100, 0, 0x83, 1, 10);
    entry(100, 1, 0x05, 200, 50);
    entry(300, 0, 0x83, 1, 10);
    entry(300, 1, 0x05, 200, 50); /* to itself */
    NEED(find(131072, 512) == 3 && wrong == PARTITIONS_OVERLAP);
    NEED(list[1].number == 5 && list[1].start == 101 && list[2].number == 6 &&
         list[2].start == 301);
    where = "4096-byte blocks";
    memset(image, 0, sizeof(image));
    entry(0, 1, 0x83, 256, 256);
    NEED(find(131072, 4096) == 1 && list[0].start == 2048 && list[0].sectors == 2048);
    NEED(list[0].number == 2);
}

/* --- mutants ------------------------------------------------------------------------------ */

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

static uint32_t crc32(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;
    for (; n--; p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* So that what was changed is looked at. */
static void mend(unsigned sector)
{
    uint8_t *h = image + sector * 512ull;
    uint64_t table;
    memcpy(&table, h + 72, 8);
    uint32_t count, n;
    memcpy(&count, h + 80, 4);
    memcpy(&n, h + 12, 4);
    if (table < 4096 && count <= 4096)
        put32(h + 88, crc32(image + table * 512, count * 128ull));
    put32(h + 16, 0);
    put32(h + 16, crc32(h, n <= 512 ? n : 92));
}

static void mutants(const char *file, unsigned count, const unsigned *sectors, unsigned nsectors)
{
    static uint8_t whole[sizeof(image)];
    static const uint32_t words[] = {0, 1, 2, 33, 34, 128, 4096, 131071, 131072, ~0u, 0x80000000};
    unsigned many = 0;
    where = file;
    load(file, sizeof(image));
    memcpy(whole, image, sizeof(image));
    for (unsigned i = 0; i < count; i++) {
        for (uint64_t n = 1 + below(4); n; n--) {
            uint64_t at = sectors[below(nsectors)] * 512ull + below(512);
            if (below(3))
                image[at] = (uint8_t)(below(2) ? below(256) : image[at] ^ 1ul << below(8));
            else
                put32(image + (at & ~3ull), words[below(sizeof(words) / 4)]);
        }
        if (file[0] == 'g' && below(8))
            mend(1);
        many += find(below(16) ? 131072 : below(131073), below(8) ? 512 : 4096) > 0;
        for (unsigned s = 0; s < nsectors; s++)
            memcpy(image + sectors[s] * 512ull, whole + sectors[s] * 512ull, 512);
    }
    NEED(many > count / 4);
}

int main(void)
{
    static const unsigned in_mbr[] = {0, 20480, 20480, 22529 + 2047, 30720, 34816};
    static const unsigned in_gpt[] = {0, 1, 2, 3, 4, 33};
    char folder[] = "/tmp/partition_test.XXXXXX", command[100];
    const char *soak = getenv("SOAK");
    unsigned many = soak && *soak == '1' ? 20 : 1;
    NEED(mkdtemp(folder) && chdir(folder) == 0);
    tools();
    damage();
    hostile();
    mutants("mbr.img", many * MUTANTS, in_mbr, 6);
    mutants("gpt.img", many * MUTANTS / 4, in_gpt, 6);
    NEED(chdir("/") == 0);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    NEED(system(command) == 0);
    return 0;
}
