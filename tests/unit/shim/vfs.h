/* shim/vfs.h: kernel/fs on the host: the heap is malloc's, a frame's physical address is its
 * address (DIRECT_MAP_BASE=0), locks check that they are paired, RCU callbacks wait for
 * shim_quiescent(). */
#pragma once

#include "fs/vfs.h"
#include "../need.h"
#include <stdio.h>

void shim_start(void);
void shim_quiescent(void);
extern long shim_frames, shim_blocks; /* in use */
