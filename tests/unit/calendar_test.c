// sources: kernel/drivers/clock/calendar.c
// flags: -Ikernel
/* The real-time clock's registers in all their forms against the C library's calendar. */
#define _GNU_SOURCE 1
#include "drivers/clock/calendar.h"
#include "need.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MODE_24_HOURS = 2, MODE_BINARY = 4 };

static uint8_t coded(unsigned v, uint8_t mode)
{
    return mode & MODE_BINARY ? v : v / 10 << 4 | v % 10;
}

static struct rtc_registers show(int64_t seconds, uint8_t mode)
{
    time_t t = seconds;
    struct tm tm;
    unsigned hour, year;
    bool pm;

    gmtime_r(&t, &tm);
    hour = tm.tm_hour;
    year = tm.tm_year + 1900;
    pm = !(mode & MODE_24_HOURS) && hour >= 12;
    if (!(mode & MODE_24_HOURS))
        hour = hour % 12 ? hour % 12 : 12;
    return (struct rtc_registers){
        .seconds = coded(tm.tm_sec, mode),
        .minutes = coded(tm.tm_min, mode),
        .hours = coded(hour, mode) | (pm ? 0x80 : 0),
        .day = coded(tm.tm_mday, mode),
        .month = coded(tm.tm_mon + 1, mode),
        .year = coded(year % 100, mode),
        .century = coded(year / 100, mode),
        .mode = mode,
    };
}

static void every_form(int64_t seconds)
{
    for (unsigned mode = 0; mode <= 6; mode += 2) {
        struct rtc_registers r = show(seconds, mode);

        NEED(rtc_seconds(&r) == seconds);
        r.century = 0; /* not every clock has one */
        if (seconds >= 946684800 && seconds < 4102444800)
            NEED(rtc_seconds(&r) == seconds);
    }
}

static void epochs(void)
{
    nsec_t ns;

    NEED(epoch_parse("0", &ns) == 0 && ns == 0);
    NEED(epoch_parse("1700000000", &ns) == 0 && ns == 1700000000000000000);
    NEED(epoch_parse("1700000000.25", &ns) == 0 && ns == 1700000000250000000);
    NEED(epoch_parse("1.123456789123", &ns) == 0 && ns == 1123456789);
    NEED(epoch_parse("", &ns) < 0);
    NEED(epoch_parse("-1", &ns) < 0);
    NEED(epoch_parse(".5", &ns) < 0);
    NEED(epoch_parse("1x", &ns) < 0);
    NEED(epoch_parse("99999999999999999999", &ns) < 0);
}

int main(void)
{
    struct rtc_registers nonsense = {.month = 0x13, .day = 1, .mode = MODE_24_HOURS};

    for (int64_t t = 0; t < 4600000000; t += 86400 * 3 + 12345)
        every_form(t);
    for (int64_t t = 951782400 - 10; t < 951782400 + 2 * 86400; t += 3599) /* 29 February 2000 */
        every_form(t);
    NEED(rtc_seconds(&nonsense) < 0);
    epochs();
    printf("calendar_test: ok\n");
    return 0;
}
