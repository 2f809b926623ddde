/* drivers/clock/calendar.h: what the PC's real-time clock shows, as seconds. Pure. */
#pragma once

#include "lib/types.h"

struct rtc_registers {
    uint8_t seconds, minutes, hours, day, month, year, century, mode; /* mode: register B */
};

/* Seconds since 1970 of binary or BCD, 12- or 24-hour registers; -EIO if they make no sense. A
 * century that makes none counts as 20. */
int64_t rtc_seconds(const struct rtc_registers *registers);

/* "SECONDS" or "SECONDS.FRACTION" since 1970 as nanoseconds; -EINVAL. */
int epoch_parse(const char *text, nsec_t *ns);
