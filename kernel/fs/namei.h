/* fs/namei.h: walking names, for the rest of the VFS. */
#pragma once

#include "fs/vfs.h"

/* inode_permission() for somebody else's credentials. */
int inode_permission_as(const struct inode *inode, int mask, const struct credentials *cred);
static inline bool inode_is(const struct inode *inode, uint32_t type)
{
    return (inode->mode & S_IFMT) == type;
}

/* The last component of a name. */
enum last_kind { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct last {
    const char *name;
    size_t len;
    uint32_t hash;
    enum last_kind kind;
    bool slash; /* slashes follow */
};

/* A walk in progress: first under RCU without references, and where that does not do, once more
 * with references of (mount, dentry) and of the links whose targets are in use. */
struct walk {
    const struct vfs_caller *caller;
    struct path root, at; /* at: where it has come to */
    unsigned flags, sequence, nlinks, depth, nheld;
    bool rcu;
    struct last last;
    const char *rest[SYMLINKS_MAX];
    struct inode *held[SYMLINKS_MAX];
};

/* The folder of the last component into w->at with references; w->last says the rest. The caller
 * ends the walk with walk_end() whatever comes. */
int walk_parent(struct walk *w, const struct path *at, const char *name, unsigned flags);
/* From there on through a link that the last component turned out to be. */
int walk_follow_last(struct walk *w, struct dentry *link);
void walk_end(struct walk *w);

/* May the caller add a name to the folder, or remove this one? */
int may_create(const struct path *dir);
/* May a name be looked up there that is to be made? */
static inline int may_be_missing(const struct path *dir)
{
    return dir->dentry->inode->flags & INODE_CLOSED ? -ENOENT : 0;
}
/* Whether anything below the place may change: -EROFS. */
int may_change(const struct path *dir);
int may_delete(const struct path *dir, const struct inode *victim);
/* Set the size of a regular file that the caller may write (fs/attr.c). */
int place_truncate(const struct path *path, uint64_t size);
/* A change by somebody without CAP_FSETID takes the set-id bits away. Inode locked (fs/attr.c). */
void inode_drop_set_id(struct inode *inode);
