#include "arch/x86_64/acpi.h"

#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/smp.h"
#include "core/boot.h"
#include "core/log.h"
#include "lib/endian.h"
#include "lib/string.h"
#include "mm/frame.h"

/* ACPI 6.5, 5.2: lengths and places of what is read. Tables lie below 4 GiB, which the direct map
 * covers from the start; what does not is refused. */
enum { RSDP_LEN = 20, RSDP_LEN_2 = 36, HEADER_LEN = 36, TABLE_MAX = 1 << 20 };

static const uint8_t *root; /* the XSDT or RSDT */
static unsigned entry_size; /* 8 or 4 */
static bool looked;

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Four bytes at a time in a word's even bytes, as tables are long. */
static bool sums_to_zero(const uint8_t *p, size_t n)
{
    const uint64_t even = 0x00ff00ff00ff00ff;
    uint64_t sum = 0;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word = get_le64(p);
        sum = (sum + (word & even) + (word >> 8 & even)) & even;
    }
    sum += sum >> 32;
    sum += sum >> 16;
    while (n--)
        sum += *p++;
    return (uint8_t)sum == 0;
}

static bool mapped(paddr_t p, size_t n)
{
    const paddr_t end = 1ull << 32;
    return p && p < end && n <= end - p;
}

/* A table by address, whole and with a right checksum. */
static const uint8_t *table_at(paddr_t paddr, size_t *len)
{
    if (!mapped(paddr, HEADER_LEN))
        return NULL;
    const uint8_t *p = phys_to_virt(paddr);
    size_t n = get32(p + 4);
    if (n < HEADER_LEN || n > TABLE_MAX || !mapped(paddr, n) || !sums_to_zero(p, n))
        return NULL;
    *len = n;
    return p;
}

static bool rsdp_valid(const uint8_t *p)
{
    return !memcmp(p, "RSD PTR ", 8) && sums_to_zero(p, RSDP_LEN);
}

/* ACPI 6.5, 5.2.5.1: the EBDA's first KiB, then 0xe0000-0xfffff, on 16-byte borders. */
static const uint8_t *scan(paddr_t from, paddr_t to)
{
    for (paddr_t a = from; a + RSDP_LEN <= to; a += 16) {
        const uint8_t *p = phys_to_virt(a);
        if (*(const uint64_t *)p == 0x2052545020445352ull && rsdp_valid(p))
            return p;
    }
    return NULL;
}

static const uint8_t *find_rsdp(void)
{
    if (boot_info.acpi_rsdp && mapped(boot_info.acpi_rsdp, RSDP_LEN_2) &&
        rsdp_valid(phys_to_virt(boot_info.acpi_rsdp)))
        return phys_to_virt(boot_info.acpi_rsdp);
    paddr_t ebda = (paddr_t) * (const uint16_t *)phys_to_virt(0x40e) << 4;
    const uint8_t *p = NULL;
    if (ebda >= 0x400 && ebda < 0xa0000)
        p = scan(ebda, ebda + 1024);
    return p ? p : scan(0xe0000, 0x100000);
}

static void look(void)
{
    looked = true;
    const char *option = boot_param("acpi");
    if (option && !strcmp(option, "off"))
        return;
    const uint8_t *rsdp = find_rsdp();
    if (!rsdp)
        return;
    size_t len;
    if (rsdp[15] >= 2 && get64(rsdp + 24) && (root = table_at(get64(rsdp + 24), &len)))
        entry_size = 8;
    else if ((root = table_at(get32(rsdp + 16), &len)))
        entry_size = 4;
    else
        log_warning("acpi: the root table is damaged");
}

bool acpi_present(void)
{
    if (!looked)
        look();
    return root;
}

static const void *dsdt(size_t *len)
{
    size_t n;
    const uint8_t *fadt = acpi_table("FACP", 0, &n);
    if (!fadt)
        return NULL;
    if (n >= 148 && get64(fadt + 140))
        return table_at(get64(fadt + 140), len);
    return n >= 44 ? table_at(get32(fadt + 40), len) : NULL;
}

const void *acpi_table(const char sig[4], unsigned n, size_t *len)
{
    if (!acpi_present())
        return NULL;
    if (!memcmp(sig, "DSDT", 4))
        return n == 0 ? dsdt(len) : NULL;
    size_t root_len = get32(root + 4);
    for (size_t at = HEADER_LEN; at + entry_size <= root_len; at += entry_size) {
        paddr_t paddr = entry_size == 8 ? get64(root + at) : get32(root + at);
        if (!mapped(paddr, HEADER_LEN) || memcmp(phys_to_virt(paddr), sig, 4) || n-- > 0)
            continue;
        const void *table = table_at(paddr, len);
        if (!table)
            log_warning("acpi: table %.4s is damaged", sig);
        return table;
    }
    return NULL;
}

/* MADT, 5.2.12: entries of type, length, ... */
static void madt_entry(const uint8_t *e, size_t n)
{
    enum { ENABLED = 1 };
    switch (e[0]) {
    case 0: /* local APIC */
        if (n >= 8 && get32(e + 4) & ENABLED)
            smp_add(e[3]);
        break;
    case 1: /* I/O APIC */
        if (n >= 12)
            ioapic_add(get32(e + 4), get32(e + 8));
        break;
    case 2: /* interrupt source override: polarity in bits 0-1, trigger in 2-3 */
        if (n >= 10)
            ioapic_override(e[3], get32(e + 4),
                            ((e[8] & 3) == 3 ? GSI_ACTIVE_LOW : 0) |
                                ((e[8] >> 2 & 3) == 3 ? GSI_LEVEL : 0));
        break;
    case 9: /* local x2APIC */
        if (n >= 16 && get32(e + 8) & ENABLED)
            smp_add(get32(e + 4));
        break;
    default:
        break;
    }
}

bool acpi_read_madt(void)
{
    size_t len;
    const uint8_t *madt = acpi_table("APIC", 0, &len);
    if (!madt || len < 44)
        return false;
    for (size_t at = 44; at + 2 <= len;) {
        size_t n = madt[at + 1];
        if (n < 2 || at + n > len) {
            log_warning("acpi: the MADT breaks off");
            break;
        }
        madt_entry(madt + at, n);
        at += n;
    }
    return true;
}

/* SRAT, 5.2.16. Memory of all nodes is used as one node's; who reads the log sees what there is. */
static int read_srat(void)
{
    enum { FIRST = 48, CPU = 0, MEMORY = 1, X2APIC = 2, ENABLED = 1 };
    static const uint8_t sizes[] = {[CPU] = 16, [MEMORY] = 40, [X2APIC] = 24};
    size_t len;
    const uint8_t *srat = acpi_table("SRAT", 0, &len);
    for (size_t at = FIRST, n; srat && at + 2 <= len; at += n) {
        const uint8_t *e = srat + at;
        n = e[1];
        if (n < 2 || at + n > len) {
            log_warning("acpi: the SRAT breaks off");
            break;
        }
        if (e[0] >= ARRAY_SIZE(sizes) || n < sizes[e[0]])
            continue;
        if (e[0] == MEMORY && get32(e + 28) & ENABLED)
            log_info("acpi: node %u: memory %#lx + %#lx", get32(e + 2), get64(e + 8),
                     get64(e + 16));
        else if (e[0] == CPU && get32(e + 4) & ENABLED)
            log_info("acpi: node %u: cpu %u", e[2] | (get32(e + 8) & ~0xffu), e[3]);
        else if (e[0] == X2APIC && get32(e + 12) & ENABLED)
            log_info("acpi: node %u: cpu %u", get32(e + 4), get32(e + 8));
    }
    return 0;
}
BOOT_STEP(PHASE_BUS, "srat", read_srat);
