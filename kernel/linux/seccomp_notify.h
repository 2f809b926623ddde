/* linux/seccomp_notify.h: the listener of a filter, who answers calls in the place of the kernel
 * (man 2 seccomp_unotify). Threads only; may sleep. */
#pragma once

#include "fs/vfs.h"

struct seccomp_call { /* struct seccomp_data */
    int32_t nr;
    uint32_t arch;
    uint64_t ip, args[6];
};
struct seccomp_notifier;

/* A listener and the file by which it is asked: one reference each for the filter and the file.
 * killable: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV. -ENOMEM. */
int seccomp_notifier_create(bool killable, struct seccomp_notifier **made, struct file **file);
/* The filter is gone: nobody will ask any more. NULL: nothing. */
void seccomp_notifier_gone(struct seccomp_notifier *notifier);
/* Ask about a call of the current task; true: make it, else *result is what it returns. */
bool seccomp_notify(struct seccomp_notifier *notifier, const struct seccomp_call *call,
                    int64_t *result);
