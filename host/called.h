/* host/called.h: what a program starts, told from its arguments, its script and the makefile in
 * the working folder.
 *
 * A guess, and only of what is installed here: programs with their packages, compilers with
 * headers and linker, libraries of -lNAME, files named inside `sh -c '...'`, the working folder for
 * make and git.
 */
#pragma once

#include "closure.h"
#include "program.h"

/* Add it to the tree. `search` is PATH; `cwd` the working folder, or NULL: only what a shell
 * starts anyway. */
void called_add(struct tree *tree, struct closure *closure, const struct program *program,
                const char *search, const char *cwd);
