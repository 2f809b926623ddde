/* host/named.h: files and folders that come into the image because a word names them. */
#pragma once

#include "closure.h"

/* What a folder that is named may bring along, in bytes. */
#define NAMED_FOLDER_MAX (256ull << 20)

/* Whether the path is one of a file that lives elsewhere in the VM, or the whole of the host. */
bool named_never(const char *path);

/* Add a file with what it needs, or a folder with all below it. A folder of more than `limit`
 * bytes is left out with a warning. */
void named_add(struct tree *tree, struct closure *closure, const char *path, uint64_t limit);

/* Add what an argument names, below `cwd` if it is relative; the folder of a file that is not
 * there yet. */
void named_argument(struct tree *tree, struct closure *closure, const char *cwd,
                    const char *argument);
