/* net/config.h: how interfaces get their addresses at boot, and what else the network tells of
 * itself: name servers, search domains, time servers, the host's name. Threads only.
 *
 * A step of the last boot phase goes through the words ip= and ip6= (net/ip_param.h), sets up what
 * is static, and starts a DHCP client (net/dhcp.h) for the rest. */
#pragma once

#include "net/ip_param.h"
#include "net/netif.h"

enum { SETTINGS_SERVERS = 6, SETTINGS_NAME = 255 };

/* What one interface's configuration says beside addresses and routes. */
struct net_settings {
    bool dhcp; /* learnt, else given */
    struct inet_addr dns[SETTINGS_SERVERS], ntp[SETTINGS_SERVERS];
    unsigned ndns, nntp;
    struct inet_addr server;        /* who gave the lease, or the boot server; zero bytes: none */
    char domain[SETTINGS_NAME + 1]; /* "" or the domain's name */
    char search[SETTINGS_NAME + 1]; /* "" or domains with a blank between */
};

/* Take over the interface's settings (copied; NULL: it has none any more). If the name servers or
 * domains of all interfaces together have changed, /etc/resolv.conf is written anew. */
void net_settings_set(struct netif *netif, const struct net_settings *settings);
/* The n-th interface with settings, in the order in which they came; false: there are no more. */
bool net_settings_get(unsigned n, struct net_settings *settings);

/* The host's name, as ip= or DHCP tells it; the word hostname= is stronger. */
void net_hostname_set(const char *name);
/* Supplied by linux/. */
extern void (*net_hostname_hook)(const char *name);
const char *net_hostname(void); /* what DHCP may tell the server; "": none was given */

/* Write /etc/resolv.conf: the text that all settings amount to (net/resolv.c). The folder is made
 * if need be; a link that leads nowhere is replaced; one to /proc/net/pnp stays. */
int resolv_write(const struct net_settings *all, unsigned n);
/* The text, at most size - 1 bytes and a 0; its length. Pure. */
size_t resolv_text(const struct net_settings *all, unsigned n, char *buf, size_t size);
