/* linux/pollwait.h: a thread that waits on many files at once (poll, select). Lives on the caller's
 * stack. Threads only. */
#pragma once

#include "linux/fd.h"

/* One wait queue of one file. */
struct poll_hook {
    struct waiter waiter;
    struct waitqueue *queue;
    struct file *file; /* with a reference; NULL: borrowed */
    unsigned wanted;   /* POLL* bits that are worth waking up for */
};
enum { POLL_HOOKS_FIRST = 8, POLL_HOOKS_MORE = 48 };
struct poll_hooks {
    struct poll_hooks *next;
    unsigned n;
    struct poll_hook hooks[POLL_HOOKS_MORE];
};
struct poll_wait {
    struct poll_table table;
    struct thread *thread;
    atomic_bool triggered;
    bool hooked;       /* all files were hooked: later rounds only look */
    int err;           /* -ENOMEM: not all queues could be hooked */
    struct fd_ref ref; /* the file being hooked, and what for */
    unsigned wanted;
    unsigned n;
    struct poll_hook first[POLL_HOOKS_FIRST];
    struct poll_hooks *more;
};

/* may_sleep false: one look, nothing is hooked. */
void poll_wait_begin(struct poll_wait *wait, bool may_sleep);
void poll_wait_end(struct poll_wait *wait);
/* What holds for fd now out of `events`, POLLERR and POLLHUP; POLLNVAL: not open. */
unsigned poll_wait_look(struct poll_wait *wait, int fd, unsigned events);
/* After a round that found nothing: 1 look again, 0 the deadline has passed, -ERESTARTNOHAND, or
 * wait->err. */
int poll_wait_sleep(struct poll_wait *wait, nsec_t deadline);
