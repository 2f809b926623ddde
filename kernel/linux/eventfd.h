/* linux/eventfd.h: see eventfd.c. */
#pragma once

#include "fs/vfs.h"

bool eventfd_is(const struct file *file);
/* Count one more, as far as it goes. Threads only. */
void eventfd_signal(struct file *file);
