/* net/neighbour.h: the inside of net/neighbour.c, for its tests and for netif.c and arp.c. */
#pragma once

#include "net/route.h"

/* Forget all but permanent neighbours of an interface that went down. A thread. */
void neighbour_flush(struct netif *netif);
/* Frame an IP packet for a hardware address and transmit it. As neighbour_send. */
int neighbour_frame(struct netif *netif, const uint8_t *mac, struct packet *packet);
/* The hardware address of a group. */
void neighbour_group_mac(const struct inet_addr *group, uint8_t *mac);
/* The neighbour cannot be reached: packet (at its network header) waited for it. Tells the sender;
 * does not take it. Interrupts off or a thread. */
void neighbour_give_up(struct packet *packet);
