/* shim/tcp/sim.h: kernel/net/tcp*.c on the host, deterministic: a clock that jumps from event to
 * event, two addresses, and a link between them that loses, repeats, delays and spoils by a seed.
 * Everything runs in one thread; a call that would wait runs the clock on. */
#pragma once

#include "net/tcp.h"
#include <stdio.h>

void exit(int status) __attribute__((noreturn));

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - %s:%d: %s (seed %lu)\n", __FILE__, __LINE__, #cond,                   \
                   (unsigned long)sim_link.seed);                                                  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* In thousandths; delays in microseconds. */
struct sim_link {
    uint64_t seed;
    unsigned loss, again, spoil, late;
    unsigned delay, jitter; /* jitter: of those that are late */
    unsigned mtu;
    unsigned features; /* of the interface: NETIF_TSO4 */
    unsigned rate;     /* bytes a millisecond; 0: no limit */
    unsigned queue;    /* bytes that wait for it; 0: no limit */
    bool down;
};
extern struct sim_link sim_link;
extern uint64_t sim_sent, sim_lost;
extern long sim_blocks;    /* of the heap, in use */
extern long sim_bytes;     /* what they take of the kernel's heap */
extern bool sim_force_iss; /* connections begin at sim_iss */
extern uint32_t sim_iss;
extern bool (*sim_filter)(uint8_t *segment, unsigned len, const struct inet_addr *source); /* true:
                                                    drop it; may change it (checksum is not) */

void sim_start(uint64_t seed);
uint64_t sim_random(void);
uint64_t sim_below(uint64_t n);
/* The next event: false: there is none. */
bool sim_step(void);
struct timer *sim_first_timer(void); /* the armed one with the earliest deadline; NULL: none */
/* Until cond or so many seconds of the clock; the result of cond. */
bool sim_until(bool (*cond)(void *arg), void *arg, unsigned seconds);
void sim_run(nsec_t time);
struct inet_addr sim_address(unsigned host); /* 10.0.0.host */
/* A segment from outside: header and payload; the checksum is filled in. */
void sim_inject(unsigned from, unsigned to, uint8_t *segment, unsigned len, bool fix_checksum);

/* Sockets with calls that do not wait. */
struct socket *sim_socket(void);
int sim_bind(struct socket *socket, unsigned host, unsigned port);
int sim_connect(struct socket *socket, unsigned host, unsigned port);
ssize_t sim_send(struct socket *socket, const void *data, size_t n, unsigned flags);
ssize_t sim_receive(struct socket *socket, void *data, size_t n, unsigned flags);
struct socket *sim_accept(struct socket *socket); /* NULL: none */
void sim_close(struct socket *socket);
void sim_set(struct socket *socket, int level, int name, int value);
unsigned sim_poll(struct socket *socket);
