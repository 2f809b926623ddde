/* fs/create.h: making a name, for the rest of the VFS. */
#pragma once

#include "fs/namei.h"

/* A name that does not exist yet, in a folder that is locked for writing. */
struct creation {
    struct walk walk;
    struct inode *dir;
    struct dentry *dentry; /* negative */
};
/* folder: "name/" is all right. On success create_end() follows. */
int create_begin(struct creation *c, const struct path *at, const char *name, bool folder);
void create_end(struct creation *c);
