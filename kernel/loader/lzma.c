/* lzma.c: LZMA (LZMA specification 2015-06-14, Igor Pavlov): a range coder whose every bit has odds
 * of its own, adapted as it goes, tells literals, matches and repeated matches. */
#include "loader/loader.h"

enum {
    PROPERTIES = 9 * 5 * 5,
    LITERAL_BITS = 3, /* lc + lp at most */
    EVEN = 1024,      /* odds, of 2048 */
    CERTAIN = 2048,
    IMPOSSIBLE = 31, /* what is less than a 32nd rounds to it */
    STATES = 12,
    AFTER_LITERAL = 7, /* states below: what came last was a literal */
    POSITIONS = 16,
    LENGTH_MIN = 2,
    DISTANCE_MODELS = 4,
    FIRST_SCALED = 4, /* slots from here on have further bits, */
    FIRST_DIRECT = 14 /* from here on bits without odds between them */
};

struct stream {
    const uint8_t *from;
    uint64_t at, n; /* at beyond n: it was cut off */
    uint32_t range, code;
};

struct length_odds {
    uint16_t more, most, low[POSITIONS][8], middle[POSITIONS][8], high[256];
};

/* All of it odds. */
static struct odds {
    uint16_t match[STATES][POSITIONS], repeat[STATES], older[STATES], second[STATES], third[STATES];
    uint16_t longer[STATES][POSITIONS];
    uint16_t slot[DISTANCE_MODELS][64], scaled[FIRST_DIRECT][32], lowest[16];
    struct length_odds of_match, of_repeat;
    uint16_t literal[1 << LITERAL_BITS][0x300];
} odds;

struct unpacking {
    struct stream stream;
    uint8_t *to, *at, *limit;
    uint32_t distance[4]; /* of the last matches, less one */
    unsigned state, position, position_mask;
    unsigned low_bits, high_bits; /* lp, lc: what chooses a literal's odds */
};

/* The next bit, got without a branch, which nobody could predict. zero: the odds that it is 0. */
static inline __attribute__((always_inline)) unsigned next_bit(struct stream *s, uint16_t *zero)
{
    if (s->range < 1u << 24) {
        s->range <<= 8;
        s->code = s->code << 8 | (s->at < s->n ? s->from[s->at] : 0);
        s->at++;
    }
    uint32_t bound = (s->range >> 11) * *zero;
    uint32_t one = s->code < bound ? 0 : UINT32_MAX;
    s->range = bound + (one & (s->range - 2 * bound));
    s->code -= one & bound;
    int toward = (int)(CERTAIN - (one & (CERTAIN - IMPOSSIBLE)));
    *zero = (uint16_t)(*zero + ((toward - *zero) >> 5));
    return one & 1;
}

static unsigned get_bit(struct stream *s, uint16_t *zero)
{
    return next_bit(s, zero);
}

/* A number below limit, a power of two: its highest bit first. */
static unsigned get_number(struct stream *stream, uint16_t *tree, unsigned limit)
{
    struct stream s = *stream;
    unsigned node = 1;

    while (node < limit)
        node = node << 1 | next_bit(&s, &tree[node]);
    *stream = s;
    return node - limit;
}

/* Its lowest bit first. */
static unsigned get_reversed(struct stream *s, uint16_t *tree, unsigned bits)
{
    unsigned node = 1, number = 0;

    for (unsigned i = 0; i < bits; i++) {
        unsigned bit = get_bit(s, &tree[node]);
        node = node << 1 | bit;
        number |= bit << i;
    }
    return number;
}

static uint32_t get_direct(struct stream *s, unsigned bits)
{
    uint32_t number = 0;

    while (bits--) {
        if (s->range < 1u << 24) {
            s->range <<= 8;
            s->code = s->code << 8 | (s->at < s->n ? s->from[s->at] : 0);
            s->at++;
        }
        s->range >>= 1;
        bool one = s->code >= s->range;
        s->code -= one ? s->range : 0;
        number = number << 1 | one;
    }
    return number;
}

static unsigned get_length(struct unpacking *u, struct length_odds *of)
{
    struct stream *s = &u->stream;

    if (!get_bit(s, &of->more))
        return LENGTH_MIN + get_number(s, of->low[u->position], 8);
    if (!get_bit(s, &of->most))
        return LENGTH_MIN + 8 + get_number(s, of->middle[u->position], 8);
    return LENGTH_MIN + 16 + get_number(s, of->high, 256);
}

static uint32_t get_distance(struct unpacking *u, unsigned length)
{
    struct stream *s = &u->stream;
    unsigned model = length - LENGTH_MIN < DISTANCE_MODELS ? length - LENGTH_MIN : 3;
    unsigned slot = get_number(s, odds.slot[model], 64), bits = slot / 2 - 1;

    if (slot < FIRST_SCALED)
        return slot;
    uint32_t high = (2u | (slot & 1)) << bits;
    if (slot < FIRST_DIRECT)
        return high | get_reversed(s, odds.scaled[slot], bits);
    high |= get_direct(s, bits - 4) << 4;
    return high | get_reversed(s, odds.lowest, 4);
}

/* After a match the byte at its distance, which is not what comes now, chooses the odds as long as
 * it is the same. */
static unsigned get_literal(struct unpacking *u, uint16_t *of)
{
    struct stream s = u->stream;
    unsigned node = 1, expected = 0;
    bool same = u->state >= AFTER_LITERAL;

    if (same)
        expected = u->at[-1 - (int64_t)u->distance[0]];
    while (same && node < 0x100) {
        unsigned guess = (expected <<= 1) >> 8 & 1;
        unsigned bit = next_bit(&s, &of[0x100 + (guess << 8) + node]);
        node = node << 1 | bit;
        same = bit == guess;
    }
    while (node < 0x100)
        node = node << 1 | next_bit(&s, &of[node]);
    u->stream = s;
    return node & 0xff;
}

static int put_literal(struct unpacking *u)
{
    unsigned before = u->at > u->to ? u->at[-1] : 0;
    unsigned low = (unsigned)(u->at - u->to) & ((1u << u->low_bits) - 1);

    if (u->at == u->limit)
        return -1;
    *u->at =
        (uint8_t)get_literal(u, odds.literal[low << u->high_bits | before >> (8 - u->high_bits)]);
    u->at++;
    u->state = u->state < 4 ? 0 : u->state < 10 ? u->state - 3 : u->state - 6;
    return 0;
}

/* One of the last four distances, which becomes the last. Its length; 1: a single byte. */
static unsigned get_repeat(struct unpacking *u)
{
    struct stream *s = &u->stream;
    unsigned state = u->state, which = 0;

    u->state = state < AFTER_LITERAL ? 8 : 11;
    if (get_bit(s, &odds.older[state])) {
        which = 1;
        if (get_bit(s, &odds.second[state]))
            which = 2 + get_bit(s, &odds.third[state]);
    } else if (!get_bit(s, &odds.longer[state][u->position])) {
        u->state = state < AFTER_LITERAL ? 9 : 11;
        return 1;
    }
    uint32_t distance = u->distance[which];
    for (; which; which--)
        u->distance[which] = u->distance[which - 1];
    u->distance[0] = distance;
    return get_length(u, &odds.of_repeat);
}

static unsigned get_match(struct unpacking *u)
{
    unsigned length = get_length(u, &odds.of_match);

    for (unsigned i = 3; i; i--)
        u->distance[i] = u->distance[i - 1];
    u->distance[0] = get_distance(u, length);
    u->state = u->state < AFTER_LITERAL ? 7 : 10;
    return length;
}

static int put_match(struct unpacking *u, unsigned length)
{
    int64_t distance = (int64_t)u->distance[0] + 1;

    if (distance > u->at - u->to || length > u->limit - u->at)
        return -1;
    for (; length; length--, u->at++)
        *u->at = u->at[-distance];
    return 0;
}

/* Properties, then five bytes of the range coder's. */
static int start(struct unpacking *u, const uint8_t *from, uint64_t n)
{
    uint16_t *each = (uint16_t *)&odds;

    if (n < 6 || from[0] >= PROPERTIES || from[1])
        return -1;
    u->high_bits = from[0] % 9;
    u->low_bits = from[0] / 9 % 5;
    u->position_mask = (1u << from[0] / 45) - 1;
    if (u->high_bits + u->low_bits > LITERAL_BITS)
        return -1;
    for (unsigned i = 0; i < sizeof(odds) / sizeof(*each); i++)
        each[i] = EVEN;
    uint32_t code = (uint32_t)from[2] << 24 | (uint32_t)from[3] << 16 | from[4] << 8 | from[5];
    u->stream = (struct stream){.from = from, .at = 6, .n = n, .range = UINT32_MAX, .code = code};
    return 0;
}

int64_t lzma_unpack(const uint8_t *from, uint64_t n, uint8_t *to, uint64_t room)
{
    struct unpacking u = {.to = to, .at = to, .limit = to + room};
    struct stream *s = &u.stream;

    if (start(&u, from, n))
        return -1;
    while (s->at <= n) {
        u.position = (unsigned)(u.at - to) & u.position_mask;
        if (!get_bit(s, &odds.match[u.state][u.position])) {
            if (put_literal(&u))
                return -1;
            continue;
        }
        bool repeat = get_bit(s, &odds.repeat[u.state]);
        unsigned length = repeat ? get_repeat(&u) : get_match(&u);
        if (!repeat && u.distance[0] == UINT32_MAX) /* the mark of the end, of any length */
            return s->at <= n ? u.at - to : -1;
        if (put_match(&u, length))
            return -1;
    }
    return -1;
}
