/* linux/usage.h: struct rusage of getrusage(2), wait4(2), waitid(2). */
#pragma once

#include "linux/task.h"

struct rusage {
    int64_t utime_sec, utime_usec, stime_sec, stime_usec;
    int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,
        nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct rusage) == 144, "uapi");

/* Times in seconds and microseconds, memory in KiB; what is not counted is 0. */
void usage_to_rusage(const struct usage *usage, struct rusage *out);
