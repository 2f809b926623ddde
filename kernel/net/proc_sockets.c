/* net/proc_sockets.c: sockets in /proc/net. */
#include "lib/string.h"
#include "net/inet_view.h"
#include "net/ip_core.h"
#include "net/netlink.h"
#include "net/packet_socket.h"
#include "net/proc_net.h"
#include "net/tcp.h"
#include "net/unix.h"

enum { WIDTH_TCP = 149, WIDTH_UDP = 127, LINE = 256, NO_SSTHRESH = 0x7fffffff };
#define POINTER "0000000000000000" /* where Linux has a hashed one */

static const char header6[] =
    "  sl  local_address                         remote_address                        st tx_queue "
    "rx_queue tr tm->when retrnsmt   uid  timeout inode";

/* --- Internet
 * ---------------------------------------------------------------------------------------------------
 */

/* "0F02000A:0050", and for IPv6 four such words. */
static void put_end(char *buf, size_t size, const struct inet_view *v, bool remote)
{
    struct inet_addr a = inet_view_address(v, remote ? &v->remote : &v->local);
    unsigned port = remote ? v->remote_port : v->local_port;

    if (v->v6)
        snprintf(buf, size, "%08X%08X%08X%08X:%04X", a.words[0], a.words[1], a.words[2], a.words[3],
                 port);
    else
        snprintf(buf, size, "%08X:%04X", inet_v4_of(&a), port);
}

/* What all kinds begin with; width is that of the number. */
static int put_start(char *line, const struct inet_view *v, unsigned n, int width)
{
    char local[48], remote[48];

    put_end(local, sizeof(local), v, false);
    put_end(remote, sizeof(remote), v, true);
    return snprintf(line, LINE, "%*u: %s %s %02X %08X:%08X %02X:%08lX %08X", width, n, local,
                    remote, v->d.state, v->d.send_queue, v->d.receive_queue, v->d.timer,
                    (unsigned long)(v->d.timer_ms + 9) / 10, v->d.retransmits);
}

void proc_put_padded(struct text *text, const char *line, unsigned width)
{
    text_printf(text, "%-*s\n", (int)width, line);
}

static void put_stream(struct text *text, const struct inet_view *v, unsigned n)
{
    char line[LINE];
    const struct inet_description *d = &v->d;
    int at = put_start(line, v, n, 4);
    bool listens = d->state == INET_STATE_LISTEN;

    if (!v->socket)
        snprintf(line + at, LINE - (size_t)at, " %5d %8d %d %u %s", 0, 0, 0, v->refs, POINTER);
    else
        snprintf(line + at, LINE - (size_t)at, " %5u %8u %lu %u %s %u %u %u %u %d", v->uid,
                 d->probes, v->ino, v->refs, POINTER, d->rto_ms / 10, d->ato_ms / 10,
                 d->quick << 1 | d->pingpong, d->cwnd,
                 listens                      ? 0
                 : d->ssthresh >= NO_SSTHRESH ? -1
                                              : (int)d->ssthresh);
    proc_put_padded(text, line, v->v6 ? 0 : WIDTH_TCP);
}

/* Listeners first, as netstat shows them. */
int proc_show_stream(struct text *text, const struct pseudo *self)
{
    bool v6 = self->entry->arg;
    struct inet_views all;
    unsigned n = 0;
    int err = inet_views_get(&all, IPPROTO_TCP);

    if (v6)
        text_printf(text, "%s\n", header6);
    else
        proc_put_padded(text,
                        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
                        "retrnsmt   uid  timeout inode",
                        WIDTH_TCP);
    for (unsigned listening = 2; listening-- > 0;)
        for (unsigned i = 0; i < all.n; i++)
            if (all.views[i].v6 == v6 &&
                (all.views[i].d.state == INET_STATE_LISTEN) == (bool)listening)
                put_stream(text, &all.views[i], n++);
    inet_views_put(&all);
    return err;
}

static void put_datagram(struct text *text, struct inet_view *v, unsigned n, unsigned kind)
{
    char line[LINE];
    bool raw = kind == PROC_RAW || kind == PROC_RAW6;

    if (raw) {
        v->local_port = (uint16_t)v->socket->proto->number;
        v->remote_port = 0;
        if (v->socket->socket.protocol)
            v->local_port = (uint16_t)v->socket->socket.protocol;
    }
    int at = put_start(line, v, raw ? n : v->local_port, raw && !v->v6 ? 4 : 5);
    snprintf(line + at, LINE - (size_t)at, " %5u %8d %lu %u %s %u", v->uid, 0, v->ino, v->refs,
             POINTER, v->drops);
    proc_put_padded(text, line, kind == PROC_UDP || kind == PROC_ICMP ? WIDTH_UDP : 0);
}

static void put_datagram_header(struct text *text, unsigned kind)
{
    static const char columns[] = "sl  local_address rem_address   st tx_queue rx_queue tr "
                                  "tm->when retrnsmt   uid  timeout inode ref pointer drops";
    char line[LINE];

    if (kind & 1) {
        text_printf(text, "%s ref pointer drops\n", header6);
        return;
    }
    snprintf(line, sizeof(line), "%s%s", kind == PROC_RAW ? "  " : "   ", columns);
    proc_put_padded(text, line, kind == PROC_RAW ? 0 : WIDTH_UDP);
}

int proc_show_datagram(struct text *text, const struct pseudo *self)
{
    unsigned kind = (unsigned)self->entry->arg, n = 0;
    bool v6 = kind & 1, udp = kind == PROC_UDP || kind == PROC_UDP6;
    struct inet_views all;
    int err = udp ? inet_views_get(&all, IPPROTO_UDP)
                  : inet_views_get_raw(&all, kind == PROC_ICMP || kind == PROC_ICMP6);

    put_datagram_header(text, kind);
    for (unsigned i = 0; i < all.n; i++)
        if (all.views[i].v6 == v6)
            put_datagram(text, &all.views[i], n++, kind);
    inet_views_put(&all);
    return err;
}

/* --- others
 * -----------------------------------------------------------------------------------------------------
 */

static bool put_unix(const struct unix_view *v, void *arg)
{
    enum { ACCEPTS = 0x10000, UNCONNECTED = 1, CONNECTED = 3 };
    struct text *text = arg;
    bool listens = v->state == UNIX_LISTENING;

    text_printf(text, "%s: %08X %08X %08X %04X %02X %5lu", POINTER, v->refs + 1, 0,
                listens ? ACCEPTS : 0, v->type,
                v->state == UNIX_CONNECTED ? CONNECTED : UNCONNECTED, v->ino);
    if (v->name_len)
        text_printf(text, " ");
    for (unsigned i = 0; i < v->name_len; i++)
        text_printf(text, "%c", v->name[i] ? v->name[i] : '@');
    text_printf(text, "\n");
    return !text->failed;
}

int proc_show_unix(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_each(put_unix, text);
    return 0;
}

static bool put_packet(struct packet_socket *p, void *arg)
{
    const struct socket *socket = &p->socket;

    text_printf(arg, "%s %-6d %-4d %04x   %-5u %1d %-6lu %-6u %-6lu\n", POINTER, 2, socket->type,
                p->protocol, p->netif ? p->netif->index : 0, packet_is_running(p), p->charged,
                socket->cred.uid, socket->ino);
    return true;
}

int proc_show_packet(struct text *text, const struct pseudo *self)
{
    text_printf(text, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    packet_each(put_packet, text);
    return 0;
}

static bool put_netlink(struct netlink *n, void *arg)
{
    text_printf(arg, "%s %-3d %-10u %08x %-8lu %-8d %-5d %-8d %-8u %-8lu\n", POINTER,
                n->socket.protocol, n->port, (uint32_t)n->groups, n->queued_bytes, 0,
                n->dumping > 0, 2, n->drops, n->socket.ino);
    return true;
}

int proc_show_netlink(struct text *text, const struct pseudo *self)
{
    text_printf(text, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    "
                      "Drops    Inode\n");
    netlink_each(put_netlink, text);
    return 0;
}

/* --- numbers
 * ----------------------------------------------------------------------------------------------------
 */

/* How many there are of a transport, by family; those left over from TCP apart. */
struct census {
    unsigned in_use[2], waiting[2];
    uint64_t bytes;
};

static void take_census(unsigned protocol, struct census *c)
{
    struct inet_views all;
    int err =
        protocol == IPPROTO_RAW ? inet_views_get_raw(&all, false) : inet_views_get(&all, protocol);

    *c = (struct census){};
    for (unsigned i = 0; !err && i < all.n; i++) {
        const struct inet_view *v = &all.views[i];
        ++*(v->socket ? &c->in_use[v->v6] : &c->waiting[v->v6]);
        c->bytes += v->d.send_queue + v->d.receive_queue;
    }
    inet_views_put(&all);
}

int proc_show_sockstat(struct text *text, const struct pseudo *self)
{
    struct census tcp, udp, raw;
    bool v6 = self->entry->arg;
    unsigned queues = 0;

    take_census(IPPROTO_TCP, &tcp);
    take_census(IPPROTO_UDP, &udp);
    take_census(IPPROTO_RAW, &raw);
    if (v6) {
        text_printf(text,
                    "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\n"
                    "FRAG6: inuse 0 memory 0\n",
                    tcp.in_use[1], udp.in_use[1], raw.in_use[1]);
        return 0;
    }
    text_printf(text, "sockets: used %u\n", atomic_load(&socket_count));
    text_printf(text, "TCP: inuse %u orphan %u tw %u alloc %u mem %lu\n", tcp.in_use[0],
                atomic_load(&tcp_orphans), tcp_time_wait_count(), tcp.in_use[0] + tcp.in_use[1],
                (atomic_load(&tcp_memory) + PAGE_SIZE - 1) / PAGE_SIZE);
    text_printf(text, "UDP: inuse %u mem %lu\nUDPLITE: inuse 0\nRAW: inuse %u\n", udp.in_use[0],
                (udp.bytes + PAGE_SIZE - 1) / PAGE_SIZE, raw.in_use[0]);
    size_t memory = ip_fragment_memory(&queues);
    text_printf(text, "FRAG: inuse %u memory %lu\n", queues, memory);
    return 0;
}

static void put_protocol(struct text *text, const char *name, unsigned size, unsigned n)
{
    text_printf(text, "%-9s %4u %6u  %6d   %-3s %6u   %-3s  %-10s", name, size, n, -1, "NI", 0,
                "no", "kernel");
    for (unsigned i = 0; i < 19; i++)
        text_printf(text, " %2c", 'n');
    text_printf(text, "\n");
}

int proc_show_protocols(struct text *text, const struct pseudo *self)
{
    static const struct {
        const char *name;
        unsigned protocol;
        bool v6;
    } rows[] = {{"RAWv6", IPPROTO_RAW, true}, {"UDPv6", IPPROTO_UDP, true},
                {"TCPv6", IPPROTO_TCP, true}, {"RAW", IPPROTO_RAW, false},
                {"UDP", IPPROTO_UDP, false},  {"TCP", IPPROTO_TCP, false}};
    struct census c;

    text_printf(text, "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io "
                      "in de sh ss gs se re bi br ha uh gp em\n");
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        take_census(rows[i].protocol, &c);
        put_protocol(text, rows[i].name, sizeof(struct inet_socket), c.in_use[rows[i].v6]);
    }
    put_protocol(text, "UNIX", sizeof(struct unix_socket), unix_count());
    return 0;
}
