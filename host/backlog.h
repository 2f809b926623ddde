/* host/backlog.h: room for connections that nobody has taken yet. QEMU's user network listens with
 * a backlog of one: of several clients that come at once, most would wait for a retransmission of
 * the host's TCP, for seconds where the host is busy. */
#pragma once

#include "network.h"

#include <stdbool.h>
#include <sys/types.h>

/* Give the sockets at which QEMU listens for the VM a longer queue. False: not all are there yet.
 * Where the host does not let us, they stay as they are. */
bool backlog_widen(pid_t qemu, const struct network *network);
/* Is there anything to widen? */
bool backlog_wanted(const struct network *network);
