#include "arch/x86_64/acpi.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/smp.h"
#include "core/log.h"
#include "lib/string.h"
#include "mm/frame.h"

/* Intel MultiProcessor Specification 1.4, chapter 4. */
enum { POINTER_LEN = 16, HEADER_LEN = 44 };
enum { ENTRY_CPU, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_INTERRUPT, ENTRY_LINT };

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static bool sums_to_zero(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;
    while (n--)
        sum += *p++;
    return sum == 0;
}

static const uint8_t *scan(paddr_t from, paddr_t to)
{
    for (paddr_t a = from; a + POINTER_LEN <= to; a += 16) {
        const uint8_t *p = phys_to_virt(a);
        if (*(const uint32_t *)p == 0x5f504d5f && sums_to_zero(p, POINTER_LEN)) /* "_MP_" */
            return p;
    }
    return NULL;
}

/* 4: the EBDA's first KiB, the last KiB of base memory, the BIOS area. */
static const uint8_t *find_pointer(void)
{
    paddr_t ebda = (paddr_t) * (const uint16_t *)phys_to_virt(0x40e) << 4;
    const uint8_t *p = NULL;
    if (ebda >= 0x400 && ebda < 0xa0000)
        p = scan(ebda, ebda + 1024);
    if (!p)
        p = scan(0x9fc00, 0xa0000);
    return p ? p : scan(0xf0000, 0x100000);
}

static void interrupt_entry(const uint8_t *e, const bool isa_bus[256])
{
    if (e[1] != 0 || !isa_bus[e[4]]) /* vectored interrupts of the ISA bus only */
        return;
    ioapic_override(e[5], e[7],
                    ((e[2] & 3) == 3 ? GSI_ACTIVE_LOW : 0) |
                        ((e[2] >> 2 & 3) == 3 ? GSI_LEVEL : 0));
}

/* Up to the table's length: qboot leaves the number of entries at 0. */
static void read_entries(const uint8_t *table, size_t len)
{
    bool isa_bus[256] = {};
    size_t at = HEADER_LEN;
    while (at < len) {
        size_t n = table[at] == ENTRY_CPU ? 20 : 8;
        if (at + n > len) {
            log_warning("mptable: it breaks off");
            return;
        }
        const uint8_t *e = table + at;
        if (e[0] == ENTRY_CPU && e[3] & 1)
            smp_add(e[1]);
        else if (e[0] == ENTRY_BUS)
            isa_bus[e[1]] = !memcmp(e + 2, "ISA", 3);
        else if (e[0] == ENTRY_IOAPIC && e[3] & 1)
            ioapic_add(get32(e + 4), 0);
        else if (e[0] == ENTRY_INTERRUPT)
            interrupt_entry(e, isa_bus);
        at += n;
    }
}

bool mptable_read(void)
{
    const uint8_t *pointer = find_pointer();
    if (!pointer)
        return false;
    paddr_t paddr = get32(pointer + 4);
    if (!paddr || paddr >= 0xfff00000)
        return false;
    const uint8_t *table = phys_to_virt(paddr);
    size_t len = table[4] | table[5] << 8;
    if (memcmp(table, "PCMP", 4) || len < HEADER_LEN || !sums_to_zero(table, len)) {
        log_warning("mptable: damaged");
        return false;
    }
    read_entries(table, len);
    return true;
}
