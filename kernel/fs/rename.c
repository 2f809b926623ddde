/* fs/rename.c: rename. One at a time in the whole machine, so that the tree's shape holds still
 * while it is looked at. */
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/string.h"

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };

static struct mutex rename_lock;

struct renaming {
    struct walk from_walk, to_walk;
    struct inode *from_dir, *to_dir;
    struct dentry *from, *to;
    unsigned flags;
};

/* Both folders, the ancestor first, else in address order. */
static void lock_folders(struct renaming *r)
{
    struct dentry *a = r->from_walk.at.dentry, *b = r->to_walk.at.dentry;
    if (a == b) {
        write_lock(&a->inode->lock);
        return;
    }
    bool a_first = dentry_is_below(b, a) || (!dentry_is_below(a, b) && a->inode < b->inode);
    write_lock(a_first ? &a->inode->lock : &b->inode->lock);
    write_lock(a_first ? &b->inode->lock : &a->inode->lock);
}

static void unlock_folders(struct renaming *r)
{
    write_unlock(&r->from_dir->lock);
    if (r->to_dir != r->from_dir)
        write_unlock(&r->to_dir->lock);
}

/* The files themselves: a folder that moves stays unlocked (its entries do not change). */
static void lock_files(struct inode *a, struct inode *b)
{
    if (a == b)
        b = NULL;
    if (a && b && b < a) {
        struct inode *swap = a;
        a = b;
        b = swap;
    }
    if (a)
        write_lock(&a->lock);
    if (b)
        write_lock(&b->lock);
}

static void unlock_files(struct inode *a, struct inode *b)
{
    if (a)
        write_unlock(&a->lock);
    if (b && b != a)
        write_unlock(&b->lock);
}

static int find(struct walk *w, struct dentry **found)
{
    return dentry_lookup(w->at.dentry, w->last.name, w->last.len, w->last.hash, found);
}

/* What there is under both names allows it (man 2 rename). */
static int check_kinds(const struct renaming *r)
{
    const struct inode *inode = r->from->inode, *target = r->to->inode;
    if (target && r->flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (!target && r->flags & RENAME_EXCHANGE)
        return -ENOENT;
    bool folder = inode_is(inode, S_IFDIR);
    if (r->from_walk.last.slash && !folder)
        return -ENOTDIR;
    if (r->to_walk.last.slash && !(r->flags & RENAME_EXCHANGE ? inode_is(target, S_IFDIR) : folder))
        return -ENOTDIR;
    if (r->from == r->to_walk.at.dentry || dentry_is_below(r->to_walk.at.dentry, r->from))
        return -EINVAL;
    if (dentry_is_below(r->from_walk.at.dentry, r->to))
        return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return 0;
}

static int check_permission(const struct renaming *r)
{
    const struct inode *inode = r->from->inode, *target = r->to->inode;
    int err = target ? 0 : may_be_missing(&r->to_walk.at);
    if (err == 0)
        err = may_delete(&r->from_walk.at, inode);
    if (err == 0)
        err = target ? may_delete(&r->to_walk.at, target) : may_create(&r->to_walk.at);
    if (err < 0)
        return err;
    if (target && !(r->flags & RENAME_EXCHANGE) &&
        inode_is(inode, S_IFDIR) != inode_is(target, S_IFDIR))
        return inode_is(target, S_IFDIR) ? -EISDIR : -ENOTDIR;
    /* A folder that moves has its ".." rewritten. */
    const struct credentials *cred = vfs_caller_hook()->cred;
    if (r->from_dir != r->to_dir && inode_is(inode, S_IFDIR))
        err = inode_permission_as(inode, 2, cred);
    if (err == 0 && r->flags & RENAME_EXCHANGE && r->from_dir != r->to_dir &&
        inode_is(target, S_IFDIR))
        err = inode_permission_as(target, 2, cred);
    return err;
}

static void tell(struct renaming *r, const char *old_name, struct inode *target)
{
    struct inode *inode = r->from->inode;
    uint32_t cookie = notify_cookie(), dir = inode_is(inode, S_IFDIR) ? IN_ISDIR : 0;
    notify_name(r->from_dir, old_name, IN_MOVED_FROM | dir, cookie);
    notify_name(r->to_dir, r->from->name, IN_MOVED_TO | dir, cookie);
    if (target && !(r->flags & RENAME_EXCHANGE))
        notify_inode(target, IN_ATTRIB); /* dentry_put() tells if that was its last name */
    notify_inode(inode, IN_MOVE_SELF);
}

/* Everything is locked and checked but the files. */
static int rename_checked(struct renaming *r)
{
    struct inode *inode = r->from->inode, *target = r->to->inode;
    if (!r->from_dir->ops->rename)
        return -EPERM;
    struct inode *lock_inode = inode_is(inode, S_IFDIR) ? NULL : inode;
    struct inode *lock_target =
        target && (!(r->flags & RENAME_EXCHANGE) || !inode_is(target, S_IFDIR)) ? target : NULL;
    char old_name[NAME_MAX + 1];
    old_name[0] = 0;
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        strlcpy(old_name, r->from->name, sizeof(old_name));
    lock_files(lock_inode, lock_target);
    int err = (r->from->mounted && mounted_here(r->from)) || (r->to->mounted && mounted_here(r->to))
                  ? -EBUSY
                  : r->from_dir->ops->rename(r->from_dir, r->from->name, inode, r->to_dir,
                                             r->to->name, target, r->flags);
    if (err == 0 && r->flags & RENAME_EXCHANGE)
        dentry_exchange(r->from, r->to);
    else if (err == 0)
        dentry_move(r->from, r->to);
    if (err == 0 && target && unlikely(r->to->mounted) && !(r->flags & RENAME_EXCHANGE))
        mounted_drop(r->to);
    unlock_files(lock_inode, lock_target);
    if (err < 0)
        return err;
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        tell(r, old_name, target);
    return 0;
}

static int rename_found(struct renaming *r)
{
    int err = check_kinds(r);
    if (err < 0)
        return err;
    if (r->from->inode == r->to->inode)
        return 0; /* two names of one file: nothing happens */
    err = check_permission(r);
    return err < 0 ? err : rename_checked(r);
}

static int rename_in_folders(struct renaming *r)
{
    r->from_dir = r->from_walk.at.dentry->inode;
    r->to_dir = r->to_walk.at.dentry->inode;
    mutex_lock(&rename_lock);
    lock_folders(r);
    int err = may_change(&r->from_walk.at) ?: find(&r->from_walk, &r->from);
    if (err == 0) {
        err = r->from->inode ? find(&r->to_walk, &r->to) : -ENOENT;
        if (err == 0) {
            err = rename_found(r);
            unlock_folders(r);
            mutex_unlock(&rename_lock);
            dentry_put(r->to);
            dentry_put(r->from);
            return err;
        }
        dentry_put(r->from);
    }
    unlock_folders(r);
    mutex_unlock(&rename_lock);
    return err;
}

int vfs_rename(const struct path *from_at, const char *from, const struct path *to_at,
               const char *to, unsigned flags)
{
    struct renaming r;
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
        (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
        return -EINVAL;
    r.flags = flags;
    int err = walk_parent(&r.from_walk, from_at, from, 0);
    if (err < 0) {
        walk_end(&r.from_walk);
        return err;
    }
    err = walk_parent(&r.to_walk, to_at, to, 0);
    if (err == 0) {
        if (r.from_walk.at.mount != r.to_walk.at.mount)
            err = -EXDEV;
        else if (r.from_walk.last.kind != LAST_NAME)
            err = -EBUSY;
        else if (r.to_walk.last.kind != LAST_NAME)
            err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
        else
            err = rename_in_folders(&r);
    }
    walk_end(&r.to_walk);
    walk_end(&r.from_walk);
    return err;
}
