/* host/closure.h: everything that a program loads or reads by itself.
 *
 * ELF interpreters and shared libraries as the loaders of glibc and musl find them; libraries
 * opened by a name that stands in the program's bytes, where the Debian packages it depends on
 * have them; and the other files of these packages (host/policy.h says which).
 */
#pragma once

#include "debian.h"
#include "tree.h"

struct closure;

/* `library_path`: LD_LIBRARY_PATH of the program, or NULL. */
struct closure *closure_new(struct tree *tree, const char *library_path);

/* Add the program; its missing interpreter or libraries end the command with status 127. `asked`
 * is what the user named: a script that `path` interprets, or `path` itself. */
void closure_program(struct closure *closure, const char *path, const char *asked);

/* Add a file if it exists, and if it is ELF, what it needs as far as that exists. */
void closure_file(struct closure *closure, const char *path);

/* Add a program that the first one may start, and its package's data. */
void closure_called(struct closure *closure, const char *path);

/* Add the package that has this file, if one has it, with all its files. */
void closure_whole(struct closure *closure, const char *path);

/* Add an installed package with all its files. False if there is none of this name. */
bool closure_package(struct closure *closure, const char *name);

/* Follow all that was added until nothing is new. */
void closure_finish(struct closure *closure);

/* Whether some ELF file in the closure names this string, one of: "iconv_open",
 * "ca-certificates.crt". Valid after closure_finish(). */
bool closure_mentions(const struct closure *closure, const char *string);

/* Check the program's interpreter and libraries in a root that is taken whole: no adding. */
void closure_check(struct tree *tree, const char *path, const char *library_path);
