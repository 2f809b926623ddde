/* lib/siphash.h: SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash whose values nobody without
 * the key can foretell. Any context. */
#pragma once

#include "lib/types.h"

/* The hash of n bytes; the key is secret to whom it shall be unforeseeable. */
uint64_t siphash(const uint8_t key[16], const void *data, size_t n);
