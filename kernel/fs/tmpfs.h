/* fs/tmpfs.h: files in memory; also the writable face of a read-only file system (fs/overlay.c).
 *
 * A folder's entries hold references of their inodes. A node may have a `lower`: the folder or file
 * of the read-only file system that it shows where it has nothing of its own. Locks: inode->lock,
 * then tmpfs.names, then page_store's. */
#pragma once

#include "fs/vfs.h"
#include "lib/rbtree.h"
#include "mm/shm.h"

/* memfd_create(2): an open file without a name ("/memfd:NAME (deleted)"). seals: MFD_ALLOW_SEALING
 * given. */
int tmpfs_create_file(const char *name, bool seals, struct file **file);
enum { SEAL_SEAL = 1, SEAL_SHRINK = 2, SEAL_GROW = 4, SEAL_WRITE = 8, SEAL_FUTURE_WRITE = 16 };
/* F_GET_SEALS, F_ADD_SEALS; -EINVAL: not such a file, -EPERM, -EBUSY (mapped for writing). */
int tmpfs_get_seals(struct file *file);
int tmpfs_add_seals(struct file *file, unsigned seals);
