#include "net/tcp_header.h"

bool tcp_header_parse(const uint8_t *p, size_t have, struct tcp_header *header)
{
    if (have < TCP_HEADER)
        return false;
    header->source = get_be16(p);
    header->destination = get_be16(p + 2);
    header->seq = get_be32(p + 4);
    header->ack = get_be32(p + 8);
    header->len = p[12] >> 4 << 2;
    header->flags = p[13] & 63;
    header->window = get_be16(p + 14);
    header->urgent = get_be16(p + 18);
    return header->len >= TCP_HEADER && header->len <= have;
}

static void parse_sacks(const uint8_t *p, unsigned len, struct tcp_options *options)
{
    if (len < 8 || len % 8 || options->nsacks)
        return;
    for (; len && options->nsacks < TCP_SACKS_MAX; len -= 8, p += 8)
        options->sacks[options->nsacks++] = (struct tcp_range){get_be32(p), get_be32(p + 4)};
}

/* One option of `len` bytes behind its kind and length. */
static void parse_one(unsigned kind, const uint8_t *p, unsigned len, bool syn,
                      struct tcp_options *options)
{
    if (kind == TCPOPT_TS && len == 8) {
        options->has_stamp = true;
        options->stamp = get_be32(p);
        options->echo = get_be32(p + 4);
    } else if (kind == TCPOPT_SACK && !syn) {
        parse_sacks(p, len, options);
    } else if (kind == TCPOPT_MSS && len == 2 && syn) {
        options->mss = get_be16(p);
    } else if (kind == TCPOPT_WSCALE && len == 1 && syn) {
        options->has_wscale = true;
        options->wscale = MIN(p[0], (uint8_t)TCP_WSCALE_MAX);
    } else if (kind == TCPOPT_SACK_OK && !len && syn) {
        options->sack_ok = true;
    }
}

void tcp_options_parse(const uint8_t *p, unsigned len, bool syn, struct tcp_options *options)
{
    options->mss = 0;
    options->wscale = options->nsacks = 0;
    options->has_wscale = options->sack_ok = options->has_stamp = false;
    /* What nearly every segment has. */
    if (len == TCP_STAMP_LEN &&
        get_be32(p) == (TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TS << 8 | 10)) {
        options->has_stamp = true;
        options->stamp = get_be32(p + 4);
        options->echo = get_be32(p + 8);
        return;
    }
    for (unsigned at = 0; at < len && p[at] != TCPOPT_EOL;) {
        if (p[at] == TCPOPT_NOP) {
            at++;
            continue;
        }
        if (len - at < 2 || p[at + 1] < 2 || p[at + 1] > len - at)
            return;
        parse_one(p[at], p + at + 2, p[at + 1] - 2u, syn, options);
        at += p[at + 1];
    }
}

unsigned tcp_options_put_syn(uint8_t *p, const struct tcp_options *options)
{
    uint8_t *start = p;

    if (options->mss) {
        put_be32(p, TCPOPT_MSS << 24 | 4 << 16 | options->mss);
        p += 4;
    }
    if (options->has_stamp) {
        tcp_options_put_stamp(p, options->stamp, options->echo);
        if (options->sack_ok) { /* in the place of the padding */
            p[0] = TCPOPT_SACK_OK;
            p[1] = 2;
        }
        p += TCP_STAMP_LEN;
    } else if (options->sack_ok) {
        put_be32(p, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK_OK << 8 | 2);
        p += 4;
    }
    if (options->has_wscale) {
        put_be32(p, TCPOPT_NOP << 24 | TCPOPT_WSCALE << 16 | 3 << 8 | options->wscale);
        p += 4;
    }
    return (unsigned)(p - start);
}
