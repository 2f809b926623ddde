/* net/tcp_header.h: the TCP header and its options (RFC 9293, 3.1), read from foreign bytes. Pure:
 * no dependence on the rest of the kernel. Any context. */
#pragma once

#include "lib/endian.h"
#include "lib/types.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };
enum { TCP_HEADER = 20, TCP_HEADER_MAX = 60, TCP_SACKS_MAX = 4, TCP_WSCALE_MAX = 14 };
enum {
    TCPOPT_EOL,
    TCPOPT_NOP,
    TCPOPT_MSS,
    TCPOPT_WSCALE,
    TCPOPT_SACK_OK,
    TCPOPT_SACK,
    TCPOPT_TS = 8
};

/* Sequence numbers wrap: comparisons are of their distance (RFC 9293, 3.4). */
static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}
static inline bool seq_after(uint32_t a, uint32_t b)
{
    return seq_before(b, a);
}
static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_before(a, b) ? b : a;
}

struct tcp_range {
    uint32_t start, end; /* sequence numbers; end is behind the last */
};

/* What the options say; absent ones are 0. */
struct tcp_options {
    uint16_t mss;
    uint8_t wscale;
    bool has_wscale, sack_ok, has_stamp;
    uint8_t nsacks;
    uint32_t stamp, echo; /* of has_stamp */
    struct tcp_range sacks[TCP_SACKS_MAX];
};

struct tcp_header {
    uint16_t source, destination;
    uint16_t window, urgent;
    uint8_t flags;
    uint8_t len; /* with options */
    uint32_t seq, ack;
    struct tcp_options options;
};

/* The fixed part of a header of which `have` bytes are there: false: it is no header. The options
 * (len - TCP_HEADER bytes behind it) are for tcp_options_parse. */
bool tcp_header_parse(const uint8_t *p, size_t have, struct tcp_header *header);
/* As Linux does: what cannot be understood ends the options; those before it count. MSS, window
 * scale and leave for SACK count on a SYN only, ranges only elsewhere. */
void tcp_options_parse(const uint8_t *p, unsigned len, bool syn, struct tcp_options *options);
/* Write options for a SYN or SYN|ACK: those that are set. Returns the length, a multiple of 4, at
 * most 40. */
unsigned tcp_options_put_syn(uint8_t *p, const struct tcp_options *options);
/* The stamp as every later segment has it: 12 bytes. */
enum { TCP_STAMP_LEN = 12 };
static inline void tcp_options_put_stamp(uint8_t *p, uint32_t stamp, uint32_t echo)
{
    put_be32(p, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TS << 8 | 10);
    put_be32(p + 4, stamp);
    put_be32(p + 8, echo);
}
