#include "ten_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t model_now;
static void die(const char *rule)
{
    printf("not ok - the card: %s\n", rule);
    exit(1);
}
void (*model_complaint)(const char *rule) = die;

/* --- registers (8.2.2, 8.2.3) */

enum {
    CTRL = 0x0,
    STATUS = 0x8,
    CTRL_EXT = 0x18,
    ESDP = 0x20,
    EICR = 0x800,
    EICS = 0x808,
    EIAC = 0x810,
    EITR = 0x820,
    EIMS = 0x880,
    EIMC = 0x888,
    EIAM = 0x890,
    GPIE = 0x898,
    IVAR = 0x900,
    IVAR_MISC = 0xa00,
    RDBAL = 0x1000,
    RDBAH = 0x1004,
    RDLEN = 0x1008,
    DCA_RXCTRL = 0x100c,
    RDH = 0x1010,
    SRRCTL = 0x1014,
    RDT = 0x1018,
    RXDCTL = 0x1028,
    RDRXCTL = 0x2f00,
    RXCTRL = 0x3000,
    RXPBSIZE = 0x3c00,
    MPC = 0x3fa0,
    STATISTICS = 0x4000,
    HLREG0 = 0x4240,
    MAXFRS = 0x4268,
    AUTOC = 0x42a0,
    LINKS = 0x42a4,
    RTTDCS = 0x4900,
    TXPBTHRESH = 0x4950,
    DMATXCTL = 0x4a80,
    RXCSUM = 0x5000,
    RFCTL = 0x5008,
    FCTRL = 0x5080,
    VLNCTRL = 0x5088,
    MCSTCTRL = 0x5090,
    MTA = 0x5200,
    TDBAL = 0x6000,
    TDBAH = 0x6004,
    TDLEN = 0x6008,
    DCA_TXCTRL = 0x600c,
    TDH = 0x6010,
    TDT = 0x6018,
    TXDCTL = 0x6028,
    TDWBAL = 0x6038,
    TDWBAH = 0x603c,
    DTXMXSZRQ = 0x8100,
    SECRXCTRL = 0x8d00,
    SECRXSTAT = 0x8d04,
    RAL = 0x5400,
    RAH = 0x5404,
    MPSAR = 0xa600,
    TXPBSIZE = 0xcc00,
    RETA = 0x5c00,
    RSSRK = 0x5c80,
    MRQC = 0x5818,
    EEC = 0x10010,
    EEMNGCTL = 0x10110,
    SPACE = 0x12000,
};
enum { QUEUES = 16, PAGE = 0x40, ENABLE = 1 << 25 };
enum { LSC = 1 << 20, RX_MISS = 1 << 17 };

/* Which there are, the bits that may be written, and what they hold after a reset. Of registers of
 * queues only the first 16 are in this model. */
static const struct {
    uint32_t at, n, stride, writable, reset;
} list[] = {
    {CTRL, 1, 4, 0x0400000c, 0},
    {STATUS, 1, 4, 0, 0x80000},
    {CTRL_EXT, 1, 4, 0x10030000, 0},
    {ESDP, 1, 4, 0xffff, 0},
    {EICR, 1, 4, 0x7fffffff, 0},
    {EICS, 1, 4, 0x7fffffff, 0},
    {EIAC, 1, 4, 0x4000ffff, 0},
    {EITR, 24, 4, 0x80000ff8, 0},
    {EIMS, 1, 4, 0x7fffffff, 0},
    {EIMC, 1, 4, 0x7fffffff, 0},
    {EIAM, 1, 4, 0x7fffffff, 0},
    {GPIE, 1, 4, 0xc0003ff0, 0},
    {IVAR, QUEUES / 2, 4, 0xbfbfbfbf, 0},
    {IVAR_MISC, 1, 4, 0xbfbf, 0},
    {RDBAL, QUEUES, PAGE, ~0x7fu, 0},
    {RDBAH, QUEUES, PAGE, ~0u, 0},
    {RDLEN, QUEUES, PAGE, 0xfff80, 0},
    {DCA_RXCTRL, QUEUES, PAGE, 0, 0xa200},
    {RDH, QUEUES, PAGE, 0xffff, 0},
    {SRRCTL, QUEUES, PAGE, 0x1fc03f1f, 0x402},
    {RDT, QUEUES, PAGE, 0xffff, 0},
    {RXDCTL, QUEUES, PAGE, 0x42000000, 0},
    {RDRXCTL, 1, 4, 0x063e0002, 0x8 << 17},
    {RXCTRL, 1, 4, 1, 0},
    {RXPBSIZE, 8, 4, 0xffc00, 0x80000},
    {MPC, 8, 4, 0, 0},
    {STATISTICS, 0x90, 4, 0, 0},
    {HLREG0, 1, 4, 0x8407, 0x0001040b},
    {MAXFRS, 1, 4, 0xffff0000, 0x05ee0000},
    {AUTOC, 1, 4, 0x1001, 0xc09c6004},
    {LINKS, 1, 4, 0, 0},
    {RTTDCS, 1, 4, 0x40, 0x00400000},
    {TXPBTHRESH, 8, 4, 0x3ff, 0x96},
    {DMATXCTL, 1, 4, 0x9, 0x81000000},
    {RXCSUM, 1, 4, 0x3000, 0},
    {RFCTL, 1, 4, 0xe0, 0},
    {FCTRL, 1, 4, 0x702, 0},
    {VLNCTRL, 1, 4, 0x70000000, 0x8100},
    {MCSTCTRL, 1, 4, 0x7, 0},
    {MTA, 128, 4, ~0u, 0xdeadbeef}, /* whatever was there */
    {TDBAL, QUEUES, PAGE, ~0x7fu, 0},
    {TDBAH, QUEUES, PAGE, ~0u, 0},
    {TDLEN, QUEUES, PAGE, 0xfff80, 0},
    {DCA_TXCTRL, QUEUES, PAGE, 0x2a00, 0x2a00},
    {TDH, QUEUES, PAGE, 0xffff, 0},
    {TDT, QUEUES, PAGE, 0xffff, 0},
    {TXDCTL, QUEUES, PAGE, 0x067f7f7f, 0},
    {TDWBAL, QUEUES, PAGE, ~2u, 0},
    {TDWBAH, QUEUES, PAGE, ~0u, 0},
    {DTXMXSZRQ, 1, 4, 0xfff, 0x10},
    {SECRXCTRL, 1, 4, 0x3, 0},
    {SECRXSTAT, 1, 4, 0, 0},
    {RAL, 16, 8, ~0u, 0},
    {RAH, 16, 8, 0x8000ffff, 0},
    {MPSAR, 256, 4, ~0u, 0},
    {TXPBSIZE, 8, 4, 0xffc00, 0x28000},
    {RETA, 32, 4, 0x0f0f0f0f, 0},
    {RSSRK, 10, 4, ~0u, 0},
    {MRQC, 1, 4, 0x00ff000f, 0},
    {EEC, 1, 4, 0, 0x100},
    {EEMNGCTL, 1, 4, 0, 0},
};

struct context {
    bool valid;
    uint32_t word[4];
};
struct queue {
    bool on, seen_on, closing; /* closing: asked to be off */
    unsigned wait;             /* reads until ENABLE follows */
    uint64_t *seen;            /* TX: what lay in the ring when the tail passed it */
    struct context contexts[2];
};
struct frame {
    struct frame *next;
    unsigned n;
    uint8_t bytes[];
};
struct ten_model {
    uint32_t r[SPACE / 4];
    int16_t kind[SPACE / 4]; /* index in list + 1; 0: no such register */
    uint8_t mac[6];
    bool written_mta[128];
    bool in_reset, reset_once, masked_before, masked_after, seen_auto, seen_config, seen_dma,
        seen_secured;
    uint64_t reset_at, master_at;
    unsigned waits, seed;
    bool link;
    struct queue rx[QUEUES], tx[QUEUES];
    uint64_t fired[24];
    struct ten_model *peer;
    struct ten_faults faults;
    struct ten_counts counts;
};

#define REG(m, at) ((m)->r[(at) / 4])
static uint32_t *of(struct ten_model *m, uint32_t at, unsigned q)
{
    return &m->r[(at + q * PAGE) / 4];
}
static void need(bool ok, const char *rule)
{
    if (!ok)
        model_complaint(rule);
}
static unsigned some(struct ten_model *m, unsigned n)
{
    m->seed = m->seed * 1103515245 + 12345;
    return (m->seed >> 16) % n;
}

static void set_defaults(struct ten_model *m)
{
    for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++)
        for (unsigned j = 0; j < list[i].n; j++) {
            unsigned at = (list[i].at + j * list[i].stride) / 4;
            m->kind[at] = (int16_t)(i + 1);
            m->r[at] = list[i].reset;
        }
    if (m->faults.no_address)
        memset(m->mac, 0, 6);
    memcpy(&REG(m, RAL), m->mac, 4);
    REG(m, RAH) = m->mac[4] | (uint32_t)m->mac[5] << 8 | 1u << 31;
    REG(m, LINKS) = m->link ? 3u << 28 | 1u << 30 : 0;
    for (unsigned q = 0; q < QUEUES; q++) {
        free(m->tx[q].seen);
        m->tx[q] = m->rx[q] = (struct queue){0};
    }
    memset(m->written_mta, 0, sizeof(m->written_mta));
    m->masked_after = m->seen_auto = m->seen_config = m->seen_dma = m->seen_secured = false;
    m->waits = 0;
}

struct ten_model *model_make(const uint8_t mac[6], unsigned seed)
{
    struct ten_model *m = calloc(1, sizeof(*m));
    memcpy(m->mac, mac, 6);
    m->seed = seed;
    m->link = true;
    set_defaults(m);
    REG(m, EIMS) = 0x1; /* what firmware left behind */
    return m;
}

void model_free(struct ten_model *m)
{
    for (unsigned q = 0; q < QUEUES; q++)
        free(m->tx[q].seen);
    free(m);
}
struct ten_faults *model_faults(struct ten_model *m)
{
    return &m->faults;
}
const struct ten_counts *model_counts(const struct ten_model *m)
{
    return &m->counts;
}
void model_join(struct ten_model *a, struct ten_model *b)
{
    a->peer = b;
    b->peer = a;
}
void model_link(struct ten_model *m, bool up)
{
    m->link = up;
    REG(m, LINKS) = up ? 3u << 28 | 1u << 30 : 0;
    REG(m, EICR) |= LSC;
}
bool model_quiet(const struct ten_model *m)
{
    bool quiet = !(m->r[RXCTRL / 4] & 1) && !m->r[EIMS / 4];
    for (unsigned q = 0; q < QUEUES; q++)
        quiet = quiet && !m->rx[q].on && !m->tx[q].on;
    return quiet;
}

/* --- order of set-up (4.6.3, 4.6.7, 4.6.8, 5.2.5.3) */

static bool queues_on(const struct ten_model *m)
{
    bool on = m->r[RXCTRL / 4] & 1;
    for (unsigned q = 0; q < QUEUES; q++)
        on = on || m->rx[q].on || m->tx[q].on;
    return on;
}

static void begin_reset(struct ten_model *m)
{
    need(m->masked_before && !REG(m, EIMS), "4.6.3: interrupts are disabled before a reset");
    need(m->faults.master_stuck || !(REG(m, STATUS) & 0x80000),
         "5.2.5.3.2: a reset waits for the master to be disabled");
    need(!queues_on(m), "5.2.5.3.2: queues are disabled before a reset");
    set_defaults(m);
    m->in_reset = true;
    m->reset_at = model_now;
    REG(m, CTRL) = 1 << 26;
    m->waits = 2;
}

static void check_ready(struct ten_model *m)
{
    need(m->reset_once, "4.6.3: set-up begins with a reset");
    need(m->masked_after, "4.6.3: interrupts are disabled again after a reset");
    need(m->seen_auto, "4.6.3: nothing is set up before the EEPROM's auto-read is done");
    need(m->seen_config, "4.6.3: nor before the manageability firmware is done");
    need(m->seen_dma, "4.6.3: nor before the DMA's initialisation is done");
}

static void check_receive(struct ten_model *m)
{
    bool any = false;
    need(REG(m, SECRXCTRL) & 2 && m->seen_secured,
         "4.6.7: RXEN is set while the receive path is halted and empty");
    for (unsigned q = 0; q < QUEUES; q++) {
        need(!*of(m, RDLEN, q) || m->rx[q].on, "4.6.7: RXEN comes after the queues are enabled");
        any = any || m->rx[q].on;
    }
    need(any, "4.6.7: RXEN without a queue");
    for (unsigned i = 0; i < 128; i++)
        need(m->written_mta[i], "4.6.7: the multicast table is initialised by software");
    uint32_t dma = REG(m, RDRXCTL);
    need(!(dma >> 1 & 1) == !(REG(m, HLREG0) >> 1 & 1),
         "8.2.3.8.8: CRC is stripped by both or none");
    need(!(dma >> 17 & 0x1f) && dma & 1 << 25 && dma & 1 << 26,
         "4.6.7: RDRXCTL: RSCFRSTSIZE 0, RSCACKC and FCOE_WRFIX 1");
    need(REG(m, RFCTL) & 1 << 5, "4.6.7: RSC that nobody has set up is disabled");
    if (REG(m, MRQC) & 15) {
        uint32_t key = 0;
        for (unsigned i = 0; i < 10; i++)
            key |= m->r[RSSRK / 4 + i];
        need(key != 0, "7.1.2.8: RSS without a key");
        need((REG(m, MRQC) & 15) == 1, "this model knows RSS alone");
        need(REG(m, RXCSUM) & 1 << 13, "7.1.2.8: RSS needs RXCSUM.PCSD");
        for (unsigned i = 0; i < 128; i++)
            need(m->rx[REG(m, RETA + i / 4 * 4) >> i % 4 * 8 & 15].on,
                 "7.1.2.8: RETA leads to a queue that is off");
    }
    need(REG(m, HLREG0) & 4 || REG(m, MAXFRS) >> 16 == 0x5ee, "8.2.3.22.13: MAXFRS needs JUMBOEN");
}

static void write_ctrl(struct ten_model *m, uint32_t value)
{
    if (value & 4 && !(REG(m, CTRL) & 4)) {
        m->master_at = model_now;
        m->waits = 3;
    }
    REG(m, CTRL) = value;
    if (value & 1 << 26)
        begin_reset(m);
}

/* --- rings */

static uint64_t *ring(struct ten_model *m, uint32_t at, unsigned q)
{
    return (uint64_t *)(uintptr_t)(*of(m, at, q) | (uint64_t)*of(m, at + 4, q) << 32);
}
static unsigned entries(struct ten_model *m, uint32_t len, unsigned q)
{
    return *of(m, len, q) / 16;
}

static void enable(struct ten_model *m, struct queue *queue, bool tx, unsigned q, uint32_t value)
{
    bool on = value & ENABLE;
    unsigned n = entries(m, tx ? TDLEN : RDLEN, q);
    if (on == queue->on)
        return;
    if (!on) {
        need(tx || !(REG(m, RXCTRL) & 1) || m->rx[q].on, "4.6.7.1");
        if (tx)
            need(*of(m, TDH, q) == *of(m, TDT, q) || !m->link,
                 "4.6.8.1: a queue is empty before it is disabled");
        queue->closing = true;
        queue->wait = 2;
        return;
    }
    check_ready(m);
    need(n >= 8 && ring(m, tx ? TDBAL : RDBAL, q), "4.6.7: a queue without a ring");
    if (tx) {
        need(REG(m, DMATXCTL) & 1, "4.6.8: DMATXCTL.TE comes before the queues");
        need(!(*of(m, TDWBAL, q) & 1) || !(value >> 16 & 0x7f),
             "7.2.3.5.2: with head write-back WTHRESH is 0");
        need(!(*of(m, TDWBAL, q) & 1) || !(*of(m, DCA_TXCTRL, q) & 1 << 11),
             "8.2.3.11.2: head write-back must not be reordered");
        queue->seen = realloc(queue->seen, n * 16);
    } else {
        uint32_t split = *of(m, SRRCTL, q);
        need(split >> 25 == 1 || split >> 25 == 9, "7.1.6: advanced descriptors with one buffer");
        need(split & 0x1f && (split & 0x1f) <= 16, "8.2.3.8.7: BSIZEPACKET");
    }
    queue->on = true;
    queue->seen_on = false;
    queue->wait = 2;
    memset(queue->contexts, 0, sizeof(queue->contexts));
    *of(m, tx ? TDH : RDH, q) = *of(m, tx ? TDT : RDT, q) = 0;
}

/* ENABLE follows after some reads; what it says is what software may rely on. */
static uint32_t read_enable(struct ten_model *m, struct queue *queue, uint32_t value)
{
    if (m->faults.queue_stuck)
        return queue->closing ? value | ENABLE : value & ~(uint32_t)ENABLE;
    if (queue->wait && --queue->wait)
        return queue->closing ? value | ENABLE : value & ~(uint32_t)ENABLE;
    if (queue->closing)
        queue->on = queue->closing = false;
    queue->seen_on = queue->on;
    return queue->on ? value | ENABLE : value & ~(uint32_t)ENABLE;
}

static void write_rdt(struct ten_model *m, unsigned q, uint32_t tail)
{
    unsigned n = entries(m, RDLEN, q), old = *of(m, RDT, q), head = *of(m, RDH, q);
    uint64_t *d = ring(m, RDBAL, q);
    need(m->rx[q].seen_on, "4.6.7: RDT is written once the queue is seen enabled");
    need(tail < n, "7.1.9: RDT is in the ring");
    if (!m->rx[q].on || tail >= n)
        return;
    need((tail + n - head) % n >= (old + n - head) % n, "7.1.9: RDT does not go back or past RDH");
    for (unsigned i = old; i != tail; i = (i + 1) % n) {
        need(d[2 * i] != 0, "7.1.6.1: a descriptor without a buffer is given");
        need(!(d[2 * i + 1] & 1), "7.1.6.1: DD is clear in a descriptor that is given");
    }
    *of(m, RDT, q) = tail;
}

static void write_tdt(struct ten_model *m, unsigned q, uint32_t tail)
{
    unsigned n = entries(m, TDLEN, q), old = *of(m, TDT, q), head = *of(m, TDH, q);
    uint64_t *d = ring(m, TDBAL, q);
    need(m->tx[q].seen_on, "4.6.8: TDT is written once the queue is seen enabled");
    need(!(REG(m, RTTDCS) & 0x40), "4.6.8: the arbiter is on again before TDT moves");
    need(tail < n, "7.2.3.4: TDT is in the ring");
    if (!m->tx[q].on || tail >= n)
        return;
    need((tail + n - head) % n >= (old + n - head) % n,
         "7.2.3.4: TDT does not go back or past TDH");
    for (unsigned i = old; i != tail; i = (i + 1) % n)
        memcpy(&m->tx[q].seen[2 * i], &d[2 * i], 16);
    *of(m, TDT, q) = tail;
}

/* --- every access */

static unsigned queue_of(size_t at)
{
    return at % 0x1000 / PAGE;
}
static bool in_queues(size_t at, uint32_t first)
{
    return at >= first && at < first + QUEUES * PAGE && (at - first) % PAGE == 0;
}

uint32_t model_read(struct ten_model *m, size_t at)
{
    bool there = at < SPACE && at % 4 == 0 && m->kind[at / 4];
    need(there, "a register that is not there is read");
    if (!there)
        return ~0u;
    if (m->in_reset) {
        need(model_now - m->reset_at >= 10000000, "4.2.1.6.1: 10 ms pass after a reset");
        need(at == CTRL, "4.6.3: only CTRL is looked at during a reset");
        if (!m->faults.reset_hangs && (!m->waits || !--m->waits)) {
            REG(m, CTRL) = 0;
            m->in_reset = false;
            m->reset_once = true;
        }
        return REG(m, CTRL);
    }
    uint32_t value = m->r[at / 4];
    switch (at) {
    case STATUS:
        if (REG(m, CTRL) & 4 && !m->faults.master_stuck && (!m->waits || !--m->waits))
            REG(m, STATUS) &= ~0x80000u;
        return REG(m, STATUS);
    case EEC:
        if (!m->faults.no_auto_read && some(m, 3) == 0) {
            m->seen_auto = true;
            return value | 1 << 9;
        }
        return value;
    case EEMNGCTL:
        m->seen_config = some(m, 3) == 0 || m->seen_config;
        return m->seen_config ? 3 << 18 : 0;
    case RDRXCTL:
        m->seen_dma = (!m->faults.no_dma_done && some(m, 3) == 0) || m->seen_dma;
        return m->seen_dma ? value | 8 : value;
    case SECRXSTAT:
        m->seen_secured = REG(m, SECRXCTRL) & 2 && !m->faults.no_receive_path && some(m, 3) == 0;
        return m->seen_secured;
    case EICR:
        m->r[at / 4] &= REG(m, GPIE) & 0x20 ? 0xffff : 0;
        return value;
    case EIMC:
    case EICS:
        need(false, "8.2.3.5: a register to write is read");
    }
    if (in_queues(at, RXDCTL))
        return read_enable(m, &m->rx[queue_of(at)], value);
    if (in_queues(at, TXDCTL))
        return read_enable(m, &m->tx[queue_of(at)], value);
    if ((at >= STATISTICS && at < HLREG0) || (at >= MPC && at < MPC + 32))
        m->r[at / 4] = 0;
    return value;
}

/* Registers of a ring are the card's while its queue is on. */
static void check_ring_off(struct ten_model *m, size_t at)
{
    static const uint32_t rx[] = {RDBAL, RDBAH, RDLEN, SRRCTL},
                          tx[] = {TDBAL, TDBAH, TDLEN, TDWBAL, TDWBAH};
    for (unsigned i = 0; i < 4; i++)
        need(!in_queues(at, rx[i]) || !m->rx[queue_of(at)].on, "4.6.7: a ring is changed in use");
    for (unsigned i = 0; i < 5; i++)
        need(!in_queues(at, tx[i]) || !m->tx[queue_of(at)].on, "4.6.8: a ring is changed in use");
}

static void check_order(struct ten_model *m, size_t at, uint32_t value)
{
    bool arbiter = at == DTXMXSZRQ || (at >= TXPBSIZE && at < TXPBSIZE + 32) ||
                   (at >= TXPBTHRESH && at < TXPBTHRESH + 32);
    if (arbiter)
        need(REG(m, RTTDCS) & 0x40, "4.6.8: ARBDIS is set while the packet buffers are set up");
    if (at == RXCTRL && value & 1)
        check_receive(m);
    if (at == EIMS && value)
        check_ready(m);
    if (at == EIAC)
        need(!value || REG(m, GPIE) & 0x10, "8.2.3.5.5: EIAC is for MSI-X");
    if (at == FCTRL || at == HLREG0 || at == MAXFRS) /* 8.2.3.7.1 */
        need(!(REG(m, RXCTRL) & 1), "8.2.3.7.1: filters and the MAC are changed while RXEN is 0");
    check_ring_off(m, at);
}

void model_write(struct ten_model *m, size_t at, uint32_t value)
{
    bool there = at < SPACE && at % 4 == 0 && m->kind[at / 4];
    need(there, "a register that is not there is written");
    if (!there)
        return;
    need(!m->in_reset, "4.6.3: nothing is written during a reset");
    uint32_t writable = list[m->kind[at / 4] - 1].writable;
    bool action = at == EICR || at == EICS || at == EIMS || at == EIMC;
    need(!((value ^ (action ? 0 : m->r[at / 4])) & ~writable), "a reserved bit is changed");
    bool stops = at == EIMC || at == RXCTRL || at == CTRL || in_queues(at, RXDCTL) ||
                 in_queues(at, TXDCTL) || at == SECRXCTRL;
    if (!stops)
        check_ready(m);
    check_order(m, at, value);
    if (at == CTRL)
        return write_ctrl(m, value);
    if (at == EIMC) {
        REG(m, EIMS) &= ~value;
        if ((value & 0x7fffffff) == 0x7fffffff) {
            m->masked_before = true;
            m->masked_after = m->reset_once;
        }
        return;
    }
    if (at == EIMS || at == EICS)
        m->r[(at == EIMS ? EIMS : EICR) / 4] |= value;
    else if (at == EICR)
        REG(m, EICR) &= ~value;
    else if (in_queues(at, RXDCTL))
        enable(m, &m->rx[queue_of(at)], false, queue_of(at), value);
    else if (in_queues(at, TXDCTL))
        enable(m, &m->tx[queue_of(at)], true, queue_of(at), value);
    else if (in_queues(at, RDT))
        return write_rdt(m, queue_of(at), value);
    else if (in_queues(at, TDT))
        return write_tdt(m, queue_of(at), value);
    if (at >= MTA && at < MTA + 512)
        m->written_mta[(at - MTA) / 4] = true;
    if (!action)
        m->r[at / 4] = value & ~(in_queues(at, RXDCTL) || in_queues(at, TXDCTL) ? ENABLE : 0u);
}

/* --- sums */

static uint32_t sum16(uint32_t sum, const uint8_t *p, unsigned n)
{
    for (unsigned i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (n & 1)
        sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}
static unsigned be16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}
static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static uint32_t pseudo(const uint8_t *ip, bool v4, unsigned protocol, unsigned len)
{
    uint32_t sum = v4 ? sum16(0, ip + 12, 8) : sum16(0, ip + 8, 32);
    uint8_t rest[] = {
        (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0,
        (uint8_t)protocol};
    return sum16(sum, rest, 8);
}

struct layers {
    bool v4, v6;
    unsigned ip, transport, protocol, end; /* offsets; transport 0: none that is known */
};
static struct layers look(const uint8_t *f, unsigned n)
{
    struct layers l = {.ip = 14};
    unsigned type = n >= 14 ? be16(f + 12) : 0;
    if (type == 0x800 && n >= 34) {
        l.v4 = true;
        l.protocol = f[23];
        l.transport = 14 + (f[14] & 15) * 4u;
        l.end = 14 + be16(f + 16);
        if (be16(f + 20) & 0x3fff)
            l.transport = 0;
    } else if (type == 0x86dd && n >= 54) {
        l.v6 = true;
        l.protocol = f[20];
        l.transport = 54;
        l.end = 54 + be16(f + 18);
    }
    if ((l.protocol != 6 && l.protocol != 17) || l.end > n ||
        l.transport + (l.protocol == 6 ? 20 : 8) > l.end)
        l.transport = 0;
    return l;
}

/* --- receiving (7.1) */

static void cause(struct ten_model *m, bool tx, unsigned q)
{
    uint32_t entry = REG(m, IVAR + q / 2 * 4) >> (q % 2 * 16 + (tx ? 8 : 0)) & 0xff;
    if (entry & 0x80)
        REG(m, EICR) |= 1u << (entry & 15);
}

/* 7.1.2.8.1 */
static uint32_t toeplitz(struct ten_model *m, const uint8_t *input, unsigned n)
{
    const uint8_t *key = (const uint8_t *)&REG(m, RSSRK);
    uint32_t result = 0, window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
                                  (uint32_t)key[2] << 8 | key[3];
    for (unsigned i = 0; i < n * 8; i++) {
        if (input[i / 8] >> (7 - i % 8) & 1)
            result ^= window;
        unsigned next = i + 32;
        window = window << 1 | (key[next / 8 % 40] >> (7 - next % 8) & 1);
    }
    return result;
}

static unsigned choose(struct ten_model *m, const uint8_t *f, struct layers l, uint32_t *hash)
{
    uint8_t input[36];
    unsigned n = 0;
    uint32_t fields = REG(m, MRQC) >> 16;
    bool tcp = l.transport && l.protocol == 6 && (l.v4 ? fields & 1 : fields & 0x20);
    *hash = 0;
    if ((REG(m, MRQC) & 15) != 1 || !(l.v4 ? fields & 3 : l.v6 && fields & 0x30))
        return 0;
    memcpy(input, f + l.ip + (l.v4 ? 12 : 8), n = l.v4 ? 8 : 32);
    if (tcp) {
        memcpy(input + n, f + l.transport, 4);
        n += 4;
    }
    *hash = toeplitz(m, input, n);
    unsigned i = *hash & 127;
    return REG(m, RETA + i / 4 * 4) >> i % 4 * 8 & 15;
}

static bool wanted(struct ten_model *m, const uint8_t *f)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    uint32_t control = REG(m, FCTRL);
    if (control & 1 << 9 && !(f[0] & 1))
        return true;
    if (!memcmp(f, all, 6))
        return control & 1 << 10;
    if (f[0] & 1) {
        unsigned hash = (unsigned)(f[4] >> 4 | f[5] << 4) & 0xfff; /* MCSTCTRL.MO 0: bits 47:36 */
        return control & 1 << 8 ||
               (REG(m, MCSTCTRL) & 4 && REG(m, MTA + hash / 32 * 4) >> hash % 32 & 1);
    }
    for (unsigned i = 0; i < 16; i++) {
        uint32_t low = REG(m, RAL + i * 8), high = REG(m, RAH + i * 8);
        uint8_t mac[6] = {(uint8_t)low,         (uint8_t)(low >> 8), (uint8_t)(low >> 16),
                          (uint8_t)(low >> 24), (uint8_t)high,       (uint8_t)(high >> 8)};
        if (high >> 31 && !memcmp(f, mac, 6))
            return true;
    }
    return false;
}

static uint32_t status_of(struct ten_model *m, const uint8_t *f, struct layers l)
{
    uint32_t status = 0;
    if (l.v4) {
        status |= 0x40;
        if (sum16(0, f + l.ip, (f[l.ip] & 15) * 4u) != 0xffff)
            status |= 1u << 31;
    }
    if (l.transport && !(l.protocol == 17 && !be16(f + l.transport + 6))) {
        unsigned len = l.end - l.transport;
        status |= 0x20;
        if (sum16(pseudo(f + l.ip, l.v4, l.protocol, len), f + l.transport, len) != 0xffff)
            status |= 1u << 30;
    }
    if (m->faults.rx_errors) {
        m->faults.rx_errors--;
        status |= 1u << 29;
    }
    return status;
}

static void fill(struct ten_model *m, unsigned q, const uint8_t *f, unsigned n, uint32_t hash,
                 uint32_t status)
{
    unsigned room = (*of(m, SRRCTL, q) & 0x1f) * 1024, size = entries(m, RDLEN, q);
    uint64_t *d = ring(m, RDBAL, q);
    for (unsigned at = 0; at < n; at += room) {
        unsigned head = *of(m, RDH, q), part = n - at < room ? n - at : room;
        bool last = at + part == n;
        memcpy((void *)(uintptr_t)d[2 * head], f + at, part);
        d[2 * head] = (uint64_t)hash << 32;
        __atomic_store_n(&d[2 * head + 1], (last ? status | 3 : 1) | (uint64_t)part << 32,
                         __ATOMIC_RELEASE);
        *of(m, RDH, q) = (head + 1) % size;
    }
    cause(m, false, q);
}

void model_deliver(struct ten_model *m, const uint8_t *original, unsigned n)
{
    uint32_t hash;
    uint8_t *f = malloc(n + 1);
    memcpy(f, original, n);
    struct layers l = look(f, n);
    if (m->faults.bad_sums && l.transport) {
        m->faults.bad_sums--;
        f[l.transport + 1] ^= 0x40;
    }
    unsigned q = choose(m, f, l, &hash), size = entries(m, RDLEN, q);
    if (!(REG(m, RXCTRL) & 1) || REG(m, SECRXCTRL) & 2 || !m->link || !wanted(m, f) ||
        n + 4 > (REG(m, HLREG0) & 4 ? REG(m, MAXFRS) >> 16 : 1518) || !m->rx[q].on) {
        m->counts.filtered++;
    } else {
        unsigned room = (*of(m, SRRCTL, q) & 0x1f) * 1024;
        unsigned there = (*of(m, RDT, q) + size - *of(m, RDH, q)) % size;
        if (there < (n + room - 1) / room) {
            m->counts.missed++;
            REG(m, MPC)++;
            REG(m, EICR) |= RX_MISS;
        } else {
            m->counts.received++;
            m->counts.by_queue[q]++;
            m->counts.long_frames += n > room;
            fill(m, q, f, n, hash, status_of(m, f, l));
        }
    }
    free(f);
}

/* --- sending (7.2) */

static void send(struct ten_model *m, uint8_t *f, unsigned n)
{
    m->counts.sent++;
    if (n < 60) { /* HLREG0.TXPADEN */
        memset(f + n, 0, 60 - n);
        n = 60;
    }
    if (m->peer && m->link && m->peer->link)
        model_deliver(m->peer, f, n);
}

/* Checksums and cuts as the context says; `at` has the frame, which is n bytes long. */
static void finish(struct ten_model *m, uint8_t *at, unsigned n, const uint64_t *d,
                   const struct context *c)
{
    uint32_t command = (uint32_t)d[1], options = (uint32_t)(d[1] >> 32);
    bool tse = command >> 31, sum_ip = options & 0x100, sum_transport = options & 0x200;
    if (!tse && !sum_ip && !sum_transport) {
        need(options >> 14 == n, "7.2.3.2.4: PAYLEN is the packet's length");
        send(m, at, n);
        return;
    }
    need(c->valid, "7.2.3.2.3: offloads need a context");
    unsigned ip_len = c->word[0] & 0x1ff, mac_len = c->word[0] >> 9 & 0x7f;
    bool v4 = c->word[2] & 1 << 10, tcp = c->word[2] & 1 << 11;
    unsigned l4_len = c->word[3] >> 8 & 0xff, mss = c->word[3] >> 16;
    unsigned transport = mac_len + ip_len, protocol = tcp ? 6 : 17;
    need(mac_len == 14 && v4 == (be16(at + 12) == 0x800),
         "7.2.3.2.3: MACLEN and IPV4 fit the frame");
    need(at[v4 ? 23 : 20] == protocol, "7.2.3.2.3: L4T fits the frame");
    need(!v4 || ip_len == (at[14] & 15) * 4u, "7.2.3.2.3: IPLEN fits the frame");
    uint8_t *field = at + transport + (tcp ? 16 : 6);
    unsigned header = transport + (tse ? l4_len : 0);
    unsigned payload = tse ? options >> 14 : n - header;
    need(!tse || (tcp && mss && l4_len == (at[transport + 12] >> 4) * 4u && sum_transport &&
                  (sum_ip || !v4)),
         "7.2.4: what is cut is TCP, with its lengths and sums");
    need(n == header + payload && (tse || options >> 14 == n), "7.2.3.2.4: PAYLEN");
    need(be16(field) == pseudo(at + mac_len, v4, protocol, tse ? 0 : n - transport),
         "7.2.5: the pseudo header's sum is in place (without length if it is cut)");
    uint8_t *out = malloc(header + 65536);
    unsigned step = tse ? mss : payload, i = 0, off = 0;
    do {
        unsigned part = payload - off < step ? payload - off : step;
        bool last = off + part == payload;
        memcpy(out, at, header);
        memcpy(out + header, at + header + off, part);
        uint8_t *ip = out + mac_len, *t = out + transport;
        if (tse) {
            put16(ip + (v4 ? 2 : 4), (v4 ? ip_len : ip_len - 40) + l4_len + part);
            if (v4)
                put16(ip + 4, be16(ip + 4) + i);
            uint32_t sequence = ((uint32_t)be16(t + 4) << 16 | be16(t + 6)) + off;
            put16(t + 4, sequence >> 16);
            put16(t + 6, sequence & 0xffff);
            t[13] &= (uint8_t)((last ? 0xff : ~9) & (i ? ~0x80 : 0xff));
        }
        if (sum_ip && v4) {
            put16(ip + 10, 0);
            put16(ip + 10, ~sum16(0, ip, ip_len));
        }
        if (sum_transport) {
            unsigned len = header - transport + part;
            uint8_t *f = t + (tcp ? 16 : 6);
            put16(f, 0);
            unsigned sum = ~sum16(pseudo(ip, v4, protocol, len), t, len) & 0xffff;
            put16(f, sum || tcp ? sum : 0xffff);
        }
        m->counts.cut += tse;
        send(m, out, header + part);
        i++;
        off += part;
    } while (off < payload);
    free(out);
}

static void take_context(struct queue *queue, const uint64_t *d)
{
    struct context c = {
        true, {(uint32_t)d[0], (uint32_t)(d[0] >> 32), (uint32_t)d[1], (uint32_t)(d[1] >> 32)}};
    need(!c.word[1], "7.2.3.2.3: no IPsec, no FCoE");
    need(!(c.word[2] & ~(0x20000000u | 2 << 20 | 7 << 10)),
         "7.2.3.2.3: reserved bits of a context");
    need(!(c.word[3] & 0xef), "7.2.3.2.3: reserved bits of a context, IDX 0 or 1");
    queue->contexts[c.word[3] >> 4 & 1] = c;
}

static void check_data(const uint64_t *d, bool first, unsigned ndescriptors)
{
    uint32_t command = (uint32_t)d[1], options = (uint32_t)(d[1] >> 32);
    unsigned len = command & 0xffff;
    need((command >> 20 & 15) == 3 && command & 1u << 29,
         "7.2.3.2: data and context descriptors only");
    need(d[0] && len && len <= 15872, "7.2.3.2.4: 1 to 15.5 KB in a descriptor");
    need(!(command & (3u << 16 | 3 << 18 | 1 << 26 | 1u << 30)), "7.2.3.2.4: reserved bits");
    need(!(options & 0x3c6f), "7.2.3.2.4: STA 0, index 0 or 1, reserved bits");
    need(!first || command & 1 << 25, "7.2.3.2.4: IFCS is set in the first");
    need(!(command & 1 << 27) || command & 1 << 24, "7.2.3.5: RS goes with EOP");
    need(ndescriptors <= 40, "7.2.1.1: a packet has 40 descriptors at most");
}

static void write_head(struct ten_model *m, unsigned q)
{
    uint32_t low = *of(m, TDWBAL, q);
    if (low & 1)
        __atomic_store_n((uint32_t *)(uintptr_t)((low & ~3u) | (uint64_t)*of(m, TDWBAH, q) << 32),
                         *of(m, TDH, q), __ATOMIC_RELEASE);
    cause(m, true, q);
}

/* One packet of the queue; false: there is none that is whole. */
static bool send_one(struct ten_model *m, unsigned q)
{
    static uint8_t bytes[1 << 19];
    struct queue *queue = &m->tx[q];
    unsigned size = entries(m, TDLEN, q), head = *of(m, TDH, q), tail = *of(m, TDT, q), n = 0,
             count = 0;
    uint64_t *d = ring(m, TDBAL, q), first[2] = {0};
    bool end = false, report = false;
    if (!queue->on || head == tail)
        return false;
    while (!end) {
        need(head != tail, "7.2.3.4: a packet is given with all its descriptors");
        if (head == tail)
            return false;
        const uint64_t *e = &d[2 * head];
        need(!memcmp(e, &queue->seen[2 * head], 16),
             "7.2.3.4: descriptors stay as they were given");
        head = (head + 1) % size;
        if ((e[1] >> 20 & 15) == 2) {
            need(!count, "7.2.3.2.3: a context stands before the packet");
            take_context(queue, e);
            continue;
        }
        check_data(e, !count, count + 1);
        if (!count++)
            memcpy(first, e, 16);
        memcpy(bytes + n, (const void *)(uintptr_t)e[0], e[1] & 0xffff);
        n += e[1] & 0xffff;
        end = e[1] & 1 << 24;
        report = e[1] & 1 << 27;
    }
    *of(m, TDH, q) = head;
    finish(m, bytes, n, first, &queue->contexts[first[1] >> 36 & 1]);
    if (report)
        write_head(m, q);
    return true;
}

unsigned model_run(struct ten_model *m, unsigned n)
{
    unsigned sent = 0;
    for (unsigned q = 0; q < QUEUES; q++)
        for (unsigned i = 0; i < n && m->link && send_one(m, q); i++)
            sent++;
    return sent;
}

/* --- interrupts (7.3) */

uint32_t model_messages(struct ten_model *m)
{
    uint32_t out = 0, pending = REG(m, EICR) & REG(m, EIMS);
    if (!(REG(m, GPIE) & 0x10))
        return 0;
    for (unsigned v = 0; v < 16; v++) {
        uint32_t bits = pending & 1u << v, misc = REG(m, IVAR_MISC) >> 8 & 0xff;
        uint64_t interval = (REG(m, EITR + v * 4) >> 3 & 0x1ff) * 2000ull;
        if (misc == (0x80 | v))
            bits |= pending & 0x3fff0000;
        if (!bits || model_now - m->fired[v] < interval)
            continue;
        m->fired[v] = model_now;
        out |= 1u << v;
        REG(m, EICR) &= ~(bits & REG(m, EIAC));
        if (REG(m, GPIE) & 1 << 30)
            REG(m, EIMS) &= ~(bits & REG(m, EIAM));
        m->counts.interrupts++;
    }
    return out;
}

bool model_line(struct ten_model *m)
{
    return !(REG(m, GPIE) & 0x10) && REG(m, EICR) & REG(m, EIMS);
}
