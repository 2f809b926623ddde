/* host/library.h: find shared libraries as the loaders of glibc (man 8 ld.so) and musl do. */
#pragma once

#include "elf.h"
#include "tree.h"

struct library_search {
    struct tree *tree;
    const char *library_path; /* LD_LIBRARY_PATH of the program, or NULL */
    bool musl;
    struct words folders; /* where to look last */
    const void *cache;    /* /etc/ld.so.cache; all zero for musl */
    size_t cache_size;
    struct map known; /* names that need no object's own folders -> found */
    struct words found;
    struct words keys;
};

/* Prepare for programs of this ELF interpreter (NULL: static ones, which open libraries as glibc
 * does). Notes the loader's own files in the tree. */
void library_search_start(struct library_search *search, struct tree *tree, const char *interpreter,
                          const char *library_path);

/* Folders, joined by ':', of DT_RPATH or DT_RUNPATH with $ORIGIN, $LIB and $PLATFORM replaced
 * for an object found at `path`. The caller frees it. */
char *library_folders(const char *list, const char *path);

/* Where the library lies that `elf`, found at `path`, needs by this name; `rpath` are the
 * folders of its DT_RPATH and those of what loaded it, already replaced. NULL if nowhere. Valid
 * until the search's end. The loader itself counts as found at the interpreter's path for musl,
 * where it is the libc: then the result is "". */
const char *library_find(struct library_search *search, const char *name, const char *path,
                         const struct elf *elf, const char *rpath);
