/* The virtio network driver: the control queue (virtio 1.2, 5.1.6.5).
 *
 * Whoever wants the device to know something sets a bit; one command at a time is under way, built
 * from the state at that time, and the answer's interrupt starts the next. So nobody waits, unless
 * the caller wants to know how it went. */

#include "core/clock.h"
#include "core/log.h"
#include "drivers/net/virtio_net.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { CLASS_RX, CLASS_MAC, CLASS_VLAN, CLASS_ANNOUNCE, CLASS_MQ };
enum { RX_PROMISC, RX_ALLMULTI };
enum { MAC_TABLE_SET, MAC_ADDR_SET };
enum { ANNOUNCE_ACK };
enum { MQ_PAIRS_SET };
enum { ACK_OK, ACK_NONE = 0xff };
enum { QUEUE_SIZE = 16 };
enum { ANSWER_NS = 2000000000 };

/* The hardware address of a multicast group (RFC 1112, 6.4; RFC 2464, 7). */
static void group_mac(const struct inet_addr *group, uint8_t mac[ETH_ALEN])
{
    const uint8_t *b = group->bytes + 12;
    if (inet_is_v4(group))
        memcpy(mac, (const uint8_t[]){1, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}, ETH_ALEN);
    else
        memcpy(mac, (const uint8_t[]){0x33, 0x33, b[0], b[1], b[2], b[3]}, ETH_ALEN);
}

/* The table: a count of own addresses (none: the device knows its own) and the groups'. The length,
 * or 0 if there are too many. */
static unsigned fill_table(struct net_device *net, uint8_t *data)
{
    unsigned n = 0;
    put_le32(data, 0);
    rcu_read_lock();
    list_for_each_entry (struct netif_group, group, &net->netif.groups, link) {
        if (n == CONTROL_MACS_MAX) {
            rcu_read_unlock();
            return 0;
        }
        group_mac(&group->group, data + 8 + ETH_ALEN * n++);
    }
    rcu_read_unlock();
    put_le32(data + 4, n);
    return 8 + ETH_ALEN * n;
}

/* One command for the lowest bit wanted; its data's length, or -1: nothing to say after all. */
static int fill_command(struct net_device *net, unsigned what)
{
    struct net_control *control = &net->control;
    uint8_t *data = control->message->data;
    unsigned flags = atomic_load_explicit(&net->netif.flags, memory_order_relaxed), len;
    control->message->class = CLASS_RX;
    switch (what) {
    case CONTROL_PAIRS:
        control->message->class = CLASS_MQ;
        control->message->command = MQ_PAIRS_SET;
        put_le16(data, net->npairs);
        return 2;
    case CONTROL_MAC:
        control->message->class = CLASS_MAC;
        control->message->command = MAC_ADDR_SET;
        memcpy(data, control->mac, ETH_ALEN);
        return ETH_ALEN;
    case CONTROL_MODE:
        control->message->command = RX_PROMISC;
        *data = flags & IFF_PROMISC ? 1 : 0;
        return 1;
    case CONTROL_ALLMULTI:
        control->message->command = RX_ALLMULTI;
        *data = control->all_multicast || flags & IFF_ALLMULTI;
        return 1;
    case CONTROL_TABLE:
        control->message->class = CLASS_MAC;
        control->message->command = MAC_TABLE_SET;
        len = fill_table(net, data);
        if (control->all_multicast != (len == 0)) {
            control->all_multicast = len == 0;
            control->wanted |= CONTROL_ALLMULTI;
        }
        return len ? (int)len : -1;
    default:
        control->message->class = CLASS_ANNOUNCE;
        control->message->command = ANNOUNCE_ACK;
        return 0;
    }
}

/* Class and command, data if there are any, room for the answer. */
static int send_command(struct net_control *control, unsigned len)
{
    struct virtio_buffer segments[3] = {{&control->message->class, 2}};
    unsigned n = 1;
    if (len)
        segments[n++] = (struct virtio_buffer){control->message->data, len};
    control->message->ack = ACK_NONE;
    segments[n] = (struct virtio_buffer){&control->message->ack, 1};
    return virtqueue_add(control->queue, segments, n, 1, control);
}

/* Start what is wanted next. The lock is held. */
static void pump(struct net_device *net)
{
    struct net_control *control = &net->control;
    while (!control->asked && control->wanted) {
        unsigned what = control->wanted & -control->wanted;
        control->wanted &= ~what;
        int len = fill_command(net, what);
        if (len < 0)
            continue;
        if (send_command(control, len) < 0) {
            control->failed |= what;
            continue;
        }
        control->asked = what;
        virtqueue_kick(control->queue);
    }
}

static void answered(struct net_device *net, unsigned what, bool good)
{
    if (good)
        net->control.failed &= ~what;
    else
        net->control.failed |= what;
    if (what == CONTROL_PAIRS && good)
        atomic_store_explicit(&net->nactive, net->npairs, memory_order_release);
    if (!good)
        log_info("virtio-net: %s: the device refuses (%#x)", net->device->place, what);
}

static void control_used(struct virtqueue *queue)
{
    struct net_device *net = virtqueue_owner(queue);
    struct net_control *control = &net->control;
    uint64_t flags = spin_lock_irq(&control->lock);
    while (virtqueue_get(queue, NULL)) {
        answered(net, control->asked, control->message->ack == ACK_OK);
        control->asked = 0;
        pump(net);
    }
    spin_unlock_irq(&control->lock, flags);
    waitqueue_wake(&control->done, 0, 0);
}

void net_control_want(struct net_device *net, unsigned what)
{
    struct net_control *control = &net->control;
    if (!control->queue)
        return;
    uint64_t flags = spin_lock_irq(&control->lock);
    control->wanted |= what;
    pump(net);
    spin_unlock_irq(&control->lock, flags);
}

static bool finished(struct net_device *net, unsigned what)
{
    struct net_control *control = &net->control;
    uint64_t flags = spin_lock_irq(&control->lock);
    bool done = !((control->wanted | control->asked) & what);
    spin_unlock_irq(&control->lock, flags);
    return done || net->device->broken;
}

int net_control_wait(struct net_device *net, unsigned what)
{
    struct net_control *control = &net->control;
    int r = WAIT_EVENT(&control->done, finished(net, what), 0, clock_monotonic() + ANSWER_NS);
    if (r < 0)
        return r;
    return net->device->broken || control->failed & what ? -EIO : 0;
}

int net_control_create(struct net_device *net)
{
    struct net_control *control = &net->control;
    waitqueue_init(&control->done);
    control->message = kzalloc(sizeof(*control->message));
    if (!control->message)
        return -ENOMEM;
    control->queue =
        virtqueue_create(net->device, 2 * net->pairs_max, QUEUE_SIZE, control_used, net);
    return control->queue ? 0 : -ENOMEM;
}
