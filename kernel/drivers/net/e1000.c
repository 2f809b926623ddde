/* Intel's gigabit controllers 8254x and 82574 (e1000, e1000e): "PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual" (8254x SDM) and the 82574's datasheet, whose
 * sections are the same here. One queue each way; descriptors of the legacy kind for receiving,
 * extended ones with contexts for sending. */
#include "arch/x86_64/memory_map.h"
#include "core/log.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "drivers/net/nic.h"
#include "drivers/pci/pci.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { INTEL = 0x8086 };
static const uint16_t known[] = {0x100e, 0x100f, 0x1010, 0x10d3, 0x1533};

enum { /* registers, 8254x SDM 13.4 */
       CTRL = 0x0000,
       STATUS = 0x0008,
       EERD = 0x0014,
       ICR = 0x00c0,
       ITR = 0x00c4,
       ICS = 0x00c8,
       IMS = 0x00d0,
       IMC = 0x00d8,
       RCTL = 0x0100,
       TCTL = 0x0400,
       TIPG = 0x0410,
       RDBAL = 0x2800,
       RDBAH = 0x2804,
       RDLEN = 0x2808,
       RDH = 0x2810,
       RDT = 0x2818,
       RDTR = 0x2820,
       TDBAL = 0x3800,
       TDBAH = 0x3804,
       TDLEN = 0x3808,
       TDH = 0x3810,
       TDT = 0x3818,
       TIDV = 0x3820,
       TADV = 0x382c,
       RXCSUM = 0x5000,
       MTA = 0x5200,
       RAL0 = 0x5400,
       RAH0 = 0x5404,
       REGISTERS = 0x20000,
};
enum {
    CTRL_ASDE = 1 << 5,
    CTRL_SLU = 1 << 6,
    CTRL_RST = 1 << 26,
    STATUS_LU = 1 << 1,
    INT_TXDW = 1 << 0,
    INT_LSC = 1 << 2,
    INT_RXDMT = 1 << 4,
    INT_RXO = 1 << 6,
    INT_RXT = 1 << 7,
    RCTL_EN = 1 << 1,
    RCTL_UPE = 1 << 3,
    RCTL_MPE = 1 << 4,
    RCTL_LPE = 1 << 5,
    RCTL_BAM = 1 << 15,
    RCTL_SECRC = 1 << 26,
    TCTL_EN = 1 << 1,
    TCTL_PSP = 1 << 3,
    TCTL_COLLISIONS = 0x10 << 4 | 0x40 << 12,
    TIPG_COPPER = 0x0060200a,
    RXCSUM_TUOFL = 1 << 9,
    RAH_VALID = 1u << 31,
};
enum { /* descriptors, 3.2.3 and 3.3 */
       RX_DD = 1,
       RX_EOP = 2,
       RX_IXSM = 4,
       RX_TCPCS = 0x20,
       RX_ERRORS = 0x97, /* CE, SE, SEQ, CXE, RXE */
       RX_TCPE = 0x20,
       TX_DATA = 1 << 20,
       TX_EOP = 1 << 24,
       TX_IFCS = 1 << 25,
       TX_TSE = 1 << 26,
       TX_RS = 1 << 27,
       TX_DEXT = 1 << 29,
       TX_IDE = (int)(1u << 31),
       TX_TCP = 1 << 24, /* in contexts */
       TX_IPV4 = 1 << 25,
       TX_DD = 1,
       POPTS_IXSM = 1,
       POPTS_TXSM = 2,
};
enum {
    RX_RING = 256,
    TX_RING = 256,
    TX_CLEAN = 32,
    TX_DELAY = 100, /* of the interrupt for what was sent, in 1.024 us */
    BUDGET = 128,
    RESET_TRIES = 100000,
    MTU_MAX = 9000,
};

struct rx_descriptor {
    uint64_t address;
    uint16_t len, checksum;
    uint8_t status, errors;
    uint16_t special;
};
struct tx_descriptor {
    uint64_t low;
    uint32_t command; /* length, DTYP, DCMD */
    uint8_t status, popts;
    uint16_t special;
};

struct e1000 {
    struct netif netif;
    struct pci_device *device;
    volatile void *regs;
    bool up;
    struct spinlock rx_lock, tx_lock;
    volatile struct rx_descriptor *rx;
    volatile struct tx_descriptor *tx;
    struct nic_buffer *rx_buffers[RX_RING];
    unsigned rx_next, tx_next, tx_clean;
    struct nic_frame frame;
    struct nic_pool pool;
    struct packet *tx_packets[TX_RING]; /* freed when its last descriptor is done */
};

static uint32_t get(const struct e1000 *card, unsigned offset)
{
    return mmio_read32(card->regs, offset);
}
static void set(struct e1000 *card, unsigned offset, uint32_t value)
{
    mmio_write32(card->regs, offset, value);
}

/* --- receiving ---------------------------------------------------------------------------- */

static void offer(struct e1000 *card, unsigned i)
{
    card->rx[i].address = virt_to_phys(card->rx_buffers[i]->data);
    card->rx[i].status = 0;
}

/* What the card has written, up to the budget; a buffer is replaced before it goes up, or stays
 * with its frame lost. Interrupts off. */
static void receive(struct e1000 *card)
{
    unsigned n = 0;

    spin_lock(&card->rx_lock);
    while (n < BUDGET) {
        unsigned i = card->rx_next;
        volatile struct rx_descriptor *d = &card->rx[i];
        uint8_t status = d->status;

        if (!(status & RX_DD))
            break;
        atomic_thread_fence(memory_order_acquire);
        uint8_t errors = d->errors;
        nic_frame_add(&card->frame, &card->pool, &card->rx_buffers[i], d->len);
        offer(card, i);
        if (status & RX_EOP)
            nic_frame_end(&card->frame, &card->netif, errors & RX_ERRORS,
                          !(status & RX_IXSM) && status & RX_TCPCS && !(errors & RX_TCPE));
        card->rx_next = (i + 1) % RX_RING;
        n++;
    }
    if (n)
        set(card, RDT, (card->rx_next + RX_RING - 1) % RX_RING);
    spin_unlock(&card->rx_lock);
}

/* --- sending ------------------------------------------------------------------------------ */

static unsigned tx_free(const struct e1000 *card)
{
    return (card->tx_clean + TX_RING - card->tx_next - 1) % TX_RING;
}

/* Let go of what was sent. The lock is held. */
static void clean(struct e1000 *card)
{
    for (unsigned i = card->tx_clean; i != card->tx_next; i = (i + 1) % TX_RING) {
        if (!card->tx_packets[i])
            continue; /* not a packet's last */
        if (!(card->tx[i].status & TX_DD))
            break;
        packet_free(card->tx_packets[i]);
        card->tx_packets[i] = NULL;
        card->tx_clean = (i + 1) % TX_RING;
    }
}

static void put(struct e1000 *card, uint64_t low, uint32_t command, uint8_t popts)
{
    volatile struct tx_descriptor *d = &card->tx[card->tx_next];

    d->low = low;
    d->status = 0;
    d->popts = popts;
    d->special = 0;
    d->command = command;
    card->tx_next = (card->tx_next + 1) % TX_RING;
}

/* A context (3.3.6): where the card puts the transport's checksum, and how it cuts. */
static void put_context(struct e1000 *card, const struct packet *packet, unsigned network)
{
    uint64_t ip =
        network | (uint64_t)(network + 10) << 8 | (uint64_t)(packet->csum_start - 1) << 16;
    uint64_t transport = packet->csum_start | (uint64_t)(packet->csum_start + packet->csum_offset)
                                                  << 8;
    uint32_t command = TX_DEXT;
    volatile struct tx_descriptor *d = &card->tx[card->tx_next];

    if (packet->gso)
        command |= TX_TSE | TX_TCP | (packet->gso == GSO_TCP4 ? TX_IPV4 : 0) |
                   (packet->total - packet->header_len);
    put(card, ip | transport << 32, command, 0);
    if (packet->gso) { /* STA, HDRLEN, MSS */
        d->popts = (uint8_t)packet->header_len;
        d->special = packet->gso_size;
    }
}

static void put_pieces(struct e1000 *card, struct packet *packet, bool sum)
{
    uint32_t command = TX_DATA | TX_DEXT | TX_IFCS | (packet->gso ? TX_TSE : 0);
    uint8_t popts = sum ? POPTS_TXSM | (packet->gso == GSO_TCP4 ? POPTS_IXSM : 0) : 0;
    unsigned last = card->tx_next;

    for (struct packet *piece = packet; piece; piece = piece->more) {
        if (!piece->len)
            continue;
        last = card->tx_next;
        put(card, virt_to_phys(piece->data), command | piece->len, popts);
    }
    card->tx[last].command |= TX_EOP | TX_RS | TX_IDE;
    card->tx_packets[last] = packet;
    atomic_thread_fence(memory_order_release);
    set(card, TDT, card->tx_next);
}

static int transmit(struct netif *netif, struct packet *packet)
{
    struct e1000 *card = netif->data;
    bool sum = packet->checksum == CHECKSUM_PARTIAL;

    if (!card->up) {
        packet_free(packet);
        return -ENETDOWN;
    }
    if ((packet->gso && (!sum || !nic_prepare_cut(packet, true))) ||
        (sum && packet->csum_start + packet->csum_offset > 200))
        return nic_refuse(netif, packet);
    unsigned needed = nic_pieces(packet) + 1;
    uint64_t flags = spin_lock_irq(&card->tx_lock);
    if (tx_free(card) < MAX(needed, (unsigned)TX_CLEAN))
        clean(card);
    if (tx_free(card) < needed) {
        spin_unlock_irq(&card->tx_lock, flags);
        return nic_refuse(netif, packet);
    }
    nic_count_sent(netif, packet);
    if (sum)
        put_context(card, packet, nic_network(packet));
    put_pieces(card, packet, sum);
    spin_unlock_irq(&card->tx_lock, flags);
    return 0;
}

/* --- the interface ------------------------------------------------------------------------ */

static void interrupt(void *arg)
{
    struct e1000 *card = arg;
    uint32_t cause = get(card, ICR); /* reading clears it */

    if (!cause)
        return; /* another's, on the same line */
    if (cause & INT_LSC)
        netif_link(&card->netif, get(card, STATUS) & STATUS_LU);
    if (cause & (INT_RXT | INT_RXO | INT_RXDMT))
        receive(card);
    if (cause & INT_TXDW) {
        spin_lock(&card->tx_lock);
        clean(card);
        spin_unlock(&card->tx_lock);
    }
    if (card->rx[card->rx_next].status & RX_DD) /* beyond the budget: at once again */
        set(card, ICS, INT_RXT);
}

static void set_filter(struct netif *netif)
{
    struct e1000 *card = netif->data;
    unsigned flags = atomic_load(&netif->flags);
    uint32_t control = RCTL_EN | RCTL_BAM | RCTL_SECRC | RCTL_LPE | RCTL_MPE;

    /* Groups are few here: all multicast frames come in, and the stack looks. */
    if (flags & IFF_PROMISC)
        control |= RCTL_UPE;
    set(card, RCTL, control);
}

static int set_mac(struct netif *netif, const uint8_t mac[ETH_ALEN])
{
    struct e1000 *card = netif->data;

    set(card, RAL0, get_le32(mac));
    set(card, RAH0, get_le16(mac + 4) | RAH_VALID);
    return 0;
}

static int set_mtu(struct netif *netif, unsigned mtu)
{
    return 0; /* frames come in as many buffers as they need */
}

static int fill_rx(struct e1000 *card)
{
    for (unsigned i = 0; i < RX_RING; i++) {
        card->rx_buffers[i] = card->rx_buffers[i] ?: nic_buffer_get(&card->pool);
        if (!card->rx_buffers[i])
            return -ENOMEM;
        offer(card, i);
    }
    return 0;
}

static int set_up(struct netif *netif, bool up)
{
    struct e1000 *card = netif->data;

    if (up && !card->rx_buffers[0]) {
        int r = fill_rx(card);
        if (r < 0)
            return r;
        set(card, RDH, 0);
        set(card, RDT, RX_RING - 1);
    }
    card->up = up;
    if (up) {
        set_filter(netif);
        set(card, IMS, INT_TXDW | INT_LSC | INT_RXDMT | INT_RXO | INT_RXT);
    } else {
        set(card, RCTL, 0);
        set(card, IMC, ~0u);
    }
    return 0;
}

static const struct netif_ops ops = {
    .transmit = transmit,
    .set_mac = set_mac,
    .set_mtu = set_mtu,
    .set_filter = set_filter,
    .set_up = set_up,
};

/* --- set-up ------------------------------------------------------------------------------- */

static int reset(struct e1000 *card)
{
    set(card, IMC, ~0u);
    set(card, RCTL, 0);
    set(card, TCTL, 0);
    set(card, CTRL, get(card, CTRL) | CTRL_RST);
    for (unsigned i = 0; get(card, CTRL) & CTRL_RST; i++)
        if (i == RESET_TRIES)
            return -EIO;
    set(card, IMC, ~0u);
    get(card, ICR);
    set(card, CTRL, get(card, CTRL) | CTRL_SLU | CTRL_ASDE);
    for (unsigned i = 0; i < 128; i++)
        set(card, MTA + i * 4, 0);
    return 0;
}

/* After the reset the card has loaded its address from the EEPROM. */
static int read_mac(struct e1000 *card)
{
    uint32_t low = get(card, RAL0), high = get(card, RAH0);

    if (!(high & RAH_VALID) || (!low && !(high & 0xffff)))
        return -ENODEV;
    put_le32(card->netif.mac, low);
    put_le16(card->netif.mac + 4, (uint16_t)high);
    return 0;
}

static int make_rings(struct e1000 *card)
{
    card->rx = kzalloc(RX_RING * sizeof(*card->rx));
    card->tx = kzalloc(TX_RING * sizeof(*card->tx));
    if (!card->rx || !card->tx)
        return -ENOMEM;
    uint64_t rx = virt_to_phys((void *)card->rx), tx = virt_to_phys((void *)card->tx);
    set(card, RDBAL, (uint32_t)rx);
    set(card, RDBAH, (uint32_t)(rx >> 32));
    set(card, RDLEN, RX_RING * sizeof(*card->rx));
    set(card, RDH, 0);
    set(card, RDT, 0);
    set(card, RDTR, 0);
    set(card, ITR, 0);
    set(card, RXCSUM, RXCSUM_TUOFL);
    set(card, TDBAL, (uint32_t)tx);
    set(card, TDBAH, (uint32_t)(tx >> 32));
    set(card, TDLEN, TX_RING * sizeof(*card->tx));
    set(card, TDH, 0);
    set(card, TDT, 0);
    set(card, TIDV, TX_DELAY);
    set(card, TADV, 2 * TX_DELAY);
    set(card, TIPG, TIPG_COPPER);
    set(card, TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
    return 0;
}

static int bring_up(struct e1000 *card)
{
    struct netif *netif = &card->netif;
    int r = reset(card);

    if (!r)
        r = read_mac(card);
    if (!r)
        r = make_rings(card);
    if (r)
        return r;
    netif->ops = &ops;
    netif->mtu_max = MTU_MAX;
    netif->features = NETIF_CHECKSUM | NETIF_TSO4 | NETIF_TSO6 | NETIF_PIECES;
    netif->speed = 1000;
    return nic_register(netif, "e1000", card->device->place, card);
}

static bool match(const struct pci_device *device)
{
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
        if (device->vendor == INTEL && device->device == known[i])
            return true;
    return false;
}

static int probe(struct pci_device *device)
{
    struct e1000 *card = kzalloc(sizeof(*card));
    int r = -ENOMEM;

    if (!card)
        return r;
    card->device = device;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    card->regs = pci_map_bar(device, 0, 0, REGISTERS);
    if (card->regs)
        r = bring_up(card);
    if (r) {
        log_warning("e1000: %s: cannot be used (error %d)", device->place, -r);
        kfree((void *)card->rx);
        kfree((void *)card->tx);
        kfree(card);
        return r;
    }
    r = pci_msi_bind(device, this_cpu(), interrupt,
                     card); /* MSI-X would need its table of causes */
    if (r)
        r = pci_line_bind(device, interrupt, card);
    if (r)
        log_warning("e1000: %s: no interrupt (error %d)", device->place, -r);
    netif_link(&card->netif, get(card, STATUS) & STATUS_LU);
    return 0;
}

static const struct pci_driver driver = {.name = "e1000", .match = match, .probe = probe};
PCI_DRIVER(driver);
