#include "net/address.h"

#include "lib/errno.h"

bool inet_prefix_match(const struct inet_addr *a, const struct inet_addr *b, unsigned prefix)
{
    bool v4 = inet_is_v4(a);

    if (v4 != inet_is_v4(b))
        return false;
    unsigned bits = v4 ? prefix + 96 : prefix, whole = MIN(bits, 128u) / 8, rest = bits % 8;
    if (memcmp(a->bytes, b->bytes, whole))
        return false;
    return whole >= 16 || !rest || !((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest));
}

/* --- as text
 * ------------------------------------------------------------------------------------------------
 */

static unsigned text_v4(const uint8_t *bytes, char *buf, size_t size)
{
    return (unsigned)snprintf(buf, size, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* The longest run of at least two groups that are 0 (RFC 5952, 4.2): its first and its length. */
static unsigned longest_zeros(const struct inet_addr *a, unsigned *first)
{
    unsigned best = 1, run = 0;

    *first = 8;
    for (unsigned i = 0; i < 8; i++) {
        run = get_be16(a->bytes + 2 * i) ? 0 : run + 1;
        if (run > best) {
            best = run;
            *first = i + 1 - run;
        }
    }
    return best;
}

unsigned inet_text(const struct inet_addr *a, char *buf)
{
    unsigned first, len = 0, zeros = longest_zeros(a, &first);

    if (inet_is_v4(a))
        return text_v4(a->bytes + 12, buf, INET_TEXT);
    for (unsigned i = 0; i < 8; i++) {
        if (i == first) {
            len += (unsigned)snprintf(buf + len, INET_TEXT - len, "::");
            i += zeros - 1;
            continue;
        }
        const char *colon = i && i != first + zeros ? ":" : "";
        len += (unsigned)snprintf(buf + len, INET_TEXT - len, "%s%x", colon,
                                  get_be16(a->bytes + 2 * i));
    }
    return len;
}

/* --- from text
 * ---------------------------------------------------------------------------------------------- */

static int digit(char c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

    return value < (int)base ? value : -1;
}

/* A number of at most `most` digits; -1. */
static int number(const char **text, unsigned base, unsigned most)
{
    int value = 0;
    unsigned n = 0;

    for (; n < most && digit(**text, base) >= 0; n++)
        value = value * (int)base + digit(*(*text)++, base);
    return n && digit(**text, base) < 0 ? value : -1;
}

static int parse_v4(const char *text, uint8_t bytes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        int value = number(&text, 10, 3);

        if (value < 0 || value > 255 || *text != (i < 3 ? '.' : 0))
            return -EINVAL;
        bytes[i] = (uint8_t)value;
        text++;
    }
    return 0;
}

/* What has been read of an IPv6 address. */
struct groups {
    uint8_t bytes[16];
    unsigned n;   /* bytes */
    unsigned gap; /* bytes before "::"; 17: there is none */
};

/* The gap takes what is left. */
static int fill_gap(const struct groups *g, struct inet_addr *a)
{
    *a = (struct inet_addr){};
    if (g->gap > 16) {
        memcpy(a->bytes, g->bytes, 16);
        return g->n == 16 ? 0 : -EINVAL;
    }
    if (g->n > 14)
        return -EINVAL;
    memcpy(a->bytes, g->bytes, g->gap);
    memcpy(a->bytes + 16 - (g->n - g->gap), g->bytes + g->gap, g->n - g->gap);
    return 0;
}

/* One group of hexadecimal digits, or the IPv4 address at the end. */
static int parse_group(const char **text, struct groups *g)
{
    const char *start = *text;
    int value = number(text, 16, 4);

    if (**text == '.') {
        if (g->n > 12 || parse_v4(start, g->bytes + g->n))
            return -EINVAL;
        g->n += 4;
        *text = "";
        return 0;
    }
    if (value < 0 || g->n > 14)
        return -EINVAL;
    put_be16(g->bytes + g->n, (uint16_t)value);
    g->n += 2;
    return 0;
}

static int parse_v6(const char *text, struct inet_addr *a)
{
    struct groups g = {.gap = 17};

    if (text[0] == ':' && text[1] != ':')
        return -EINVAL;
    while (*text) {
        if (text[0] == ':' && text[1] == ':') {
            if (g.gap <= 16)
                return -EINVAL;
            g.gap = g.n;
            text += 2;
            continue;
        }
        if (g.n && g.n != g.gap && *text == ':')
            text++;
        if (parse_group(&text, &g) || (*text && *text != ':'))
            return -EINVAL;
    }
    return fill_gap(&g, a);
}

int inet_parse(const char *text, struct inet_addr *a)
{
    uint8_t bytes[4];

    if (strchr(text, ':'))
        return parse_v6(text, a);
    if (parse_v4(text, bytes))
        return -EINVAL;
    *a = (struct inet_addr){.words = {0, 0, (uint32_t)INET4_MAPPED, get_le32(bytes)}};
    return 0;
}
