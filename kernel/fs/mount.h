/* fs/mount.h: the tree of mounts, for the rest of the VFS. Readers walk it under RCU and
 * tree_sequence (fs/dentry.h). */
#pragma once

#include "fs/vfs.h"

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
/* Mount a super (takes over its reference) at a place, or as the first root (on NULL). */
int mount_super(struct super *super, const char *source, const struct path *on, unsigned flags);
/* An inode of the super is gone (fs/inode.c). */
void super_drop_inode(struct super *super);
