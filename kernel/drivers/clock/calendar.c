#include "drivers/clock/calendar.h"

#include "lib/errno.h"

enum { MODE_24_HOURS = 2, MODE_BINARY = 4, HOUR_PM = 0x80, NSEC_PER_SEC = 1000000000 };

static unsigned from_bcd(uint8_t v, uint8_t mode)
{
    return mode & MODE_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static unsigned hour_of(const struct rtc_registers *r)
{
    unsigned hour = from_bcd(r->hours & ~HOUR_PM, r->mode);

    if (r->mode & MODE_24_HOURS)
        return from_bcd(r->hours, r->mode);
    if (hour < 1 || hour > 12)
        return ~0u;
    return hour % 12 + (r->hours & HOUR_PM ? 12 : 0);
}

/* Days since 1970-01-01 (Gregorian; years from 1970 on). March is the first month of the counted
 * year, so that the leap day comes last. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

    return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

int64_t rtc_seconds(const struct rtc_registers *r)
{
    unsigned second = from_bcd(r->seconds, r->mode), minute = from_bcd(r->minutes, r->mode);
    unsigned hour = hour_of(r), day = from_bcd(r->day, r->mode);
    unsigned month = from_bcd(r->month, r->mode), year = from_bcd(r->year, r->mode);
    unsigned century = from_bcd(r->century, r->mode);

    if (century < 19 || century > 22)
        century = 20;
    if (second > 60 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
        year > 99)
        return -EIO;
    year += century * 100;
    if (year < 1970)
        return -EIO;
    return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

int epoch_parse(const char *text, nsec_t *ns)
{
    const nsec_t most = INT64_MAX / NSEC_PER_SEC / 2;
    nsec_t seconds = 0, fraction = 0, unit = NSEC_PER_SEC / 10;
    const char *p = text;

    for (; *p >= '0' && *p <= '9' && seconds <= most; p++)
        seconds = seconds * 10 + (*p - '0');
    if (p == text || seconds > most)
        return -EINVAL;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            fraction += (*p - '0') * unit;
    if (*p)
        return -EINVAL;
    *ns = seconds * NSEC_PER_SEC + fraction;
    return 0;
}
