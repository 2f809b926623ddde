/* families.h: the families and their calls, by file. */
#pragma once

#include "differ.h"

bool files_setup(void); /* names.c: a small tree, a few open files */
void files_setup_again(void);
bool descriptors_setup(void);
bool memory_setup(void); /* memory.c: an arena with a few areas, files to map */
extern const struct op mounts_ops[], mounts_use_ops[];
bool mounts_setup(void);  /* mounts.c: folders to mount on, in namespaces of its own */
bool signals_setup(void); /* signals.c: handlers; no children */
bool ipc_setup(void);     /* ipc.c: nothing there */
extern const struct op names_ops[], data_ops[], descriptors_ops[], memory_ops[], memory_use_ops[];
bool sockets_unix_setup(void); /* sockets_unix.c: a few files and folders */
bool sockets_inet_setup(void); /* sockets_inet.c: lo alone */
extern const struct op sockets_unix_ops[], sockets_inet_ops[];
bool futex_setup(void); /* futex.c: all words 0, no threads */
void futex_after(void);
extern const struct op signals_ops[], futex_ops[];
bool pipes_setup(void); /* pipes.c: three pipes, three files */
extern const struct op pipes_ops[];
bool credentials_setup(void); /* credentials.c: programs, files of several owners */
bool limits_setup(void);      /* limits.c */
extern const struct op credentials_ops[], limits_ops[];
bool processes_setup(void); /* processes.c: no children, all signals blocked */
extern const struct op processes_ops[];
int helper_main(int argc, char **argv); /* actors.c: as what the actors execute the program */
