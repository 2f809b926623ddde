/* actors.h: processes that make the calls that change a process for good, or end it.
 *
 * Each is forked from the world's first process, which stays as it is and shows of them what /proc
 * tells. One that has ended, or was sent home, begins anew. */
#pragma once

#include "differ.h"

enum { ACTORS = 3 };

void actors_start(void (*begin)(void)); /* in setup(); each begins with that */
/* An actor that is drawn makes run(); false: it has ended by that, and how is shown. */
bool actor_does(void (*run)(void));
void actor_leaves(void); /* the next that one does, it does as a new process */

void run_one(const struct op *ops); /* of a list, drawn */

extern int actor_now;              /* in both: the one of this step */
pid_t actor_pid(int i);            /* 0: none now */
int another_actor(void);           /* drawn, shown; may be the same or none */
void show_status(int actor);       /* ids, capabilities, seccomp */
void show_ids(const char *status); /* of the text of a status file */

/* Runs the program (argv NULL-ended) in a child, shows what it writes and how it ends. */
void show_run(int dirfd, const char *program, char *const argv[], int flags);
