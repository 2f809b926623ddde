/* The Internet checksum (RFC 1071). */
#include "arch/x86_64/checksum.h"
#include "lib/endian.h"
#include "net/packet.h"

static uint32_t fold_64(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (uint32_t)sum;
}

static uint64_t add_with_carry(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

uint32_t checksum_add(uint32_t start, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t sum = start;

    for (; n >= 32; n -= 32, p += 32)
        sum = checksum_step(sum, p);
    for (; n >= 8; n -= 8, p += 8)
        sum = add_with_carry(sum, get_le64(p));
    if (n & 4) {
        sum = add_with_carry(sum, get_le32(p));
        p += 4;
    }
    if (n & 2) {
        sum = add_with_carry(sum, get_le16(p));
        p += 2;
    }
    if (n & 1)
        sum = add_with_carry(sum, *p);
    /* Less than 2^32, so that the caller may go on adding folded sums. */
    sum = fold_64(sum);
    return (uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16);
}

uint32_t packet_sum(uint32_t sum, const struct packet *packet, unsigned offset, unsigned n)
{
    bool odd = false;

    for (; n && packet; packet = packet->more) {
        if (offset >= packet->len) {
            offset -= packet->len;
            continue;
        }
        unsigned part = MIN(n, packet->len - offset);
        uint32_t piece = checksum_add(0, packet->data + offset, part);
        if (odd) {
            piece = (piece & 0xffff) + (piece >> 16);
            piece = __builtin_bswap16((uint16_t)((piece & 0xffff) + (piece >> 16)));
        }
        sum = (sum & 0xffff) + (sum >> 16) + piece;
        odd ^= part & 1;
        n -= part;
        offset = 0;
    }
    return sum;
}

bool packet_checksum_finish(struct packet *packet)
{
    unsigned start = packet->csum_start, field = start + packet->csum_offset;

    if (field + 2 > packet->total || !packet_pull_up(packet, field + 2))
        return false;
    uint16_t sum = checksum_fold(packet_sum(0, packet, start, packet->total - start));
    put_le16(packet->data + field, sum ? sum : 0xffff);
    packet->checksum = CHECKSUM_NONE;
    return true;
}
