/* linux/names.h: the names of all x86-64 system calls by number. */
#pragma once

#include "lib/types.h"

enum { SYSCALL_NAMES = 512 };
/* NULL where there is none. */
const char *syscall_name(uint64_t nr);
