/* linux/vdso/vdso.h: giving a program its vDSO. May sleep. */
#pragma once

#include "lib/types.h"

struct process;

/* Map it into the process' space; its address (AT_SYSINFO_EHDR), or 0 without memory (programs do
 * without). Sets process->vdso and vdso_sigreturn. */
uintptr_t vdso_map(struct process *process);
