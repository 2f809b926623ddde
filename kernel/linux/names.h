/* linux/names.h: the names of all x86-64 system calls by number; NULL where there is none. */
#pragma once

enum { SYSCALL_NAMES = 512 };
extern const char *const syscall_names[SYSCALL_NAMES];
