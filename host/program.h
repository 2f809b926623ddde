/* host/program.h: find PROGRAM as a shell does, and see to it that it can be run at all. */
#pragma once

#include "tree.h"

struct program {
    char *path;        /* in the root, links not resolved: what is executed */
    struct words argv; /* `#!` lines are resolved: argv[0] is then the interpreter */
    struct words hops; /* every file on the way: scripts, then the program itself */
};

/* Find argv[0] (in `search`, a PATH, unless it has a slash; then below `cwd`), check it, follow
 * `#!` lines, and add what was met to the tree. Ends the command with status 126 or 127 and one
 * line when it cannot be run. */
void program_find(struct program *program, struct tree *tree, const struct words *argv,
                  const char *search, const char *cwd);

/* The interpreter and arguments of a `#!` line, split as Linux does: the interpreter, and the
 * rest of the line as one argument. False if the bytes do not start with one. */
bool script_line(const char *data, size_t size, char interpreter[PATH_MAX],
                 char argument[PATH_MAX]);
