/* VMware's vmxnet3: an area of memory shared with the device describes its rings; registers only
 * carry commands and doorbells. Who may use a descriptor shows in its generation bit, which changes
 * with each turn of the ring. One queue each way, one interrupt.
 *
 * Frames come in a HEAD buffer of the first ring; what is longer goes on in BODY buffers of the
 * second, which is filled only if the MTU asks for it. */
#include "arch/x86_64/memory_map.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "drivers/net/nic.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/worker.h"

enum { VMWARE = 0x15ad, VMXNET3 = 0x07b0 };
enum { /* registers of BAR 0, */
       IMR = 0x000,
       TXPROD = 0x600,
       RXPROD = 0x800,
       RXPROD2 = 0xa00,
       /* and of BAR 1 */
       VRRS = 0x00,
       UVRS = 0x08,
       DSAL = 0x10,
       DSAH = 0x18,
       CMD = 0x20,
       MACL = 0x28,
       MACH = 0x30,
       ICR = 0x38,
       ECR = 0x40,
       REGISTERS = 0x1000,
};
enum { /* commands, from 0xcafe0000 on: do; from 0xf00d0000 on: tell */
       ACTIVATE = (int)0xcafe0000,
       QUIESCE,
       RESET,
       UPDATE_RX_MODE,
       UPDATE_MAC_FILTERS,
       GET_QUEUE_STATUS = (int)0xf00d0000,
       GET_LINK = GET_QUEUE_STATUS + 2,
       GET_CONF_INTR = GET_QUEUE_STATUS + 8,
};
enum { EVENT_RX_ERROR = 1, EVENT_TX_ERROR = 2, EVENT_LINK = 4 };
enum {
    RXMODE_UNICAST = 1,
    RXMODE_MULTICAST = 2,
    RXMODE_BROADCAST = 4,
    RXMODE_ALL_MULTI = 8,
    RXMODE_PROMISC = 16
};
enum {
    MAGIC = (int)0xbabefee1,
    FEATURE_RXCSUM = 1,
    INTR_DISABLE_ALL = 1,
    GOS_LINUX_64 = 2 | 1 << 2, /* what the device knows closest to us */
};
enum {                /* descriptors */
       GEN = 1 << 14, /* of TX, word 2 */
       TX_LEN_MOST = (1 << 14) - 1,
       TX_OFFSET = 18,
       TX_CSUM = 2 << 10, /* word 3 */
       TX_TSO = 3 << 10,
       TX_EOP = 1 << 12,
       TX_CQ = 1 << 13,
       RX_BODY = 1 << 14,
       RX_GEN = (int)(1u << 31),
       DONE_GEN = (int)(1u << 31), /* word 3 */
       DONE_INDEX = (1 << 12) - 1, /* word 0 */
       DONE_EOP = 1 << 14,
       DONE_SOP = 1 << 15,
       DONE_RING = 16,
       DONE_UNCHECKED = 1 << 30,
       DONE_ERROR = 1 << 14, /* word 2 */
       DONE_TUC = 1 << 16,   /* word 3: transport right, header right, which */
       DONE_IPC = 1 << 19,
       DONE_V6 = 1 << 20,
       DONE_V4 = 1 << 21,
       DONE_FRAGMENT = 1 << 22,
};
enum {
    RING = 256,
    BODIES = 128,
    TX_PIECES = 16, /* of a packet: what the device takes for sure */
    GROUPS = 64,
    BUDGET = 256,
    MTU_MAX = 9000,
    VFT = 128,
};

struct descriptor {
    uint64_t address;
    uint32_t word2, word3;
};
struct completion {
    uint32_t word[4];
};
struct area {
    uint64_t pa;
    uint32_t len;
};
struct shared { /* Vmxnet3_DriverShared */
    uint32_t magic, pad;
    uint32_t version, gos, revision, upt_version; /* the driver */
    uint64_t features, driver_pa, queues_pa;
    uint32_t driver_len, queues_len, mtu;
    uint16_t rx_pieces;
    uint8_t ntx, nrx;
    uint32_t reserved[4];
    uint8_t auto_mask, ninterrupts, event_interrupt, levels[25];
    uint32_t interrupt_control, reserved_interrupt[2];
    uint32_t rx_mode;
    uint16_t groups_len, pad_filter;
    uint64_t groups_pa;
    uint32_t vlans[VFT];
    struct {
        uint32_t version, len;
        uint64_t pa;
    } rss, power, plugin;
    uint32_t events, reserved_events[5];
};
_Static_assert(sizeof(struct shared) == 720, "Vmxnet3_DriverShared");
struct tx_queue { /* Vmxnet3_TxQueueDesc */
    uint32_t deferred, threshold;
    uint64_t reserved;
    uint64_t ring_pa, data_pa, done_pa, driver_pa, reserved2;
    uint32_t ring_size, data_size, done_size, driver_len;
    uint8_t interrupt, pad[7];
    uint8_t stopped, pad2[3];
    uint32_t error;
    uint8_t statistics[80], pad3[88];
};
struct rx_queue { /* Vmxnet3_RxQueueDesc */
    uint8_t update, pad[7];
    uint64_t reserved;
    uint64_t ring_pa[2], done_pa, driver_pa, reserved2;
    uint32_t ring_size[2], done_size, driver_len;
    uint8_t interrupt, pad2[7];
    uint8_t stopped, pad3[3];
    uint32_t error;
    uint8_t statistics[80], pad4[88];
};
_Static_assert(sizeof(struct tx_queue) == 256 && sizeof(struct rx_queue) == 256, "queues");

/* All that the device reads and writes, in one block; rings begin at multiples of 512. */
struct memory {
    alignas(512) struct descriptor tx[RING];
    alignas(512) struct completion tx_done[RING];
    alignas(512) struct descriptor rx[RING];
    alignas(512) struct descriptor bodies[BODIES];
    alignas(512) struct completion rx_done[RING + BODIES];
    alignas(512) struct {
        struct tx_queue tx;
        struct rx_queue rx;
    } queues;
    struct shared shared;
    uint8_t groups[GROUPS][ETH_ALEN];
};

struct ring_place { /* of completions */
    unsigned next;
    uint32_t generation;
};
struct vmxnet3 {
    struct netif netif;
    struct pci_device *device;
    volatile void *doorbells, *regs;
    struct memory *memory;
    bool up, line, long_frames;
    struct spinlock rx_lock, tx_lock, command_lock;
    struct ring_place rx_done, tx_done;
    struct nic_buffer *buffers[RING], *body_buffers[BODIES];
    unsigned rx_next[2], tx_next, tx_clean;
    uint32_t rx_generation[2], tx_generation; /* as the bit stands in the descriptor */
    struct nic_frame frame;
    struct nic_pool pool;
    struct packet *tx_packets[RING]; /* freed when their last descriptor is done */
    struct worker_call again;
};

static uint32_t command(struct vmxnet3 *card, uint32_t what)
{
    uint64_t flags = spin_lock_irq(&card->command_lock);
    mmio_write32(card->regs, CMD, what);
    uint32_t answer = mmio_read32(card->regs, CMD);

    spin_unlock_irq(&card->command_lock, flags);
    return answer;
}

/* The next completion if the device has written it, in which case *word is a copy. */
static bool next_done(struct ring_place *place, const struct completion *ring, unsigned size,
                      struct completion *copy)
{
    const volatile struct completion *done = &ring[place->next];

    if ((done->word[3] & (uint32_t)DONE_GEN) != place->generation)
        return false;
    atomic_thread_fence(memory_order_acquire);
    for (unsigned i = 0; i < ARRAY_SIZE(copy->word); i++)
        copy->word[i] = done->word[i];
    if (++place->next == size) {
        place->next = 0;
        place->generation ^= (uint32_t)DONE_GEN;
    }
    return true;
}

/* --- receiving ---------------------------------------------------------------------------- */

static struct descriptor *ring_of(struct vmxnet3 *card, unsigned ring)
{
    return ring ? card->memory->bodies : card->memory->rx;
}
static struct nic_buffer **slots_of(struct vmxnet3 *card, unsigned ring)
{
    return ring ? card->body_buffers : card->buffers;
}
static unsigned size_of(unsigned ring)
{
    return ring ? BODIES : RING;
}

/* The slot at the place to fill next is the device's from now on. */
static void offer(struct vmxnet3 *card, unsigned ring)
{
    unsigned i = card->rx_next[ring];
    volatile struct descriptor *d = &ring_of(card, ring)[i];

    d->address = virt_to_phys(slots_of(card, ring)[i]->data);
    atomic_thread_fence(memory_order_release);
    d->word2 = NIC_ROOM | (ring ? RX_BODY : 0) | card->rx_generation[ring];
    if (++card->rx_next[ring] == size_of(ring)) {
        card->rx_next[ring] = 0;
        card->rx_generation[ring] ^= (uint32_t)RX_GEN;
    }
}

static bool checked(const struct completion *done)
{
    uint32_t flags = done->word[3];

    if (done->word[0] & DONE_UNCHECKED || flags & DONE_FRAGMENT || !(flags & DONE_TUC))
        return false;
    return flags & DONE_V6 || (flags & DONE_V4 && flags & DONE_IPC);
}

/* One buffer. The place to fill next is the one before that which the device uses next; what it has
 * skipped is offered again. */
static void take_piece(struct vmxnet3 *card, const struct completion *done)
{
    unsigned i = done->word[0] & DONE_INDEX, ring = done->word[0] >> DONE_RING & 0x3ff;

    if (done->word[0] & DONE_SOP && card->frame.first)
        nic_frame_end(&card->frame, &card->netif, true, false);
    if (ring > card->long_frames || i >= size_of(ring)) {
        card->frame.bad = true; /* no such buffer */
    } else {
        while ((card->rx_next[ring] + 1) % size_of(ring) != i)
            offer(card, ring);
        nic_frame_add(&card->frame, &card->pool, &slots_of(card, ring)[i],
                      done->word[2] & TX_LEN_MOST);
        offer(card, ring);
    }
    if (done->word[0] & DONE_EOP)
        nic_frame_end(&card->frame, &card->netif, done->word[2] & DONE_ERROR, checked(done));
}

/* True: there is more. Interrupts off. */
static bool receive(struct vmxnet3 *card)
{
    struct memory *m = card->memory;
    struct completion done;
    unsigned n = 0;

    spin_lock(&card->rx_lock);
    while (n < BUDGET && card->up && next_done(&card->rx_done, m->rx_done, RING + BODIES, &done)) {
        take_piece(card, &done);
        n++;
    }
    if (n && *(volatile uint8_t *)&m->queues.rx.update) {
        mmio_write32(card->doorbells, RXPROD, card->rx_next[0]);
        mmio_write32(card->doorbells, RXPROD2, card->rx_next[1]);
    }
    spin_unlock(&card->rx_lock);
    return n == BUDGET;
}

/* --- sending ------------------------------------------------------------------------------ */

static unsigned tx_free(const struct vmxnet3 *card)
{
    return (card->tx_clean + RING - card->tx_next - 1) % RING;
}

/* Let go of what was sent: completions name a packet's last descriptor, in order. The lock is held.
 */
static void clean(struct vmxnet3 *card)
{
    struct completion done;

    while (card->up && next_done(&card->tx_done, card->memory->tx_done, RING, &done)) {
        unsigned last = done.word[0] & DONE_INDEX, i = card->tx_clean;
        if (last >= RING || !card->tx_packets[last])
            continue; /* the device's fault; nothing is freed twice */
        for (bool end = false; !end; i = (i + 1) % RING) {
            packet_free(card->tx_packets[i]);
            card->tx_packets[i] = NULL;
            end = i == last;
        }
        card->tx_clean = i;
    }
}

static unsigned count_descriptors(const struct packet *packet)
{
    unsigned n = 0;

    for (; packet; packet = packet->more)
        n += (packet->len + TX_LEN_MOST - 1) / TX_LEN_MOST;
    return n;
}

static volatile struct descriptor *put(struct vmxnet3 *card, uint64_t address, unsigned len,
                                       uint32_t generation)
{
    volatile struct descriptor *d = &card->memory->tx[card->tx_next];

    d->address = address;
    d->word3 = 0;
    d->word2 = len | generation;
    if (++card->tx_next == RING) {
        card->tx_next = 0;
        card->tx_generation ^= GEN;
    }
    return d;
}

/* All descriptors before the first are the device's only with the first one's generation. */
static void put_packet(struct vmxnet3 *card, struct packet *packet)
{
    volatile struct descriptor *first = NULL, *d = NULL;
    uint32_t offload = 0, what = 0, generation = card->tx_generation;
    unsigned last = 0;

    if (packet->gso) {
        what = packet->header_len | TX_TSO;
        offload = packet->gso_size;
    } else if (packet->checksum == CHECKSUM_PARTIAL) {
        what = packet->csum_start | TX_CSUM;
        offload = packet->csum_start + packet->csum_offset;
    }
    for (struct packet *piece = packet; piece; piece = piece->more)
        for (unsigned at = 0; at < piece->len; at += TX_LEN_MOST) {
            last = card->tx_next;
            d = put(card, virt_to_phys(piece->data) + at, MIN(piece->len - at, TX_LEN_MOST + 0u),
                    first ? card->tx_generation : generation ^ GEN);
            first = first ?: d;
        }
    d->word3 = TX_EOP | TX_CQ;
    card->tx_packets[last] = packet;
    first->word3 = first->word3 | what;
    atomic_thread_fence(memory_order_release);
    first->word2 = (first->word2 ^ GEN) | offload << TX_OFFSET;
    mmio_write32(card->doorbells, TXPROD, card->tx_next);
}

/* As few pieces as the device takes; NULL: no memory, the packet is gone. */
static struct packet *in_few_pieces(struct packet *packet)
{
    if (count_descriptors(packet) <= TX_PIECES)
        return packet;
    struct packet *copy = packet_copy(packet, 0);
    packet_free(packet);
    return copy;
}

static int transmit(struct netif *netif, struct packet *packet)
{
    struct vmxnet3 *card = netif->data;
    bool sum = packet->checksum == CHECKSUM_PARTIAL;

    if (!card->up) {
        packet_free(packet);
        return -ENETDOWN;
    }
    if ((packet->gso && (!sum || !nic_prepare_cut(packet, false))) ||
        (sum && packet->csum_start + packet->csum_offset > 1000))
        return nic_refuse(netif, packet);
    packet = in_few_pieces(packet);
    if (!packet)
        return nic_refuse(netif, NULL);
    unsigned needed = count_descriptors(packet);
    uint64_t flags = spin_lock_irq(&card->tx_lock);
    if (tx_free(card) < MAX(needed, RING / 8u))
        clean(card);
    if (!card->up || tx_free(card) < needed) {
        spin_unlock_irq(&card->tx_lock, flags);
        return nic_refuse(netif, packet);
    }
    nic_count_sent(netif, packet);
    put_packet(card, packet);
    spin_unlock_irq(&card->tx_lock, flags);
    return 0;
}

/* --- interrupts --------------------------------------------------------------------------- */

static void ask_link(struct vmxnet3 *card)
{
    uint32_t link = command(card, (uint32_t)GET_LINK);

    card->netif.speed = link >> 16;
    netif_link(&card->netif, link & 1);
}

static void take_events(struct vmxnet3 *card)
{
    const struct memory *m = card->memory;
    uint32_t events = *(const volatile uint32_t *)&m->shared.events;

    if (!events)
        return;
    mmio_write32(card->regs, ECR, events);
    if (events & EVENT_LINK)
        ask_link(card);
    if (events & (EVENT_RX_ERROR | EVENT_TX_ERROR)) {
        command(card, (uint32_t)GET_QUEUE_STATUS);
        log_err("vmxnet3: %s: a queue has stopped (receiving %#x, sending %#x)",
                card->device->place, m->queues.rx.error, m->queues.tx.error);
    }
}

/* Interrupts are off, the device's masked (by itself, as it raised one). */
static void serve(struct vmxnet3 *card)
{
    take_events(card);
    spin_lock(&card->tx_lock);
    clean(card);
    spin_unlock(&card->tx_lock);
    if (receive(card))
        worker_post(&card->again);
    else
        mmio_write32(card->doorbells, IMR, 0);
}

static void serve_again(struct worker_call *call)
{
    uint64_t flags = irq_save();
    struct vmxnet3 *card = container_of(call, struct vmxnet3, again);
    if (card->up)
        serve(card);
    irq_restore(flags);
}

static void interrupt(void *arg)
{
    struct vmxnet3 *card = arg;

    if (card->line && !mmio_read32(card->regs, ICR))
        return; /* another's, on the same line */
    if (card->up)
        serve(card);
}

/* --- the interface ------------------------------------------------------------------------ */

static void set_filter(struct netif *netif)
{
    struct vmxnet3 *card = netif->data;
    struct shared *shared = &card->memory->shared;
    unsigned flags = atomic_load(&netif->flags);
    unsigned n = nic_groups(netif, card->memory->groups, GROUPS);
    uint32_t mode = RXMODE_UNICAST | RXMODE_BROADCAST;

    shared->groups_len = 0;
    if (flags & IFF_ALLMULTI || n > GROUPS) {
        mode |= RXMODE_ALL_MULTI | RXMODE_MULTICAST;
    } else if (n) {
        mode |= RXMODE_MULTICAST;
        shared->groups_len = (uint16_t)(n * ETH_ALEN);
        shared->groups_pa = virt_to_phys(card->memory->groups);
    }
    shared->rx_mode = mode | (flags & IFF_PROMISC ? RXMODE_PROMISC : 0);
    if (!card->up)
        return;
    command(card, (uint32_t)UPDATE_RX_MODE);
    command(card, (uint32_t)UPDATE_MAC_FILTERS);
}

static int set_mac(struct netif *netif, const uint8_t mac[ETH_ALEN])
{
    struct vmxnet3 *card = netif->data;

    mmio_write32(card->regs, MACL, get_le32(mac));
    mmio_write32(card->regs, MACH, get_le16(mac + 4));
    return 0;
}

static int fill(struct vmxnet3 *card, unsigned ring)
{
    struct nic_buffer **slots = slots_of(card, ring);

    card->rx_next[ring] = 0;
    card->rx_generation[ring] = (uint32_t)RX_GEN;
    for (unsigned i = 0; i < size_of(ring); i++) {
        slots[i] = slots[i] ?: nic_buffer_get(&card->pool);
        if (!slots[i])
            return -ENOMEM;
    }
    for (unsigned i = 0; i < size_of(ring) - 1; i++) /* one stays between full and empty */
        offer(card, ring);
    return 0;
}

/* Rings as they are at the beginning. */
static int fresh_rings(struct vmxnet3 *card)
{
    struct memory *m = card->memory;
    int r;

    memset(m->tx, 0, offsetof(struct memory, queues));
    card->tx_next = card->tx_clean = 0;
    card->tx_generation = GEN;
    card->rx_done = card->tx_done = (struct ring_place){0, (uint32_t)DONE_GEN};
    card->long_frames = card->netif.mtu + ETH_HLEN + 4 > NIC_ROOM;
    r = fill(card, 0);
    if (r == 0 && card->long_frames)
        r = fill(card, 1);
    return r;
}

static void stop(struct vmxnet3 *card)
{
    card->up = false;
    mmio_write32(card->doorbells, IMR, 1);
    command(card, (uint32_t)QUIESCE);
    uint64_t flags = spin_lock_irq(&card->tx_lock); /* who was in transmit() has left */
    for (unsigned i = 0; i < RING; i++) {
        packet_free(card->tx_packets[i]);
        card->tx_packets[i] = NULL;
    }
    spin_lock(&card->rx_lock);
    packet_free(card->frame.first);
    card->frame = (struct nic_frame){};
    spin_unlock(&card->rx_lock);
    spin_unlock_irq(&card->tx_lock, flags);
}

static int start(struct vmxnet3 *card)
{
    int r = fresh_rings(card);

    if (r < 0)
        return r;
    card->memory->shared.mtu = card->netif.mtu;
    if (command(card, (uint32_t)ACTIVATE) != 0)
        return -EIO;
    card->up = true;
    mmio_write32(card->doorbells, RXPROD, card->rx_next[0]);
    mmio_write32(card->doorbells, RXPROD2, card->rx_next[1]);
    set_filter(&card->netif);
    set_mac(&card->netif, card->netif.mac);
    ask_link(card);
    mmio_write32(card->doorbells, IMR, 0);
    return 0;
}

static int set_up(struct netif *netif, bool up)
{
    struct vmxnet3 *card = netif->data;

    if (up)
        return start(card);
    stop(card);
    return 0;
}

/* The device is told at its start only. */
static int set_mtu(struct netif *netif, unsigned mtu)
{
    struct vmxnet3 *card = netif->data;
    unsigned before = netif->mtu;
    int r = 0;

    if (!card->up)
        return 0;
    stop(card);
    netif->mtu = mtu;
    r = start(card);
    netif->mtu = before;
    return r;
}

static const struct netif_ops ops = {
    .transmit = transmit,
    .set_mac = set_mac,
    .set_mtu = set_mtu,
    .set_filter = set_filter,
    .set_up = set_up,
};

/* --- set-up ------------------------------------------------------------------------------- */

static void describe(struct vmxnet3 *card)
{
    struct memory *m = card->memory;
    struct shared *s = &m->shared;
    struct tx_queue *tx = &m->queues.tx;
    struct rx_queue *rx = &m->queues.rx;

    s->magic = (uint32_t)MAGIC;
    s->version = s->revision = s->upt_version = 1;
    s->gos = GOS_LINUX_64;
    s->features = FEATURE_RXCSUM;
    s->queues_pa = virt_to_phys(&m->queues);
    s->queues_len = sizeof(m->queues);
    s->rx_pieces = 1 + (MTU_MAX + ETH_HLEN + NIC_ROOM) / NIC_ROOM;
    s->ntx = s->nrx = 1;
    s->auto_mask = 1;
    s->ninterrupts = 1;
    tx->ring_pa = virt_to_phys(m->tx);
    tx->done_pa = virt_to_phys(m->tx_done);
    tx->ring_size = tx->done_size = RING;
    rx->ring_pa[0] = virt_to_phys(m->rx);
    rx->ring_pa[1] = virt_to_phys(m->bodies);
    rx->done_pa = virt_to_phys(m->rx_done);
    rx->ring_size[0] = RING;
    rx->ring_size[1] = BODIES;
    rx->done_size = RING + BODIES;
    mmio_write32(card->regs, DSAL, (uint32_t)virt_to_phys(s));
    mmio_write32(card->regs, DSAH, (uint32_t)(virt_to_phys(s) >> 32));
}

static int bring_up(struct vmxnet3 *card)
{
    struct netif *netif = &card->netif;

    command(card, (uint32_t)RESET);
    if (!(mmio_read32(card->regs, VRRS) & 1) || !(mmio_read32(card->regs, UVRS) & 1))
        return -ENODEV;
    mmio_write32(card->regs, VRRS, 1);
    mmio_write32(card->regs, UVRS, 1);
    put_le32(netif->mac, mmio_read32(card->regs, MACL));
    put_le16(netif->mac + 4, (uint16_t)mmio_read32(card->regs, MACH));
    describe(card);
    netif->ops = &ops;
    netif->mtu_max = MTU_MAX;
    netif->features = NETIF_CHECKSUM | NETIF_TSO4 | NETIF_TSO6 | NETIF_PIECES;
    card->again.fn = serve_again;
    return nic_register(netif, "vmxnet3", card->device->place, card);
}

/* The device says which kind of interrupt it would like; 0: any. */
static int bind(struct vmxnet3 *card)
{
    enum { LINE = 1 };
    struct pci_device *device = card->device;
    bool any = (command(card, (uint32_t)GET_CONF_INTR) & 3) != LINE;
    int r = any ? pci_irq_bind(device, this_cpu(), interrupt, card) : -ENODEV;

    if (r)
        r = pci_line_bind(device, interrupt, card);
    card->line = !device->msix_cap && !device->msi_cap;
    return r;
}

static int probe(struct pci_device *device)
{
    struct vmxnet3 *card = kzalloc(sizeof(*card));
    struct memory *memory = kzalloc(sizeof(*memory));
    int r = -ENOMEM;

    if (card && memory) {
        card->device = device;
        card->memory = memory;
        pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        card->doorbells = pci_map_bar(device, 0, 0, REGISTERS);
        card->regs = pci_map_bar(device, 1, 0, REGISTERS);
        if (card->regs && card->doorbells)
            r = bring_up(card);
    }
    if (r == 0) {
        r = bind(card);
        if (r)
            log_warning("vmxnet3: %s: no interrupt (error %d)", device->place, -r);
        ask_link(card);
        return 0;
    }
    log_warning("vmxnet3: %s: cannot be used (error %d)", device->place, -r);
    kfree(memory);
    kfree(card);
    return r;
}

static const struct pci_id ids[] = {{VMWARE, VMXNET3, VMXNET3, 0, 0}, {}};
static const struct pci_driver driver = {.name = "vmxnet3", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
