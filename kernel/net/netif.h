/* net/netif.h: network interfaces: what drivers supply, what they hand in, and their addresses.
 *
 * Interfaces are never freed. Lists of addresses are read under RCU and changed under netif_lock.
 */
#pragma once

#include "core/mutex.h"
#include "core/rcu.h"
#include "lib/list.h"
#include "net/address.h"
#include "net/packet.h"

enum { /* flags, as in ifreq and rtnetlink */
       IFF_UP = 1,
       IFF_BROADCAST = 2,
       IFF_LOOPBACK = 8,
       IFF_POINTOPOINT = 0x10,
       IFF_RUNNING = 0x40, /* the link is there, as the driver says (netif_link) */
       IFF_NOARP = 0x80,
       IFF_PROMISC = 0x100,
       IFF_ALLMULTI = 0x200,
       IFF_MULTICAST = 0x1000,
       IFF_LOWER_UP = 0x10000,
};
enum { ARPHRD_ETHER = 1, ARPHRD_LOOPBACK = 772 };
enum { ETH_ALEN = 6, ETH_HLEN = 14, ETH_MTU = 1500 };
enum {
    ETH_P_IP = 0x0800,
    ETH_P_ARP = 0x0806,
    ETH_P_8021Q = 0x8100,
    ETH_P_IPV6 = 0x86dd,
    ETH_P_ALL = 3
};

/* What a device does for the stack. */
enum {
    NETIF_CHECKSUM = 1, /* fills in PARTIAL checksums */
    NETIF_TSO4 = 2,
    NETIF_TSO6 = 4,
    NETIF_USO = 8,
    NETIF_PIECES = 16, /* takes packets of several pieces */
    NETIF_UFO = 32,
};

struct netif_ops {
    /* Send the frame (link header included). Takes the packet over whatever the answer: 0, -ENOBUFS
     * (queue full: dropped and counted), -ENETDOWN. Any context, does not sleep. */
    int (*transmit)(struct netif *netif, struct packet *packet);
    int (*set_mac)(struct netif *netif, const uint8_t mac[ETH_ALEN]); /* NULL: -EOPNOTSUPP */
    int (*set_mtu)(struct netif *netif, unsigned mtu);                /* checked by min, max */
    void (*set_filter)(struct netif *netif); /* flags PROMISC, ALLMULTI or `multicast` changed */
    int (*set_up)(struct netif *netif, bool up);
};

/* One address of an interface; IPv4 ones as mapped addresses. */
struct netif_address {
    struct list link; /* RCU */
    struct list hash_link;
    struct netif *netif;
    struct inet_addr address, broadcast, peer;
    unsigned prefix;                     /* bits; 0 to 32 for IPv4 */
    unsigned scope;                      /* RT_SCOPE_* */
    uint32_t flags;                      /* IFA_F_*; for IPv6 TENTATIVE and so on */
    nsec_t valid_until, preferred_until; /* NSEC_FOREVER: always */
    char label[16];
    struct rcu_head rcu;
};

/* A multicast group that somebody here listens to (or a solicited-node address). */
struct netif_group {
    struct list link;
    struct inet_addr group;
    unsigned users;
    struct rcu_head rcu;
};

struct netif_stats {
    uint64_t rx_packets, rx_bytes, rx_errors, rx_dropped, multicast;
    uint64_t tx_packets, tx_bytes, tx_errors, tx_dropped;
};

struct netif {
    const struct netif_ops *ops;
    char name[16];
    unsigned index; /* from 1; 1 is lo */
    unsigned type;  /* ARPHRD_* */
    atomic_uint flags;
    unsigned mtu, mtu_min, mtu_max;
    unsigned features; /* NETIF_* */
    unsigned gso_max;  /* bytes of a GSO packet */
    unsigned tx_queue_len;
    uint8_t mac[ETH_ALEN];
    uint8_t broadcast[ETH_ALEN];
    const char *place;  /* of the device; "" for lo */
    const char *driver; /* "virtio_net" */
    struct list link;   /* all interfaces by index; RCU */
    struct list addresses, groups;
    struct netif_stats *stats; /* CPUS_MAX of them; each CPU writes its own, interrupts off */
    void *data;                /* the driver's */
    void *ipv6;                /* net/ipv6's: router state, autoconfiguration */
    uint32_t speed;            /* Mbit/s; 0: not known */
    atomic_bool link_news;     /* the link has changed, and not all have been told */
};

extern struct mutex netif_lock; /* over all changes below */
/* Take it, unless this thread has it (watchers): true if it must be given back. Whatever changes
 * interfaces, addresses, routes or neighbours does this itself. */
bool netif_change_begin(void);
void netif_change_end(bool taken);

/* Give the interface a name ("eth%d" takes the first free number) and an index and let the stack
 * use it. Filled in by the driver: ops, type, mtu*, features, mac, place, driver, data. Threads. */
int netif_register(struct netif *netif, const char *name);
/* By name or index; NULL: none. rcu_read_lock (they are never freed: use it as long as you like).
 */
struct netif *netif_find(const char *name);
struct netif *netif_by_index(unsigned index);
struct netif *netif_first(void);
struct netif *netif_next(struct netif *netif);
extern struct netif *loopback; /* lo */

/* A driver hands in a frame that begins with its Ethernet header (loopback: with the IP header, and
 * protocol set). Interrupts off, or a thread. Takes it over. Classifies: straight to the channel of
 * a connection (net/channel.h), else to this CPU's worker. */
void netif_receive(struct netif *netif, struct packet *packet);
/* How many want packet->stamp of all that arrives (SO_TIMESTAMP; taps need not count). */
extern atomic_uint netif_stamps_wanted;
/* Send a frame: shows it to the taps, does in software what the device cannot (GSO,
 * checksum, pieces) and hands it to the driver. Takes the packet. Threads or interrupts off. 0,
 * -ENETDOWN, -ENOBUFS, -ENOMEM. */
int netif_transmit(struct netif *netif, struct packet *packet);
/* The link came or went. Any context. */
void netif_link(struct netif *netif, bool up);
/* Count on this CPU: a field of stats[this_cpu()->id]. Any context. */
static inline void netif_count(uint64_t *counter, uint64_t n)
{
    /* One instruction, so that no interrupt comes between. */
    asm volatile("addq %1, %0" : "+m"(*counter) : "er"(n));
}
void netif_count_drop(struct netif *netif, bool received);
void netif_sum_stats(const struct netif *netif, struct netif_stats *sum);

/* Up or down (IFF_UP), other flags, MTU, hardware address. Threads. */
int netif_set_flags(struct netif *netif, unsigned flags, unsigned mask);
int netif_set_mtu(struct netif *netif, unsigned mtu);
int netif_set_mac(struct netif *netif, const uint8_t *mac);

/* Add an address, with its local and connected routes; -EEXIST, -ENOMEM, -EINVAL. Remove it with
 * what hangs on it; -EADDRNOTAVAIL. Threads. */
int netif_add_address(struct netif *netif, const struct netif_address *address);
int netif_remove_address(struct netif *netif, const struct inet_addr *address, unsigned prefix);
/* The interface's address that has it; rcu_read_lock. netif NULL: any interface's. */
struct netif_address *netif_address_find(struct netif *netif, const struct inet_addr *address);
/* Join and leave a group: counted. Threads. */
int netif_join(struct netif *netif, const struct inet_addr *group);
int netif_leave(struct netif *netif, const struct inet_addr *group);
bool netif_in_group(struct netif *netif, const struct inet_addr *group); /* rcu_read_lock */

/* Who wants to know of changes (rtnetlink's groups, IPv6's autoconfiguration): called in a thread,
 * under netif_lock; what: one of the following. */
enum netif_event {
    NETIF_NEW,
    NETIF_CHANGED,
    NETIF_ADDRESS_ADDED,
    NETIF_ADDRESS_CHANGED, /* its flags or lifetimes */
    NETIF_ADDRESS_REMOVED
};
struct netif_watcher {
    struct list link;
    void (*changed)(struct netif *netif, enum netif_event event, struct netif_address *address);
};
void netif_watch(struct netif_watcher *watcher);
/* An address's flags or lifetimes have been changed: tell the watchers. Under netif_lock. */
void netif_address_changed(struct netif_address *address);

/* Taps: everything that arrives and leaves, from the link header on (packet sockets). While there
 * is one, nothing takes the short way past the worker. Called with a packet it must not keep or
 * change (packet_clone); threads or interrupts off. */
struct netif_tap {
    struct list link;
    struct netif *netif; /* NULL: all */
    void (*seen)(struct netif_tap *tap, const struct packet *packet, bool outgoing);
    void (*down)(struct netif_tap *tap); /* its one interface went down; a thread; may be NULL */
    struct rcu_head rcu;
};
void netif_tap_add(struct netif_tap *tap);
void netif_tap_remove(struct netif_tap *tap); /* sleeps until nobody is in it */
void netif_taps_down(struct netif *netif);    /* under netif_lock */
