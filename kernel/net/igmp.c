/* net/igmp.c: telling routers which groups are listened to. Everything is sent from the worker's
 * thread; what is to be sent waits in one list with its time. Sources are chosen by the sockets
 * alone: what routers hear is "everybody's but nobody's". */
#include "net/igmp.h"

#include "core/boot.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/timer.h"
#include "mm/heap.h"
#include "net/igmp_parse.h"
#include "net/rculist.h"
#include "net/worker.h"

enum {
    IPPROTO_IGMP = 2,
    V1_REPORT = 0x12,
    V2_REPORT = 0x16,
    V2_LEAVE = 0x17,
    V3_REPORT = 0x22,
    IS_EXCLUDE = 2,
    TO_INCLUDE = 3,
    TO_EXCLUDE = 4,
    RECORD = 8,
    TOS = 0xc0,
    ROBUSTNESS = 2,
    RECORDS_MAX = 128,
    PENDING_MAX = 512,
};
#define UNSOLICITED_NS   1000000000ll   /* RFC 3376, 8.11 */
#define OLDER_QUERIER_NS 400000000000ll /* 8.12, with the default intervals */

enum verb { JOINED, LEFT, ANSWER };

/* Something to be sent at its time, `left` times. */
struct pending {
    struct list link;
    struct netif *netif;
    uint32_t group; /* 0: all of the interface's (ANSWER) */
    enum verb verb;
    nsec_t due;
    unsigned left;
};
/* What the routers at an interface speak. */
struct querier {
    struct list link;
    struct netif *netif;
    nsec_t v1_until, v2_until;
};

static struct mutex igmp_lock;
static struct list all_pending = LIST_INIT(all_pending), queriers = LIST_INIT(queriers);
static unsigned npending;
static struct timer timer;
static struct worker_call call;

/* --- sending
 * ---------------------------------------------------------------------------------------------- */

static void send(struct netif *netif, uint32_t destination, const uint8_t *message, unsigned n)
{
    static const uint8_t router_alert[4] = {0x94, 4, 0, 0};
    struct ip_flow flow = {
        .source = inet_v4(0),
        .destination = inet_v4(destination),
        .protocol = IPPROTO_IGMP,
        .ttl = 1,
        .tos = TOS,
        .bound = netif,
        .no_loop = true,
        .options = router_alert,
        .options_len = sizeof(router_alert),
    };
    struct packet *packet = packet_alloc(PACKET_HEADROOM, n);
    if (!packet)
        return;
    uint8_t *to = packet_append(packet, n);
    memcpy(to, message, n);
    put_le16(to + 2, checksum_fold(checksum_add(0, to, n)));
    if (ip_route(&flow) < 0)
        packet_free(packet);
    else
        ip_output(&flow, packet);
}

static uint32_t address(unsigned last)
{
    return __builtin_bswap32(0xe0000000 | last); /* 224.0.0.last */
}

static void put_record(uint8_t *record, unsigned type, uint32_t group)
{
    memset(record, 0, RECORD);
    record[0] = (uint8_t)type;
    put_le32(record + 4, group);
}

static void send_v3(struct netif *netif, const uint8_t *records, unsigned n)
{
    uint8_t message[8 + RECORDS_MAX * RECORD] = {V3_REPORT};
    if (!n)
        return;
    put_be16(message + 6, (uint16_t)n);
    memcpy(message + 8, records, n * RECORD);
    send(netif, address(22), message, 8 + n * RECORD);
}

static void send_old(struct netif *netif, unsigned type, uint32_t group)
{
    uint8_t message[8] = {(uint8_t)type};
    put_le32(message + 4, group);
    send(netif, type == V2_LEAVE ? address(2) : group, message, sizeof(message));
}

static bool is_told(const struct netif_group *group)
{
    return inet_is_v4(&group->group) && inet_v4_of(&group->group) != address(1);
}

static void answer_all(struct netif *netif, unsigned version)
{
    uint8_t records[RECORDS_MAX * RECORD];
    uint32_t groups[RECORDS_MAX];
    unsigned n = 0;
    rcu_read_lock();
    rculist_for_each_entry(struct netif_group, g, &netif->groups,
                           link) if (is_told(g) && n < RECORDS_MAX) groups[n++] =
        inet_v4_of(&g->group);
    rcu_read_unlock();
    for (unsigned i = 0; i < n; i++) {
        if (version == 3)
            put_record(records + i * RECORD, IS_EXCLUDE, groups[i]);
        else
            send_old(netif, version == 2 ? V2_REPORT : V1_REPORT, groups[i]);
    }
    if (version == 3)
        send_v3(netif, records, n);
}

static void send_pending(const struct pending *p, unsigned version)
{
    static const uint8_t types[] = {
        [JOINED] = TO_EXCLUDE, [LEFT] = TO_INCLUDE, [ANSWER] = IS_EXCLUDE};
    uint8_t record[RECORD];
    if (!p->group) {
        answer_all(p->netif, version);
    } else if (version == 3) {
        put_record(record, types[p->verb], p->group);
        send_v3(p->netif, record, 1);
    } else if (p->verb != LEFT) {
        send_old(p->netif, version == 2 ? V2_REPORT : V1_REPORT, p->group);
    } else if (version == 2) {
        send_old(p->netif, V2_LEAVE, p->group);
    }
}

/* --- when
 * -------------------------------------------------------------------------------------------------
 */

static struct querier *querier_of(struct netif *netif)
{
    list_for_each_entry (struct querier, q, &queriers, link)
        if (q->netif == netif)
            return q;
    struct querier *q = kzalloc(sizeof(*q));
    if (q) {
        q->netif = netif;
        list_add(&queriers, &q->link);
    }
    return q;
}

static unsigned version_of(struct netif *netif)
{
    const struct querier *q = querier_of(netif);
    nsec_t now = clock_monotonic();
    if (q && q->v1_until > now)
        return 1;
    return q && q->v2_until > now ? 2 : 3;
}

static struct pending *take_due(nsec_t now)
{
    list_for_each_entry (struct pending, p, &all_pending, link)
        if (p->due <= now)
            return p;
    return NULL;
}

static void arm(void)
{
    nsec_t first = NSEC_FOREVER;
    list_for_each_entry (struct pending, p, &all_pending, link)
        first = MIN(first, p->due);
    timer_cancel(&timer);
    timer_start(&timer, first);
}

static void run(struct worker_call *c)
{
    struct pending *p;
    mutex_lock(&igmp_lock);
    while ((p = take_due(clock_monotonic()))) {
        struct pending now = *p;
        unsigned version = version_of(now.netif);
        if (--p->left) {
            p->due = clock_monotonic() + (nsec_t)(random_u64() % UNSOLICITED_NS) + 1;
        } else {
            list_del(&p->link);
            kfree(p);
            npending--;
        }
        mutex_unlock(&igmp_lock);
        send_pending(&now, version);
        mutex_lock(&igmp_lock);
    }
    arm();
    mutex_unlock(&igmp_lock);
}

static void fire(struct timer *t)
{
    worker_post(&call);
}

/* In the place of what was to be said of the same group. igmp_lock held. */
static void add(struct netif *netif, uint32_t group, enum verb verb, nsec_t due, unsigned times)
{
    struct pending *p = NULL;
    list_for_each_entry (struct pending, old, &all_pending, link)
        if (old->netif == netif && old->group == group)
            p = old;
    if (p && verb == ANSWER && p->due <= due)
        return; /* it is answered sooner */
    if (!p && npending >= PENDING_MAX)
        return;
    if (!p) {
        p = kzalloc(sizeof(*p));
        if (!p)
            return;
        list_add_tail(&all_pending, &p->link);
        npending++;
    }
    p->netif = netif;
    p->group = group;
    p->verb = verb;
    p->due = due;
    p->left = times;
}

void igmp_group_changed(struct netif *netif, const struct inet_addr *group, bool joined)
{
    uint32_t ip = inet_v4_of(group);
    if (netif->type == ARPHRD_LOOPBACK || ip == address(1))
        return;
    mutex_lock(&igmp_lock);
    add(netif, ip, joined ? JOINED : LEFT, 0, ROBUSTNESS);
    mutex_unlock(&igmp_lock);
    worker_post(&call);
}

/* --- queries
 * ---------------------------------------------------------------------------------------------- */

static void note_version(struct netif *netif, unsigned version)
{
    struct querier *q = querier_of(netif);
    if (!q || version == 3)
        return;
    *(version == 1 ? &q->v1_until : &q->v2_until) = clock_monotonic() + OLDER_QUERIER_NS;
}

static void take_query(struct netif *netif, const struct igmp_query *query)
{
    nsec_t spread = (nsec_t)query->delay_ms * 1000000 + 1;
    struct inet_addr group = inet_v4(query->group);
    rcu_read_lock();
    bool ours = !query->group || netif_in_group(netif, &group);
    rcu_read_unlock();
    mutex_lock(&igmp_lock);
    note_version(netif, query->version);
    if (ours && query->group != address(1))
        add(netif, query->group, ANSWER,
            clock_monotonic() + (nsec_t)(random_u64() % (uint64_t)spread), 1);
    arm();
    mutex_unlock(&igmp_lock);
}

static void receive(struct packet *packet)
{
    uint8_t bytes[512];
    unsigned n = MIN(packet->total, (unsigned)sizeof(bytes));
    struct igmp_query query;
    bool good = checksum_fold(packet_sum(0, packet, 0, packet->total)) == 0;
    if (good && packet_read(packet, 0, bytes, n) && igmp_query_parse(bytes, n, &query) &&
        packet->netif->type != ARPHRD_LOOPBACK)
        take_query(packet->netif, &query);
    packet_free(packet);
}

static int start(void)
{
    static const struct ip_protocol igmp = {.number = IPPROTO_IGMP, .receive = receive, .v4 = true};
    call.fn = run;
    timer_init(&timer, fire);
    ip_protocol_register(&igmp);
    return 0;
}
BOOT_STEP(PHASE_BUS, "IGMP", start);
