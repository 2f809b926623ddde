#include "drivers/power.h"

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "core/boot.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "lib/string.h"
#include "mm/karea.h"

/* The fixed ACPI description table (ACPI 6.5, 5.2.9). */
enum {
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_FLAGS = 112,
    FADT_RESET_REGISTER = 116,
    FADT_RESET_VALUE = 128,
    FADT_SLEEP_CONTROL = 244,
    FADT_FLAG_RESET = 1 << 10,
    FADT_FLAG_HW_REDUCED = 1 << 20,
};
enum { PM1_SLEEP_ENABLE = 1 << 13, PM1_SLEEP_TYPE_SHIFT = 10 };
enum { SLEEP_ENABLE = 1 << 5, SLEEP_TYPE_SHIFT = 2 };
enum { I8042_STATUS = 0x64, I8042_COMMAND = 0x64, I8042_RESET = 0xfe, I8042_INPUT_FULL = 2 };
enum { PCI_RESET_PORT = 0xcf9 };
enum { DELAY_PORT = 0x80, SETTLE_STEPS = 20000 };

struct table {
    const uint8_t *bytes;
    size_t len;
};

static uint64_t field(const struct table *table, size_t offset, size_t size)
{
    uint64_t value = 0;
    if (offset + size <= table->len)
        memcpy(&value, table->bytes + offset, size);
    return value;
}

static struct table find_table(const char *signature)
{
    struct table table = {};
    table.bytes = acpi_table(signature, 0, &table.len);
    if (!table.bytes)
        table.len = 0;
    return table;
}

/* Give the machine time to end before the next way is tried: port 0x80 takes about a microsecond
 * on hardware, and is an exit (so the monitor gets to act) in a VM. */
static void settle(void)
{
    for (unsigned i = 0; i < SETTLE_STEPS; i++)
        outb(DELAY_PORT, 0);
}

/* Write one byte to the place that a generic address structure names (ACPI 6.5, 5.2.3.2). */
static bool write_register(const struct table *fadt, size_t offset, uint8_t value)
{
    enum { SPACE_MEMORY, SPACE_IO };
    uint64_t space = field(fadt, offset, 1), address = field(fadt, offset + 4, 8);
    if (!address)
        return false;
    if (space == SPACE_IO) {
        outb(address, value);
    } else if (space == SPACE_MEMORY) {
        volatile void *p = karea_map_device(address, 1);
        if (!p)
            return false;
        mmio_write8(p, 0, value);
    } else {
        return false;
    }
    return true;
}

/* The values of the package `_S5_` in the DSDT: Name(_S5_, Package(n) {a, b, ...}). A byte of the
 * package is 0 (ZeroOp), 1 (OneOp) or 0x0a N (ByteConst). */
static bool sleep_types(uint8_t *type_a, uint8_t *type_b)
{
    enum { PACKAGE_OP = 0x12, BYTE_PREFIX = 0x0a };
    struct table dsdt = find_table("DSDT");
    for (size_t i = 0; i + 8 <= dsdt.len; i++) {
        const uint8_t *p = dsdt.bytes + i, *end = dsdt.bytes + dsdt.len;
        if (memcmp(p, "_S5_", 4) != 0 || p[4] != PACKAGE_OP)
            continue;
        p += 5;
        p += (*p >> 6) + 2; /* the package's length (1 to 4 bytes), the number of elements */
        uint8_t *const types[] = {type_a, type_b};
        for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
            p += p < end && *p == BYTE_PREFIX;
            if (p >= end)
                return false;
            *types[t] = *p++ & 7;
        }
        return true;
    }
    return false;
}

static void acpi_power_off(void)
{
    struct table fadt = find_table("FACP");
    uint8_t type_a = 5, type_b = 5;
    if (!fadt.bytes || !sleep_types(&type_a, &type_b))
        return;
    if (field(&fadt, FADT_FLAGS, 4) & FADT_FLAG_HW_REDUCED) {
        write_register(&fadt, FADT_SLEEP_CONTROL, type_a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    } else {
        uint16_t a = field(&fadt, FADT_PM1A_CONTROL, 4), b = field(&fadt, FADT_PM1B_CONTROL, 4);
        if (a)
            outw(a, type_a << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE);
        if (b)
            outw(b, type_b << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE);
    }
    settle();
}

static void acpi_reset(void)
{
    struct table fadt = find_table("FACP");
    if (!fadt.bytes || !(field(&fadt, FADT_FLAGS, 4) & FADT_FLAG_RESET))
        return;
    if (write_register(&fadt, FADT_RESET_REGISTER, field(&fadt, FADT_RESET_VALUE, 1)))
        settle();
}

/* An absent controller reads 0xff or 0: neither may keep us waiting. */
static void keyboard_reset(void)
{
    for (unsigned i = 0; i < SETTLE_STEPS && inb(I8042_STATUS) & I8042_INPUT_FULL; i++)
        if (inb(I8042_STATUS) == 0xff)
            break;
    outb(I8042_COMMAND, I8042_RESET);
    settle();
}

/* A fault with an empty interrupt table cannot be delivered: the processor shuts down, which every
 * chipset and monitor turns into a reset. */
static __noreturn void triple_fault(void)
{
    struct __packed {
        uint16_t limit;
        uint64_t base;
    } empty = {};
    for (;;)
        asm volatile("lidt %0; ud2" : : "m"(empty));
}

/* The ways that need nothing but ports, so that a panic may take them. */
static __noreturn void plain_reset(void)
{
    keyboard_reset();
    outb(PCI_RESET_PORT, 0x02);
    outb(PCI_RESET_PORT, 0x06);
    settle();
    triple_fault();
}

void machine_reset(void)
{
    acpi_reset();
    irq_disable();
    plain_reset();
}

void (*power_off_hook)(void);

void machine_power_off(int code)
{
    uint64_t port = boot_param_u64("debug_exit", 0);
    if (code == POWER_OFF_NORMAL && power_off_hook)
        power_off_hook();
    log_drain();
    if (port && port < 0x10000)
        outl(port, code);
    if (code == POWER_OFF_NORMAL)
        acpi_power_off();
    irq_disable();
    plain_reset();
}
