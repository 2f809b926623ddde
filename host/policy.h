/* host/policy.h: which parts of Debian packages a running program needs. */
#pragma once

#include "calls.h"
#include "debian.h"

/* The part that a package plays for the program. */
enum role {
    ROLE_PROGRAM, /* it brought the program itself */
    ROLE_NEEDED,  /* a package that the program's package depends on, or that brought a library */
    ROLE_WHOLE,   /* asked for by name: its programs too, headers and archives */
};

/* Whether this path of a package goes into the image. Documentation, programs other than the
 * one that is run, what only matters to a person logged in or to an installation do not; nor do
 * libraries, which are taken by need. `locale` is the language as in "de_DE", or NULL. */
bool policy_path(enum role role, const char *path, const char *locale);

/* Whether a package's folder holds configuration that is for its own programs only, so that what
 * lies there and no list names belongs to the package as well. */
bool policy_configuration(const char *path);

/* Whether a dependency on this package is one of the running program. `family` is the
 * interpreter that the program is or uses ("perl", "python3"), or NULL. */
bool policy_depends(const struct package *package, const char *family);

/* The interpreter family of a package, or NULL. */
const char *policy_family(const char *package_name);

/* The n-th package whose programs a shell is expected to start; NULL after the last, and for what
 * neither is a shell nor works with one. `path` is the program, links resolved. */
const char *policy_companion(const char *path, unsigned n);

/* The n-th package that a program is of no use without, as a compiler is without the C library's
 * headers, or the path of a link made by update-alternatives; NULL after the last. `name` is
 * without folder, as it is called. */
const char *policy_kit(const char *name, unsigned n);

/* Whether a package that is asked for by name brings this dependency whole, as gcc does gcc-12. */
bool policy_whole(const char *package_name);

/* The n-th path, a file or a folder, that a package's scripts make when it or what works with it is
 * installed, and that no list of files names; NULL after the last. */
const char *policy_made(const char *package_name, unsigned n);

/* Whether the program's arguments and script tell what it starts, and how they are to be read. */
bool policy_reads(const char *path, enum grammar *grammar);

/* The n-th further package that makes this one whole, as python3.11 does for python3.11-minimal;
 * NULL after the last. The caller checks that it is installed and of the same source. */
char *policy_fuller(const struct package *package, unsigned n);
