/* The first serial port, a 16550 at 0x3f8: polled output for the log from boot phase ARCH on, and
 * the stream "ttyS0", whose input and waits for room are driven by interrupts. */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/spinlock.h"
#include "fs/stream.h"
#include "fs/vfs.h"

enum { BASE = 0x3f8, ISA_IRQ = 4 };
enum { /* registers */
       DATA = 0,
       INTERRUPT_ENABLE = 1,
       INTERRUPT_ID = 2, /* read */
       FIFO_CONTROL = 2, /* write */
       LINE_CONTROL = 3,
       MODEM_CONTROL = 4,
       LINE_STATUS = 5,
       SCRATCH = 7
};
enum { IE_RECEIVED = 1, IE_SENT = 2 };
enum { FIFO_ENABLE_CLEAR = 7, LINE_8N1 = 3, LINE_DIVISOR = 0x80, MODEM_DTR_RTS_OUT2 = 0x0b };
enum { LS_RECEIVED = 1, LS_FIFO_EMPTY = 0x20, LS_ALL_SENT = 0x40 };
enum {
    FIFO_SIZE = 16,
    WAIT_STEPS = 1000000, /* reads of a port: about a second; 16 bytes take 1.4 ms at 115200 baud,
                             but a host that is busy may let a virtual port wait */
    INPUT_SIZE = 1024     /* a power of two */
};

static struct spinlock lock; /* over the port's registers and what follows */
static uint8_t interrupts;   /* what INTERRUPT_ENABLE holds */
static bool stuck;           /* the last wait for room was in vain */
static uint8_t input[INPUT_SIZE];
static unsigned input_head, input_tail; /* free-running */
static struct mutex setup_lock;
static bool interrupt_bound;

static struct stream stream;

static void set_interrupts(uint8_t wanted)
{
    if (wanted != interrupts)
        outb(BASE + INTERRUPT_ENABLE, interrupts = wanted);
}

/* Wait, in bounds, until the transmit FIFO is empty: then it takes FIFO_SIZE bytes unasked. A port
 * that was stuck once gets a single look, so that a dead one costs its wait only once. */
static bool wait_fifo(uint8_t bit)
{
    for (unsigned i = stuck ? WAIT_STEPS - 1 : 0; i < WAIT_STEPS; i++) {
        if (inb(BASE + LINE_STATUS) & bit) {
            stuck = false;
            return true;
        }
        cpu_pause();
    }
    stuck = true;
    return false;
}

/* The log's output: lines end in \r\n. */
static void log_write(const char *text, size_t len)
{
    uint64_t flags = irq_save();
    bool locked = false;
    for (unsigned i = 0; i < WAIT_STEPS && !locked; i++) /* a holder that panicked never gives it */
        locked = !atomic_exchange_explicit(&lock.locked, 1, memory_order_acquire);
    unsigned room = 0;
    bool returned = false; /* the \r before this \n is out */
    for (size_t i = 0; i < len;) {
        if (!room && !wait_fifo(LS_FIFO_EMPTY))
            break;
        room = room ? room - 1 : FIFO_SIZE - 1;
        if (text[i] == '\n' && !returned) {
            outb(BASE + DATA, '\r');
            returned = true;
        } else {
            outb(BASE + DATA, text[i++]);
            returned = false;
        }
    }
    if (locked)
        spin_unlock(&lock);
    irq_restore(flags);
}

/* Take what has come in as long as there is room; a full ring stops the interrupt and with it, on
 * a virtual port, the host. */
static void receive(void)
{
    while (input_head - input_tail < INPUT_SIZE) {
        if (!(inb(BASE + LINE_STATUS) & LS_RECEIVED))
            return;
        input[input_head++ % INPUT_SIZE] = inb(BASE + DATA);
    }
    set_interrupts(interrupts & ~IE_RECEIVED);
}

static void interrupt(void *arg)
{
    uint64_t flags = spin_lock_irq(&lock);
    inb(BASE + INTERRUPT_ID); /* acknowledges "sent" */
    receive();
    if (interrupts & IE_SENT && inb(BASE + LINE_STATUS) & LS_FIFO_EMPTY)
        set_interrupts(interrupts & ~IE_SENT);
    spin_unlock_irq(&lock, flags);
    waitqueue_wake(&stream.wait, 0, POLLIN | POLLOUT);
    if (stream.above)
        waitqueue_wake(&stream.above->wait, 0, POLLIN | POLLOUT);
}

/* Interrupts are bound when somebody first uses the stream: the log alone needs none. */
static void bind_interrupt(void)
{
    if (interrupt_bound)
        return;
    mutex_lock(&setup_lock);
    if (!interrupt_bound) {
        int r = irq_gsi_request(irq_isa_gsi(ISA_IRQ), GSI_DEFAULT, interrupt, NULL);
        if (r < 0)
            log_warning("serial: no interrupt (%d): no input", r);
        uint64_t flags = spin_lock_irq(&lock);
        set_interrupts(IE_RECEIVED);
        spin_unlock_irq(&lock, flags);
        interrupt_bound = true;
    }
    mutex_unlock(&setup_lock);
}

static ssize_t serial_readable(struct stream *s)
{
    bind_interrupt();
    uint64_t flags = spin_lock_irq(&lock);
    ssize_t n = input_head - input_tail;
    spin_unlock_irq(&lock, flags);
    return n;
}

static ssize_t serial_read(struct stream *s, void *buf, size_t n)
{
    bind_interrupt();
    uint64_t flags = spin_lock_irq(&lock);
    size_t done = 0;
    while (done < n && input_head != input_tail)
        ((uint8_t *)buf)[done++] = input[input_tail++ % INPUT_SIZE];
    set_interrupts(interrupts | IE_RECEIVED);
    spin_unlock_irq(&lock, flags);
    return done;
}

static ssize_t serial_writable(struct stream *s)
{
    bind_interrupt();
    uint64_t flags = spin_lock_irq(&lock);
    bool room = inb(BASE + LINE_STATUS) & LS_FIFO_EMPTY;
    if (!room)
        set_interrupts(interrupts | IE_SENT);
    spin_unlock_irq(&lock, flags);
    return room ? FIFO_SIZE : 0;
}

static ssize_t serial_write(struct stream *s, const void *buf, size_t n)
{
    const uint8_t *p = buf;
    size_t done = 0;
    while (done < n && serial_writable(s)) {
        uint64_t flags = spin_lock_irq(&lock);
        if (inb(BASE + LINE_STATUS) & LS_FIFO_EMPTY) /* the log may have been faster */
            for (unsigned i = 0; i < FIFO_SIZE && done < n; i++)
                outb(BASE + DATA, p[done++]);
        spin_unlock_irq(&lock, flags);
    }
    return done;
}

static void serial_drain(struct stream *s)
{
    uint64_t flags = spin_lock_irq(&lock);
    wait_fifo(LS_ALL_SENT);
    spin_unlock_irq(&lock, flags);
}

static const struct stream_ops ops = {
    .read = serial_read,
    .write = serial_write,
    .readable = serial_readable,
    .writable = serial_writable,
    .drain = serial_drain,
};
static struct stream stream = {.name = "ttyS0", .ops = &ops};
static void log_drain_port(void)
{
    wait_fifo(LS_ALL_SENT);
}

static struct console console = {.write = log_write, .drain = log_drain_port};

static bool present(void)
{
    outb(BASE + SCRATCH, 0x5a);
    return inb(BASE + SCRATCH) == 0x5a && inb(BASE + LINE_STATUS) != 0xff;
}

static int serial_init(void)
{
    if (!present())
        return 0;
    outb(BASE + INTERRUPT_ENABLE, 0);
    outb(BASE + LINE_CONTROL, LINE_DIVISOR | LINE_8N1);
    outb(BASE + DATA, 1); /* divisor 1: 115200 baud */
    outb(BASE + INTERRUPT_ENABLE, 0);
    outb(BASE + LINE_CONTROL, LINE_8N1);
    outb(BASE + FIFO_CONTROL, FIFO_ENABLE_CLEAR);
    outb(BASE + MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
    console_register(&console);
    waitqueue_init(&stream.wait);
    stream_register(&stream);
    return 0;
}
BOOT_STEP(PHASE_ARCH, "serial", serial_init);
