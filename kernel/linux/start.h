/* linux/start.h: the moment at which the program begins. */
#pragma once

/* Called in the first thread when everything stands ready and the next instruction is the
 * program's (boot chart, last of the boot's clean-up). */
extern void (*program_starting_hook)(void);

/* "No such file or directory" for -ENOENT; 0: "". */
const char *errno_text(int error);
