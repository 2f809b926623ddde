/* Options of IPv4 (RFC 791, 3.1; RFC 1122, 3.2.1.8). Pure code. */
#include "core/clock.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "net/ip_core.h"

enum {
    HEADER = 20,
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_RECORD = 7,
    OPTION_TIMESTAMP = 68,
    OPTION_LOOSE = 131,
    OPTION_STRICT = 137,
    OPTION_ALERT = 148,
    COPIED = 0x80,
};
enum { STAMP_ONLY = 0, STAMP_ADDRESS = 1, STAMP_FOR = 3 };

/* Bytes of the option at p, of which `left` are there: 0 if it does not fit. */
static unsigned length_of(const uint8_t *p, unsigned left)
{
    if (*p == OPTION_NOP)
        return 1;
    return left < 2 || p[1] < 2 || p[1] > left ? 0 : p[1];
}

/* RFC 791: milliseconds since midnight UTC. */
static uint32_t time_of_day(void)
{
    return (uint32_t)(clock_realtime() / 1000000 % 86400000);
}

/* Each of the following: 0, or the offset in the option of what is wrong. */

static unsigned record_route(uint8_t *p, unsigned len, const struct inet_addr *local)
{
    if (len < 3)
        return 1;
    if (p[2] < 4)
        return 2;
    if (p[2] > len)
        return 0;
    if (p[2] + 3u > len)
        return 2;
    put_le32(p + p[2] - 1, inet_v4_of(local));
    p[2] += 4;
    return 0;
}

static unsigned count_overflow(uint8_t *p)
{
    if ((p[3] & 0xf0) == 0xf0)
        return 3;
    p[3] += 0x10;
    return 0;
}

static unsigned record_time(uint8_t *p, unsigned len, const struct inet_addr *local)
{
    unsigned kind = p[3] & 15, at = p[2] - 1u;

    if (kind == STAMP_ONLY) {
        put_be32(p + at, time_of_day());
        p[2] += 4;
        return 0;
    }
    if (kind != STAMP_ADDRESS && kind != STAMP_FOR)
        return 3;
    if (p[2] + 7u > len)
        return 2;
    if (kind == STAMP_ADDRESS)
        put_le32(p + at, inet_v4_of(local));
    else if (get_le32(p + at) != inet_v4_of(local))
        return 0;
    put_be32(p + at + 4, time_of_day());
    p[2] += 8;
    return 0;
}

static unsigned stamp(uint8_t *p, unsigned len, const struct inet_addr *local)
{
    if (len < 4)
        return 1;
    if (p[2] < 5)
        return 2;
    if (p[2] > len)
        return count_overflow(p);
    if (p[2] + 3u > len)
        return 2;
    return record_time(p, len, local);
}

static int receive_one(uint8_t *p, unsigned len, const struct inet_addr *local, unsigned *wrong)
{
    *wrong = 0;
    switch (*p) {
    case OPTION_LOOSE:
    case OPTION_STRICT:
        return -EPERM;
    case OPTION_RECORD:
        *wrong = record_route(p, len, local);
        break;
    case OPTION_TIMESTAMP:
        *wrong = stamp(p, len, local);
        break;
    case OPTION_ALERT:
        *wrong = len < 4 ? 1 : 0;
        break;
    }
    return *wrong ? -EINVAL : 0;
}

static int receive_all(uint8_t *ip, unsigned header, const struct inet_addr *local,
                       unsigned *pointer)
{
    for (unsigned at = HEADER; at < header && ip[at] != OPTION_END;) {
        unsigned len = length_of(ip + at, header - at), wrong;
        *pointer = at;
        if (!len)
            return -EINVAL;
        int err = ip[at] == OPTION_NOP ? 0 : receive_one(ip + at, len, local, &wrong);
        if (err) {
            *pointer += err == -EINVAL ? wrong : 0;
            return err;
        }
        at += len;
    }
    return 0;
}

int ipv4_options_receive(struct packet *packet, const struct inet_addr *local, unsigned *pointer)
{
    uint8_t *ip = packet->network;
    unsigned header = (ip[0] & 15) * 4u;
    int err = receive_all(ip, header, local, pointer);

    if (!err) {
        put_le16(ip + 10, 0);
        put_le16(ip + 10, checksum_fold(checksum_add(0, ip, header)));
    }
    return err;
}

unsigned ipv4_options_answer(const struct packet *packet, uint8_t *out)
{
    const uint8_t *ip = packet->network;
    unsigned header = (ip[0] & 15) * 4u, n = 0;

    for (unsigned at = HEADER; at < header && ip[at] != OPTION_END;) {
        unsigned len = length_of(ip + at, header - at);
        if (!len)
            break;
        if (ip[at] == OPTION_RECORD || ip[at] == OPTION_TIMESTAMP) {
            memcpy(out + n, ip + at, len);
            n += len;
        }
        at += len;
    }
    while (n % 4)
        out[n++] = OPTION_END;
    return n;
}

void ipv4_options_later(uint8_t *options, unsigned len)
{
    for (unsigned at = 0; at < len && options[at] != OPTION_END;) {
        unsigned n = length_of(options + at, len - at);
        if (!n)
            return;
        if (!(options[at] & COPIED))
            memset(options + at, OPTION_NOP, n);
        at += n;
    }
}
