/* linux/patch.h: see patch.c. */
#pragma once

struct process;

/* The process' address space was cleared (execve) or is gone: forget its stubs. */
void patch_forget(struct process *process);
