/* Queues of commands (NVM Express 1.4, 4.1): entries of submissions by the driver, of completions
 * by the controller, which turn their phase bit in each round.
 *
 * The number in a completion counts only if it is one under way, and decides nothing but which
 * request has ended: where data goes was said when it began. */
#include "arch/x86_64/memory_map.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { FLUSH, WRITE, READ, WRITE_ZEROES = 8, DATASET_MANAGEMENT = 9 };
enum { DEALLOCATE = 4, ZEROES_DEALLOCATE = 1 << 25 };
enum { /* of a queue's memory */
       SUBMISSIONS = 0,
       COMPLETIONS = NVME_PAGE,
       LISTS = 2 * NVME_PAGE,
       LIST_SIZE = NVME_TRANSFER / NVME_PAGE * 8,
       AREA = LISTS + NVME_ENTRIES * LIST_SIZE
};
enum { COMPLETION_SIZE = 16, TRIES = 4 };
#define SECOND 1000000000l

/* Of a request, in its own room. */
struct progress {
    uint64_t done;   /* bytes, by commands before */
    uint64_t moving; /* by the present one */
    uint64_t tries;
    int64_t error;
};

static struct progress *progress(struct block_request *request)
{
    return (struct progress *)request->driver;
}

static void tick(struct timer *timer);

struct nvme_queue *nvme_queue_new(struct nvme *nvme, unsigned id)
{
    struct nvme_queue *q = kzalloc(sizeof(*q));
    uint8_t *area = q ? kzalloc(AREA) : NULL;
    if (!area) {
        kfree(q);
        return NULL;
    }
    q->nvme = nvme;
    q->id = id;
    q->area = area;
    q->doorbells = (volatile uint8_t *)nvme->regs + NVME_DOORBELLS + id * 2 * nvme->stride;
    timer_init(&q->timer, tick);
    nvme_queue_empty(q);
    return q;
}

paddr_t nvme_queue_submissions(const struct nvme_queue *q)
{
    return virt_to_phys(q->area + SUBMISSIONS);
}
paddr_t nvme_queue_completions(const struct nvme_queue *q)
{
    return virt_to_phys(q->area + COMPLETIONS);
}

void nvme_queue_empty(struct nvme_queue *q)
{
    q->tail = q->head = 0;
    q->phase = 1;
    memset(q->area + COMPLETIONS, 0, NVME_PAGE);
}

/* The lock is held, or nobody else knows the queue. */
static void send(struct nvme_queue *q, const struct nvme_command *command)
{
    memcpy(q->area + SUBMISSIONS + q->tail * sizeof(*command), command, sizeof(*command));
    q->tail = (q->tail + 1) % q->nvme->entries;
    atomic_thread_fence(memory_order_seq_cst);
    mmio_write32(q->doorbells, 0, q->tail);
}

/* The next completion: its result, number and status; false: there is none yet. */
static bool next(struct nvme_queue *q, uint32_t *result, unsigned *id, unsigned *status)
{
    const volatile uint32_t *entry =
        (const volatile uint32_t *)(q->area + COMPLETIONS + q->head * COMPLETION_SIZE);
    uint32_t end = entry[3];
    if ((end >> 16 & 1) != q->phase)
        return false;
    atomic_thread_fence(memory_order_acquire);
    *result = entry[0];
    *id = end & 0xffff;
    *status = end >> 17;
    q->head = (q->head + 1) % q->nvme->entries;
    q->phase ^= q->head == 0;
    return true;
}

static void tell_head(struct nvme_queue *q)
{
    mmio_write32(q->doorbells, q->nvme->stride, q->head);
}

int nvme_administer(struct nvme *nvme, struct nvme_command *command, uint32_t *result)
{
    struct nvme_queue *q = nvme->queues[0];
    nsec_t start = clock_monotonic(), took;
    unsigned id, status;
    uint32_t ignored;
    if (nvme->lost)
        return -EIO;
    send(q, command);
    while (!next(q, result ?: &ignored, &id, &status)) {
        took = clock_monotonic() - start;
        if (took > disk_timeout()) {
            nvme->lost = true; /* a late end would pass for the next command's */
            return -EIO;
        }
        if (took > SECOND / 10000)
            thread_sleep_until(clock_monotonic() + SECOND / 1000, false);
    }
    tell_head(q);
    return (int)status;
}

/* --- a request's commands ----------------------------------------------------------------- */

/* Describe what one command can of the request's memory, from its byte `skip` on: an address, and
 * another one, or that of a list (4.3): pages, of which the first begins and the last ends
 * anywhere. Returns how many bytes these are. */
static uint32_t map(uint64_t *list, const struct block_request *request, uint64_t skip,
                    uint32_t most, uint64_t prp[2])
{
    uint32_t total = 0;
    unsigned n = 0;
    uint64_t end = 0;
    for (unsigned i = 0; i < request->nsegments && total < most; i++) {
        uint64_t len = request->segments[i].len;
        uint64_t at = virt_to_phys(request->segments[i].data) + skip;
        if (skip >= len) {
            skip -= len;
            continue;
        }
        if (n && at != end && (at | end) % NVME_PAGE)
            break; /* a gap within a page */
        for (len -= skip, skip = 0; len && total < most; end = at) {
            uint32_t part = (uint32_t)MIN(len, NVME_PAGE - at % NVME_PAGE);
            part = MIN(part, most - total);
            if (n == 0)
                prp[n++] = at;
            else if (at % NVME_PAGE == 0)
                list[n++ - 1] = at;
            total += part;
            len -= part;
            at += part;
        }
    }
    prp[1] = n < 2 ? 0 : n == 2 ? list[0] : virt_to_phys(list);
    return total;
}

static void fill_transfer(struct nvme_queue *q, struct block_request *request, uint64_t *list,
                          struct nvme_command *c)
{
    const struct nvme_namespace *ns = request->device->driver;
    struct progress *p = progress(request);
    uint64_t block = (request->sector + p->done / BLOCK_SECTOR) >> ns->shift;
    p->moving = map(list, request, p->done, q->nvme->transfer, c->prp);
    c->opcode = request->op == BLOCK_READ ? READ : WRITE;
    c->word[0] = (uint32_t)block;
    c->word[1] = (uint32_t)(block >> 32);
    c->word[2] = (uint32_t)(p->moving / BLOCK_SECTOR >> ns->shift) - 1;
}

static void fill_clear(struct block_request *request, uint64_t *list, struct nvme_command *c)
{
    const struct nvme_namespace *ns = request->device->driver;
    uint64_t block = request->sector >> ns->shift, n = request->nsectors >> ns->shift;
    if (request->op == BLOCK_DISCARD) {
        list[0] = n << 32;
        list[1] = block;
        c->opcode = DATASET_MANAGEMENT;
        c->prp[0] = virt_to_phys(list);
        c->word[1] = DEALLOCATE;
        return;
    }
    bool unmap = request->flags & BLOCK_UNMAP && ns->block.limits.unmap_zeroes;
    c->opcode = WRITE_ZEROES;
    c->word[0] = (uint32_t)block;
    c->word[1] = (uint32_t)(block >> 32);
    c->word[2] = (uint32_t)(n - 1) | (unmap ? ZEROES_DEALLOCATE : 0);
}

/* Send the request's next command. The lock is held. */
static void issue(struct nvme_queue *q, unsigned slot)
{
    struct block_request *request = q->requests[slot];
    const struct nvme_namespace *ns = request->device->driver;
    uint64_t *list = (uint64_t *)(q->area + LISTS + slot * LIST_SIZE);
    struct nvme_command c = {.opcode = FLUSH, .id = (uint16_t)slot, .nsid = ns->id};
    if (request->op <= BLOCK_WRITE)
        fill_transfer(q, request, list, &c);
    else if (request->op != BLOCK_FLUSH)
        fill_clear(request, list, &c);
    q->deadlines[slot] = clock_monotonic() + disk_timeout();
    send(q, &c);
}

static bool addresses_will_do(const struct block_request *request)
{
    for (unsigned i = 0; request->op <= BLOCK_WRITE && i < request->nsegments; i++)
        if ((uintptr_t)request->segments[i].data % 4)
            return false;
    return true;
}

/* While something is under way it is looked after once a second. */
static void tick_soon(struct nvme_queue *q)
{
    q->ticking = true;
    timer_start(&q->timer, clock_monotonic() + MIN(SECOND, disk_timeout()));
}

static int begin(struct nvme_queue *q, struct block_request *request)
{
    unsigned slot = (unsigned)__builtin_ctzll(~(uint64_t)q->used);
    if (q->nvme->lost)
        return -EIO;
    if (q->nvme->stopped || slot + 1 >= q->nvme->entries) /* a full ring looks like an empty one */
        return -EBUSY;
    *progress(request) = (struct progress){};
    q->requests[slot] = request;
    q->used |= 1u << slot;
    issue(q, slot);
    if (!q->ticking)
        tick_soon(q);
    return 0;
}

int nvme_submit(struct block_device *block, struct block_request *request)
{
    const struct nvme_namespace *ns = block->driver;
    struct nvme *nvme = ns->nvme;
    if (!addresses_will_do(request))
        return -EIO;
    uint64_t flags = irq_save();
    struct nvme_queue *q = nvme->queues[1 + this_cpu()->id % nvme->nqueues];
    spin_lock(&q->lock);
    int err = begin(q, request);
    spin_unlock(&q->lock);
    irq_restore(flags);
    return err;
}

/* --- ends --------------------------------------------------------------------------------- */

static void take(struct nvme_queue *q, unsigned slot, int error, struct list *ended)
{
    struct block_request *request = q->requests[slot];
    q->requests[slot] = NULL;
    q->used &= ~(1u << slot);
    progress(request)->error = error;
    list_add_tail(ended, &request->link);
}

/* A command has ended: the request goes on, tries again, or has ended with it. */
static void step(struct nvme_queue *q, unsigned slot, unsigned status, struct list *ended)
{
    struct block_request *request = q->requests[slot];
    struct progress *p = progress(request);
    bool retry;
    int error = nvme_error(status, &retry);
    if (!error)
        p->done += p->moving;
    bool more = request->op <= BLOCK_WRITE && p->done < request->nsectors * BLOCK_SECTOR;
    if (error == 0 ? more : error == -EIO && retry && ++p->tries < TRIES)
        issue(q, slot);
    else
        take(q, slot, error, ended);
}

static void end(struct nvme_queue *q, struct list *ended)
{
    bool any = !list_empty(ended);
    while (!list_empty(ended)) {
        struct block_request *request = list_first(ended, struct block_request, link);
        int error = (int)progress(request)->error;
        list_del(&request->link);
        if (error == -EIO)
            log_warning("%s: I/O error, sector %lu", request->device->name, request->sector);
        block_done(request, error);
    }
    if (any)
        nvme_room(q->nvme);
}

void nvme_queue_poll(struct nvme_queue *q)
{
    struct list ended = LIST_INIT(ended);
    unsigned id, status, n = 0;
    uint32_t result;
    bool sound = true;
    uint64_t flags = spin_lock_irq(&q->lock);
    while (!q->nvme->stopped && sound && n < NVME_ENTRIES && next(q, &result, &id, &status)) {
        n++;
        sound = id < NVME_ENTRIES && q->used >> id & 1;
        if (sound)
            step(q, id, status, &ended);
    }
    if (n)
        tell_head(q);
    spin_unlock_irq(&q->lock, flags);
    if (!sound)
        nvme_trouble(q->nvme, "ends what it was not given");
    end(q, &ended);
}

static void tick(struct timer *timer)
{
    struct nvme_queue *q = container_of(timer, struct nvme_queue, timer);
    nsec_t now = clock_monotonic();
    bool late = false;
    nvme_queue_poll(q);
    spin_lock(&q->lock);
    for (uint32_t left = q->used; left; left &= left - 1)
        late |= q->deadlines[__builtin_ctz(left)] <= now;
    q->ticking = q->used && !q->nvme->stopped;
    if (q->ticking)
        tick_soon(q);
    uint32_t status = q->ticking ? mmio_read32(q->nvme->regs, NVME_CSTS) : NVME_CSTS_READY;
    bool fatal = (status & (NVME_CSTS_READY | NVME_CSTS_FATAL)) != NVME_CSTS_READY;
    spin_unlock(&q->lock);
    if (late || fatal)
        nvme_trouble(q->nvme, fatal ? "has failed" : "does not answer");
}

void nvme_queue_resume(struct nvme_queue *q)
{
    struct list ended = LIST_INIT(ended);
    nsec_t now = clock_monotonic();
    uint64_t flags = spin_lock_irq(&q->lock);
    for (uint32_t left = q->used; left; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctz(left);
        if (q->nvme->lost || q->deadlines[slot] <= now ||
            ++progress(q->requests[slot])->tries >= TRIES)
            take(q, slot, -EIO, &ended);
        else
            issue(q, slot);
    }
    if (q->used && !q->ticking)
        tick_soon(q);
    spin_unlock_irq(&q->lock, flags);
    end(q, &ended);
}

void nvme_trouble(struct nvme *nvme, const char *why)
{
    if (nvme->lost || atomic_exchange(&nvme->stopped, true))
        return;
    log_warning("nvme%u: the controller %s", nvme->number, why);
    rescue_call(&nvme->rescue);
}
