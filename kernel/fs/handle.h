/* fs/handle.h: file handles (man 2 open_by_handle_at): a file of a tmpfs found again by number.
 *
 * The name of a file that a handle was made of stays cached as long as it exists or is open. */
#pragma once

#include "fs/vfs.h"

enum { HANDLE_INO32_GEN = 1, HANDLE_INO64_GEN = 0x81 };
struct handle_id {
    uint32_t generation, ino, ino_high;
};

/* The type of the file's handle, and its contents; -EOPNOTSUPP (not if it is only to be compared),
 * -ENOMEM. */
int vfs_name_to_handle(const struct path *path, bool compare_only, struct handle_id *id);
/* The file in the file system that `at` is of; the caller puts *found. -ESTALE. */
int vfs_find_handle(const struct path *at, const struct handle_id *id, struct path *found);

/* For fs/dentry.c, of a dentry that is kept; dentry_lock held. Its name was removed; it goes. */
void handle_unnamed(struct dentry *d);
void handle_gone(struct dentry *d);
