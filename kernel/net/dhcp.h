/* net/dhcp.h: the DHCP client of an interface: a kernel thread that runs net/dhcp_client.h for as
 * long as the machine runs, and sets up what the server gives. Threads only. */
#pragma once

#include "net/netif.h"

/* Begin; the interface is up. -ENOMEM. */
int dhcp_start(struct netif *netif);
/* Wait until every client has a lease, or it is not sensible to wait any longer: DHCP_BOOT_WAIT
 * seconds, DHCP_LINK_WAIT where there is no link. Said on the console. */
enum { DHCP_BOOT_WAIT = 10, DHCP_LINK_WAIT = 2, DHCP_SAY_AFTER = 2 };
void dhcp_wait(void);
