// sources: kernel/arch/x86_64/mptable.c kernel/boot/handover.c kernel/drivers/console/vt.c
// flags: -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul
/* libFuzzer: what firmware and loaders leave in memory, and what programs write to the screen. The
 * bytes become ACPI's tables one behind another at fixed places, with right sums; an MP table;
 * boot_params; control sequences. */
#include "firmware.h"

#include "boot/handover.h"
#include "drivers/console/vt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RSDP = 0xe0000, TABLES = 0x1000000, ROOM = 0x2000, KINDS = 7, MP_POINTER = 0xf0000 };

static void fix(uint8_t *p, size_t n, unsigned byte)
{
    uint8_t sum = 0;

    p[byte] = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    p[byte] = -sum;
}

static void put_table(unsigned n, const char *name, const uint8_t *data, size_t size)
{
    uint8_t *table = phys_to_virt(TABLES + n * ROOM);
    uint32_t len = 36 + size;

    memcpy(table, name, 4);
    memcpy(table + 4, &len, 4);
    memcpy(table + 36, data, size);
    fix(table, len, 9);
}

static const void *low_memory(paddr_t paddr, size_t n)
{
    return paddr && paddr < 1ull << 32 && n <= (1ull << 32) - paddr ? phys_to_virt(paddr) : NULL;
}

static void tables(const uint8_t *data, size_t size)
{
    static const char names[KINDS][5] = {"XSDT", "APIC", "FACP", "DSDT", "HPET", "SRAT", "SSDT"};
    uint8_t *rsdp = phys_to_virt(RSDP), *xsdt = phys_to_virt(TABLES);
    size_t part = size / KINDS;
    uint32_t dsdt_at = TABLES + 3 * ROOM, len = 36 + 8 * (KINDS - 1);

    for (unsigned i = 0; i < KINDS; i++)
        put_table(i, names[i], data + i * part, part);
    memcpy(xsdt + 4, &len, 4);
    for (uint64_t i = 1, a; i < KINDS; i++) {
        a = TABLES + i * ROOM;
        memcpy(xsdt + 28 + 8 * i, &a, 8);
    }
    fix(xsdt, len, 9);
    uint8_t *fadt = phys_to_virt(TABLES + 2 * ROOM);
    memcpy(fadt + 40, &dsdt_at, 4);
    if (part >= 12)
        fix(fadt, 36 + part, 9);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    uint64_t root_at = TABLES;
    memcpy(rsdp + 24, &root_at, 8);
    fix(rsdp, 20, 8);
    firmware_read();
}

static void mp_table(const uint8_t *data, size_t size)
{
    uint8_t *pointer = phys_to_virt(MP_POINTER), *table = phys_to_virt(TABLES + 0x100000);
    uint32_t address = TABLES + 0x100000;
    uint16_t len = 44 + size;

    memset(table, 0, 44);
    memcpy(table, "PCMP", 4);
    memcpy(table + 4, &len, 2);
    memcpy(table + 44, data, size);
    fix(table, len, 7);
    memcpy(pointer, "_MP_", 4);
    memcpy(pointer + 4, &address, 4);
    fix(pointer, 16, 10);
    mptable_read();
}

static void params(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    uint8_t *p = phys_to_virt(TABLES + 0x200000);

    memset(p, 0, 4096);
    memset(&info, 0, sizeof(info));
    memcpy(p, data, MIN(size, (size_t)0x300));
    handover_linux(&info, TABLES + 0x200000, low_memory);
    const struct boot_screen *s = &info.screen;
    if (s->base &&
        (s->pitch < s->width * (s->depth / 8) || s->width < 8 || s->height < 16 || s->depth > 32))
        abort();
}

static void screen(const uint8_t *data, size_t size)
{
    static uint16_t cells[5 * 11];
    static struct vt vt;

    vt_init(&vt, cells, 5, 11);
    vt_write(&vt, data, size);
    if (vt.x >= 11 || vt.y >= 5)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;

    if (!made)
        memory_make();
    made = true;
    if (!size)
        return 0;
    void (*const readers[])(const uint8_t *, size_t) = {tables, mp_table, params, screen};
    readers[data[0] % ARRAY_SIZE(readers)](data + 1, size - 1);
    return 0;
}
