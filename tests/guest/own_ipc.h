/* own_ipc.h: on Linux a test gets System V IPC and message queues of its own, so that nobody else's
 * are counted with its own; inside Osprey nobody else is there. */
#ifndef OWN_IPC_H
#define OWN_IPC_H

#include "check.h"

#include <sched.h>

static inline void own_ipc(void)
{
    if (!inside_osprey())
        (void)!unshare(CLONE_NEWIPC); /* without the right to it, it goes on among the others */
}

#endif
