/* core/random.h: random bytes: ChaCha20 keyed from RDSEED/RDRAND, the clock and what drivers add.
 * Any context. From boot phase ARCH on. */
#pragma once

#include "lib/types.h"

/* Never waits for entropy: what there is at boot must do. */
void random_bytes(void *buf, size_t n);
uint64_t random_u64(void);
/* Mix in what an entropy source delivered (virtio-rng). */
void random_add(const void *seed, size_t n);
/* 16 bytes that change when the machine goes on from a snapshot (drivers/vmgenid.c): whatever is
 * drawn afterwards depends on them, and nothing that was kept from before is given out. They stay
 * mapped. */
void random_watch(const volatile uint64_t *place);
