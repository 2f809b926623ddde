/* linux/splice.h: splice(2) with files at hand. Threads only; sleeps unless nonblock. */
#pragma once

#include "fs/vfs.h"

/* One of the two is a pipe. Positions NULL: the file's own. Bytes, 0 at the end, or why not. */
int64_t splice_files(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t n,
                     bool nonblock);
