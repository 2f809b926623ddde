/* fs/attr.c: attributes: who may see and change what. */
#include "fs/lease.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/string.h"

int vfs_getattr(const struct path *path, struct attributes *attr)
{
    struct inode *inode = path->dentry->inode;
    attr->mode = inode->mode & ~S_HAS_CAPS;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->nlink = inode->nlink;
    attr->blksize = PAGE_SIZE;
    attr->rdev = inode->rdev;
    attr->dev = inode->super ? inode->super->dev : 0;
    attr->ino = inode->ino;
    attr->size = inode->size;
    attr->blocks = ALIGN_UP(inode->size, PAGE_SIZE) / 512;
    attr->atime = inode->atime;
    attr->mtime = inode->mtime;
    attr->ctime = inode->ctime;
    attr->btime = inode->btime;
    return inode->ops->getattr ? inode->ops->getattr(inode, attr) : 0;
}

int vfs_get_flags(const struct path *path, uint32_t *flags)
{
    const struct inode *inode = path->dentry->inode;
    if (!inode->ops->set_flags || !(inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR)))
        return -ENOTTY;
    *flags = inode->flags;
    return 0;
}

static bool owns(const struct credentials *cred, const struct inode *inode)
{
    return cred->fsuid == inode->uid || cred_has(cred, VFS_CAP_FOWNER);
}

static int may_change_owner(const struct credentials *cred, const struct inode *inode,
                            const struct attributes *attr)
{
    if (cred_has(cred, VFS_CAP_CHOWN))
        return 0;
    bool owner = cred->fsuid == inode->uid;
    if (attr->mask & ATTR_UID && !(owner && attr->uid == inode->uid))
        return -EPERM;
    if (attr->mask & ATTR_GID &&
        !(owner && (attr->gid == inode->gid || cred_in_group(cred, attr->gid))))
        return -EPERM;
    return 0;
}

static int may_change_times(const struct credentials *cred, const struct inode *inode,
                            const struct attributes *attr)
{
    if (owns(cred, inode))
        return 0;
    if (!(attr->mask & ATTR_NOW))
        return -EPERM;
    return inode_permission_as(inode, 2, cred);
}

static uint32_t mode_without_set_id(const struct inode *inode, const struct credentials *cred)
{
    uint32_t mode = inode->mode & ~S_ISUID;
    if (mode & 010 || !(cred_in_group(cred, inode->gid) || cred_has(cred, VFS_CAP_FSETID)))
        mode &= ~S_ISGID;
    return mode;
}

/* Who writes to a file, or gives it away, takes its capabilities (man 7 capabilities). */
static __cold void drop_caps(struct inode *inode)
{
    inode->mode &= ~S_HAS_CAPS;
    inode->ops->setxattr(inode, XATTR_CAPS, NULL, 0, 0);
}

void inode_drop_set_id(struct inode *inode)
{
    const struct credentials *cred = vfs_caller_hook()->cred;
    if (inode->mode & S_HAS_CAPS)
        drop_caps(inode);
    if (inode->mode & (S_ISUID | S_ISGID) && !cred_has(cred, VFS_CAP_FSETID))
        inode->mode = mode_without_set_id(inode, cred);
}

/* What a change of mode or owner does to the set-id bits beside (man 2 chown, chmod). */
static void settle_mode(const struct credentials *cred, const struct inode *inode,
                        struct attributes *attr)
{
    if (attr->mask & ATTR_MODE) {
        uint32_t gid = attr->mask & ATTR_GID ? attr->gid : inode->gid;
        attr->mode = (inode->mode & ~07777u) | (attr->mode & 07777);
        if (!cred_in_group(cred, gid) && !cred_has(cred, VFS_CAP_FSETID))
            attr->mode &= ~S_ISGID;
    } else if (attr->mask & ATTR_OWNER && !inode_is(inode, S_IFDIR) &&
               inode->mode & (S_ISUID | S_ISGID)) {
        attr->mask |= ATTR_MODE;
        attr->mode = mode_without_set_id(inode, cred);
    }
}

static int check_change(const struct inode *inode, const struct attributes *attr)
{
    const struct credentials *cred = vfs_caller_hook()->cred;
    int err = 0;
    if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND) &&
        (attr->mask & (ATTR_MODE | ATTR_UID | ATTR_GID) || !(attr->mask & ATTR_NOW) ||
         inode->flags & INODE_IMMUTABLE))
        return -EPERM;
    if (attr->mask & ATTR_MODE && !owns(cred, inode))
        return -EPERM;
    if (attr->mask & (ATTR_UID | ATTR_GID))
        err = may_change_owner(cred, inode, attr);
    if (attr->mask & ATTR_OWNER && !inode_is(inode, S_IFDIR) && !owns(cred, inode) &&
        mode_without_set_id(inode, cred) != inode->mode)
        return -EPERM;
    if (err == 0 && attr->mask & (ATTR_ATIME | ATTR_MTIME))
        err = may_change_times(cred, inode, attr);
    return err;
}

/* Fill in what the caller left to now. */
static void settle_times(struct attributes *attr)
{
    struct timespec now = timespec_now();
    if (attr->mask & ATTR_NOW) {
        attr->atime = now;
        attr->mtime = now;
    }
    if (!(attr->mask & ATTR_CTIME))
        attr->ctime = now;
    attr->mask |= ATTR_CTIME;
}

int vfs_setattr(const struct path *path, const struct attributes *wanted)
{
    struct inode *inode = path->dentry->inode;
    struct attributes attr = *wanted;
    if (path->mount && path->mount->flags & MS_RDONLY)
        return -EROFS;
    if (inode->super && inode->super->readonly)
        return -EROFS;
    write_lock(&inode->lock);
    int err = check_change(inode, &attr);
    if (err == 0 && !inode->ops->setattr)
        err = -EPERM;
    if (err == 0) {
        settle_mode(vfs_caller_hook()->cred, inode, &attr);
        settle_times(&attr);
        if (attr.mask & ATTR_MODE && !owns(vfs_caller_hook()->cred, inode))
            err = -EPERM; /* CAP_CHOWN alone does not take set-id bits away */
    }
    if (err == 0) {
        err = inode->ops->setattr(inode, &attr);
        if (unlikely(inode->mode & S_HAS_CAPS) && err == 0 && attr.mask & ATTR_OWNER)
            drop_caps(inode);
    }
    write_unlock(&inode->lock);
    if (err == 0)
        notify_dentry(path->dentry, wanted->mask & ATTR_SIZE ? IN_MODIFY : IN_ATTRIB);
    return err;
}

__cold int vfs_set_flags(const struct path *path, uint32_t flags)
{
    struct inode *inode = path->dentry->inode;
    const struct credentials *cred = vfs_caller_hook()->cred;
    uint32_t old;
    int err = vfs_get_flags(path, &old);
    if (err < 0)
        return err;
    if (path->mount->flags & MS_RDONLY || inode->super->readonly)
        return -EROFS;
    if (!owns(cred, inode))
        return -EPERM;
    if (flags & ~(uint32_t)INODE_FLAGS)
        return -EOPNOTSUPP;
    if ((flags ^ old) & (INODE_IMMUTABLE | INODE_APPEND) &&
        !cred_has(cred, VFS_CAP_LINUX_IMMUTABLE))
        return -EPERM;
    write_lock(&inode->lock);
    err = inode->ops->set_flags(inode, flags);
    if (err == 0)
        inode_touch(inode, false);
    write_unlock(&inode->lock);
    return err;
}

int place_truncate(const struct path *path, uint64_t size)
{
    struct inode *inode = path->dentry->inode;
    struct attributes attr = {.mask = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size};
    if (size > vfs_caller_hook()->file_size_limit && size > inode->size) {
        if (vfs_sigxfsz_hook)
            vfs_sigxfsz_hook();
        return -EFBIG;
    }
    if (size > INT64_MAX)
        return -EINVAL;
    attr.mtime = attr.ctime = timespec_now();
    if (inode->flags & INODE_APPEND)
        return -EPERM;
    write_lock(&inode->lock);
    int err = inode->ops->setattr ? inode->ops->setattr(inode, &attr) : -EINVAL;
    if (err == 0)
        inode_drop_set_id(inode);
    write_unlock(&inode->lock);
    if (err == 0)
        notify_dentry(path->dentry, IN_MODIFY);
    return err;
}

__cold int vfs_truncate(const struct path *path, uint64_t size)
{
    struct inode *inode = path->dentry->inode;
    if (inode_is(inode, S_IFDIR))
        return -EISDIR;
    if (!inode_is(inode, S_IFREG))
        return -EINVAL;
    if (path->mount && path->mount->flags & MS_RDONLY)
        return -EROFS;
    int err = inode_permission(inode, 2);
    if (err < 0)
        return err;
    if (atomic_load_explicit(&inode->writers, memory_order_relaxed) < 0)
        return -ETXTBSY;
    err = lease_break(inode, true, false);
    if (err < 0)
        return err;
    return place_truncate(path, size);
}

int file_truncate(struct file *file, uint64_t size)
{
    if (!file_writable(file) || !inode_is(file->inode, S_IFREG))
        return -EINVAL;
    return place_truncate(&file->path, size);
}

int vfs_access(const struct path *path, int mask)
{
    struct inode *inode = path->dentry->inode;
    const struct credentials *cred = vfs_caller_hook()->cred;
    uint32_t type = inode->mode & S_IFMT;
    bool stored = type == S_IFREG || type == S_IFDIR || type == S_IFLNK;
    if (mask & 2 && stored && path->mount && path->mount->flags & MS_RDONLY)
        return -EROFS;
    if (mask & 1 && type == S_IFREG && path->mount && path->mount->flags & MS_NOEXEC)
        return -EACCES;
    return inode_permission_as(inode, mask, cred);
}

/* --- extended attributes (man 7 xattr) */

enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536, XATTR_CREATE = 1, XATTR_REPLACE = 2 };

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool caps_valid(const void *value, size_t size)
{
    uint32_t version = size >= sizeof(uint32_t) ? *(const uint32_t *)value >> 24 : 0;
    return (version == 2 && size == 20) ||
           (version == 3 && size == 24 && ((const uint32_t *)value)[5] != UINT32_MAX);
}

/* mask 4: reading, 2: changing. Reading what one may not know of is -ENODATA. */
static int check_xattr(const struct path *path, const char *name, int mask)
{
    struct inode *inode = path->dentry->inode;
    const struct credentials *cred = vfs_caller_hook()->cred;
    size_t len = strlen(name);
    if (!len || len > XATTR_NAME_MAX)
        return -ERANGE;
    if (mask & 2 && ((path->mount && path->mount->flags & MS_RDONLY) ||
                     (inode->super && inode->super->readonly)))
        return -EROFS;
    if (mask & 2 && inode->flags & (INODE_IMMUTABLE | INODE_APPEND))
        return -EPERM;
    bool admin = cred_has(cred, VFS_CAP_SYS_ADMIN), known = true;
    int err = 0;
    if (has_prefix(name, "security.")) {
        if (strcmp(name, XATTR_CAPS) == 0)
            admin = cred_has(cred, VFS_CAP_SETFCAP);
        err = mask & 2 && !admin ? -EPERM : 0;
    } else if (has_prefix(name, "trusted.")) {
        err = admin ? 0 : mask & 2 ? -EPERM : -ENODATA;
    } else if (has_prefix(name, "system.")) {
        known = mask == 4 && inode_is(inode, S_IFSOCK) && !strcmp(name, "system.sockprotoname");
    } else {
        known = has_prefix(name, "user.");
        if (known && !inode_is(inode, S_IFREG) && !inode_is(inode, S_IFDIR))
            err = mask & 2 ? -EPERM : -ENODATA;
        else if (known && mask & 2 && inode_is(inode, S_IFDIR) && inode->mode & S_ISVTX &&
                 !owns(cred, inode))
            err = -EPERM;
        else
            err = inode_permission_as(inode, mask, cred);
    }
    if (err < 0)
        return err;
    return !known ? -EOPNOTSUPP : name[len - 1] == '.' && !strchr(name, '.')[1] ? -EINVAL : 0;
}

ssize_t vfs_getxattr(const struct path *path, const char *name, void *value, size_t size)
{
    struct inode *inode = path->dentry->inode;
    int err = check_xattr(path, name, 4);
    if (err < 0)
        return err;
    if (!inode->ops->getxattr)
        return -EOPNOTSUPP;
    read_lock(&inode->lock);
    ssize_t n = inode->ops->getxattr(inode, name, value, size);
    read_unlock(&inode->lock);
    return n;
}

static int change_xattr(const struct path *path, const char *name, const void *value, size_t size,
                        int flags)
{
    struct inode *inode = path->dentry->inode;
    int err = check_xattr(path, name, 2);
    if (err < 0)
        return err;
    if (!inode->ops->setxattr)
        return -EOPNOTSUPP;
    write_lock(&inode->lock);
    err = inode->ops->setxattr(inode, name, value, size, flags);
    if (err == 0)
        inode_touch(inode, false);
    if (err == 0 && value && strcmp(name, XATTR_CAPS) == 0)
        inode->mode |= S_HAS_CAPS;
    write_unlock(&inode->lock);
    if (err == 0)
        notify_dentry(path->dentry, IN_ATTRIB);
    return err;
}

int vfs_setxattr(const struct path *path, const char *name, const void *value, size_t size,
                 int flags)
{
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    uint32_t caps[5];
    if (strcmp(name, XATTR_CAPS) == 0) {
        if (!caps_valid(value, size))
            return -EINVAL;
        if (size == 24 && ((const uint32_t *)value)[5] == 0) { /* root's own need not say so */
            size = sizeof(caps);
            value = memcpy(caps, value, size);
            caps[0] -= 1 << 24;
        }
    }
    return change_xattr(path, name, value ? value : "", size, flags);
}

int vfs_removexattr(const struct path *path, const char *name)
{
    return change_xattr(path, name, NULL, 0, 0);
}

ssize_t vfs_listxattr(const struct path *path, char *list, size_t size)
{
    struct inode *inode = path->dentry->inode;
    if (!inode->ops->listxattr)
        return 0;
    read_lock(&inode->lock);
    ssize_t n = inode->ops->listxattr(inode, list, size);
    read_unlock(&inode->lock);
    return n;
}
