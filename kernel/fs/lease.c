/* fs/lease.c: leases on open files. */
#include "fs/lease.h"

#include "fs/dentry.h"
#include "fs/lock.h"
#include "fs/namei.h"
#include "mm/heap.h"

struct lease {
    struct lease *_Atomic next; /* of the inode */
    struct file *file;
    int type, fd;
    int target;      /* what it is to become, while it is being broken */
    nsec_t deadline; /* 0: nobody wants it */
};

unsigned lease_break_time = 45, leases_enabled = 1;
static struct mutex leases_lock; /* over all leases */
static atomic_uint changes;

static struct inode *inode_of(const struct file *file)
{
    return file->path.dentry->inode;
}

/* --- leases_lock held */

static void unlink_lease(struct inode *inode, struct lease *lease)
{
    struct lease *_Atomic *at = &inode->leases;
    while (*at != lease)
        at = &(*at)->next;
    *at = lease->next;
    kfree(lease);
}

static void changed(struct inode *inode)
{
    atomic_fetch_add(&changes, 1);
    wake_all(&inode->lock_wait);
}

static struct lease *find(struct inode *inode, const struct file *file)
{
    struct lease *lease = inode->leases;
    while (lease && lease->file != file)
        lease = lease->next;
    return lease;
}

/* Leases whose holders have not answered in time are what they should be. */
static void expire(struct inode *inode)
{
    struct lease *next;
    for (struct lease *lease = inode->leases; lease; lease = next) {
        next = lease->next;
        if (!lease->deadline || clock_monotonic() < lease->deadline)
            continue;
        lease->type = lease->target;
        lease->deadline = 0;
        if (lease->type == LOCK_NONE)
            unlink_lease(inode, lease);
    }
}

/* May the file have it, as the inode is open now? */
static int check_openers(const struct file *file, int type)
{
    const struct dentry *dentry = file->path.dentry;
    const struct inode *inode = dentry->inode;
    if (type == LOCK_READ)
        return atomic_load(&inode->writers) > 0 ? -EAGAIN : 0;
    for (const struct lease *l = inode->leases; l; l = l->next)
        if (l->file != file)
            return -EAGAIN;
    return atomic_load(&dentry->refs) > 1 ? -EAGAIN : 0;
}

static int give_up(struct inode *inode, const struct file *file)
{
    struct lease *lease = find(inode, file);
    if (!lease)
        return -EAGAIN;
    unlink_lease(inode, lease);
    changed(inode);
    return 0;
}

static int take(struct file *file, int type, int fd)
{
    struct inode *inode = inode_of(file);
    int err = check_openers(file, type);
    if (err < 0)
        return err;
    struct lease *lease = find(inode, file);
    for (const struct lease *l = inode->leases; l; l = l->next)
        if (l != lease && l->deadline && l->target == LOCK_NONE)
            return -EAGAIN; /* somebody waits to write */
    if (!lease) {
        lease = kzalloc(sizeof(*lease));
        if (!lease)
            return -ENOMEM;
        lease->file = file;
        lease->next = inode->leases;
        inode->leases = lease;
    }
    lease->type = type;
    lease->fd = fd;
    lease->deadline = 0;
    changed(inode);
    return 0;
}

/* --- for everybody */

int lease_set(struct file *file, int type, int fd)
{
    struct inode *inode = inode_of(file);
    const struct credentials *cred = vfs_caller_hook()->cred;
    if (type != LOCK_READ && type != LOCK_WRITE && type != LOCK_NONE)
        return -EINVAL;
    if (cred->fsuid != inode->uid && !cred_has(cred, VFS_CAP_LEASE))
        return -EACCES;
    if (!inode_is(inode, S_IFREG) || !leases_enabled)
        return -EINVAL;
    mutex_lock(&leases_lock);
    expire(inode);
    int err = type == LOCK_NONE ? give_up(inode, file) : take(file, type, fd);
    mutex_unlock(&leases_lock);
    return err;
}

int lease_get(struct file *file)
{
    struct inode *inode = inode_of(file);
    mutex_lock(&leases_lock);
    expire(inode);
    const struct lease *lease = find(inode, file);
    int type = !lease ? LOCK_NONE : lease->deadline ? lease->target : lease->type;
    mutex_unlock(&leases_lock);
    return type;
}

/* Ask all that are in the way to go. The last of their deadlines; 0: none is in the way. */
static nsec_t ask(struct inode *inode, bool writing)
{
    nsec_t last = 0;
    int target = writing ? LOCK_NONE : LOCK_READ;
    mutex_lock(&leases_lock);
    expire(inode);
    for (struct lease *l = inode->leases; l; l = l->next) {
        if (!writing && l->type == LOCK_READ)
            continue;
        if (!l->deadline || (writing && l->target != LOCK_NONE)) {
            bool asked = l->deadline;
            l->target = target;
            l->deadline = clock_monotonic() + lease_break_time * 1000000000ull;
            if (!asked)
                vfs_lease_hook(l->file, l->fd);
        }
        last = MAX(last, l->deadline);
    }
    mutex_unlock(&leases_lock);
    return last;
}

int lease_break(struct inode *inode, bool writing, bool nonblock)
{
    if (likely(!inode->leases))
        return 0;
    for (;;) {
        unsigned seen = atomic_load(&changes);
        nsec_t deadline = ask(inode, writing);
        if (!deadline)
            return 0;
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&inode->lock_wait, atomic_load(&changes) != seen, WAIT_INTERRUPTIBLE,
                             deadline);
        if (err == -EINTR)
            return -ERESTARTSYS;
    }
}

void lease_release(struct file *file)
{
    struct inode *inode = inode_of(file);
    mutex_lock(&leases_lock);
    give_up(inode, file);
    mutex_unlock(&leases_lock);
}
