/* linux/strace.h: `osprey run --strace`: each system call with its arguments and result on the
 * console. */
#pragma once

/* From now on, for every task. */
void strace_start(void);
