/* linux/core_name.h: the name of a core file out of /proc/sys/kernel/core_pattern (man 5 core).
 *
 * Pure C without kernel dependencies: tests/unit/core_name_test.c runs it on the host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORE_PATTERN_MAX = 128 }; /* with its NUL */

/* What the specifiers stand for. */
struct core_names {
    int pid, tid, signo, dumpable, cpu;
    uint32_t uid, gid;
    uint64_t time, limit;          /* seconds since 1970; RLIMIT_CORE */
    const char *host, *comm, *exe; /* exe: a path, or NULL */
    bool uses_pid;                 /* /proc/sys/kernel/core_uses_pid */
};

/* Expand a pattern into out[size]: a file's name; after `|` a program and its arguments, each ended
 * by NUL. Returns the number of words (1 for a file's name), 0 for a pattern that names nothing,
 * -1: too long. *pipe: it began with `|`. */
int core_name(const char *pattern, const struct core_names *names, bool *pipe, char *out,
              size_t size);
