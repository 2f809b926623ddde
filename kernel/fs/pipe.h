/* fs/pipe.h: pipes and FIFOs (man 7 pipe). Threads only; reads and writes sleep. */
#pragma once

#include "fs/vfs.h"

/* pipe2(2). flags: O_NONBLOCK, O_DIRECT (packets). -ENOMEM. */
int pipe_create(int flags, struct file **rd, struct file **wr);

/* The pipe behind a file, or NULL: splice(2) and F_SETPIPE_SZ ask. */
struct pipe;
struct pipe *file_pipe(struct file *file);
size_t pipe_size(const struct pipe *pipe);
/* F_SETPIPE_SZ: the new size (a power of two of pages), -EBUSY, -EPERM, -ENOMEM. */
ssize_t pipe_resize(struct pipe *pipe, size_t size);
extern unsigned pipe_max_size; /* /proc/sys/fs/pipe-max-size */

/* splice(2), one side a pipe: move up to n bytes between it and a file (pos NULL: the file's own).
 * tee(2): copy without consuming. nonblock: SPLICE_F_NONBLOCK. Bytes moved, 0 at the end. */
ssize_t pipe_splice_to(struct file *pipe, struct file *out, off_t *pos, size_t n, bool nonblock);
/* Until something can be written: 0, -EPIPE, -EAGAIN (O_NONBLOCK), -ERESTARTSYS. */
int pipe_wait_room(struct file *pipe);
ssize_t pipe_splice_from(struct file *in, off_t *pos, struct file *pipe, size_t n, bool nonblock);
/* vmsplice(2): whole program pages become the pipe's content, so that what is written there later
 * is what will be read. io: in program memory. Waits for room once, then takes what fits. */
ssize_t pipe_gift(struct file *pipe, struct address_space *space, struct io *io, bool nonblock);
ssize_t pipe_tee(struct file *in, struct file *out, size_t n, bool nonblock);

/* What opening a FIFO gives the file (fs/open.c). */
extern const struct file_ops fifo_ops;
