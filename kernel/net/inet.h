/* net/inet.h: what sockets of AF_INET and AF_INET6 share: addresses and ports, the tables that find
 * a socket for a packet, and the net channel through which packets reach it.
 *
 * A channel is a lock-free queue that anybody may append to (interrupts included). The protocol
 * work for what is in it is done by whoever holds inet_lock(): the thread that reads, writes or
 * polls the socket. While the lock is held packets may go on arriving: inet_unlock() works them off
 * before it lets go. If nobody waits at the socket, or nobody has come by within a millisecond, the
 * CPU's worker does it. Timers and other causes from interrupts go the same way (inet_post).
 *
 * Lock order: socket->lock, bind_lock (ports), then the spinlocks of the tables; netif_lock is
 * taken before any of them or not at all. */
#pragma once

#include "net/ip.h"
#include "net/socket.h"

enum { AF_INET = 2, AF_INET6 = 10 };

struct sockaddr_in {
    uint16_t family, port; /* port in network order */
    uint32_t address;
    uint8_t zero[8];
};
struct sockaddr_in6 {
    uint16_t family, port;
    uint32_t flowinfo;
    uint8_t address[16];
    uint32_t scope_id;
};

struct ip6_mtuinfo {
    struct sockaddr_in6 address;
    uint32_t mtu;
};

struct inet_socket;

/* What packet->scratch holds while a packet waits to be read: what the receiver is told with it. */
struct inet_queued {
    uint32_t drops; /* of the socket up to then */
    uint16_t source_port, destination_port;
    struct inet_addr source;
};

enum { /* inet_options.receive */
       INET_RECEIVE_PKTINFO = 1,
       INET_RECEIVE_TTL = 2,
       INET_RECEIVE_TOS = 4,
       INET_RECEIVE_OPTIONS = 8,
       INET_RECEIVE_RETOPTS = 0x10,
       INET_RECEIVE_ORIGDST = 0x20,
       INET_RECEIVE_CHECKSUM = 0x40,
       INET_RECEIVE_FRAGSIZE = 0x80,
       INET_RECEIVE6_PKTINFO = 0x100,
       INET_RECEIVE6_PKTINFO_OLD = 0x200, /* IPV6_2292PKTINFO and so on */
       INET_RECEIVE6_HOPLIMIT = 0x400,
       INET_RECEIVE6_HOPLIMIT_OLD = 0x800,
       INET_RECEIVE6_TCLASS = 0x1000,
       INET_RECEIVE6_FLOWINFO = 0x2000,
       INET_RECEIVE6_ORIGDST = 0x4000,
       INET_RECEIVE6_FRAGSIZE = 0x8000,
       INET_RECEIVE6_HOPOPTS = 0x10000,
       INET_RECEIVE6_DSTOPTS = 0x20000,
       INET_RECEIVE6_RTHDR = 0x40000,
       INET_RECEIVE6_HOPOPTS_OLD = 0x80000,
       INET_RECEIVE6_DSTOPTS_OLD = 0x100000,
       INET_RECEIVE6_RTHDR_OLD = 0x200000,
       INET_RECEIVE6_EXTENSIONS = 0x3f0000, /* any of these six */
       INET_RECEIVE6_PATHMTU = 0x400000,
       INET_RECEIVE_SECURITY = 0x800000, /* no label comes with any packet */
       /* Other things that are on or off. */
       INET_RFC4884 = 0x1000000, /* errors tell where ICMP's extensions begin; IPv4, IPv6 */
       INET_RFC4884_6 = 0x2000000,
       INET_NODEFRAG = 0x4000000,      /* nothing here joins fragments that are not for this host */
       INET_ALERT_ISOLATE = 0x8000000, /* nothing is forwarded, so no alert is seen on the way */
       INET_FLOWINFO_SEND = 0x10000000,
       INET_RECEIVE_MARK = 0x20000000, /* SO_RCVMARK */
};

/* What /proc/net and sock_diag tell of a socket. */
struct inet_description {
    unsigned state; /* as net/tcp.h numbers them; without connections 1: connected, 7: not */
    uint32_t send_queue, receive_queue; /* bytes; of a listener: backlog, connections that wait */
    /* TCP: 0 none, 1 retransmission, 2 keep-alive, 3 TIME_WAIT, 4 zero-window probe; when it is
     * due; how often it was already. */
    unsigned timer, timer_ms, retransmits, probes;
    uint32_t rto_ms, ato_ms, cwnd, ssthresh; /* ssthresh 0x7fffffff: none yet */
    unsigned quick, pingpong;
};
/* A connection that has ended and of which only this is left (TCP's TIME_WAIT), or one that has
 * only begun (state SYN_RECV). */
struct inet_remnant {
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    bool v6; /* of an IPv6 socket */
    unsigned state, timer_ms, retransmits;
    struct netif *netif; /* of link-local addresses; NULL */
};
/* Supplied by TCP: each of those; fn under RCU, false ends it. NULL: there are none. */
typedef bool inet_remnant_fn(const struct inet_remnant *r, void *arg);
extern void (*inet_remnants_hook)(inet_remnant_fn *fn, void *arg);
/* The same for what waits at a listener to become a connection, but a thread that may sleep. */
extern void (*inet_requests_hook)(struct inet_socket *listener, inet_remnant_fn *fn, void *arg);

/* A transport. */
struct inet_proto {
    unsigned number;                                             /* IPPROTO_* */
    bool (*input)(struct inet_socket *s, struct packet *packet); /* one packet of the channel,
                                        socket locked; takes it. Data at the transport header as in
                                        ip.h; false: not mine after all, give it to the worker again
                                        (the packet is not taken) */
    void (*input_done)(struct inet_socket *s);            /* the channel is empty: send what is due
                                                             (acknowledgements); may be NULL */
    void (*work)(struct inet_socket *s, unsigned events); /* inet_post's bits, socket locked */
    void (*free)(struct inet_socket *s);                  /* the last reference is gone; a thread */
    /* For /proc and sock_diag, without the socket's lock: a look that may be torn. d is zeroed.
     * NULL: nothing to tell. */
    void (*describe)(struct inet_socket *s, struct inet_description *d);
    /* A new connection wants the very ends of `old` (TIME-WAIT): true if old may be pushed out of
     * the table of connections. Under a spinlock, interrupts off; NULL: never. The table's place is
     * taken over, inet_unhash(old) is still old's own business. */
    bool (*gives_way)(struct inet_socket *old);
    /* Something that is no socket has these ends (the local one with that port) and does not give
     * way; the same context. */
    bool (*in_use)(struct inet_socket *s, unsigned port);
    /* The same of bind(2); a thread. */
    bool (*port_held)(const struct inet_socket *s, const struct inet_addr *address, unsigned port);
};

struct inet_socket {
    struct socket socket; /* first */
    const struct inet_proto *proto;
    atomic_uint refs; /* the file's, the tables', timers', the worker's */
    struct mutex lock;
    struct waitqueue readers, writers; /* where threads and poll wait */
    struct rcu_head rcu;

    /* Who: any address if not bound or not connected. Ports in host order. */
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    uint32_t scope;  /* of a link-local peer: interface index */
    bool bound_many; /* that is several hosts' */
    bool v6only, bound_address, bound_port, reuse_address, reuse_port, force_reuse;
    struct list bind_link;  /* in the table of ports; bind_lock */
    struct port *port;      /* its bind_link is in; bind_lock */
    struct list hash_link;  /* in the table of connections; RCU, the bucket's lock */
    struct list bound_link; /* in the table of those that take packets from anybody; the same */
    bool hashed_connected, hashed_bound; /* in those tables; the bucket's lock */
    bool tabled;             /* in one of the tables or that of ports, which hold one reference */
    uint32_t connected_hash; /* its place in the table of connections */
    struct reuseport_group *group;

    struct ip_flow flow; /* for what it sends */
    /* Options of IPPROTO_IP and IPPROTO_IPV6 (net/inet_options.c). */
    struct inet_options {
        uint32_t receive;                   /* INET_RECEIVE_*: control messages asked for */
        uint8_t ttl, tos, tclass;           /* 0: default */
        int16_t multicast_ttl;              /* -1: default (1) */
        int16_t hop_limit, hops;            /* unicast, multicast; -1: default */
        bool multicast_loop, hops_loop;     /* a copy of multicasts for this host; IPv4, IPv6 */
        bool multicast_all, hops_all;       /* also of groups that others have joined */
        uint8_t pmtudisc, pmtudisc6;        /* enum ip_pmtudisc */
        bool receive_error, receive_error6; /* IP_RECVERR, IPV6_RECVERR */
        bool header_included, freebind, transparent, bind_no_port, dont_fragment6, autoflowlabel;
        uint8_t router_alert;       /* SOCK_RAW; of IPv6 2: registered, 1: what is told */
        uint8_t source_preferences; /* IPV6_PREFER_SRC_TMP, _PUBLIC, _COA */
        uint16_t fragment_most;     /* IPV6_MTU: fragments are not larger; 0: as the way says */
        struct netif *multicast_netif, *hops_netif, *unicast_netif, *unicast6_netif;
        uint8_t min_ttl, min_hops; /* arrivals below that are dropped (IP_MINTTL) */
        unsigned version;          /* grows with every change */
        struct inet_addr multicast_source;
        struct inet_addr pktinfo_source; /* IPV6_PKTINFO kept */
        struct netif *pktinfo_netif;
        struct list memberships; /* struct inet_membership */
        uint8_t *ip_options;
        unsigned ip_options_len;
        struct inet6_extras *six; /* net/inet6.h; NULL: nothing of it */
    } options;
    struct packet_queue errors; /* IP_RECVERR's queue (MSG_ERRQUEUE) */
    uint32_t copied;            /* calls with MSG_ZEROCOPY that have been told */

    /* The channel. */
    struct packet *_Atomic channel; /* newest first; NULL: empty */
    atomic_uint channel_bytes;      /* of what is in it, for the bound */
    unsigned channel_limit;
    atomic_uint events;   /* posted bits */
    atomic_bool draining; /* what was in the channel is being worked off */
    atomic_bool listed;   /* a worker's sweep will look at it */
    atomic_bool queued;   /* in a worker's queue */
    struct inet_socket *sweep_next, *work_next;
    atomic_uint drops;
};

static inline struct inet_socket *inet_of(struct socket *socket)
{
    return container_of(socket, struct inet_socket, socket);
}

/* Begin a socket (zeroed memory of the transport's, which embeds it): refs 1, which is the file's.
 */
void inet_init(struct inet_socket *s, const struct socket_ops *ops, const struct inet_proto *proto,
               int family, int type, int protocol);
static inline void inet_get(struct inet_socket *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
/* From a table, under RCU: false if it is going. */
bool inet_try_get(struct inet_socket *s);
void inet_put(struct inet_socket *s); /* the last one: proto->free in a thread, after RCU readers */

/* Lock; the channel is worked off first. Unlock; what came meanwhile is worked off. Threads. */
void inet_lock(struct inet_socket *s);
void inet_unlock(struct inet_socket *s);
/* With the lock: work off what is in the channel now (a reader looks again before it sleeps). */
void inet_drain(struct inet_socket *s);
/* Is there something that the lock's holder has not seen? */
static inline bool inet_pending(const struct inet_socket *s)
{
    return atomic_load_explicit(&s->channel, memory_order_acquire) ||
           atomic_load_explicit(&s->events, memory_order_acquire);
}
/* Has all that arrived been worked off? If not, whoever wants to know how things stand without the
 * lock has to take it: somebody else may be at it this moment. */
static inline bool inet_settled(const struct inet_socket *s)
{
    return !inet_pending(s) && !atomic_load_explicit(&s->draining, memory_order_acquire);
}
/* Wait (lock held on entry and exit, dropped meanwhile) until ready(s) or the deadline: 0, -EINTR,
 * -ETIMEDOUT. Arrivals are worked off by the waiter. queue: &s->readers or &s->writers. */
int inet_wait(struct inet_socket *s, struct waitqueue *queue, bool (*ready)(struct inet_socket *s),
              nsec_t deadline);
/* Append a packet (interrupts off or a thread, under RCU or with a reference); beyond its limit it
 * is dropped and counted. Wakes whoever waits. */
void channel_push(struct inet_socket *s, struct packet *packet);
/* Have proto->work(s, events) called in a thread soon, by the worker or the next to lock. Any
 * context. */
void inet_post(struct inet_socket *s, unsigned events);

/* --- ports and tables (net/demux.c)
 * ----------------------------------------------------------------
 */

/* Give the socket a local address and port (port 0: a free one of ip_local_port_range, by RFC 6056)
 * with Linux's rules for SO_REUSEADDR and SO_REUSEPORT: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES (below
 * 1024 without CAP_NET_BIND_SERVICE). Socket locked. */
/* May the caller bind to that port? */
bool inet_may_use_port(unsigned port);
int inet_bind(struct inet_socket *s, const struct inet_addr *address, unsigned port);
/* A local port for a connection to remote that no other connection has (an unbound socket), and its
 * place in the table of connections. -EADDRNOTAVAIL, -EADDRINUSE. Socket locked; flow routed, local
 * set. */
int inet_hash_connect(struct inet_socket *s);
/* A connection that a listener made: same port, remote known. -EEXIST: there is one already. */
int inet_hash_accepted(struct inet_socket *s, struct inet_socket *listener);
/* Into the table of those that take packets from anybody (listeners, datagram sockets). */
int inet_hash_bound(struct inet_socket *s);
/* Out of all tables; the port is free again (unless others share it). */
void inet_unhash(struct inet_socket *s);
/* The same, but the port stays its own. */
void inet_unhash_but_port(struct inet_socket *s);

/* Who gets a packet: the connection, else the best bound socket (more specific address and
 * interface first; among SO_REUSEPORT's by their program, which is shown the packet (at its
 * transport header; NULL: none), else by hash); NULL. rcu_read_lock; any context. ports in host
 * order. */
struct inet_socket *inet_find(unsigned protocol, const struct inet_addr *source,
                              unsigned source_port, const struct inet_addr *destination,
                              unsigned destination_port, struct netif *netif,
                              const struct packet *packet);
struct inet_socket *inet_find_connected(unsigned protocol, const struct inet_addr *source,
                                        unsigned source_port, const struct inet_addr *destination,
                                        unsigned destination_port);
/* Where bind() and connect() look for free ports: net.ipv4.ip_local_port_range, and the first port
 * that needs no privilege. */
extern unsigned inet_port_low, inet_port_high, inet_port_unprivileged;
/* Every bound socket that a multicast or broadcast packet is for: fn under RCU. */
void inet_find_all(unsigned protocol, const struct packet *packet, unsigned destination_port,
                   unsigned source_port, void (*fn)(struct inet_socket *s, void *arg), void *arg);
/* Every socket of a protocol, for /proc/net and sock_diag; fn under RCU, false ends it. */
void inet_each(unsigned protocol, bool (*fn)(struct inet_socket *s, void *arg), void *arg);
/* A hash of the four with the boot's secret, also for the choice of a queue. */
uint32_t inet_hash_flow(const struct inet_addr *local, unsigned local_port,
                        const struct inet_addr *remote, unsigned remote_port);

/* --- for the socket operations of transports (net/inet.c, net/inet_options.c)
 * ---------------------
 */

/* Called by inet_init: no address yet, default options. */
void inet_options_init(struct inet_socket *s);
/* Memberships and what else the options hold; the transport's free() calls it, or release() before.
 * Threads. */
void inet_options_end(struct inet_socket *s);
/* An address given by the program, for this socket (IPv6 sockets take mapped ones): -EINVAL,
 * -EAFNOSUPPORT, -ENETUNREACH (mapped, but IPV6_V6ONLY). AF_UNSPEC answers 1. scope: of link-local
 * ones, else 0. */
int inet_address_get(const struct inet_socket *s, const struct socket_address *address,
                     struct inet_addr *ip, unsigned *port, uint32_t *scope);
/* The same for where to connect or send to: any address means this host. */
int inet_destination_get(const struct inet_socket *s, const struct socket_address *address,
                         struct inet_addr *ip, unsigned *port, uint32_t *scope);
/* Prepare a flow to a destination by the socket's options (source: the local address); the cached
 * way is kept where it may be. -EINVAL: the scope is no interface's or another than the bound. */
int inet_flow(struct inet_socket *s, struct ip_flow *flow, const struct inet_addr *destination,
              uint32_t scope);
/* What the socket's options put into every header to the flow's destination, as it is now. */
void inet_flow_options(const struct inet_socket *s, struct ip_flow *flow);
/* The address as the socket's family shows it. */
void inet_address_put(const struct inet_socket *s, struct socket_address *address,
                      const struct inet_addr *ip, unsigned port, uint32_t scope);
/* The address of bind(2), and its scope, which binds the socket to the interface. Socket locked. */
int inet_bind_address(struct inet_socket *s, const struct socket_address *address,
                      struct inet_addr *ip, unsigned *port);
/* Is that an address that the socket may be bound to? */
bool inet_may_bind(const struct inet_socket *s, const struct inet_addr *ip);
/* bind, getsockname and getpeername of every transport. */
int inet_op_bind(struct socket *socket, const struct socket_address *address);
int inet_op_name(struct socket *socket, bool peer, struct socket_address *address);
/* Options of SOL_IP and SOL_IPV6, and SOL_SOCKET's that need the family; SIOC* that every socket
 * takes (net/ifioctl.c). */
int inet_op_set_option(struct socket *socket, int level, int name, const void *value, size_t len);
int inet_op_get_option(struct socket *socket, int level, int name, void *value, size_t len);
int64_t inet_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg);

/* What IP says about an arrived packet, as far as the socket has asked: times of arrival, drops,
 * IP_PKTINFO and so on. Socket locked or not. port: the destination's (IP_RECVORIGDSTADDR). -EFAULT
 */
int inet_put_control(struct inet_socket *s, struct message *message, const struct packet *packet,
                     unsigned port);
/* sendmsg's control messages that concern IP, put into the flow, extension headers into *headers
 * (empty; their bytes stay the message's); others: fn (NULL: ignored), whose answer counts.
 * -EINVAL, -EPERM. */
struct ipv6_headers;
int inet_get_control(struct inet_socket *s, const struct message *message, struct ip_flow *flow,
                     struct ipv6_headers *headers,
                     int (*fn)(const struct control_message *control, void *arg), void *arg);
/* All that a message says about its way, put into a flow of inet_flow(); *headers (zeroed) is part
 * of it from then on. As inet_get_control. Socket locked. */
int inet_message_flow(struct inet_socket *s, const struct message *message, struct ip_flow *flow,
                      struct ipv6_headers *headers,
                      int (*fn)(const struct control_message *control, void *arg), void *arg);
/* A packet did not fit (-EMSGSIZE): tell whoever wants to know. Socket locked. */
void inet_tell_too_big(struct inet_socket *s, const struct ip_flow *flow, unsigned port);

/* --- errors that are told later (net/inet_error.c); socket locked
 */

/* An error that ICMP reports, or (offender NULL: SO_EE_ORIGIN_LOCAL) that this host finds, into the
 * queue of MSG_ERRQUEUE if the socket wants it, with what is left of the payload. */
void inet_queue_icmp(struct inet_socket *s, const struct ip_error *error, unsigned port,
                     const void *payload, unsigned len);
void inet_queue_local(struct inet_socket *s, int err, const struct inet_addr *destination,
                      unsigned port, uint32_t info);
/* MSG_ZEROCOPY: the bytes of one more call are not the program's any more. They are copied in any
 * case, which the notice says (Linux does so, too, where a device cannot gather). */
void inet_tell_copied(struct inet_socket *s);
/* SO_TIMESTAMPING: origin SO_EE_ORIGIN_*; stamp 0: none. payload as told. */
void inet_queue_notice(struct inet_socket *s, unsigned origin, int err, uint32_t info,
                       uint32_t data, nsec_t stamp, const void *payload, unsigned len);
/* Around ip_output() with that packet: when it left is told with the frame, if socket or message
 * want to know. begin: NULL if not, or no memory; end takes what it gave, and the error. */
struct packet *inet_stamp_begin(const struct inet_socket *s, const struct ip_flow *flow,
                                const struct packet *packet);
void inet_stamp_end(struct inet_socket *s, const struct ip_flow *flow, struct packet *copy,
                    int err);
/* recvmsg(MSG_ERRQUEUE) of every transport: -EAGAIN. Takes the lock. */
ssize_t inet_receive_error(struct inet_socket *s, struct message *message);
/* POLLERR and POLLPRI for errors that wait. */
unsigned inet_poll_errors(const struct inet_socket *s);

/* Transports of AF_INET and AF_INET6 by type and protocol register here. protocol 0 of a type: the
 * first one registered. */
struct inet_kind {
    struct list link;
    int type, protocol; /* protocol IPPROTO_IP: any (raw) */
    int (*create)(int family, int protocol, struct socket **socket);
};
void inet_kind_register(struct inet_kind *kind);
