/* fs/inode.c: inodes: life, permission, times. */
#include "fs/vfs.h"

#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "mm/heap.h"

static const struct credentials root_credentials = {
    .cap_effective = ~0ull,
    .cap_permitted = ~0ull,
    .cap_bounding = ~0ull,
};
static struct vfs_caller root_caller = {
    .cred = &root_credentials,
    .root = &vfs_root,
    .cwd = &vfs_root,
    .mounts = &first_mounts,
    .umask = 022,
    .file_size_limit = UINT64_MAX,
};

static struct vfs_caller *kernel_caller(void)
{
    return &root_caller;
}

struct vfs_caller *(*vfs_caller_hook)(void) = kernel_caller;
void (*vfs_sigpipe_hook)(void);
void (*vfs_sigxfsz_hook)(void);
void (*vfs_lease_hook)(struct file *file, int fd);

bool cred_has_group(const struct credentials *cred, uint32_t gid)
{
    const struct group_set *set = cred->groups;
    uint32_t low = 0, high = set ? set->n : 0;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (set->ids[middle] == gid)
            return true;
        if (set->ids[middle] < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool cred_in_group(const struct credentials *cred, uint32_t gid)
{
    return cred->fsgid == gid || cred_has_group(cred, gid);
}

struct timespec timespec_now(void)
{
    nsec_t now = clock_realtime();
    return (struct timespec){now / 1000000000, now % 1000000000};
}

/* An inode's pages belong to its file system; a mapping of them keeps the inode. */
void inode_init(struct inode *inode, struct super *super, uint32_t mode)
{
    inode->super = super;
    if (super)
        atomic_fetch_add_explicit(&super->inodes, 1, memory_order_relaxed);
    inode->mode = mode;
    inode->nlink = 1;
    atomic_init(&inode->refs, 1);
    list_init(&inode->locks);
    waitqueue_init(&inode->lock_wait);
}

void inode_get(struct inode *inode)
{
    atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
}

bool inode_try_get(struct inode *inode)
{
    unsigned refs = atomic_load_explicit(&inode->refs, memory_order_relaxed);
    while (refs) {
        if (atomic_compare_exchange_weak_explicit(&inode->refs, &refs, refs + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

void inode_put(struct inode *inode)
{
    if (!inode || atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel) != 1)
        return;
    kfree(atomic_load_explicit(&inode->link, memory_order_relaxed));
    struct super *super = inode->super;
    if (inode->ops->destroy)
        inode->ops->destroy(inode);
    if (super)
        super_drop_inode(super);
}

static int permission_by_mode(const struct inode *inode, int mask, const struct credentials *cred)
{
    uint32_t mode = inode->mode;
    if (cred->fsuid == inode->uid)
        mode >>= 6;
    else if ((mode >> 3 & 7) != (mode & 7) && cred_in_group(cred, inode->gid))
        mode >>= 3;
    return (mask & ~mode & 7) == 0 ? 0 : -EACCES;
}

/* Capabilities that stand in for missing mode bits (man 7 capabilities). */
static int permission_by_capability(const struct inode *inode, int mask,
                                    const struct credentials *cred)
{
    bool is_dir = (inode->mode & S_IFMT) == S_IFDIR;
    if (cred_has(cred, VFS_CAP_DAC_OVERRIDE) && (is_dir || !(mask & 1) || (inode->mode & 0111)))
        return 0;
    if (cred_has(cred, VFS_CAP_DAC_READ_SEARCH) && (is_dir ? !(mask & 2) : mask == 4))
        return 0;
    return -EACCES;
}

int inode_permission_as(const struct inode *inode, int mask, const struct credentials *cred)
{
    if (mask & 2 && unlikely(inode->super && inode->super->readonly)) {
        uint32_t type = inode->mode & S_IFMT;
        if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)
            return -EROFS;
    }
    if (mask & 2 && unlikely(inode->flags & INODE_IMMUTABLE))
        return -EPERM;
    if (permission_by_mode(inode, mask, cred) == 0 ||
        (!(inode->flags & INODE_BY_MODE) && permission_by_capability(inode, mask, cred) == 0))
        return 0;
    return inode->ops->allows && inode->ops->allows(inode) ? 0 : -EACCES;
}

int inode_permission(struct inode *inode, int mask)
{
    return inode_permission_as(inode, mask, vfs_caller_hook()->cred);
}

void inode_set(struct inode *inode, const struct attributes *attr)
{
    if (attr->mask & ATTR_MODE)
        inode->mode = (inode->mode & ~07777u) | (attr->mode & 07777);
    if (attr->mask & ATTR_UID)
        inode->uid = attr->uid;
    if (attr->mask & ATTR_GID)
        inode->gid = attr->gid;
    if (attr->mask & ATTR_ATIME)
        inode->atime = attr->atime;
    if (attr->mask & ATTR_MTIME)
        inode->mtime = attr->mtime;
    if (attr->mask & ATTR_CTIME)
        inode->ctime = attr->ctime;
}

void inode_touch(struct inode *inode, bool modified)
{
    struct timespec now = timespec_now();
    inode->ctime = now;
    if (modified)
        inode->mtime = now;
}
