/* Virtio SCSI host (virtio 1.2, 5.6). Commands go through a queue for each CPU where the device
 * has as many; aborts and resets through the control queue; what the device reports comes through
 * the event queue. */

#include "core/cpu.h"
#include "core/log.h"
#include "drivers/scsi/scsi.h"
#include "drivers/virtio/virtio.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { F_HOTPLUG = 1, F_CHANGE = 2 };
enum { /* configuration, 5.6.4 */
       CONFIG_NUM_QUEUES = 0,
       CONFIG_SEG_MAX = 4,
       CONFIG_MAX_SECTORS = 8,
       CONFIG_CMD_PER_LUN = 12,
       CONFIG_MAX_TARGET = 30,
       CONFIG_MAX_LUN = 32
};
enum { /* responses, 5.6.6.1 */
       S_OK = 0,
       S_ABORTED = 2,
       S_BAD_TARGET = 3,
       S_RESET = 4,
       S_BUSY = 5,
       S_INCORRECT_LUN = 12,
       S_NONE = 0xff
};
enum { TMF_ABORT_TASK = 0, TMF_LUN_RESET = 5 };
enum { EVENT_NONE, EVENT_TRANSPORT, EVENT_ASYNC, EVENT_PARAMETER };
enum { CONTROL, EVENTS, REQUESTS }; /* queues */
enum { QUEUES_MAX = 16, QUEUE_SIZE = 128, NEVENTS = 8, DEPTH = 64, CDB = 32 };

struct request {
    uint8_t lun[8];
    uint64_t id;
    uint8_t attribute, priority, crn, cdb[CDB];
} __packed;
struct response {
    uint32_t sense_len, residual;
    uint16_t qualifier;
    uint8_t status, response, sense[SCSI_SENSE];
} __packed;
struct room { /* in struct scsi_command */
    struct request request;
    struct response response;
};
struct task_management {
    struct {
        uint32_t type, subtype;
        uint8_t lun[8];
        uint64_t id;
    } request;
    uint8_t response;
};
struct event {
    uint32_t event;
    uint8_t lun[8];
    uint32_t reason;
};

struct adapter;
struct queue {
    struct adapter *adapter;
    struct virtqueue *vq;
    struct spinlock lock;
};
struct adapter {
    struct scsi_host host;
    struct virtio_device *device;
    struct timer lost;
    atomic_ulong ids;
    struct event events[NEVENTS];
    struct queue queues[REQUESTS + QUEUES_MAX];
};

static struct room *room_of(struct scsi_command *c)
{
    return (struct room *)c->host;
}

/* 5.6.6.1: one target level, flat numbers. */
static void put_lun(uint8_t lun[8], const struct scsi_unit *unit)
{
    memset(lun, 0, 8);
    lun[0] = 1;
    lun[1] = (uint8_t)unit->target;
    put_be16(lun + 2, (uint16_t)(0x4000 | unit->lun));
}

/* --- commands ----------------------------------------------------------------------------- */

static int add(struct queue *q, struct scsi_command *c)
{
    struct virtio_buffer b[BLOCK_SEGMENTS + 2];
    struct room *room = room_of(c);
    unsigned n = 0;
    b[n++] = (struct virtio_buffer){&room->request, sizeof(room->request)};
    for (unsigned i = 0; c->write && i < c->nsegments; i++)
        b[n++] = (struct virtio_buffer){c->segments[i].data, c->segments[i].len};
    unsigned nout = n;
    b[n++] = (struct virtio_buffer){&room->response, sizeof(room->response)};
    for (unsigned i = 0; !c->write && i < c->nsegments; i++)
        b[n++] = (struct virtio_buffer){c->segments[i].data, c->segments[i].len};
    return virtqueue_add(q->vq, b, nout, n - nout, c);
}

static int submit(struct scsi_host *host, struct scsi_command *c)
{
    struct adapter *a = host->driver;
    struct room *room = room_of(c);
    memset(room, 0, sizeof(*room));
    put_lun(room->request.lun, c->unit);
    room->request.id = atomic_fetch_add(&a->ids, 1);
    memcpy(room->request.cdb, c->cdb, SCSI_CDB);
    room->response.response = S_NONE;
    uint64_t flags = irq_save();
    struct queue *q = &a->queues[REQUESTS + this_cpu()->id % host->nqueues];
    spin_lock(&q->lock);
    int err = add(q, c);
    if (err == 0)
        virtqueue_kick(q->vq);
    spin_unlock(&q->lock);
    irq_restore(flags);
    return err == -ENOSPC ? -EBUSY : err;
}

static void *take(struct queue *q, uint32_t *len)
{
    uint64_t flags = spin_lock_irq(&q->lock);
    void *token = virtqueue_get(q->vq, len);
    spin_unlock_irq(&q->lock, flags);
    return token;
}

static int error_of(uint8_t response)
{
    switch (response) {
    case S_OK:
        return 0;
    case S_ABORTED:
    case S_RESET:
    case S_BUSY:
        return -EAGAIN;
    case S_BAD_TARGET:
    case S_INCORRECT_LUN:
        return -ENODEV;
    default:
        return -EIO;
    }
}

/* The device's memory is read once. */
static void requests_used(struct virtqueue *vq)
{
    struct queue *q = virtqueue_owner(vq);
    struct scsi_command *c;
    while ((c = take(q, NULL))) {
        const volatile struct response *r = &room_of(c)->response;
        uint32_t nsense = r->sense_len, missing = r->residual;
        c->error = error_of(r->response);
        c->status = r->status;
        c->missing = MIN(missing, c->bytes);
        c->nsense = (uint8_t)MIN(nsense, (uint32_t)SCSI_SENSE);
        memcpy(c->sense, (const void *)r->sense, c->nsense);
        scsi_done(c);
    }
}

/* --- task management ---------------------------------------------------------------------- */

static void control_used(struct virtqueue *vq)
{
    struct queue *q = virtqueue_owner(vq);
    struct task_management *t;
    while ((t = take(q, NULL))) {
        log_info("scsi: %s: task management %u: response %u", q->adapter->host.place,
                 t->request.subtype, t->response);
        kfree(t);
    }
}

static void abort(struct scsi_host *host, struct scsi_command *c, unsigned how)
{
    struct adapter *a = host->driver;
    if (how >= 2) {
        virtio_device_broken(a->device, "does not end its commands");
        return;
    }
    struct task_management *t = kzalloc(sizeof(*t));
    if (!t)
        return; /* the next step comes all the same */
    t->request.subtype = how ? TMF_LUN_RESET : TMF_ABORT_TASK;
    put_lun(t->request.lun, c->unit);
    t->request.id = room_of(c)->request.id;
    t->response = S_NONE;
    struct virtio_buffer b[] = {{&t->request, sizeof(t->request)}, {&t->response, 1}};
    struct queue *q = &a->queues[CONTROL];
    uint64_t flags = spin_lock_irq(&q->lock);
    int err = virtqueue_add(q->vq, b, 1, 1, t);
    if (err == 0)
        virtqueue_kick(q->vq);
    spin_unlock_irq(&q->lock, flags);
    if (err < 0)
        kfree(t);
}

/* --- events ------------------------------------------------------------------------------- */

static void offer_event(struct queue *q, struct event *event)
{
    struct virtio_buffer b = {event, sizeof(*event)};
    uint64_t flags = spin_lock_irq(&q->lock);
    if (virtqueue_add(q->vq, &b, 0, 1, event) == 0)
        virtqueue_kick(q->vq);
    spin_unlock_irq(&q->lock, flags);
}

static void report(struct adapter *a, const struct event *event)
{
    unsigned target = event->lun[1], lun = get_be16(event->lun + 2) & 0x3fff;
    bool missed = event->event >> 31;
    switch (event->event & INT32_MAX) {
    case EVENT_PARAMETER: /* reason: additional sense, as of a unit attention */
        scsi_unit_changed(&a->host, target, lun);
        break;
    case EVENT_TRANSPORT:
    case EVENT_ASYNC:
        log_notice("scsi: %s: unit %u:%u: event %u, reason %u%s: not acted upon", a->host.place,
                   target, lun, event->event & INT32_MAX, event->reason,
                   missed ? ", others were lost" : "");
        break;
    default:
        if (missed)
            log_notice("scsi: %s: events were lost", a->host.place);
    }
}

static void events_used(struct virtqueue *vq)
{
    struct queue *q = virtqueue_owner(vq);
    struct event *event;
    uint32_t len;
    while ((event = take(q, &len))) {
        struct event copy = *event;
        if (len >= sizeof(copy))
            report(q->adapter, &copy);
        offer_event(q, event);
    }
}

/* --- set-up ------------------------------------------------------------------------------- */

static void end_all(struct timer *timer)
{
    scsi_host_lost(&container_of(timer, struct adapter, lost)->host);
}

/* Called with a queue's or a unit's lock held, perhaps: later. */
static void lost(struct virtio_device *device)
{
    struct adapter *a = device->driver;
    timer_start(&a->lost, 0);
}

static uint32_t config(struct adapter *a, unsigned offset, unsigned len)
{
    uint32_t value = 0;
    a->device->ops->config_read(a->device, offset, &value, len);
    return value;
}

static bool create_queue(struct adapter *a, unsigned i, void (*used)(struct virtqueue *))
{
    struct queue *q = &a->queues[i];
    q->adapter = a;
    q->vq = virtqueue_create(a->device, i, i == EVENTS ? NEVENTS : QUEUE_SIZE, used, q);
    return q->vq;
}

static int create_queues(struct adapter *a)
{
    unsigned n = config(a, CONFIG_NUM_QUEUES, 4);
    n = MIN(MAX(n, 1u), MIN(ncpus, (unsigned)QUEUES_MAX));
    a->device->queue_vectors = n > 1;
    if (!create_queue(a, CONTROL, control_used) || !create_queue(a, EVENTS, events_used))
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        if (!create_queue(a, REQUESTS + i, requests_used))
            return -ENOMEM;
        if (n > 1)
            virtqueue_set_cpu(a->queues[REQUESTS + i].vq, cpus[i]);
    }
    a->host.nqueues = n;
    return 0;
}

static const struct scsi_host_ops ops = {.submit = submit, .abort = abort};

static void describe(struct adapter *a)
{
    enum { SECTORS_MOST = 1 << 20, TARGETS_MOST = 256, UNITS_MOST = 1 << 14 };
    uint32_t sectors = config(a, CONFIG_MAX_SECTORS, 4);
    struct scsi_host *host = &a->host;
    host->ops = &ops;
    host->driver = a;
    host->place = a->device->place;
    host->targets = MIN(config(a, CONFIG_MAX_TARGET, 2) + 1, (uint32_t)TARGETS_MOST);
    host->units = MIN(config(a, CONFIG_MAX_LUN, 4), UNITS_MOST - 1u) + 1;
    host->depth = MIN(MAX(config(a, CONFIG_CMD_PER_LUN, 4), 1u), (uint32_t)DEPTH);
    host->bytes = MIN(sectors ?: SECTORS_MOST, (uint32_t)SECTORS_MOST) * BLOCK_SECTOR;
    host->room = sizeof(struct room);
    /* A chain stands in the ring as a whole if there are no indirect descriptors. */
    host->segments =
        MIN(MAX(config(a, CONFIG_SEG_MAX, 4), 1u), virtqueue_size(a->queues[REQUESTS].vq) - 2);
}

static int probe(struct virtio_device *device)
{
    struct adapter *a = kzalloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->device = device;
    device->driver = a;
    device->vague_lengths = true; /* QEMU adds up data of both directions; the length is unused */
    timer_init(&a->lost, end_all);
    int r = create_queues(a);
    if (r == 0 && virtqueue_size(a->queues[REQUESTS].vq) < 3)
        r = -EINVAL;
    if (r < 0) {
        kfree(a);
        return r;
    }
    describe(a);
    device->lost = lost;
    virtio_device_ready(device);
    for (unsigned i = 0; i < MIN((unsigned)NEVENTS, virtqueue_size(a->queues[EVENTS].vq)); i++)
        offer_event(&a->queues[EVENTS], &a->events[i]);
    scsi_scan(&a->host);
    return 0;
}

static const struct virtio_driver scsi_driver = {
    .name = "scsi",
    .id = VIRTIO_ID_SCSI,
    .features = 1ull << F_HOTPLUG | 1ull << F_CHANGE,
    .probe = probe,
};
VIRTIO_DRIVER(scsi_driver);
