/* net/socket.h: what every socket is, whatever its family: a file, its options, and a table of
 * operations. linux/ copies addresses, vectors and control messages from and to the program and
 * calls the operations; a family (unix.c) serves them. Threads only; everything may sleep.
 *
 * Waits are interruptible: -ERESTARTSYS without a timeout, -EINTR with one, -EAGAIN when it is
 * over. */
#pragma once

#include "fs/vfs.h"

enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_PACKET = 17, SOCKET_FAMILIES = 46 };
enum {
    SOCK_STREAM = 1,
    SOCK_DGRAM = 2,
    SOCK_RAW = 3,
    SOCK_SEQPACKET = 5,
    SOCK_PACKET = 10,
    SOCK_TYPES = 11
};
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum {
    MSG_OOB = 1,
    MSG_PEEK = 2,
    MSG_DONTROUTE = 4,
    MSG_CTRUNC = 8,
    MSG_PROBE = 0x10,
    MSG_TRUNC = 0x20,
    MSG_DONTWAIT = 0x40,
    MSG_EOR = 0x80,
    MSG_WAITALL = 0x100,
    MSG_CONFIRM = 0x800,
    MSG_ERRQUEUE = 0x2000,
    MSG_NOSIGNAL = 0x4000,
    MSG_MORE = 0x8000,
    MSG_WAITFORONE = 0x10000,
    MSG_ZEROCOPY = 0x4000000,
    MSG_FASTOPEN = 0x20000000,
    MSG_CMSG_CLOEXEC = 0x40000000,
};
enum {
    SOL_SOCKET = 1,
    SO_DEBUG = 1,
    SO_REUSEADDR,
    SO_TYPE,
    SO_ERROR,
    SO_DONTROUTE,
    SO_BROADCAST,
    SO_SNDBUF,
    SO_RCVBUF,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_NO_CHECK,
    SO_PRIORITY,
    SO_LINGER,
    SO_BSDCOMPAT,
    SO_REUSEPORT,
    SO_PASSCRED,
    SO_PEERCRED,
    SO_RCVLOWAT,
    SO_SNDLOWAT,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SO_BINDTODEVICE = 25,
    SO_ATTACH_FILTER, /* read: SO_GET_FILTER */
    SO_DETACH_FILTER,
    SO_PEERNAME,
    SO_TIMESTAMP = 29,
    SO_ACCEPTCONN,
    SO_PEERSEC,
    SO_SNDBUFFORCE,
    SO_RCVBUFFORCE,
    SO_TIMESTAMPNS = 35,
    SO_MARK,
    SO_PROTOCOL = 38,
    SO_DOMAIN,
    SO_RXQ_OVFL = 40,
    SO_WIFI_STATUS,
    SO_PEEK_OFF,
    SO_NOFCS,
    SO_LOCK_FILTER,
    SO_SELECT_ERR_QUEUE,
    SO_BUSY_POLL,
    SO_MAX_PACING_RATE,
    SO_BPF_EXTENSIONS,
    SO_INCOMING_CPU,
    SO_ATTACH_BPF,
    SO_ATTACH_REUSEPORT_CBPF,
    SO_ATTACH_REUSEPORT_EBPF,
    SO_CNX_ADVICE,
    SO_MEMINFO = 55,
    SO_PASSSEC = 34,
    SO_TIMESTAMPING = 37,
    SO_INCOMING_NAPI_ID = 56,
    SO_COOKIE,
    SO_PEERGROUPS = 59,
    SO_ZEROCOPY,
    SO_TXTIME,
    SO_BINDTOIFINDEX,
    SO_TIMESTAMP_NEW = 63, /* the same on x86-64 as the older three */
    SO_TIMESTAMPNS_NEW,
    SO_TIMESTAMPING_NEW,
    SO_RCVTIMEO_NEW,
    SO_SNDTIMEO_NEW,
    SO_DETACH_REUSEPORT_BPF = 68,
    SO_PREFER_BUSY_POLL,
    SO_BUSY_POLL_BUDGET,
    SO_NETNS_COOKIE,
    SO_BUF_LOCK,
    SO_RESERVE_MEM,
    SO_TXREHASH,
    SO_RCVMARK,
    SO_PEERPIDFD = 77,
};

/* sockaddr_storage with its length; len 0: none. */
struct socket_address {
    unsigned len;
    union {
        uint16_t family;
        char bytes[128];
    };
};
/* Who is at a socket or has sent a message. */
struct socket_cred {
    int32_t pid;
    uint32_t uid, gid;
};
/* Supplied by linux/: who is calling. */
extern struct socket_cred (*socket_cred_hook)(void);
/* Open files that travel with a message; each with a reference. */
struct socket_files {
    struct socket_files *next; /* while they wait to be freed */
    uint32_t uid;              /* on whose account they are in flight (unix_collect.c) */
    unsigned n;
    struct file *files[];
};
enum { SOCKET_FILES_MAX = 253 };
void socket_files_free(struct socket_files *files); /* and their references; NULL is nothing */

/* What is left of the program's buffer for control messages (cmsg(3)). */
struct control {
    uintptr_t at;
    size_t left;
};
struct control_header {
    uint64_t len; /* with this header */
    int32_t level, type;
};

/* One sendmsg or recvmsg. */
struct message {
    struct io io;
    struct socket_address
        *address;    /* where to (NULL: the peer), or who sent it (NULL: not asked) */
    unsigned flags;  /* MSG_* asked for */
    unsigned result; /* MSG_TRUNC, MSG_EOR, ... found out */
    bool nonblock;
    nsec_t stamp;               /* received: on the wall clock; 0: when it is asked */
    struct socket_cred cred;    /* the sender's */
    bool cred_given;            /* by SCM_CREDENTIALS; received: there is a packet */
    struct socket_files *files; /* sent: taken over and set to NULL; received: the caller's */
    /* Families with socket_ops.control only: all control messages that were sent, in kernel memory,
     * and the room for those that are received. */
    const void *sent;
    size_t sent_size;
    struct control control;
};

/* The next control message that was sent, checked to lie inside: 1 (*at, from 0, moves on), 0: no
 * more, -EINVAL. data: 8-byte aligned. */
struct control_message {
    int level, type;
    const void *data;
    size_t len;
};
int message_next_control(const struct message *message, size_t *at, struct control_message *next);
/* Give the receiver a control message, as far as there is room (else MSG_CTRUNC). A bad pointer:
 * -EFAULT. */
int message_put_control(struct message *message, int level, int type, const void *data, size_t n);

struct socket;
struct socket_ops {
    int (*bind)(struct socket *socket, const struct socket_address *address);
    int (*listen)(struct socket *socket, int backlog);
    int (*connect)(struct socket *socket, const struct socket_address *address, bool nonblock);
    /* A socket that has no file yet. */
    int (*accept)(struct socket *socket, bool nonblock, struct socket **accepted);
    int (*name)(struct socket *socket, bool peer, struct socket_address *address);
    int (*pair)(struct socket *a, struct socket *b); /* NULL: -EOPNOTSUPP */
    ssize_t (*send)(struct socket *socket, struct message *message);
    ssize_t (*receive)(struct socket *socket, struct message *message);
    int (*shutdown)(struct socket *socket, int how);
    unsigned (*poll)(struct socket *socket, struct poll_table *table);
    int64_t (*ioctl)(struct socket *socket, unsigned cmd, uintptr_t arg);
    /* Options of the family's own levels, and those of SOL_SOCKET that it knows better: value is
     * kernel memory. -ENOPROTOOPT: not mine. get returns the length. NULL: none. */
    int (*set_option)(struct socket *socket, int level, int name, const void *value, size_t len);
    int (*get_option)(struct socket *socket, int level, int name, void *value, size_t len);
    int (*mmap)(struct socket *socket, struct map_request *request); /* NULL: -ENODEV */
    void (*resized)(struct socket *socket); /* SO_RCVBUF or SO_SNDBUF has changed; may be NULL */
    /* The file is closed: free the socket. */
    void (*release)(struct socket *socket);
    bool late_control; /* what was sent is looked at by send() itself, too */
    bool control;      /* serves control messages itself, also those of SOL_SOCKET */
};

struct socket {
    const struct socket_ops *ops;
    int family, type, protocol;
    bool listening;
    struct socket_cred cred; /* of whoever created, connected or listened last; set by linux/ */
    uint64_t flags;          /* options that are on or off, one bit a number below 64 */
    uint32_t send_buffer, receive_buffer;
    int receive_low, priority, mark;
    nsec_t receive_timeout, send_timeout; /* 0: none */
    struct {
        int32_t on, seconds;
    } linger;
    nsec_t last_stamp; /* of the packet that was read last, if keeps_stamp (SIOCGSTAMP); 0 */
    bool keeps_stamp;
    uint32_t busy_poll, buffer_lock, timestamping;
    uint32_t stamp_key;   /* SOF_TIMESTAMPING_OPT_ID: of the next packet; locked as sends are */
    int incoming_cpu;     /* SO_INCOMING_CPU; -1 */
    uint32_t bound_index; /* SO_BINDTOIFINDEX; 0 */
    struct {
        uint32_t clock, flags;
    } txtime; /* SO_TXTIME: kept, for no queueing discipline looks at times */
    bool prefer_busy_poll;
    uint64_t pacing_rate, cookie;
    struct file *file;                    /* the socket's own; NULL before accept and after close */
    uint64_t ino;                         /* its inode's number; 0 before accept */
    atomic_int error;                     /* positive errno, told once (SO_ERROR) */
    struct socket_filter *_Atomic filter; /* SO_ATTACH_FILTER (net/filter.h); RCU; NULL: none */
};
/* Has the calling thread this capability? */
enum { NET_CAP_BIND_SERVICE = 10, NET_CAP_ADMIN = 12, NET_CAP_RAW = 13 };
static inline bool socket_capable(unsigned cap)
{
    return cred_has(vfs_caller_hook()->cred, cap);
}
/* Supplied by linux/: SIGURG for the owner of the file. Threads, under a mutex. */
extern void (*socket_urgent_hook)(struct file *file);

enum { SOCKET_BUFFER = 212992, SOCKET_SEND_MIN = 4608, SOCKET_RECEIVE_MIN = 2304 };
/* What SO_RCVBUF and SO_SNDBUF give without asking, and at most (net.core.rmem_default and so on);
 * SOCKET_BUFFER at first. */
extern uint32_t socket_receive_default, socket_send_default, socket_receive_most, socket_send_most;

struct socket_family {
    int family;
    int (*create)(int type, int protocol, struct socket **socket);
};
void socket_family_register(const struct socket_family *family);
/* -EAFNOSUPPORT, and what the family says of type and protocol. */
int socket_create(int family, int type, int protocol, struct socket **socket);
/* What a new socket starts with; for families. */
void socket_init(struct socket *socket, const struct socket_ops *ops, int family, int type,
                 int protocol);
/* The file that owns the socket from now on (on failure the caller still does); flags:
 * O_NONBLOCK. */
int socket_file(struct socket *socket, int flags, struct file **file);
extern atomic_uint socket_count; /* sockets with a file */
/* The socket of a file, or NULL: -ENOTSOCK. */
struct socket *socket_of(const struct file *file);

static inline bool socket_flag(const struct socket *socket, int option)
{
    return socket->flags >> option & 1;
}
/* Are times of arrival asked for? */
static inline bool socket_wants_time(const struct socket *socket)
{
    return socket->flags & (1ull << SO_TIMESTAMP | 1ull << SO_TIMESTAMPNS);
}
/* In any way, for families with socket_ops.control? */
static inline bool socket_wants_stamps(const struct socket *socket)
{
    return socket_wants_time(socket) || socket->timestamping || socket->keeps_stamp;
}
/* SOF_TIMESTAMPING_* that are asked for what is sent, and how it is told. */
enum {
    STAMP_TX_SOFTWARE = 2,
    STAMP_SOFTWARE = 16,
    STAMP_OPT_ID = 0x80,
    STAMP_TX_SCHED = 0x100,
    STAMP_OPT_TSONLY = 0x800,
    STAMP_SENT = STAMP_TX_SOFTWARE | STAMP_TX_SCHED,
    STAMP_GIVEN = 0x8000 /* the message says which, not the socket */
};
/* struct sock_extended_err */
struct extended_error {
    uint32_t err;
    uint8_t origin, type, code, pad;
    uint32_t info, data; /* data of ICMP: struct sock_ee_data_rfc4884 */
};
enum { ORIGIN_TIMESTAMPING = 4, STAMP_INFO_SENT = 0, STAMP_INFO_SCHED = 1 };
/* Those of the message that is sent (0 or with STAMP_GIVEN), else the socket's. */
static inline unsigned socket_stamps(const struct socket *socket, unsigned given)
{
    return (given ?: socket->timestamping) & STAMP_SENT;
}
/* Its number, for SOF_TIMESTAMPING_OPT_ID. */
static inline uint32_t socket_stamp_key(struct socket *socket)
{
    return socket->timestamping & STAMP_OPT_ID ? socket->stamp_key++ : 0;
}
/* When it left, in a notice of MSG_ERRQUEUE, if the socket wants that. */
int socket_put_departure(const struct socket *socket, struct message *message, nsec_t stamp);
/* Control messages of SOL_SOCKET that go with a packet: when it came (0: not known), how many were
 * dropped up to then. (net/inet_control.c) */
int socket_put_control(struct socket *socket, struct message *message, nsec_t stamp,
                       uint32_t drops);
/* A control message of SOL_SOCKET that a packet is sent with: -EINVAL, -EPERM. */
int socket_get_control(const struct socket *socket, uint32_t *mark, uint16_t *stamps,
                       const struct control_message *control);
/* setsockopt(2) and getsockopt(2) with kernel memory; get returns the length. */
int socket_set_option(struct socket *socket, int level, int name, const void *value, size_t len,
                      bool privileged);
int socket_get_option(struct socket *socket, int level, int name, void *value, size_t len);
/* SO_BINDTODEVICE and SO_BINDTOIFINDEX: bound_index is set. */
int socket_set_bound(struct socket *socket, int name, const void *value, size_t len);
/* SO_MEMINFO's answer: bytes that wait to be read and to be sent. */
int socket_put_meminfo(const struct socket *socket, void *value, size_t len, size_t received,
                       size_t sent, uint32_t drops);

/* The point up to which a call waits, and what it answers when its wait has failed (-EINTR,
 * -ETIMEDOUT). */
static inline nsec_t socket_deadline(nsec_t timeout)
{
    return timeout ? clock_monotonic() + timeout : NSEC_FOREVER;
}
static inline int socket_wait_error(int err, nsec_t deadline)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -EINTR && deadline == NSEC_FOREVER ? -ERESTARTSYS : err;
}
