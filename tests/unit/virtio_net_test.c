// sources: kernel/drivers/net/virtio_net_rx.c kernel/drivers/net/virtio_net_tx.c
// sources: kernel/net/packet.c kernel/net/checksum.c
// flags: -Itests/unit/shim -Ikernel -w
/* The network driver against a device that obeys and one that lies: frames in one buffer and in
 * many, headers that cannot be true, buffers that come back late or never, sending with and without
 * room; every byte that arrives is compared, and no buffer is lost. */
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/net/virtio_net.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - virtio-net: %s\n", what);
    exit(1);
}

/* --- what the kernel supplies */

/* Blocks in a ring, so that those that are with the device at the end can be freed. */
struct block {
    struct block *next, *prev;
    uint64_t bytes[];
};
static struct block live = {&live, &live};
static long blocks;
void *kzalloc(size_t size)
{
    struct block *block = calloc(1, sizeof(*block) + size);
    block->next = live.next;
    block->prev = &live;
    block->next->prev = block->prev->next = block;
    blocks++;
    return block->bytes;
}
void *kmalloc(size_t size)
{
    return kzalloc(size);
}
void kfree(void *p)
{
    struct block *block = container_of(p, struct block, bytes);
    if (!p)
        return;
    block->next->prev = block->prev;
    block->prev->next = block->next;
    blocks--;
    free(block);
}

void kfree_sized(void *p, size_t size)
{
    (void)size;
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
void frame_get_stats(struct frame_stats *stats)
{
    *stats = (struct frame_stats){.total = 1 << 20};
}

static nsec_t now;
nsec_t clock_monotonic(void)
{
    return now;
}
void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}
void timer_start(struct timer *timer, nsec_t deadline)
{
    timer->armed = true;
    timer->deadline = deadline;
}

unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    return 0;
}
void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
}
int wait_sleep(unsigned flags, nsec_t deadline)
{
    return -EINTR;
}
void wait_finish(struct waitqueue *queue, struct waiter *waiter)
{
}
void thread_yield(void)
{
}
struct thread *kthread_start(const char *name, void (*entry)(void *), void *arg)
{
    return (struct thread *)1;
}

/* --- a device */

enum { SIZE = 64 };
struct chain {
    struct virtio_buffer segments[64];
    unsigned n;
    void *token;
    uint32_t len;
};
struct virtqueue {
    struct chain offered[SIZE], used[SIZE];
    unsigned noffered, nused;
    bool interrupts;
    void (*callback)(struct virtqueue *queue);
    void *owner;
};
static struct virtqueue queues[2];
static bool broken;

struct virtqueue *virtqueue_create(struct virtio_device *device, unsigned index, unsigned size,
                                   void (*used)(struct virtqueue *queue), void *owner)
{
    queues[index] = (struct virtqueue){.callback = used, .owner = owner, .interrupts = true};
    return &queues[index];
}
void *virtqueue_owner(struct virtqueue *queue)
{
    return queue->owner;
}
unsigned virtqueue_size(const struct virtqueue *queue)
{
    return SIZE;
}
int virtqueue_add(struct virtqueue *queue, const struct virtio_buffer *segments, unsigned nout,
                  unsigned nin, void *token)
{
    if (broken)
        return -EIO;
    if (queue->noffered + queue->nused == SIZE)
        return -ENOSPC;
    struct chain *chain = &queue->offered[queue->noffered++];
    chain->n = nout + nin;
    chain->token = token;
    memcpy(chain->segments, segments, chain->n * sizeof(*segments));
    return 0;
}
void virtqueue_kick(struct virtqueue *queue)
{
}
void *virtqueue_get(struct virtqueue *queue, uint32_t *len)
{
    if (broken || !queue->nused)
        return NULL;
    struct chain chain = queue->used[0];
    memmove(queue->used, queue->used + 1, --queue->nused * sizeof(chain));
    if (len)
        *len = chain.len;
    return chain.token;
}
void virtqueue_interrupts_off(struct virtqueue *queue)
{
    queue->interrupts = false;
}
bool virtqueue_interrupts_on(struct virtqueue *queue)
{
    queue->interrupts = true;
    return queue->nused;
}
void virtio_device_broken(struct virtio_device *device, const char *why)
{
    broken = device->broken = true;
}

/* The device uses the first chain: it writes len bytes of data into it from offset `at` on. */
static unsigned use(struct virtqueue *queue, const uint8_t *data, unsigned len)
{
    struct chain chain = queue->offered[0];
    unsigned done = 0;
    memmove(queue->offered, queue->offered + 1, --queue->noffered * sizeof(chain));
    for (unsigned i = 0; data && i < chain.n && done < len; i++) {
        unsigned part = MIN(len - done, chain.segments[i].len);
        memcpy(chain.segments[i].data, data + done, part);
        done += part;
    }
    chain.len = done;
    queue->used[queue->nused++] = chain;
    return done;
}

/* --- the stack */

static struct packet_queue arrived;
void netif_receive(struct netif *netif, struct packet *packet)
{
    packet_enqueue(&arrived, packet);
}

static struct virtio_device device;
static struct netif_stats stats[CPUS_MAX];
static struct net_device net;
static struct net_pair pair;
static struct cpu cpu;

static void begin(uint64_t features)
{
    cpu.self = &cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    broken = false;
    blocks = 0;
    memset(stats, 0, sizeof(stats));
    memset(queues, 0, sizeof(queues));
    device = (struct virtio_device){.features = features};
    pair = (struct net_pair){.net = &net};
    net = (struct net_device){.device = &device, .npairs = 1, .nactive = 1, .pairs = &pair};
    net.netif.stats = stats;
    net.netif.data = &net;
    net.netif.mtu_max = 1500;
    net.netif.tx_queue_len = 10;
    net.netif.features = NETIF_CHECKSUM | NETIF_TSO4 | NETIF_PIECES;
    net.any_layout = true;
    net.mergeable = features >> F_MRG_RXBUF & 1;
    net.header_len = NET_HEADER;
    net.up = true;
    check(net_rx_create(&pair) == 0 && net_tx_create(&pair) == 0 && net_rx_start(&pair) == 0,
          "it starts");
}

/* What is with the device or spare is freed; nothing else may be left. */
static void end(void)
{
    packet_queue_purge(&arrived);
    unsigned allocated = atomic_load(&pair.nallocated);
    check(blocks == (long)allocated, "no packet and no buffer is lost");
    unsigned with_device = 0, spare = 0;
    for (unsigned i = 0; i < queues[0].noffered; i++)
        with_device += queues[0].offered[i].n;
    for (unsigned i = 0; i < queues[0].nused; i++)
        with_device += queues[0].used[i].n;
    check(with_device + atomic_load(&pair.nreturned) == allocated,
          "a buffer is with the device or spare");
    while (blocks)
        kfree(live.next->bytes);
}

static uint8_t wire[70000];

static struct net_header *header_of(void)
{
    return (struct net_header *)wire;
}

/* A frame of len bytes behind its header, in as many buffers as it takes. */
static void arrive(unsigned len, unsigned told)
{
    unsigned total = NET_HEADER + len, done = 0;
    header_of()->num_buffers = told;
    while (done < total)
        done += use(&queues[0], wire + done, total - done);
}

static void interrupt(unsigned index)
{
    queues[index].callback(&queues[index]);
}

static bool equals(const struct packet *packet, const uint8_t *data, unsigned len)
{
    uint8_t *copy = malloc(len + 1);
    bool same =
        packet->total == len && packet_read(packet, 0, copy, len) && memcmp(copy, data, len) == 0;
    free(copy);
    return same;
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (seed >> 33) % n;
}

static void fill_wire(void)
{
    memset(wire, 0, NET_HEADER);
    for (unsigned i = NET_HEADER; i < sizeof(wire); i++)
        wire[i] = rnd(256);
}

static unsigned room(void)
{
    return queues[0].offered[0].segments[0].len;
}

#define BIT(n) (1ull << (n))
enum { ROUNDS = 500 };

static void frames(void)
{
    static const uint64_t features[] = {0, BIT(F_MRG_RXBUF), BIT(F_GUEST_TSO4) | BIT(F_GUEST_CSUM),
                                        BIT(F_MRG_RXBUF) | BIT(F_GUEST_TSO4)};
    for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
        begin(features[f]);
        for (unsigned round = 0; round < ROUNDS; round++) {
            bool large = features[f] & (BIT(F_MRG_RXBUF) | BIT(F_GUEST_TSO4));
            unsigned len = ETH_HLEN + rnd(large && rnd(4) == 0 ? 65000 : 1500);
            fill_wire();
            unsigned n = (NET_HEADER + len + room() - 1) / room();
            if (n > queues[0].noffered)
                continue;
            arrive(len, net.mergeable ? n : 0);
            interrupt(0);
            check(arrived.n > 0 && !broken, "a frame arrives");
            struct packet *last = container_of(arrived.last, struct packet, next);
            check(equals(last, wire + NET_HEADER, len), "and is what was sent");
            if (arrived.n > rnd(8))
                packet_free(packet_dequeue(&arrived));
            check(pair.posted == pair.target || pair.posted == SIZE, "buffers are offered again");
        }
        end();
    }
}

static struct packet *one(unsigned len)
{
    arrive(len, 1);
    interrupt(0);
    return packet_dequeue(&arrived);
}

static void header_fields(void)
{
    begin(BIT(F_MRG_RXBUF) | BIT(F_GUEST_CSUM) | BIT(F_GUEST_TSO4));
    fill_wire();
    struct net_header *h = header_of();
    *h = (struct net_header){.flags = HEADER_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
    struct packet *p = one(100);
    check(p && p->checksum == CHECKSUM_PARTIAL && p->csum_start == 34 && p->csum_offset == 16,
          "a partial checksum");
    packet_free(p);
    h->csum_start = 90;
    h->csum_offset = 8;
    packet_free(p = one(100));
    check(p, "a checksum at the very end");
    h->csum_offset = 9;
    check(!one(100) && stats[0].rx_errors == 1, "a checksum behind the frame");
    *h = (struct net_header){.flags = HEADER_DATA_VALID};
    p = one(100);
    check(p && p->checksum == CHECKSUM_GOOD, "a verified checksum");
    packet_free(p);
    *h = (struct net_header){.gso_type = HEADER_GSO_TCP4 | HEADER_GSO_ECN, .gso_size = 1448};
    p = one(1400);
    check(p && p->gso == GSO_TCP4 && p->gso_size == 1448, "several segments in one frame");
    packet_free(p);
    h->gso_size = 0;
    check(!one(100), "segments of no size");
    *h = (struct net_header){.gso_type = HEADER_GSO_TCP6, .gso_size = 100};
    check(!one(100), "segments that were not agreed on");
    *h = (struct net_header){.gso_type = HEADER_GSO_UDP, .gso_size = 1472};
    check(!one(1400), "a large datagram that was not agreed on");
    *h = (struct net_header){};
    check(!one(ETH_HLEN - 1), "a frame shorter than its header");
    use(&queues[0], wire, NET_HEADER - 1);
    interrupt(0);
    check(!arrived.n && !broken, "less than the device's header");
    end();
}

/* GUEST_UFO: a datagram that its sender has not cut arrives as one. */
static void large_datagrams(void)
{
    static const uint64_t features[] = {BIT(F_MRG_RXBUF), 0};
    for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
        begin(features[f] | BIT(F_GUEST_CSUM) | BIT(F_GUEST_UFO));
        fill_wire();
        *header_of() = (struct net_header){.flags = HEADER_NEEDS_CSUM,
                                           .gso_type = HEADER_GSO_UDP,
                                           .gso_size = 1480,
                                           .hdr_len = 42,
                                           .csum_start = 34,
                                           .csum_offset = 6};
        unsigned n = net.mergeable ? (NET_HEADER + 40000 + room() - 1) / room() : 0;
        arrive(40000, n);
        interrupt(0);
        struct packet *p = packet_dequeue(&arrived);
        check(p && p->gso == GSO_NONE && p->checksum == CHECKSUM_PARTIAL &&
                  equals(p, wire + NET_HEADER, 40000),
              "a datagram larger than the link");
        packet_free(p);
        end();
    }
}

static void missing_buffers(void)
{
    for (unsigned told = 0; told <= 3; told += 3) {
        begin(BIT(F_MRG_RXBUF));
        memset(wire, 0, NET_HEADER);
        arrive(1000, told);
        interrupt(0);
        check(broken == (told == 3) && !arrived.n, "buffers of a frame that are not there");
        end();
    }
}

/* Random headers and lengths: nothing but what can be true gets through. */
static void lies(void)
{
    unsigned through = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        begin((uint64_t)rnd(1 << 16) & ~BIT(F_MRG_RXBUF) | (rnd(2) ? BIT(F_MRG_RXBUF) : 0));
        for (unsigned i = 0; i < 10 && !broken; i++) {
            fill_wire();
            for (unsigned b = 0; b < NET_HEADER; b++)
                wire[b] = rnd(3) ? 0 : rnd(256);
            if (rnd(2))
                header_of()->num_buffers = 1;
            use(&queues[0], wire, rnd(4) ? rnd(2000) : rnd(70000));
            interrupt(0);
        }
        through += arrived.n;
        for (struct packet *p = arrived.first; p; p = p->next) {
            check(p->total >= ETH_HLEN && p->len >= ETH_HLEN, "an Ethernet header");
            check(p->checksum != CHECKSUM_PARTIAL ||
                      p->csum_start + p->csum_offset + 2u <= p->total,
                  "a checksum within the frame");
        }
        end();
    }
    check(through > ROUNDS, "some frames are good");
}

/* Whoever holds all buffers does not stop the device: it keeps some, and what is in them is copied.
 */
static void starving(void)
{
    begin(BIT(F_MRG_RXBUF));
    unsigned n = queues[0].noffered;
    atomic_store(&pair.nallocated, 1u << 30); /* no more memory for buffers */
    fill_wire();
    for (unsigned i = 0; i < n; i++)
        arrive(100, 1);
    interrupt(0);
    check(arrived.n == n && pair.posted > 0 && pair.posted < n, "some stay with the device");
    unsigned kept = pair.posted;
    for (unsigned i = 0; i < 100; i++) {
        arrive(100, 1);
        interrupt(0);
    }
    check(arrived.n == n + 100 && pair.posted == kept, "what comes in these is copied");
    unsigned whole = 0;
    for (struct packet *p = arrived.first; p; p = p->next)
        whole += p->total == 100;
    check(whole == n + 100, "and whole");
    packet_queue_purge(&arrived);
    arrive(100, 1);
    interrupt(0);
    check(pair.posted >= n, "what comes back is offered again");
    atomic_store(&pair.nallocated, n);
    end();
}

static void budget(void)
{
    begin(BIT(F_MRG_RXBUF));
    fill_wire();
    for (unsigned round = 0; round < 8 && pair.target < SIZE; round++) {
        for (unsigned n = queues[0].noffered; n--;)
            arrive(100, 1);
        interrupt(0);
        packet_queue_purge(&arrived);
    }
    check(pair.target == SIZE, "a queue in use gets more buffers");
    for (unsigned n = queues[0].noffered; n--;)
        arrive(100, 1);
    interrupt(0);
    check(pair.polling && !queues[0].interrupts, "behind the budget the thread polls");
    end();
}

/* --- sending */

static struct packet *make_packet(unsigned len)
{
    struct packet *p = packet_alloc(PACKET_HEADROOM, len);
    uint8_t *bytes = packet_append(p, len);
    for (unsigned i = 0; i < len; i++)
        bytes[i] = i * 7 + len;
    return p;
}

/* What the device would send of the first chain, without its header. */
static unsigned sent(uint8_t *to, struct net_header *header)
{
    struct chain *chain = &queues[1].offered[0];
    unsigned n = 0, skip = NET_HEADER;
    for (unsigned i = 0; i < chain->n; i++) {
        memcpy(to + n, chain->segments[i].data, chain->segments[i].len);
        n += chain->segments[i].len;
    }
    memcpy(header, to, NET_HEADER);
    memmove(to, to + skip, n - skip);
    return n - skip;
}

static void sending(void)
{
    static uint8_t out[70000];
    struct net_header header;
    begin(BIT(F_MRG_RXBUF));
    struct packet *p = make_packet(60), *q;
    check(net_transmit(&net.netif, p) == 0 && sent(out, &header) == 60 && out[5] == 35 + 60,
          "a packet");
    check(queues[1].offered[0].n == 1 && header.flags == 0, "its header in front, in one piece");
    use(&queues[1], NULL, 0);
    pair.reclaim.armed = false;
    pair.reclaim.fire(&pair.reclaim);
    p = make_packet(60);
    q = packet_clone(p);
    p->checksum = CHECKSUM_PARTIAL;
    p->csum_start = 34;
    p->csum_offset = 6;
    p->more = packet_piece(p->buffer, p->data, 10);
    p->total += 10;
    check(net_transmit(&net.netif, p) == 0 && sent(out, &header) == 70 && out[60] == 60,
          "a packet of two pieces");
    check(header.flags == HEADER_NEEDS_CSUM && header.csum_start == 34 && header.csum_offset == 6 &&
              queues[1].offered[0].n == 3,
          "whose bytes others share: a header apart");
    use(&queues[1], NULL, 0);
    p = make_packet(60);
    p->gso = GSO_TCP6;
    check(net_transmit(&net.netif, p) == -ENOBUFS, "what the device cannot do");
    packet_free(q);
    net.up = false;
    check(net_transmit(&net.netif, make_packet(60)) == -ENETDOWN, "an interface that is down");
    pair.reclaim.fire(&pair.reclaim);
    check(pair.in_flight == 0 && stats[0].tx_packets == 2 && stats[0].tx_dropped == 2,
          "all is counted");
    end();
}

/* HOST_UFO: so does one that leaves. */
static void large_out(void)
{
    static uint8_t out[70000];
    struct net_header header;
    begin(BIT(F_MRG_RXBUF));
    struct packet *p = make_packet(60000);
    p->checksum = CHECKSUM_PARTIAL;
    p->csum_start = 34;
    p->csum_offset = 6;
    p->gso = GSO_UFO;
    p->gso_size = 1480;
    p->header_len = 42;
    net.netif.features |= NETIF_UFO;
    check(net_transmit(&net.netif, p) == 0 && sent(out, &header) == 60000, "a large datagram");
    check(header.flags == HEADER_NEEDS_CSUM && header.gso_type == HEADER_GSO_UDP &&
              header.gso_size == 1480 && header.hdr_len == 42 && header.csum_start == 34 &&
              header.csum_offset == 6,
          "its header says how to cut it");
    use(&queues[1], NULL, 0);
    pair.reclaim.fire(&pair.reclaim);
    end();
}

static void full_ring(void)
{
    begin(BIT(F_MRG_RXBUF));
    unsigned n = SIZE + net.netif.tx_queue_len;
    for (unsigned i = 0; i < n; i++)
        check(net_transmit(&net.netif, make_packet(60 + i)) == 0, "a ring and a backlog");
    check(queues[1].interrupts && pair.backlog.n == net.netif.tx_queue_len,
          "with interrupts while packets wait");
    check(net_transmit(&net.netif, make_packet(60)) == -ENOBUFS, "and no more");
    for (unsigned i = 0; i < n; i++) {
        static uint8_t out[200];
        struct net_header header;
        check(queues[1].noffered && sent(out, &header) == 60 + i, "they leave in order");
        use(&queues[1], NULL, 0);
        interrupt(1);
    }
    check(!queues[1].interrupts && pair.in_flight == 0 && !pair.backlog.first, "all are sent");
    /* The timer frees what the interrupt was raised for: it has to go on with the backlog. */
    for (unsigned i = 0; i < SIZE + 1; i++)
        net_transmit(&net.netif, make_packet(60));
    for (unsigned i = 0; i < SIZE; i++)
        use(&queues[1], NULL, 0);
    pair.reclaim.fire(&pair.reclaim);
    check(!pair.backlog.first && queues[1].noffered == 1, "the timer sends the backlog, too");
    use(&queues[1], NULL, 0);
    pair.reclaim.fire(&pair.reclaim);
    end();
}

static void many_pieces(void)
{
    static uint8_t out[70000];
    struct net_header header;
    begin(BIT(F_MRG_RXBUF));
    struct packet *p = make_packet(60), **link = &p->more;
    for (unsigned i = 0; i < 60; i++) {
        *link = packet_piece(p->buffer, p->data + i % 60, 1);
        link = &(*link)->more;
        p->total++;
    }
    check(net_transmit(&net.netif, p) == 0 && sent(out, &header) == 120 && out[61] == 7 + 60,
          "more pieces than a chain holds");
    use(&queues[1], NULL, 0);
    pair.reclaim.fire(&pair.reclaim);
    end();
}

int main(void)
{
    frames();
    printf("ok - frames in one buffer and in many\n");
    header_fields();
    large_datagrams();
    missing_buffers();
    lies();
    printf("ok - what cannot be true is dropped\n");
    starving();
    budget();
    printf("ok - buffers come back, and polling\n");
    sending();
    large_out();
    full_ring();
    many_pieces();
    printf("ok - sending\n");
}
