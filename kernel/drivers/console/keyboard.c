/* The PC's keyboard behind an i8042, in its set 1. Nothing waits for a controller that is not
 * there. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "core/log.h"
#include "drivers/console/keymap.h"
#include "drivers/console/screen.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64, ISA_IRQ = 1 };
enum { OUTPUT_FULL = 1, INPUT_FULL = 2, FROM_MOUSE = 0x20, ABSENT = 0xff };
enum { READ_CONFIGURATION = 0x20, WRITE_CONFIGURATION = 0x60, ENABLE = 0xae, SCAN = 0xf4 };
enum { INTERRUPT = 1, DISABLED = 0x10, TRANSLATE = 0x40 };
enum { POLLS = 20000, REPLIES = 0xf0 /* and above: of the keyboard to commands */ };

static struct keymap keys;
static void (*take_bytes)(const char *, size_t);
static const bool *application_keys;

static bool ready(uint8_t bit, uint8_t value)
{
    for (unsigned i = 0; i < POLLS; i++)
        if ((inb(STATUS) & bit) == value)
            return true;
    return false;
}

static void send(uint16_t port, uint8_t byte)
{
    if (ready(INPUT_FULL, 0))
        outb(port, byte);
}

static void interrupt(void *arg)
{
    uint8_t status, code;
    for (unsigned i = 0; i < 32 && (status = inb(STATUS)) & OUTPUT_FULL; i++) {
        char bytes[KEY_BYTES];
        code = inb(DATA);
        bool reply = (code >= REPLIES || code == 0xee) && !keys.extended;
        size_t n =
            status & FROM_MOUSE || reply ? 0 : keymap_take(&keys, code, *application_keys, bytes);
        if (n)
            take_bytes(bytes, n);
    }
}

void keyboard_start(void (*sink)(const char *, size_t), const bool *application)
{
    take_bytes = sink;
    application_keys = application;
    if (inb(STATUS) == ABSENT)
        return;
    for (unsigned i = 0; i < 32 && inb(STATUS) & OUTPUT_FULL; i++)
        inb(DATA);
    send(COMMAND, ENABLE);
    send(COMMAND, READ_CONFIGURATION);
    uint8_t configuration = ready(OUTPUT_FULL, OUTPUT_FULL) ? inb(DATA) : 0;
    send(COMMAND, WRITE_CONFIGURATION);
    send(DATA, (configuration | INTERRUPT | TRANSLATE) & ~DISABLED);
    if (irq_gsi_request(irq_isa_gsi(ISA_IRQ), GSI_DEFAULT, interrupt, NULL) < 0)
        log_warning("keyboard: no interrupt: no input");
    send(DATA, SCAN);
}
