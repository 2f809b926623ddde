/* SYN|ACK numbers that remember the SYN, for when there is no room for more requests (RFC 4987,
 * 3.6): 5 bits count units of 64 seconds, 3 choose an MSS, 24 are a keyed hash of the rest. What
 * else was negotiated goes into the low bits of our timestamp, which comes back in its echo. */
#include "core/random.h"
#include "lib/siphash.h"
#include "net/tcp.h"

enum { MAX_AGE = 2, STAMP_BITS = 63, NO_SCALE = 15 };
static const uint16_t sizes[8] = {536, 1220, 1300, 1380, 1420, 1440, 1460, 8940};
static uint8_t key[16];

static void need_key(void)
{
    static atomic_bool has_key;

    if (!atomic_load_explicit(&has_key, memory_order_acquire)) {
        random_bytes(key, sizeof(key));
        atomic_store_explicit(&has_key, true, memory_order_release);
    }
}

struct said {
    struct inet_addr local, remote;
    uint32_t irs, count;
    uint16_t local_port, remote_port;
    uint32_t size;
};

static uint32_t keyed(const struct inet_addr *local, const struct inet_addr *remote,
                      const struct tcp_header *header, uint32_t irs, uint32_t count, unsigned size)
{
    struct said said = {*local, *remote, irs, count, header->destination, header->source, size};

    need_key();
    return (uint32_t)siphash(key, &said, sizeof(said)) & 0xffffff;
}

static uint32_t count_at(nsec_t now)
{
    return (uint32_t)(now / (64 * TCP_SECOND));
}

uint32_t tcp_cookie_make(const struct inet_addr *local, const struct inet_addr *remote,
                         const struct tcp_header *header, nsec_t now)
{
    unsigned mss = header->options.mss ? header->options.mss : 536, size = 0;
    uint32_t count = count_at(now);

    while (size < ARRAY_SIZE(sizes) - 1 && sizes[size + 1] <= mss)
        size++;
    return count << 27 | size << 24 | keyed(local, remote, header, header->seq, count, size);
}

bool tcp_cookie_check(const struct inet_addr *local, const struct inet_addr *remote,
                      const struct tcp_header *header, nsec_t now, uint16_t *mss)
{
    uint32_t cookie = header->ack - 1, count = count_at(now);
    uint32_t age = (count - (cookie >> 27)) & 31;
    unsigned size = cookie >> 24 & 7;

    if (age > MAX_AGE ||
        (cookie & 0xffffff) != keyed(local, remote, header, header->seq - 1, count - age, size))
        return false;
    *mss = sizes[size];
    return true;
}

uint32_t tcp_cookie_stamp(uint32_t stamp, const struct tcp_options *options)
{
    uint32_t said = (options->has_wscale ? options->wscale : (uint32_t)NO_SCALE) |
                    (uint32_t)options->sack_ok << 4;
    uint32_t with = (stamp & ~(uint32_t)STAMP_BITS) | said;

    return seq_after(with, stamp) ? with - STAMP_BITS - 1 : with;
}

void tcp_cookie_options(uint32_t echo, struct tcp_options *options)
{
    options->has_wscale = (echo & 15) != NO_SCALE;
    options->wscale = options->has_wscale ? echo & 15 : 0;
    options->sack_ok = echo >> 4 & 1;
}
