/* net/netlink.h: AF_NETLINK: sockets between programs and parts of the kernel (man 7 netlink), and
 * what mq_notify(2) needs of them: a socket from which a thread reads the cookies that it was
 * promised. Threads only, unless noted.
 *
 * A protocol registers itself; its request() is called for each message that a program sends, and
 * answers with netlink_reply_*. Answers and notifications are datagrams in the socket's queue. */
#pragma once

#include "core/waitqueue.h"
#include "net/netlink_message.h"
#include "net/socket.h"

enum {
    AF_NETLINK = 16,
    SOL_NETLINK = 270,
    NETLINK_ROUTE = 0,
    NETLINK_SOCK_DIAG = 4,
    NETLINK_KOBJECT_UEVENT = 15,
    NETLINK_GENERIC = 16,
    NETLINK_PROTOCOLS = 32,
    NETLINK_GROUPS = 64, /* at most, of a protocol; from 1 */
};

struct netlink {
    struct socket socket; /* first */
    struct mutex lock;    /* queue, and who it is */
    struct list queue;
    size_t queued_bytes;
    struct waitqueue readable;
    struct list link; /* of the protocol's sockets */
    uint32_t port, peer_port, peer_groups;
    bool bound;
    uint64_t groups;  /* bit n: group n + 1 */
    unsigned dumping; /* datagrams of a dump that wait to be read */
    unsigned drops;
    bool packet_info, broadcast_error, no_enobufs, all_namespaces, cap_ack, extended_ack, strict;
    bool grouped; /* has ever asked for a group */
};

/* A datagram that waits to be read. */
struct netlink_packet {
    struct list link;
    size_t len;
    uint32_t group, port; /* it was sent to the group (0: none) by this port (0: the kernel) */
    bool of_dump;
    struct socket_cred cred;
    uint8_t data[];
};

/* One message that a program has sent. */
struct netlink_request {
    struct netlink *netlink;
    struct nl_message message;
    bool admin;      /* the caller has CAP_NET_ADMIN */
    const char *why; /* what an error's extended acknowledgement says; NULL */
    uint32_t bad;    /* and where in the message the wrong attribute is; 0: not told */
    bool dump;       /* netlink_dump_begin() */
    bool dump_done;
    struct list packets; /* of the answer, full ones */
    struct netlink_packet *packet;
    struct nl_out out; /* into packet */
};

struct netlink_protocol {
    int number;
    unsigned groups;
    /* 0: done, an acknowledgement is sent if it is wanted; or a negative errno, which is told. */
    int (*request)(struct netlink_request *request);
};
void netlink_register(const struct netlink_protocol *protocol);

/* --- answers
 * ----------------------------------------------------------------------------------------------
 */

/* Add a message to the answer: fill() writes it (nl_begin to nl_end) and answers what nl_end() did;
 * it is called again with more room if that was false. -ENOMEM, -EMSGSIZE. May be called under RCU;
 * never sleeps. dump: it is one of several, which netlink_done() ends. */
int netlink_reply(struct netlink_request *request, bool (*fill)(struct nl_out *out, void *arg),
                  void *arg);
/* The first thing that a dump does. -EBUSY: the last one has not been read yet. */
int netlink_dump_begin(struct netlink_request *request);
/* The end of a dump; result: what NLMSG_DONE says. Answers result. */
int netlink_dump_end(struct netlink_request *request, int result);
/* NLM_F_MULTI in dumps, else 0: for the flags of an answer. */
unsigned netlink_flags(const struct netlink_request *request);

/* Does anybody listen to the group of NETLINK_ROUTE or another protocol? A cheap look. */
bool netlink_listened(int protocol, unsigned group);
/* A message for all members of a group: n bytes. */
void netlink_multicast(int protocol, unsigned group, const void *data, size_t n);

/* --- for /proc/net/netlink and sock_diag */

/* Each socket, protocols in order, under the lock of the list; false ends it. */
void netlink_each(bool (*fn)(struct netlink *netlink, void *arg), void *arg);

/* --- for mq_notify(2) */

bool netlink_is(const struct file *file);
/* Hand bytes to whoever reads the socket; lost where memory is. */
void netlink_deliver(struct file *file, const void *data, size_t len);
