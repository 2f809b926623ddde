#include "drivers/console/screen.h"

#include "arch/x86_64/cpu.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/spinlock.h"
#include "drivers/console/vt.h"
#include "drivers/pci/pci.h"
#include "fs/stream.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/karea.h"

enum { INPUT = 256, LOCK_SPINS = 1000000, NO_CELL = UINT16_MAX };

static struct spinlock lock; /* over the grid and the input */
static struct vt vt;
static uint16_t *shown; /* what the screen has; NO_CELL: not known */
static void (*draw)(unsigned i, uint16_t cell);
static void (*set_cursor)(unsigned i);
static char input[INPUT];
static unsigned input_head, input_tail; /* free-running */
static struct stream *serial;           /* or NULL */
static struct mutex start_lock;

static void refresh(void)
{
    unsigned n = vt.rows * vt.columns, at = vt.hidden_cursor ? n : vt.y * vt.columns + vt.x;
    for (unsigned i = 0; i < n; i++) {
        uint16_t cell = vt.cells[i];
        if (!set_cursor && i == at)
            cell ^= 0x7700;
        if (cell != shown[i])
            draw(i, shown[i] = cell);
    }
    if (set_cursor)
        set_cursor(at);
}

/* Only in a panic may the holder never give it. */
static bool take_lock(void)
{
    for (unsigned i = 0; i < LOCK_SPINS || !log_in_panic; i++) {
        if (!atomic_exchange_explicit(&lock.locked, 1, memory_order_acquire))
            return true;
        cpu_pause();
    }
    return false;
}

static void key_bytes(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && input_head - input_tail < INPUT; i++)
        input[input_head++ % INPUT] = bytes[i];
}

static void show(const uint8_t *bytes, size_t n, bool log)
{
    static const uint8_t returns[] = "\r";
    uint64_t flags = irq_save();
    bool locked = take_lock();
    for (size_t i = 0, line; log && i < n; i += line) { /* lines of the log end in \n alone */
        for (line = 0; i + line < n && bytes[i + line] != '\n'; line++)
            ;
        vt_write(&vt, bytes + i, line);
        if (i + line < n) {
            vt_write(&vt, returns, 1);
            vt_write(&vt, bytes + i + line++, 1);
        }
    }
    if (!log)
        vt_write(&vt, bytes, n);
    key_bytes(vt.reply, log ? 0 : vt.reply_len);
    vt.reply_len = 0;
    refresh();
    if (locked)
        spin_unlock(&lock);
    irq_restore(flags);
}

static void log_write(const char *text, size_t len)
{
    show((const uint8_t *)text, len, true);
}
static struct console console = {.write = log_write};

/* --- the stream --------------------------------------------------------------------------- */

static struct stream stream;

static void key_pressed(const char *bytes, size_t n)
{
    uint64_t flags = spin_lock_irq(&lock);
    key_bytes(bytes, n);
    spin_unlock_irq(&lock, flags);
    waitqueue_wake(&stream.wait, 0, POLLIN);
}

static void start_keyboard(void)
{
    static bool started;
    if (started)
        return;
    mutex_lock(&start_lock);
    if (!started)
        keyboard_start(key_pressed, &vt.application_keys);
    started = true;
    mutex_unlock(&start_lock);
}

static ssize_t screen_readable(struct stream *s)
{
    start_keyboard();
    ssize_t n = input_head - input_tail;
    return n || !serial ? n : serial->ops->readable(serial);
}

static ssize_t screen_read(struct stream *s, void *buf, size_t n)
{
    size_t done = 0;
    uint64_t flags = spin_lock_irq(&lock);
    while (done < n && input_head != input_tail)
        ((char *)buf)[done++] = input[input_tail++ % INPUT];
    spin_unlock_irq(&lock, flags);
    return done || !serial ? (ssize_t)done : serial->ops->read(serial, buf, n);
}

static ssize_t screen_writable(struct stream *s)
{
    return serial ? serial->ops->writable(serial) : 4096;
}

static ssize_t screen_write(struct stream *s, const void *buf, size_t n)
{
    ssize_t done = serial ? serial->ops->write(serial, buf, n) : (ssize_t)n;
    if (done > 0)
        show(buf, done, false);
    if (input_head != input_tail) /* the terminal has answered */
        waitqueue_wake(&stream.wait, 0, POLLIN);
    return done;
}

static void screen_drain(struct stream *s)
{
    if (serial)
        serial->ops->drain(serial);
}

static const struct stream_ops ops = {
    .read = screen_read,
    .write = screen_write,
    .readable = screen_readable,
    .writable = screen_writable,
    .drain = screen_drain,
};
static struct stream stream = {.name = "tty0", .ops = &ops};

int screen_attach(unsigned rows, unsigned columns, void (*draw_cell)(unsigned, uint16_t),
                  void (*cursor)(unsigned))
{
    size_t bytes = rows * columns * sizeof(*shown);
    uint16_t *cells = shown ? NULL : kmalloc(2 * bytes);
    if (shown || !cells)
        return shown ? -EBUSY : -ENOMEM;
    vt_init(&vt, cells, rows, columns);
    shown = cells + rows * columns;
    for (unsigned i = 0; i < rows * columns; i++)
        shown[i] = NO_CELL;
    draw = draw_cell;
    set_cursor = cursor;
    show(NULL, 0, false);
    console_register(&console);
    serial = stream_find("ttyS0");
    if (serial)
        serial->above = &stream;
    waitqueue_init(&stream.wait);
    stream_register(&stream);
    return 0;
}

bool screen_size(unsigned *rows, unsigned *columns)
{
    *rows = vt.rows;
    *columns = vt.columns;
    return shown != NULL;
}

/* --- VGA's text mode ---------------------------------------------------------------------- */

enum {
    TEXT_AT = 0xb8000,
    TEXT_ROWS = 25,
    TEXT_COLUMNS = 80,
    GRAPHICS_INDEX = 0x3ce,
    MISCELLANEOUS = 6, /* bit 0: graphics, not text; bits 2-3: 3 if the text is at 0xb8000 */
    CRTC_INDEX = 0x3d4,
    CURSOR_HIGH = 0x0e,
    CURSOR_LOW = 0x0f
};

static volatile uint16_t *text_memory;

static void draw_text(unsigned i, uint16_t cell)
{
    static const uint8_t lines[] = " \xb3\xb3\xb3\xc4\xd9\xbf\xb4\xc4\xc0\xda\xc3\xc4\xc1\xc2\xc5";
    text_memory[i] = cell & VT_LINES ? (cell & 0x7f00) | lines[cell & 15] : cell & 0x7fff;
}

static void text_cursor(unsigned i)
{
    outw(CRTC_INDEX, CURSOR_HIGH | (i >> 8) << 8);
    outw(CRTC_INDEX, CURSOR_LOW | (i & 0xff) << 8);
}

static int vga_probe(struct pci_device *device)
{
    if (shown) /* the loader has told of its framebuffer */
        return 0;
    outb(GRAPHICS_INDEX, MISCELLANEOUS);
    if ((inb(GRAPHICS_INDEX + 1) & 0x0d) != 0x0c)
        return -ENODEV;
    text_memory = karea_map_device(TEXT_AT, TEXT_ROWS * TEXT_COLUMNS * 2);
    return text_memory ? screen_attach(TEXT_ROWS, TEXT_COLUMNS, draw_text, text_cursor) : -ENOMEM;
}

static const struct pci_id ids[] = {{PCI_ANY, 0, 0xffff, 0x0300, 0xffff}, {}};
static const struct pci_driver vga = {.name = "vga", .ids = ids, .probe = vga_probe};
PCI_DRIVER(vga);
BOOT_STEP(PHASE_THREADS, "framebuffer", framebuffer_attach);
