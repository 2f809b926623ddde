/* host/essentials.h: what any program expects to find in a Linux root file system. */
#pragma once

#include "closure.h"
#include "tree.h"

/* Add the folders that every system has and, from the host, what libraries read in /etc and
 * elsewhere: users, names, time zone, terminal, locale; character sets and certificates where
 * the closure uses them; of the network's files, those that fit the VM's name and its way to name
 * servers. Call it after closure_finish(). hostname: NULL for the default. */
void essentials_add(struct tree *tree, const struct closure *closure, const char *program,
                    const char *hostname);

/* Only the folders, for a root that is taken whole. */
void essentials_folders(struct tree *tree);
