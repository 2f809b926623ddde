/* net/dhcp_frame.c: what carries messages of DHCP before there is an address, and ARP's question
 * whether somebody has it. */
#include "lib/errno.h"
#include "net/dhcp_message.h"
#include "net/packet.h"

enum { IP_AT = 14, UDP_AT = 34, ETHERTYPE_IP = 0x0800, ETHERTYPE_ARP = 0x0806, UDP = 17 };

static void put_ip(uint8_t *ip, uint32_t source, uint32_t destination, size_t total)
{
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)total);
    ip[8] = 64;
    ip[9] = UDP;
    put_le32(ip + 12, source);
    put_le32(ip + 16, destination);
    put_le16(ip + 10, checksum_fold(checksum_add(0, ip, 20)));
}

/* Sum of pseudo header, header and data (RFC 768). */
static uint16_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
    uint8_t pseudo[4] = {0, UDP};
    uint32_t sum = checksum_add(0, ip + 12, 8);

    put_be16(pseudo + 2, (uint16_t)len);
    sum = checksum_add(sum, pseudo, 4);
    return checksum_fold(checksum_add(sum, udp, len));
}

size_t dhcp_frame_build(const uint8_t mac[6], uint32_t source, uint32_t destination,
                        const uint8_t *data, size_t len, uint8_t *buf)
{
    uint8_t *udp = buf + UDP_AT;

    memset(buf, 0xff, 6);
    memcpy(buf + 6, mac, 6);
    put_be16(buf + 12, ETHERTYPE_IP);
    put_ip(buf + IP_AT, source, destination, 20 + 8 + len);
    put_be16(udp, DHCP_CLIENT_PORT);
    put_be16(udp + 2, DHCP_SERVER_PORT);
    put_be16(udp + 4, (uint16_t)(8 + len));
    put_be16(udp + 6, 0);
    memcpy(udp + 8, data, len);
    uint16_t sum = udp_sum(buf + IP_AT, udp, 8 + len);
    put_le16(udp + 6, sum ? sum : 0xffff);
    return DHCP_FRAME_HEAD + len;
}

int dhcp_frame_parse(const uint8_t *frame, size_t n, bool verified, const uint8_t **data,
                     size_t *len)
{
    const uint8_t *ip = frame + IP_AT;

    if (n < DHCP_FRAME_HEAD || get_be16(frame + 12) != ETHERTYPE_IP || ip[0] >> 4 != 4)
        return -EINVAL;
    size_t head = (size_t)(ip[0] & 15) * 4, total = get_be16(ip + 2);
    if (head < 20 || total < head + 8 || total > n - IP_AT || ip[9] != UDP ||
        get_be16(ip + 6) & 0x3fff || checksum_fold(checksum_add(0, ip, head)))
        return -EINVAL;
    const uint8_t *udp = ip + head;
    size_t size = get_be16(udp + 4);
    if (get_be16(udp) != DHCP_SERVER_PORT || get_be16(udp + 2) != DHCP_CLIENT_PORT || size < 8 ||
        size > total - head)
        return -EINVAL;
    if (!verified && get_be16(udp + 6) && udp_sum(ip, udp, size))
        return -EINVAL;
    *data = udp + 8;
    *len = size - 8;
    return 0;
}

size_t arp_probe_build(const uint8_t mac[6], uint32_t address, uint8_t *buf)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};

    memset(buf, 0, ARP_FRAME);
    memset(buf, 0xff, 6);
    memcpy(buf + 6, mac, 6);
    memcpy(buf + 12, head, sizeof(head));
    memcpy(buf + 22, mac, 6);
    put_le32(buf + 38, address);
    return ARP_FRAME;
}

bool arp_shows_conflict(const uint8_t *frame, size_t n, const uint8_t mac[6], uint32_t address)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4};

    if (n < ARP_FRAME || memcmp(frame + 12, head, sizeof(head)) || !memcmp(frame + 22, mac, 6))
        return false;
    if (get_le32(frame + 28) == address)
        return true;
    return !get_le32(frame + 28) && get_be16(frame + 20) == 1 && get_le32(frame + 38) == address;
}
