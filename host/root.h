/* host/root.h: paths inside a folder that stands for the root file system.
 *
 * Symbolic links are followed as they would be after chroot(2): they never lead out of it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct root {
    const char *folder; /* "" for the host's own root, else an absolute path without end slash */
};

/* What root_walk() met: called for each existing component on the way, links included
 * (`target` is theirs), and once with `st` NULL for the one that is missing. */
typedef void root_visit(void *context, const char *path, const struct stat *st, const char *target);

/* Follow `path` (absolute) to its end. 0 with the real path inside the root and the state of
 * what lies there, or -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EACCES. */
int root_walk(const struct root *root, const char *path, char real[PATH_MAX], struct stat *st,
              root_visit *visit, void *context);

/* As root_walk() with nobody to tell. `real` may be NULL. */
int root_stat(const struct root *root, const char *path, char real[PATH_MAX], struct stat *st);

/* The host's name for a real path inside the root. */
void root_host(const struct root *root, const char *path, char host[PATH_MAX]);

/* A file's bytes, mapped read-only; NULL with *size 0 if it cannot be read or is empty. The
 * mapping stays until root_unmap(). */
const void *root_map(const struct root *root, const char *path, size_t *size);
void root_unmap(const void *data, size_t size);

/* Write `path` without ".", ".." and double slashes, below `base` if it is relative.
 * False if the result is too long. */
bool path_join(char out[PATH_MAX], const char *base, const char *path);
