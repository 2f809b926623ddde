/* drivers/block/rescue.h: what disks have in common that do not answer: how long that may last, and
 * a thread to bring them back in. */
#pragma once

#include "core/waitqueue.h"
#include "lib/types.h"

struct rescue {
    void (*run)(struct rescue *rescue); /* in the thread; may sleep */
    atomic_bool wanted;
    struct rescue *next;
};

/* Before the first call; for good. Threads. -ENOMEM. */
int rescue_init(struct rescue *rescue, void (*run)(struct rescue *));
/* Have run() called soon, once for all calls so far. Any context. */
void rescue_call(struct rescue *rescue);

/* How long a command may take: 30 s, as on Linux, or disk_timeout_ms=N of the command line. */
nsec_t disk_timeout(void);
