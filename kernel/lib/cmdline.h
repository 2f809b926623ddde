/* lib/cmdline.h: splits a kernel command line into words (docs/host-guest.md). Pure; no allocation.
 */
#pragma once

#include "lib/types.h"

/* Split text (len bytes, need not end with 0) into words written one after another, each ended by
 * 0, into out[size]; size of len + 1 always suffices, and out may be text itself (with room for a 0
 * behind it). *program is the index of the first word after
 * `--`, or the number of words if there is none. Returns the number of words, or -EINVAL: an open
 * quote, an unknown escape, a NUL inside; -E2BIG: out is too small. */
int cmdline_split(const char *text, size_t len, char *out, size_t size, unsigned *program);
