// sources: kernel/drivers/net/ixgbe_setup.c kernel/drivers/net/ixgbe_ring.c
// sources: kernel/drivers/net/nic.c kernel/net/packet.c kernel/net/checksum.c
// sources: tests/unit/model/ten_model.c
// flags: -Itests/unit/model -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -w
/* The 10 GbE driver on two models of the card that are joined by a wire: frames of all kinds both
 * ways, cut and summed by the card, long ones, damaged ones; rings that are full, links that go,
 * memory that is short, a card that lies or does not answer. The model watches every access. */
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/net/ixgbe.c"

#include "ten_model.h"

#undef assert
static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - ixgbe: %s\n", what);
    exit(1);
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

/* --- two machines with a card each */

enum { CPUS = 4, MESSAGES = 16 };
static struct cpu cpu[CPUS];
unsigned ncpus = CPUS;
struct cpu *cpus[CPUS_MAX] = {&cpu[0], &cpu[1], &cpu[2], &cpu[3]};

struct end {
    struct ten_model *model;
    struct pci_device device;
    struct netif *netif;
    struct ixgbe *card;
    irq_handler_t *handlers[MESSAGES];
    void *args[MESSAGES];
    const struct cpu *where[MESSAGES];
    irq_handler_t *line;
    void *line_arg;
    struct packet_queue in;
    bool link, no_messages;
};
static struct end ends[2];

static void on_cpu(const struct cpu *c)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, c);
}
static struct end *end_of(const struct netif *netif)
{
    return netif == ends[0].netif ? &ends[0] : &ends[1];
}

uint32_t mmio_read32(const volatile void *base, size_t offset)
{
    return model_read((struct ten_model *)base, offset);
}
void mmio_write32(volatile void *base, size_t offset, uint32_t value)
{
    model_write((struct ten_model *)base, offset, value);
}

/* --- what the kernel supplies */

static long blocks;
static bool starve;
void *kzalloc(size_t size)
{
    size_t align = size >= 4096 ? 4096 : 128;
    if (starve)
        return NULL;
    void *p = aligned_alloc(align, ALIGN_UP(size, align));
    memset(p, 0, size);
    blocks++;
    return p;
}
void *kmalloc(size_t size)
{
    return kzalloc(size);
}
void *kcalloc(size_t n, size_t size)
{
    return kzalloc(n * size);
}
void kfree(void *p)
{
    blocks -= p != NULL;
    free(p);
}
void kfree_sized(void *p, size_t size)
{
    kfree(p);
}
void *kcache_alloc(struct kcache *cache)
{
    return kzalloc(cache->size);
}
void kcache_free(struct kcache *cache, void *object)
{
    kfree(object);
}
nsec_t clock_monotonic(void)
{
    return (nsec_t)model_now;
}
/* The cards go on while a thread sleeps. */
int thread_sleep_until(nsec_t deadline, bool interruptible)
{
    model_now = MAX(model_now, (uint64_t)deadline);
    for (int i = 0; i < 2; i++)
        if (ends[i].model)
            model_run(ends[i].model, 1);
    return 0;
}
void log_at(int level, const char *fmt, ...)
{
}
void random_bytes(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)rnd(256);
}
__attribute__((noreturn)) void panic(const char *fmt, ...)
{
    check(false, fmt);
    abort();
}

static struct end *of_device(const struct pci_device *device)
{
    return container_of((struct pci_device *)device, struct end, device);
}
void pci_enable(const struct pci_device *device, uint16_t bits)
{
}
volatile void *pci_map_bar(const struct pci_device *device, unsigned bar, uint32_t at, uint32_t n)
{
    return of_device(device)->model;
}
int pci_msix_enable(struct pci_device *device)
{
    if (of_device(device)->no_messages)
        return -ENODEV;
    device->msix_cap = 0x70;
    device->msix_count = 64;
    return 0;
}
void pci_msix_disable(struct pci_device *device)
{
    device->msix_cap = 0;
}
int pci_msix_bind(struct pci_device *device, unsigned entry, const struct cpu *c,
                  irq_handler_t *handler, void *arg)
{
    struct end *e = of_device(device);
    check(entry < MESSAGES && !e->handlers[entry], "a message is bound once");
    e->handlers[entry] = handler;
    e->args[entry] = arg;
    e->where[entry] = c;
    return 0;
}
int pci_msi_bind(struct pci_device *device, const struct cpu *c, irq_handler_t *handler, void *arg)
{
    return -ENODEV;
}
int pci_line_bind(const struct pci_device *device, irq_handler_t *handler, void *arg)
{
    of_device(device)->line = handler;
    of_device(device)->line_arg = arg;
    return 0;
}

int netif_register(struct netif *netif, const char *name)
{
    struct ixgbe *card = netif->data;
    struct end *e = of_device(card->device);
    netif->stats = calloc(CPUS_MAX, sizeof(*netif->stats));
    list_init(&netif->groups);
    e->netif = netif;
    e->card = card;
    return 0;
}
void netif_receive(struct netif *netif, struct packet *packet)
{
    packet_enqueue(&end_of(netif)->in, packet);
}
void netif_link(struct netif *netif, bool up)
{
    end_of(netif)->link = up;
}
void netif_count_drop(struct netif *netif, bool received)
{
    struct netif_stats *s = &netif->stats[0];
    received ? s->rx_dropped++ : s->tx_dropped++;
}

/* --- hardware and interrupts go on until nothing happens */

static bool interrupts(struct end *e)
{
    uint32_t messages = model_messages(e->model);
    for (unsigned i = 0; i < MESSAGES; i++)
        if (messages >> i & 1) {
            check(e->handlers[i] != NULL, "a message has a handler");
            on_cpu(e->where[i]);
            e->handlers[i](e->args[i]);
        }
    bool line = model_line(e->model);
    on_cpu(&cpu[0]);
    if (line)
        e->line(e->line_arg);
    return messages || line;
}

static void go_on(void)
{
    for (unsigned idle = 0; idle < 20;) {
        bool any = false;
        for (int i = 0; i < 2; i++) {
            any |= model_run(ends[i].model, 1 + rnd(20)) > 0;
            any |= interrupts(&ends[i]);
        }
        model_now += 3000;
        idle = any ? 0 : idle + 1;
    }
}

static void up(struct end *e, bool on)
{
    check(e->netif->ops->set_up(e->netif, on) == 0, "it goes up and down");
    check(on || model_quiet(e->model), "down: nothing is left on");
    check(!on || !model_quiet(e->model), "up: something is on");
    if (on)
        atomic_fetch_or(&e->netif->flags, IFF_UP);
}

static void begin_with(bool messages)
{
    for (unsigned i = 0; i < CPUS; i++)
        cpu[i] = (struct cpu){.self = &cpu[i], .id = i};
    on_cpu(&cpu[0]);
    blocks = 0;
    for (int i = 0; i < 2; i++) {
        uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i + 1)};
        ends[i] = (struct end){.model = model_make(mac, rnd(1000)), .no_messages = !messages};
        ends[i].device.device = i ? 0x1528 : 0x10fb;
    }
    model_join(ends[0].model, ends[1].model);
    for (int i = 0; i < 2; i++) {
        check(probe(&ends[i].device) == 0, "it is found");
        check(ends[i].netif->mac[5] == i + 1 && ends[i].card->nqueues == (messages ? CPUS : 1),
              "its address, its queues");
        up(&ends[i], true);
    }
    check(ends[0].link && ends[0].netif->speed == 10000, "the link");
}
static void begin(void)
{
    begin_with(true);
}

/* All memory of an end that is down: buffers in rings, and those that are spare. */
static void release(struct end *e)
{
    struct nic_buffer *buffer;
    starve = true; /* none that are new */
    for (unsigned q = 0; q < e->card->nqueues; q++) {
        for (unsigned i = 0; i < IX_RING; i++)
            kfree(e->card->queues[q].buffers[i]);
        while ((buffer = nic_buffer_get(&e->card->queues[q].pool)))
            kfree(buffer);
    }
    starve = false;
    free(e->netif->stats);
    drop(e->card);
    model_free(e->model);
}

/* Down; every buffer and packet is accounted for. */
static void end(void)
{
    for (int i = 0; i < 2; i++) {
        packet_queue_purge(&ends[i].in);
        up(&ends[i], false);
    }
    for (int i = 0; i < 2; i++)
        release(&ends[i]);
    check(blocks == 0, "no packet and no buffer is lost");
}

/* --- frames */

struct made {
    uint8_t bytes[66000];
    unsigned n, transport, header, sum; /* offsets; n: of the whole */
    bool v4, tcp;
};

static uint32_t pseudo_sum(const struct made *m, unsigned len)
{
    const uint8_t *ip = m->bytes + ETH_HLEN;
    uint8_t rest[4] = {0, m->tcp ? 6 : 17, (uint8_t)(len >> 8), (uint8_t)len};
    uint32_t sum = m->v4 ? checksum_add(0, ip + 12, 8) : checksum_add(0, ip + 8, 32);
    sum = checksum_add(sum, rest, 4);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

/* A TCP or UDP frame with so much payload from one end to the other; its checksum field holds the
 * pseudo header's sum. */
static void make(struct made *m, int from, bool v4, bool tcp, unsigned payload)
{
    uint8_t *f = m->bytes, *ip = f + ETH_HLEN;
    unsigned l4 = tcp ? 32 : 8;
    *m = (struct made){.v4 = v4, .tcp = tcp, .transport = ETH_HLEN + (v4 ? 20 : 40)};
    m->header = m->transport + l4;
    m->n = m->header + payload;
    memcpy(f, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(2 - from), 2, 0, 0, 0, 0, (uint8_t)(1 + from)},
           12);
    put_be16(f + 12, v4 ? ETH_P_IP : ETH_P_IPV6);
    if (v4) {
        ip[0] = 0x45;
        put_be16(ip + 2, (uint16_t)(m->n - ETH_HLEN));
        put_be16(ip + 4, 77);
        ip[8] = 64;
        ip[9] = tcp ? 6 : 17;
        put_be32(ip + 12, 0x0a000001u + (unsigned)from);
        put_be32(ip + 16, 0x0a000002u - (unsigned)from);
        put_le16(ip + 10, checksum_header(ip));
    } else {
        ip[0] = 0x60;
        put_be16(ip + 4, (uint16_t)(m->n - m->transport));
        ip[6] = tcp ? 6 : 17;
        ip[7] = 64;
        ip[8] = ip[24] = 0xfd;
        ip[23] = (uint8_t)(1 + from);
        ip[39] = (uint8_t)(2 - from);
    }
    uint8_t *t = f + m->transport;
    put_be16(t, (uint16_t)(1024 + rnd(1000)));
    put_be16(t + 2, 80);
    if (tcp) {
        put_be32(t + 4, 1000);
        t[12] = 0x80;
        t[13] = 0x18; /* ACK, PSH */
        memset(t + 20, 1, 12);
    } else {
        put_be16(t + 4, (uint16_t)(m->n - m->transport));
    }
    for (unsigned i = m->header; i < m->n; i++)
        f[i] = (uint8_t)rnd(256);
    m->sum = m->transport + (tcp ? 16 : 6);
    put_le16(t + (tcp ? 16 : 6), (uint16_t)pseudo_sum(m, m->n - m->transport));
}

/* The same with its checksum filled in. */
static void finish_sum(struct made *m)
{
    uint16_t sum = checksum_fold(checksum_add(0, m->bytes + m->transport, m->n - m->transport));
    put_le16(m->bytes + m->sum, sum || m->tcp ? sum : 0xffff);
}

/* As a packet of several pieces, headers in the first. */
static struct packet *packet_of(const struct made *m, unsigned pieces)
{
    unsigned first = pieces > 1 ? m->header : m->n, at = first;
    struct packet *packet = packet_alloc(PACKET_HEADROOM, first), **more = &packet->more;
    memcpy(packet_append(packet, first), m->bytes, first);
    for (unsigned left = pieces - 1; left && at < m->n; left--) {
        unsigned n = left == 1 ? m->n - at : 1 + rnd(m->n - at);
        struct packet *piece = packet_alloc(0, n);
        memcpy(packet_append(piece, n), m->bytes + at, n);
        at += n;
        packet->total += n;
        *more = piece;
        more = &piece->more;
    }
    check(packet->total == m->n, "a packet is made");
    packet->link = packet->data;
    packet->network = packet->data + ETH_HLEN;
    packet->transport = packet->data + m->transport;
    packet->checksum = CHECKSUM_NONE;
    return packet;
}

static struct packet *offloaded(const struct made *m, unsigned pieces, unsigned mss)
{
    struct packet *packet = packet_of(m, pieces);
    packet->checksum = CHECKSUM_PARTIAL;
    packet->csum_start = (uint16_t)m->transport;
    packet->csum_offset = (uint16_t)(m->sum - m->transport);
    if (mss) {
        packet->gso = m->v4 ? GSO_TCP4 : GSO_TCP6;
        packet->gso_size = (uint16_t)mss;
        packet->header_len = (uint16_t)m->header;
    }
    return packet;
}

static int send(int from, struct packet *packet)
{
    on_cpu(&cpu[rnd(CPUS)]);
    int r = ends[from].netif->ops->transmit(ends[from].netif, packet);
    on_cpu(&cpu[0]);
    return r;
}

static bool same(const struct packet *packet, const struct made *m)
{
    static uint8_t copy[66000];
    return packet->total >= m->n && packet_read(packet, 0, copy, m->n) &&
           !memcmp(copy, m->bytes, m->n);
}

static struct packet *arrived(int at)
{
    struct packet *packet = packet_dequeue(&ends[at].in);
    check(packet != NULL, "a frame arrives");
    return packet;
}

static struct made made;

/* One frame there, which arrives whole and is the only one. */
static void one(int from, bool v4, bool tcp, unsigned payload, bool by_card)
{
    make(&made, from, v4, tcp, payload);
    if (!by_card)
        finish_sum(&made);
    unsigned pieces = 1 + rnd(4);
    struct packet *packet = by_card ? offloaded(&made, pieces, 0) : packet_of(&made, pieces);
    check(send(from, packet) == 0, "it is taken");
    go_on();
    if (by_card)
        finish_sum(&made);
    packet = arrived(1 - from);
    check(same(packet, &made) && !ends[1 - from].in.n, "every byte of it, once");
    check(!by_card || packet->checksum == CHECKSUM_GOOD, "its checksum is right");
    packet_free(packet);
}

static void frames(bool messages)
{
    begin_with(messages);
    for (unsigned i = 0; i < 400; i++)
        one((int)rnd(2), rnd(2), rnd(2), rnd(1400), rnd(2));
    const struct ten_counts *c = model_counts(ends[0].model);
    for (unsigned q = 0; messages && q < CPUS; q++)
        check(c->by_queue[q] > 5, "flows are spread over the queues");
    end();
}

/* A packet that the card cuts: its pieces are in order and have all the bytes. */
static void cut(int from, bool v4, unsigned payload, unsigned mss)
{
    static uint8_t got[66000];
    make(&made, from, v4, true, payload);
    check(send(from, offloaded(&made, 1 + rnd(8), mss)) == 0, "it is taken");
    go_on();
    for (unsigned at = 0; at < payload;) {
        struct packet *p = arrived(1 - from);
        unsigned n = MIN(payload - at, mss), total = made.header + n;
        check(p->checksum == CHECKSUM_GOOD && p->total >= total && packet_read(p, 0, got, total),
              "a segment and its sums");
        check(get_be32(got + made.transport + 4) == 1000 + at, "its place");
        check(!(got[made.transport + 13] & 8) == (at + n < payload), "PSH on the last");
        check(get_be16(got + ETH_HLEN + (v4 ? 2 : 4)) == total - (v4 ? ETH_HLEN : made.transport),
              "its length");
        check(!memcmp(got + made.header, made.bytes + made.header + at, n), "its bytes");
        at += n;
        packet_free(p);
    }
    check(!ends[1 - from].in.n, "and no more");
}

static void cuts(void)
{
    begin();
    for (unsigned i = 0; i < 150; i++)
        cut((int)rnd(2), rnd(2), 1 + rnd(rnd(3) ? 60000 : 3000), 536 + rnd(880));
    check(model_counts(ends[0].model)->cut > 100, "the card cuts");
    end();
}

static void many_pieces(void)
{
    begin();
    make(&made, 0, true, true, 50000);
    struct packet *packet = offloaded(&made, 1, 0);
    packet_free(packet);
    packet = offloaded(&made, 60, 1000);
    check(send(0, packet) == 0, "more pieces than descriptors");
    go_on();
    check(ends[1].in.n == 50, "are sent as one");
    end();
}

static void long_frames(void)
{
    begin();
    for (int i = 0; i < 2; i++) {
        check(ends[i].netif->ops->set_mtu(ends[i].netif, 9000) == 0, "MTU 9000");
        ends[i].netif->mtu = 9000;
        up(&ends[i], false);
        up(&ends[i], true);
    }
    for (unsigned i = 0; i < 100; i++)
        one((int)rnd(2), rnd(2), rnd(2), rnd(8900), rnd(2));
    for (unsigned i = 0; i < 30; i++)
        cut((int)rnd(2), rnd(2), 1 + rnd(60000), 8900);
    check(model_counts(ends[0].model)->long_frames > 20, "frames of several buffers");
    end();
}

static void damaged(void)
{
    begin();
    model_faults(ends[1].model)->rx_errors = 5;
    for (unsigned i = 0; i < 10; i++) {
        make(&made, 0, true, true, 100);
        check(send(0, offloaded(&made, 1, 0)) == 0, "it is taken");
    }
    go_on();
    check(ends[1].in.n == 5 && ends[1].netif->stats[0].rx_dropped == 5,
          "damaged frames are dropped");
    packet_queue_purge(&ends[1].in);
    model_faults(ends[1].model)->bad_sums = 3;
    for (unsigned i = 0; i < 3; i++) {
        make(&made, 0, i & 1, true, 100);
        send(0, offloaded(&made, 1, 0));
        go_on();
        struct packet *p = arrived(1);
        check(p->checksum == CHECKSUM_NONE, "a wrong sum is for the stack to see");
        packet_free(p);
    }
    end();
}

static void full(void)
{
    unsigned taken = 0;
    begin();
    for (unsigned i = 0; i < 3000; i++) { /* nobody answers interrupts */
        make(&made, 0, true, false, 20);
        finish_sum(&made);
        taken += send(0, packet_of(&made, 1)) == 0;
        model_run(ends[0].model, 100);
    }
    unsigned long missed = model_counts(ends[1].model)->missed;
    check(taken == 3000 && missed > 1000, "a ring that nobody empties overflows");
    go_on();
    check(ends[1].in.n == 3000 - missed, "the rest is there");
    uint64_t dropped = 0;
    for (unsigned i = 0; i < CPUS; i++)
        dropped += ends[1].netif->stats[i].rx_dropped;
    check(dropped == missed, "and what was lost is counted");
    packet_queue_purge(&ends[1].in);
    one(0, true, true, 700, true);
    taken = 0;
    int r = 0;
    on_cpu(&cpu[1]);
    for (unsigned i = 0; i < 1000; i++) { /* the card sends nothing */
        make(&made, 0, true, true, 20);
        r = ends[0].netif->ops->transmit(ends[0].netif, offloaded(&made, 2, 0));
        taken += r == 0;
    }
    on_cpu(&cpu[0]);
    check(r == -ENOBUFS && taken > 50 && taken < IX_RING &&
              ends[0].netif->stats[0].tx_dropped == 1000 - taken,
          "a ring to send that is full refuses");
    go_on();
    check(ends[1].in.n == taken, "what it took goes out");
    packet_queue_purge(&ends[1].in);
    one(0, false, true, 700, true);
    end();
}

static void links(void)
{
    begin();
    for (unsigned round = 0; round < 5; round++) {
        for (int i = 0; i < 2; i++)
            model_link(ends[i].model, false);
        go_on();
        check(!ends[0].link && !ends[1].link && !ends[0].netif->speed, "the link's end is told");
        for (unsigned i = 0; i < rnd(2000); i++) {
            make(&made, 0, true, true, 100);
            send(0, offloaded(&made, 1, 0));
        }
        if (rnd(2)) { /* down and up without a link */
            up(&ends[0], false);
            up(&ends[0], true);
        }
        for (int i = 0; i < 2; i++)
            model_link(ends[i].model, true);
        go_on();
        check(ends[0].link && ends[1].link, "and its return");
        packet_queue_purge(&ends[1].in);
        one(0, true, true, 700, true);
        one(1, false, false, 700, true);
    }
    end();
}

static void restarts(void)
{
    begin();
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 100; i++) {
            make(&made, 0, true, true, 1000);
            send(0, offloaded(&made, 2, 0));
            if (rnd(3) == 0)
                model_run(ends[0].model, 5);
        }
        int which = (int)rnd(2);
        up(&ends[which], false);
        make(&made, which, true, true, 10);
        check(send(which, offloaded(&made, 1, 0)) == -ENETDOWN, "down: refused");
        up(&ends[which], true);
        go_on();
        packet_queue_purge(&ends[0].in);
        packet_queue_purge(&ends[1].in);
        one(0, true, true, 700, true);
    }
    end();
}

static void hungry(void)
{
    begin();
    starve = true;
    for (unsigned i = 0; i < 50; i++) {
        uint8_t f[100] = {2, 0, 0, 0, 0, 2};
        f[12] = 8;
        model_deliver(ends[1].model, f, sizeof f);
        go_on();
    }
    starve = false;
    check(!ends[1].in.n &&
              ends[1].netif->stats[0].rx_dropped + ends[1].netif->stats[1].rx_dropped == 50,
          "without memory frames are dropped");
    for (unsigned i = 0; i < 600; i++)
        one(0, true, true, 30, true);
    end();
}

static bool hears(const uint8_t *frame, unsigned times)
{
    model_deliver(ends[1].model, frame, 64);
    go_on();
    unsigned n = ends[1].in.n;
    packet_queue_purge(&ends[1].in);
    return n == times;
}

static void filters(void)
{
    static const uint8_t other[64] = {2, 9, 9, 9, 9, 9}, all[64] = {255, 255, 255, 255, 255, 255};
    static const uint8_t group[64] = {1, 0, 0x5e, 1, 2, 3}, stranger[64] = {1, 0, 0x5e, 0, 0, 9};
    struct end *e = &ends[1];
    struct netif_group joined = {
        .group = {.bytes = {[10] = 255, [11] = 255, [12] = 224, [13] = 1, [14] = 2, [15] = 3}}};
    begin();
    check(hears(other, 0) && hears(all, 1) && hears(group, 0), "its own and broadcasts");
    list_add_tail(&e->netif->groups, &joined.link);
    e->netif->ops->set_filter(e->netif);
    check(hears(group, 1) && hears(stranger, 0), "a group that it has joined");
    atomic_fetch_or(&e->netif->flags, IFF_ALLMULTI);
    e->netif->ops->set_filter(e->netif);
    check(hears(stranger, 1) && hears(other, 0), "all groups");
    atomic_fetch_or(&e->netif->flags, IFF_PROMISC);
    e->netif->ops->set_filter(e->netif);
    check(hears(other, 1), "everything");
    atomic_store(&e->netif->flags, 0);
    e->netif->ops->set_filter(e->netif);
    e->netif->ops->set_mac(e->netif, other);
    check(hears(other, 1), "another address");
    check(!hears(stranger, 1), "and no longer everything");
    list_del(&joined.link);
    end();
}

static unsigned complaints;
static void count(const char *rule)
{
    complaints++;
}

/* A card that writes nonsense. */
static void liar(void)
{
    begin();
    struct ix_queue *q = &ends[1].card->queues[0];
    static const uint32_t heads[] = {1, 100, IX_RING - 1, IX_RING, 0xffffffff, 0x80000000};
    for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
        *q->head = heads[i];
        ix_serve(q);
        check(q->tx_clean == 0, "a head that was never given is no head");
    }
    *q->head = 0;
    void (*complaint)(const char *) = model_complaint;
    model_complaint = count;             /* the model has not written these */
    for (unsigned i = 0; i < 500; i++) { /* any length, any status, any address */
        q->rx[q->rx_next].low = (uint64_t)rnd(1 << 30) << 33;
        q->rx[q->rx_next].high = 1 | (uint64_t)rnd(0x10000) << 32 | (uint64_t)(rnd(4) == 0) << 1 |
                                 (uint64_t)rnd(0x10000) << 16;
        ix_serve(q);
    }
    model_complaint = complaint;
    for (struct packet *p; (p = packet_dequeue(&ends[1].in)); packet_free(p))
        for (struct packet *piece = p; piece; piece = piece->more)
            check(piece->len <= NIC_ROOM, "a length has bounds");
    end();
}

/* A card that does not do as it is told: an error, and nothing is left. */
static void broken_by(unsigned what, bool found, int starts)
{
    uint8_t mac[6] = {2, 0, 0, 0, 0, what == 6 ? 0 : 1};
    ends[1] = (struct end){};
    ends[0] = (struct end){.model = model_make(mac, 7)};
    ends[0].device.device = 0x10fb;
    struct ten_faults *f = model_faults(ends[0].model);
    *f = (struct ten_faults){what == 0, what == 1, what == 2, what == 3, what == 4, what == 5};
    blocks = 0;
    if (what == 6)
        model_faults(ends[0].model)->no_address = true;
    check((probe(&ends[0].device) == 0) == found, "what cannot be used is left alone");
    if (!found) {
        model_free(ends[0].model);
    } else {
        check(ends[0].netif->ops->set_up(ends[0].netif, true) == starts, "it starts or does not");
        *f = (struct ten_faults){};
        ends[0].netif->ops->set_up(ends[0].netif, false);
        release(&ends[0]);
    }
    check(blocks == 0, "and no memory is lost");
}

static void broken(void)
{
    broken_by(0, false, 0);   /* a reset that does not end */
    broken_by(1, false, 0);   /* the EEPROM is not read, */
    broken_by(2, false, 0);   /* the DMA not ready */
    broken_by(3, true, 0);    /* requests stay under way: reset twice */
    broken_by(4, true, -EIO); /* a receive path that does not empty */
    broken_by(5, true, -EIO); /* a queue that does not start */
    broken_by(6, false, 0);   /* no address */
}

/* --- the model itself: it complains of what is wrong */

static void model_complains(void)
{
    uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct ten_model *m = model_make(mac, 3);
    model_complaint = count;
#define WRONG(what, access)                                                                        \
    (complaints = 0, access, check(complaints > 0, "the model complains of " what))
    WRONG("set-up before a reset", model_write(m, IX_DMATXCTL, 0x81000001));
    WRONG("a reset with interrupts on", model_write(m, IX_CTRL, 1 << 26));
    WRONG("haste after a reset", model_read(m, IX_CTRL));
    model_now += 20000000;
    while (model_read(m, IX_CTRL))
        ;
    WRONG("no masking after a reset", model_write(m, IX_RXPBSIZE, 0x80000));
    WRONG("a register that is not there", model_read(m, 0x5804));
    WRONG("an odd address", model_read(m, 2));
    WRONG("a reserved bit", model_write(m, IX_CTRL, 1));
    WRONG("a tail without a queue", model_write(m, IX_RDT, 1));
    WRONG("RXEN without anything", model_write(m, IX_RXCTRL, 1));
    WRONG("a queue without a ring", model_write(m, IX_TXDCTL, 1 << 25));
    WRONG("a packet buffer with the arbiter on", model_write(m, IX_TXPBSIZE, 0));
    WRONG("interrupts before set-up", model_write(m, IX_EIMS, 1));
    model_complaint = NULL;
    model_free(m);
}

int main(void)
{
    void (*die)(const char *) = model_complaint;
    on_cpu(&cpu[0]);
    model_complains();
    model_complaint = die;
    frames(true);
    frames(false);
    cuts();
    many_pieces();
    long_frames();
    damaged();
    full();
    links();
    restarts();
    hungry();
    filters();
    liar();
    broken();
    printf("ok - ixgbe: two cards and what can happen to them\n");
}
