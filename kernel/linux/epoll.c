/* linux/epoll.c: epoll(7).
 *
 * An item watches one (file, descriptor) and hooks on the file's wait queues. A wake-up puts the
 * item on its epoll's ready list (any context, ready_lock); epoll_wait() takes items off the list,
 * asks each file what holds now, and puts level-triggered ones that had something back at the end.
 *
 * Locks: watch_mutex (ends of files and epolls, nesting) -> epoll.lock (items) -> the lock of a
 * wait queue -> ready_lock -> the locks of epoll.wait and epoll.pollers. An epoll that is watched
 * by another has its lock taken inside the other's; that they form no circle is checked when they
 * are nested. */
#include "linux/epoll.h"

#include "core/boot.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/signalfd.h"
#include "linux/syscall.h"
#include "linux/time.h"
#include "linux/watch.h"
#include "mm/heap.h"

enum {
    EPOLL_NESTED_MAX = 5,
    EPOLL_HOOKS_FIRST = 2,
};
#define EPOLLEXCLUSIVE 0x10000000u
#define EPOLLWAKEUP    0x20000000u
#define EPOLLONESHOT   0x40000000u
#define EPOLLET        0x80000000u
#define EPOLL_PRIVATE  (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EXCLUSIVE_OK   (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
    struct file *file; /* the epoll's own; it owns the epoll */
    struct mutex lock;
    struct rb_tree items;
    struct spinlock ready_lock;
    struct list ready;
    atomic_uint nready;
    struct waitqueue wait;    /* epoll_wait() */
    struct waitqueue pollers; /* who polls the epoll itself */
};

struct item;
struct hook {
    struct waiter waiter;
    struct waitqueue *_Atomic queue; /* NULL: it was freed */
    struct item *item;
    struct hook *next;
};
struct item {
    struct rb_node node; /* by file and fd */
    struct file_watcher watcher;
    struct list ready_link;
    bool ready;                           /* in the list; under ready_lock */
    const struct thread *_Atomic polling; /* looks at it now */
    struct epoll *ep;
    struct file *file; /* without a reference: watcher says when it goes */
    int fd;
    atomic_uint events;
    uint64_t data;
    struct poll_table table;
    int hook_err;
    unsigned nhooks;
    struct hook first[EPOLL_HOOKS_FIRST];
    struct hook *more;
};

static struct kcache epoll_cache = {.name = "epoll", .size = sizeof(struct epoll)};
static struct kcache item_cache = {.name = "epoll_item", .size = sizeof(struct item)};
static const struct file_ops epoll_ops;

/* --- the ready list
 * --------------------------------------------------------------------------------------- */

/* Under ready_lock. */
static void ready_push(struct epoll *ep, struct item *item)
{
    if (item->ready)
        return;
    item->ready = true;
    list_add_tail(&ep->ready, &item->ready_link);
    atomic_store_explicit(&ep->nready, ep->nready + 1, memory_order_release);
}

static void ready_drop(struct epoll *ep, struct item *item)
{
    if (!item->ready)
        return;
    item->ready = false;
    list_del(&item->ready_link);
    atomic_store_explicit(&ep->nready, ep->nready - 1, memory_order_release);
}

static void ready_add(struct epoll *ep, struct item *item)
{
    uint64_t flags = spin_lock_irq(&ep->ready_lock);
    ready_push(ep, item);
    spin_unlock_irq(&ep->ready_lock, flags);
}

/* Take the oldest off; NULL: none. */
static struct item *ready_take(struct epoll *ep)
{
    struct item *item = NULL;
    uint64_t flags = spin_lock_irq(&ep->ready_lock);
    if (!list_empty(&ep->ready)) {
        item = list_first(&ep->ready, struct item, ready_link);
        ready_drop(ep, item);
    }
    spin_unlock_irq(&ep->ready_lock, flags);
    return item;
}

/* Put one back where it was: at the front. */
static void ready_untake(struct epoll *ep, struct item *item)
{
    uint64_t flags = spin_lock_irq(&ep->ready_lock);
    if (!item->ready) {
        item->ready = true;
        list_add(&ep->ready, &item->ready_link);
        atomic_store_explicit(&ep->nready, ep->nready + 1, memory_order_release);
    }
    spin_unlock_irq(&ep->ready_lock, flags);
}

/* Tell one waiter, and all who watch the epoll; true if a waiter took it. */
static bool wake(struct epoll *ep)
{
    bool taken = waitqueue_wake(&ep->wait, 1, POLLIN) > 0;
    waitqueue_wake(&ep->pollers, 0, POLLIN | POLLRDNORM);
    return taken;
}

/* The queue's wake-up, under its lock. An exclusive item takes it only if somebody waits here. */
static bool notify(struct waiter *waiter, unsigned events)
{
    struct hook *hook = waiter->data;
    struct item *item = hook->item;
    struct epoll *ep = item->ep;
    if (unlikely(events & POLLFREE)) {
        list_del(&waiter->link);
        atomic_store_explicit(&hook->queue, NULL, memory_order_release);
    }
    uint32_t wanted = atomic_load_explicit(&item->events, memory_order_relaxed);
    if (!(wanted & ~EPOLL_PRIVATE) || (events && !(events & wanted)))
        return false;
    /* What a look at the file brings about itself (a socket that works off what has arrived), that
     * look sees: telling it again would be one edge too many. */
    if (atomic_load_explicit(&item->polling, memory_order_relaxed) == current && !in_interrupt())
        return false;
    uint64_t flags = spin_lock_irq(&ep->ready_lock);
    ready_push(ep, item);
    spin_unlock_irq(&ep->ready_lock, flags);
    bool taken = wake(ep);
    return taken || !(wanted & EPOLLEXCLUSIVE);
}

/* --- items
 * ------------------------------------------------------------------------------------------------
 */

static struct hook *new_hook(struct item *item)
{
    if (item->nhooks < EPOLL_HOOKS_FIRST)
        return &item->first[item->nhooks++];
    struct hook *hook = kzalloc(sizeof(*hook));
    if (hook) {
        hook->next = item->more;
        item->more = hook;
    }
    return hook;
}

static void hook_queue(struct poll_table *table, struct waitqueue *queue)
{
    struct item *item = container_of(table, struct item, table);
    struct hook *hook = new_hook(item);
    if (!hook) {
        item->hook_err = -ENOMEM;
        return;
    }
    hook->item = item;
    hook->waiter =
        (struct waiter){.notify = notify, .exclusive = item->events & EPOLLEXCLUSIVE, .data = hook};
    atomic_init(&hook->queue, queue);
    waitqueue_add(queue, &hook->waiter);
}

static void unhook_one(struct hook *hook)
{
    rcu_read_lock(); /* a queue that says POLLFREE stays until readers have ended */
    struct waitqueue *queue = rcu_load(hook->queue);
    if (queue)
        waitqueue_remove(queue, &hook->waiter);
    rcu_read_unlock();
}

static void unhook(struct item *item)
{
    for (unsigned i = 0; i < item->nhooks; i++)
        unhook_one(&item->first[i]);
    while (item->more) {
        struct hook *hook = item->more;
        item->more = hook->next;
        unhook_one(hook);
        kfree(hook);
    }
}

static int compare(const struct item *item, const struct file *file, int fd)
{
    if (item->file != file)
        return (uintptr_t)file < (uintptr_t)item->file ? -1 : 1;
    return fd < item->fd ? -1 : fd > item->fd;
}

static struct item *find(struct epoll *ep, const struct file *file, int fd)
{
    struct rb_node *node = ep->items.root;
    while (node) {
        struct item *item = container_of(node, struct item, node);
        int side = compare(item, file, fd);
        if (!side)
            return item;
        node = side < 0 ? node->left : node->right;
    }
    return NULL;
}

static void insert(struct epoll *ep, struct item *item)
{
    struct rb_node *parent = NULL, **link = &ep->items.root;
    while (*link) {
        parent = *link;
        struct item *at = container_of(parent, struct item, node);
        link = compare(at, item->file, item->fd) < 0 ? &parent->left : &parent->right;
    }
    rb_insert(&ep->items, &item->node, parent, link);
}

/* Under ep->lock. */
static void item_remove(struct epoll *ep, struct item *item)
{
    unhook(item);
    watch_remove(item->file, &item->watcher);
    rb_remove(&ep->items, &item->node);
    uint64_t flags = spin_lock_irq(&ep->ready_lock);
    ready_drop(ep, item);
    spin_unlock_irq(&ep->ready_lock, flags);
    kcache_free(&item_cache, item);
}

static void item_file_gone(struct file_watcher *watcher, struct file *file)
{
    struct item *item = container_of(watcher, struct item, watcher);
    struct epoll *ep = item->ep;
    mutex_lock(&ep->lock);
    item_remove(ep, item);
    mutex_unlock(&ep->lock);
}

/* What holds now of what the item asks for. */
static uint32_t item_poll(struct item *item, struct poll_table *table)
{
    atomic_store_explicit(&item->polling, current, memory_order_relaxed);
    uint32_t events = file_poll(item->file, table) & item->events;
    atomic_store_explicit(&item->polling, NULL, memory_order_relaxed);
    return events;
}

/* --- epoll_ctl
 * -------------------------------------------------------------------------------------------- */

static int add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
    struct item *item = kcache_alloc(&item_cache);
    if (!item)
        return -ENOMEM;
    item->ep = ep;
    item->file = file;
    item->fd = fd;
    item->data = event->data;
    item->watcher.gone = item_file_gone;
    item->table.wait = hook_queue;
    list_init(&item->ready_link);
    atomic_init(&item->events, event->events);
    insert(ep, item);
    watch_add(file, &item->watcher);
    uint32_t now = item_poll(item, &item->table);
    if (item->hook_err) {
        item_remove(ep, item);
        return -ENOMEM;
    }
    if (now) {
        ready_add(ep, item);
        wake(ep);
    }
    return 0;
}

static int modify(struct epoll *ep, struct item *item, const struct epoll_event *event)
{
    if ((item->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    item->data = event->data;
    atomic_store(&item->events, event->events);
    if (item_poll(item, NULL)) {
        ready_add(ep, item);
        wake(ep);
    }
    return 0;
}

/* Under ep->lock. */
static int control(struct epoll *ep, int op, struct file *file, int fd,
                   const struct epoll_event *event)
{
    struct item *item = find(ep, file, fd);
    switch (op) {
    case EPOLL_CTL_ADD:
        return item ? -EEXIST : add(ep, file, fd, event);
    case EPOLL_CTL_MOD:
        return item ? modify(ep, item, event) : -ENOENT;
    case EPOLL_CTL_DEL:
        if (item)
            item_remove(ep, item);
        return item ? 0 : -ENOENT;
    default:
        return -EINVAL;
    }
}

static struct epoll *epoll_of(struct file *file)
{
    return file->ops == &epoll_ops ? file->data : NULL;
}

__cold int epoll_target(struct file *file, int fd, unsigned nth, struct file **target)
{
    struct epoll *ep = epoll_of(file);
    int error = -ENOENT;

    if (!ep)
        return -EINVAL;
    mutex_lock(&ep->lock);
    for (struct rb_node *node = rb_first(&ep->items); node && error; node = rb_next(node)) {
        const struct item *item = container_of(node, struct item, node);
        if (item->fd == fd && nth-- == 0) {
            *target = item->file;
            error = 0;
        }
    }
    mutex_unlock(&ep->lock);
    return error;
}

/* How many epolls stand on each other from ep down; -ELOOP if `top` is among them or they are too
 * many. Under watch_mutex, which nested epolls are added under. */
static __cold int depth_below(struct epoll *ep, const struct epoll *top, int depth)
{
    if (ep == top || depth > EPOLL_NESTED_MAX)
        return -ELOOP;
    int deepest = 1;
    mutex_lock(&ep->lock);
    for (struct rb_node *node = rb_first(&ep->items); node && deepest > 0; node = rb_next(node)) {
        struct epoll *below = epoll_of(container_of(node, struct item, node)->file);
        if (!below)
            continue;
        int found = depth_below(below, top, depth + 1);
        deepest = found < 0 ? found : MAX(deepest, found + 1);
    }
    mutex_unlock(&ep->lock);
    return deepest;
}

/* How many epolls watch this one, directly or through others: the longest way up. */
static __cold int height_above(const struct epoll *ep)
{
    int highest = 0;
    list_for_each_entry (struct file_watcher, watcher, &ep->file->watchers, link) {
        if (watcher->gone == item_file_gone)
            highest =
                MAX(highest, 1 + height_above(container_of(watcher, struct item, watcher)->ep));
    }
    return highest;
}

static int control_nested(struct epoll *ep, int op, struct file *file, int fd,
                          const struct epoll_event *event)
{
    mutex_lock(&watch_mutex);
    int depth = op == EPOLL_CTL_ADD ? depth_below(epoll_of(file), ep, 1) : 0;
    if (depth > 0 && depth + 1 + height_above(ep) > EPOLL_NESTED_MAX)
        depth = -ELOOP;
    if (depth >= 0) {
        mutex_lock(&ep->lock);
        depth = control(ep, op, file, fd, event);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&watch_mutex);
    return depth;
}

static int check_event(struct epoll_event *event, int op, struct file *file)
{
    if (event->events & EPOLLWAKEUP && !capable(CAP_BLOCK_SUSPEND))
        event->events &= ~EPOLLWAKEUP;
    if (event->events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD ||
         (op == EPOLL_CTL_ADD && (epoll_of(file) || event->events & ~(uint32_t)EXCLUSIVE_OK))))
        return -EINVAL;
    event->events |= POLLERR | POLLHUP;
    return 0;
}

static int64_t do_control(struct file *ep_file, int op, struct file *file, int fd,
                          struct epoll_event *event)
{
    struct epoll *ep = epoll_of(ep_file);
    if (!file->ops->poll)
        return -EPERM;
    if (!ep || file == ep_file)
        return -EINVAL;
    int err = op != EPOLL_CTL_DEL ? check_event(event, op, file) : 0;
    if (err)
        return err;
    if (epoll_of(file))
        return control_nested(ep, op, file, fd, event);
    mutex_lock(&ep->lock);
    err = control(ep, op, file, fd, event);
    mutex_unlock(&ep->lock);
    return err;
}

int64_t epoll_control(int epfd, int op, int fd, struct epoll_event *event)
{
    struct fd_ref ep = fd_borrow(epfd);
    if (!ep.file)
        return -EBADF;
    int64_t result = -EBADF;
    struct fd_ref ref = fd_borrow(fd);
    if (ref.file) {
        result = do_control(ep.file, op, ref.file, fd, event);
        fd_return(ref);
    }
    fd_return(ep);
    return result;
}

SYSCALL(epoll_ctl, 4, SYSCALL_WHOLE, "")
{
    struct epoll_event event = {};
    int op = (int)a1;
    if (op != EPOLL_CTL_DEL && user_read(&event, a3, sizeof(event)) < 0)
        return -EFAULT;
    return epoll_control((int)a0, op, (int)a2, &event);
}

/* --- epoll_wait
 * ------------------------------------------------------------------------------------------- */

/* What holds now of an item that was taken off the ready list. An edge that came while we looked
 * (another thread was taking in what has arrived) is one that the next look sees: told once. */
static uint32_t look(struct epoll *ep, struct item *item)
{
    uint32_t events = item_poll(item, NULL);
    if (unlikely(item->ready) && item->events & EPOLLET) {
        uint64_t flags = spin_lock_irq(&ep->ready_lock);
        ready_drop(ep, item);
        spin_unlock_irq(&ep->ready_lock, flags);
        events = item_poll(item, NULL);
    }
    return events;
}

/* Look at each item that was in the ready list at the start, once. */
static int collect(struct epoll *ep, uintptr_t addr, int max)
{
    int count = 0;
    mutex_lock(&ep->lock);
    for (unsigned left = ep->nready; left > 0 && count < max; left--) {
        struct item *item = ready_take(ep);
        if (!item)
            break;
        struct epoll_event event = {.events = look(ep, item), .data = item->data};
        if (!event.events)
            continue;
        if (user_write(addr + (unsigned)count * sizeof(event), &event, sizeof(event)) < 0) {
            ready_untake(ep, item);
            count = count ? count : -EFAULT;
            break;
        }
        count++;
        if (item->events & EPOLLONESHOT)
            atomic_fetch_and(&item->events, EPOLL_PRIVATE);
        else if (!(item->events & EPOLLET))
            ready_add(ep, item);
    }
    mutex_unlock(&ep->lock);
    if (count > 0 && ep->nready)
        waitqueue_wake(&ep->wait, 1, POLLIN); /* there is more than we took, or may be */
    return count;
}

/* deadline 0: just look. */
static int64_t wait_until(struct epoll *ep, uintptr_t addr, int max, nsec_t deadline)
{
    bool over = !deadline;
    for (;;) {
        int count = ep->nready ? collect(ep, addr, max) : 0;
        if (count || over)
            return count;
        int err = WAIT_EVENT(&ep->wait, ep->nready, WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, deadline);
        if (err == -EINTR)
            return -EINTR;
        over = err == -ETIMEDOUT;
    }
}

static int64_t do_wait(int fd, uintptr_t addr, int max, nsec_t deadline)
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    struct epoll *ep = epoll_of(ref.file);
    int64_t result = -EINVAL;
    if (max > 0 && max <= INT32_MAX / (int)sizeof(struct epoll_event)) {
        if (!user_range_ok(addr, (size_t)max * sizeof(struct epoll_event)))
            result = -EFAULT;
        else if (ep)
            result = wait_until(ep, addr, max, deadline);
    }
    fd_return(ref);
    return result;
}

static nsec_t deadline_ms(int timeout_ms)
{
    if (timeout_ms <= 0)
        return timeout_ms ? NSEC_FOREVER : 0;
    return clock_monotonic() + timeout_ms * 1000000ll;
}

SYSCALL(epoll_wait, 4, SYSCALL_WHOLE, "")
{
    return do_wait((int)a0, a1, (int)a2, deadline_ms((int)a3));
}

static int64_t wait_masked(int fd, uintptr_t addr, int max, nsec_t deadline, uintptr_t mask_addr,
                           size_t size)
{
    uint64_t mask;
    if (!mask_addr)
        return do_wait(fd, addr, max, deadline);
    if (size != sizeof(mask))
        return -EINVAL;
    if (user_get64(mask_addr, &mask) < 0)
        return -EFAULT;
    signal_set_temporary_mask(mask);
    int64_t result = do_wait(fd, addr, max, deadline);
    signal_restore_mask(result == -EINTR);
    return result;
}

SYSCALL(epoll_pwait, 6, SYSCALL_WHOLE, "")
{
    return wait_masked((int)a0, a1, (int)a2, deadline_ms((int)a3), a4, a5);
}

SYSCALL(epoll_pwait2, 6, SYSCALL_WHOLE, "")
{
    nsec_t timeout = NSEC_FOREVER;
    int err = a3 ? time_get(a3, &timeout) : 0;
    if (err)
        return err;
    nsec_t deadline = timeout ? nsec_add(clock_monotonic(), timeout) : 0;
    return wait_masked((int)a0, a1, (int)a2, deadline, a4, a5);
}

/* --- the epoll's own file
 * ----------------------------------------------------------------------------------- */

/* Items in the ready list may have nothing any more: those are dropped. */
static unsigned epoll_poll(struct file *file, struct poll_table *table)
{
    struct epoll *ep = file->data;
    unsigned found = 0;
    poll_wait(table, &ep->pollers);
    if (!ep->nready)
        return 0;
    mutex_lock(&ep->lock);
    for (unsigned left = ep->nready; left > 0 && !found; left--) {
        struct item *item = ready_take(ep);
        if (!item)
            break;
        if (item_poll(item, NULL)) {
            ready_untake(ep, item);
            found = POLLIN | POLLRDNORM;
        }
    }
    mutex_unlock(&ep->lock);
    return found;
}

static void epoll_release(struct file *file)
{
    struct epoll *ep = file->data;
    struct rb_node *node;
    mutex_lock(&watch_mutex);
    mutex_lock(&ep->lock);
    while ((node = rb_first(&ep->items)))
        item_remove(ep, container_of(node, struct item, node));
    mutex_unlock(&ep->lock);
    mutex_unlock(&watch_mutex);
    kcache_free(&epoll_cache, ep);
}

static __cold int epoll_fdinfo(struct file *file, char *buf, size_t size)
{
    struct epoll *ep = file->data;
    size_t len = 0;
    mutex_lock(&ep->lock);
    for (struct rb_node *node = rb_first(&ep->items); node && len < size; node = rb_next(node)) {
        struct item *item = container_of(node, struct item, node);
        len += (size_t)snprintf(
            buf + len, size - len, "tfd: %8d events: %8x data: %16lx  pos:%li ino:%lx sdev:%x\n",
            item->fd, item->events, item->data, item->file->pos, item->file->inode->ino,
            item->file->inode->super ? item->file->inode->super->dev : 0);
    }
    mutex_unlock(&ep->lock);
    return (int)MIN(len, size);
}

static int64_t epoll_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    (void)file, (void)cmd, (void)arg;
    return -EINVAL;
}

static const struct file_ops epoll_ops = {
    .ioctl = epoll_ioctl,
    .seek = file_seek_nowhere,
    .poll = epoll_poll,
    .release = epoll_release,
    .fdinfo = epoll_fdinfo,
};

static int open_epoll(struct file **file)
{
    struct epoll *ep = kcache_alloc(&epoll_cache);
    if (!ep)
        return -ENOMEM;
    list_init(&ep->ready);
    waitqueue_init(&ep->wait);
    waitqueue_init(&ep->pollers);
    int err = file_anonymous("anon_inode:[eventpoll]", &epoll_ops, 0600, O_RDWR, ep, file);
    if (err)
        kcache_free(&epoll_cache, ep);
    else
        ep->file = *file;
    return err;
}

static int64_t create(int flags)
{
    if (flags & ~O_CLOEXEC)
        return -EINVAL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    int err = open_epoll(&file);
    return fd_finish(fd, err, file, flags & O_CLOEXEC);
}

SYSCALL(epoll_create, 1, SYSCALL_WHOLE, "")
{
    return (int)a0 <= 0 ? -EINVAL : create(0);
}

SYSCALL(epoll_create1, 1, SYSCALL_WHOLE, "")
{
    return create((int)a0);
}
