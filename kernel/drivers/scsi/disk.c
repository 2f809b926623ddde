/* Commands on their way to units and back, and the requests of disks as commands.
 *
 * A unit owns as many commands as its host takes at a time. A unit's lock covers its lists, and is
 * held while a command is handed to the host, so that time-outs see whole commands. */

#include "core/clock.h"
#include "core/log.h"
#include "drivers/block/rescue.h"
#include "drivers/scsi/scsi.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
    TICK_MS = 100,
    PATIENCE = 300, /* ticks that a unit may say "later" */
    AT_ONCE = 60,   /* what a try at once uses up of it */
};
static const nsec_t ms = 1000000;

/* --- commands ----------------------------------------------------------------------------- */

/* The next free command, which is under way from now on but not begun; NULL: none. */
static struct scsi_command *take(struct scsi_unit *unit)
{
    struct scsi_command *c = NULL;
    uint64_t flags = spin_lock_irq(&unit->lock);
    if (!list_empty(&unit->free)) {
        c = list_first(&unit->free, struct scsi_command, link);
        list_del(&c->link);
        list_add_tail(&unit->under_way, &c->link);
        c->deadline = NSEC_FOREVER;
        c->tries = c->aborts = 0;
        c->waiting = false;
    }
    spin_unlock_irq(&unit->lock, flags);
    return c;
}

static void give_back(struct scsi_command *c)
{
    uint64_t flags = spin_lock_irq(&c->unit->lock);
    list_del(&c->link);
    list_add(&c->unit->free, &c->link);
    spin_unlock_irq(&c->unit->lock, flags);
}

/* The unit's lock is held. */
static int begin(struct scsi_command *c)
{
    struct scsi_unit *unit = c->unit;
    nsec_t now = clock_monotonic();
    c->error = 0;
    c->status = c->nsense = 0;
    c->missing = 0;
    c->deadline = now + disk_timeout();
    if (!unit->ticking) {
        unit->ticking = true;
        timer_start(&unit->tick, now + TICK_MS * ms);
    }
    atomic_store_explicit(&c->pending, true, memory_order_relaxed);
    int r = unit->host->ops->submit(unit->host, c);
    if (r < 0)
        atomic_store_explicit(&c->pending, false, memory_order_relaxed);
    return r;
}

static int start(struct scsi_command *c)
{
    uint64_t flags = spin_lock_irq(&c->unit->lock);
    int r = begin(c);
    spin_unlock_irq(&c->unit->lock, flags);
    return r;
}

static void finish(struct scsi_command *c, int error)
{
    struct scsi_host *host = c->unit->host;
    void (*done)(struct scsi_command *, int) = c->done;
    done(c, error); /* gives it back */
    for (struct scsi_unit *u = host->first; u; u = u->next)
        block_has_room(&u->block);
}

/* Try again, if it has not been tried too often. A host that has no room is asked at the next tick.
 */
static bool again(struct scsi_command *c, enum scsi_verdict verdict)
{
    uint64_t flags = spin_lock_irq(&c->unit->lock);
    c->tries += verdict == SCSI_LATER ? 1 : AT_ONCE;
    int r = c->tries >= PATIENCE || c->aborts ? -EIO : 0;
    c->waiting = r == 0 && verdict == SCSI_LATER;
    if (r == 0 && !c->waiting)
        r = begin(c);
    if (r == -EBUSY)
        c->waiting = true;
    spin_unlock_irq(&c->unit->lock, flags);
    return r == 0 || r == -EBUSY;
}

static void ask_size(struct scsi_unit *unit);

void scsi_done(struct scsi_command *c)
{
    if (!atomic_exchange_explicit(&c->pending, false, memory_order_acquire))
        return; /* scsi_host_lost() was first */
    int error = c->error;
    enum scsi_verdict verdict = error == -EAGAIN ? SCSI_RETRY : SCSI_ENDED;
    if (!error)
        verdict = scsi_judge(c->status, c->sense, MIN(c->nsense, (uint8_t)SCSI_SENSE), &error);
    if (verdict == SCSI_CHANGED)
        ask_size(c->unit);
    if (verdict == SCSI_ENDED || !again(c, verdict))
        finish(c, verdict == SCSI_ENDED || error == -ENOMEDIUM ? error : -EIO);
}

/* The first command that waits for its next try and does not get it: -EIO; or NULL. */
static struct scsi_command *try_waiting(struct scsi_unit *unit)
{
    list_for_each_entry (struct scsi_command, c, &unit->under_way, link) {
        if (!c->waiting)
            continue;
        c->waiting = false;
        int r = begin(c);
        if (r == -EBUSY)
            c->waiting = true;
        else if (r < 0)
            return c;
    }
    return NULL;
}

/* Give up what takes too long, in three steps, with a third of the time more for each. */
static void look_after(struct scsi_unit *unit)
{
    enum { WAYS = 3 };
    nsec_t now = clock_monotonic();
    list_for_each_entry (struct scsi_command, c, &unit->under_way, link) {
        if (c->waiting || now < c->deadline || c->aborts == WAYS)
            continue;
        log_warning("scsi: %s: %u:%u: command %02x takes too long (%u)", unit->host->place,
                    unit->target, unit->lun, c->cdb[0], c->aborts);
        c->deadline = now + disk_timeout() / WAYS;
        unit->host->ops->abort(unit->host, c, c->aborts++);
    }
}

/* Interrupt context. */
static void tick(struct timer *timer)
{
    struct scsi_unit *unit = container_of(timer, struct scsi_unit, tick);
    uint64_t flags = spin_lock_irq(&unit->lock);
    struct scsi_command *failed = try_waiting(unit);
    look_after(unit);
    unit->ticking = !list_empty(&unit->under_way);
    if (unit->ticking)
        timer_start(timer, clock_monotonic() + TICK_MS * ms);
    spin_unlock_irq(&unit->lock, flags);
    if (failed)
        finish(failed, -EIO);
}

static struct scsi_command *first_left(struct scsi_unit *unit)
{
    struct scsi_command *left = NULL;
    uint64_t flags = spin_lock_irq(&unit->lock);
    list_for_each_entry (struct scsi_command, c, &unit->under_way, link) {
        if (!c->waiting && !atomic_exchange(&c->pending, false))
            continue; /* somebody is about to end it */
        c->waiting = false;
        left = c;
        break;
    }
    spin_unlock_irq(&unit->lock, flags);
    return left;
}

static void end_all(struct scsi_unit *unit)
{
    struct scsi_command *c;
    while (unit && (c = first_left(unit)))
        finish(c, -EIO);
}

void scsi_host_lost(struct scsi_host *host)
{
    for (struct scsi_unit *unit = host->first; unit; unit = unit->next)
        end_all(unit);
    end_all(host->probing);
}

int scsi_unit_start(struct scsi_unit *unit)
{
    size_t size = ALIGN_UP(sizeof(struct scsi_command) + unit->host->room, 16ul);
    uint8_t *commands = kcalloc(unit->host->depth, size);
    list_init(&unit->free);
    list_init(&unit->under_way);
    timer_init(&unit->tick, tick);
    unit->commands = commands;
    for (unsigned i = 0; commands && i < unit->host->depth; i++) {
        struct scsi_command *c = (struct scsi_command *)(commands + i * size);
        c->unit = unit;
        list_add_tail(&unit->free, &c->link);
    }
    return commands ? 0 : -ENOMEM;
}

void scsi_unit_stop(struct scsi_unit *unit)
{
    timer_cancel(&unit->tick);
    kfree(unit->commands);
    kfree(unit->zeroes);
}

/* --- questions ---------------------------------------------------------------------------- */

static void set_data(struct scsi_command *c, void *data, uint32_t n, bool write)
{
    c->own = (struct block_segment){data, n};
    c->segments = &c->own;
    c->nsegments = n != 0;
    c->bytes = n;
    c->write = write;
}

struct question {
    struct waitqueue queue;
    atomic_bool over;
    int result;
};

static void answered(struct scsi_command *c, int error)
{
    struct question *question = c->owner;
    question->result = error ?: (int)(c->bytes - MIN(c->missing, c->bytes));
    give_back(c);
    uint64_t flags = spin_lock_irq(&question->queue.lock);
    atomic_store_explicit(&question->over, true, memory_order_release);
    list_for_each_entry (struct waiter, w, &question->queue.waiters, link)
        thread_wake(w->thread);
    spin_unlock_irq(&question->queue.lock, flags);
}

int scsi_ask(struct scsi_unit *unit, const uint8_t cdb[SCSI_CDB], void *answer, unsigned n)
{
    struct question question = {};
    struct scsi_command *c = take(unit);
    if (!c)
        return -EBUSY;
    waitqueue_init(&question.queue);
    memcpy(c->cdb, cdb, SCSI_CDB);
    if (n)
        memset(answer, 0, n); /* not every host says how much of it is new */
    set_data(c, answer, n, false);
    c->done = answered;
    c->owner = &question;
    int r = start(c);
    if (r < 0) {
        give_back(c);
        return r;
    }
    WAIT_EVENT(&question.queue, atomic_load_explicit(&question.over, memory_order_acquire), 0,
               NSEC_FOREVER);
    uint64_t flags = spin_lock_irq(&question.queue.lock); /* the waker has left */
    spin_unlock_irq(&question.queue.lock, flags);
    return question.result;
}

/* The size, without waiting: after the unit or its host said that it has changed. */
static void size_told(struct scsi_command *c, int error)
{
    struct scsi_unit *unit = c->unit;
    struct scsi_capacity capacity;
    unsigned n = c->bytes - MIN(c->missing, c->bytes);
    bool known = !error && scsi_parse_capacity(unit->answer, n, !unit->cdrom, &capacity);
    uint64_t sectors = 0;
    give_back(c);
    atomic_store(&unit->asking, false);
    if (known && capacity.block == unit->block.limits.logical_block)
        sectors = capacity.nblocks << unit->shift;
    else if (error != -ENOMEDIUM && !known)
        return;
    if (sectors == unit->block.sectors)
        return;
    log_info("scsi: %s: now %lu sectors", unit->block.name, sectors);
    block_resized(&unit->block, sectors);
}

static void ask_size(struct scsi_unit *unit)
{
    if (!unit->block.ops || atomic_exchange(&unit->asking, true))
        return;
    struct scsi_command *c = take(unit);
    if (c) {
        scsi_cdb_capacity(c->cdb, !unit->cdrom, sizeof(unit->answer));
        set_data(c, unit->answer, unit->cdrom ? 8 : sizeof(unit->answer), false);
        c->done = size_told;
        if (start(c) == 0)
            return;
        give_back(c);
    }
    atomic_store(&unit->asking, false);
}

void scsi_unit_changed(struct scsi_host *host, unsigned target, unsigned lun)
{
    for (struct scsi_unit *u = host->first; u; u = u->next)
        if (u->target == target && u->lun == lun)
            ask_size(u);
}

/* --- requests ----------------------------------------------------------------------------- */

static void request_done(struct scsi_command *c, int error)
{
    struct block_request *request = c->owner;
    bool transfer = request->op == BLOCK_READ || request->op == BLOCK_WRITE;
    if (!error && transfer && c->missing)
        error = -EIO;
    if (error == -EOPNOTSUPP && request->op == BLOCK_WRITE_ZEROES)
        c->unit->block.limits.write_zeroes_sectors = 0; /* it does not have that command */
    if (error == -ENOMEDIUM || (error == -EOPNOTSUPP && transfer))
        error = -EIO;
    give_back(c);
    block_done(request, error);
}

static void prepare(struct scsi_unit *unit, struct scsi_command *c,
                    const struct block_request *request)
{
    uint64_t block = request->sector >> unit->shift;
    uint32_t n = (uint32_t)(request->nsectors >> unit->shift);
    bool unmap = request->op == BLOCK_DISCARD ||
                 (request->flags & BLOCK_UNMAP && unit->block.limits.unmap_zeroes);
    set_data(c, NULL, 0, true);
    if (request->op == BLOCK_FLUSH) {
        scsi_cdb_simple(c->cdb, SCSI_SYNCHRONIZE_CACHE, 0, 0);
    } else if (request->op == BLOCK_DISCARD && unit->limits.by_unmap) {
        scsi_cdb_unmap(c->cdb, c->list, block, n);
        set_data(c, c->list, SCSI_UNMAP_LIST, true);
    } else if (request->op == BLOCK_DISCARD || request->op == BLOCK_WRITE_ZEROES) {
        scsi_cdb_write_same(c->cdb, block, n, unmap);
        set_data(c, unit->zeroes, unit->block.limits.logical_block, true);
    } else {
        scsi_cdb_transfer(c->cdb, request->op == BLOCK_WRITE, block, n);
        c->write = request->op == BLOCK_WRITE;
        c->segments = request->segments;
        c->nsegments = request->nsegments;
        c->bytes = (uint32_t)(request->nsectors * BLOCK_SECTOR);
    }
}

static int submit(struct block_device *block, struct block_request *request)
{
    struct scsi_unit *unit = block->driver;
    struct scsi_command *c = take(unit);
    if (!c)
        return -EBUSY;
    prepare(unit, c, request);
    c->done = request_done;
    c->owner = request;
    int r = start(c);
    if (r < 0)
        give_back(c);
    return r;
}

const struct block_ops scsi_disk_ops = {.submit = submit};
