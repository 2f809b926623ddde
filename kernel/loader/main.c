/* main.c: what every hand-over but UEFI's comes to. */
#include "lib/crc32c.h"
#include "lib/endian.h"
#include "loader/loader.h"

enum { SCREEN = 0xb8000, COLUMNS = 80, COM1 = 0x3f8 };

static struct handed_over handed_over;
static char cmdline[65536];
static unsigned shown;

static void out8(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

void loader_say(const char *text)
{
    for (; *text; text++) {
        out8(COM1, (uint8_t)*text);
        if (*text >= ' ' && shown < COLUMNS * 25)
            ((volatile uint16_t *)SCREEN)[shown++] = (uint16_t)(0x0700 | (uint8_t)*text);
        else
            shown = (shown + COLUMNS) / COLUMNS * COLUMNS;
    }
}

void loader_fail(const char *text)
{
    loader_say("osprey: ");
    loader_say(text);
    loader_say("\r\n");
    for (;;)
        asm volatile("cli; hlt");
}

void loader_unpack(uint8_t *to)
{
    const struct packed_kernel *packed = &payload_packed;
    const uint8_t *block = payload + packed->offset;

    if (packed->magic != PACKED_MAGIC || packed->offset > packed->total ||
        packed->packed_len > packed->total - packed->offset)
        loader_fail("this is no packed kernel");
    if (crc32c(~0u, block, packed->packed_len) != packed->crc)
        loader_fail("the kernel is damaged (its checksum is wrong)");
    if (kernel_unpack(block, packed->packed_len, to, packed->len) != packed->len)
        loader_fail("the kernel is damaged (it cannot be unpacked)");
}

static const void *low_memory(uint64_t address, uint64_t n)
{
    return address && address < 1ull << 32 && n <= (1ull << 32) - address ? (const void *)address
                                                                          : NULL;
}

static void copy_params(const uint8_t *from)
{
    for (unsigned i = 0; i < BOOT_PARAMS; i++)
        handed_over.params[i] = from[i];
    const char *text = low_memory(params_get32(&handed_over, P_CMDLINE), sizeof(cmdline));
    for (unsigned i = 0; text && text[i] && i < sizeof(cmdline) - 1; i++)
        cmdline[i] = text[i];
}

/* The root image must lie where neither the kernel nor this loader does. */
static void check_root(void)
{
    uint64_t start = params_get32(&handed_over, P_ROOT) |
                     (uint64_t)params_get32(&handed_over, P_ROOT_HIGH) << 32;
    uint64_t size = params_get32(&handed_over, P_ROOT_SIZE);

    if (size && start < STUB_AT + 0x200000 && start + size > PAYLOAD_AT)
        loader_fail("too little memory: the root image lies where the kernel goes");
}

void loader_main(uint64_t left, uint32_t magic)
{
    const struct packed_kernel *packed = &payload_packed;
    uint64_t tsc = __builtin_ia32_rdtsc();

    if (magic == MULTIBOOT1) {
        if (multiboot1_read(&handed_over, left, cmdline, sizeof(cmdline), low_memory))
            loader_fail("the Multiboot loader tells no memory map");
    } else if (magic == MULTIBOOT2) {
        if (multiboot2_read(&handed_over, left, cmdline, sizeof(cmdline), low_memory))
            loader_fail("the Multiboot 2 loader tells no memory map");
    } else if (magic) {
        loader_fail("an unknown kind of loader");
    } else {
        copy_params((const uint8_t *)left);
    }
    params_set_cmdline(&handed_over, (uint64_t)cmdline);
    params_set_tsc(&handed_over, tsc);
    check_root();
    if (!params_is_ram(&handed_over, PAYLOAD_AT, STUB_AT + 0x200000 - PAYLOAD_AT))
        loader_fail("there is no memory at 1 to 6 MiB");
    params_set64(&handed_over, LOADER_UNPACK_AT, __builtin_ia32_rdtsc());
    loader_unpack((uint8_t *)PAYLOAD_AT);
    launch(packed->entry, &handed_over, (const void *)PAYLOAD_AT, packed->len, packed->memory);
}
