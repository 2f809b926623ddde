/* linux/aio.c: Linux' own asynchronous I/O (man 2 io_submit). Reads, writes and syncs are carried
 * out when they are submitted: files lie in memory. What remains is the queue of results.
 *
 * A context's number is the address of a page in the program, as on Linux. There libaio looks for a
 * ring that it can read by itself; the page says that there is none, and it asks the kernel. */
#include "core/boot.h"
#include "fs/procfs.h"
#include "linux/eventfd.h"
#include "linux/iov.h"
#include "linux/ipc.h"
#include "linux/ipc_exit.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/time.h"

enum { CMD_PREAD, CMD_PWRITE, CMD_FSYNC, CMD_FDSYNC, CMD_PREADV = 7, CMD_PWRITEV };
enum { FLAG_RESFD = 1, FLAG_IOPRIO = 2, EVENTS_MOST = 0x10000000 / 64 };

struct event {
    uint64_t data, block;
    int64_t result, result2;
};
struct block { /* struct iocb */
    uint64_t data;
    uint32_t key, rw_flags;
    uint16_t command;
    int16_t priority;
    uint32_t fd;
    uint64_t buf, n;
    int64_t offset;
    uint64_t reserved;
    uint32_t flags, result_fd;
};
struct context {
    struct list link;
    atomic_uint refs;
    struct process *owner;       /* it ends with it */
    struct address_space *space; /* who shares it may use the context; no reference */
    uint64_t id;
    struct mutex lock; /* over the rest */
    struct waitqueue wait;
    unsigned size, first;
    atomic_uint count; /* events that wait to be taken */
    atomic_uint slots; /* those, and operations under way */
    atomic_bool dead;
    struct event events[];
};

static struct mutex contexts_lock; /* over contexts, and events_total */
static struct list contexts = LIST_INIT(contexts);
static uint64_t events_total;
static struct ipc_limit events_max = {65536, INT32_MAX};

/* --- contexts --- */

static void put(struct context *context)
{
    if (atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) == 1)
        kfree(context);
}

/* With a reference, or NULL. */
static struct context *find(uint64_t id)
{
    struct context *found = NULL;

    mutex_lock(&contexts_lock);
    list_for_each_entry (struct context, context, &contexts, link)
        if (context->id == id && context->space == current_process()->space)
            found = context;
    if (found)
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    mutex_unlock(&contexts_lock);
    return found;
}

/* With contexts_lock. */
static void kill_context(struct context *context)
{
    list_del(&context->link);
    events_total -= context->size;
    atomic_store(&context->dead, true);
    wake_all(&context->wait);
    put(context);
}

void aio_process_exit(struct process *process)
{
    if (list_empty(&contexts)) /* its own cannot come any more */
        return;
    mutex_lock(&contexts_lock);
    list_for_each_safe (link, next, &contexts) {
        struct context *context = list_entry(link, struct context, link);
        if (context->owner == process)
            kill_context(context);
    }
    mutex_unlock(&contexts_lock);
}

/* The page that stands for the context. */
static ssize_t map_page(void)
{
    struct map_request request = {
        .length = PAGE_SIZE,
        .prot = PROT_READ | PROT_WRITE,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS,
        .label = "/[aio] (deleted)",
    };

    return address_space_map(current_process()->space, &request);
}

static int add_context(unsigned n, uint64_t id)
{
    struct context *context = kzalloc(sizeof(*context) + n * sizeof(struct event));

    if (!context)
        return -ENOMEM;
    atomic_init(&context->refs, 1);
    context->owner = current_process();
    context->space = context->owner->space;
    context->id = id;
    context->size = n;
    waitqueue_init(&context->wait);
    mutex_lock(&contexts_lock);
    bool fits = events_total + n <= events_max.value;
    if (fits) {
        events_total += n;
        list_add_tail(&contexts, &context->link);
    }
    mutex_unlock(&contexts_lock);
    if (!fits)
        kfree(context);
    return fits ? 0 : -EAGAIN;
}

static int destroy(uint64_t id)
{
    int err = -EINVAL;

    mutex_lock(&contexts_lock);
    list_for_each_safe (link, next, &contexts) {
        struct context *context = list_entry(link, struct context, link);
        if (context->id == id && context->space == current_process()->space) {
            kill_context(context);
            err = 0;
        }
    }
    mutex_unlock(&contexts_lock);
    if (!err)
        (void)address_space_unmap(current_process()->space, id, PAGE_SIZE);
    return err;
}

SYSCALL(io_setup, 2, SYSCALL_WHOLE, "")
{
    unsigned n = (unsigned)a0;
    uint64_t old;

    if (user_get64(a1, &old) < 0)
        return -EFAULT;
    if (old || n == 0 || n > EVENTS_MOST)
        return -EINVAL;
    if (n > events_max.value)
        return -EAGAIN;
    ssize_t at = map_page();
    if (at < 0)
        return at;
    int err = add_context(n, (uint64_t)at);
    if (err) {
        (void)address_space_unmap(current_process()->space, (uintptr_t)at, PAGE_SIZE);
        return err;
    }
    if (user_put64(a1, (uint64_t)at) < 0) {
        destroy((uint64_t)at);
        return -EFAULT;
    }
    return 0;
}

SYSCALL(io_destroy, 1, SYSCALL_WHOLE, "")
{
    return destroy(a0);
}

/* --- io_submit --- */

static ssize_t transfer(struct file *file, const struct block *block, struct io *io)
{
    bool write = block->command == CMD_PWRITE || block->command == CMD_PWRITEV;
    off_t pos = block->offset, *at = file->can_pread ? &pos : NULL;
    ssize_t n = write ? file_write(file, io, at) : file_read(file, io, at);

    return n <= -ERESTARTSYS ? -EINTR : n;
}

/* Carry it out: 0 with its result, or why it is not accepted. */
static int run_transfer(struct file *file, const struct block *block, ssize_t *result)
{
    bool write = block->command == CMD_PWRITE || block->command == CMD_PWRITEV;
    struct user_iov vec;
    struct iovec iov;
    struct io io;

    if (!(write ? file_writable(file) : file_readable(file)))
        return -EBADF;
    if (!(write ? file->ops->write != NULL : file->ops->read != NULL) || block->rw_flags)
        return -EINVAL;
    if (file->can_pread && block->offset < 0)
        return -EINVAL;
    if (block->command == CMD_PREADV || block->command == CMD_PWRITEV) {
        int err = user_iov_get(&vec, block->buf, block->n);
        if (err)
            return err;
        *result = transfer(file, block, &vec.io);
        user_iov_put(&vec);
        return 0;
    }
    if (!user_range_ok(block->buf, block->n))
        return -EFAULT;
    io = io_user(&iov, block->buf, MIN(block->n, (uint64_t)MAX_RW_COUNT));
    *result = transfer(file, block, &io);
    return 0;
}

static int run(struct file *file, const struct block *block, ssize_t *result)
{
    switch (block->command) {
    case CMD_PREAD:
    case CMD_PWRITE:
    case CMD_PREADV:
    case CMD_PWRITEV:
        return run_transfer(file, block, result);
    case CMD_FSYNC:
    case CMD_FDSYNC:
        if (block->buf || block->offset || block->n || block->rw_flags)
            return -EINVAL;
        *result = file_sync(file, block->command == CMD_FDSYNC);
        return *result == -EINVAL ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

static void add_event(struct context *context, const struct event *event)
{
    mutex_lock(&context->lock);
    unsigned count = atomic_load(&context->count);
    context->events[(context->first + count) % context->size] = *event;
    atomic_store(&context->count, count + 1);
    mutex_unlock(&context->lock);
    wake_all(&context->wait);
}

static int run_with_files(struct context *context, const struct block *block, uintptr_t at)
{
    struct file *file = fd_get((int)block->fd), *tell = NULL;
    struct event event = {.data = block->data, .block = at};
    int err = file ? 0 : -EBADF;

    if (!err && block->flags & FLAG_RESFD) {
        tell = fd_get((int)block->result_fd);
        err = !tell ? -EBADF : eventfd_is(tell) ? 0 : -EINVAL;
    }
    if (!err && user_put32(at + offsetof(struct block, key), 0) < 0)
        err = -EFAULT;
    if (!err)
        err = run(file, block, &event.result);
    if (!err) {
        add_event(context, &event);
        if (tell)
            eventfd_signal(tell);
    }
    if (file)
        file_put(file);
    if (tell)
        file_put(tell);
    return err;
}

static int submit_one(struct context *context, uintptr_t at)
{
    struct block block;

    if (user_read(&block, at, sizeof(block)) < 0)
        return -EFAULT;
    if (block.reserved || (ssize_t)block.n < 0)
        return -EINVAL;
    int err = -EAGAIN;
    if (atomic_fetch_add(&context->slots, 1) < context->size)
        err = run_with_files(context, &block, at);
    if (err)
        atomic_fetch_sub(&context->slots, 1);
    return err;
}

SYSCALL(io_submit, 3, SYSCALL_PARTIAL, "IOCB_CMD_POLL and aio_rw_flags answer EINVAL")
{
    int64_t n = (int64_t)a1, done = 0;
    int err = 0;

    if (n < 0)
        return -EINVAL;
    struct context *context = find(a0);
    if (!context)
        return -EINVAL;
    n = MIN(n, (int64_t)context->size);
    for (; done < n && !err; done += !err) {
        uint64_t at;
        err = user_get64(a2 + (uint64_t)done * sizeof(at), &at);
        if (!err)
            err = submit_one(context, at);
    }
    put(context);
    return done ? done : err;
}

SYSCALL(io_cancel, 3, SYSCALL_WHOLE, "")
{
    uint32_t key;

    /* Nothing is under way that could be cancelled. */
    return user_get32(a1 + offsetof(struct block, key), &key) < 0 ? -EFAULT : -EINVAL;
}

/* --- io_getevents --- */

/* Up to n events: how many; -EFAULT. */
static int64_t take_events(struct context *context, int64_t n, uintptr_t to)
{
    int64_t taken = 0;

    mutex_lock(&context->lock);
    while (taken < n && atomic_load(&context->count)) {
        if (user_write(to + (uint64_t)taken * sizeof(struct event),
                       &context->events[context->first], sizeof(struct event)) < 0) {
            taken = taken ? taken : -EFAULT;
            break;
        }
        context->first = (context->first + 1) % context->size;
        atomic_fetch_sub(&context->count, 1);
        atomic_fetch_sub(&context->slots, 1);
        taken++;
    }
    mutex_unlock(&context->lock);
    return taken;
}

static int64_t get_events(struct context *context, int64_t least, int64_t most, uintptr_t to,
                          nsec_t deadline)
{
    int64_t have = 0;

    for (;;) {
        int64_t n = take_events(context, most - have, to + (uint64_t)have * sizeof(struct event));
        if (n < 0)
            return have ? have : n;
        have += n;
        if (have >= least || have == most || !deadline)
            return have;
        int err =
            WAIT_EVENT(&context->wait, atomic_load(&context->count) || atomic_load(&context->dead),
                       WAIT_INTERRUPTIBLE, deadline);
        if (atomic_load(&context->dead))
            return have ? have : -EINVAL;
        if (err)
            return have || err == -ETIMEDOUT ? have : -EINTR;
    }
}

static int64_t do_getevents(const uint64_t args[5])
{
    int64_t least = (int64_t)args[1], most = (int64_t)args[2];
    nsec_t timeout = NSEC_FOREVER;

    if (args[4]) {
        int err = time_get(args[4], &timeout);
        if (err)
            return err;
    }
    struct context *context = find(args[0]);
    if (!context)
        return -EINVAL;
    int64_t result = -EINVAL;
    if (least >= 0 && least <= most)
        result = get_events(context, least, most, args[3],
                            timeout ? nsec_add(clock_monotonic(), timeout) : 0);
    put(context);
    return result;
}

SYSCALL(io_getevents, 5, SYSCALL_WHOLE, "")
{
    return do_getevents((const uint64_t[]){a0, a1, a2, a3, a4});
}

SYSCALL(io_pgetevents, 6, SYSCALL_WHOLE, "")
{
    struct {
        uint64_t mask, size;
    } set = {};
    uint64_t mask;

    if (a5 && user_read(&set, a5, sizeof(set)) < 0)
        return -EFAULT;
    if (!set.mask)
        return do_getevents((const uint64_t[]){a0, a1, a2, a3, a4});
    if (set.size != sizeof(mask))
        return -EINVAL;
    if (user_get64(set.mask, &mask) < 0)
        return -EFAULT;
    signal_set_temporary_mask(mask);
    int64_t result = do_getevents((const uint64_t[]){a0, a1, a2, a3, a4});
    signal_restore_mask(result == -EINTR);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* --- /proc/sys/fs --- */

static int show_total(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", events_total);
    return 0;
}

static struct pseudo_entry files[] = {
    PSEUDO_FILE("aio-nr", show_total),
    IPC_LIMIT("aio-max-nr", events_max),
};

static int aio_start(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++)
        pseudo_register(proc_folder("sys/fs"), &files[i]);
    return 0;
}
BOOT_STEP(PHASE_FS, "asynchronous I/O", aio_start);
