#include "net/inet_diag_filter.h"

#include "lib/errno.h"

/* An operation is 4 bytes: code, yes (u8), no (u16): how far it is to the next one either way. Some
 * have operands behind: another such word whose `no` is a port, a struct with an address, a mark.
 */
enum {
    NOP,
    JMP,
    S_GE,
    S_LE,
    D_GE,
    D_LE,
    AUTO,
    S_COND,
    D_COND,
    DEV_COND,
    MARK_COND,
    S_EQ,
    D_EQ,
    CODES
};
enum { OP = 4, COND = 8 };
enum { FAMILY_ANY = 0, FAMILY_INET = 2, FAMILY_INET6 = 10 };

static unsigned u16_at(const uint8_t *p)
{
    return get_le16(p);
}

/* --- is it a program?
 * ---------------------------------------------------------------------------------------- */

static unsigned address_len(unsigned family)
{
    return family == FAMILY_INET ? 4 : family == FAMILY_INET6 ? 16 : 0;
}

/* Bytes of the operation at p, of which `left` are there; 0: it is none. */
static unsigned op_len(const uint8_t *p, size_t left)
{
    switch (p[0]) {
    case NOP:
    case JMP:
    case AUTO:
        return OP;
    case S_GE:
    case S_LE:
    case D_GE:
    case D_LE:
    case S_EQ:
    case D_EQ:
    case DEV_COND:
        return OP + 4;
    case MARK_COND:
        return OP + 8;
    case S_COND:
    case D_COND: {
        if (left < OP + COND)
            return 0;
        unsigned family = p[OP], prefix = p[OP + 1], n = address_len(family);
        if ((family && !n) || prefix > n * 8)
            return 0;
        return OP + COND + n;
    }
    default:
        return 0;
    }
}

/* Does an operation begin with `left` bytes to go, as the way along yes finds them? */
static bool begins_at(const uint8_t *code, size_t len, size_t left)
{
    size_t at = 0;

    while (at < len) {
        if (len - at == left)
            return true;
        if (len - at < left || code[at + 1] < OP || code[at + 1] & 3)
            return false;
        at += code[at + 1];
    }
    return false;
}

int diag_filter_check(const uint8_t *code, size_t len, bool admin)
{
    for (size_t at = 0; at < len;) {
        size_t left = len - at;
        const uint8_t *p = code + at;
        unsigned least = left < OP ? 0 : op_len(p, left), no;
        if (!least || least > left)
            return -EINVAL;
        if (p[0] == MARK_COND && !admin)
            return -EPERM;
        no = u16_at(p + 2);
        if (p[0] != NOP && (no < least || no > left + OP || no & 3 ||
                            (no < left && !begins_at(code, len, left - no))))
            return -EINVAL;
        if (p[1] < least || p[1] > left + OP || p[1] & 3)
            return -EINVAL;
        if (p[1] > left)
            return -EINVAL;
        at += p[1];
    }
    return 0;
}

/* --- running
 * --------------------------------------------------------------------------------------------------
 */

/* Does an end agree with the family, prefix, port and address at p? */
static bool meets(const struct diag_subject *s, const struct inet_addr *a, unsigned port,
                  const uint8_t *p)
{
    unsigned family = p[0], prefix = p[1];
    int32_t wanted = (int32_t)get_le32(p + 4);
    struct inet_addr address = {};

    if (wanted != -1 && wanted != (int32_t)port)
        return false;
    if (family == FAMILY_ANY)
        return true;
    if (family == FAMILY_INET)
        address = inet_v4(get_le32(p + COND));
    else
        memcpy(address.bytes, p + COND, 16);
    if (family == FAMILY_INET6 && !s->v6)
        return false;
    if (!prefix)
        return family == FAMILY_INET6 || !s->v6 || inet_is_v4(a);
    if (family == FAMILY_INET && !inet_is_v4(a))
        return false;
    if (family == FAMILY_INET6 && inet_is_v4(a) != inet_is_v4(&address))
        return false;
    if (inet_is_v4(&address) && family == FAMILY_INET6)
        prefix = prefix > 96 ? prefix - 96 : 0;
    return inet_prefix_match(a, &address, prefix);
}

static bool holds(const struct diag_subject *s, const uint8_t *p)
{
    switch (p[0]) {
    case JMP:
        return false;
    case S_EQ:
        return s->local_port == u16_at(p + OP + 2);
    case S_GE:
        return s->local_port >= u16_at(p + OP + 2);
    case S_LE:
        return s->local_port <= u16_at(p + OP + 2);
    case D_EQ:
        return s->remote_port == u16_at(p + OP + 2);
    case D_GE:
        return s->remote_port >= u16_at(p + OP + 2);
    case D_LE:
        return s->remote_port <= u16_at(p + OP + 2);
    case AUTO:
        return s->chosen_port;
    case S_COND:
        return meets(s, &s->local, s->local_port, p + OP);
    case D_COND:
        return meets(s, &s->remote, s->remote_port, p + OP);
    case DEV_COND:
        return s->netif == get_le32(p + OP);
    case MARK_COND:
        return (s->mark & get_le32(p + OP + 4)) == get_le32(p + OP);
    default:
        return true;
    }
}

bool diag_filter_run(const uint8_t *code, size_t len, const struct diag_subject *s)
{
    size_t at = 0;

    while (at < len)
        at += holds(s, code + at) ? code[at + 1] : u16_at(code + at + 2);
    return at == len;
}
