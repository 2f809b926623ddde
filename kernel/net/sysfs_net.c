/* net/sysfs_net.c: /sys/class/net. self->key: the interface's index. */
#include "core/boot.h"
#include "fs/sysfs.h"
#include "lib/string.h"
#include "net/netif.h"
#include "net/proc_sysctl.h"

static struct netif *netif_of(const struct pseudo *self)
{
    return netif_by_index((unsigned)self->key);
}

static bool has_carrier(const struct netif *netif)
{
    return netif->flags & IFF_UP && netif->flags & IFF_RUNNING;
}

/* --- numbers that are the interface's
 * ------------------------------------------------------------------------ */

enum { IFINDEX, TYPE, MTU, TX_QUEUE_LEN, ZERO, ADDR_LEN, NAME_ASSIGN };

static int show_number(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);
    const unsigned numbers[] = {[IFINDEX] = netif->index, [TYPE] = netif->type,
                                [MTU] = netif->mtu,       [TX_QUEUE_LEN] = netif->tx_queue_len,
                                [ADDR_LEN] = ETH_ALEN,    [NAME_ASSIGN] = 1};

    text_printf(text, "%u\n", numbers[self->entry->arg]);
    return 0;
}

static int store_number(const struct pseudo *self, const char *text, size_t len)
{
    struct netif *netif = netif_of(self);
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < 0 || value > INT32_MAX)
        return -EINVAL;
    if (self->entry->arg == MTU)
        return netif_set_mtu(netif, (unsigned)value);
    netif->tx_queue_len = (unsigned)value;
    return 0;
}

/* --- others
 * -----------------------------------------------------------------------------------------------------
 */

static int show_mac(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);
    const uint8_t *m = self->entry->arg ? netif->broadcast : netif->mac;

    text_printf(text, "%02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2], m[3], m[4], m[5]);
    return 0;
}

static int show_flags(struct text *text, const struct pseudo *self)
{
    unsigned shown = IFF_UP | IFF_BROADCAST | IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP |
                     IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST;

    text_printf(text, "0x%x\n", netif_of(self)->flags & shown);
    return 0;
}

static int store_flags(const struct pseudo *self, const char *text, size_t len)
{
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < 0 || value > INT32_MAX)
        return -EINVAL;
    return netif_set_flags(netif_of(self), (unsigned)value, ~0u);
}

static int show_operstate(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);
    bool up = netif->flags & IFF_UP;

    text_printf(text, "%s\n",
                netif->type == ARPHRD_LOOPBACK ? (up ? "unknown" : "down")
                : has_carrier(netif)           ? "up"
                                               : "down");
    return 0;
}

/* Only an interface that is up knows. */
static int show_carrier(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);

    if (!(netif->flags & IFF_UP))
        return -EINVAL;
    text_printf(text, "%d\n", has_carrier(netif));
    return 0;
}

static int show_speed(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);

    if (netif->type == ARPHRD_LOOPBACK || !(netif->flags & IFF_UP))
        return -EINVAL;
    text_printf(text, "%d\n", netif->speed ? (int)netif->speed : -1);
    return 0;
}

static int show_duplex(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);

    if (netif->type == ARPHRD_LOOPBACK || !(netif->flags & IFF_UP))
        return -EINVAL;
    text_printf(text, "%s\n", netif->speed ? "full" : "unknown");
    return 0;
}

static int show_uevent(struct text *text, const struct pseudo *self)
{
    const struct netif *netif = netif_of(self);

    text_printf(text, "INTERFACE=%s\nIFINDEX=%u\n", netif->name, netif->index);
    return 0;
}

static int show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", (const char *)self->entry->arg);
    return 0;
}

/* --- statistics: entry->arg is the field's offset; ~0: one that is not counted */

static int show_statistic(struct text *text, const struct pseudo *self)
{
    struct netif_stats sum;
    uint64_t value = 0;

    netif_sum_stats(netif_of(self), &sum);
    if (self->entry->arg < sizeof(sum))
        memcpy(&value, (const char *)&sum + self->entry->arg, sizeof(value));
    text_printf(text, "%lu\n", value);
    return 0;
}

#define READ(n, fn, a)                                                                             \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0444, .show = (fn), .arg = (uint64_t)(a)                    \
    }
#define WRITE(n, fn, store_fn, a)                                                                  \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0644, .show = (fn), .store = (store_fn),                    \
        .arg = (uint64_t)(a)                                                                       \
    }
#define FOLDER(n, t)                                                                               \
    {                                                                                              \
        .name = (n), .mode = S_IFDIR | 0755, .table = (t), .ntable = ARRAY_SIZE(t)                 \
    }
#define COUNTED(n) READ(#n, show_statistic, offsetof(struct netif_stats, n))
#define NONE(n)    READ(#n, show_statistic, ~0ull)

static const struct pseudo_entry statistics_table[] = {
    COUNTED(rx_packets),  COUNTED(rx_bytes),     COUNTED(rx_errors),        COUNTED(rx_dropped),
    COUNTED(multicast),   COUNTED(tx_packets),   COUNTED(tx_bytes),         COUNTED(tx_errors),
    COUNTED(tx_dropped),  NONE(collisions),      NONE(rx_compressed),       NONE(rx_crc_errors),
    NONE(rx_fifo_errors), NONE(rx_frame_errors), NONE(rx_length_errors),    NONE(rx_missed_errors),
    NONE(rx_nohandler),   NONE(rx_over_errors),  NONE(tx_aborted_errors),   NONE(tx_carrier_errors),
    NONE(tx_compressed),  NONE(tx_fifo_errors),  NONE(tx_heartbeat_errors), NONE(tx_window_errors),
};
static const struct pseudo_entry queue_table[] = {
    READ("rps_cpus", show_text, (uintptr_t) "0"),
};
static const struct pseudo_entry queues_table[] = {
    FOLDER("rx-0", queue_table),
    {.name = "tx-0", .mode = S_IFDIR | 0755},
};
static const struct pseudo_entry netif_table[] = {
    READ("addr_assign_type", show_number, ZERO),
    READ("addr_len", show_number, ADDR_LEN),
    READ("address", show_mac, 0),
    READ("broadcast", show_mac, 1),
    READ("carrier", show_carrier, 0),
    READ("carrier_changes", show_number, ZERO),
    READ("dev_id", show_text, (uintptr_t) "0x0"),
    READ("dev_port", show_number, ZERO),
    READ("dormant", show_number, ZERO),
    READ("duplex", show_duplex, 0),
    WRITE("flags", show_flags, store_flags, 0),
    READ("ifalias", show_text, (uintptr_t) ""),
    READ("ifindex", show_number, IFINDEX),
    READ("iflink", show_number, IFINDEX),
    READ("link_mode", show_number, ZERO),
    WRITE("mtu", show_number, store_number, MTU),
    READ("name_assign_type", show_number, NAME_ASSIGN),
    READ("netdev_group", show_number, ZERO),
    READ("operstate", show_operstate, 0),
    READ("proto_down", show_number, ZERO),
    READ("speed", show_speed, 0),
    WRITE("tx_queue_len", show_number, store_number, TX_QUEUE_LEN),
    READ("type", show_number, TYPE),
    READ("uevent", show_uevent, 0),
    FOLDER("queues", queues_table),
    FOLDER("statistics", statistics_table),
};
static const struct pseudo_entry netif_folder = FOLDER("netif", netif_table);

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    const struct netif *netif = netif_find(name);

    if (!netif)
        return -ENOENT;
    *child = (struct pseudo){&netif_folder, netif->index, 0};
    return 0;
}

static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    const struct netif *netif = netif_by_index((unsigned)++*cursor);

    if (!netif)
        return false;
    strlcpy(name, netif->name, NAME_MAX + 1);
    *child = (struct pseudo){&netif_folder, netif->index, 0};
    return true;
}

static int start(void)
{
    static const struct pseudo_special members = {.lookup = lookup, .next = next};

    sysfs_folder("class/net")->special = &members;
    return 0;
}
BOOT_STEP(PHASE_FS, "/sys/class/net", start);
