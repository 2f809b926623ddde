// sources: kernel/net/icmp_extension.c kernel/net/checksum.c
// flags: -Ikernel -fno-sanitize=alignment
/* Extensions of ICMP errors (RFC 4884): where they begin, what is broken, and that no message makes
 * the parser read beyond its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/endian.h"
#include "net/icmp_extension.h"
#include "net/packet.h"
#include "need.h"

bool packet_pull_up(struct packet *packet, unsigned n) /* checksum.c's; not called */
{
    return packet && n == 0;
}

enum { INVALID = ICMP_EXTENSION_INVALID };

/* A message that quotes 128 bytes, 28 of them headers, with extensions of n bytes. */
struct message {
    uint8_t bytes[8 + 128 + 64];
    unsigned len;
};

static struct message make(bool v6, const void *extension, unsigned n)
{
    struct message m = {.bytes = {v6 ? 1 : 3, 1}, .len = 8 + 128 + n};

    m.bytes[v6 ? 4 : 5] = v6 ? 128 / 8 : 128 / 4;
    memcpy(m.bytes + 8 + 128, extension, n);
    return m;
}

static uint32_t ask(const struct message *m, bool v6, unsigned headers)
{
    uint8_t *copy = malloc(m->len); /* its end is guarded */
    uint32_t result;

    memcpy(copy, m->bytes, m->len);
    result = icmp_extension(copy, v6, copy + 8 + headers, m->len - 8 - headers);
    free(copy);
    return result;
}

static void test_table(void)
{
    static const struct {
        uint8_t bytes[16];
        unsigned n;
        uint32_t v4, v6; /* what is said */
    } table[] = {
        {{0x20, 0, 0, 0}, 4, 100, 100},
        {{0x20, 0, 0, 0}, 3, 0, 0},
        {{0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 100, 100},
        {{0x20, 0, 0xda, 0xf0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 100, 100},
        {{0x20, 0, 0xda, 0xf1, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 100 | INVALID, 100 | INVALID},
        {{0x10, 0, 0xda, 0xf1, 0, 1, 1, 1, 1, 2, 3, 4}, 12, 100, 100},
        {{0x20, 0, 0, 0, 0, 3, 1, 1, 1, 2, 3, 4}, 12, 100 | INVALID, 100 | INVALID},
        {{0x20, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4}, 12, 100 | INVALID, 100 | INVALID},
        {{0x20, 0, 0, 0, 0, 9, 1, 1, 1, 2, 3, 4}, 12, 100 | INVALID, 100 | INVALID},
        {{0x20, 0, 0, 0, 0, 4, 1, 1, 0, 4, 1, 1}, 12, 100, 100},
        {{0x20, 0, 0, 0, 0, 4, 1, 1, 0}, 9, 100 | INVALID, 100 | INVALID},
        {{0x20, 0, 0, 0, 0, 4, 1, 1, 0, 4, 1}, 11, 100 | INVALID, 100 | INVALID},
    };

    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m = make(false, table[i].bytes, table[i].n);

        NEED(ask(&m, false, 28) == table[i].v4);
        m = make(true, table[i].bytes, table[i].n);
        NEED(ask(&m, true, 28) == table[i].v6);
    }
    printf("ok - extensions that are whole, and broken ones\n");
}

static void test_lengths(void)
{
    static const uint8_t plain[4] = {0x20};
    struct message m = make(false, plain, 4);

    for (unsigned type = 0; type < 256; type++) {
        m.bytes[0] = (uint8_t)type;
        NEED(ask(&m, false, 28) == (type == 3 || type == 11 || type == 12 ? 100 : 0));
    }
    m.bytes[0] = 3;
    for (unsigned words = 0; words < 256; words++) {
        m.bytes[5] = (uint8_t)words;
        NEED((ask(&m, false, 28) != 0) == (words == 32));
    }
    m = make(true, plain, 4);
    for (unsigned type = 0; type < 256; type++) {
        m.bytes[0] = (uint8_t)type;
        NEED(ask(&m, true, 48) == (type == 1 || type == 3 ? 80 : 0));
    }
    m.bytes[0] = 1;
    NEED(ask(&m, true, 132) == 0); /* headers longer than what is quoted */
    printf("ok - only where the quoted packet's length is told, and is there\n");
}

static void test_mutants(void)
{
    static const uint8_t whole[] = {0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4, 0, 12, 2,
                                    3,    4, 5, 6, 7, 8, 9, 1, 2, 3, 0, 4, 1, 1};
    uint64_t x = 1;

    for (unsigned i = 0; i < 400000; i++) {
        bool v6 = i & 1;
        struct message m = make(v6, whole, sizeof(whole));
        unsigned headers;

        for (unsigned n = 0; n < 1 + i % 4; n++) {
            x = x * 6364136223846793005 + 1442695040888963407;
            m.bytes[x >> 33 & 1 ? 136 + (x >> 40) % 40 : (x >> 40) % 8] = (uint8_t)(x >> 56);
        }
        headers = (unsigned)(x >> 20) % 130;
        m.len = 8 + headers + (unsigned)(x >> 8) % (sizeof(m.bytes) - 8 - headers);
        uint32_t said = ask(&m, v6, headers);
        NEED((said & 0xffff) + 4 <= m.len - 8 - headers || said == 0);
    }
    printf("ok - mutants\n");
}

int main(void)
{
    test_table();
    test_lengths();
    test_mutants();
    return 0;
}
