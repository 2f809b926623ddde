/* lo: what is sent is received, at once and by the same way as from any device. */
#include "net/loopback.h"

#include "core/boot.h"
#include "net/netif.h"
#include "net/route.h"

static int transmit(struct netif *netif, struct packet *packet)
{
    struct netif_stats *counters = &netif->stats[this_cpu()->id];

    netif_count(&counters->tx_packets, 1);
    netif_count(&counters->tx_bytes, packet->total);
    netif_receive(netif, packet);
    return 0;
}

static const struct netif_ops ops = {.transmit = transmit};
static struct netif_stats stats[CPUS_MAX];
static struct netif lo = {
    .ops = &ops,
    .type = ARPHRD_LOOPBACK,
    .flags = IFF_LOOPBACK | IFF_UP | IFF_RUNNING | IFF_LOWER_UP,
    .mtu = 65536,
    .mtu_min = 68,
    .mtu_max = 1 << 30,
    .features = NETIF_CHECKSUM | NETIF_TSO4 | NETIF_TSO6 | NETIF_USO | NETIF_PIECES,
    .gso_max = 65536,
    .tx_queue_len = 1000,
    .place = "",
    .driver = "loopback",
    .stats = stats,
};
struct netif *loopback = &lo;

static int add(struct inet_addr address, unsigned prefix)
{
    struct netif_address a = {
        .address = address,
        .prefix = prefix,
        .scope = RT_SCOPE_HOST,
        .flags = 0x80, /* IFA_F_PERMANENT */
        .valid_until = NSEC_FOREVER,
        .preferred_until = NSEC_FOREVER,
    };
    return netif_add_address(&lo, &a);
}

void loopback_need(void)
{
    static atomic_bool made;

    if (atomic_exchange(&made, true))
        return;
    netif_register(&lo, "lo");
    add(inet_v4(0x0100007f), 8);
    add((struct inet_addr){.bytes = {[15] = 1}}, 128);
}

static int start(void)
{
    loopback_need();
    return 0;
}
BOOT_STEP(PHASE_BUS, "loopback", start);
