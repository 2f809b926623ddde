/* fs/create.c: new names: mknod, mkdir, symlink, link. */
#include "fs/create.h"

#include "fs/dentry.h"
#include "fs/notify.h"
#include "lib/string.h"

int may_create(const struct path *dir)
{
    const struct inode *inode = dir->dentry->inode;
    if (dir->dentry->unhashed || !inode->nlink)
        return -ENOENT;
    if (dir->mount->flags & MS_RDONLY)
        return -EROFS;
    return inode_permission_as(inode, 3, vfs_caller_hook()->cred);
}

int create_begin(struct creation *c, const struct path *at, const char *name, bool folder)
{
    struct walk *w = &c->walk;
    int err = walk_parent(w, at, name, 0);
    if (err == 0 && w->last.kind != LAST_NAME)
        err = -EEXIST;
    if (err < 0) {
        walk_end(w);
        return err;
    }
    c->dir = w->at.dentry->inode;
    write_lock(&c->dir->lock);
    err = dentry_lookup(w->at.dentry, w->last.name, w->last.len, w->last.hash, &c->dentry);
    if (err < 0) {
        write_unlock(&c->dir->lock);
        walk_end(w);
        return err;
    }
    if (c->dentry->inode)
        err = -EEXIST;
    else if (w->last.slash && !folder)
        err = -ENOENT;
    else
        err = may_be_missing(&w->at) ?: may_create(&w->at);
    if (err < 0)
        create_end(c);
    return err;
}

void create_end(struct creation *c)
{
    write_unlock(&c->dir->lock);
    dentry_put(c->dentry);
    walk_end(&c->walk);
}

/* Finish with the result of the file system's operation. */
static int create_done(struct creation *c, int err, struct inode *created, uint32_t type)
{
    if (err == 0) {
        dentry_instantiate(c->dentry, created);
        notify_name(c->dir, c->dentry->name, IN_CREATE | (type == S_IFDIR ? IN_ISDIR : 0), 0);
    }
    create_end(c);
    return err;
}

int vfs_mknod(const struct path *at, const char *name, uint32_t mode, uint32_t rdev)
{
    const struct vfs_caller *caller = vfs_caller_hook();
    struct creation c;
    struct inode *created = NULL;
    uint32_t type = mode & S_IFMT;
    if (!type)
        mode |= S_IFREG;
    else if (type == S_IFDIR)
        return -EPERM;
    else if (type == S_IFLNK || (type != S_IFREG && type != S_IFCHR && type != S_IFBLK &&
                                 type != S_IFIFO && type != S_IFSOCK))
        return -EINVAL;
    int err = create_begin(&c, at, name, false);
    if (err < 0)
        return err;
    bool device = (type == S_IFCHR && rdev) || type == S_IFBLK;
    if (device && !cred_has(caller->cred, VFS_CAP_MKNOD))
        err = -EPERM;
    else if (!c.dir->ops->create)
        err = -EPERM;
    else
        err = c.dir->ops->create(c.dir, c.dentry->name, mode & ~caller->umask, rdev, &created);
    return create_done(&c, err, created, type);
}

int vfs_mkdir(const struct path *at, const char *name, uint32_t mode)
{
    struct creation c;
    struct inode *created = NULL;
    int err = create_begin(&c, at, name, true);
    if (err < 0)
        return err;
    mode &= 01777 & ~vfs_caller_hook()->umask;
    if (c.dir->ops->mkdir)
        err = c.dir->ops->mkdir(c.dir, c.dentry->name, mode, &created);
    else
        err = -EPERM;
    return create_done(&c, err, created, S_IFDIR);
}

int vfs_symlink(const char *target, const struct path *at, const char *name)
{
    struct creation c;
    struct inode *created = NULL;
    if (!*target)
        return -ENOENT;
    int err = create_begin(&c, at, name, false);
    if (err < 0)
        return err;
    if (c.dir->ops->symlink)
        err = c.dir->ops->symlink(c.dir, c.dentry->name, target, &created);
    else
        err = -EPERM;
    return create_done(&c, err, created, S_IFLNK);
}

static int may_link(const struct path *from, const struct creation *c)
{
    const struct inode *inode = from->dentry->inode;
    if (inode->flags & (INODE_IMMUTABLE | INODE_APPEND))
        return -EPERM;
    if (inode->super != c->dir->super || from->mount != c->walk.at.mount)
        return -EXDEV;
    if (inode_is(inode, S_IFDIR) || !c->dir->ops->link)
        return -EPERM;
    if (!inode->nlink && !inode->linkable)
        return -ENOENT;
    return 0;
}

int vfs_link(const struct path *from, const struct path *at, const char *name)
{
    struct creation c;
    struct inode *inode = from->dentry->inode;
    int err = create_begin(&c, at, name, false);
    if (err < 0)
        return err;
    err = may_link(from, &c);
    if (err == 0) {
        write_lock(&inode->lock);
        err = may_link(from, &c);
        if (err == 0)
            err = c.dir->ops->link(c.dir, c.dentry->name, inode);
        if (err == 0) {
            inode->linkable = false;
            inode_get(inode);
        }
        write_unlock(&inode->lock);
    }
    if (err == 0)
        notify_inode(inode, IN_ATTRIB);
    return create_done(&c, err, inode, S_IFREG);
}
