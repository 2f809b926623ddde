/* host/image_line.h: the command line inside a root image, /.osprey/cmdline. */
#pragma once

#include "boot_disk.h"

/* As disk_read_cmdline() and disk_replace_cmdline(); a line that needs more blocks than the file
 * has ends the command. */
int image_read_cmdline(int fd, char *line);
int image_replace_cmdline(int fd, const char *line);
