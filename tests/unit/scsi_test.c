// sources: kernel/drivers/scsi/parse.c
// flags: -Ikernel
/* What SCSI devices answer: intact, cut off anywhere, with every bit and random bytes changed; the
 * commands; which endings mean what. Answers lie at the end of their memory, so that a byte too far
 * is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/scsi/parse.h"
#include "lib/errno.h"

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - scsi: %s\n", what);
    exit(1);
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

/* --- all parsers on the same bytes: nothing but sound values comes out */

static bool sound_text(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    if (n == size)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return !n || (text[0] != ' ' && text[n - 1] != ' ');
}

static void parse_all(const uint8_t *d, size_t n)
{
    struct scsi_inquiry inquiry;
    struct scsi_capacity capacity;
    struct scsi_limits limits = {0};
    struct scsi_mode mode;
    char text[32];
    uint16_t luns[8];
    int error;
    if (scsi_parse_inquiry(d, n, &inquiry))
        check(inquiry.type < 32 && sound_text(inquiry.name, sizeof inquiry.name), "inquiry");
    for (unsigned page = 0; page < 256; page++)
        scsi_parse_has_page(d, n, (uint8_t)page);
    if (scsi_parse_serial(d, n, text, sizeof text))
        check(*text && sound_text(text, sizeof text), "serial");
    if (scsi_parse_name(d, n, text, sizeof text))
        check(sound_text(text, sizeof text), "name");
    for (int form = 0; form < 2; form++)
        if (scsi_parse_capacity(d, n, form, &capacity))
            check(capacity.block >= 512 && capacity.block <= 65536 &&
                      !(capacity.block & (capacity.block - 1)) && capacity.nblocks &&
                      capacity.nblocks <= INT64_MAX / capacity.block &&
                      capacity.physical >= capacity.block && capacity.physical <= 1 << 20,
                  "capacity");
    scsi_parse_limits(d, n, &limits);
    unsigned nluns = scsi_parse_luns(d, n, luns, 8);
    check(nluns <= 8, "number of units");
    for (unsigned i = 0; i < nluns; i++)
        check(luns[i] < 1 << 14, "unit");
    scsi_parse_mode(d, n, &mode);
    for (unsigned status = 0; status < 256; status++) {
        unsigned verdict = scsi_judge((uint8_t)status, d, n, &error);
        check(verdict <= SCSI_CHANGED && (!error || error == -EIO || error == -EOPNOTSUPP ||
                                          error == -ENOSPC || error == -ENOMEDIUM),
              "ending");
        check(verdict == SCSI_ENDED || error, "what is tried again has an error");
    }
}

static void parse_copy(const uint8_t *d, size_t n)
{
    uint8_t *copy = malloc(n ?: 1); /* to the end of its memory */
    memcpy(copy, d, n);
    parse_all(copy, n);
    free(copy);
}

/* --- samples */

static const uint8_t inquiry[36] = "\0\0\5\2\37\0\0\2QEMU    QEMU HARDDISK   2.5+";
static const uint8_t pages[] = {0, 0, 0, 6, 0, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
static const uint8_t serial[] = {0, 0x80, 0, 8, ' ', ' ', 'a', 'b', 'c', '\t', 'd', ' '};
static const uint8_t names[] = {0,    0x83, 0,   4 + 3 + 4 + 8,
                                2,    0x11, 0,   3,
                                'x',  'y',  'z', /* a port's */
                                1,    3,    0,   8,
                                0x50, 1,    2,   3,
                                4,    5,    6,   0xff};
static const uint8_t limits[64] = {0, 0xb0, 0, 60, 0, 0, 0,    8, 0, 0, 0xff, 0xff, 0,   0, 1,
                                   0, 0,    0, 0,  0, 0, 0x20, 0, 0, 0, 0,    0,    255, 0, 0,
                                   0, 16,   0, 0,  0, 0, 0,    0, 0, 0, 0,    1,    0,   0};
static const uint8_t medium[64] = {0, 0xb1, 0, 60, 0, 1};
static const uint8_t provisioning[] = {0, 0xb2, 0, 4, 0, 0xe4, 2, 0};
static const uint8_t capacity_10[] = {0, 0, 0x3f, 0xff, 0, 0, 2, 0};
static const uint8_t capacity_16[32] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0xc0, 5};
static const uint8_t luns[] = {0, 0, 0, 32, 0,    0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 5, 0, 0,
                               0, 0, 0, 0,  0x41, 2, 0, 0, 0, 0, 0, 0, 0xc1, 2, 0, 0, 0, 0, 0, 0};
static const uint8_t mode[] = {23, 0, 0x80, 0, 8, 18, 4, 0, 0, 0, 0, 0,
                               0,  0, 0,    0, 0, 0,  0, 0, 0, 0, 0, 0};
static const uint8_t sense_fixed[18] = {0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2a, 9};
static const uint8_t sense_descriptors[8] = {0x72, 5, 0x20, 0};
#define SAMPLE(s)                                                                                  \
    {                                                                                              \
        s, sizeof(s)                                                                               \
    }
static const struct {
    const uint8_t *d;
    size_t n;
} samples[] = {SAMPLE(inquiry),          SAMPLE(pages),  SAMPLE(serial),       SAMPLE(names),
               SAMPLE(limits),           SAMPLE(medium), SAMPLE(provisioning), SAMPLE(capacity_10),
               SAMPLE(capacity_16),      SAMPLE(luns),   SAMPLE(mode),         SAMPLE(sense_fixed),
               SAMPLE(sense_descriptors)};

static void intact(void)
{
    struct scsi_inquiry i;
    struct scsi_capacity c;
    struct scsi_limits l = {0};
    struct scsi_mode m;
    char text[32];
    uint16_t found[8];
    check(scsi_parse_inquiry(inquiry, 36, &i) && i.type == SCSI_TYPE_DISK &&
              !strcmp(i.name, "QEMU HARDDISK"),
          "inquiry of a disk");
    check(!scsi_parse_inquiry((const uint8_t *)"\177\0\5\2\37", 5, &i), "nothing there");
    check(scsi_parse_has_page(pages, sizeof pages, 0xb2) &&
              !scsi_parse_has_page(pages, sizeof pages, 0xb3),
          "pages");
    check(scsi_parse_serial(serial, sizeof serial, text, sizeof text) && !strcmp(text, "abc?d"),
          "serial number");
    check(scsi_parse_name(names, sizeof names, text, sizeof text) &&
              !strcmp(text, "50010203040506ff"),
          "name");
    scsi_parse_limits(limits, sizeof limits, &l);
    scsi_parse_limits(medium, sizeof medium, &l);
    scsi_parse_limits(provisioning, sizeof provisioning, &l);
    check(l.granularity == 8 && l.transfer == 0xffff && l.optimal == 256 && l.unmap == 0x200000 &&
              l.unmap_granularity == 16 && l.write_same == 65536 && l.flash && l.by_unmap &&
              l.by_write_same && l.unmapped_is_zero,
          "limits");
    check(scsi_parse_capacity(capacity_10, 8, false, &c) && c.nblocks == 0x4000 && c.block == 512,
          "size, short");
    check(scsi_parse_capacity(capacity_16, 32, true, &c) && c.nblocks == 0x100000001 &&
              c.block == 4096 && c.provisioned && c.lowest == 5,
          "size, long");
    check(scsi_parse_luns(luns, sizeof luns, found, 8) == 3 && found[1] == 5 && found[2] == 0x102,
          "units");
    check(scsi_parse_mode(mode, sizeof mode, &m) && m.write_protected && m.write_cache, "mode");
}

static void endings(void)
{
    static const struct {
        uint8_t key, asc, ascq, verdict;
        int error;
    } table[] = {
        {0, 0, 0, SCSI_ENDED, 0},
        {1, 0x17, 0, SCSI_ENDED, 0},
        {2, 4, 1, SCSI_LATER, -EIO},
        {2, 4, 3, SCSI_ENDED, -EIO},
        {2, 0x3a, 0, SCSI_ENDED, -ENOMEDIUM},
        {3, 0x11, 0, SCSI_ENDED, -EIO},
        {3, 0x31, 0, SCSI_RETRY, -EIO},
        {4, 0x44, 0, SCSI_ENDED, -EIO},
        {5, 0x20, 0, SCSI_ENDED, -EOPNOTSUPP},
        {5, 0x21, 0, SCSI_ENDED, -EIO},
        {5, 0x24, 0, SCSI_ENDED, -EOPNOTSUPP},
        {6, 0x29, 0, SCSI_RETRY, -EIO},
        {6, 0x2a, 9, SCSI_CHANGED, -EIO},
        {6, 0x28, 0, SCSI_CHANGED, -EIO},
        {7, 0x27, 0, SCSI_ENDED, -EIO},
        {7, 0x27, 7, SCSI_ENDED, -ENOSPC},
        {11, 0, 0, SCSI_RETRY, -EIO},
        {11, 0x10, 1, SCSI_ENDED, -EIO},
    };
    int error;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t fixed[14] = {0x70,         0, table[i].key, 0, 0, 0, 0, 6, 0, 0, 0, 0, table[i].asc,
                             table[i].ascq};
        uint8_t other[4] = {0x72, table[i].key, table[i].asc, table[i].ascq};
        check(scsi_judge(2, fixed, 14, &error) == table[i].verdict && error == table[i].error,
              "sense");
        check(scsi_judge(2, other, 4, &error) == table[i].verdict && error == table[i].error,
              "sense by descriptors");
    }
    check(scsi_judge(0, NULL, 0, &error) == SCSI_ENDED && !error, "good");
    check(scsi_judge(2, NULL, 0, &error) == SCSI_RETRY, "no sense data");
    check(scsi_judge(8, NULL, 0, &error) == SCSI_LATER &&
              scsi_judge(0x28, NULL, 0, &error) == SCSI_LATER,
          "busy");
    check(scsi_judge(0x18, NULL, 0, &error) == SCSI_ENDED && error == -EIO, "reserved");
}

static void commands(void)
{
    uint8_t cdb[16], list[24];
    scsi_cdb_transfer(cdb, false, 0x12345678, 0xabcd);
    check(!memcmp(cdb, "\x28\0\x12\x34\x56\x78\0\xab\xcd\0", 10), "READ(10)");
    scsi_cdb_transfer(cdb, true, 0x12345678, 0x10000);
    check(!memcmp(cdb, "\x8a\0\0\0\0\0\x12\x34\x56\x78\0\1\0\0", 14), "WRITE(16), many");
    scsi_cdb_transfer(cdb, false, 0x100000000, 1);
    check(!memcmp(cdb, "\x88\0\0\0\0\1\0\0\0\0\0\0\0\1", 14), "READ(16), far");
    scsi_cdb_unmap(cdb, list, 0x1122334455, 0x66778899);
    check(cdb[0] == 0x42 && cdb[8] == 24, "UNMAP");
    check(
        !memcmp(list, "\0\x16\0\x10\0\0\0\0\0\0\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\0\0\0\0", 24),
        "UNMAP's data");
    scsi_cdb_write_same(cdb, 7, 9, true);
    check(cdb[0] == 0x93 && cdb[1] == 8 && cdb[9] == 7 && cdb[13] == 9, "WRITE SAME");
    scsi_cdb_inquiry(cdb, -1, 36);
    check(!memcmp(cdb, "\x12\0\0\0\x24\0", 6), "INQUIRY");
    scsi_cdb_inquiry(cdb, 0x83, 512);
    check(!memcmp(cdb, "\x12\1\x83\2\0\0", 6), "INQUIRY of a page");
    scsi_cdb_capacity(cdb, true, 32);
    check(cdb[0] == 0x9e && cdb[1] == 0x10 && cdb[13] == 32, "READ CAPACITY(16)");
}

static void mutants(void)
{
    uint8_t copy[64];
    for (unsigned s = 0; s < sizeof samples / sizeof *samples; s++) {
        size_t n = samples[s].n;
        for (size_t cut = 0; cut <= n; cut++)
            parse_copy(samples[s].d, cut);
        for (size_t bit = 0; bit < n * 8; bit++) {
            memcpy(copy, samples[s].d, n);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            parse_copy(copy, n);
        }
        for (unsigned round = 0; round < 3000; round++) {
            memcpy(copy, samples[s].d, n);
            for (unsigned i = rnd(6); i; i--)
                copy[rnd((unsigned)n)] = (uint8_t)(rnd(2) ? rnd(256) : rnd(2) ? 0xff : 0);
            parse_copy(copy, rnd(4) ? n : rnd((unsigned)n + 1));
        }
    }
    for (unsigned round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof copy; i++)
            copy[i] = (uint8_t)rnd(256);
        parse_copy(copy, rnd(sizeof copy + 1));
    }
}

int main(void)
{
    commands();
    intact();
    endings();
    mutants();
    printf("ok - scsi: commands, answers, endings, and mutants of them\n");
}
