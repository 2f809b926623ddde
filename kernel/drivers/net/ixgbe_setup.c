/* Reset and set-up in the order that the datasheet asks for (4.6). */
#include "arch/x86_64/memory_map.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"
#include "drivers/net/ixgbe.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
    CTRL_MASTER_DISABLE = 1 << 2,
    CTRL_RST = 1 << 26,
    STATUS_MASTER = 1 << 19,
    STATUS_LAN = 1 << 2,
    CTRL_EXT_LOADED = 1 << 28,
    EEC_READ = 1 << 9,
    EEMNGCTL_DONE = 1 << 18, /* of port 0; the next bit: of port 1 */
    RDRXCTL_STRIP = 1 << 1,
    RDRXCTL_DMA_DONE = 1 << 3,
    RDRXCTL_FIRST_SIZE = 0x1f << 17,
    RDRXCTL_FIXED = 3 << 25, /* RSCACKC, FCOE_WRFIX */
    SECRX_HALT = 1 << 1,
    SECRX_EMPTY = 1 << 0,
    HLREG0_STRIP = 1 << 1,
    HLREG0_JUMBO = 1 << 2,
    RFCTL_NO_RSC = 1 << 5,
    RXCSUM_RSS = 1 << 13,
    MRQC_RSS = 1 | 0x33 << 16, /* by addresses and TCP ports of IPv4 and IPv6 */
    FCTRL_MULTICAST = 1 << 8,
    FCTRL_PROMISC = 1 << 9,
    FCTRL_BROADCAST = 1 << 10,
    MCSTCTRL_ON = 1 << 2,
    SRRCTL_ONE_BUFFER = 1 << 25,
    SRRCTL_DROP = 1 << 28,
    QUEUE_ENABLE = 1 << 25,
    DCA_WRITE_BACK_RELAXED = 1 << 11,
    HEAD_WRITE_BACK = 1,
    RTTDCS_HALT = 1 << 6,
    GPIE_MESSAGES = 1 << 4,
    GPIE_OTHERS_CLEAR = 1 << 5,
    GPIE_AUTO_MASK = 1 << 30,
    IVAR_VALID = 0x80,
    ESDP_LASER_OFF = 1 << 3,
    AUTOC_RESTART = 1 << 12,
    RAH_VALID = (int)(1u << 31),
};
enum { BUFFERS = 8, RX_KB = 512, TX_KB = 160, EITR_20_US = 10 << 3, GROUPS = 128 };

static void sleep_us(unsigned us)
{
    thread_sleep_until(clock_monotonic() + us * 1000l, false);
}

/* Until the bits are (on) or are not set, at most so many times 100 us. */
static bool wait_for(struct ixgbe *card, unsigned offset, uint32_t bits, bool on, unsigned times)
{
    while (!(ix_get(card, offset) & bits) == on) {
        if (!times--)
            return false;
        sleep_us(100);
    }
    return true;
}

/* --- reset (4.6.3, 5.2.5.3) --------------------------------------------------------------- */

static bool switch_queue(struct ixgbe *card, unsigned offset, bool on)
{
    uint32_t now = ix_get(card, offset);
    if (!on && !(now & QUEUE_ENABLE))
        return true;
    ix_set(card, offset, on ? now | QUEUE_ENABLE : now & ~(uint32_t)QUEUE_ENABLE);
    return wait_for(card, offset, QUEUE_ENABLE, on, 100);
}

static bool reset_once(struct ixgbe *card)
{
    ix_set_bits(card, IX_CTRL, CTRL_RST);
    sleep_us(10000);
    return wait_for(card, IX_CTRL, CTRL_RST, false, 100);
}

int ix_reset(struct ixgbe *card)
{
    ix_set(card, IX_EIMC, IX_INT_ALL);
    ix_clear_bits(card, IX_RXCTRL, 1);
    for (unsigned i = 0; i < IX_QUEUES; i++) { /* what firmware may have left on */
        switch_queue(card, IX_RXDCTL + i * IX_QUEUE, false);
        switch_queue(card, IX_TXDCTL + i * IX_QUEUE, false);
    }
    ix_set_bits(card, IX_CTRL, CTRL_MASTER_DISABLE);
    bool quiet = wait_for(card, IX_STATUS, STATUS_MASTER, false, 800);
    if (!reset_once(card))
        return -EIO;
    ix_set(card, IX_EIMC, IX_INT_ALL);
    if (!quiet && !reset_once(card)) /* requests were under way: once more, 5.2.5.3.2 */
        return -EIO;
    ix_set(card, IX_EIMC, IX_INT_ALL);
    ix_get(card, IX_EICR);
    uint32_t done = ix_get(card, IX_STATUS) & STATUS_LAN ? EEMNGCTL_DONE << 1 : EEMNGCTL_DONE;
    if (!wait_for(card, IX_EEC, EEC_READ, true, 1000))
        return -EIO;
    if (!wait_for(card, IX_EEMNGCTL, done, true, 1000)) /* a card without such firmware */
        log_info("ixgbe: %s: no word from the management firmware", card->device->place);
    if (!wait_for(card, IX_RDRXCTL, RDRXCTL_DMA_DONE, true, 1000))
        return -EIO;
    return 0;
}

/* --- receiving (4.6.7) -------------------------------------------------------------------- */

/* RXEN changes while nothing is on the receive path. */
static int switch_receive(struct ixgbe *card, bool on)
{
    if (!on) {
        ix_clear_bits(card, IX_RXCTRL, 1);
        return 0;
    }
    ix_set_bits(card, IX_SECRXCTRL, SECRX_HALT);
    bool empty = wait_for(card, IX_SECRXSTAT, SECRX_EMPTY, true, 400);
    if (empty)
        ix_set_bits(card, IX_RXCTRL, 1);
    ix_clear_bits(card, IX_SECRXCTRL, SECRX_HALT);
    return empty ? 0 : -EIO;
}

/* 7.1.1.1: the hash of a group's address, MCSTCTRL.MO 0. */
static void set_groups(struct ixgbe *card, uint32_t *control)
{
    uint8_t macs[GROUPS][ETH_ALEN];
    uint32_t table[128] = {};
    unsigned n = nic_groups(&card->netif, macs, GROUPS);

    if (n > GROUPS)
        *control |= FCTRL_MULTICAST;
    for (unsigned i = 0; i < MIN(n, (unsigned)GROUPS); i++) {
        unsigned hash = (macs[i][4] >> 4 | macs[i][5] << 4) & 0xfff;
        table[hash / 32] |= 1u << hash % 32;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
        ix_set(card, IX_MTA + 4 * i, table[i]);
    ix_set(card, IX_MCSTCTRL, MCSTCTRL_ON);
}

/* 8.2.3.7.1: FCTRL changes while RXEN is off. */
void ix_set_filter(struct ixgbe *card)
{
    unsigned flags = atomic_load(&card->netif.flags);
    uint32_t control = FCTRL_BROADCAST;

    if (flags & IFF_PROMISC)
        control |= FCTRL_PROMISC | FCTRL_MULTICAST;
    if (flags & IFF_ALLMULTI)
        control |= FCTRL_MULTICAST;
    set_groups(card, &control);
    if (control == ix_get(card, IX_FCTRL))
        return;
    bool receives = ix_get(card, IX_RXCTRL) & 1;
    switch_receive(card, false);
    ix_set(card, IX_FCTRL, control);
    if (receives && switch_receive(card, true) < 0)
        log_err("ixgbe: %s: does not receive any more", card->device->place);
}

void ix_set_mac(struct ixgbe *card, const uint8_t mac[ETH_ALEN])
{
    ix_set(card, IX_RAL0, get_le32(mac));
    ix_set(card, IX_RAH0, get_le16(mac + 4) | (uint32_t)RAH_VALID);
}

/* 7.1.2.8: flows are spread over the queues. */
static void set_spreading(struct ixgbe *card)
{
    for (unsigned i = 0; i < ARRAY_SIZE(card->key); i++)
        ix_set(card, IX_RSSRK + 4 * i, card->key[i]);
    for (unsigned i = 0; i < 128; i += 4) {
        uint32_t word = 0;
        for (unsigned j = 0; j < 4; j++)
            word |= (i + j) % card->nqueues << 8 * j;
        ix_set(card, IX_RETA + i, word);
    }
    ix_set_bits(card, IX_RXCSUM, RXCSUM_RSS);
    ix_set(card, IX_MRQC, MRQC_RSS);
}

static void set_ring(struct ixgbe *card, unsigned low, volatile void *ring)
{
    uint64_t address = virt_to_phys((const void *)ring);

    ix_set(card, low, (uint32_t)address);
    ix_set(card, low + 4, (uint32_t)(address >> 32));
    ix_set(card, low + 8, IX_RING * sizeof(struct ix_descriptor));
}

static int start_receiving(struct ixgbe *card)
{
    uint32_t longest = card->netif.mtu + ETH_HLEN + 4;

    ix_set_mac(card, card->netif.mac);
    ix_set_filter(card);
    ix_set_bits(card, IX_HLREG0, HLREG0_STRIP);
    if (card->netif.mtu > ETH_MTU) {
        ix_set_bits(card, IX_HLREG0, HLREG0_JUMBO);
        ix_set(card, IX_MAXFRS, longest << 16);
    }
    uint32_t dma = ix_get(card, IX_RDRXCTL) & ~(uint32_t)(RDRXCTL_FIRST_SIZE | RDRXCTL_DMA_DONE);
    ix_set(card, IX_RDRXCTL, dma | RDRXCTL_STRIP | RDRXCTL_FIXED);
    ix_set_bits(card, IX_RFCTL, RFCTL_NO_RSC);
    for (unsigned i = 0; i < BUFFERS; i++) /* 4.6.11.3.4 */
        ix_set(card, IX_RXPBSIZE + 4 * i, i ? 0 : RX_KB << 10);
    set_spreading(card);
    for (unsigned i = 0; i < card->nqueues; i++) {
        unsigned at = i * IX_QUEUE;
        set_ring(card, IX_RDBAL + at, card->queues[i].rx);
        ix_set(card, IX_SRRCTL + at, SRRCTL_ONE_BUFFER | SRRCTL_DROP | NIC_ROOM / 1024);
        if (!switch_queue(card, IX_RXDCTL + at, true))
            return -EIO;
        ix_set(card, IX_RDT + at, IX_RING - 1);
    }
    return switch_receive(card, true);
}

/* --- sending (4.6.8) ---------------------------------------------------------------------- */

static void set_tx_buffers(struct ixgbe *card)
{
    ix_set_bits(card, IX_RTTDCS, RTTDCS_HALT);
    ix_set(card, IX_DTXMXSZRQ, 0xfff);
    for (unsigned i = 0; i < BUFFERS; i++) {
        ix_set(card, IX_TXPBSIZE + 4 * i, i ? 0 : TX_KB << 10);
        ix_set(card, IX_TXPBTHRESH + 4 * i, i ? 0 : TX_KB - IX_MTU_MAX / 1024 - 1);
    }
    ix_clear_bits(card, IX_RTTDCS, RTTDCS_HALT);
}

static int start_sending(struct ixgbe *card)
{
    set_tx_buffers(card);
    ix_set_bits(card, IX_DMATXCTL, 1);
    for (unsigned i = 0; i < card->nqueues; i++) {
        struct ix_queue *q = &card->queues[i];
        unsigned at = i * IX_QUEUE;
        uint64_t head = virt_to_phys((const void *)q->head);
        set_ring(card, IX_TDBAL + at, q->tx);
        ix_set(card, IX_TDWBAL + at, (uint32_t)head | HEAD_WRITE_BACK);
        ix_set(card, IX_TDWBAH + at, (uint32_t)(head >> 32));
        ix_clear_bits(card, IX_DCA_TXCTRL + at, DCA_WRITE_BACK_RELAXED);
        ix_set(card, IX_TXDCTL + at, 32 | 1 << 8); /* PTHRESH, HTHRESH; WTHRESH 0, 7.2.3.5.2 */
        if (!switch_queue(card, IX_TXDCTL + at, true))
            return -EIO;
    }
    return 0;
}

/* --- interrupts (4.6.3.1, 7.3.4) ---------------------------------------------------------- */

/* Queue i has message (or cause) i, all else the one behind them. */
static void set_interrupts(struct ixgbe *card)
{
    unsigned n = card->nqueues;
    uint32_t queues = (1u << n) - 1;

    for (unsigned i = 0; i < n; i += 2) {
        uint32_t one = (i | IVAR_VALID) * 0x101, other = ((i + 1) | IVAR_VALID) * 0x101;
        ix_set(card, IX_IVAR + 2 * i, one | (i + 1 < n ? other << 16 : 0));
    }
    if (card->messages) {
        ix_set(card, IX_IVAR_MISC, (n | IVAR_VALID) << 8);
        ix_set(card, IX_GPIE, GPIE_MESSAGES | GPIE_OTHERS_CLEAR | GPIE_AUTO_MASK);
        ix_set(card, IX_EIAC, queues);
        ix_set(card, IX_EIAM, queues);
    }
    for (unsigned i = 0; i < n; i++)
        ix_set(card, IX_EITR + 4 * i, EITR_20_US);
    ix_set(card, IX_EIMS, queues | IX_INT_LINK | IX_INT_MISSED);
}

/* --- all ---------------------------------------------------------------------------------- */

int ix_start(struct ixgbe *card)
{
    int r = ix_reset(card);

    if (r == 0)
        r = ix_rings_fill(card);
    if (r < 0)
        return r;
    ix_set_bits(card, IX_CTRL_EXT, CTRL_EXT_LOADED);
    if (card->is_82599) { /* the others' PHY sees to its link itself */
        ix_clear_bits(card, IX_ESDP, ESDP_LASER_OFF);
        ix_set_bits(card, IX_AUTOC, AUTOC_RESTART);
    }
    r = start_sending(card);
    if (r == 0)
        r = start_receiving(card);
    if (r < 0) {
        ix_stop(card);
        return r;
    }
    __atomic_store_n(&card->up, true, __ATOMIC_RELEASE);
    set_interrupts(card);
    return 0;
}

/* What is in the rings goes out, if there is a link. */
static void drain(struct ixgbe *card, unsigned at)
{
    for (unsigned i = 0; i < 100 && ix_get(card, IX_TDH + at) != ix_get(card, IX_TDT + at); i++)
        sleep_us(100);
}

void ix_stop(struct ixgbe *card)
{
    card->up = false;
    ix_set(card, IX_EIMC, IX_INT_ALL);
    switch_receive(card, false);
    for (unsigned i = 0; i < card->nqueues; i++) {
        unsigned at = i * IX_QUEUE;
        drain(card, at);
        switch_queue(card, IX_RXDCTL + at, false);
        switch_queue(card, IX_TXDCTL + at, false);
    }
    sleep_us(100); /* 4.6.7.1.2: before memory is used for other things */
    ix_clear_bits(card, IX_CTRL_EXT, CTRL_EXT_LOADED);
    ix_rings_drop(card);
}
