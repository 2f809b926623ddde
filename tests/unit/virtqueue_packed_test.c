// sources: kernel/drivers/virtio/queue_packed.c
// flags: -Ikernel -Itests/unit
/* The packed virtqueue against a device that obeys and one that does not. */
#include "shim/virtqueue.h"

/* --- the device's side (virtio 1.2, 2.8) */

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
};
struct event {
    uint16_t offset : 15, wrap : 1, flags;
};
enum {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    DESC_INDIRECT = 4,
    DESC_AVAIL = 1 << 7,
    DESC_USED = 1 << 15,
    EVENT_ENABLE = 0,
    EVENT_DISABLE,
    EVENT_DESC
};
static struct fake fake;
static struct {
    struct desc *ring;
    struct event *driver, *device;
    unsigned next, used, size; /* slots */
    bool next_wrap, used_wrap;
} dev;

static void attach(struct virtqueue *q)
{
    dev.ring = phys_to_virt(q->descriptors);
    dev.driver = phys_to_virt(q->driver_area);
    dev.device = phys_to_virt(q->device_area);
    dev.size = q->size;
    dev.next = dev.used = 0;
    dev.next_wrap = dev.used_wrap = true;
}

static void step(unsigned *slot, bool *wrap, unsigned n)
{
    *slot += n;
    if (*slot >= dev.size) {
        *slot -= dev.size;
        *wrap = !*wrap;
    }
}

static bool available(void)
{
    uint16_t flags = __atomic_load_n(&dev.ring[dev.next].flags, __ATOMIC_ACQUIRE);
    return !!(flags & DESC_AVAIL) == dev.next_wrap && !!(flags & DESC_USED) != dev.next_wrap;
}

static void take_table(struct chain *c, const struct desc *d)
{
    const struct desc *table = phys_to_virt(d->addr);
    check(d->len && d->len % sizeof(*table) == 0, "a table has whole descriptors");
    check(!(d->flags & (DESC_NEXT | DESC_WRITE)), "an indirect descriptor is nothing else");
    for (unsigned i = 0; i < d->len / sizeof(*table); i++) {
        check(!(table[i].flags & ~DESC_WRITE), "in a table only the WRITE flag counts");
        chain_segment(c, table[i].addr, table[i].len, table[i].flags & DESC_WRITE);
    }
}

static void take(struct chain *c)
{
    const struct desc *d;
    do {
        check(available(), "a chain is whole when it is seen");
        d = &dev.ring[dev.next];
        if (d->flags & DESC_INDIRECT)
            take_table(c, d);
        else
            chain_segment(c, d->addr, d->len, d->flags & DESC_WRITE);
        c->slots++;
        c->id = d->id;
        step(&dev.next, &dev.next_wrap, 1);
    } while (d->flags & DESC_NEXT);
}

/* In order n chains may take one used descriptor, in the place of the first (2.8.8). */
static bool use(const struct chain *chains, unsigned n, uint32_t len)
{
    struct desc *d = &dev.ring[dev.used];
    unsigned slots = 0;
    d->id = chains[n - 1].id;
    d->len = chains[n - 1].nin || fake.unflagged ? len : 0xffffffff;
    uint16_t flags = (dev.used_wrap ? DESC_AVAIL | DESC_USED : 0) |
                     (chains[n - 1].nin && !fake.unflagged ? DESC_WRITE : 0);
    __atomic_store_n(&d->flags, flags, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < n; i++)
        slots += chains[i].slots;
    int old = dev.used;
    bool old_wrap = dev.used_wrap;
    step(&dev.used, &dev.used_wrap, slots);
    if (dev.driver->flags != EVENT_DESC)
        return dev.driver->flags == EVENT_ENABLE;
    check(fake.event_idx, "a place is named only where that was negotiated");
    /* Is the place among those that have just gone by? */
    int place = dev.driver->offset + (dev.driver->wrap != old_wrap ? (int)dev.size : 0);
    return place >= old && place < old + (int)slots;
}

static void sleep_until_told(void)
{
    if (fake.event_idx)
        *dev.device = (struct event){dev.next, dev.next_wrap, EVENT_DESC};
    else
        dev.device->flags = EVENT_ENABLE;
}

static void stay_awake(void)
{
    dev.device->flags = EVENT_DISABLE;
}

static void garbage(void)
{
    for (unsigned j = 0; j < SIZE; j++) {
        struct desc *d = &dev.ring[j];
        if (rnd(4) == 0)
            *d = (struct desc){rnd(1 << 30), rnd(1 << 30), rnd(1 << 16), rnd(1 << 16)};
        if (rnd(2)) {
            d->id = rnd(SIZE);
            d->len = rnd(3) ? rnd(SEGMENT + 1) : rnd(1 << 30);
            d->flags = (rnd(2) ? DESC_AVAIL | DESC_USED : 0) | (rnd(2) ? DESC_WRITE : 0);
        }
    }
    *dev.device = (struct event){rnd(1 << 15), rnd(2), rnd(1 << 16)};
}

static struct fake fake = {.create = queue_packed_create,
                           .attach = attach,
                           .available = available,
                           .take = take,
                           .use = use,
                           .sleep = sleep_until_told,
                           .busy = stay_awake,
                           .garbage = garbage};

/* --- one fault at a time */

enum fault { ID_RANGE, ID_FREE, LENGTH, TWICE, WRONG_WRAP, FAULTS };

/* A buffer of one writable segment, used with a fault: what the driver makes of it. */
static void fault(enum fault which, uint64_t features)
{
    struct virtio_device device = {.features = features};
    struct virtqueue *q = queue_packed_create(&device, SIZE);
    static uint8_t data[SEGMENT];
    struct virtio_buffer b = {data, SEGMENT};
    uint32_t len;
    attach(q);
    broken = NULL;
    check(q->layout->add(q, &b, 0, 1, data) == 0, "an empty ring takes a buffer");
    check(!available(), "a buffer is not seen before it is published");
    q->layout->publish(q);
    check(available(), "a buffer is seen once it is published");
    struct desc *d = &dev.ring[0];
    uint16_t id = d->id, used = DESC_AVAIL | DESC_USED | DESC_WRITE;
    *d = (struct desc){0, which == LENGTH ? SEGMENT + 1 : SEGMENT,
                       which == ID_RANGE  ? SIZE
                       : which == ID_FREE ? (id + 1) % SIZE
                                          : id,
                       which == WRONG_WRAP ? DESC_WRITE : used};
    void *got = q->layout->get(q, &len);
    if (which == TWICE) {
        check(got == data && len == SEGMENT && !broken, "a used buffer comes back");
        dev.ring[1] = *d;
        check(!q->layout->get(q, &len) && broken, "a buffer that comes back twice is noticed");
    } else if (which == WRONG_WRAP) {
        check(!got && !broken, "a descriptor of the lap before is not a used one");
    } else {
        check(!got && broken, "a wrong identifier or length is noticed");
    }
    q->layout->destroy(q);
}

int main(void)
{
    enum { EVENT = 1, INDIRECT = 2, ORDER = 4, UNFLAGGED = 8, ALL = 16 };
    for (unsigned i = 0; i < ALL; i++) {
        uint64_t features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED |
                            (i & EVENT ? 1ull << VIRTIO_F_EVENT_IDX : 0) |
                            (i & INDIRECT ? 1ull << VIRTIO_F_INDIRECT_DESC : 0) |
                            (i & ORDER ? 1ull << VIRTIO_F_IN_ORDER : 0);
        fake.event_idx = i & EVENT;
        fake.in_order = i & ORDER;
        fake.unflagged = i & UNFLAGGED;
        obedient(&fake, features);
        hostile(&fake, features);
        for (enum fault f = 0; f < FAULTS; f++)
            fault(f, features);
    }
    printf("ok - a packed virtqueue gives back what the device used, and survives what it should "
           "not\n");
    return 0;
}
