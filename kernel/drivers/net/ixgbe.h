/* drivers/net/ixgbe.h: Intel's 10 GbE controllers 82599, X540 and X550: what the parts of the
 * driver share. Section numbers are those of the 82599's datasheet, which the others keep to.
 *
 * A pair of queues for each processor, with an MSI-X message of its own; everything else (the link)
 * has the last message. Without MSI-X there is one pair, and one interrupt. */
#pragma once

#include "core/cpu.h"
#include "core/spinlock.h"
#include "drivers/mmio.h"
#include "drivers/net/nic.h"
#include "drivers/pci/pci.h"

enum { /* registers, 8.2.2 */
       IX_CTRL = 0x00000,
       IX_STATUS = 0x00008,
       IX_CTRL_EXT = 0x00018,
       IX_ESDP = 0x00020,
       IX_EICR = 0x00800,
       IX_EICS = 0x00808,
       IX_EIAC = 0x00810,
       IX_EITR = 0x00820,
       IX_EIMS = 0x00880,
       IX_EIMC = 0x00888,
       IX_EIAM = 0x00890,
       IX_GPIE = 0x00898,
       IX_IVAR = 0x00900,
       IX_IVAR_MISC = 0x00a00,
       IX_RDRXCTL = 0x02f00,
       IX_RXCTRL = 0x03000,
       IX_RXPBSIZE = 0x03c00,
       IX_MPC = 0x03fa0,
       IX_HLREG0 = 0x04240,
       IX_MAXFRS = 0x04268,
       IX_AUTOC = 0x042a0,
       IX_LINKS = 0x042a4,
       IX_RTTDCS = 0x04900,
       IX_TXPBTHRESH = 0x04950,
       IX_DMATXCTL = 0x04a80,
       IX_RXCSUM = 0x05000,
       IX_RFCTL = 0x05008,
       IX_FCTRL = 0x05080,
       IX_MCSTCTRL = 0x05090,
       IX_MTA = 0x05200,
       IX_DTXMXSZRQ = 0x08100,
       IX_SECRXCTRL = 0x08d00,
       IX_SECRXSTAT = 0x08d04,
       IX_RAL0 = 0x05400,
       IX_RAH0 = 0x05404,
       IX_TXPBSIZE = 0x0cc00,
       IX_RETA = 0x05c00,
       IX_RSSRK = 0x05c80,
       IX_MRQC = 0x05818,
       IX_EEC = 0x10010,
       IX_EEMNGCTL = 0x10110,
       IX_REGISTERS = 0x20000,
       /* of a queue, IX_QUEUE bytes apart */
       IX_RDBAL = 0x01000,
       IX_RDBAH = 0x01004,
       IX_RDLEN = 0x01008,
       IX_SRRCTL = 0x01014,
       IX_RDT = 0x01018,
       IX_RXDCTL = 0x01028,
       IX_TDBAL = 0x06000,
       IX_TDBAH = 0x06004,
       IX_TDLEN = 0x06008,
       IX_DCA_TXCTRL = 0x0600c,
       IX_TDH = 0x06010,
       IX_TDT = 0x06018,
       IX_TXDCTL = 0x06028,
       IX_TDWBAL = 0x06038,
       IX_TDWBAH = 0x0603c,
       IX_QUEUE = 0x40,
};
enum { IX_INT_ALL = 0x7fffffff, IX_INT_MISSED = 1 << 17, IX_INT_LINK = 1 << 20 };
enum {
    IX_RING = 256,
    IX_QUEUES = 8,
    IX_MTU_MAX = 9000,
    IX_PIECE = 15 * 1024, /* bytes of a descriptor to send: 15.5 KB at most, 7.2.3.2.4 */
    IX_PIECES = 36,       /* of a packet: 40 descriptors at most, 7.2.1.1 */
};

struct ix_descriptor {
    uint64_t low, high;
};
struct ix_queue {
    struct ixgbe *card;
    unsigned index;
    struct spinlock rx_lock, tx_lock;
    volatile struct ix_descriptor *rx, *tx;
    volatile uint32_t *head; /* the card writes here how far it has come with sending */
    unsigned rx_next, tx_next, tx_clean;
    struct nic_buffer *buffers[IX_RING];
    struct packet *packets[IX_RING]; /* freed when their last descriptor is done */
    struct nic_frame frame;
    struct nic_pool pool;
};
struct ixgbe {
    struct netif netif;
    struct pci_device *device;
    volatile void *regs;
    bool up, messages, is_82599;
    unsigned nqueues;
    uint32_t key[10];
    struct ix_queue *queues;
};

static inline uint32_t ix_get(const struct ixgbe *card, unsigned offset)
{
    return mmio_read32(card->regs, offset);
}
static inline void ix_set(struct ixgbe *card, unsigned offset, uint32_t value)
{
    mmio_write32(card->regs, offset, value);
}
static inline void ix_set_bits(struct ixgbe *card, unsigned offset, uint32_t bits)
{
    ix_set(card, offset, ix_get(card, offset) | bits);
}
static inline void ix_clear_bits(struct ixgbe *card, unsigned offset, uint32_t bits)
{
    ix_set(card, offset, ix_get(card, offset) & ~bits);
}

/* ixgbe_setup.c; threads, these sleep. Reset the card: it is quiet, and knows its MAC again. -EIO
 */
int ix_reset(struct ixgbe *card);
/* After a reset: all on, interrupts last; the rings are there and empty. -EIO, -ENOMEM. */
int ix_start(struct ixgbe *card);
/* All off. The rings are the driver's again. */
void ix_stop(struct ixgbe *card);
void ix_set_filter(struct ixgbe *card);
void ix_set_mac(struct ixgbe *card, const uint8_t mac[ETH_ALEN]);

/* ixgbe_ring.c. Memory and buffers of all queues; as they are at the beginning. -ENOMEM */
int ix_rings_make(struct ixgbe *card);
int ix_rings_fill(struct ixgbe *card);
void ix_rings_drop(struct ixgbe *card); /* what was being sent or received; the card is off */
/* What the card has received and sent. True: there is more. Interrupts off. */
bool ix_serve(struct ix_queue *queue);
int ix_transmit(struct netif *netif, struct packet *packet);
