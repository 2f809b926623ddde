// sources: kernel/drivers/virtio/queue_split.c kernel/drivers/virtio/mmio_discover.c
// flags: -Ikernel -Itests/unit
/* The split virtqueue against a device that obeys and one that does not, and the parsers that find
 * devices. */
#include "drivers/virtio/mmio_discover.h"
#include "shim/virtqueue.h"

/* --- the device's side of the split ring (virtio 1.2, 2.7) */

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
static struct fake fake;
static struct {
    struct desc *desc;
    uint16_t *avail, *used; /* flags, idx, ring, event */
    uint16_t seen, done, size;
} dev;

static void attach(struct virtqueue *q)
{
    dev.desc = phys_to_virt(q->descriptors);
    dev.avail = phys_to_virt(q->driver_area);
    dev.used = phys_to_virt(q->device_area);
    dev.seen = dev.done = 0;
    dev.size = q->size;
}

static uint32_t *elem(unsigned slot)
{
    return (uint32_t *)(dev.used + 2) + 2 * (slot % dev.size);
}

static bool available(void)
{
    return dev.seen != dev.avail[1];
}

static void take(struct chain *c)
{
    uint16_t head = dev.avail[2 + dev.seen++ % dev.size];
    struct desc *table = dev.desc, *d = &table[head];
    c->id = head;
    if (d->flags & DESC_INDIRECT) {
        check(d->flags == DESC_INDIRECT, "an indirect descriptor is nothing else");
        table = d = phys_to_virt(d->addr);
    }
    for (;; d = &table[d->next]) {
        chain_segment(c, d->addr, d->len, d->flags & DESC_WRITE);
        if (!(d->flags & DESC_NEXT))
            break;
    }
}

/* In order n chains may take one element, the first of their places (2.7.9). */
static bool use(const struct chain *chains, unsigned n, uint32_t len)
{
    uint16_t old = dev.done, event = dev.avail[2 + dev.size];
    elem(dev.done)[0] = chains[n - 1].id;
    elem(dev.done)[1] = len;
    dev.done += n;
    __atomic_store_n(&dev.used[1], dev.done, __ATOMIC_RELEASE);
    if (fake.event_idx)
        return (uint16_t)(dev.done - event - 1) < (uint16_t)(dev.done - old);
    return !(dev.avail[0] & 1);
}

static void sleep_until_told(void)
{
    if (fake.event_idx)
        dev.used[2 + 4 * dev.size] = dev.seen;
    else
        dev.used[0] = 0;
}

static void stay_awake(void)
{
    if (!fake.event_idx)
        dev.used[0] = 1;
}

static void garbage(void)
{
    for (unsigned j = 0; j < SIZE; j++) {
        elem(j)[0] = rnd(3) ? rnd(SIZE) : rnd(1 << 30);
        elem(j)[1] = rnd(3) ? rnd(SEGMENT + 1) : rnd(1 << 30);
        if (rnd(2))
            dev.desc[j] = (struct desc){rnd(1 << 30), rnd(1 << 30), rnd(8), rnd(1 << 16)};
    }
    dev.used[1] = rnd(4) ? dev.used[1] + rnd(SIZE + 2) : rnd(1 << 16);
    dev.used[2 + 4 * dev.size] = rnd(1 << 16);
}

static struct fake fake = {.create = queue_split_create,
                           .attach = attach,
                           .available = available,
                           .take = take,
                           .use = use,
                           .sleep = sleep_until_told,
                           .busy = stay_awake,
                           .garbage = garbage};

/* An index that runs further than the ring is long, though each element in it would pass. */
static void index_beyond(void)
{
    struct virtio_device device = {};
    struct virtqueue *q = queue_split_create(&device, SIZE);
    static uint8_t data[SEGMENT];
    uint32_t len;
    attach(q);
    broken = NULL;
    check(q->layout->add(q, &(struct virtio_buffer){data, SEGMENT}, 0, 1, data) == 0,
          "an empty ring takes a buffer");
    q->layout->publish(q);
    elem(0)[0] = dev.avail[2];
    dev.used[1] = SIZE + 1;
    check(!q->layout->get(q, &len) && broken, "an index out of range is noticed");
    q->layout->destroy(q);
}

/* --- discovery */

static void words(void)
{
    struct mmio_place p;
    check(mmio_parse_word("512@0xfeb00000:5", &p) == 0 && p.address == 0xfeb00000 && p.gsi == 5 &&
              !p.flags_known,
          "a device word is understood");
    check(mmio_parse_word("4K@0xc0001000:17:3", &p) == 0 && p.gsi == 17, "with unit and id");
    static const char *const bad[] = {"",
                                      "512",
                                      "512@",
                                      "512@0x:5",
                                      "@0x1000:5",
                                      "512@0x1000",
                                      "512@0x1000:",
                                      "512@0x1000:5x",
                                      "512@0:5",
                                      "512@0x1000:5:",
                                      "0@0x1000:5",
                                      "512@0x1000:99999999999",
                                      "512@0xfffffffffffffffff:5"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        check(mmio_parse_word(bad[i], &p) == -EINVAL, bad[i]);
}

static void aml(void)
{
    static const uint8_t device[] = "\x0d"
                                    "LNRO0005\0\x08_UID\x0a\x01\x08_CRS\x11\x1a\x0a\x17"
                                    "\x86\x09\0\x01\0\x02\xb0\xfe\0\x02\0\0"
                                    "\x89\x06\0\x01\x01\x18\0\0\0\x79";
    uint8_t buf[300];
    size_t at = 0;
    struct mmio_place p;
    memset(buf, 'L', sizeof(buf));
    memcpy(buf + 40, device, sizeof(device));
    check(mmio_scan_aml(buf, sizeof(buf), &at, &p) && p.address == 0xfeb00200 && p.gsi == 24 &&
              p.flags_known && p.level && !p.active_low,
          "a device in the DSDT is found");
    check(!mmio_scan_aml(buf, sizeof(buf), &at, &p), "once");
    for (size_t n = 0; n <= sizeof(device); n++) {
        uint8_t *exact = malloc(n + !n);
        memcpy(exact, device, n);
        at = 0;
        while (mmio_scan_aml(exact, n, &at, &p))
            ;
        free(exact);
    }
    for (unsigned i = 0; i < 100000; i++) {
        memcpy(buf + 40, device, sizeof(device));
        for (unsigned j = 0; j < 4; j++)
            buf[40 + rnd(sizeof(device))] = rnd(256);
        at = 0;
        while (mmio_scan_aml(buf, sizeof(buf), &at, &p))
            ;
    }
}

int main(void)
{
    enum { EVENT = 1, INDIRECT = 2, ORDER = 4, LEGACY = 8, ALL = 16 };
    for (unsigned i = 0; i < ALL; i++) {
        uint64_t features = (i & LEGACY ? 0 : 1ull << VIRTIO_F_VERSION_1) |
                            (i & EVENT ? 1ull << VIRTIO_F_EVENT_IDX : 0) |
                            (i & INDIRECT ? 1ull << VIRTIO_F_INDIRECT_DESC : 0) |
                            (i & ORDER ? 1ull << VIRTIO_F_IN_ORDER : 0);
        fake.event_idx = i & EVENT;
        fake.in_order = i & ORDER;
        obedient(&fake, features);
        hostile(&fake, features);
    }
    index_beyond();
    words();
    aml();
    printf("ok - a virtqueue gives back what the device used, and survives what it should not\n");
    printf("ok - virtio-mmio devices are found in words and in the DSDT, damaged ones are not\n");
    return 0;
}
