/* net/packet_fanout.c: PACKET_FANOUT (man 7 packet): sockets among which what arrives is shared
 * out. A group has one tap, and a place in its table for each member. */
#include "core/random.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/filter.h"
#include "net/ip_core.h"
#include "net/packet_socket.h"

enum { HASH, LOAD_BALANCE, CPU, ROLLOVER, RANDOM, QUEUE, CBPF, EBPF };
enum { /* flags, as they stand in the upper byte */
       FLAG_ROLLOVER = 0x10,
       FLAG_UNIQUE = 0x20,
       FLAG_IGNORE_OUTGOING = 0x40,
       FLAG_DEFRAGMENT = 0x80,
};
enum { MEMBERS_DEFAULT = 256, MEMBERS_MAX = 1 << 16, ROOM_SHIFT = 2 };

/* struct fanout_args */
struct request {
    uint16_t id;
    uint8_t type, flags;
    uint32_t most;
};

struct packet_group {
    struct list link; /* in all_groups */
    struct netif_tap tap;
    uint16_t id, protocol;
    uint8_t type, flags;
    bool ignore_outgoing;
    unsigned n, most; /* members; changed under packet_sockets_lock */
    atomic_uint turn;
    struct socket_filter *filter; /* CBPF; RCU */
    struct packet_socket
        *members[]; /* those from n on may still be in use, until RCU's readers end */
};

static struct list all_groups = LIST_INIT(all_groups);

/* --- choosing
 * --------------------------------------------------------------------------------------------- */

static uint32_t mix(uint32_t hash, uint32_t word)
{
    uint64_t mixed = (uint64_t)(hash ^ word) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) ^ (uint32_t)mixed;
}

uint32_t packet_flow_hash(const struct packet *packet, unsigned link)
{
    static uint32_t key;
    unsigned at = link ? ETH_HLEN : 0, end = at + 40, protocol = 0;
    uint8_t ip[40], ports[4] = {};
    bool v4 = packet->protocol == ETH_P_IP, v6 = packet->protocol == ETH_P_IPV6;
    if (!key)
        key = (uint32_t)random_u64() | 1;
    uint32_t hash = key ^ packet->protocol;
    if (v4 && packet_read(packet, at, ip, 20)) {
        hash = mix(hash, get_le32(ip + 12) ^ get_le32(ip + 16));
        end = at + (ip[0] & 15) * 4u;
        protocol = get_be16(ip + 6) & 0x3fff ? 0 : ip[9]; /* fragments have no ports */
    } else if (v6 && packet_read(packet, at, ip, 40)) {
        for (unsigned i = 8; i < 24; i += 4)
            hash = mix(hash, get_le32(ip + i) ^ get_le32(ip + i + 16));
        protocol = ip[6];
    }
    if ((protocol == 6 || protocol == 17) && packet_read(packet, end, ports, sizeof(ports)))
        hash = mix(hash, protocol << 16 | (uint32_t)(get_le16(ports) ^ get_le16(ports + 2)));
    return hash ? hash : 1;
}

enum room { NONE, LOW, NORMAL };

static enum room room_of(const struct packet_socket *p, const struct packet *packet)
{
    if (p->rings[RING_RECEIVE])
        return packet_ring_has_room(p, ROOM_SHIFT) ? NORMAL
               : packet_ring_has_room(p, 0)        ? LOW
                                                   : NONE;
    size_t most = p->socket.receive_buffer, used = p->charged + packet->total + PACKET_COST;
    return used >= most ? NONE : most - used > most >> ROOM_SHIFT ? NORMAL : LOW;
}

static enum room look_for_room(struct packet_socket *p, const struct packet *packet)
{
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    enum room room = room_of(p, packet);
    spin_unlock_irq(&p->queue_lock, flags);
    return room;
}

/* Is more than half of what came to the member of the same flow? Notes the packet. */
static bool is_huge(struct packet_rollover *r, uint32_t hash)
{
    unsigned same = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(r->history); i++)
        same += r->history[i] == hash;
    r->history[random_u64() % ARRAY_SIZE(r->history)] = hash;
    return same > ARRAY_SIZE(r->history) / 2;
}

/* The member at `index`, if it (self) has room, or else the next one that has. */
static unsigned roll_over(struct packet_group *g, const struct packet *packet, uint32_t hash,
                          unsigned index, bool self, unsigned n)
{
    struct packet_socket *p = g->members[index];
    struct packet_rollover *r = p->rollover;
    enum room room = self ? look_for_room(p, packet) : NONE;
    if (!r || room == NORMAL || (room == LOW && !is_huge(r, hash)))
        return index;
    unsigned first = MIN(r->last, n - 1), i = first;
    do {
        if ((!self || g->members[i] != p) && look_for_room(g->members[i], packet) == NORMAL) {
            r->last = i;
            r->stats[0]++;
            r->stats[1] += room == LOW;
            return i;
        }
        if (++i == n)
            i = 0;
    } while (i != first);
    r->stats[2]++;
    return index;
}

/* The bytes of the link header that it is at. */
static unsigned at_link(const struct packet *packet)
{
    return packet->netif->type == ARPHRD_ETHER || packet->link == packet->data ? ETH_HLEN : 0;
}

/* The program sees what arrives from the network header on, what leaves from the link header on. */
static unsigned ask_program(const struct packet_group *g, const struct packet *packet,
                            bool outgoing)
{
    const struct socket_filter *filter = rcu_load(g->filter);
    unsigned link = at_link(packet);
    if (!filter)
        return 0;
    if (!outgoing || link)
        return socket_filter_ask(filter, packet, outgoing ? 0 : link);
    struct packet *raw = packet_raw_view(packet);
    unsigned answer = raw ? socket_filter_ask(filter, raw, 0) : 0;
    packet_free(raw);
    return answer;
}

static unsigned choose(struct packet_group *g, const struct packet *packet, bool outgoing,
                       unsigned n)
{
    unsigned link = at_link(packet);
    uint32_t hash = packet_flow_hash(packet, link);
    unsigned index;
    switch (g->type) {
    case LOAD_BALANCE:
        index = (atomic_fetch_add_explicit(&g->turn, 1, memory_order_relaxed) + 1) % n;
        break;
    case CPU:
        index = this_cpu()->id % n;
        break;
    case ROLLOVER:
        return roll_over(g, packet, hash, 0, false, n);
    case RANDOM:
        index = (unsigned)(random_u64() % n);
        break;
    case QUEUE: /* each processor has a queue of a device; lo has one */
        index = packet->netif->type == ARPHRD_LOOPBACK ? 0 : this_cpu()->id % n;
        break;
    case CBPF:
    case EBPF:
        index = ask_program(g, packet, outgoing) % n;
        break;
    default:
        index = (unsigned)((uint64_t)hash * n >> 32);
    }
    return g->flags & FLAG_ROLLOVER ? roll_over(g, packet, hash, index, true, n) : index;
}

static bool is_own(const struct packet_group *g, const struct packet *packet, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (packet_is_own(g->members[i], packet))
            return true;
    return false;
}

/* Is it a fragment whose header is sound? The bytes of that, and *total of the packet. */
static unsigned fragment_header(const struct packet *packet, unsigned at, unsigned *total)
{
    uint8_t ip[20];
    if (packet->protocol != ETH_P_IP || !packet_read(packet, at, ip, sizeof(ip)))
        return 0;
    unsigned header = (ip[0] & 15) * 4u;
    *total = get_be16(ip + 2);
    return ip[0] >> 4 == 4 && header >= 20 && *total > header && *total <= packet->total - at &&
                   get_be16(ip + 6) & 0x3fff
               ? header
               : 0;
}

/* Takes a fragment (at its link header if `link`), and gives the whole when that is there. */
static struct packet *join_fragments(struct packet_group *g, struct packet *packet, unsigned link,
                                     unsigned header, unsigned total)
{
    packet_skip(packet, link);
    packet_trim(packet, total);
    if (!packet_pull_up(packet, header)) {
        packet_free(packet);
        return NULL;
    }
    packet->network = packet->data;
    packet_pull(packet, header);
    struct packet *whole = ipv4_reassemble(packet, g);
    if (!whole)
        return NULL;
    bool lost = link && whole->link + link != whole->network;
    packet_push(whole, (unsigned)(whole->data - whole->network) + (lost ? 0 : link));
    if (lost) {
        packet_free(whole);
        return NULL;
    }
    return whole;
}

static void share_out(struct packet_group *g, const struct packet *packet, bool outgoing,
                      unsigned n)
{
    packet_take(g->members[choose(g, packet, outgoing, n)], packet, outgoing);
}

static void share_out_whole(struct packet_group *g, const struct packet *packet, bool outgoing,
                            unsigned n)
{
    unsigned link = at_link(packet), total, header = fragment_header(packet, link, &total);
    struct packet *whole = header ? packet_clone(packet) : NULL;
    if (whole)
        whole = join_fragments(g, whole, link, header, total);
    if (whole || !header)
        share_out(g, whole ? whole : packet, outgoing, n);
    packet_free(whole);
}

static void seen(struct netif_tap *tap, const struct packet *packet, bool outgoing)
{
    struct packet_group *g = container_of(tap, struct packet_group, tap);
    unsigned n = __atomic_load_n(&g->n, __ATOMIC_ACQUIRE);
    if (!n || (outgoing && (g->ignore_outgoing || is_own(g, packet, n))))
        return;
    if (packet_wants(g->protocol, packet, outgoing))
        (g->flags & FLAG_DEFRAGMENT ? share_out_whole : share_out)(g, packet, outgoing, n);
}

static void netif_went_down(struct netif_tap *tap)
{
    struct packet_group *g = container_of(tap, struct packet_group, tap);
    for (unsigned i = 0; i < g->n; i++)
        g->members[i]->tap.down(&g->members[i]->tap);
}

/* --- members
 * ---------------------------------------------------------------------------------------------- */

static struct packet_group *find_group(unsigned id)
{
    list_for_each_entry (struct packet_group, g, &all_groups, link)
        if (g->id == id)
            return g;
    return NULL;
}

static bool find_id(uint16_t *id)
{
    static uint16_t last;
    for (unsigned i = 0; i <= UINT16_MAX; i++)
        if (!find_group(++last)) {
            *id = last;
            return true;
        }
    return false;
}

static struct packet_group *make_group(const struct packet_socket *p, const struct request *r)
{
    unsigned most = r->most ? r->most : MEMBERS_DEFAULT;
    struct packet_group *g = kzalloc(sizeof(*g) + most * sizeof(g->members[0]));
    if (!g)
        return NULL;
    g->id = r->id;
    g->type = r->type;
    g->flags = r->flags & (uint8_t)~FLAG_UNIQUE;
    g->ignore_outgoing = r->flags & FLAG_IGNORE_OUTGOING;
    g->most = most;
    g->protocol = p->protocol;
    g->tap = (struct netif_tap){.netif = p->netif, .seen = seen, .down = netif_went_down};
    list_add(&all_groups, &g->link);
    return g;
}

static void put_group(struct packet_group *g)
{
    if (g->n)
        return;
    list_del(&g->link);
    socket_filter_drop(g->filter);
    kfree(g);
}

static void enter(struct packet_group *g, struct packet_socket *p)
{
    g->members[g->n] = p;
    __atomic_store_n(&g->n, g->n + 1, __ATOMIC_RELEASE);
    if (g->n == 1)
        netif_tap_add(&g->tap);
}

static int join(struct packet_socket *p, const struct request *r, struct packet_rollover *rollover)
{
    struct packet_group *g = find_group(r->id);
    if (g && (g->flags != (r->flags & ~FLAG_UNIQUE) || (r->most && r->most != g->most)))
        return -EINVAL;
    if (!g && r->most > MEMBERS_MAX)
        return -EINVAL;
    if (!g && !(g = make_group(p, r)))
        return -ENOMEM;
    int err = -EINVAL;
    if (p->tapped && g->type == r->type && g->protocol == p->protocol && g->tap.netif == p->netif)
        err = g->n < g->most ? 0 : -ENOSPC;
    if (!err) {
        netif_tap_remove(&p->tap);
        p->group = g;
        p->rollover = rollover;
        enter(g, p);
    }
    put_group(g);
    return err;
}

int packet_fanout_join(struct packet_socket *p, const void *value, size_t len)
{
    struct request r = {};
    struct packet_rollover *rollover = NULL;
    if (len != sizeof(r) && len != sizeof(r) - sizeof(r.most))
        return -EINVAL;
    memcpy(&r, value, len);
    if (r.type > EBPF || (r.type == ROLLOVER && r.flags & FLAG_ROLLOVER))
        return -EINVAL;
    if (p->group)
        return -EALREADY;
    if (r.type == ROLLOVER || r.flags & FLAG_ROLLOVER) {
        rollover = kzalloc(sizeof(*rollover));
        if (!rollover)
            return -ENOMEM;
    }
    mutex_lock(&packet_sockets_lock);
    int err = 0;
    if (r.flags & FLAG_UNIQUE)
        err = r.id ? -EINVAL : find_id(&r.id) ? 0 : -ENOMEM;
    if (!err)
        err = join(p, &r, rollover);
    mutex_unlock(&packet_sockets_lock);
    if (err)
        kfree(rollover);
    return err;
}

void packet_fanout_leave(struct packet_socket *p)
{
    struct packet_group *g = p->group;
    unsigned i = 0;
    mutex_lock(&packet_sockets_lock);
    while (g->members[i] != p)
        i++;
    g->members[i] = g->members[g->n - 1];
    __atomic_store_n(&g->n, g->n - 1, __ATOMIC_RELEASE);
    if (g->n == 0)
        netif_tap_remove(&g->tap); /* waits, as below */
    else
        rcu_synchronize();
    put_group(g);
    p->group = NULL;
    p->tapped = false;
    mutex_unlock(&packet_sockets_lock);
    kfree(p->rollover);
}

int packet_fanout_set_data(struct packet_socket *p, const void *value, size_t len)
{
    struct packet_group *g = p->group;
    struct socket_filter *filter, *old;
    if (!g || g->type < CBPF)
        return -EINVAL;
    if (socket_flag(&p->socket, SO_LOCK_FILTER))
        return -EPERM;
    if (g->type == EBPF)
        return len == sizeof(int) ? -EOPNOTSUPP : -EINVAL;
    int err = socket_filter_make(value, len, &filter);
    if (err)
        return err;
    mutex_lock(&packet_sockets_lock);
    old = g->filter;
    rcu_store(g->filter, filter);
    mutex_unlock(&packet_sockets_lock);
    socket_filter_drop(old);
    return 0;
}

uint32_t packet_fanout_number(const struct packet_socket *p)
{
    const struct packet_group *g = p->group;
    return g ? g->id | (uint32_t)g->type << 16 | (uint32_t)g->flags << 24 : 0;
}
