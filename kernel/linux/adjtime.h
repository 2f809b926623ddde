/* linux/adjtime.h: what adjtimex(2) keeps. Any context. */
#pragma once

#include "lib/types.h"

nsec_t adjtime_tai_offset(void); /* TAI is so much ahead of UTC */
/* The clock was stepped: what was to be slewed is void. */
void adjtime_clock_was_set(void);
