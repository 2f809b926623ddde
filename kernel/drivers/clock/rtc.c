/* The wall clock: read once, at boot, from the command line or from the PC's real-time clock
 * (MC146818; ACPI 6.5, 4.8.2.4). Time goes on from there with the monotonic clock. */
#include "arch/x86_64/cpu.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "drivers/clock/calendar.h"
#include "drivers/clock/pvclock.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
    PORT_INDEX = 0x70,
    PORT_DATA = 0x71,
    REG_SECONDS = 0,
    REG_MINUTES = 2,
    REG_HOURS = 4,
    REG_DAY = 7,
    REG_MONTH = 8,
    REG_YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    REG_CENTURY = 0x32,
    A_UPDATING = 0x80,
    TRIES = 5,
    UPDATE_NS = 5000000, /* an update takes 2.2 ms at most */
};

static uint8_t read_register(uint8_t index)
{
    outb(PORT_INDEX, index);
    return inb(PORT_DATA);
}

static bool wait_for_update(void)
{
    nsec_t latest = clock_monotonic() + UPDATE_NS;

    while (read_register(REG_A) & A_UPDATING)
        if (clock_monotonic() > latest)
            return false;
    return true;
}

static void read_once(struct rtc_registers *r)
{
    *r = (struct rtc_registers){
        .seconds = read_register(REG_SECONDS),
        .minutes = read_register(REG_MINUTES),
        .hours = read_register(REG_HOURS),
        .day = read_register(REG_DAY),
        .month = read_register(REG_MONTH),
        .year = read_register(REG_YEAR),
        .century = read_register(REG_CENTURY),
        .mode = read_register(REG_B),
    };
}

/* Seconds since 1970; -ENODEV: no such clock, -EIO: it does not hold still or makes no sense. */
static int64_t read_rtc(void)
{
    struct rtc_registers one, two;

    if (read_register(REG_A) == 0xff && read_register(REG_B) == 0xff)
        return -ENODEV;
    for (unsigned i = 0; i < TRIES; i++) {
        if (!wait_for_update())
            return -EIO;
        read_once(&one);
        read_once(&two);
        if (!memcmp(&one, &two, sizeof one))
            return rtc_seconds(&one);
    }
    return -EIO;
}

static int wall_clock_init(void)
{
    const char *told = boot_param("epoch");
    nsec_t now;
    int64_t seconds;

    if (told && epoch_parse(told, &now) == 0)
        return clock_set_realtime(now + clock_monotonic());
    if (told)
        log_warning("clock: epoch=%s is no number of seconds", told);
    seconds = read_rtc();
    if (seconds < 0 && (now = pvclock_wall_ns()))
        return clock_set_realtime(now);
    if (seconds < 0) {
        log_notice("clock: %s: it is 1970", seconds == -ENODEV
                                                ? "no real-time clock"
                                                : "the real-time clock is out of order");
        return 0;
    }
    return clock_set_realtime(seconds * 1000000000);
}
BOOT_STEP(PHASE_CLOCK, "wall clock", wall_clock_init);
