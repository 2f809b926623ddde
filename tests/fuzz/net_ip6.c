// sources: kernel/net/ipv6_parse.c kernel/net/ipv6_headers.c kernel/net/ndp_parse.c
// sources: kernel/net/mld_parse.c kernel/lib/siphash.c
// flags: -Ikernel
/* IPv6's parsers on any bytes: the chain of extension headers as input and as quoted by errors,
 * neighbour discovery, listener discovery. The first byte chooses who reads the rest. */
#include "mm/heap.h"
#include "net/ipv6_headers.h"
#include "net/ipv6_parse.h"
#include "net/mld_parse.h"
#include "net/ndp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No copies are made here. */
__attribute__((weak)) void *kmalloc(size_t size)
{
    return NULL;
}

static void need(bool ok)
{
    if (!ok)
        __builtin_trap();
}

/* As ipv6_receive() walks. */
static void walk(const uint8_t *data, unsigned len)
{
    struct ipv6_chain chain;
    enum ipv6_step step;

    if (len < 40)
        return;
    ipv6_chain_begin(&chain, data, data[0] & 1);
    for (;;) {
        need(chain.offset <= len && chain.next_field < chain.offset);
        step = ipv6_chain_step(&chain, data + chain.offset, len - chain.offset);
        if (step == IPV6_FRAGMENT)
            ipv6_chain_pass(&chain, data + chain.offset);
        else if (step == IPV6_MORE)
            return need(chain.need > len - chain.offset);
        else if (step == IPV6_COMPLAIN)
            return need(chain.pointer < len);
        else if (step != IPV6_PASSED)
            return;
    }
}

static void quoted(const uint8_t *data, unsigned len)
{
    unsigned type, offset;
    bool first;

    if (ipv6_find_transport(data, len, &type, &offset, &first) == 0)
        need(offset >= 40 && offset <= len);
}

/* Control messages, each behind a byte for its type and one for its length; what they make is sent.
 */
static void asked(const uint8_t *data, unsigned len)
{
    static const uint8_t types[] = {3, 4, 5, 54, 55, 57, 59, 60};
    static uint8_t ip[40 + 4 * 2048];
    struct ipv6_headers headers = {};
    unsigned type, offset, size;
    bool first;

    for (unsigned at = 0; at + 2 < len; at += 2 + size) {
        size = data[at + 1] * 8 < len - at - 2 ? data[at + 1] * 8u : len - at - 2;
        if (data[at] & 8)
            (void)ipv6_headers_add(&headers, types[data[at] & 7], data + at + 2, size, true);
        else if (ipv6_headers_check(data[at] & 3, data + at + 2, size) == 0)
            headers.part[data[at] & 3] = data + at + 2;
    }
    size = ipv6_headers_size(&headers);
    ipv6_headers_put(&headers, ip, 17);
    need(ipv6_find_transport(ip, 40 + size, &type, &offset, &first) == 0);
    need(type == 17 && offset == 40 + size);
}

static void sent(const uint8_t *data, unsigned len)
{
    uint8_t chain[2048];
    unsigned place;
    int field;

    if (len < 1 || len - 1 > sizeof(chain))
        return;
    memcpy(chain, data + 1, len - 1);
    if (ipv6_fragment_place(chain, len - 1, data[0], &place, &field) == 0)
        need(place <= len - 1 && field < (int)len - 1);
}

static void discovery(const uint8_t *data, unsigned len)
{
    struct ndp_neighbour neighbour;
    struct ndp_redirect redirect;
    struct ndp_ra ra;

    if (ndp_parse_ns(data, len, len & 1, len & 2, &neighbour) == 0 && neighbour.mac)
        need(neighbour.mac + 6 <= data + len);
    if (ndp_parse_na(data, len, len & 1, &neighbour) == 0 && neighbour.mac)
        need(neighbour.mac + 6 <= data + len);
    if (ndp_parse_redirect(data, len, &redirect) == 0 && redirect.mac)
        need(redirect.mac + 6 <= data + len);
    if (ndp_parse_ra(data, len, &ra) == 0) {
        const char *name = ra.domains;

        need(ra.nprefixes <= NDP_PREFIXES && ra.nservers <= NDP_SERVERS);
        need(!ra.mac || ra.mac + 6 <= data + len);
        for (unsigned i = 0; i < ra.ndomains; i++)
            name += __builtin_strlen(name) + 1;
        need(name == ra.domains + ra.domains_len && ra.domains_len <= NDP_DOMAINS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mld_query query;

    if (size < 1 || size > 65535)
        return 0;
    switch (data[0] & 7) {
    case 0:
    case 1:
        walk(data + 1, (unsigned)size - 1);
        break;
    case 2:
        quoted(data + 1, (unsigned)size - 1);
        break;
    case 3:
        sent(data + 1, (unsigned)size - 1);
        break;
    case 4:
        (void)mld_parse_query(data + 1, (unsigned)size - 1, &query);
        break;
    case 5:
        asked(data + 1, (unsigned)size - 1);
        break;
    default:
        discovery(data + 1, (unsigned)size - 1);
    }
    return 0;
}
