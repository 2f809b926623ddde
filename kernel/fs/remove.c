/* fs/remove.c: names go: unlink, rmdir, rename. */
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/string.h"

int may_change(const struct path *dir)
{
    return dir->mount->flags & MS_RDONLY || dir->dentry->super->readonly ? -EROFS : 0;
}

int may_delete(const struct path *dir, const struct inode *victim)
{
    const struct inode *inode = dir->dentry->inode;
    const struct credentials *cred = vfs_caller_hook()->cred;
    int err = inode_permission_as(inode, 3, cred);
    if (err < 0)
        return err;
    if (inode->mode & S_ISVTX && cred->fsuid != inode->uid && cred->fsuid != victim->uid &&
        !cred_has(cred, VFS_CAP_FOWNER))
        return -EPERM;
    if (unlikely(inode->flags & INODE_APPEND || victim->flags & (INODE_APPEND | INODE_IMMUTABLE)))
        return -EPERM;
    return 0;
}

/* The name to remove, found in its folder, which is locked. */
struct removal {
    struct walk walk;
    struct inode *dir;
    struct dentry *dentry;
};

static void removal_end(struct removal *r)
{
    write_unlock(&r->dir->lock);
    dentry_put(r->dentry);
    walk_end(&r->walk);
}

static int removal_begin(struct removal *r)
{
    struct walk *w = &r->walk;
    r->dir = w->at.dentry->inode;
    write_lock(&r->dir->lock);
    int err = may_change(&w->at);
    if (err == 0)
        err = dentry_lookup(w->at.dentry, w->last.name, w->last.len, w->last.hash, &r->dentry);
    if (err < 0) {
        write_unlock(&r->dir->lock);
        walk_end(w);
    }
    return err;
}

/* Remove through the file system's operation, the victim locked. */
static int remove_locked(struct removal *r, bool folder,
                         int (*op)(struct inode *, const char *, struct inode *))
{
    struct inode *inode = r->dentry->inode;
    int err = may_delete(&r->walk.at, inode);
    if (err < 0)
        return err;
    if (inode_is(inode, S_IFDIR) != folder)
        return folder ? -ENOTDIR : -EISDIR;
    write_lock(&inode->lock); /* from here on nothing is mounted on it */
    if (unlikely(r->dentry->mounted) && mounted_here(r->dentry))
        err = -EBUSY;
    else
        err = op ? op(r->dir, r->dentry->name, inode) : -EPERM;
    if (err == 0) {
        if (!folder)
            notify_inode(inode, IN_ATTRIB);
        dentry_remove(r->dentry);
        if (unlikely(r->dentry->mounted))
            mounted_drop(r->dentry);
        if (atomic_load_explicit(&r->dentry->refs, memory_order_relaxed) == 1)
            notify_last(r->dentry); /* nobody has it open; else dentry_put() tells */
        notify_name(r->dir, r->dentry->name, IN_DELETE | (folder ? IN_ISDIR : 0), 0);
    }
    write_unlock(&inode->lock);
    return err;
}

int vfs_unlink(const struct path *at, const char *name)
{
    struct removal r;
    int err = walk_parent(&r.walk, at, name, 0);
    if (err == 0 && r.walk.last.kind != LAST_NAME)
        err = -EISDIR;
    if (err < 0) {
        walk_end(&r.walk);
        return err;
    }
    err = removal_begin(&r);
    if (err < 0)
        return err;
    struct inode *inode = r.dentry->inode;
    if (!inode)
        err = -ENOENT;
    else if (r.walk.last.slash)
        err = inode_is(inode, S_IFDIR) ? -EISDIR : -ENOTDIR;
    else
        err = remove_locked(&r, false, r.dir->ops->unlink);
    removal_end(&r);
    return err;
}

int vfs_rmdir(const struct path *at, const char *name)
{
    static const int refused[] = {
        [LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY};
    struct removal r;
    int err = walk_parent(&r.walk, at, name, 0);
    if (err == 0 && r.walk.last.kind != LAST_NAME)
        err = refused[r.walk.last.kind];
    if (err < 0) {
        walk_end(&r.walk);
        return err;
    }
    err = removal_begin(&r);
    if (err < 0)
        return err;
    struct inode *inode = r.dentry->inode;
    if (!inode)
        err = -ENOENT;
    else
        err = remove_locked(&r, true, r.dir->ops->rmdir);
    removal_end(&r);
    return err;
}
