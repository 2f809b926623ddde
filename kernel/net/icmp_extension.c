#include "net/icmp_extension.h"

#include "lib/endian.h"
#include "net/packet.h"

enum { MESSAGE_HEADER = 8, QUOTED_LEAST = 128, HEADER = 4, VERSION = 2 };

/* How long the quoted packet is said to be; 0: the message knows no extensions. */
static unsigned quoted_len(const uint8_t *icmp, bool v6)
{
    if (v6)
        return icmp[0] == 1 || icmp[0] == 3 ? icmp[4] * 8u : 0;
    return icmp[0] == 3 || icmp[0] == 11 || icmp[0] == 12 ? icmp[5] * 4u : 0;
}

/* Objects up to the very end, and a checksum that holds if there is one (RFC 4884, 7). Of other
 * versions nothing is known. */
static bool is_valid(const uint8_t *p, unsigned len)
{
    if (p[0] >> 4 != VERSION)
        return true;
    if (get_be16(p + 2) && checksum_fold(checksum_add(0, p, len)))
        return false;
    for (unsigned at = HEADER, step; at < len; at += step) {
        step = len - at < HEADER ? 0 : get_be16(p + at);
        if (step < HEADER || step > len - at)
            return false;
    }
    return true;
}

uint32_t icmp_extension(const uint8_t *icmp, bool v6, const uint8_t *payload, unsigned len)
{
    unsigned quoted = quoted_len(icmp, v6), passed = (unsigned)(payload - icmp) - MESSAGE_HEADER;

    if (quoted < QUOTED_LEAST || quoted < passed || quoted - passed + HEADER > len)
        return 0;
    quoted -= passed;
    return quoted | (is_valid(payload + quoted, len - quoted) ? 0 : ICMP_EXTENSION_INVALID);
}
