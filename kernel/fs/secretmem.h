/* fs/secretmem.h: memory that only mappings lead to (memfd_secret(2)). */
#pragma once

#include "fs/vfs.h"

/* An open file without a name and of size 0, which may be given another size once. It can be mapped
 * (shared, not executable, locked, not dumped) and not read or written; nothing of the kernel
 * reaches its pages but by a program's address (mem_object_ops.secret). May sleep; -ENOMEM. */
int secretmem_create(struct file **file);
