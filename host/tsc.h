/* host/tsc.h: how fast the time-stamp counter runs, so that the VM need not find out. */
#pragma once

#include <stdint.h>

/* The counter's frequency in kHz, or 0 if it cannot be told. Measured against
 * CLOCK_MONOTONIC_RAW since the first command after the host's boot, noted in the cache folder;
 * that first one waits until it has run for some milliseconds. */
uint64_t tsc_khz(void);

/* Note the start of the command's own time; call it first. */
void tsc_start(void);
