/* The virtio network driver (virtio 1.2, 5.1): finding out what the device is, and what the stack
 * asks of an interface.
 *
 * The interface is there from the bus phase on and does nothing until somebody sets it up: then
 * buffers are offered, and with several queues each CPU gets a pair. */

#include "drivers/net/virtio_net.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { /* struct virtio_net_config, 5.1.4 */
       CONFIG_MAC = 0,
       CONFIG_STATUS = 6,
       CONFIG_PAIRS = 8,
       CONFIG_MTU = 10,
       CONFIG_SPEED = 12,
};
enum { STATUS_LINK_UP = 1, STATUS_ANNOUNCE = 2 };
enum { MTU_MIN = 68, MTU_MAX = 65535, GSO_MAX = 65536, TX_QUEUE_LEN = 1000 };
enum { ONLINE_STEP_NS = 1000000, ONLINE_STEPS = 1000 };

static uint16_t config16(struct net_device *net, unsigned offset)
{
    uint8_t bytes[2];
    net->device->ops->config_read(net->device, offset, bytes, sizeof(bytes));
    return get_le16(bytes);
}

/* --- the link ----------------------------------------------------------------------------- */

static void look_at_link(struct net_device *net)
{
    if (!net_has(net, F_STATUS)) {
        netif_link(&net->netif, true);
        return;
    }
    uint16_t status = config16(net, CONFIG_STATUS);
    netif_link(&net->netif, status & STATUS_LINK_UP);
    if (status & STATUS_ANNOUNCE && net_has(net, F_GUEST_ANNOUNCE))
        net_control_want(net, CONTROL_ANNOUNCE);
}

static void config_changed(struct virtio_device *device)
{
    struct net_device *net = device->driver;
    if (net)
        look_at_link(net);
}

static void lost(struct virtio_device *device)
{
    struct net_device *net = device->driver;
    if (net)
        netif_link(&net->netif, false);
}

/* --- what the stack asks for -------------------------------------------------------------- */

static int set_mac(struct netif *netif, const uint8_t mac[ETH_ALEN])
{
    struct net_device *net = netif->data;
    if (net_has(net, F_CTRL_MAC_ADDR) && net->control.queue) {
        uint64_t flags = spin_lock_irq(&net->control.lock);
        memcpy(net->control.mac, mac, ETH_ALEN);
        spin_unlock_irq(&net->control.lock, flags);
        net_control_want(net, CONTROL_MAC);
        return net_control_wait(net, CONTROL_MAC);
    }
    if (net_has(net, F_MAC) && net_has(net, VIRTIO_F_VERSION_1))
        return -EOPNOTSUPP; /* 5.1.4.2: read-only then */
    net->device->ops->config_write(net->device, CONFIG_MAC, mac, ETH_ALEN);
    return 0;
}

static void set_filter(struct netif *netif)
{
    struct net_device *net = netif->data;
    if (net->up && net_has(net, F_CTRL_RX))
        net_control_want(net, CONTROL_MODE | CONTROL_ALLMULTI | CONTROL_TABLE);
}

static void tell_pairs(struct net_device *net)
{
    if (net->npairs > 1)
        net_control_want(net, CONTROL_PAIRS);
}

/* Before a queue's interrupts go to its CPU, that one must listen. */
static void wait_online(const struct net_device *net)
{
    for (unsigned i = 0, step = 0; i < net->npairs && step < ONLINE_STEPS;) {
        if (atomic_load_explicit(&cpus[i]->online, memory_order_acquire)) {
            i++;
            continue;
        }
        thread_sleep_until(clock_monotonic() + ONLINE_STEP_NS, false);
        step++;
    }
}

/* -ENODEV: they share an interrupt; then they share a CPU. */
static void spread_interrupts(struct net_device *net)
{
    wait_online(net);
    for (unsigned i = 0; i < net->npairs; i++)
        if (virtqueue_set_cpu(net->pairs[i].rx, cpus[i]) == 0)
            virtqueue_set_cpu(net->pairs[i].tx, cpus[i]);
}

static int start(struct net_device *net)
{
    if (net->npairs > 1)
        spread_interrupts(net);
    for (unsigned i = 0; i < net->npairs; i++) {
        int r = net_rx_start(&net->pairs[i]);
        if (r < 0 && i == 0)
            return r;
        if (r < 0)
            net->npairs = i;
    }
    net->started = true;
    tell_pairs(net);
    return 0;
}

static int set_up(struct netif *netif, bool up)
{
    struct net_device *net = netif->data;
    int r = up && !net->started ? start(net) : 0;
    if (r < 0)
        return r;
    net->up = up;
    if (up)
        set_filter(netif);
    return 0;
}

/* What is received does not depend on it: buffers hold the largest frame there can be. */
static int set_mtu(struct netif *netif, unsigned mtu)
{
    return 0;
}

static const struct netif_ops ops = {
    .transmit = net_transmit,
    .set_mac = set_mac,
    .set_mtu = set_mtu,
    .set_filter = set_filter,
    .set_up = set_up,
};

/* --- set-up ------------------------------------------------------------------------------- */

static void read_mac(struct net_device *net)
{
    uint8_t *mac = net->netif.mac;
    if (net_has(net, F_MAC)) {
        net->device->ops->config_read(net->device, CONFIG_MAC, mac, ETH_ALEN);
        return;
    }
    random_bytes(mac, ETH_ALEN);
    mac[0] = (mac[0] & 0xfc) | 2; /* one host's, and not of a manufacturer's */
    if (!net_has(net, VIRTIO_F_VERSION_1))
        net->device->ops->config_write(net->device, CONFIG_MAC, mac, ETH_ALEN);
}

/* Without mergeable buffers a chain must hold the largest frame: no giants then, unless the device
 * says so. */
static void read_mtu(struct net_device *net)
{
    struct netif *netif = &net->netif;
    bool large = net_has(net, F_MRG_RXBUF) || net_has(net, F_GUEST_TSO4) ||
                 net_has(net, F_GUEST_TSO6) || net_has(net, F_GUEST_UFO);
    netif->mtu_min = MTU_MIN;
    netif->mtu_max = large ? MTU_MAX : ETH_MTU;
    netif->mtu = ETH_MTU;
    if (!net_has(net, F_MTU))
        return;
    unsigned mtu = config16(net, CONFIG_MTU);
    if (mtu < MTU_MIN) {
        log_info("virtio-net: %s: an MTU of %u is not believed", net->device->place, mtu);
        return;
    }
    netif->mtu_max = mtu;
    netif->mtu = mtu;
}

static void read_speed(struct net_device *net)
{
    if (!net_has(net, F_SPEED_DUPLEX))
        return;
    uint8_t bytes[4];
    net->device->ops->config_read(net->device, CONFIG_SPEED, bytes, sizeof(bytes));
    uint32_t speed = get_le32(bytes);
    net->netif.speed = speed <= 0x7fffffff ? speed : 0;
}

static void read_features(struct net_device *net)
{
    struct netif *netif = &net->netif;
    netif->features = NETIF_PIECES;
    netif->gso_max = GSO_MAX;
    if (!net_has(net, F_CSUM))
        return;
    netif->features |= NETIF_CHECKSUM;
    if (net_has(net, F_HOST_TSO4))
        netif->features |= NETIF_TSO4;
    if (net_has(net, F_HOST_TSO6))
        netif->features |= NETIF_TSO6;
    if (net_has(net, F_HOST_USO))
        netif->features |= NETIF_USO;
    if (net_has(net, F_HOST_UFO))
        netif->features |= NETIF_UFO;
}

static void read_pairs(struct net_device *net)
{
    bool modern = net_has(net, VIRTIO_F_VERSION_1);
    net->any_layout = modern || net_has(net, F_ANY_LAYOUT);
    net->mergeable = net_has(net, F_MRG_RXBUF);
    net->header_len = modern || net->mergeable ? NET_HEADER : NET_HEADER_SHORT;
    net->pairs_max = 1;
    if (net_has(net, F_MQ) && net_has(net, F_CTRL_VQ))
        net->pairs_max = MAX(config16(net, CONFIG_PAIRS), (uint16_t)1);
    net->npairs = MIN(MIN(net->pairs_max, ncpus), (unsigned)NET_PAIRS_MAX);
    atomic_init(&net->nactive, 1);
}

static int create_pair(struct net_device *net, unsigned i)
{
    struct net_pair *pair = &net->pairs[i];
    pair->net = net;
    pair->index = i;
    int r = net_rx_create(pair);
    return r < 0 ? r : net_tx_create(pair);
}

static int create_queues(struct net_device *net)
{
    net->device->queue_vectors = true;
    net->pairs = kcalloc(net->npairs, sizeof(*net->pairs));
    if (!net->pairs)
        return -ENOMEM;
    for (unsigned i = 0; i < net->npairs; i++) {
        int r = create_pair(net, i);
        if (r < 0 && i == 0)
            return r;
        if (r < 0)
            net->npairs = i;
    }
    if (net_has(net, F_CTRL_VQ) && 2 * net->pairs_max < ARRAY_SIZE(net->device->queues))
        return net_control_create(net);
    return 0;
}

static int describe(struct net_device *net)
{
    struct netif *netif = &net->netif;
    netif->ops = &ops;
    netif->type = ARPHRD_ETHER;
    netif->tx_queue_len = TX_QUEUE_LEN;
    netif->place = net->device->place;
    netif->driver = "virtio_net";
    netif->data = net;
    atomic_init(&netif->flags, IFF_BROADCAST | IFF_MULTICAST);
    memset(netif->broadcast, 0xff, ETH_ALEN);
    read_mac(net);
    read_mtu(net);
    read_speed(net);
    read_features(net);
    return 0;
}

/* Queues that interrupts may still be about are the device's; they go when it is reset. */
static int probe(struct virtio_device *device)
{
    struct net_device *net = kzalloc(sizeof(*net));
    if (!net)
        return -ENOMEM;
    net->device = device;
    describe(net);
    read_pairs(net);
    int r = create_queues(net);
    if (r == 0)
        r = netif_register(&net->netif, "eth%d");
    if (r < 0) {
        log_warning("virtio-net: %s: not usable (%d)", device->place, r);
        return r; /* what was set up stays: an interrupt may be on its way */
    }
    device->driver = net;
    device->config_changed = config_changed;
    device->lost = lost;
    virtio_device_ready(device);
    look_at_link(net);
    return 0;
}

#define BIT(feature) (1ull << (feature))

static const struct virtio_driver net_driver = {
    .name = "net",
    .id = VIRTIO_ID_NET,
    .features = BIT(F_CSUM) | BIT(F_GUEST_CSUM) | BIT(F_MTU) | BIT(F_MAC) | BIT(F_GUEST_TSO4) |
                BIT(F_GUEST_TSO6) | BIT(F_GUEST_ECN) | BIT(F_GUEST_UFO) | BIT(F_HOST_TSO4) |
                BIT(F_HOST_TSO6) | BIT(F_HOST_ECN) | BIT(F_HOST_UFO) | BIT(F_MRG_RXBUF) |
                BIT(F_STATUS) | BIT(F_CTRL_VQ) | BIT(F_CTRL_RX) | BIT(F_GUEST_ANNOUNCE) |
                BIT(F_MQ) | BIT(F_CTRL_MAC_ADDR) | BIT(F_ANY_LAYOUT) | BIT(F_HOST_USO) |
                BIT(F_SPEED_DUPLEX),
    .probe = probe,
};
VIRTIO_DRIVER(net_driver);
