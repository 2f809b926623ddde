/* host/file.h: files that `osprey build` and `osprey cmdline` write. */
#pragma once

#include "text.h"

/* Write `name` in the folder anew: the text, then the bytes of the file `from`; either may be NULL.
 * Ends the command with one line when it fails. */
void put_file(const char *folder, const char *name, const char *from, const char *text);

/* All bytes of a file; ends the command with one line when it cannot be read. The caller frees. */
struct text get_file(const char *path);

/* Put `text` in the place of what the file holds, all or nothing, with its mode. */
void replace_file(const char *path, const struct text *text);

/* Remove this regular file or empty folder should the command fail or be interrupted; anything
 * else, as a block device, stays. scratch_keep(): not any more. At most 8 at a time. */
void scratch(const char *path);
void scratch_keep(const char *path);
/* Remove them now. Safe in a signal handler. */
void scratch_remove(void);
