/* net/ethtool.c: SIOCETHTOOL: driver, link, offloads. */
#include "lib/string.h"
#include "mm/uaccess.h"
#include "net/ifioctl.h"
#include "net/netif.h"

enum {
    GSET = 0x01,
    GDRVINFO = 0x03,
    GLINK = 0x0a,
    GRXCSUM = 0x14,
    GTXCSUM = 0x16,
    GSG = 0x18,
    GTSO = 0x1e,
    GUFO = 0x21,
    GGSO = 0x23,
    GGRO = 0x2b,
    GLINKSETTINGS = 0x4c,
};
enum { DUPLEX_FULL = 1, DUPLEX_UNKNOWN = 0xff, PORT_OTHER = 0xff, MASK_WORDS = 4 };

struct driver_info {
    uint32_t cmd;
    char driver[32], version[32], firmware[32], bus[32], rom[32];
    char reserved[12];
    uint32_t private_flags, stats, tests, eeprom, registers;
};
/* struct ethtool_cmd */
struct settings {
    uint32_t cmd, supported, advertising;
    uint16_t speed;
    uint8_t duplex, port, phy, transceiver, autoneg, mdio;
    uint32_t max_tx, max_rx;
    uint16_t speed_high;
    uint8_t mdix, mdix_control;
    uint32_t partner, reserved[2];
};
/* struct ethtool_link_settings */
struct link_settings {
    uint32_t cmd, speed;
    uint8_t duplex, port, phy, autoneg, mdio, mdix, mdix_control;
    int8_t words;
    uint8_t transceiver, master_config, master_state, rate_matching;
    uint32_t reserved[7], masks[3 * MASK_WORDS];
};

static bool has_link(const struct netif *netif)
{
    return atomic_load(&netif->flags) & IFF_RUNNING;
}

static int64_t put_driver(const struct netif *netif, uintptr_t data)
{
    struct driver_info info = {.cmd = GDRVINFO};
    if (netif->type == ARPHRD_LOOPBACK)
        return -EOPNOTSUPP;
    strlcpy(info.driver, netif->driver, sizeof(info.driver));
    strlcpy(info.version, "1.0.0", sizeof(info.version));
    strlcpy(info.bus, netif->place, sizeof(info.bus));
    return user_write(data, &info, sizeof(info));
}

static uint32_t speed_of(const struct netif *netif)
{
    return netif->speed && has_link(netif) ? netif->speed : UINT32_MAX;
}

static uint8_t duplex_of(const struct netif *netif)
{
    return speed_of(netif) == UINT32_MAX ? DUPLEX_UNKNOWN : DUPLEX_FULL;
}

static int64_t put_settings(const struct netif *netif, uintptr_t data)
{
    struct settings settings = {
        .cmd = GSET,
        .speed = (uint16_t)speed_of(netif),
        .speed_high = (uint16_t)(speed_of(netif) >> 16),
        .duplex = duplex_of(netif),
        .port = PORT_OTHER,
    };
    if (netif->type == ARPHRD_LOOPBACK)
        return -EOPNOTSUPP;
    return user_write(data, &settings, sizeof(settings));
}

/* The program first asks how many words a mask has, by a number that does not fit. */
static int64_t put_link_settings(const struct netif *netif, uintptr_t data)
{
    struct link_settings settings;
    const size_t head = offsetof(struct link_settings, masks);
    if (netif->type == ARPHRD_LOOPBACK)
        return -EOPNOTSUPP;
    if (user_read(&settings, data, head) < 0)
        return -EFAULT;
    bool asks = settings.words != MASK_WORDS;
    settings = (struct link_settings){.cmd = GLINKSETTINGS, .words = -MASK_WORDS};
    if (!asks)
        settings = (struct link_settings){
            .cmd = GLINKSETTINGS,
            .speed = speed_of(netif),
            .duplex = duplex_of(netif),
            .port = PORT_OTHER,
            .words = MASK_WORDS,
        };
    return user_write(data, &settings, asks ? head : sizeof(settings));
}

/* 1, 0, or -EOPNOTSUPP: no such question. */
static int answer(const struct netif *netif, uint32_t cmd)
{
    switch (cmd) {
    case GLINK:
        return has_link(netif);
    case GRXCSUM:
    case GTXCSUM:
        return (netif->features & NETIF_CHECKSUM) != 0;
    case GSG:
        return (netif->features & NETIF_PIECES) != 0;
    case GTSO:
        return (netif->features & NETIF_TSO4) != 0;
    case GGSO: /* done in software where the device does not */
        return 1;
    case GUFO:
    case GGRO:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

int64_t ethtool_ioctl(const struct netif *netif, uintptr_t data)
{
    uint32_t cmd;
    if (user_get32(data, &cmd) < 0)
        return -EFAULT;
    if (cmd == GDRVINFO)
        return put_driver(netif, data);
    if (cmd == GSET)
        return put_settings(netif, data);
    if (cmd == GLINKSETTINGS)
        return put_link_settings(netif, data);
    int value = answer(netif, cmd);
    return value < 0 ? value : user_put32(data + sizeof(cmd), (uint32_t)value);
}
