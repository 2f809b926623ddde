/* net/dhcp_message.h: messages of DHCP (RFC 2131, 2132, 3396, 3397, 3442) and the frames that carry
 * them where there is no address yet. Pure; any context.
 *
 * Addresses are in network order. */
#pragma once

#include "net/address.h"

enum {
    DHCP_SERVERS = 6,
    DHCP_ROUTES = 24,
    DHCP_NAME = 255,
    DHCP_MESSAGE_MAX = 576, /* of what is sent (RFC 2131, 2) */
    DHCP_SERVER_PORT = 67,
    DHCP_CLIENT_PORT = 68,
};
enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER,
    DHCP_REQUEST,
    DHCP_DECLINE,
    DHCP_ACK,
    DHCP_NAK,
    DHCP_RELEASE,
    DHCP_INFORM
};

struct dhcp_route {
    uint32_t destination, gateway; /* gateway 0: on the link */
    unsigned prefix;
};

/* What a server says. Zero: not told. */
struct dhcp_message {
    uint8_t type; /* enum dhcp_type; 0: none told (BOOTP) */
    uint32_t xid;
    uint32_t client, yours, next_server; /* ciaddr, yiaddr, siaddr */
    uint8_t mac[6];
    uint32_t server, mask, broadcast;
    uint32_t lease, t1, t2; /* seconds; UINT32_MAX: for ever */
    bool has_lease;
    uint16_t mtu;
    uint32_t dns[DHCP_SERVERS], ntp[DHCP_SERVERS];
    unsigned ndns, nntp, nroutes;
    struct dhcp_route routes[DHCP_ROUTES]; /* default routes too; by RFC 3442 if it was told */
    char domain[DHCP_NAME + 1], search[DHCP_NAME + 1], hostname[65], text[DHCP_NAME + 1];
};
/* Read what came from a server. -EINVAL: no reply of DHCP, or broken. Options that are of the wrong
 * length count as not told. */
int dhcp_message_parse(const uint8_t *data, size_t len, struct dhcp_message *message);

/* What a client says. */
struct dhcp_query {
    enum dhcp_type type;
    uint32_t xid;
    uint16_t seconds;
    uint32_t client;            /* ciaddr: it answers at that address */
    uint32_t requested, server; /* options; 0: left out */
    const uint8_t *mac;         /* of 6 bytes */
    const char *hostname;       /* "": left out */
};
/* Written to buf[DHCP_MESSAGE_MAX]; its length. */
size_t dhcp_message_build(const struct dhcp_query *query, uint8_t *buf);

/* An Ethernet frame that carries `len` bytes from source to destination (IPv4, ports of client and
 * server), broadcast: buf has room for len + DHCP_FRAME_HEAD. Its length. */
enum { DHCP_FRAME_HEAD = 14 + 20 + 8 };
size_t dhcp_frame_build(const uint8_t mac[6], uint32_t source, uint32_t destination,
                        const uint8_t *data, size_t len, uint8_t *buf);
/* The message of DHCP in a frame, for a client; -EINVAL: it carries none. verified: the device has
 * looked at the checksum. */
int dhcp_frame_parse(const uint8_t *frame, size_t n, bool verified, const uint8_t **data,
                     size_t *len);

/* ARP (RFC 826, RFC 5227). A probe asks who has `address`; buf has room for ARP_FRAME. */
enum { ARP_FRAME = 42 };
size_t arp_probe_build(const uint8_t mac[6], uint32_t address, uint8_t *buf);
/* Does the frame say that somebody other than mac has the address, or wants it (a probe)? */
bool arp_shows_conflict(const uint8_t *frame, size_t n, const uint8_t mac[6], uint32_t address);
