/* fs/lock.c: advisory locks. All three kinds sit in one list of the inode; kinds do not see each
 * other, except POSIX and OFD locks, which conflict like one kind with different owners. */
#include "fs/lock.h"

#include "fs/namei.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum kind { POSIX, OFD, FLOCK };

struct lock {
    struct list link; /* inode->locks */
    struct list among_all;
    const struct inode *inode;
    enum kind kind;
    const void *owner;
    int type, pid;
    off_t start, end;
};

/* Who waits for whom, for the deadlock check of POSIX locks. */
struct waiting {
    struct list link;
    const void *owner, *holder;
};

static atomic_uint changes;     /* counts changes of any lock */
static struct mutex locks_lock; /* over all lists of locks */
static struct list all_waiting = LIST_INIT(all_waiting), all_locks = LIST_INIT(all_locks);
static struct kcache lock_cache = {.name = "file_lock", .size = sizeof(struct lock)};

static struct inode *inode_of(struct file *file)
{
    return file->path.dentry->inode;
}

static bool same_family(enum kind a, enum kind b)
{
    return (a == FLOCK) == (b == FLOCK);
}

static bool overlaps(const struct lock *l, off_t start, off_t end)
{
    return l->start <= end && l->end >= start;
}

static bool conflicts(const struct lock *l, const struct lock *want)
{
    if (want->type == LOCK_NONE) /* F_OFD_GETLK asks for its own */
        return l->kind == want->kind && l->owner == want->owner &&
               overlaps(l, want->start, want->end);
    return same_family(l->kind, want->kind) && l->owner != want->owner &&
           (l->type == LOCK_WRITE || want->type == LOCK_WRITE) &&
           overlaps(l, want->start, want->end);
}

/* --- locks_lock held */

static struct lock *find_conflict(struct inode *inode, const struct lock *want)
{
    list_for_each_entry (struct lock, l, &inode->locks, link) {
        if (conflicts(l, want))
            return l;
    }
    return NULL;
}

static void drop(struct lock *l)
{
    list_del(&l->link);
    list_del(&l->among_all);
    kcache_free(&lock_cache, l);
}

static bool is_mine(const struct lock *l, const struct lock *want)
{
    return l->kind == want->kind && l->owner == want->owner;
}

/* Cut [start, end] out of the owner's locks. spare: for a lock that falls in two; set to NULL when
 * used. Locks of the same type that touch the range are taken into *want instead. */
static void cut_out(struct inode *inode, struct lock *want, struct lock **spare)
{
    list_for_each_safe (at, next, &inode->locks) {
        struct lock *l = list_entry(at, struct lock, link);
        if (!is_mine(l, want))
            continue;
        off_t before = want->start ? want->start - 1 : 0;
        off_t after = want->end == INT64_MAX ? INT64_MAX : want->end + 1;
        if (l->type == want->type && overlaps(l, before, after)) {
            want->start = MIN(want->start, l->start);
            want->end = MAX(want->end, l->end);
            drop(l);
        } else if (overlaps(l, want->start, want->end)) {
            if (l->start >= want->start && l->end <= want->end) {
                drop(l);
            } else if (l->start < want->start && l->end > want->end) {
                struct lock *rest = *spare;
                *spare = NULL;
                *rest = *l;
                rest->start = want->end + 1;
                l->end = want->start - 1;
                list_add(&l->link, &rest->link);
                list_add(&l->among_all, &rest->among_all);
            } else if (l->start < want->start) {
                l->end = want->start - 1;
            } else {
                l->start = want->end + 1;
            }
        }
    }
}

/* Would waiting for the holder close a circle? */
static bool deadlocks(const void *owner, const void *holder)
{
    for (unsigned steps = 0; steps < 64; steps++) {
        const void *next = NULL;
        if (holder == owner)
            return true;
        list_for_each_entry (struct waiting, w, &all_waiting, link) {
            if (w->owner == holder)
                next = w->holder;
        }
        if (!next)
            return false;
        holder = next;
    }
    return false;
}

/* Sleep until some lock has changed since `seen`. */
static int wait_for(struct inode *inode, const struct lock *want, const void *holder, unsigned seen)
{
    struct waiting waiting = {.owner = want->owner, .holder = holder};
    mutex_lock(&locks_lock);
    bool circle = want->kind == POSIX && deadlocks(want->owner, holder);
    list_init(&waiting.link);
    if (want->kind == POSIX && !circle)
        list_add(&all_waiting, &waiting.link);
    mutex_unlock(&locks_lock);
    if (circle)
        return -EDEADLK;
    int err = WAIT_EVENT(&inode->lock_wait, atomic_load(&changes) != seen, WAIT_INTERRUPTIBLE,
                         NSEC_FOREVER);
    mutex_lock(&locks_lock);
    list_del(&waiting.link);
    mutex_unlock(&locks_lock);
    return err < 0 ? -ERESTARTSYS : 0;
}

static void changed(struct inode *inode)
{
    atomic_fetch_add(&changes, 1);
    wake_all(&inode->lock_wait);
}

/* One try to make the owner's locks as *want says: -EAGAIN with the conflict's owner in *holder. */
static int try_set(struct inode *inode, const struct lock *want, const void **holder)
{
    struct lock *fresh = kcache_alloc(&lock_cache), *spare = kcache_alloc(&lock_cache);
    int err = fresh && spare ? 0 : -ENOLCK;
    mutex_lock(&locks_lock);
    const struct lock *conflict = want->type == LOCK_NONE ? NULL : find_conflict(inode, want);
    if (err == 0 && conflict) {
        *holder = conflict->owner;
        err = -EAGAIN;
    } else if (err == 0) {
        *fresh = *want;
        cut_out(inode, fresh, &spare);
        if (want->type != LOCK_NONE) {
            list_add_tail(&inode->locks, &fresh->link);
            list_add_tail(&all_locks, &fresh->among_all);
            fresh->inode = inode;
            fresh = NULL;
        }
    }
    mutex_unlock(&locks_lock);
    if (fresh)
        kcache_free(&lock_cache, fresh);
    if (spare)
        kcache_free(&lock_cache, spare);
    return err;
}

static int set(struct inode *inode, const struct lock *want, bool wait)
{
    for (;;) {
        const void *holder;
        unsigned seen = atomic_load(&changes);
        int err = try_set(inode, want, &holder);
        if (err == 0)
            changed(inode);
        if (err != -EAGAIN || !wait)
            return err;
        err = wait_for(inode, want, holder, seen);
        if (err < 0)
            return err;
    }
}

int lock_set(struct file *file, const void *owner, bool ofd, const struct lock_range *range,
             bool wait)
{
    struct lock want = {
        .kind = ofd ? OFD : POSIX,
        .owner = owner,
        .type = range->type,
        .pid = range->pid,
        .start = range->start,
        .end = range->end,
    };
    return set(inode_of(file), &want, wait);
}

void lock_test(struct file *file, const void *owner, bool ofd, struct lock_range *range)
{
    struct lock want = {
        .kind = ofd ? OFD : POSIX,
        .owner = owner,
        .type = range->type,
        .start = range->start,
        .end = range->end,
    };
    mutex_lock(&locks_lock);
    const struct lock *l = find_conflict(inode_of(file), &want);
    if (l)
        *range = (struct lock_range){l->type, l->start, l->end, l->kind == OFD ? -1 : l->pid};
    else
        range->type = LOCK_NONE;
    mutex_unlock(&locks_lock);
}

int lock_flock(struct file *file, int type, int pid, bool wait)
{
    struct inode *inode = inode_of(file);
    struct lock want = {
        .kind = FLOCK,
        .owner = file,
        .type = type,
        .pid = pid,
        .end = INT64_MAX,
    };
    struct lock none = want;
    none.type = LOCK_NONE;
    const void *holder;
    int err = try_set(inode, &want, &holder);
    if (err == 0)
        changed(inode);
    if (err != -EAGAIN)
        return err;
    /* A conversion that has to wait, or fails, loses the old lock (man 2 flock). */
    set(inode, &none, false);
    return wait ? set(inode, &want, true) : -EAGAIN;
}

/* --- /proc/locks (man 5 proc) */

static int show_locks(struct text *text, const struct pseudo *self)
{
    unsigned n = 0;
    mutex_lock(&locks_lock);
    list_for_each_entry (struct lock, l, &all_locks, among_all) {
        uint32_t dev = l->inode->super->dev;
        text_printf(text, "%u: %-6s ADVISORY  %s %d %02x:%02x:%lu %ld ", ++n,
                    l->kind == POSIX ? "POSIX"
                    : l->kind == OFD ? "OFDLCK"
                                     : "FLOCK",
                    l->type == LOCK_WRITE ? "WRITE" : "READ", l->kind == OFD ? -1 : l->pid,
                    dev_major(dev), dev_minor(dev), l->inode->ino, l->start);
        text_printf(text, l->end == INT64_MAX ? "EOF\n" : "%ld\n", l->end);
    }
    mutex_unlock(&locks_lock);
    return 0;
}

static struct pseudo_entry locks_file = PSEUDO_FILE("locks", show_locks);

static int register_locks(void)
{
    proc_register(&locks_file);
    return 0;
}
BOOT_STEP(PHASE_BUS, "/proc/locks", register_locks);

/* --- the end */

static void release(struct inode *inode, const void *owner, bool posix)
{
    bool any = false;
    mutex_lock(&locks_lock);
    list_for_each_safe (at, next, &inode->locks) {
        struct lock *l = list_entry(at, struct lock, link);
        if (l->owner == owner && (l->kind == POSIX) == posix) {
            drop(l);
            any = true;
        }
    }
    mutex_unlock(&locks_lock);
    if (any)
        changed(inode);
}

void lock_release_owner(struct file *file, const void *owner)
{
    struct dentry *dentry = file->path.dentry;
    if (dentry && unlikely(!list_empty(&inode_of(file)->locks)))
        release(inode_of(file), owner, true);
}

void lock_release_file(struct file *file)
{
    release(inode_of(file), file, false);
}
