/* limits.h: what the files of the family share. */
#pragma once

#include "actors.h"

extern const struct op control_ops[]; /* controls.c: prctl and the like */
void filter_one(void);                /* filters.c: a filter of seccomp, in a child */
