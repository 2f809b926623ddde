/* fs/dentry.h: the cache of names, for the rest of the VFS.
 *
 * Readers walk it under RCU and check tree_sequence at the end: it changes (odd while in progress)
 * whenever names move, the table grows, or mounts come and go. Changes are made under one mutex. */
#pragma once

#include "fs/vfs.h"

extern atomic_uint tree_sequence;
/* Around changes that readers must notice; they do not nest: dentry_lock held, for mounts, too. */
void tree_change_begin(void);
void tree_change_end(void);

static inline uint32_t name_hash_step(uint32_t hash, unsigned char c)
{
    return (hash ^ c) * 0x01000193u;
}
enum { NAME_HASH_START = 0x811c9dc5 };
static inline uint32_t name_hash(const char *name, size_t len)
{
    uint32_t hash = NAME_HASH_START;
    for (size_t i = 0; i < len; i++)
        hash = name_hash_step(hash, name[i]);
    return hash;
}

/* A root or anonymous dentry (takes over the inode's reference; one reference for the caller). */
struct dentry *dentry_create_root(struct super *super, struct inode *inode, const char *name);
/* A nameless file in a folder (O_TMPFILE): removed from the start. */
struct dentry *dentry_create_deleted(struct dentry *parent, struct inode *inode);

/* The cached name, without a reference (RCU). NULL: not cached. */
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t len, uint32_t hash);
/* The name in a folder whose inode is locked for writing: cached, or as the file system says; with
 * a reference. It may be negative. */
int dentry_lookup(struct dentry *dir, const char *name, size_t len, uint32_t hash,
                  struct dentry **found);
/* A negative dentry becomes the inode's name (takes over the reference). */
void dentry_instantiate(struct dentry *dentry, struct inode *inode);
/* The name is gone from the tree. Folder locked; caller holds a reference. */
void dentry_remove(struct dentry *dentry);
/* rename: `from` takes the place of `to` (which is removed), or they change places. */
void dentry_move(struct dentry *from, struct dentry *to);
void dentry_exchange(struct dentry *a, struct dentry *b);
/* Something was mounted on it; it was taken away. dentry_lock held. */
void dentry_mounted(struct dentry *d);
void dentry_unmounted(struct dentry *d);
/* Is dentry below (or the same as) ancestor? Under the rename lock. */
bool dentry_is_below(struct dentry *dentry, struct dentry *ancestor);

static inline void dentry_get(struct dentry *dentry)
{
    atomic_fetch_add_explicit(&dentry->refs, 1, memory_order_relaxed);
}
/* Under RCU; false: it is being freed. */
bool dentry_try_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
/* Its parent with a reference. */
struct dentry *dentry_get_parent(struct dentry *dentry);
/* Keep it however little it is used; another name of its file, of those that are cached, without a
 * reference (fs/handle.c). dentry_lock held. */
void dentry_keep(struct dentry *d);
struct dentry *dentry_find_alias(const struct dentry *d);
/* Free up to n unused ones, oldest first; returns how many. */
size_t dentry_shrink(size_t n);
/* Free all unused ones and wait until they are gone. */
void dentry_drop(void);
/* Free the unused names of a folder or file system that goes away. */
void dentry_prune(struct dentry *dir);
extern struct mutex dentry_lock; /* over parents, names, lists; within mounts_lock */
