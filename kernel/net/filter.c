#include "net/filter.h"

#include "core/mutex.h"
#include "core/random.h"
#include "core/rcu.h"
#include "lib/bpf.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/netif.h"

struct socket_filter {
    struct rcu_head rcu;
    unsigned n;
    struct bpf_insn insns[];
};
/* struct sock_fprog */
struct program {
    uint16_t n;
    uint64_t insns;
};

static struct mutex checking; /* bpf_packet_valid() lets one in at a time */

static void free_filter(struct rcu_head *head)
{
    kfree(container_of(head, struct socket_filter, rcu));
}

static void replace(struct socket *socket, struct socket_filter *filter)
{
    struct socket_filter *old = socket->filter;
    rcu_store(socket->filter, filter);
    socket_filter_drop(old);
}

static bool is_valid(const struct socket_filter *filter)
{
    mutex_lock(&checking);
    bool valid = bpf_packet_valid(filter->insns, filter->n);
    mutex_unlock(&checking);
    return valid;
}

int socket_filter_make(const void *value, size_t len, struct socket_filter **made)
{
    struct program program;
    if (len != sizeof(program))
        return -EINVAL;
    memcpy(&program, value, sizeof(program));
    if (!program.n || program.n > BPF_MAX || !program.insns)
        return -EINVAL;
    size_t size = program.n * sizeof(struct bpf_insn);
    struct socket_filter *filter = kmalloc(sizeof(*filter) + size);
    if (!filter)
        return -ENOMEM;
    filter->n = program.n;
    int err = user_read(filter->insns, program.insns, size);
    if (!err && !is_valid(filter))
        err = -EINVAL;
    if (err)
        kfree(filter);
    else
        *made = filter;
    return err;
}

void socket_filter_drop(struct socket_filter *filter)
{
    if (filter)
        rcu_call(&filter->rcu, free_filter);
}

int socket_filter_attach(struct socket *socket, const void *value, size_t len)
{
    struct socket_filter *filter;
    if (len == sizeof(struct program) && socket_flag(socket, SO_LOCK_FILTER))
        return -EPERM;
    int err = socket_filter_make(value, len, &filter);
    if (!err)
        replace(socket, filter);
    return err;
}

int socket_filter_detach(struct socket *socket)
{
    if (socket_flag(socket, SO_LOCK_FILTER))
        return -EPERM;
    if (!socket->filter)
        return -ENOENT;
    replace(socket, NULL);
    return 0;
}

int socket_filter_get(const struct socket *socket, uintptr_t to, size_t room)
{
    const struct socket_filter *filter = socket->filter;
    if (!filter || !room)
        return filter ? (int)filter->n : 0;
    if (room < filter->n)
        return -EINVAL;
    size_t size = filter->n * sizeof(struct bpf_insn);
    return user_write(to, filter->insns, size) < 0 ? -EFAULT : (int)filter->n;
}

unsigned socket_filter_peek(const struct socket *socket, const void **insns)
{
    const struct socket_filter *filter = rcu_load(socket->filter);
    *insns = filter ? filter->insns : NULL;
    return filter ? filter->n * (unsigned)sizeof(struct bpf_insn) : 0;
}

void socket_filter_free(struct socket *socket)
{
    if (socket->filter)
        replace(socket, NULL);
}

/* --- running
 * ---------------------------------------------------------------------------------------------- */

struct view {
    struct bpf_packet bpf; /* first */
    const struct packet *packet;
};

static const struct packet *packet_of(const struct bpf_packet *bpf)
{
    return container_of(bpf, struct view, bpf)->packet;
}

/* Headers that data has moved past are still there, in the first piece's buffer. */
static bool read_from(const struct packet *packet, const uint8_t *header, uint32_t offset,
                      void *buf, unsigned n)
{
    if (!header)
        return false;
    int64_t at = (int64_t)offset - (packet->data - header);
    if (at >= 0)
        return at <= UINT32_MAX && packet_read(packet, (unsigned)at, buf, n);
    if (at + n > 0)
        return false;
    memcpy(buf, header + offset, n);
    return true;
}

static bool read_packet(const struct bpf_packet *bpf, uint32_t offset, void *buf, unsigned n)
{
    const struct packet *packet = packet_of(bpf);
    if (offset >= BPF_NETWORK)
        return read_from(packet, packet->network, offset - BPF_NETWORK, buf, n);
    if (offset >= BPF_LINK)
        return read_from(packet, packet->link, offset - BPF_LINK, buf, n);
    return packet_read(packet, offset, buf, n);
}

static uint32_t ancillary(const struct bpf_packet *bpf, unsigned which, uint32_t x)
{
    const struct packet *packet = packet_of(bpf);
    switch (which) {
    case BPF_ANCILLARY_PROTOCOL:
        return packet->protocol;
    case BPF_ANCILLARY_KIND:
        return packet->kind;
    case BPF_ANCILLARY_IFINDEX:
        return packet->netif ? packet->netif->index : 0;
    case BPF_ANCILLARY_TYPE:
        return packet->netif ? packet->netif->type : 0;
    case BPF_ANCILLARY_HASH:
        return packet->hash;
    case BPF_ANCILLARY_CPU:
        return this_cpu()->id;
    case BPF_ANCILLARY_RANDOM:
        return (uint32_t)random_u64();
    case BPF_ANCILLARY_MARK:
        return packet->mark;
    case BPF_ANCILLARY_VLAN:
        return packet->vlan ? get_le16(packet->scratch) : 0;
    case BPF_ANCILLARY_VLAN_PRESENT:
        return packet->vlan != 0;
    case BPF_ANCILLARY_VLAN_PROTOCOL:
        return packet->vlan;
    default: /* queues */
        return 0;
    }
}

uint32_t socket_filter_run(const struct socket *socket, const struct packet *packet)
{
    const struct socket_filter *filter = rcu_load(socket->filter);
    if (!filter)
        return UINT32_MAX;
    struct view view = {{packet->total, read_packet, ancillary}, packet};
    return bpf_packet_run(filter->insns, &view.bpf);
}

uint32_t socket_filter_ask(const struct socket_filter *filter, const struct packet *packet,
                           unsigned skip)
{
    struct packet rest = *packet;
    packet_pull(&rest, MIN(skip, rest.len));
    struct view view = {{rest.total, read_packet, ancillary}, &rest};
    return bpf_packet_run(filter->insns, &view.bpf);
}

size_t socket_filter_bytes(const struct socket *socket, const void *data, size_t len)
{
    const struct socket_filter *filter = rcu_load(socket->filter);
    struct packet bytes = {.data = (uint8_t *)data, .len = (uint32_t)len, .total = (uint32_t)len};
    return filter ? MIN(socket_filter_ask(filter, &bytes, 0), len) : len;
}

bool socket_filter_packet(const struct socket *socket, struct packet *packet, unsigned least)
{
    uint32_t keep = socket_filter_run(socket, packet);
    if (!keep)
        return false;
    keep = MAX(keep, least);
    if (keep < packet->total)
        packet_trim(packet, keep);
    return true;
}
