/* net/unix.h: AF_UNIX inside (man 7 unix): sockets, names (unix_name.c), connections (unix.c) and
 * what is on its way (unix_data.c).
 *
 * Locks: peers_lock (unix_data.c); socket->lock, two of them in address order; then names_lock.
 * Between connected stream sockets `peer` never changes until release, so their transfers lock only
 * the receiver. */
#pragma once

#include "net/socket.h"

enum { UNIX_PATH_AT = 2, UNIX_PATH_MAX = 108, UNIX_DGRAM_QUEUE = 512, UNIX_BACKLOG_MAX = 4096 };

/* What a socket is bound to; shared by a listener and those it accepted. */
struct unix_name {
    atomic_uint refs;
    struct path place; /* of a name in the file system; {} for abstract ones */
    struct socket_address address;
};

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_socket {
    struct socket socket; /* first */
    atomic_uint refs;     /* the file's or the backlog's, its peers', packets' */
    struct mutex lock;
    _Atomic(enum unix_state) state;
    struct unix_socket *peer;    /* with a reference */
    struct list clients, client; /* datagram sockets whose peer this is; this one among such */
    struct unix_name *name;
    struct list name_link; /* in the table of names */
    struct list all_link;  /* net/unix_list.c */
    uint64_t number;       /* its order there */
    struct list queue;     /* packets to read, or (listening) sockets to accept by `pending` */
    struct list pending;
    atomic_uint nqueued;
    size_t queued_bytes;
    atomic_ulong in_flight; /* bytes sent and not yet read */
    atomic_bool shut_read, shut_write, dead;
    unsigned backlog;
    int peek_offset;                    /* SO_PEEK_OFF; -1: off */
    struct unix_packet *_Atomic urgent; /* in the queue: the byte that MSG_OOB gets */
    struct socket_cred peer_cred;
    struct group_set *peer_groups; /* with a reference; NULL: none */
    struct waitqueue readable, writable;
    struct {
        struct list link;
        unsigned times, outside; /* references to the file from packets; not from suspects' */
        bool suspect;            /* no other references; nobody receives it any more */
    } flight;                    /* unix_collect.c's */
};

/* One message, or a piece of a stream. */
struct unix_packet {
    struct list link;
    struct unix_socket *sender; /* with a reference */
    struct socket_cred cred;
    struct socket_files *files;
    size_t len, offset;
    nsec_t stamp;    /* on the wall clock, if the receiver wanted to know; 0 */
    bool cred_given; /* by SCM_CREDENTIALS */
    bool mark;       /* one byte of MSG_OOB; where it was read already, reading stops before it */
    char data[];
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
    return container_of(socket, struct unix_socket, socket);
}
/* The last reference frees it. */
void unix_put(struct unix_socket *u);
/* SO_PEERGROUPS, with a reference; NULL: none. */
struct group_set *unix_peer_groups(struct unix_socket *u);
static inline void unix_get(struct unix_socket *u)
{
    atomic_fetch_add_explicit(&u->refs, 1, memory_order_relaxed);
}
void unix_lock_both(struct unix_socket *a, struct unix_socket *b);
void unix_unlock_both(struct unix_socket *a, struct unix_socket *b);
/* May more be sent without waiting, as poll(2) sees it? */
static inline bool unix_has_room(const struct unix_socket *u)
{
    return u->in_flight * 4 <= u->socket.send_buffer;
}

/* --- names */
void unix_name_put(struct unix_name *name);
/* bind(2): of a name in the file system (made now) or an abstract one (-EINVAL if the socket has
 * one already; told after what is wrong with a path, as on Linux); an address without a name: one
 * is chosen. The socket is locked. */
int unix_name_bind(struct unix_socket *u, const struct socket_address *address);
void unix_name_release(struct unix_socket *u);
/* The socket bound to an address, with a reference; -ECONNREFUSED, -EPROTOTYPE, and the errors of
 * a walk. */
int unix_name_find(const struct socket_address *address, int type, struct unix_socket **found);
/* 0, or -EINVAL for what is no address of this family. */
int unix_address_check(const struct socket_address *address);

/* --- data */
ssize_t unix_send_stream(struct socket *socket, struct message *message);
ssize_t unix_send_packet(struct socket *socket, struct message *message);
ssize_t unix_receive_stream(struct socket *socket, struct message *message);
ssize_t unix_receive_packet(struct socket *socket, struct message *message);
void unix_dequeue(struct unix_socket *u, struct unix_packet *packet); /* locked */
void unix_packet_free(struct unix_packet *packet);
/* Throw away what nobody will read; true if there was anything. */
bool unix_purge(struct unix_socket *u);
/* Another peer (its reference is taken over), or none (NULL), in the place of the present one:
 * connect(2) of a datagram socket, socketpair(2), the end. */
void unix_change_peer(struct unix_socket *u, struct unix_socket *peer);
int unix_may_send(const struct unix_socket *u, const struct unix_socket *to);

/* --- files in flight. No socket is locked. */
/* The files of a packet that will enter a queue; -ETOOMANYREFS: the caller has too many on the way,
 * -ENOMEM. Otherwise the second is due: the packet has left the queue, or never entered one. */
int unix_files_depart(struct socket_files *files);
void unix_files_arrive(struct socket_files *files);
/* References to files in a queue were copied, under the lock of the socket. */
void unix_files_peeked(void);
/* Free the sockets that are nowhere but in each other's queues; the second, with each socket that
 * ends, costs nothing while none is in flight. */
void unix_collect(void);
void unix_collect_at_release(void);
/* Supplied by linux/: the caller's user and how many files that may have in flight. */
extern unsigned long (*unix_in_flight_hook)(uint32_t *uid);

/* --- all of them (net/unix_list.c) */
void unix_list_add(struct unix_socket *u);
void unix_list_remove(struct unix_socket *u);
unsigned unix_count(void);
struct unix_view {
    struct unix_socket *socket;
    int type;
    enum unix_state state;
    unsigned refs, uid, backlog;
    unsigned waiting; /* bytes to read; of a listener: connections */
    unsigned sent;    /* bytes that the other side has not read */
    unsigned shut;    /* 1: reading, 2: writing */
    uint64_t ino, peer_ino, inode;
    bool has_peer, abstract, has_inode;
    uint32_t device;
    char name[UNIX_PATH_MAX + 1]; /* with zeros, where it is abstract */
    unsigned name_len;
};
/* Each; false ends it. fn may sleep. */
void unix_each(bool (*fn)(const struct unix_view *view, void *arg), void *arg);
/* The inode numbers of the clients that wait to be accepted. fn must not take the socket's lock. */
void unix_each_pending(struct unix_socket *u, void (*fn)(uint64_t ino, void *arg), void *arg);
