// sources: kernel/drivers/virtio/queue_split.c kernel/drivers/virtio/mmio_discover.c
// flags: -Ikernel
/* The split virtqueue against a device that obeys and one that does not, and the parsers that find
 * devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtio/mmio_discover.h"
#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { SIZE = 8, ROUNDS = 20000, HOSTILE_ROUNDS = 3000 };

/* --- what the kernel supplies */

void *kmalloc(size_t size)
{
    return malloc(size);
}
void *kzalloc(size_t size)
{
    return calloc(1, size);
}
void kfree(void *p)
{
    free(p);
}

static bool broken;
void virtio_device_broken(struct virtio_device *device, const char *why)
{
    broken = true;
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (seed >> 33) % n;
}

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - virtqueue: %s\n", what);
    exit(1);
}

/* --- the device's side of the ring (virtio 1.2, 2.7) */

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
static struct {
    struct desc *desc;
    uint16_t *avail, *used; /* flags, idx, ring */
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

static void set_used(unsigned slot, uint32_t id, uint32_t len)
{
    uint32_t *elem = (uint32_t *)(dev.used + 2) + 2 * (slot % dev.size);
    elem[0] = id;
    elem[1] = len;
}

/* Copy what the driver sent into what it offered, as an echo does. */
static void serve_one(void)
{
    uint16_t head = dev.avail[2 + dev.seen++ % dev.size];
    struct desc *table = dev.desc, *d = &table[head];
    uint8_t data[4096];
    uint32_t n = 0, at = 0;
    if (d->flags & 4) {
        table = phys_to_virt(d->addr);
        d = &table[0];
    }
    for (;; d = &table[d->next]) {
        if (d->flags & 2) {
            uint32_t part = n - at < d->len ? n - at : d->len;
            memcpy(phys_to_virt(d->addr), data + at, part);
            at += part;
        } else {
            memcpy(data + n, phys_to_virt(d->addr), d->len);
            n += d->len;
        }
        if (!(d->flags & 1))
            break;
    }
    set_used(dev.done++, head, at);
    __atomic_store_n(&dev.used[1], dev.done, __ATOMIC_RELEASE);
}

/* --- the driver's */

struct request {
    uint8_t out[3][16], in[3][16];
    unsigned nout, nin, length;
    bool under_way;
};

static void fill(struct request *r, struct virtio_buffer *b)
{
    r->nout = 1 + rnd(3);
    r->nin = rnd(4);
    r->length = 0;
    for (unsigned i = 0; i < r->nout; i++) {
        for (unsigned j = 0; j < sizeof(r->out[i]); j++)
            r->out[i][j] = rnd(256);
        b[i] = (struct virtio_buffer){r->out[i], 16};
    }
    for (unsigned i = 0; i < r->nin; i++)
        b[r->nout + i] = (struct virtio_buffer){r->in[i], 16};
    r->length = 16 * (r->nin < r->nout ? r->nin : r->nout);
    r->under_way = true;
}

static void obedient(uint64_t features)
{
    struct virtio_device device = {.features = features};
    struct virtqueue *q = queue_split_create(&device, SIZE);
    struct request requests[SIZE * 2] = {};
    unsigned under_way = 0, offered = 0;
    attach(q);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct request *r = &requests[rnd(SIZE * 2)];
        struct virtio_buffer b[6];
        unsigned what = rnd(3);
        if (what == 0 && !r->under_way) {
            fill(r, b);
            int e = q->layout->add(q, b, r->nout, r->nin, r);
            check(e == 0 || e == -ENOSPC, "add gives 0 or -ENOSPC");
            check(e == 0 || under_way > 0, "an empty ring has room");
            r->under_way = e == 0;
            under_way += e == 0;
            offered += e == 0;
        } else if (what == 1) {
            q->layout->publish(q);
            check(dev.avail[1] == (uint16_t)offered, "what is published is what was added");
            while (dev.seen != dev.avail[1] && rnd(4))
                serve_one();
        } else {
            uint32_t len;
            struct request *got = q->layout->get(q, &len);
            if (!got)
                continue;
            check(got->under_way && len == got->length, "a token comes back once, with its length");
            for (unsigned j = 0; j < got->nin && j < got->nout; j++)
                check(!memcmp(got->in[j], got->out[j], 16), "the bytes are the device's");
            got->under_way = false;
            under_way--;
        }
    }
    check(!broken, "an obedient device is not broken");
    q->layout->destroy(q);
}

/* Everything that the device may write is garbage: nothing but virtio_device_broken() follows. */
static void hostile(uint64_t features)
{
    for (unsigned i = 0; i < HOSTILE_ROUNDS; i++) {
        struct virtio_device device = {.features = features};
        struct virtqueue *q = queue_split_create(&device, SIZE);
        struct request requests[SIZE] = {};
        struct virtio_buffer b[6];
        unsigned given = 0, returned = 0;
        attach(q);
        broken = false;
        for (unsigned j = 0; j < SIZE; j++) {
            fill(&requests[j], b);
            given += q->layout->add(q, b, requests[j].nout, requests[j].nin, &requests[j]) == 0;
        }
        q->layout->publish(q);
        for (unsigned j = 0; j < SIZE; j++) {
            set_used(j, rnd(3) ? rnd(SIZE) : rnd(1 << 30), rnd(3) ? rnd(17) : rnd(1 << 30));
            dev.desc[j] = (struct desc){rnd(1 << 30), rnd(1 << 30), rnd(8), rnd(1 << 16)};
        }
        dev.used[1] = rnd(4) ? rnd(SIZE + 2) : rnd(1 << 16);
        struct request *r;
        uint32_t len;
        while (!broken && (r = q->layout->get(q, &len))) {
            check(r->under_way && len <= 16 * r->nin, "only what was given comes back");
            r->under_way = false;
            returned++;
        }
        check(returned <= given, "no more comes back than was given");
        q->layout->destroy(q);
    }
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
    static const uint64_t features[] = {
        0, 1ull << VIRTIO_F_VERSION_1, 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_EVENT_IDX,
        1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_EVENT_IDX | 1ull << VIRTIO_F_INDIRECT_DESC};
    for (unsigned i = 0; i < 4; i++) {
        obedient(features[i]);
        hostile(features[i]);
        broken = false;
    }
    words();
    aml();
    printf("ok - a virtqueue gives back what the device used, and survives what it should not\n");
    printf("ok - virtio-mmio devices are found in words and in the DSDT, damaged ones are not\n");
    return 0;
}
