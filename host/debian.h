/* host/debian.h: which Debian package a file belongs to, what it holds and what it needs.
 *
 * Reads /var/lib/dpkg (status and info/NAME.list) of a root directly; a root without it has no
 * packages. Paths count as the same with and without /usr before bin, sbin and lib (merged /usr).
 */
#pragma once

#include "root.h"
#include "text.h"

struct package {
    char *name;
    char *source;  /* name of the source package, without version */
    char *depends; /* Depends and Pre-Depends, joined by a comma */
    bool essential;
    const char *list; /* its paths, one a line; `list_size` bytes */
    size_t list_size;
    int state; /* for the caller; 0 at first */
};

struct debian;

/* The packages of this root. Never fails; lasts until the command ends. */
struct debian *debian_open(const struct root *root);

/* The package that brought this path, or NULL. */
struct package *debian_owner(struct debian *debian, const char *path);

/* An installed package by its name, or one that provides the name; NULL if there is none. */
struct package *debian_package(struct debian *debian, const char *name);

/* The names in a dependency field, one by one, without versions, architectures and build
 * profiles. *cursor starts at the field. Sets *alternative when the name is another choice for
 * the one before it. False at the end; names of more than 127 bytes are passed over. */
bool depends_next(const char **cursor, char name[128], bool *alternative);

/* The next path of a package's list; *cursor starts at 0. False at the end. */
bool package_path(const struct package *package, size_t *cursor, char path[PATH_MAX]);
