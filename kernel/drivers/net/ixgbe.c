/* Intel 82599, X540, X550: the interface, its interrupts, and how it is found. */
#include "drivers/net/ixgbe.h"

#include "core/log.h"
#include "core/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { INTEL = 0x8086 };
enum { LINKS_UP = 1 << 30, LINKS_SPEED = 28 };

/* --- interrupts --------------------------------------------------------------------------- */

static void look_at_link(struct ixgbe *card)
{
    static const uint16_t speeds[] = {0, 100, 1000, 10000};
    uint32_t links = ix_get(card, IX_LINKS);

    card->netif.speed = links & LINKS_UP ? speeds[links >> LINKS_SPEED & 3] : 0;
    netif_link(&card->netif, links & LINKS_UP);
}

static void take_others(struct ixgbe *card, uint32_t cause)
{
    if (cause & IX_INT_LINK)
        look_at_link(card);
    if (cause & IX_INT_MISSED)
        netif_count(&card->netif.stats[this_cpu()->id].rx_dropped, ix_get(card, IX_MPC));
}

/* The message of a queue: its cause is cleared and masked by the card. */
static void queue_message(void *arg)
{
    struct ix_queue *q = arg;
    uint32_t bit = 1u << q->index;
    bool more = ix_serve(q);

    if (!q->card->up)
        return;
    if (more)
        ix_set(q->card, IX_EICS, bit);
    ix_set(q->card, IX_EIMS, bit);
}

static void other_message(void *arg)
{
    struct ixgbe *card = arg;

    take_others(card, ix_get(card, IX_EICR)); /* clears them, GPIE.OCD */
}

/* The one interrupt of a card without MSI-X. */
static void interrupt(void *arg)
{
    struct ixgbe *card = arg;
    uint32_t cause = card->up ? ix_get(card, IX_EICR) : 0; /* clears it */

    if (!cause)
        return; /* another's, on the same line */
    take_others(card, cause);
    if (cause & 1 && ix_serve(&card->queues[0]))
        ix_set(card, IX_EICS, 1);
}

/* --- the interface ------------------------------------------------------------------------ */

static void set_filter(struct netif *netif)
{
    struct ixgbe *card = netif->data;

    if (card->up)
        ix_set_filter(card);
}

static int set_mac(struct netif *netif, const uint8_t mac[ETH_ALEN])
{
    struct ixgbe *card = netif->data;

    if (card->up)
        ix_set_mac(card, mac);
    return 0;
}

static int start(struct ixgbe *card)
{
    int r = ix_start(card);

    if (r == 0)
        look_at_link(card);
    else
        log_err("ixgbe: %s: does not start (error %d)", card->device->place, -r);
    return r;
}

/* The card is told at its start only. */
static int set_mtu(struct netif *netif, unsigned mtu)
{
    struct ixgbe *card = netif->data;
    unsigned before = netif->mtu;
    int r = 0;

    if (!card->up)
        return 0;
    ix_stop(card);
    netif->mtu = mtu;
    r = start(card);
    netif->mtu = before;
    return r;
}

static int set_up(struct netif *netif, bool up)
{
    struct ixgbe *card = netif->data;

    if (up)
        return start(card);
    if (card->up)
        ix_stop(card);
    return 0;
}

static const struct netif_ops ops = {
    .transmit = ix_transmit,
    .set_mac = set_mac,
    .set_mtu = set_mtu,
    .set_filter = set_filter,
    .set_up = set_up,
};

/* --- set-up ------------------------------------------------------------------------------- */

/* After a reset the card has loaded its address from its EEPROM. */
static int read_mac(struct ixgbe *card)
{
    uint32_t low = ix_get(card, IX_RAL0), high = ix_get(card, IX_RAH0);

    put_le32(card->netif.mac, low);
    put_le16(card->netif.mac + 4, (uint16_t)high);
    return (!low && !(uint16_t)high) || low & 1 ? -ENODEV : 0;
}

static int make_queues(struct ixgbe *card)
{
    unsigned n = card->device->msix_cap ? MIN(card->device->msix_count, ncpus + 1) : 0;

    card->messages = n >= 2;
    card->nqueues = card->messages ? MIN(n - 1, (unsigned)IX_QUEUES) : 1;
    card->queues = kcalloc(card->nqueues, sizeof(*card->queues));
    return card->queues ? ix_rings_make(card) : -ENOMEM;
}

static int bind(struct ixgbe *card)
{
    struct pci_device *device = card->device;
    int r = 0;

    if (!card->messages) {
        pci_msix_disable(device);
        r = pci_msi_bind(device, this_cpu(), interrupt, card);
        return r ? pci_line_bind(device, interrupt, card) : 0;
    }
    for (unsigned i = 0; i < card->nqueues && r == 0; i++)
        r = pci_msix_bind(device, i, cpus[i], queue_message, &card->queues[i]);
    return r ?: pci_msix_bind(device, card->nqueues, this_cpu(), other_message, card);
}

static int bring_up(struct ixgbe *card)
{
    struct netif *netif = &card->netif;
    int r = ix_reset(card);

    r = r ?: read_mac(card);
    if (r == 0)
        pci_msix_enable(card->device); /* or not */
    r = r ?: make_queues(card);
    r = r ?: bind(card);
    if (r < 0)
        return r;
    random_bytes(card->key, sizeof(card->key));
    netif->ops = &ops;
    netif->mtu_max = IX_MTU_MAX;
    netif->features = NETIF_CHECKSUM | NETIF_TSO4 | NETIF_TSO6 | NETIF_PIECES;
    return nic_register(netif, "ixgbe", card->device->place, card);
}

static void drop(struct ixgbe *card)
{
    for (unsigned i = 0; card->queues && i < card->nqueues; i++) {
        kfree((void *)card->queues[i].rx);
        kfree((void *)card->queues[i].tx);
        kfree((void *)card->queues[i].head);
    }
    kfree(card->queues);
    kfree(card);
}

static int probe(struct pci_device *device)
{
    enum { X540 = 0x1528, X540_1 = 0x1560, X550 = 0x1563, X550_1 = 0x15d1 };
    struct ixgbe *card = kzalloc(sizeof(*card));
    int r = -ENOMEM;

    if (!card)
        return r;
    card->device = device;
    card->is_82599 = device->device != X540 && device->device != X540_1 && device->device != X550 &&
                     device->device != X550_1;
    pci_enable(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    card->regs = pci_map_bar(device, 0, 0, IX_REGISTERS);
    r = card->regs ? bring_up(card) : -ENODEV;
    if (r < 0) {
        log_warning("ixgbe: %s: cannot be used (error %d)", device->place, -r);
        drop(card);
        return r;
    }
    look_at_link(card);
    return 0;
}

static const struct pci_id ids[] = {
    {INTEL, 0x10f7, 0x10f9, 0, 0}, {INTEL, 0x10fb, 0x10fc, 0, 0},
    {INTEL, 0x1507, 0x1507, 0, 0}, {INTEL, 0x1514, 0x1514, 0, 0},
    {INTEL, 0x1517, 0x1517, 0, 0}, {INTEL, 0x151c, 0x151c, 0, 0},
    {INTEL, 0x1528, 0x152a, 0, 0}, {INTEL, 0x154a, 0x154a, 0, 0},
    {INTEL, 0x154d, 0x154d, 0, 0}, {INTEL, 0x1557, 0x1558, 0, 0},
    {INTEL, 0x1560, 0x1560, 0, 0}, {INTEL, 0x1563, 0x1563, 0, 0},
    {INTEL, 0x15d1, 0x15d1, 0, 0}, {},
};
static const struct pci_driver driver = {.name = "ixgbe", .ids = ids, .probe = probe};
PCI_DRIVER(driver);
