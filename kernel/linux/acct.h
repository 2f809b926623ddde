/* linux/acct.h: a record of every process that ends (man 2 acct, man 5 acct). */
#pragma once

#include "linux/task.h"

/* Records are wanted. */
extern atomic_bool acct_on;
/* The process has no threads any more, its memory is still there; the caller has left it. Sleeps.
 */
void acct_process(struct process *process);
