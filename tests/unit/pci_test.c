// sources: kernel/drivers/pci/window.c kernel/drivers/pci/assign.c kernel/drivers/pci/msi.c
// flags: -Ikernel -Itests/unit
/* PCI: what the tables say of the host bridge, intact and damaged; addresses for devices that have
 * none, on a machine of random devices and bridges; messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/boot.h"
#include "drivers/pci/assign.h"
#include "drivers/pci/config.h"
#include "drivers/pci/window.h"
#include "lib/errno.h"

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - pci: %s\n", what);
    exit(1);
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (seed >> 33) % n;
}

/* --- a machine: functions with a configuration space each, whose BARs keep only address bits */

enum { DEVICES = 24, WORDS = 64, ROOT_WINDOW = 0xc0000000, ROOT_END = 0xd0000000 };
struct function {
    struct pci_device device;
    uint32_t config[WORDS], writable[WORDS];
    int above; /* the bridge, -1: root */
};
static struct function functions[DEVICES];
static unsigned nfunctions;
struct boot_info boot_info;

static struct function *function_of(const struct pci_device *d)
{
    return container_of((struct pci_device *)d, struct function, device);
}
struct pci_device *pci_first(void)
{
    return nfunctions ? &functions[0].device : NULL;
}
uint32_t pci_read32(const struct pci_device *d, unsigned offset)
{
    return function_of(d)->config[offset / 4];
}
uint16_t pci_read16(const struct pci_device *d, unsigned offset)
{
    return pci_read32(d, offset) >> (offset & 2) * 8;
}
uint8_t pci_read8(const struct pci_device *d, unsigned offset)
{
    return pci_read32(d, offset) >> (offset & 3) * 8;
}
void pci_write32(const struct pci_device *d, unsigned offset, uint32_t value)
{
    struct function *f = function_of(d);
    uint32_t mask = f->writable[offset / 4];
    f->config[offset / 4] = (f->config[offset / 4] & ~mask) | (value & mask);
}
void pci_write16(const struct pci_device *d, unsigned offset, uint16_t value)
{
    unsigned shift = (offset & 2) * 8;
    uint32_t old = pci_read32(d, offset) & ~(0xffffu << shift);
    pci_write32(d, offset, old | (uint32_t)value << shift);
}
void pci_enable(const struct pci_device *d, uint16_t bits)
{
    pci_write16(d, PCI_COMMAND, pci_read16(d, PCI_COMMAND) | bits);
}
unsigned pci_capability(const struct pci_device *d, unsigned id, unsigned after)
{
    return id == PCI_CAP_MSI ? 0x40 : 0;
}
volatile void *pci_map_bar(const struct pci_device *d, unsigned bar, uint32_t offset,
                           uint32_t length)
{
    return NULL;
}
const struct pci_ecam *pci_ecam_range(unsigned n)
{
    return NULL;
}
void log_at(int level, const char *fmt, ...)
{
}

static uint8_t table[4096];
static size_t table_len;
const void *acpi_table(const char sig[4], unsigned n, size_t *len)
{
    *len = table_len;
    return memcmp(sig, "DSDT", 4) == 0 && table_len ? table : NULL;
}

/* --- interrupts */

static int bound = -1;
int irq_vector_alloc(irq_handler_t *handler, void *arg)
{
    return bound = 0x41;
}
void irq_msi_message(const struct cpu *cpu, int vector, uint64_t *address, uint32_t *data)
{
    *address = 0xfee00000 + ((uintptr_t)cpu << 12);
    *data = vector;
}
const char *boot_param(const char *name)
{
    (void)name;
    return NULL;
}

int irq_gsi_request(unsigned gsi, unsigned flags, irq_handler_t *handler, void *arg)
{
    return gsi == 11 ? 0 : -ENODEV;
}
static void handler(void *arg)
{
}

/* --- the tables */

static size_t put(uint8_t *at, const void *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return n;
}

/* _HID, a range of 32 bits, one of 64, _CBA, as QEMU's microvm writes them. */
static size_t write_table(uint8_t *t)
{
    static const uint8_t head[] = {0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x08};
    static const uint8_t dword[] = {0x87, 0x17, 0,    0,    0x0c, 1, 0, 0, 0, 0, 0, 0, 0,
                                    0xc0, 0xff, 0xff, 0xff, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0x10};
    static const uint8_t qword[] = {
        0x8a, 0x2b, 0,    0,    0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff,
        0xff, 0xff, 0xff, 0xff, 1,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    static const uint8_t cba[] = {'_', 'C', 'B', 'A', 0, 0xa4, 0x0c, 0, 0, 0, 0xe0};
    size_t n = 40; /* behind a header */
    n += put(t + n, head, sizeof(head));
    n += put(t + n, dword, sizeof(dword));
    n += put(t + n, qword, sizeof(qword));
    n += put(t + n, cba, sizeof(cba));
    return n;
}

static void parse(const uint8_t *t, size_t len, unsigned *nranges)
{
    struct pci_window w;
    size_t at = 0, before = 0;
    for (*nranges = 0; pci_scan_window(t, len, &at, &w); ++*nranges, before = at)
        check(at > before && at <= len && w.start < w.end,
              "a range is one, and the search goes on");
    pci_scan_ecam(t, len);
}

static void tables(void)
{
    uint8_t t[400] = {};
    size_t len = write_table(t), at = 0;
    struct pci_window w;
    check(pci_scan_window(t, len, &at, &w) && w.start == 0xc0000000 && w.end == 0xd0000000,
          "a range of 32 bits");
    check(pci_scan_window(t, len, &at, &w) && w.start == 0x10000000000 && w.end == 0x20000000000,
          "a range of 64 bits");
    check(!pci_scan_window(t, len, &at, &w), "and no more");
    check(pci_scan_ecam(t, len) == 0xe0000000, "_CBA");
    memcpy(t + 45, "\x0dPNP0A08", 8);
    unsigned n;
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *exact = malloc(cut + !cut);
        memcpy(exact, t, cut);
        parse(exact, cut, &n);
        free(exact);
    }
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t *mutant = malloc(len);
        memcpy(mutant, t, len);
        for (unsigned j = 0; j < 4; j++)
            mutant[rnd(len)] = rnd(256);
        parse(mutant, len, &n);
        free(mutant);
    }
}

/* --- addresses */

static struct function *add_function(int above, bool bridge)
{
    struct function *f = &functions[nfunctions];
    memset(f, 0, sizeof(*f));
    f->above = above;
    f->device.bus = above < 0 ? 0 : pci_read8(&functions[above].device, PCI_SECONDARY_BUS);
    f->device.slot = nfunctions;
    f->device.is_bridge = bridge;
    f->device.class = bridge ? 0x0604 : 0x0200;
    f->writable[PCI_COMMAND / 4] = 0xffff;
    if (nfunctions)
        functions[nfunctions - 1].device.next = &f->device;
    nfunctions++;
    if (bridge) {
        f->writable[PCI_MEMORY_WINDOW / 4] = 0xfff0fff0;
        f->config[PCI_MEMORY_WINDOW / 4] = 0x0000fff0; /* none */
        f->config[PCI_PRIMARY_BUS / 4] =
            nfunctions << 8 | f->device.bus; /* secondary: its number */
    }
    return f;
}

static void add_bar(struct function *f, unsigned n, uint64_t size, bool wide, bool port)
{
    uint64_t mask = -size;
    f->writable[4 + n] = mask;
    f->config[4 + n] = port ? 1 : wide ? 4 : 0;
    if (wide)
        f->writable[5 + n] = mask >> 32;
}

static void build(void)
{
    nfunctions = 0;
    for (unsigned i = 0; i < DEVICES; i++) {
        int above = -1;
        for (unsigned j = 0; j < nfunctions; j++)
            if (functions[j].device.is_bridge && rnd(3) == 0)
                above = j;
        struct function *f = add_function(above, rnd(4) == 0);
        for (unsigned n = 0; n < (f->device.is_bridge ? 2u : 6u); n++) {
            bool wide = rnd(2) && n % 2 == 0;
            if (rnd(2))
                add_bar(f, n, 16ul << rnd(18), wide, !wide && rnd(4) == 0);
            n += wide;
        }
        pci_read_bars(&f->device);
    }
}

static bool overlap(uint64_t a, uint64_t an, uint64_t b, uint64_t bn)
{
    return a < b + bn && b < a + an;
}

/* Every memory BAR has a place of its own, aligned, within the windows of all bridges above. */
static void check_device(const struct function *f)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        const struct pci_bar *bar = &f->device.bars[n];
        if (!bar->size || bar->is_port)
            continue;
        check(bar->base && bar->base % bar->size == 0, "a BAR has an address, aligned");
        check((f->config[4 + n] & ~15u) == (uint32_t)bar->base, "the device was told");
        check(bar->base >= ROOT_WINDOW && (bar->base + bar->size <= ROOT_END || bar->is_64),
              "it lies in the host's window");
        for (int b = f->above; b >= 0; b = functions[b].above) {
            uint32_t w = functions[b].config[PCI_MEMORY_WINDOW / 4];
            check(bar->base >= (w & 0xfff0u) << 16 && bar->base + bar->size - 1 <= (w | 0xfffff),
                  "bridges pass it on");
        }
        for (unsigned i = 0; i < nfunctions; i++)
            for (unsigned j = 0; j < PCI_BARS; j++) {
                const struct pci_bar *other = &functions[i].device.bars[j];
                check(other == bar || !other->size || other->is_port ||
                          !overlap(bar->base, bar->size, other->base, other->size),
                      "addresses belong to one device");
            }
    }
}

static void addresses(void)
{
    table_len = write_table(table);
    for (unsigned round = 0; round < 300; round++) {
        build();
        pci_assign();
        for (unsigned i = 0; i < nfunctions; i++)
            check_device(&functions[i]);
    }
}

/* --- messages */

static void messages(bool wide)
{
    nfunctions = 0;
    struct function *f = add_function(-1, false);
    for (unsigned i = 0x10; i < 0x14; i++)
        f->writable[i] = UINT32_MAX;
    f->config[0x10] = wide ? 0x00800005 : 0x00000005;
    f->writable[0x10] = 0x00710000;
    check(pci_irq_bind(&f->device, (const struct cpu *)3, handler, NULL) == 0, "MSI is bound");
    check(f->config[0x10] >> 16 & 1 && f->config[0x11] == 0xfee03000, "to a CPU");
    check((f->config[wide ? 0x13 : 0x12] & 0xffff) == 0x41, "with its vector");
    check(pci_msi_move(&f->device, (const struct cpu *)5) == 0 && f->config[0x11] == 0xfee05000 &&
              (f->config[wide ? 0x13 : 0x12] & 0xffff) == 0x41 && f->config[0x10] >> 16 & 1,
          "and moved to another");
    check(pci_line_bind(&f->device, handler, NULL) == -ENODEV, "no line where there is no pin");
    f->config[PCI_INTERRUPT_LINE / 4] = 0x010b;
    check(pci_line_bind(&f->device, handler, NULL) == 0, "a line as the firmware says");
}

int main(void)
{
    tables();
    addresses();
    messages(false);
    messages(true);
    printf(
        "ok - the host bridge's windows are found in intact tables, and damaged ones do no harm\n");
    printf("ok - devices and bridges get addresses of their own\n");
    printf("ok - messages and lines\n");
    return 0;
}
