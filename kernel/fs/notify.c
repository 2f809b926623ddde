/* fs/notify.c: inotify: watches on inodes, a queue of events per inotify file. */
#include "fs/notify.h"

#include "fs/namei.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
    QUEUE_MAX = 16384,
    WATCHES_MAX = 65536,
    EVENT_MASK = 0xfff,
    FILE_EVENTS = 0x3b,
    FIONREAD = 0x541b
};

struct inotify {
    struct mutex lock; /* over events */
    struct waitqueue wait;
    struct list events, watches; /* watches under notify_lock */
    unsigned nevents, nwatches;
    int last_wd;
    bool overflow;
    atomic_uint refs;
};

struct watch {
    struct list of_inode, of_queue;
    struct inotify *queue;
    struct inode *inode; /* with a reference */
    int wd;
    uint32_t mask;
};

/* The watches of one inode hang on inode->watches. */
struct watch_list {
    struct list watches;
};

struct event {
    struct list link;
    int32_t wd;
    uint32_t mask, cookie, len; /* as the program reads them; the name follows, padded */
    char name[];
};
enum { EVENT_HEADER = 16 };

atomic_uint notify_watches;
static struct mutex notify_lock; /* over all watches */
static atomic_uint last_cookie;
static const struct file_ops inotify_ops;

uint32_t notify_cookie(void)
{
    return atomic_fetch_add_explicit(&last_cookie, 1, memory_order_relaxed) + 1;
}

/* --- the queue */

static bool same_event(const struct event *a, const struct event *b)
{
    return a->wd == b->wd && a->mask == b->mask && a->cookie == b->cookie && a->len == b->len &&
           memcmp(a->name, b->name, a->len) == 0;
}

static struct event *make_event(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
    size_t len = name ? ALIGN_UP(strlen(name) + 1, EVENT_HEADER) : 0;
    struct event *e = kzalloc(sizeof(*e) + len);
    if (!e)
        return NULL;
    e->wd = wd;
    e->mask = mask;
    e->cookie = cookie;
    e->len = len;
    if (name)
        strlcpy(e->name, name, len);
    return e;
}

static void queue_event(struct inotify *queue, int wd, uint32_t mask, uint32_t cookie,
                        const char *name)
{
    mutex_lock(&queue->lock);
    bool overflow = queue->nevents >= QUEUE_MAX;
    struct event *e = overflow ? NULL : make_event(wd, mask, cookie, name);
    if (!e && !queue->overflow) {
        queue->overflow = true;
        e = make_event(-1, IN_Q_OVERFLOW, 0, NULL);
    }
    if (e && !list_empty(&queue->events) &&
        same_event(e, list_entry(queue->events.prev, struct event, link))) {
        kfree(e); /* the same again and nobody has read it */
        e = NULL;
    }
    if (e) {
        list_add_tail(&queue->events, &e->link);
        queue->nevents++;
    }
    mutex_unlock(&queue->lock);
    if (e)
        waitqueue_wake(&queue->wait, 0, POLLIN | POLLRDNORM);
}

static void queue_put(struct inotify *queue)
{
    if (atomic_fetch_sub_explicit(&queue->refs, 1, memory_order_acq_rel) != 1)
        return;
    list_for_each_safe (at, next, &queue->events)
        kfree(list_entry(at, struct event, link));
    kfree(queue);
}

/* --- watches (notify_lock held) */

static struct watch_list *list_of(struct inode *inode)
{
    return atomic_load_explicit(&inode->watches, memory_order_acquire);
}

static void watch_free(struct watch *w)
{
    struct watch_list *list = list_of(w->inode);
    list_del(&w->of_inode);
    list_del(&w->of_queue);
    w->queue->nwatches--;
    if (list_empty(&list->watches)) {
        atomic_store_explicit(&w->inode->watches, NULL, memory_order_release);
        kfree(list);
    }
    atomic_fetch_sub_explicit(&notify_watches, 1, memory_order_relaxed);
    inode_put(w->inode);
    queue_put(w->queue);
    kfree(w);
}

/* Tell those watches that have no bit of `but`. */
static void tell_watches(struct inode *inode, uint32_t mask, uint32_t cookie, const char *name,
                         uint32_t but)
{
    struct watch_list *list = list_of(inode);
    if (!list)
        return;
    list_for_each_safe (at, next, &list->watches) {
        struct watch *w = list_entry(at, struct watch, of_inode);
        if (!(w->mask & mask & (EVENT_MASK | IN_UNMOUNT)) || w->mask & but)
            continue;
        queue_event(w->queue, w->wd, mask, cookie, name);
        bool last = next == &list->watches; /* the list itself goes with its last watch */
        if (w->mask & IN_ONESHOT) {
            queue_event(w->queue, w->wd, IN_IGNORED, 0, NULL);
            watch_free(w);
        }
        if (last)
            break;
    }
}

/* The file is gone for good: so are its watches. */
static void remove_watches(struct inode *inode)
{
    mutex_lock(&notify_lock);
    struct watch_list *list;
    while ((list = list_of(inode))) {
        struct watch *w = list_first(&list->watches, struct watch, of_inode);
        queue_event(w->queue, w->wd, IN_IGNORED, 0, NULL);
        watch_free(w);
    }
    mutex_unlock(&notify_lock);
}

/* --- for the VFS */

void notify_name_slow(struct inode *dir, const char *name, uint32_t mask, uint32_t cookie)
{
    mutex_lock(&notify_lock);
    tell_watches(dir, mask, cookie, name, 0);
    mutex_unlock(&notify_lock);
}

void notify_inode_slow(struct inode *inode, struct dentry *dentry, uint32_t mask)
{
    uint32_t dir = inode_is(inode, S_IFDIR) ? IN_ISDIR : 0, but = 0;
    if (dentry && dentry->unhashed && mask & FILE_EVENTS)
        but = IN_EXCL_UNLINK;
    mutex_lock(&notify_lock);
    /* A name that was removed is told of all the same. */
    if (dentry && !dentry->anonymous && dentry->parent != dentry)
        tell_watches(dentry->parent->inode, mask | dir, 0, dentry->name, but);
    tell_watches(inode, mask | (mask & (IN_DELETE_SELF | IN_MOVE_SELF) ? 0 : dir), 0, NULL, but);
    mutex_unlock(&notify_lock);
    if (mask & (IN_DELETE_SELF | IN_UNMOUNT) && !inode->nlink)
        remove_watches(inode);
}

void notify_last_slow(struct dentry *dentry)
{
    struct inode *inode = dentry->inode;
    if (inode && !inode->nlink && list_of(inode))
        notify_inode_slow(inode, NULL, IN_DELETE_SELF);
}

/* --- for system calls */

static struct watch *find_watch(struct inotify *queue, const struct inode *inode)
{
    list_for_each_entry (struct watch, w, &queue->watches, of_queue) {
        if (w->inode == inode)
            return w;
    }
    return NULL;
}

static int change_watch(struct watch *w, uint32_t mask)
{
    if (mask & IN_MASK_CREATE)
        return -EEXIST;
    w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
    return w->wd;
}

static int new_watch(struct inotify *queue, struct inode *inode, uint32_t mask)
{
    if (queue->nwatches >= WATCHES_MAX)
        return -ENOSPC;
    struct watch *w = kzalloc(sizeof(*w));
    struct watch_list *list = list_of(inode);
    if (w && !list) {
        list = kzalloc(sizeof(*list));
        if (list) {
            list_init(&list->watches);
            atomic_store_explicit(&inode->watches, list, memory_order_release);
        }
    }
    if (!w || !list) {
        kfree(w);
        return -ENOMEM;
    }
    *w = (struct watch){.queue = queue, .inode = inode, .wd = ++queue->last_wd, .mask = mask};
    atomic_fetch_add_explicit(&queue->refs, 1, memory_order_relaxed);
    inode_get(inode);
    list_add_tail(&list->watches, &w->of_inode);
    list_add_tail(&queue->watches, &w->of_queue);
    queue->nwatches++;
    atomic_fetch_add_explicit(&notify_watches, 1, memory_order_relaxed);
    return w->wd;
}

bool inotify_is(const struct file *file)
{
    return file->ops == &inotify_ops;
}

int inotify_add(struct file *file, const struct path *path, uint32_t mask)
{
    struct inode *inode = path->dentry->inode;
    if (mask & IN_ONLYDIR && !inode_is(inode, S_IFDIR))
        return -ENOTDIR;
    int err = inode_permission(inode, 4);
    if (err < 0)
        return err;
    struct inotify *queue = file->data;
    mutex_lock(&notify_lock);
    struct watch *w = find_watch(queue, inode);
    int wd = w ? change_watch(w, mask) : new_watch(queue, inode, mask);
    mutex_unlock(&notify_lock);
    return wd;
}

int inotify_remove(struct file *file, int wd)
{
    if (file->ops != &inotify_ops)
        return -EINVAL;
    struct inotify *queue = file->data;
    int err = -EINVAL;
    mutex_lock(&notify_lock);
    list_for_each_safe (at, next, &queue->watches) {
        struct watch *w = list_entry(at, struct watch, of_queue);
        if (w->wd != wd)
            continue;
        queue_event(queue, wd, IN_IGNORED, 0, NULL);
        watch_free(w);
        err = 0;
        break;
    }
    mutex_unlock(&notify_lock);
    return err;
}

/* --- the file */

/* Hand over the first event if it fits. Its size, or 0. Queue locked. */
static ssize_t take_event(struct inotify *queue, struct io *io)
{
    if (list_empty(&queue->events))
        return 0;
    struct event *e = list_first(&queue->events, struct event, link);
    size_t size = EVENT_HEADER + e->len;
    if (size > io->left)
        return -EINVAL;
    if (io_put(io, &e->wd, size) < size)
        return -EFAULT;
    if (e->mask == IN_Q_OVERFLOW)
        queue->overflow = false;
    list_del(&e->link);
    queue->nevents--;
    kfree(e);
    return size;
}

static ssize_t read_events(struct file *file, struct io *io, off_t *pos)
{
    struct inotify *queue = file->data;
    ssize_t total = 0;
    for (;;) {
        ssize_t n;
        mutex_lock(&queue->lock);
        while ((n = take_event(queue, io)) > 0)
            total += n;
        mutex_unlock(&queue->lock);
        if (total || n < 0)
            return total ? total : n;
        if (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK)
            return -EAGAIN;
        if (WAIT_EVENT(&queue->wait, !list_empty(&queue->events), WAIT_INTERRUPTIBLE,
                       NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
}

static unsigned poll_events(struct file *file, struct poll_table *table)
{
    struct inotify *queue = file->data;
    poll_wait(table, &queue->wait);
    return list_empty(&queue->events) ? 0 : POLLIN | POLLRDNORM;
}

static int64_t ioctl_events(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct inotify *queue = file->data;
    uint32_t bytes = 0;
    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&queue->lock);
    list_for_each_entry (struct event, e, &queue->events, link)
        bytes += EVENT_HEADER + e->len;
    mutex_unlock(&queue->lock);
    return user_put32(arg, bytes);
}

static void release_queue(struct file *file)
{
    struct inotify *queue = file->data;
    mutex_lock(&notify_lock);
    while (!list_empty(&queue->watches))
        watch_free(list_first(&queue->watches, struct watch, of_queue));
    mutex_unlock(&notify_lock);
    queue_put(queue);
}

static int show_watches(struct file *file, char *buf, size_t size)
{
    struct inotify *queue = file->data;
    int n = 0;
    mutex_lock(&notify_lock);
    list_for_each_entry (struct watch, w, &queue->watches, of_queue) {
        if ((size_t)n + 1 < size)
            n += snprintf(buf + n, size - n, "inotify wd:%x ino:%lx sdev:%x mask:%x\n", w->wd,
                          w->inode->ino, w->inode->super->dev, w->mask);
    }
    mutex_unlock(&notify_lock);
    return n;
}

static const struct file_ops inotify_ops = {
    .read = read_events,
    .poll = poll_events,
    .ioctl = ioctl_events,
    .release = release_queue,
    .fdinfo = show_watches,
};

int inotify_create(int flags, struct file **file)
{
    struct inotify *queue = kzalloc(sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    waitqueue_init(&queue->wait);
    list_init(&queue->events);
    list_init(&queue->watches);
    atomic_init(&queue->refs, 1);
    int err = file_anonymous("anon_inode:inotify", &inotify_ops, 0600,
                             O_RDONLY | (flags & O_NONBLOCK), queue, file);
    if (err < 0)
        kfree(queue);
    return err;
}
