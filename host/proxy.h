/* host/proxy.h: carry streams, terminal and signals between this process and a running QEMU. */
#pragma once

#include "terminal.h"
#include "text.h"

#include <stdint.h>

struct core;
struct network;

struct proxy_request {
    const struct words *command; /* QEMU's words */
    const int *ours;             /* our ends of its lines (qemu.h), -1 where there is none */
    const int *theirs;           /* its ends; both are closed by proxy_run() */
    struct terminal *terminal;
    struct text *console; /* what the console has shown is added to it; or NULL */
    bool firmware;     /* what comes on the console before the kernel's first line is not shown */
    struct core *core; /* for what comes on LINE_CORE; closed by proxy_run(); or NULL */
    const struct network *network; /* whose ports QEMU listens at */
    uint64_t timeout_ms;           /* 0: none */
};

/* Run QEMU until it ends, return the status of the command (docs/host-guest.md); its one line of
 * explanation, if any, was printed. Signals: INT, TERM, HUP, QUIT, USR1 and USR2 go to the program,
 * a second INT or TERM ends the VM, as does the timeout. */
int proxy_run(const struct proxy_request *request);
