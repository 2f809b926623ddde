/* shim/virtqueue.h: a driver that does as it likes on a virtqueue of any layout, and what it
 * expects of the device that a test supplies. Included once, by the test. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum {
    SIZE = 8,
    ROUNDS = 40000,
    HOSTILE_ROUNDS = 3000,
    SEGMENT = 16,
    SEGMENTS = 3,
    TAKEN_MAX = SIZE
};

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

void kfree_sized(void *p, size_t size)
{
    (void)size;
    kfree(p);
}

static const char *broken; /* why */
void virtio_device_broken(struct virtio_device *device, const char *why)
{
    broken = why;
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

/* --- requests */

struct request {
    uint8_t out[SEGMENTS][SEGMENT], in[SEGMENTS][SEGMENT]; /* `out` first: see request_at() */
    unsigned nout, nin;
    uint32_t length; /* what the device says that it wrote */
    bool under_way, taken;
};

static void fill(struct request *r, struct virtio_buffer *b)
{
    r->nout = 1 + rnd(SEGMENTS);
    r->nin = rnd(SEGMENTS + 1);
    for (unsigned i = 0; i < r->nout; i++) {
        for (unsigned j = 0; j < SEGMENT; j++)
            r->out[i][j] = rnd(256);
        b[i] = (struct virtio_buffer){r->out[i], SEGMENT};
    }
    for (unsigned i = 0; i < r->nin; i++)
        b[r->nout + i] = (struct virtio_buffer){r->in[i], SEGMENT};
    r->under_way = true;
    r->taken = false;
}

/* A chain as the device has read it: the addresses of its segments. */
struct chain {
    uint16_t id, slots;
    unsigned nout, nin;
    uint8_t *out[SEGMENTS], *in[SEGMENTS];
};

static void chain_segment(struct chain *c, uint64_t addr, uint32_t len, bool write)
{
    check(len == SEGMENT, "a segment has its length");
    check(write ? c->nin < SEGMENTS : c->nin == 0 && c->nout < SEGMENTS,
          "segments to be read stand before those to be written");
    if (write)
        c->in[c->nin++] = phys_to_virt(addr);
    else
        c->out[c->nout++] = phys_to_virt(addr);
}

/* Copy what the driver sent into what it offered; whole: use up the room. Bytes written. */
static uint32_t echo(struct chain *c, bool whole)
{
    struct request *r = (struct request *)c->out[0];
    check(r->nout == c->nout && r->nin == c->nin, "a chain has its segments");
    check(r->under_way && r->taken, "the chain is the device's");
    for (unsigned i = 0; i < c->nin; i++)
        memcpy(c->in[i], i < c->nout ? c->out[i] : c->out[0], SEGMENT);
    return r->length = whole ? SEGMENT * c->nin : c->nin ? SEGMENT * (1 + rnd(c->nin)) : 0;
}

/* --- the device that a test supplies */

struct fake {
    struct virtqueue *(*create)(struct virtio_device *device, unsigned size);
    void (*attach)(struct virtqueue *q);
    bool (*available)(void);       /* a chain that it has not taken */
    void (*take)(struct chain *c); /* the next one */
    /* Use n chains, the last one with this length; true: the driver is to be interrupted. */
    bool (*use)(const struct chain *chains, unsigned n, uint32_t len);
    void (*sleep)(void);                 /* ask to be told of the next chain */
    void (*busy)(void);                  /* ask not to be told */
    void (*garbage)(void);               /* write what must not be */
    bool event_idx, in_order, unflagged; /* as negotiated; packed: no WRITE flag in used ones */
};

static struct model {
    struct fake *f;
    struct virtqueue *q;
    struct request requests[SIZE * 2];
    struct chain taken[TAKEN_MAX];
    unsigned ntaken, under_way, told, interrupts;
    bool device_sleeps, driver_sleeps, wanted;
} m;

static void device_takes(void)
{
    while (m.ntaken < TAKEN_MAX && m.f->available() && rnd(5)) {
        struct chain *c = &m.taken[m.ntaken++];
        *c = (struct chain){};
        m.f->take(c);
        struct request *r = (struct request *)c->out[0];
        check(r->under_way && !r->taken, "a chain is offered once");
        r->taken = true;
    }
    m.device_sleeps = false;
    if (rnd(2))
        return m.f->busy();
    m.f->sleep();
    m.device_sleeps = !m.f->available();
}

static void device_uses(void)
{
    if (!m.ntaken)
        return;
    unsigned first = m.f->in_order ? 0 : rnd(m.ntaken), n = m.f->in_order ? 1 + rnd(m.ntaken) : 1;
    struct chain used[TAKEN_MAX];
    memcpy(used, m.taken + first, n * sizeof(*used));
    memmove(m.taken + first, m.taken + first + n, (m.ntaken - first - n) * sizeof(*used));
    m.ntaken -= n;
    uint32_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len = echo(&used[i], i + 1 < n);
    bool interrupt = m.f->use(used, n, len);
    m.interrupts += interrupt;
    check(interrupt || !m.driver_sleeps, "a driver that waits is interrupted");
    check(m.wanted || !interrupt || m.f->event_idx, "no interrupt comes that is not wanted");
    m.driver_sleeps = m.driver_sleeps && !interrupt;
}

static void driver_adds(void)
{
    struct request *r = &m.requests[rnd(SIZE * 2)];
    struct virtio_buffer b[2 * SEGMENTS];
    if (r->under_way)
        return;
    fill(r, b);
    int e = m.q->layout->add(m.q, b, r->nout, r->nin, r);
    check(e == 0 || e == -ENOSPC, "add gives 0 or -ENOSPC");
    check(e == 0 || m.under_way > 0, "an empty ring has room");
    r->under_way = e == 0;
    m.under_way += e == 0;
}

static void driver_publishes(void)
{
    bool before = m.f->available(), tell = m.q->layout->publish(m.q);
    m.told += tell;
    check(tell || before || !m.f->available() || !m.device_sleeps, "a device that sleeps is told");
    m.device_sleeps = m.device_sleeps && !m.f->available();
}

static void driver_gets(void)
{
    uint32_t len;
    struct request *r = m.q->layout->get(m.q, &len);
    m.driver_sleeps = !r && m.wanted;
    if (!r)
        return;
    check(r->under_way && r->taken, "what comes back was with the device");
    check(len == r->length, "it comes back with its length");
    for (unsigned j = 0; j < r->nin && j < r->nout && j < len / SEGMENT; j++)
        check(!memcmp(r->in[j], r->out[j], SEGMENT), "the bytes are the device's");
    r->under_way = false;
    m.under_way--;
}

static void driver_changes_its_mind(void)
{
    m.wanted = rnd(2);
    m.driver_sleeps = false;
    if (!m.wanted)
        m.q->layout->interrupts_off(m.q);
    else
        m.driver_sleeps = !m.q->layout->interrupts_on(m.q);
}

/* Driver and device take turns at random; every chain must come back once and whole, and nobody who
 * sleeps is forgotten. */
static void obedient(struct fake *f, uint64_t features)
{
    struct virtio_device device = {.features = features};
    memset(&m, 0, sizeof(m));
    m.f = f;
    m.wanted = true;
    m.q = f->create(&device, SIZE);
    f->attach(m.q);
    broken = NULL;
    for (unsigned i = 0; i < ROUNDS; i++) {
        static void (*const turns[])(void) = {
            driver_adds, driver_adds, driver_publishes,       driver_publishes,
            driver_gets, driver_gets, device_takes,           device_takes,
            device_uses, device_uses, driver_changes_its_mind};
        turns[rnd(sizeof(turns) / sizeof(*turns))]();
        check(!broken, broken ? broken : "");
    }
    while (m.under_way) {
        driver_publishes();
        device_takes();
        device_uses();
        driver_gets();
    }
    check(m.told && m.interrupts, "there were notifications and interrupts");
    m.q->layout->destroy(m.q);
}

/* Everything that the device may write is garbage, again and again: nothing but
 * virtio_device_broken() follows. */
static void hostile(struct fake *f, uint64_t features)
{
    unsigned caught = 0;
    for (unsigned i = 0; i < HOSTILE_ROUNDS; i++) {
        struct virtio_device device = {.features = features};
        struct virtqueue *q = f->create(&device, SIZE);
        struct request *requests = calloc(SIZE * 2, sizeof(*requests));
        f->attach(q);
        broken = NULL;
        for (unsigned j = 0; j < SIZE * 4 && !broken; j++) {
            struct request *r = &requests[rnd(SIZE * 2)];
            struct virtio_buffer b[2 * SEGMENTS];
            uint32_t len;
            if (!r->under_way) {
                fill(r, b);
                r->under_way = q->layout->add(q, b, r->nout, r->nin, r) == 0;
            }
            q->layout->publish(q);
            if (rnd(2))
                f->garbage();
            if (rnd(2) && (r = q->layout->get(q, &len))) {
                check(r->under_way && len <= SEGMENT * r->nin, "only what was given comes back");
                r->under_way = false;
            }
            if (rnd(4) == 0)
                q->layout->interrupts_on(q);
        }
        caught += broken != NULL;
        q->layout->destroy(q);
        free(requests);
    }
    check(caught > HOSTILE_ROUNDS / 4, "garbage is noticed");
}
