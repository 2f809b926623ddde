/* host/tree.h: what goes into an image: a list of paths and where each one's content is.
 *
 * Nothing is copied here; host/image.c makes the file system of it. Everything that was looked
 * at, and everything that was looked for in vain, is noted too, so that host/cache.c can tell
 * whether the same request would still give the same tree.
 */
#pragma once

#include "root.h"
#include "text.h"

#include <stdint.h>

struct entry {
    char *path;    /* in the image, absolute */
    char *target;  /* of a symbolic link */
    char *content; /* of a file made here; NULL if it comes from the host */
    bool made;     /* has no file on the host behind it */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    uint64_t size;
    struct timespec mtime;
    ino_t inode;
};

struct tree {
    struct root root;
    struct entry *entry;
    size_t count;
    size_t room;
    struct map index;     /* path -> entry */
    struct words absent;  /* paths that did not exist when looked for */
    struct words watched; /* paths whose state mattered but which are not in the tree; a folder's
                             time of change included */
    uint64_t size;        /* bytes of the files, each rounded up to 4 KiB */
};

void tree_start(struct tree *tree, const char *folder);

/* Add what lies at `path` in the root: the folders on the way, the symbolic links met and what
 * they lead to. A folder comes without its content. 0 with the real path, or root_walk()'s
 * error; what was met on the way is then in the tree. */
int tree_add(struct tree *tree, const char *path, char real[PATH_MAX], struct stat *st);

/* Add a folder and all below it, links not followed out of it, but for sockets, device nodes
 * and what cannot be read. Files of more than `limit` bytes in all: nothing more is added and
 * -EFBIG is returned. */
int tree_add_all(struct tree *tree, const char *path, uint64_t limit);

/* Add a folder that need not exist on the host, with the folders on the way to it. */
void tree_folder(struct tree *tree, const char *path, mode_t mode);

/* Add a file with this content in place of what the host has there. */
void tree_file(struct tree *tree, const char *path, mode_t mode, const char *content, size_t size);

/* Add a symbolic link, in place of what the host has there; its target need not exist. */
void tree_link(struct tree *tree, const char *path, const char *target);

bool tree_has(const struct tree *tree, const char *path);

/* Note that the result depends on whether, or in what state, something lies at `path`. */
void tree_watch(struct tree *tree, const char *path);
