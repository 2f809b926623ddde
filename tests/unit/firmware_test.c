// sources: kernel/arch/x86_64/mptable.c
// flags: -Ikernel -DDIRECT_MAP_BASE=0x200000000000ul -Wno-unused-function
/* ACPI's tables and the MP table as firmware leaves them, right ones and damaged ones. */
#include "../fuzz/firmware.h"

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", name);
    failures += !ok;
}

enum { RSDP = 0xe0000, XSDT = 0x1000000, MADT = 0x1001000, FADT = 0x1002000, DSDT_AT = 0x1003000 };
enum { SRAT = 0x1004000, SSDT = 0x1005000 };
enum { MP_POINTER = 0xf0000, MP = 0x1010000 };

static uint8_t *at(paddr_t paddr)
{
    return phys_to_virt(paddr);
}

/* Set the byte so that n bytes sum to 0. */
static void fix(uint8_t *p, size_t n, unsigned byte)
{
    uint8_t sum = 0;

    p[byte] = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i];
    p[byte] = -sum;
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static void make_table(paddr_t paddr, const char *name, uint32_t len)
{
    memcpy(at(paddr), name, 4);
    put32(at(paddr) + 4, len);
    fix(at(paddr), len, 9);
}

/* One entry of each kind that is on, and one that is off. */
static unsigned make_srat(void)
{
    static const uint8_t entries[] = {
        0, 16, 1, 3, 1,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             /* processor 3 */
        0, 16, 1, 4, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             /* off */
        1, 40, 1, 0, 0,    0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8, /* 4 GiB + 128 MiB */
        0, 0,  0, 0, 0,    0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
        2, 24, 0, 0, 2,    0, 0, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* processor 263 */
        0, 0,  0, 0, 0xff, 4, 0, 0};                                    /* what nobody knows */

    memcpy(at(SRAT) + 48, entries, sizeof(entries));
    make_table(SRAT, "SRAT", 48 + sizeof(entries));
    return 48 + sizeof(entries);
}

/* A device with the generation at 0x8000028, in QEMU's words; else in Firecracker's. */
static void make_generation(bool qemu)
{
    static const char head[] = "VGEN\x08_CID\rVM_Gen_Counter",
                      package[] = "\x08"
                                  "ADDR\x12\x07\x02\x0c\x28\x00\x00\x08";
    uint8_t *p = at(SSDT) + 36;

    memset(p, 0, 100);
    if (qemu)
        memcpy(p, "\x08VGIA\x0c\0\0\0\x08", 10);
    memcpy(p + 10, head, sizeof(head));
    if (!qemu)
        memcpy(p + 10 + sizeof(head), package, sizeof(package));
    make_table(SSDT, "SSDT", 100);
}

static void make_acpi(void)
{
    static const uint8_t entries[] = {0, 8, 0, 3,  1,    0,    0, 0, 0, 8, 1, 4,  0, 0, 0, 0, 1, 12,
                                      0, 0, 0, 0,  0xc0, 0xfe, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0,
                                      0, 0, 9, 16, 0,    0,    5, 0, 0, 0, 1, 0,  0, 0, 7, 0, 0, 0};
    static const uint8_t s5[] = {'_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 6, 0, 0};

    memset(at(RSDP), 0, 0x20000);
    memset(at(XSDT), 0, 0x6000);
    memcpy(at(MADT) + 44, entries, sizeof(entries));
    make_table(MADT, "APIC", 44 + sizeof(entries));
    memcpy(at(DSDT_AT) + 40, s5, sizeof(s5));
    make_table(DSDT_AT, "DSDT", 40 + sizeof(s5));
    put32(at(FADT) + 40, DSDT_AT);
    make_table(FADT, "FACP", 244);
    put32(at(XSDT) + 36, MADT);
    put32(at(XSDT) + 44, FADT);
    put32(at(XSDT) + 52, SRAT);
    put32(at(XSDT) + 60, SSDT);
    make_srat();
    make_generation(true);
    make_table(XSDT, "XSDT", 68);
    memcpy(at(RSDP), "RSD PTR ", 8);
    at(RSDP)[15] = 2;
    put32(at(RSDP) + 24, XSDT);
    fix(at(RSDP), 20, 8);
}

static void make_mp(void)
{
    static const uint8_t entries[] = {
        0,   7,   0x14, 3,   0,   0,   0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 1, 0,
        'I', 'S', 'A',  ' ', ' ', ' ', 2, 8, 0x11, 1, 0, 0, 0xc0, 0xfe, 3, 0, 0, 0, 0, 0, 8, 2};
    uint8_t *table = at(MP);

    memset(at(MP_POINTER), 0, 0x1000);
    memset(table, 0, 0x1000);
    memcpy(table + 44, entries, sizeof(entries));
    memcpy(table, "PCMP", 4);
    table[4] = 44 + sizeof(entries);
    fix(table, 44 + sizeof(entries), 7);
    memcpy(at(MP_POINTER), "_MP_", 4);
    put32(at(MP_POINTER) + 4, MP);
    at(MP_POINTER)[8] = 1;
    fix(at(MP_POINTER), 16, 10);
}

static void whole_tables(void)
{
    uint8_t a = 0, b = 0;

    make_acpi();
    firmware_read();
    check(told.cpus == 2 && told.last_cpu == 5 && told.ioapics == 1 && told.overrides == 1 &&
              !told.warnings,
          "the MADT: processors that are on, one with a long number, the I/O APIC, an override");
    check(sleep_types(&a, &b) && a == 5 && b == 6, "\\_S5's two values");
    check(told.affinities == 3, "the SRAT: processors and memory that are on");
    check(told.generation == phys_to_virt(0x8000028), "the generation's place in QEMU's words");
    make_generation(false);
    firmware_read();
    check(told.generation == phys_to_virt(0x8000028), "and in Firecracker's");
    at(SSDT)[36 + 10 + 25 + 9]++;
    make_table(SSDT, "SSDT", 100);
    firmware_read();
    check(!told.generation, "not where it would not be aligned");
    make_mp();
    looked = false, root = NULL;
    memset(&told, 0, sizeof(told));
    check(mptable_read() && told.cpus == 1 && told.last_cpu == 7 && told.ioapics == 1 &&
              told.overrides == 1,
          "the MP table");
    at(MADT)[60]++;
    firmware_read();
    check(told.warnings > 0 && told.cpus == 1, "a table with a wrong sum is not used, and said");
    make_acpi();
    put32(at(XSDT) + 4, 8);
    fix(at(XSDT), 68, 9);
    firmware_read();
    check(!acpi_present(), "a root table shorter than its header");
    make_acpi();
    boot_info.acpi_rsdp = 0xfffffff0;
    firmware_read();
    check(acpi_present(), "a pointer that the loader got wrong is looked for");
    boot_info.acpi_rsdp = 0;
}

/* Sums are put right, so that what is read goes on; lengths and addresses become anything. */
static void mutants(void)
{
    static const struct {
        paddr_t start;
        unsigned len, sum;
    } parts[] = {{XSDT, 76, 9}, {MADT, 110, 9}, {FADT, 244, 9}, {DSDT_AT, 60, 9},
                 {MP, 90, 7},   {RSDP, 36, 8},  {SRAT, 160, 9}, {SSDT, 100, 9}};
    static const uint8_t odd[] = {0, 1, 2, 0x7f, 0x80, 0xff};

    srand(3);
    for (int i = 0; i < 3000; i++) {
        make_acpi();
        make_mp();
        make_generation(i & 1);
        unsigned p = rand() % ARRAY_SIZE(parts);
        uint8_t *bytes = at(parts[p].start);
        for (int n = rand() % 4 + 1; n; n--)
            bytes[rand() % parts[p].len] = rand() & 1 ? odd[rand() % sizeof(odd)] : rand();
        uint32_t len = get32(bytes + 4);
        if (p == 4)
            len &= 0xffff;
        if (p == 5)
            len = 20;
        if (len >= 36 && len < 1 << 20)
            fix(bytes, len, parts[p].sum);
        firmware_read();
    }
    check(true, "3,000 mutants");
}

int main(void)
{
    memory_make();
    whole_tables();
    mutants();
    return failures != 0;
}
