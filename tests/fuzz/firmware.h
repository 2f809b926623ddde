/* firmware.h: physical memory of 4 GiB for the readers of what firmware leaves (ACPI's tables, the
 * MP table), and what they tell. Included once, with DIRECT_MAP_BASE given on the command line. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../kernel/arch/x86_64/acpi.c"
#include "../../kernel/drivers/power.c"
#include "../../kernel/drivers/vmgenid.c"

struct boot_info boot_info;
static struct {
    unsigned cpus, ioapics, overrides, warnings, affinities;
    uint32_t last_cpu, last_gsi;
    const volatile uint64_t *generation;
} told;

void smp_add(uint32_t apic_id)
{
    told.cpus++;
    told.last_cpu = apic_id;
}
void ioapic_add(paddr_t paddr, unsigned gsi_base)
{
    told.ioapics++;
    told.last_gsi = gsi_base + (paddr != 0xfec00000);
}
void ioapic_override(unsigned isa_irq, unsigned gsi, unsigned flags)
{
    told.overrides += isa_irq != gsi || flags;
}
const char *boot_param(const char *name)
{
    return name ? NULL : "";
}
uint64_t boot_param_u64(const char *name, uint64_t fallback)
{
    return name ? fallback : 0;
}
void log_at(int level, const char *fmt, ...)
{
    told.warnings += level == LOG_WARNING && *fmt;
    told.affinities += !strncmp(fmt, "acpi: node", 10);
}
void random_watch(const volatile uint64_t *place)
{
    told.generation = place;
}
void log_drain(void)
{
}
volatile void *karea_map_device(paddr_t paddr, size_t size)
{
    return size ? phys_to_virt(paddr) : NULL;
}

static void memory_make(void)
{
    void *want = (void *)DIRECT_MAP_BASE;
    if (mmap(want, 1ul << 32, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != want) {
        perror("mmap");
        exit(2);
    }
}

/* Read everything that the kernel reads, as at its start. */
static void firmware_read(void)
{
    static const char *const names[] = {"APIC", "FACP", "DSDT", "MCFG", "HPET", "SRAT"};
    uint8_t a = 0, b = 0;
    size_t len;

    looked = false;
    root = NULL;
    memset(&told, 0, sizeof(told));
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        const uint8_t *table = acpi_table(names[i], 0, &len);
        if (table && (len < 36 || memcmp(table, names[i], 4)) && i != 2)
            abort();
    }
    acpi_read_madt();
    read_srat();
    start();                                                             /* of vmgenid */
    if (told.generation && told.generation[0] + told.generation[1] == 1) /* may it be read? */
        told.generation = NULL;
    sleep_types(&a, &b);
    mptable_read();
}
