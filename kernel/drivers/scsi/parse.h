/* drivers/scsi/parse.h: what SCSI devices answer (SPC-4, SBC-3), and commands to ask them. Pure:
 * any context, no dependencies. Answers are foreign bytes: n of them at d, of which none beyond is
 * looked at; what is missing or makes no sense counts as not told. */
#pragma once

#include "lib/types.h"

enum { /* operation codes */
       SCSI_TEST_UNIT_READY = 0x00,
       SCSI_INQUIRY = 0x12,
       SCSI_MODE_SENSE_6 = 0x1a,
       SCSI_READ_CAPACITY_10 = 0x25,
       SCSI_READ_10 = 0x28,
       SCSI_WRITE_10 = 0x2a,
       SCSI_SYNCHRONIZE_CACHE = 0x35,
       SCSI_UNMAP = 0x42,
       SCSI_READ_16 = 0x88,
       SCSI_WRITE_16 = 0x8a,
       SCSI_WRITE_SAME_16 = 0x93,
       SCSI_READ_CAPACITY_16 = 0x9e,
       SCSI_REPORT_LUNS = 0xa0,
};
enum { SCSI_TYPE_DISK = 0, SCSI_TYPE_CDROM = 5 };
enum {
    SCSI_VPD_SERIAL = 0x80,
    SCSI_VPD_NAMES = 0x83,
    SCSI_VPD_LIMITS = 0xb0,
    SCSI_VPD_MEDIUM = 0xb1,
    SCSI_VPD_PROVISIONING = 0xb2
};
enum { SCSI_CDB = 16, SCSI_SENSE = 96, SCSI_MODE_CACHING = 8, SCSI_UNMAP_LIST = 24 };

/* --- commands: cdb is filled in whole; blocks are the device's */

/* INQUIRY of a page of vital product data, or (-1) of the standard data. */
void scsi_cdb_inquiry(uint8_t cdb[SCSI_CDB], int page, uint16_t len);
/* READ or WRITE in the shortest form that holds the numbers. */
void scsi_cdb_transfer(uint8_t cdb[SCSI_CDB], bool write, uint64_t block, uint32_t nblocks);
/* Zeroes (one block of them is the data); unmap: the space may be given back. */
void scsi_cdb_write_same(uint8_t cdb[SCSI_CDB], uint64_t block, uint32_t nblocks, bool unmap);
/* UNMAP, and its data. */
void scsi_cdb_unmap(uint8_t cdb[SCSI_CDB], uint8_t list[SCSI_UNMAP_LIST], uint64_t block,
                    uint32_t nblocks);
void scsi_cdb_capacity(uint8_t cdb[SCSI_CDB], bool long_form, uint8_t len);
/* REPORT LUNS, MODE SENSE(6) of a page, or one without fields. */
void scsi_cdb_simple(uint8_t cdb[SCSI_CDB], uint8_t operation, uint8_t page, uint32_t len);

/* --- answers */

struct scsi_inquiry {
    unsigned type;     /* SCSI_TYPE_* */
    char name[16 + 1]; /* product, printable, without blanks at the end */
};
/* False: nothing is there. */
bool scsi_parse_inquiry(const uint8_t *d, size_t n, struct scsi_inquiry *inquiry);
/* Is a page among the supported ones (page 0 of vital product data)? */
bool scsi_parse_has_page(const uint8_t *d, size_t n, uint8_t page);
/* A serial number of page 80 or, where that is empty, a name of page 83 (EUI-64, NAA in hex; text).
 * True: text was written, printable, terminated. */
bool scsi_parse_serial(const uint8_t *d, size_t n, char *text, size_t size);
bool scsi_parse_name(const uint8_t *d, size_t n, char *text, size_t size);

struct scsi_capacity {
    uint64_t nblocks;
    uint32_t block;    /* bytes, a power of 2 from 512 to 65536 */
    uint32_t physical; /* bytes */
    uint32_t lowest;   /* the first block that is aligned to it */
    bool provisioned;  /* blocks can be unmapped */
};
/* False: no such size. READ CAPACITY(10) tells 0xffffffff + 1 blocks of a larger disk. */
bool scsi_parse_capacity(const uint8_t *d, size_t n, bool long_form,
                         struct scsi_capacity *capacity);

/* Of pages B0, B1, B2; 0: not told, or no limit. In blocks. */
struct scsi_limits {
    uint32_t granularity, transfer, optimal, unmap, unmap_granularity;
    uint64_t write_same;
    bool flash;                                     /* does not rotate */
    bool by_unmap, by_write_same, unmapped_is_zero; /* how blocks are unmapped */
};
void scsi_parse_limits(const uint8_t *d, size_t n,
                       struct scsi_limits *limits); /* any of the three */

/* Units in a REPORT LUNS answer of the two simple ways to address them, at most `most`. */
unsigned scsi_parse_luns(const uint8_t *d, size_t n, uint16_t *luns, unsigned most);

struct scsi_mode {
    bool write_protected, write_cache;
};
/* MODE SENSE(6) of the caching page. False: not told. */
bool scsi_parse_mode(const uint8_t *d, size_t n, struct scsi_mode *mode);

/* --- endings */

enum { SCSI_GOOD = 0, SCSI_CHECK_CONDITION = 2 };
enum scsi_verdict {
    SCSI_ENDED,   /* with the error */
    SCSI_RETRY,   /* the same at once */
    SCSI_LATER,   /* the same in a while */
    SCSI_CHANGED, /* at once; and the medium or its size may be another */
};
/* A status and n bytes of sense data (fixed or descriptors). error: 0, -EIO, -EOPNOTSUPP, -ENOSPC,
 * -ENOMEDIUM. */
enum scsi_verdict scsi_judge(uint8_t status, const uint8_t *sense, size_t n, int *error);
