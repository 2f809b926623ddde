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

enum { CMD_PREAD, CMD_PWRITE, CMD_FSYNC, CMD_FDSYNC, CMD_POLL = 5, CMD_PREADV = 7, CMD_PWRITEV };
enum { RWF_KNOWN = 31, FLAG_RESFD = 1, FLAG_IOPRIO = 2, EVENTS_MOST = 0x10000000 / 64 };

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
    atomic_uint count;        /* events that wait to be taken */
    atomic_uint slots;        /* those, and operations under way */
    atomic_bool dead, kicked; /* kicked: some of `polls` may be ready */
    struct list polls;
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

static void end_polls(struct context *context, uintptr_t only, bool *any);

/* With contexts_lock. */
static void kill_context(struct context *context)
{
    atomic_store(&context->dead, true); /* no poll begins after that */
    end_polls(context, 0, NULL);
    list_del(&context->link);
    events_total -= context->size;
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
    list_init(&context->polls);
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
    int err = block->rw_flags ? rw_flags_apply(file, io, block->rw_flags) : 0;
    if (err)
        return err;
    ssize_t n = write ? rw_flags_write(file, io, at, block->rw_flags) : file_read(file, io, at);

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
    if (!(write ? file->ops->write != NULL : file->ops->read != NULL))
        return -EINVAL;
    if (block->rw_flags & ~(uint32_t)RWF_KNOWN)
        return -EOPNOTSUPP;
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

/* --- IOCB_CMD_POLL: one event when the file becomes ready
 *
 * A wake-up only marks the request and wakes whoever waits for events, who looks then. */

enum { POLL_QUEUES = 2 };

struct poll_request {
    struct list link; /* context->polls, under context->lock */
    struct context *context;
    struct file *file, *tell; /* with references */
    struct event event;
    unsigned mask, nhooks;
    atomic_bool ready, told; /* told: `tell` is signalled */
    struct poll_table table;
    struct {
        struct waiter waiter;
        struct waitqueue *queue;
    } hooks[POLL_QUEUES];
};

/* Any context, under the queue's lock. */
static bool poll_notify(struct waiter *waiter, unsigned events)
{
    struct poll_request *request = waiter->data;

    if (events && !(events & request->mask))
        return false;
    atomic_store(&request->ready, true);
    atomic_store(&request->context->kicked, true);
    if (request->tell && !atomic_exchange(&request->told, true))
        eventfd_signal(request->tell);
    wake_all(&request->context->wait);
    return false;
}

static void poll_hook(struct poll_table *table, struct waitqueue *queue)
{
    struct poll_request *request = container_of(table, struct poll_request, table);

    if (request->nhooks == POLL_QUEUES)
        return;
    unsigned i = request->nhooks++;
    request->hooks[i].waiter = (struct waiter){.notify = poll_notify, .data = request};
    request->hooks[i].queue = queue;
    waitqueue_add(queue, &request->hooks[i].waiter);
}

static void poll_unhook(struct poll_request *request)
{
    while (request->nhooks) {
        request->nhooks--;
        waitqueue_remove(request->hooks[request->nhooks].queue,
                         &request->hooks[request->nhooks].waiter);
    }
}

static void poll_free(struct poll_request *request)
{
    file_put(request->file);
    if (request->tell)
        file_put(request->tell);
    kfree(request);
}

/* With context->lock. */
static void put_event(struct context *context, const struct event *event)
{
    unsigned count = atomic_load(&context->count);
    context->events[(context->first + count) % context->size] = *event;
    atomic_store(&context->count, count + 1);
}

static void add_event(struct context *context, const struct event *event)
{
    mutex_lock(&context->lock);
    put_event(context, event);
    mutex_unlock(&context->lock);
    wake_all(&context->wait);
}

/* Those that are ready become events. */
static void collect_polls(struct context *context)
{
    struct list done = LIST_INIT(done);

    if (likely(!atomic_load(&context->kicked)))
        return;
    mutex_lock(&context->lock);
    atomic_store(&context->kicked, false);
    list_for_each_safe (at, next, &context->polls) {
        struct poll_request *request = list_entry(at, struct poll_request, link);
        if (!atomic_exchange(&request->ready, false))
            continue;
        request->event.result = file_poll(request->file, NULL) & request->mask;
        if (!request->event.result)
            continue;
        poll_unhook(request);
        list_del(&request->link);
        put_event(context, &request->event);
        list_add_tail(&done, &request->link);
    }
    mutex_unlock(&context->lock);
    list_for_each_safe (at, next, &done) {
        struct poll_request *request = list_entry(at, struct poll_request, link);
        poll_free(request);
    }
}

/* End the request whose block is at `only` (its event says 0: *any), or all without events. */
static void end_polls(struct context *context, uintptr_t only, bool *any)
{
    struct list done = LIST_INIT(done);

    mutex_lock(&context->lock);
    list_for_each_safe (at, next, &context->polls) {
        struct poll_request *request = list_entry(at, struct poll_request, link);
        if (only && request->event.block != only)
            continue;
        poll_unhook(request);
        list_del(&request->link);
        list_add_tail(&done, &request->link);
        if (only) {
            put_event(context, &request->event);
            *any = true;
        }
    }
    mutex_unlock(&context->lock);
    list_for_each_safe (at, next, &done)
        poll_free(list_entry(at, struct poll_request, link));
}

/* Takes over the references where it succeeds and is not at once ready (*result then is not 0). */
static int start_poll(struct context *context, const struct block *block, uintptr_t at,
                      struct file *file, struct file *tell, ssize_t *result)
{
    if (block->buf > UINT16_MAX || block->offset || block->n || block->rw_flags)
        return -EINVAL;
    struct poll_request *request = kzalloc(sizeof(*request));
    if (!request)
        return -EAGAIN;
    request->context = context;
    request->file = file;
    request->tell = tell;
    request->event = (struct event){.data = block->data, .block = at};
    request->mask = (unsigned)block->buf | POLLERR | POLLHUP;
    request->table.wait = poll_hook;
    *result = file_poll(file, &request->table) & request->mask;
    if (*result) {
        poll_unhook(request);
        kfree(request);
        return 0;
    }
    if (!request->nhooks) { /* it can never become ready */
        kfree(request);
        return -EINVAL;
    }
    mutex_lock(&context->lock);
    bool dead = atomic_load(&context->dead);
    if (!dead)
        list_add_tail(&context->polls, &request->link);
    if (!dead && atomic_load(&request->ready)) { /* before it could be found in the list */
        atomic_store(&context->kicked, true);
        wake_all(&context->wait);
    }
    mutex_unlock(&context->lock);
    if (!dead)
        return 0;
    poll_unhook(request);
    kfree(request);
    return -EINVAL;
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
    if (!err && block->command == CMD_POLL) {
        err = start_poll(context, block, at, file, tell, &event.result);
        if (!err && !event.result)
            return 0;
    } else if (!err) {
        err = run(file, block, &event.result);
    }
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

SYSCALL(io_submit, 3, SYSCALL_WHOLE, "")
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

    if (user_get32(a1 + offsetof(struct block, key), &key) < 0)
        return -EFAULT;
    struct context *context = key ? NULL : find(a0);
    if (!context)
        return -EINVAL;
    /* Only polls are ever under way. */
    bool any = false;
    end_polls(context, a1, &any);
    if (any)
        wake_all(&context->wait);
    put(context);
    return any ? -EINPROGRESS : -EINVAL;
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
        collect_polls(context);
        int64_t n = take_events(context, most - have, to + (uint64_t)have * sizeof(struct event));
        if (n < 0)
            return have ? have : n;
        have += n;
        if (have >= least || have == most || !deadline)
            return have;
        int err = WAIT_EVENT(&context->wait,
                             atomic_load(&context->count) || atomic_load(&context->dead) ||
                                 atomic_load(&context->kicked),
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

static const struct pseudo_entry files[] = {
    PSEUDO_FILE("aio-nr", show_total),
    IPC_LIMIT("aio-max-nr", events_max),
};

static int aio_start(void)
{
    static struct pseudo_group group = {files, ARRAY_SIZE(files), NULL};

    pseudo_register_group(proc_folder("sys/fs"), &group);
    return 0;
}
BOOT_STEP(PHASE_FS, "asynchronous I/O", aio_start);
