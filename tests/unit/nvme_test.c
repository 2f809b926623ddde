// sources: kernel/drivers/nvme/queue.c kernel/drivers/nvme/namespace.c
// sources: kernel/drivers/nvme/identify.c
// flags: -Itests/unit/shim/disk -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0 -w
// timeout: 300
/* The NVMe driver against a controller that obeys and one that does not: commands that end in any
 * order, memory of any shape; numbers that were not given, statuses, silence, failure of the
 * controller, which comes back or not. Each request ends once, and the controller is never told of
 * memory that is not a request's. */
#include "disk.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "lib/endian.h"

#include "drivers/nvme/controller.c" /* its probe() */

void (*power_off_hook)(void);

enum { ENTRIES = 16, BLOCK = 512 };
static struct {
    uint32_t cc, csts, aqa;
    uint64_t asq, acq;
    struct queue {
        uint64_t sq, cq;
        unsigned size, head, tail, cq_tail, phase;
    } queues[2];
    struct nvme_command pending[ENTRIES];
    unsigned npending;
    bool dead; /* does not come back from a reset */
    bool mute;
} dev;

static void complete(struct queue *q, unsigned id, unsigned status, uint32_t result)
{
    volatile uint32_t *entry = (volatile uint32_t *)(q->cq + 16 * q->cq_tail);
    entry[0] = result;
    entry[3] = id | q->phase << 16 | status << 17;
    q->cq_tail = (q->cq_tail + 1) % q->size;
    q->phase ^= q->cq_tail == 0;
}

static void administer(const struct nvme_command *c)
{
    uint8_t *page = (uint8_t *)c->prp[0];
    uint32_t result = 0;
    unsigned status = 0;
    if (c->opcode == 6 && c->word[0] == 1) { /* identify: the controller */
        page[77] = 2;                        /* 16 KiB */
        page[512] = 0x66;
        page[525] = 1;
        put_le32(page + 516, 1);
    } else if (c->opcode == 6 && c->word[0] == 2) {
        put_le32(page, 5);
    } else if (c->opcode == 6 && c->word[0] == 0) {
        NEED(c->nsid == 5);
        put_le64(page, DISK_BYTES / BLOCK);
        put_le32(page + 128, 9 << 16);
    } else if (c->opcode == 5) {
        NEED(c->word[0] == ((ENTRIES - 1) << 16 | 1) && c->prp[0] % 4096 == 0);
        dev.queues[1] = (struct queue){.cq = c->prp[0], .size = ENTRIES, .phase = 1};
    } else if (c->opcode == 1) {
        dev.queues[1].sq = c->prp[0];
    } else if (c->opcode == 9) {
        result = 0; /* one queue of each kind */
    } else {
        status = 1;
    }
    complete(&dev.queues[0], c->id, status, result);
}

uint32_t model_read(uintptr_t at)
{
    uint64_t cap = (ENTRIES - 1) | 1ull << 16 | 1ull << 24 | 1ull << 37;
    switch (at - (uintptr_t)bar) {
    case NVME_CAP:
        return (uint32_t)cap;
    case NVME_CAP + 4:
        return (uint32_t)(cap >> 32);
    case NVME_VS:
        return 0x10400;
    case NVME_CC:
        return dev.cc;
    case NVME_CSTS:
        return dev.csts;
    default:
        NEED(!"a register that there is not");
        return 0;
    }
}

/* Walk the addresses of a read or write, and move the bytes. */
static void transfer(const struct nvme_command *c, bool move)
{
    uint64_t left = (c->word[2] + 1ull) * BLOCK;
    uint8_t *at = medium + (c->word[0] | (uint64_t)c->word[1] << 32) * BLOCK;
    const uint64_t *list = (const uint64_t *)c->prp[1];
    NEED(left <= 16384 && at + left <= medium + DISK_BYTES && c->nsid == 5);
    for (unsigned i = 0; left; i++) {
        uint64_t first = 4096 - c->prp[0] % 4096;
        bool one = i == 1 && left <= 4096;
        uint64_t p = i == 0 ? c->prp[0] : one ? c->prp[1] : list[i - 1];
        uint64_t n = MIN(left, 4096 - p % 4096);
        NEED(p % 4 == 0 && (i == 0 || p % 4096 == 0) && owned((void *)p, n));
        if (!move)
            ;
        else if (c->opcode == 2)
            memcpy((void *)p, at, n);
        else
            memcpy(at, (void *)p, n);
        left -= n;
        at += n;
    }
}

static void ring(unsigned n, uint32_t tail)
{
    struct queue *q = &dev.queues[n];
    NEED(tail < q->size && dev.csts & 1);
    q->tail = tail;
    while (q->head != q->tail) {
        struct nvme_command c = ((struct nvme_command *)q->sq)[q->head];
        q->head = (q->head + 1) % q->size;
        if (n == 0 && !dev.mute)
            administer(&c);
        else if (n) {
            for (unsigned i = 0; !honest && i < dev.npending; i++)
                if (dev.pending[i].id == c.id) /* has "ended" */
                    dev.pending[i--] = dev.pending[--dev.npending];
            NEED(dev.npending < ENTRIES - 1 && c.id < ENTRIES - 1);
            if (c.opcode)
                transfer(&c, false);
            dev.pending[dev.npending++] = c;
        }
    }
}

void model_write(uintptr_t at, uint32_t value)
{
    unsigned offset = (unsigned)(at - (uintptr_t)bar);
    switch (offset) {
    case NVME_CC:
        if (value & 1 && !(dev.cc & 1)) {
            dev.queues[0] =
                (struct queue){dev.asq, dev.acq, .size = (dev.aqa & 0xfff) + 1, .phase = 1};
            dev.csts = dev.dead ? 2 : 1;
        } else if (!(value & 1)) {
            dev.csts = 0;
            dev.npending = 0;
        }
        dev.cc = value;
        break;
    case NVME_AQA:
        dev.aqa = value;
        break;
    case NVME_ASQ:
        dev.asq = (dev.asq & ~0xffffffffull) | value;
        break;
    case NVME_ASQ + 4:
        dev.asq = (dev.asq & 0xffffffff) | (uint64_t)value << 32;
        break;
    case NVME_ACQ:
        dev.acq = (dev.acq & ~0xffffffffull) | value;
        break;
    case NVME_ACQ + 4:
        dev.acq = (dev.acq & 0xffffffff) | (uint64_t)value << 32;
        break;
    case NVME_INTMS:
    case NVME_INTMC:
        break;
    default:
        NEED(offset >= NVME_DOORBELLS && offset < NVME_DOORBELLS + 16);
        if (!(offset & 4))
            ring((offset - NVME_DOORBELLS) / 8, value);
    }
}

static void model_step(void)
{
    if (dev.npending && !dev.mute) {
        unsigned i = rnd(dev.npending), status = 0;
        struct nvme_command c = dev.pending[i];
        if (c.opcode && honest)
            transfer(&c, true);
        dev.pending[i] = dev.pending[--dev.npending];
        complete(&dev.queues[1], c.id, honest ? 0 : rnd(20) ? 0 : rnd(1 << 15), 0);
    }
    if (handler)
        handler(handler_arg);
}

static void misbehave(void)
{
    struct queue *q = &dev.queues[1];
    switch (rnd(2000)) {
    case 0:
        complete(q, rnd(2) ? rnd(ENTRIES) : rnd(1 << 16), rnd(4), rnd(1 << 30));
        break;
    case 1:
        dev.csts = rnd(2) ? 3 : ~0u;
        break;
    case 2:
        dev.npending -= dev.npending != 0; /* forgotten */
        break;
    case 3:
        for (unsigned i = 0; i < 4 * ENTRIES; i++)
            ((uint32_t *)q->cq)[i] = rnd(1 << 30);
        break;
    case 4:
        dev.dead = rnd(20) == 0;
        break;
    }
}

static void run(unsigned long s, bool obeys)
{
    world_begin(s);
    dev = (typeof(dev)){};
    honest = true;
    NEED(probe(&pci) == 0 && disk && disk->sectors == DISK_BYTES / 512);
    honest = obeys;
    for (unsigned i = 0; i < 20000; i++) {
        if (rnd(3) == 0)
            begin_one(4);
        if (rnd(2))
            model_step();
        if (!obeys)
            misbehave();
        pass_time(rnd(1000) ? 1000 : 2000000000);
        run_rescue();
    }
    for (unsigned i = 0; under_way && i < 10000; i++) {
        model_step();
        pass_time(i % 100 ? 1000 : 2000000000);
        run_rescue();
    }
    NEED(under_way == 0 && ended > 100 && (obeys ? failed == 0 : 1));
    NEED(!obeys || !memcmp(medium, expected, DISK_BYTES));
}

int main(void)
{
    for (unsigned long s = 1; s <= 6; s++)
        run(s, true);
    printf("ok - a controller that obeys\n");
    for (unsigned long s = 1; s <= 40; s++)
        run(s, false);
    printf("ok - a controller that does not\n");
    return 0;
}
