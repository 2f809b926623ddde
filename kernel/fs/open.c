/* fs/open.c: from a name to an open file. */
#include "fs/create.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/lease.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/pipe.h"
#include "lib/string.h"

/* --- the count of writers: n > 0 writers, n < 0: being executed by -n */

static int get_writer(struct inode *inode)
{
    int n = atomic_load_explicit(&inode->writers, memory_order_relaxed);
    while (n >= 0) {
        if (atomic_compare_exchange_weak_explicit(&inode->writers, &n, n + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return 0;
    }
    return -ETXTBSY;
}

int file_deny_write(struct file *file)
{
    struct inode *inode = file->path.dentry->inode;
    int n = atomic_load_explicit(&inode->writers, memory_order_relaxed);
    while (n <= 0) {
        if (atomic_compare_exchange_weak_explicit(&inode->writers, &n, n - 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return 0;
    }
    return -ETXTBSY;
}

void file_allow_write(struct file *file)
{
    atomic_fetch_add_explicit(&file->path.dentry->inode->writers, 1, memory_order_release);
}

/* --- opening an inode */

static const struct file_ops *ops_for(const struct inode *inode, int *err)
{
    const struct file_ops *ops = NULL;
    switch (inode->mode & S_IFMT) {
    case S_IFIFO:
        return inode->file_ops ? inode->file_ops : &fifo_ops;
    case S_IFCHR:
        ops = chardev_find(inode->rdev);
        *err = ops ? 0 : -ENXIO;
        return ops;
    case S_IFBLK:
        ops = blockdev_find(inode->rdev);
        *err = ops ? 0 : -ENXIO;
        return ops;
    case S_IFSOCK:
        *err = -ENXIO;
        return NULL;
    case S_IFLNK:
        *err = -ELOOP;
        return NULL;
    default:
        *err = inode->file_ops ? 0 : -ENXIO;
        return inode->file_ops;
    }
}

static const struct file_ops path_ops; /* O_PATH: nothing can be done with the contents */

/* What the open flags ask of the place's permission. */
static int wanted_access(int flags)
{
    int mask = (flags + 1) & O_ACCMODE; /* 1: read, 2: write */
    int access = (mask & 1 ? 4 : 0) | (mask & 2 ? 2 : 0);
    if ((flags & O_ACCMODE) == 3)
        access = 6;
    return flags & O_TRUNC ? access | 2 : access;
}

static int may_open(const struct path *path, int flags, const struct credentials *cred)
{
    const struct inode *inode = path->dentry->inode;
    uint32_t type = inode->mode & S_IFMT;
    int access = wanted_access(flags);
    if (type == S_IFLNK)
        return -ELOOP;
    if (type == S_IFDIR && access & 2)
        return -EISDIR;
    if (unlikely(path->mount->flags & (MS_RDONLY | MS_NODEV))) {
        if ((type == S_IFCHR || type == S_IFBLK) && path->mount->flags & MS_NODEV)
            return -EACCES;
        if (type == S_IFREG && access & 2 && path->mount->flags & MS_RDONLY)
            return -EROFS;
    }
    int err = inode_permission_as(inode, access, cred);
    if (err < 0)
        return err;
    if (unlikely(inode->flags & INODE_APPEND) &&
        ((access & 2 && !(flags & O_APPEND)) || flags & O_TRUNC))
        return -EPERM;
    if (flags & O_NOATIME && cred->fsuid != inode->uid && !cred_has(cred, VFS_CAP_FOWNER))
        return -EPERM;
    return 0;
}

static int open_inode(struct file *file, int flags)
{
    struct inode *inode = file->inode;
    int err = 0;
    const struct file_ops *ops = ops_for(inode, &err);
    if (err < 0)
        return err;
    uint32_t type = inode->mode & S_IFMT;
    if (unlikely(inode->leases)) {
        err = lease_break(inode, file_writable(file) || flags & O_TRUNC, flags & O_NONBLOCK);
        if (err < 0)
            return err;
    }
    if (type == S_IFREG && file_writable(file)) {
        err = get_writer(inode);
        if (err < 0)
            return err;
        file->counted = true;
        atomic_fetch_add_explicit(&file->path.mount->writers, 1, memory_order_relaxed);
    }
    if (flags & O_TRUNC && type == S_IFREG) {
        err = place_truncate(&file->path, 0);
        if (err < 0)
            return err;
    }
    file->ops = ops;
    if (ops->open)
        err = ops->open(inode, file);
    file->seekable = file->can_pread = file->ops->seek != NULL;
    return err;
}

enum { STATUS_FLAGS = ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) };

/* Open a place whose references become the file's (or are put on failure). O_NOCTTY and
 * O_EXCL (of devices) count while it is being opened. */
static int open_place(const struct path *path, int flags, struct file **out)
{
    bool path_only = flags & O_PATH;
    int kept = path_only ? flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW)
                         : (flags & STATUS_FLAGS) | O_LARGEFILE;
    struct file *file = file_alloc(&path_ops, kept | (flags & (O_NOCTTY | O_EXCL)));
    if (!file) {
        path_put(path);
        return -ENOMEM;
    }
    file->path = *path;
    file->inode = path->dentry->inode;
    int err = path_only ? 0 : open_inode(file, flags);
    if (err < 0) {
        file_abandon(file);
        return err;
    }
    if (flags & (O_NOCTTY | O_EXCL | O_DIRECT)) {
        atomic_fetch_and_explicit(&file->flags, ~(O_NOCTTY | O_EXCL), memory_order_relaxed);
        if (flags & O_DIRECT && !path_only && !inode_is(file->inode, S_IFREG) &&
            !inode_is(file->inode, S_IFBLK)) {
            file_put(file);
            return -EINVAL;
        }
    }
    if (!path_only)
        notify_dentry(path->dentry, IN_OPEN);
    *out = file;
    return 0;
}

static int check_and_open(const struct path *path, int flags, const struct credentials *cred,
                          struct file **file)
{
    int err = flags & O_PATH ? 0 : may_open(path, flags, cred);
    if (err < 0) {
        path_put(path);
        return err;
    }
    return open_place(path, flags, file);
}

int file_open_path(const struct path *path, int flags, struct file **file)
{
    path_get(path);
    return check_and_open(path, flags, vfs_caller_hook()->cred, file);
}

int file_open_program(const struct path *path, struct file **file)
{
    path_get(path);
    return open_place(path, O_RDONLY, file);
}

/* --- O_CREAT */

/* Make the file that does not exist. Folder locked; *child becomes its positive name. */
static int create_missing(struct walk *w, struct dentry *child, uint32_t mode)
{
    struct inode *dir = w->at.dentry->inode, *created = NULL;
    int err = may_be_missing(&w->at) ?: may_create(&w->at);
    if (err < 0)
        return err;
    if (!dir->ops->create)
        return -EACCES;
    mode = S_IFREG | (mode & 07777 & ~w->caller->umask);
    err = dir->ops->create(dir, child->name, mode, 0, &created);
    if (err < 0)
        return err;
    dentry_instantiate(child, created);
    notify_name(dir, child->name, IN_CREATE, 0);
    return 0;
}

/* The last component in its folder, made if it is missing; *child gets a reference. */
static int find_or_create(struct walk *w, int flags, uint32_t mode, struct dentry **child,
                          bool *created)
{
    struct dentry *dir = w->at.dentry;
    const struct last *c = &w->last;
    *created = false;
    if (c->kind != LAST_NAME)
        return flags & O_EXCL ? -EEXIST : -EISDIR;
    if (c->slash)
        return -EISDIR;
    struct dentry *d = dentry_find(dir, c->name, c->len, c->hash);
    if (d && d->inode && dentry_try_get(d)) {
        *child = d;
        if (d->parent == dir && !d->unhashed)
            return flags & O_EXCL ? (dentry_put(d), -EEXIST) : 0;
        dentry_put(d);
    }
    write_lock(&dir->inode->lock);
    int err = dentry_lookup(dir, c->name, c->len, c->hash, &d);
    if (err == 0 && !d->inode) {
        err = create_missing(w, d, mode);
        *created = err == 0;
        if (err < 0)
            dentry_put(d);
    } else if (err == 0 && flags & O_EXCL) {
        dentry_put(d);
        err = -EEXIST;
    }
    write_unlock(&dir->inode->lock);
    *child = d;
    return err;
}

/* Open what exists already under the name (child with a reference, which is taken over). */
static int open_found(struct walk *w, struct dentry *child, int flags, struct file **file)
{
    struct path place = {w->at.mount, child};
    mount_get(place.mount);
    for (struct mount *m; (m = mount_at(place.mount, place.dentry));) {
        struct path over = {m, m->root};
        path_get(&over);
        path_put(&place);
        place = over;
    }
    const struct inode *inode = place.dentry->inode;
    int err = 0;
    if (inode_is(inode, S_IFDIR))
        err = -EISDIR;
    else if (w->last.slash)
        err = -ENOTDIR;
    if (err < 0) {
        path_put(&place);
        return err;
    }
    return check_and_open(&place, flags, w->caller->cred, file);
}

static int open_create_at(struct walk *w, int flags, uint32_t mode, struct file **file)
{
    for (;;) {
        struct dentry *child;
        bool created;
        if (w->last.kind == LAST_ROOT && w->nlinks) {
            /* A magic link or a link to "/" has led here. */
            struct dentry *at = w->at.dentry;
            dentry_get(at);
            return open_found(w, at, flags, file);
        }
        int err = find_or_create(w, flags, mode, &child, &created);
        if (err < 0)
            return err;
        if (created) {
            struct path place = {w->at.mount, child};
            mount_get(place.mount);
            return open_place(&place, flags & ~O_TRUNC, file);
        }
        if (!inode_is(child->inode, S_IFLNK))
            return open_found(w, child, flags, file);
        if (flags & O_NOFOLLOW) {
            dentry_put(child);
            return -ELOOP;
        }
        err = walk_follow_last(w, child);
        if (err < 0)
            return err;
    }
}

static int open_create(const struct path *at, const char *name, int flags, uint32_t mode,
                       unsigned lookup, struct file **file)
{
    struct walk w;
    int err = walk_parent(&w, at, name, lookup);
    if (err == 0)
        err = open_create_at(&w, flags, mode, file);
    walk_end(&w);
    struct path up;
    if (err == -EISDIR || err == -EEXIST) { /* unless the way there is no way (LOOKUP_BENEATH) */
        int none = lookup & LOOKUP_BENEATH ? vfs_lookup(at, name, lookup, &up) : -EINVAL;
        if (none == -EXDEV)
            return none;
        if (none == 0)
            path_put(&up);
    }
    return err;
}

/* --- O_TMPFILE */

static int open_tmpfile(const struct path *at, const char *name, int flags, uint32_t mode,
                        unsigned lookup, struct file **file)
{
    struct path dir;
    struct inode *created = NULL;
    if (!(wanted_access(flags) & 2))
        return -EINVAL;
    int err = vfs_lookup(at, name, lookup | LOOKUP_DIRECTORY, &dir);
    if (err < 0)
        return err;
    struct inode *inode = dir.dentry->inode;
    err = may_create(&dir);
    if (err == 0 && !inode->ops->tmpfile)
        err = -EOPNOTSUPP;
    if (err == 0) {
        write_lock(&inode->lock);
        mode = S_IFREG | (mode & 07777 & ~vfs_caller_hook()->umask);
        err = inode->ops->tmpfile(inode, mode, &created);
        write_unlock(&inode->lock);
    }
    struct dentry *d = err == 0 ? dentry_create_deleted(dir.dentry, created) : NULL;
    if (err == 0 && !d) {
        inode_put(created);
        err = -ENOMEM;
    }
    if (err == 0) {
        created->linkable = !(flags & O_EXCL);
        struct path place = {dir.mount, d};
        mount_get(place.mount);
        err = open_place(&place, flags & ~O_TRUNC, file);
    }
    path_put(&dir);
    return err;
}

/* --- open(2) */

int vfs_open(const struct path *at, const char *name, int flags, uint32_t mode, unsigned lookup,
             struct file **file)
{
    struct path place;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return open_tmpfile(at, name, flags, mode, lookup, file);
    if (unlikely(flags & O_CREAT)) {
        if (flags & O_DIRECTORY)
            return -EINVAL;
        return open_create(at, name, flags, mode, lookup, file);
    }
    if (!(flags & O_NOFOLLOW))
        lookup |= LOOKUP_FOLLOW;
    if (flags & O_DIRECTORY)
        lookup |= LOOKUP_DIRECTORY;
    int err = vfs_lookup(at, name, lookup, &place);
    if (err < 0)
        return err;
    return check_and_open(&place, flags, vfs_caller_hook()->cred, file);
}
