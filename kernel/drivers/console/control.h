/* drivers/console/control.h: the lines on the port osprey.control (docs/host-guest.md). Threads
 * only; calls sleep. Without that port sending does nothing. */
#pragma once

#include "lib/types.h"

/* Start listening to the host, if it has a control port. Once, before the program starts. */
void control_start(void);
/* Send one line (no \n at its end, at most 255 bytes) and sleep until the host took it. */
void control_send_line(const char *fmt, ...) __printf(1, 2);

/* Supplied by linux/: the host's `signal N` for the program. */
extern void (*control_signal_hook)(int signo);

/* How the program ended, or could not be started (text: one line, value: 125, 126 or 127). */
enum control_end { CONTROL_EXIT, CONTROL_KILLED, CONTROL_ERROR };
/* Hand over all output, report the end to the host, and power the machine off. */
__noreturn void control_report_exit(enum control_end how, int value, const char *text);
/* Sleep until the host has taken all output of the program. */
void control_drain_output(void);
