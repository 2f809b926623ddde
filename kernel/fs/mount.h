/* fs/mount.h: the tree of mounts, for the rest of the VFS. Readers walk it under RCU and
 * tree_sequence (fs/dentry.h). */
#pragma once

#include "fs/vfs.h"

/* References; mount_try_get() from under RCU: false, it is going. */
bool mount_try_get(struct mount *mount);
void mount_get(struct mount *mount);
void mount_put(struct mount *mount);

/* What is mounted on the place, without a reference (RCU); NULL: nothing. */
static inline struct mount *mount_at(const struct mount *mount, const struct dentry *dentry)
{
    struct mount *m = rcu_load(dentry->mounted);
    while (unlikely(m != NULL) && m->on.mount != mount)
        m = rcu_load(m->next_here);
    return m;
}
/* --- between mount.c, mount_tree.c and propagate.c; mounts_lock held */

/* A mount that is nowhere yet; takes over references of super and root. NULL: no memory, they are
 * still the caller's. */
struct mount *mount_create(struct super *super, struct dentry *root, const char *source,
                           unsigned flags);
struct mount *mount_clone(const struct mount *m, struct dentry *root); /* and its peer groups */
void mount_attach(struct mount *m, const struct path *on);             /* on NULL: root of a tree */
/* 0, or -ENOSPC: no room for n more (fs.mount-max). */
int mount_room(size_t n);
extern unsigned mount_max;
/* Out of the list of all, for a root without a place that is to be attached to one. */
void mount_unlist(struct mount *m);
/* Out of its tree. The place's references are the caller's to put, in *on; so is the mount's. */
void mount_detach(struct mount *m, struct path *on);
/* Detach and drop it, or all of them. */
void mount_drop(struct mount *m);
void mount_drop_tree(struct mount *top);
/* Removed, or of a mount that was taken away. mounts_lock held. */
static inline bool mount_place_gone(const struct path *place)
{
    return place->dentry->unhashed || place->mount->detached;
}
struct path mount_topmost(const struct path *on);
/* What is topmost on a place; takes mounts_lock, and the lock of its inode, so that nobody removes
 * its name (fs/remove.c) before something is mounted on it. */
struct path mount_lock_place(const struct path *on);
void mount_unlock_place(const struct path *place);
/* Is something mounted on the name in the caller's namespace? The name's inode is locked. */
bool mounted_here(const struct dentry *dentry);
/* The name is gone: so are the mounts on it (of other namespaces). */
void mounted_drop(struct dentry *dentry);
bool mount_is_ours(const struct mount *m); /* in the caller's namespace */
/* References that others than the tree hold. */
unsigned mount_users(const struct mount *m);
/* Mark it for MNT_EXPIRE. True: it was already, and nobody has looked it up since. */
bool mount_mark(struct mount *m);

/* A tree of mounts: m[0] is its root, each comes after the one it is mounted on. */
struct mount_list {
    struct mount **m;
    size_t n;
    bool whole; /* of copies: with what is unbindable */
};
int mount_collect(struct mount *top, struct dentry *below, bool recursive, struct mount_list *list);
/* Copies of all (without what is unbindable, which is NULL), not attached to anything; -ENOMEM,
 * -ENOSPC. */
int mount_copy(const struct mount_list *list, struct dentry *root, struct mount_list *copies);

/* propagate.c: attach a tree, and copies of it wherever the place's peers and slaves are. */
int mount_graft(struct mount *top, const struct path *place);
/* Where else a mount on `on` is to be found: calls fn for each, which may detach it. */
void mount_each_propagated(const struct mount *m, void (*fn)(struct mount *copy, void *arg),
                           void *arg);
void mount_set_type(struct mount *m, unsigned type); /* one of MS_PROPAGATION */
bool mount_has_unbindable(struct mount *top);

/* Mount a super (takes over its reference) at a place, or as the first root (on NULL). */
int mount_super(struct super *super, const char *source, const struct path *on, unsigned flags);
/* An inode of the super is gone (fs/inode.c). */
void super_drop_inode(struct super *super);
