/* drivers/nvme/identify.h: what NVMe controllers and namespaces say of themselves (NVM Express 1.4,
 * 5.15), and what statuses mean. Pure functions of bytes that are not to be trusted: any context,
 * and on the host. */
#pragma once

#include "lib/types.h"

enum { NVME_PAGE = 4096, NVME_NAMESPACES = 1024 };

struct nvme_controller_identity {
    char serial[21], model[41];
    uint32_t namespaces;   /* numbers go so far */
    uint32_t transfer_max; /* bytes of a command; 0: any */
    bool discard, write_zeroes, volatile_cache;
};
struct nvme_namespace_identity {
    uint64_t sectors; /* of 512 bytes */
    uint32_t logical, physical, io_min, io_opt, discard_granularity;
    bool unmap_zeroes, read_only;
};

/* -ENODEV: it has no disks, or commands of a size that is not ours. */
int nvme_parse_controller(const uint8_t page[NVME_PAGE], struct nvme_controller_identity *identity);
/* -ENODEV: not there, or of a kind that is not ours: with metadata, blocks that are smaller than a
 * sector or larger than a page. */
int nvme_parse_namespace(const uint8_t page[NVME_PAGE], struct nvme_namespace_identity *identity);

/* The status of a completion (the 15 bits above the phase) as an error: 0, -EIO, -EOPNOTSUPP,
 * -ENOSPC; *retry: another try may help. */
int nvme_error(unsigned status, bool *retry);
