/* net/packet_vnet.h: struct virtio_net_hdr before the packets of AF_PACKET (PACKET_VNET_HDR). Any
 * context. */
#pragma once

#include "net/packet.h"

struct packet_vnet {
    uint8_t flags, gso;
    uint16_t header_len, gso_size, csum_start, csum_offset;
};

/* Does the header say what cannot be of `len` bytes (-EINVAL)? Mends its header_len. */
int packet_vnet_check(struct packet_vnet *asked, unsigned len);
/* Note in the packet (at its link header, in one piece, netif and protocol known) what is asked
 * for: -EINVAL. */
int packet_vnet_apply(struct packet *packet, const struct packet_vnet *asked);
void packet_vnet_tell(const struct packet *packet, struct packet_vnet *told);
