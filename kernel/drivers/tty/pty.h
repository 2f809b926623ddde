/* drivers/tty/pty.h: pseudo terminals (man 7 pty): /dev/ptmx makes a pair, devpts shows the slaves.
 * Threads only. */
#pragma once

#include "fs/vfs.h"

enum { PTYS_MAX = 256, PTS_MAJOR = 136 };

struct tty;
struct pts_info {
    uint32_t uid, gid, mode;
    struct timespec created;
};
/* The slave's owner and times; false: there is no such pair. */
bool pty_info(unsigned index, struct pts_info *info);
int pty_set_info(unsigned index, const struct attributes *attr);
/* The smallest number >= index in use; -ENOENT. */
int pty_next(unsigned index);
/* Open a slave, which is the caller's controlling terminal, once more (/dev/tty). -ENXIO: tty is no
 * slave (any more). */
int pty_open_tty(const struct tty *tty, struct file *file);
/* Keep a slave from going, if it still is there. */
bool pty_hold(const struct tty *tty);
void pty_let_go(struct tty *tty);
extern const struct file_ops ptmx_ops, pts_ops;
