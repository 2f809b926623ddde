/* NVMe's namespaces are the disks: /dev/nvme0n1 is the first one of the first controller. */
#include "arch/x86_64/memory_map.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { IDENTIFY = 6, NAMESPACE = 0, CONTROLLER = 1, ACTIVE = 2, LIMITS = 6, LIMITS_DISCARD = 8 };
enum { VERSION_1_1 = 0x10100, VERSION_1_4 = 0x10400 };

static int identify(struct nvme *nvme, uint32_t nsid, unsigned what, uint8_t *page)
{
    struct nvme_command c = {
        .opcode = IDENTIFY, .nsid = nsid, .prp = {virt_to_phys(page)}, .word = {what}};
    memset(page, 0, NVME_PAGE);
    return nvme_administer(nvme, &c, NULL) ? -EIO : 0;
}

void nvme_room(struct nvme *nvme)
{
    for (struct nvme_namespace *ns = rcu_load(nvme->namespaces); ns; ns = ns->next)
        block_has_room(&ns->block);
}

/* The most that one command may discard: 2^21 sectors, or less if it says so. */
static uint32_t discard_most(struct nvme *nvme, unsigned shift, uint8_t *page)
{
    enum { SECTORS = 1 << 21 };
    uint32_t blocks = 0;
    if (mmio_read32(nvme->regs, NVME_VS) >= VERSION_1_4 && identify(nvme, 0, LIMITS, page) == 0)
        blocks = get_le32(page + LIMITS_DISCARD);
    return blocks && blocks < (unsigned)SECTORS >> shift ? blocks << shift : SECTORS;
}

static void set_limits(struct nvme_namespace *ns, const struct nvme_namespace_identity *id,
                       uint8_t *page)
{
    enum { BLOCKS_MOST = 0xffff };
    struct nvme *nvme = ns->nvme;
    struct block_limits *l = &ns->block.limits;
    l->logical_block = id->logical;
    l->physical_block = id->physical;
    l->io_min = id->io_min;
    l->io_opt = id->io_opt;
    l->segment_size = MAX(nvme->transfer / BLOCK_SEGMENTS, (uint32_t)NVME_PAGE);
    l->segments = nvme->transfer / l->segment_size;
    if (nvme->identity.discard) {
        l->discard_sectors = discard_most(nvme, ns->shift, page);
        l->discard_granularity = id->discard_granularity;
    }
    if (nvme->identity.write_zeroes)
        l->write_zeroes_sectors = BLOCKS_MOST << ns->shift;
    l->unmap_zeroes = id->unmap_zeroes;
    l->volatile_cache = nvme->identity.volatile_cache;
}

static int add_namespace(struct nvme *nvme, uint32_t nsid, unsigned n, uint8_t *page)
{
    static const struct block_ops ops = {.submit = nvme_submit};
    struct nvme_namespace_identity id;
    int err = identify(nvme, nsid, NAMESPACE, page);
    if (!err)
        err = nvme_parse_namespace(page, &id);
    struct nvme_namespace *ns = err ? NULL : kzalloc(sizeof(*ns));
    if (!ns)
        return err ?: -ENOMEM;
    struct block_device *block = &ns->block;
    ns->nvme = nvme;
    ns->id = nsid;
    ns->shift = (unsigned)__builtin_ctz(id.logical / BLOCK_SECTOR);
    set_limits(ns, &id, page);
    snprintf(block->name, sizeof(block->name), "nvme%un%u", nvme->number, n);
    memcpy(block->serial, nvme->identity.serial, sizeof(nvme->identity.serial));
    block->driver_name = "blkext";
    block->rdev = block_extended_rdev();
    block->sectors = id.sectors;
    block->always_read_only = block->read_only = id.read_only;
    block->nqueues = nvme->nqueues;
    block->ops = &ops;
    block->driver = ns;
    ns->next = nvme->namespaces;
    rcu_store(nvme->namespaces, ns);
    log_info("nvme: %s: %s: %s, %lu sectors, %u queues", nvme->device->place, block->name,
             nvme->identity.model, id.sectors, nvme->nqueues);
    return block_register(block);
}

/* Which are active: a list of up to 1024 numbers; before version 1.1 all that there can be. */
static unsigned list_namespaces(struct nvme *nvme, uint32_t *ids, uint8_t *page)
{
    unsigned n = 0;
    uint32_t id = 0;
    if (mmio_read32(nvme->regs, NVME_VS) >= VERSION_1_1 && identify(nvme, 0, ACTIVE, page) == 0) {
        while (n < NVME_NAMESPACES && (id = get_le32(page + 4 * n)))
            ids[n++] = id;
        return n;
    }
    while (n < MIN(nvme->identity.namespaces, (uint32_t)NVME_NAMESPACES)) {
        ids[n] = n + 1;
        n++;
    }
    return n;
}

void nvme_find_namespaces(struct nvme *nvme)
{
    uint8_t *page = kmalloc(NVME_PAGE);
    uint32_t *ids = kmalloc(NVME_NAMESPACES * sizeof(*ids));
    int err = page && ids ? identify(nvme, 0, CONTROLLER, page) : -ENOMEM;
    if (!err)
        err = nvme_parse_controller(page, &nvme->identity);
    uint32_t most = nvme->identity.transfer_max;
    nvme->transfer = most ? MIN(most, (uint32_t)NVME_TRANSFER) : (uint32_t)NVME_TRANSFER;
    unsigned n = err ? 0 : list_namespaces(nvme, ids, page), found = 0;
    for (unsigned i = 0; i < n; i++) {
        int r = add_namespace(nvme, ids[i], found + 1, page);
        found += r == 0;
        if (r)
            log_warning("nvme%u: namespace %u: not usable (%d)", nvme->number, ids[i], r);
    }
    if (err)
        log_warning("nvme%u: not usable (%d)", nvme->number, err);
    kfree(ids);
    if (!nvme->lost) /* else the controller may yet write to it */
        kfree(page);
}
