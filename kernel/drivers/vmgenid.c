/* The machine's generation (Microsoft: "Virtual Machine Generation ID"): 16 bytes of memory, which
 * the monitor changes before the machine goes on from a snapshot or as a copy. The device is told
 * of in ACPI's machine language. That is not executed: understood are an ADDR that is a package of
 * constants (Firecracker) and QEMU's name VGIA. The device's notification is not needed: whoever
 * draws random bytes looks. */
#include "drivers/vmgenid.h"

#include "arch/x86_64/acpi.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/random.h"
#include "lib/string.h"
#include "mm/frame.h"

/* ACPI 6.5, 20.2.3, 20.2.5. QEMU, docs/specs/vmgenid.txt: where the number is after VGIA. */
enum { NAME = 0x08, PACKAGE = 0x12, BYTE = 0x0a, WORD, DWORD, QWORD = 0x0e, QEMU_OFFSET = 40 };

struct cursor {
    const uint8_t *at, *end;
};

/* Go on behind the next occurrence of the text. */
static bool find(struct cursor *c, const char *text)
{
    size_t n = strlen(text);
    const uint8_t *p = memmem(c->at, (size_t)(c->end - c->at), text, n);
    if (p)
        c->at = p + n;
    return p;
}

/* A constant; 0 where there is none. */
static uint64_t constant(struct cursor *c)
{
    static const uint8_t sizes[QWORD - BYTE + 1] = {1, 2, 4, 0, 8};
    uint64_t value = 0;
    if (c->at == c->end)
        return 0;
    uint8_t op = *c->at++;
    if (op < BYTE || op > QWORD)
        return op == 1;
    size_t n = sizes[op - BYTE];
    if ((size_t)(c->end - c->at) < n)
        return 0;
    memcpy(&value, c->at, n);
    c->at += n;
    return value;
}

paddr_t vmgenid_place(const uint8_t *aml, size_t len)
{
    struct cursor c = {aml, aml + len}, qemu = c;
    if (!find(&c, "VM_Gen_Counter"))
        return 0;
    paddr_t base = find(&qemu, (const char[]){NAME, 'V', 'G', 'I', 'A', 0}) ? constant(&qemu) : 0;
    if (base)
        return base + QEMU_OFFSET;
    if (!find(&c, (const char[]){NAME, 'A', 'D', 'D', 'R', PACKAGE, 0}) || c.at == c.end)
        return 0;
    size_t head = (*c.at >> 6) + 2; /* the package's length, the number of elements */
    if ((size_t)(c.end - c.at) < head)
        return 0;
    c.at += head;
    uint64_t low = constant(&c);
    return low | constant(&c) << 32;
}

static int start(void)
{
    const uint8_t *aml;
    size_t len;
    paddr_t place = 0;
    if ((aml = acpi_table("DSDT", 0, &len)))
        place = vmgenid_place(aml, len);
    for (unsigned n = 0; !place && (aml = acpi_table("SSDT", n, &len)); n++)
        place = vmgenid_place(aml, len);
    if (!place || place % 8 || place > UINT32_MAX - 16)
        return 0;
    log_info("vmgenid: at %#lx", place);
    random_watch(phys_to_virt(place));
    return 0;
}
BOOT_STEP(PHASE_BUS, "vmgenid", start);
