/* drivers/console/stdio.h: what the program finds at its descriptors 0, 1 and 2. */
#pragma once

#include "fs/vfs.h"

/* Open what `stdio=` says for fd 0, 1 or 2 (docs/host-guest.md): the terminal, a stream, or nothing
 * (/dev/null). The caller owns the reference. Needs /dev mounted for the latter; sleeps. */
int stdio_open(int fd, struct file **file);
