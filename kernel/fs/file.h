/* fs/file.h: the life of open files, for the rest of the VFS. */
#pragma once

#include "fs/vfs.h"

/* Undo file_alloc() and what open did so far: like the last file_put(), but its open has failed, so
 * release() is not called. */
void file_abandon(struct file *file);
/* An open file of an inode without a name (takes over its reference) under a label of its own. */
int file_of_inode(const char *label, struct inode *inode, int flags, struct file **file);
/* mem_object_ops.name for files: the path of the open file that was mapped. */
void file_mem_name(struct mem_object *object, void *file, char *buf, size_t size);
