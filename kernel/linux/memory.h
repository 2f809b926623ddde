/* linux/memory.h: RLIMIT_MEMLOCK and mlockall(2) for those who map something new. */
#pragma once

#include "mm/address_space.h"

/* MAP_LOCKED if mlockall(MCL_FUTURE) wants it. 0 or -EAGAIN: there may not be so much of it. */
int memory_lock_new(struct map_request *request);
/* Once it stands at `at`: its pages are made present. */
void memory_locked_new(uintptr_t at, const struct map_request *request);
/* What Linux calls VM_SHARED: mapped shared, of a file that was opened for writing. The space's
 * lock held. */
bool memory_is_shared(const struct mapping *m);
