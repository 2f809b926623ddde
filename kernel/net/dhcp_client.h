/* net/dhcp_client.h: the client's state machine (RFC 2131, 4.4). Pure: it is told what came and
 * what time it is, and calls its owner back to send and to set up what was given.
 *
 * One caller at a time. Time is monotonic. */
#pragma once

#include "net/dhcp_message.h"

struct dhcp_client;

enum dhcp_state {
    DHCP_INIT, /* about to ask, at `deadline` */
    DHCP_SELECTING,
    DHCP_REQUESTING,
    DHCP_BOUND,
    DHCP_RENEWING,
    DHCP_REBINDING
};

/* The spans: how long somebody may object to an address after it was taken; the pause after that
 * happened (RFC 2131, 3.1.5); and the first wait for an answer, doubled each time. */
#define DHCP_SECOND       1000000000ll
#define DHCP_CONFLICT_NS  (2 * DHCP_SECOND)
#define DHCP_PAUSE_NS     (10 * DHCP_SECOND)
#define DHCP_FIRST_NS     (2 * DHCP_SECOND)
#define DHCP_LAST_NS      (64 * DHCP_SECOND)
#define DHCP_ANSWER_NS    (10 * DHCP_SECOND)
#define DHCP_LEASE_LEAST  10 /* seconds: shorter ones count as that */
#define DHCP_LEASE_UNTOLD (60 * 60)

struct dhcp_ops {
    /* Send data: from `source` to `destination`, both 0 and all ones where there is no address yet
     * (network order). */
    void (*send)(struct dhcp_client *client, uint32_t source, uint32_t destination,
                 const uint8_t *data, size_t len);
    /* Ask whether somebody has the address. */
    void (*probe)(struct dhcp_client *client, uint32_t address);
    /* The lease is there, or has been extended (then perhaps with other options). */
    void (*bound)(struct dhcp_client *client);
    /* The address may be used no longer. why: for the console. */
    void (*lost)(struct dhcp_client *client, const char *why);
    uint32_t (*random)(struct dhcp_client *client);
};

struct dhcp_client {
    const struct dhcp_ops *ops; /* these three are the owner's */
    uint8_t mac[6];
    char hostname[65];

    enum dhcp_state state;
    uint32_t xid;
    unsigned tries;           /* of the present question */
    nsec_t started, deadline; /* of the acquisition; when timeout() is due */
    struct dhcp_message offer, lease;
    uint32_t address; /* it is the interface's; 0: none */
    nsec_t asked_at;  /* when the lease was asked for */
    nsec_t t1_at, t2_at, expires_at, watch_until;
    nsec_t listen_until; /* answers to the last question are expected until then */
};

/* Begin: ops, mac and hostname are set. The first question is due at once (client->deadline). */
void dhcp_client_init(struct dhcp_client *client, nsec_t now);
/* Call when the deadline has come. */
void dhcp_client_timeout(struct dhcp_client *client, nsec_t now);
/* A message came. */
void dhcp_client_input(struct dhcp_client *client, nsec_t now, const uint8_t *data, size_t len);
/* Somebody else has the address that was offered or taken. */
void dhcp_client_conflict(struct dhcp_client *client, nsec_t now);
/* The link has come back: make sure that the lease still holds (there may be another network). */
void dhcp_client_relink(struct dhcp_client *client, nsec_t now);
/* The address to which objections count now (network order); 0: none. */
uint32_t dhcp_client_watched(const struct dhcp_client *client, nsec_t now);
/* Must it see what comes in? (While it does, nothing takes the short way through the stack.) */
bool dhcp_client_listens(const struct dhcp_client *client, nsec_t now);
