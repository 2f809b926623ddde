/* Virtio console (virtio 1.2, 5.3): each port is a struct stream under the port's name.
 *
 * The threads that read, write or poll a stream work on its queues themselves; an interrupt only
 * wakes them. One spinlock guards the device's queues and bookkeeping for short stretches; bytes
 * are copied outside it, by the one reader or writer that holds the port's mutex.
 *
 * Memory follows use: a port has one receive buffer until it is seen full, and transmit buffers
 * only while bytes are under way. */

#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/spinlock.h"
#include "drivers/console/virtio_console.h"
#include "drivers/virtio/virtio.h"
#include "fs/stream.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { F_SIZE = 0, F_MULTIPORT = 1 };
enum { CONFIG_MAX_PORTS = 4 };
enum { /* control messages, 5.3.6.2 */
       DEVICE_READY = 0,
       PORT_ADD = 1,
       PORT_REMOVE = 2,
       PORT_READY = 3,
       CONSOLE_PORT = 4,
       RESIZE = 5,
       PORT_OPEN = 6,
       PORT_NAME = 7
};
struct control {
    uint32_t id;
    uint16_t event, value;
};

enum {
    PORTS_MAX = 31, /* 64 queues */
    NAME_SIZE = 32,
    CONTROL_IN_SIZE = 64,  /* bytes of a message: header and name */
    CONTROL_OUT = 32,      /* messages under way */
    RX_BUFFER = PAGE_SIZE, /* what QEMU hands over at a time */
    RX_BUFFERS = 16,
    TX_BUFFER = 32768 - 16, /* with its head a whole number of pages */
    TX_CHAINS = 32,
    TX_BYTES = 65536, /* under way at most */
    TX_RESERVE = 64,  /* bytes of the buffer that goes with the port */
};
#define NAME_WAIT_NS 1000000000ll

struct rx_buffer {
    struct rx_buffer *next; /* in the list of filled ones */
    uint32_t len, taken;
    uint8_t *data; /* a page */
};
struct tx_buffer {
    uint32_t len, size;
    uint8_t data[];
};

struct console_device;
struct port {
    struct stream stream;
    struct console_device *console;
    unsigned id;
    char name[NAME_SIZE];
    struct virtqueue *rx, *tx;
    struct mutex read_lock, write_lock;
    /* Under the device's lock: */
    bool added, named, guest_open, host_open, was_open, removed;
    struct rx_buffer *filled, **filled_end;
    size_t filled_bytes;
    unsigned nrx;    /* receive buffers in all */
    size_t tx_bytes; /* under way, */
    unsigned ntx;    /* in so many buffers */
    bool reserve_busy;
    bool rx_awaited, tx_awaited; /* somebody was told to wait for bytes, or room */
    struct {
        struct tx_buffer head;
        uint8_t data[TX_RESERVE];
    } reserve;
};

struct console_device {
    struct virtio_device *device;
    struct spinlock lock;
    unsigned nports;
    struct port *ports[PORTS_MAX];
    struct virtqueue *control_rx, *control_tx;
    uint8_t *control_in;
    struct control control_out[CONTROL_OUT];
    uint32_t control_out_busy; /* a bit each */
    struct waitqueue named;
    struct console_device *next;
};

static struct console_device *consoles;

/* --- control messages; the lock is held --------------------------------------------------- */

static void reap_control(struct console_device *console)
{
    struct control *message;
    while ((message = virtqueue_get(console->control_tx, NULL)))
        console->control_out_busy &= ~(1u << (message - console->control_out));
}

static void control_send(struct console_device *console, uint32_t id, uint16_t event,
                         uint16_t value)
{
    reap_control(console);
    unsigned slot = __builtin_ctz(~console->control_out_busy | 1u << 31);
    struct control *message = &console->control_out[slot];
    if (console->control_out_busy >> slot & 1) {
        log_warning("console: %s: control queue is stuck", console->device->place);
        return;
    }
    *message = (struct control){id, event, value};
    struct virtio_buffer buffer = {message, sizeof(*message)};
    if (virtqueue_add(console->control_tx, &buffer, 1, 0, message) == 0)
        console->control_out_busy |= 1u << slot;
}

static void name_port(struct port *port, const char *name, size_t len)
{
    if (port->named || len == 0)
        return;
    len = MIN(strnlen(name, len), sizeof(port->name) - 1);
    memcpy(port->name, name, len);
    port->named = true;
    stream_register(&port->stream);
}

static void control_event(struct console_device *console, const struct control *message,
                          const char *name, size_t name_len)
{
    struct port *port = message->id < console->nports ? console->ports[message->id] : NULL;
    if (!port)
        return;
    switch (message->event) {
    case PORT_ADD:
        port->added = true;
        control_send(console, port->id, PORT_READY, 1);
        break;
    case PORT_REMOVE:
        port->removed = true;
        port->host_open = false;
        break;
    case CONSOLE_PORT:
        name_port(port, "hvc", 3); /* of no name, but always open */
        port->host_open = port->was_open = true;
        break;
    case PORT_OPEN:
        port->host_open = message->value && !port->removed;
        port->was_open |= port->host_open;
        break;
    case PORT_NAME:
        name_port(port, name, name_len);
        break;
    }
    if (port->named)
        wake_all(&port->stream.wait);
}

static void offer_control(struct console_device *console, uint8_t *in)
{
    struct virtio_buffer buffer = {in, CONTROL_IN_SIZE};
    virtqueue_add(console->control_rx, &buffer, 0, 1, in);
}

/* Each message's buffer is offered again before it is answered: the device drops a message for
 * which there is no buffer. */
static void process_control(struct console_device *console)
{
    uint8_t *in;
    uint32_t len;
    bool any = false;
    if (!console->control_rx)
        return;
    while ((in = virtqueue_get(console->control_rx, &len))) {
        struct control message;
        char name[NAME_SIZE];
        size_t name_len = 0;
        any = true;
        if (len >= sizeof(message)) {
            memcpy(&message, in, sizeof(message));
            name_len = MIN(len - sizeof(message), sizeof(name));
            memcpy(name, in + sizeof(message), name_len);
        }
        offer_control(console, in);
        if (len >= sizeof(message))
            control_event(console, &message, name, name_len);
    }
    if (any) {
        virtqueue_kick(console->control_rx);
        virtqueue_kick(console->control_tx);
        wake_all(&console->named);
    }
}

/* Before a thread sleeps: let control messages wake it, and look at those that came meanwhile. */
static void arm_control(struct console_device *console)
{
    if (console->control_rx && virtqueue_interrupts_on(console->control_rx))
        process_control(console);
}

/* --- receiving ---------------------------------------------------------------------------- */

static void free_rx(struct rx_buffer *rx)
{
    kfree(rx->data);
    kfree(rx);
}

static void offer_rx(struct port *port, struct rx_buffer *rx)
{
    struct virtio_buffer buffer = {rx->data, RX_BUFFER};
    if (virtqueue_add(port->rx, &buffer, 0, 1, rx) < 0) {
        free_rx(rx);
        port->nrx--;
    }
}

static void add_rx(struct port *port)
{
    struct rx_buffer *rx = kzalloc(sizeof(*rx));
    if (!rx)
        return;
    rx->data = kmalloc(RX_BUFFER);
    if (!rx->data) {
        free_rx(rx);
        return;
    }
    port->nrx++;
    offer_rx(port, rx);
}

/* First use: tell the host that the port is open, then offer a buffer (QEMU looks for input when it
 * is told of one, and finds none for a port that is not open). */
static void open_port(struct port *port)
{
    if (port->guest_open)
        return;
    port->guest_open = true;
    control_send(port->console, port->id, PORT_OPEN, 1);
    virtqueue_kick(port->console->control_tx);
    add_rx(port);
    virtqueue_kick(port->rx);
}

/* Move what the device has filled to the port's list. Whoever does it wakes the others that wait:
 * the interrupt that announces it, if it comes later, finds nothing more in the queue. */
static void reap_rx(struct port *port)
{
    struct rx_buffer *rx;
    uint32_t len;
    while ((rx = virtqueue_get(port->rx, &len))) {
        if (len == 0) {
            offer_rx(port, rx);
            continue;
        }
        rx->len = len;
        rx->taken = 0;
        rx->next = NULL;
        *port->filled_end = rx;
        port->filled_end = &rx->next;
        port->filled_bytes += len;
    }
    if (port->filled_bytes && port->rx_awaited) {
        port->rx_awaited = false;
        waitqueue_wake(&port->stream.wait, 0, POLLIN);
    }
}

/* Nobody is there, and was before: a port that is not open yet only makes us wait. */
static bool host_gone(const struct port *port)
{
    return port->console->device->broken || port->removed || (port->was_open && !port->host_open);
}

/* Bytes that can be read; 0: none now, and a wake-up is due when there are; -EPIPE: never again.
 * Control messages first: bytes that came before a close are then found by reap_rx(). */
static ssize_t look_rx(struct port *port)
{
    process_control(port->console);
    open_port(port);
    reap_rx(port);
    if (port->filled_bytes)
        return port->filled_bytes;
    arm_control(port->console);
    virtqueue_interrupts_on(port->rx);
    reap_rx(port);
    if (port->filled_bytes)
        return port->filled_bytes;
    if (host_gone(port))
        return -EPIPE;
    port->rx_awaited = true;
    return 0;
}

static ssize_t console_readable(struct stream *stream)
{
    struct port *port = stream->driver;
    uint64_t flags = spin_lock_irq(&port->console->lock);
    ssize_t n = look_rx(port);
    spin_unlock_irq(&port->console->lock, flags);
    return n;
}

/* The first filled buffer is used up: back to the device, with one more if it had been full and
 * there may be more. The lock is held. */
static void consume_rx(struct port *port, struct rx_buffer *rx)
{
    port->filled = rx->next;
    if (!port->filled)
        port->filled_end = &port->filled;
    bool full = rx->len == RX_BUFFER;
    offer_rx(port, rx);
    if (full && port->nrx < RX_BUFFERS)
        add_rx(port);
    virtqueue_kick(port->rx);
}

static ssize_t console_read(struct stream *stream, void *buf, size_t n)
{
    struct port *port = stream->driver;
    struct spinlock *lock = &port->console->lock;
    size_t done = 0;
    mutex_lock(&port->read_lock);
    uint64_t flags = spin_lock_irq(lock);
    ssize_t there = look_rx(port);
    while (done < n && port->filled) {
        struct rx_buffer *rx = port->filled; /* stays first: read_lock is ours */
        spin_unlock_irq(lock, flags);
        size_t part = MIN(n - done, (size_t)(rx->len - rx->taken));
        memcpy((uint8_t *)buf + done, rx->data + rx->taken, part);
        rx->taken += part;
        done += part;
        flags = spin_lock_irq(lock);
        port->filled_bytes -= part;
        if (rx->taken == rx->len)
            consume_rx(port, rx);
    }
    spin_unlock_irq(lock, flags);
    mutex_unlock(&port->read_lock);
    return done ? (ssize_t)done : MIN(there, (ssize_t)0);
}

/* --- sending ------------------------------------------------------------------------------ */

static void free_tx(struct port *port, struct tx_buffer *tx)
{
    if (tx == &port->reserve.head)
        port->reserve_busy = false;
    else
        kfree(tx);
}

/* And wake those that wait for room, see reap_rx(). */
static void reap_tx(struct port *port)
{
    struct tx_buffer *tx;
    unsigned before = port->ntx;
    while ((tx = virtqueue_get(port->tx, NULL))) {
        port->tx_bytes -= tx->len;
        port->ntx--;
        free_tx(port, tx);
    }
    if (port->ntx != before && port->tx_awaited) {
        port->tx_awaited = false;
        waitqueue_wake(&port->stream.wait, 0, POLLOUT);
    }
}

static size_t tx_room(const struct port *port)
{
    if (port->reserve_busy || port->ntx >= virtqueue_size(port->tx))
        return 0;
    return port->tx_bytes < TX_BYTES ? TX_BYTES - port->tx_bytes : 0;
}

/* Room for bytes; 0: none now, and a wake-up is due when there is; -EPIPE: nobody listens. */
static ssize_t look_tx(struct port *port)
{
    process_control(port->console);
    open_port(port);
    reap_tx(port);
    if (!port->host_open || !tx_room(port)) {
        arm_control(port->console);
        virtqueue_interrupts_on(port->tx);
        reap_tx(port);
    }
    if (host_gone(port))
        return -EPIPE;
    size_t room = port->host_open ? tx_room(port) : 0;
    port->tx_awaited |= room == 0;
    return room;
}

static ssize_t console_writable(struct stream *stream)
{
    struct port *port = stream->driver;
    uint64_t flags = spin_lock_irq(&port->console->lock);
    ssize_t n = look_tx(port);
    spin_unlock_irq(&port->console->lock, flags);
    return n;
}

/* A buffer for up to n bytes: as large as memory allows, at worst the port's own (with it under way
 * there is no room, see tx_room()). */
static struct tx_buffer *alloc_tx(struct port *port, size_t n)
{
    for (size_t size = MIN(n, (size_t)TX_BUFFER); size > TX_RESERVE; size /= 2) {
        struct tx_buffer *tx = kmalloc(sizeof(*tx) + size);
        if (tx) {
            tx->size = size;
            return tx;
        }
    }
    port->reserve_busy = true;
    port->reserve.head.size = TX_RESERVE;
    return &port->reserve.head;
}

/* Copy and offer one buffer; the lock is held and given up for the copy. There is room (tx_room()),
 * and no other writer. Bytes taken; 0: the device is broken. */
static size_t send_buffer(struct port *port, const uint8_t *bytes, size_t n, uint64_t *flags)
{
    struct spinlock *lock = &port->console->lock;
    struct tx_buffer *tx = alloc_tx(port, n);
    tx->len = MIN(n, (size_t)tx->size);
    spin_unlock_irq(lock, *flags);
    memcpy(tx->data, bytes, tx->len);
    *flags = spin_lock_irq(lock);
    struct virtio_buffer buffer = {tx->data, tx->len};
    if (virtqueue_add(port->tx, &buffer, 1, 0, tx) < 0) {
        free_tx(port, tx);
        return 0;
    }
    port->tx_bytes += tx->len;
    port->ntx++;
    return tx->len;
}

static ssize_t console_write(struct stream *stream, const void *buf, size_t n)
{
    struct port *port = stream->driver;
    struct spinlock *lock = &port->console->lock;
    size_t done = 0;
    mutex_lock(&port->write_lock);
    uint64_t flags = spin_lock_irq(lock);
    ssize_t room = 0;
    while (done < n && (room = look_tx(port)) > 0) {
        size_t part =
            send_buffer(port, (const uint8_t *)buf + done, MIN(n - done, (size_t)room), &flags);
        virtqueue_kick(port->tx);
        if (part == 0)
            break;
        done += part;
    }
    reap_tx(port);
    spin_unlock_irq(lock, flags);
    mutex_unlock(&port->write_lock);
    return done ? (ssize_t)done : MIN(room, (ssize_t)0);
}

/* Is everything handed over, or nobody there to take it? */
static bool drained(struct port *port)
{
    uint64_t flags = spin_lock_irq(&port->console->lock);
    process_control(port->console);
    reap_tx(port);
    if (port->ntx) {
        arm_control(port->console);
        virtqueue_interrupts_on(port->tx);
        reap_tx(port);
    }
    bool done = port->ntx == 0 || host_gone(port);
    port->tx_awaited |= !done;
    spin_unlock_irq(&port->console->lock, flags);
    return done;
}

static void console_drain(struct stream *stream)
{
    struct port *port = stream->driver;
    WAIT_EVENT(&stream->wait, drained(port), 0, NSEC_FOREVER);
}

static const struct stream_ops stream_ops = {
    .read = console_read,
    .write = console_write,
    .readable = console_readable,
    .writable = console_writable,
    .drain = console_drain,
};

/* --- interrupts and set-up ---------------------------------------------------------------- */

/* Off until a thread has looked and found nothing: then look_*() turns them on again. */
static void quiet(struct virtqueue *queue, struct console_device *console)
{
    uint64_t flags = spin_lock_irq(&console->lock);
    virtqueue_interrupts_off(queue);
    spin_unlock_irq(&console->lock, flags);
}

static void rx_used(struct virtqueue *queue)
{
    struct port *port = virtqueue_owner(queue);
    quiet(queue, port->console);
    waitqueue_wake(&port->stream.wait, 0, POLLIN);
}

static void tx_used(struct virtqueue *queue)
{
    struct port *port = virtqueue_owner(queue);
    quiet(queue, port->console);
    waitqueue_wake(&port->stream.wait, 0, POLLOUT);
}

static void wake_everybody(struct console_device *console)
{
    wake_all(&console->named);
    for (unsigned i = 0; i < console->nports; i++)
        if (console->ports[i])
            wake_all(&console->ports[i]->stream.wait);
}

static void control_used(struct virtqueue *queue)
{
    wake_everybody(virtqueue_owner(queue));
}

static void lost(struct virtio_device *device)
{
    wake_everybody(device->driver);
}

static unsigned rx_index(unsigned port)
{
    return port == 0 ? 0 : 2 + 2 * port;
}

/* All queues of all possible ports are set up before the device may run (3.1.1). */
static int create_port(struct console_device *console, unsigned id)
{
    struct port *port = kzalloc(sizeof(*port));
    if (!port)
        return -ENOMEM;
    console->ports[id] = port;
    port->console = console;
    port->id = id;
    port->filled_end = &port->filled;
    port->stream = (struct stream){.name = port->name, .ops = &stream_ops, .driver = port};
    waitqueue_init(&port->stream.wait);
    port->rx = virtqueue_create(console->device, rx_index(id), RX_BUFFERS, rx_used, port);
    port->tx = virtqueue_create(console->device, rx_index(id) + 1, TX_CHAINS, tx_used, port);
    if (!port->rx || !port->tx)
        return -ENOMEM;
    virtqueue_interrupts_off(port->tx);
    return 0;
}

static int create_control(struct console_device *console)
{
    /* At once may come one PORT_ADD for each port, or the three answers to each PORT_READY. */
    unsigned n = 4 * console->nports + 4;
    struct virtio_device *device = console->device;
    console->control_rx = virtqueue_create(device, 2, n, control_used, console);
    console->control_tx = virtqueue_create(device, 3, CONTROL_OUT, NULL, console);
    console->control_in = kmalloc(n * CONTROL_IN_SIZE);
    if (!console->control_rx || !console->control_tx || !console->control_in)
        return -ENOMEM;
    virtqueue_interrupts_off(console->control_rx);
    n = MIN(n, virtqueue_size(console->control_rx));
    for (unsigned i = 0; i < n; i++)
        offer_control(console, console->control_in + i * CONTROL_IN_SIZE);
    return 0;
}

static int console_probe(struct virtio_device *device)
{
    struct console_device *console = kzalloc(sizeof(*console));
    if (!console)
        return -ENOMEM;
    console->device = device;
    device->driver = console;
    device->lost = lost;
    waitqueue_init(&console->named);
    bool multiport = device->features >> F_MULTIPORT & 1;
    uint32_t most = 1;
    if (multiport)
        device->ops->config_read(device, CONFIG_MAX_PORTS, &most, sizeof(most));
    console->nports = MIN(MAX(most, 1u), (uint32_t)PORTS_MAX);
    int r = multiport ? create_control(console) : 0;
    for (unsigned i = 0; i < console->nports && r == 0; i++)
        r = create_port(console, i);
    if (r < 0)
        return r;
    virtio_device_ready(device);
    if (!multiport) { /* one port, without a name of its own */
        control_event(console, &(struct control){0, CONSOLE_PORT, 1}, NULL, 0);
        console->ports[0]->guest_open = true;
        add_rx(console->ports[0]);
        virtqueue_kick(console->ports[0]->rx);
        return 0;
    }
    uint64_t flags = spin_lock_irq(&console->lock);
    console->next = consoles;
    consoles = console;
    virtqueue_kick(console->control_rx);
    control_send(console, UINT32_MAX, DEVICE_READY, 1);
    virtqueue_kick(console->control_tx);
    process_control(console);
    spin_unlock_irq(&console->lock, flags);
    return 0;
}

/* The device announces all its ports before it answers the first PORT_READY; so once every port
 * that was announced has its name, there are no others. */
static bool count_named(const struct console_device *console)
{
    unsigned added = 0, named = 0;
    for (unsigned i = 0; i < console->nports; i++) {
        added += console->ports[i]->added;
        named += console->ports[i]->named;
    }
    return added && added == named;
}

static bool all_named(struct console_device *console)
{
    uint64_t flags = spin_lock_irq(&console->lock);
    process_control(console);
    bool ready = count_named(console);
    if (!ready) {
        arm_control(console);
        ready = count_named(console);
    }
    spin_unlock_irq(&console->lock, flags);
    return ready || console->device->broken;
}

void streams_wait_ready(void)
{
    nsec_t deadline = clock_monotonic() + NAME_WAIT_NS;
    for (struct console_device *c = consoles; c; c = c->next)
        if (WAIT_EVENT(&c->named, all_named(c), 0, deadline) < 0)
            log_info("console: %s: a port told no name", c->device->place);
}

static const struct virtio_driver console_driver = {
    .name = "console",
    .id = VIRTIO_ID_CONSOLE,
    .features = 1ull << F_MULTIPORT,
    .probe = console_probe,
};
VIRTIO_DRIVER(console_driver);
