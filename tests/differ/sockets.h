/* sockets.h: what the families of sockets share. */
#pragma once

#include "families.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* Of a family: draws an address (shows it, returns its length), shows one, makes a socket for a
 * slot, waits until all that was sent has arrived. */
struct socket_world {
    socklen_t (*draw)(struct sockaddr_storage *a);
    void (*show)(const struct sockaddr_storage *a, socklen_t len);
    void (*settle)(void);
    void (*extra)(struct cmsghdr *c);                          /* shows control data of its own */
    size_t (*control)(char *at);                               /* draws control data of its own */
    bool (*refuses)(int fd, const struct sockaddr_storage *a); /* LEFT OUT: to connect so */
    const struct named *send_flags, *receive_flags;
    unsigned nsend_flags, nreceive_flags;
};
extern struct socket_world socket_world;

/* socket_messages.c */
int socket_slot(void), talker(void); /* slots: mostly of a socket, of one that is connected */
void sockets_ready(int fd);          /* no call on it waits for long */
bool sockets_is(int fd);             /* a socket */
void sockets_drain(void);            /* nothing is under way that goes to or comes from our slots */
void sockets_sent(size_t bytes);     /* drains when much is under way */
void show_peer_name(const struct sockaddr_storage *a, long room, long len);
extern const struct op socket_message_ops[];
void sockets_pass(int fd); /* closed before the next message */
extern int talks;          /* the slot of this step's message */
/* socket_states.c */
extern const struct op socket_state_ops[];
