/* The console's terminal: on the stream osprey.tty, else on screen and keyboard, else on the serial
 * port. A kernel thread pumps the stream's bytes into the line discipline, so that ^C works while
 * nobody reads. */

#include "core/boot.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/console/screen.h"
#include "drivers/console/virtio_console.h"
#include "drivers/tty/pty.h"
#include "drivers/tty/tty.h"
#include "fs/stream.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { PUMP_CHUNK = 512 };

static struct tty *console; /* NULL until somebody asks for it */
static struct mutex create_lock;
static uint8_t pumped[PUMP_CHUNK]; /* by the pump thread; [pump_start, pump_end) is left over */
static size_t pump_start, pump_end;

static struct stream *stream_of(const struct tty *tty)
{
    return tty->driver;
}

/* --- the terminal's driver ---------------------------------------------------------------- */

static void console_output(struct tty *tty)
{
    struct stream *stream = stream_of(tty);
    const uint8_t *bytes;
    size_t n;
    while (!tty->ldisc.stopped && (n = tty_output_peek(tty, &bytes))) {
        ssize_t done = stream->ops->write(stream, bytes, n);
        if (done == -EPIPE)
            done = n; /* nobody is there to see it */
        if (done <= 0)
            break;
        tty_output_take(tty, done);
    }
}

/* The pump may have bytes that did not fit. */
static void console_room(struct tty *tty)
{
    if (pump_end > pump_start && ldisc_has_room(&tty->ldisc))
        wake_all(&stream_of(tty)->wait);
}

static int console_drain(struct tty *tty)
{
    int r = 0;
    mutex_lock(&tty->lock);
    while (r == 0 && tty_output_pending(tty) && !tty->hung_up)
        r = tty_sleep(&tty->lock, &tty->write_wait, NSEC_FOREVER);
    mutex_unlock(&tty->lock);
    if (r == 0)
        stream_of(tty)->ops->drain(stream_of(tty));
    return r;
}

static const struct tty_ops console_ops = {
    .output = console_output,
    .room = console_room,
    .drain = console_drain,
};

/* --- the pump ----------------------------------------------------------------------------- */

/* Is there something to move? Read without the lock: whatever changes it wakes the stream's queue
 * afterwards. */
static bool pump_ready(struct tty *tty)
{
    struct stream *stream = stream_of(tty);
    if (pump_end > pump_start)
        return ldisc_has_room(&tty->ldisc);
    if (stream->ops->readable(stream) != 0)
        return true;
    return tty_output_pending(tty) && !tty->ldisc.stopped && stream->ops->writable(stream) != 0;
}

static void pump(void *arg)
{
    struct tty *tty = arg;
    struct stream *stream = stream_of(tty);
    for (;;) {
        WAIT_EVENT(&stream->wait, pump_ready(tty), 0, NSEC_FOREVER);
        if (pump_start == pump_end) {
            ssize_t n = stream->ops->read(stream, pumped, sizeof(pumped));
            if (n < 0)
                break;
            pump_start = 0;
            pump_end = n;
        }
        mutex_lock(&tty->lock);
        pump_start += tty_input(tty, pumped + pump_start, pump_end - pump_start);
        console_output(tty);
        mutex_unlock(&tty->lock);
    }
    tty_hangup(tty);
}

/* --- making it ---------------------------------------------------------------------------- */

static void initial_size(struct tty *tty)
{
    const char *text = boot_param("winsize");
    const char *x = text ? strchr(text, 'x') : NULL;
    char rows_text[8] = "";
    uint64_t rows, columns;
    unsigned lines, cells;
    if (!x && stream_of(tty) == stream_find("tty0") && screen_size(&lines, &cells))
        tty->winsize = (struct winsize){.rows = lines, .columns = cells};
    if (!x || (size_t)(x - text) >= sizeof(rows_text))
        return;
    memcpy(rows_text, text, x - text);
    if (parse_u64(rows_text, 10, &rows) == 0 && parse_u64(x + 1, 10, &columns) == 0 &&
        rows <= UINT16_MAX && columns <= UINT16_MAX)
        tty->winsize = (struct winsize){.rows = rows, .columns = columns};
}

static struct tty *create(struct stream *stream)
{
    enum { TTYAUX_MAJOR = 5, CONSOLE_MINOR = 1 };
    struct tty *tty = kmalloc(sizeof(*tty));
    if (!tty)
        return NULL;
    tty_init(tty, &console_ops, makedev(TTYAUX_MAJOR, CONSOLE_MINOR), stream);
    initial_size(tty);
    tty->ldisc.termios.iflag |= IUTF8;
    if (kthread_start("tty", pump, tty))
        return tty;
    kfree(tty);
    return NULL;
}

struct tty *console_tty(void)
{
    mutex_lock(&create_lock);
    if (!console) {
        streams_wait_ready();
        struct stream *stream = stream_find("osprey.tty");
        if (!stream)
            stream = stream_find("tty0");
        if (!stream)
            stream = stream_find("ttyS0");
        if (stream)
            console = create(stream);
    }
    mutex_unlock(&create_lock);
    return console;
}

bool tty_hold(struct tty *tty)
{
    return tty == console || pty_hold(tty);
}

void tty_let_go(struct tty *tty)
{
    if (tty != console)
        pty_let_go(tty);
}

void console_tty_resize(unsigned rows, unsigned columns)
{
    struct tty *tty = console_tty();
    if (tty)
        tty_resize(tty, &(struct winsize){.rows = rows, .columns = columns});
}

/* At the end of the program: whatever signals are pending, and stopped or not. */
void console_tty_drain(void)
{
    struct tty *tty = console;
    if (!tty)
        return;
    mutex_lock(&tty->lock);
    ldisc_stop(&tty->ldisc, false);
    mutex_unlock(&tty->lock);
    WAIT_EVENT(&tty->write_wait, !tty_output_pending(tty) || tty->hung_up, 0, NSEC_FOREVER);
    stream_of(tty)->ops->drain(stream_of(tty));
}

/* --- devices ------------------------------------------------------------------------------ */

static int console_open(struct inode *inode, struct file *file)
{
    struct tty *tty = console_tty();
    return tty ? tty_open(tty, file) : -ENXIO;
}

/* /dev/tty: the caller's controlling terminal. */
static int current_open(struct inode *inode, struct file *file)
{
    struct tty_caller caller = {};
    if (tty_hooks)
        tty_hooks->caller(&caller);
    if (!caller.tty)
        return -ENXIO;
    return caller.tty == console ? tty_open(console, file) : pty_open_tty(caller.tty, file);
}

static const struct file_ops console_file_ops = {.open = console_open};
static const struct file_ops current_file_ops = {.open = current_open};

static int devices_init(void)
{
    chardev_register(makedev(5, 0), "tty", 0666, &current_file_ops);
    chardev_register(makedev(5, 1), "console", 0600, &console_file_ops);
    chardev_register(makedev(4, 0), "tty0", 0600, &console_file_ops);
    chardev_register(makedev(4, 64), "ttyS0", 0600, &console_file_ops);
    return 0;
}
BOOT_STEP(PHASE_BUS, "tty", devices_init);
