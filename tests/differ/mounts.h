/* mounts.h: what the calls of the mounts family share. */
#pragma once

#include "families.h"

const char *where(void); /* an argument: a place of the world, mostly a folder, seldom strange */
void fill_place(const char *name); /* give a new file system what a place has: x, y, f, e, n, l */
void mounts_world(void);           /* a fresh root in a namespace of its own; no descriptors */
