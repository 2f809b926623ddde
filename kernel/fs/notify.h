/* fs/notify.h: inotify(7): the watches and queues; linux/ has the system calls. Threads only. */
#pragma once

#include "fs/vfs.h"

enum {
    IN_ACCESS = 1,
    IN_MODIFY = 2,
    IN_ATTRIB = 4,
    IN_CLOSE_WRITE = 8,
    IN_CLOSE_NOWRITE = 0x10,
    IN_OPEN = 0x20,
    IN_MOVED_FROM = 0x40,
    IN_MOVED_TO = 0x80,
    IN_CREATE = 0x100,
    IN_DELETE = 0x200,
    IN_DELETE_SELF = 0x400,
    IN_MOVE_SELF = 0x800,
    IN_UNMOUNT = 0x2000,
    IN_Q_OVERFLOW = 0x4000,
    IN_IGNORED = 0x8000,
    IN_ONLYDIR = 0x1000000,
    IN_DONT_FOLLOW = 0x2000000,
    IN_EXCL_UNLINK = 0x4000000,
    IN_MASK_CREATE = 0x10000000,
    IN_MASK_ADD = 0x20000000,
    IN_ISDIR = 0x40000000,
    IN_ONESHOT = 0x80000000,
};

/* inotify_init1: flags O_NONBLOCK. The file is readable as inotify(7) says. */
int inotify_create(int flags, struct file **file);
bool inotify_is(const struct file *file);
/* To a file that is one: the watch descriptor, or -EACCES, -EEXIST, -ENOTDIR, -ENOMEM, -ENOSPC. */
int inotify_add(struct file *file, const struct path *path, uint32_t mask);
int inotify_remove(struct file *file, int wd);

/* --- for the VFS: one load while nobody watches anything */
extern atomic_uint notify_watches;
void notify_inode_slow(struct inode *inode, struct dentry *dentry, uint32_t mask);
void notify_name_slow(struct inode *dir, const char *name, uint32_t mask, uint32_t cookie);
void notify_last_slow(struct dentry *dentry);
uint32_t notify_cookie(void);

/* Something happened to the file behind dentry: tell its watches and its folder's. */
static inline void notify_dentry(struct dentry *dentry, uint32_t mask)
{
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        notify_inode_slow(dentry->inode, dentry, mask);
}
/* Something happened to the inode, whatever its name. */
static inline void notify_inode(struct inode *inode, uint32_t mask)
{
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        notify_inode_slow(inode, NULL, mask);
}
/* Something happened to a name in a folder. */
static inline void notify_name(struct inode *dir, const char *name, uint32_t mask, uint32_t cookie)
{
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        notify_name_slow(dir, name, mask, cookie);
}
/* A removed name's last user leaves (or removes it): a file without any other name is gone. */
static inline void notify_last(struct dentry *dentry)
{
    if (unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed)))
        notify_last_slow(dentry);
}
