// sources: kernel/net/dhcp_client.c kernel/net/dhcp_message.c kernel/net/dhcp_frame.c
// sources: kernel/net/ip_param.c kernel/net/address.c kernel/lib/format.c
// flags: -Ikernel
/* libFuzzer: frames and messages of DHCP against the client in every state. The first byte says how
 * far the client has come before the message is its server's. */
#include "net/dhcp_client.h"

#include <stdlib.h>
#include <string.h>

/* Not lib/string.c: the sanitizer's own memcpy and memmove see more. */
size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src), part = n < size ? n : size - 1;

    memcpy(dst, src, part);
    dst[part] = 0;
    return n;
}
int parse_u64(const char *text, unsigned base, uint64_t *value)
{
    char *end;

    *value = strtoull(text, &end, (int)base);
    return *text >= '0' && *text <= '9' && !*end ? 0 : -22;
}

uint32_t checksum_add(uint32_t sum, const void *data, size_t n)
{
    return sum + (uint32_t)n; /* sums are no obstacle here */
}

static void on_send(struct dhcp_client *c, uint32_t source, uint32_t destination,
                    const uint8_t *data, size_t len)
{
}
static void on_probe(struct dhcp_client *c, uint32_t address)
{
}
static void on_bound(struct dhcp_client *c)
{
}
static void on_lost(struct dhcp_client *c, const char *why)
{
}
static uint32_t on_random(struct dhcp_client *c)
{
    return 0x11223344;
}
static const struct dhcp_ops ops = {on_send, on_probe, on_bound, on_lost, on_random};

static void check(const struct dhcp_client *c, nsec_t now)
{
    if (c->lease.nroutes > DHCP_ROUTES || c->lease.ndns > DHCP_SERVERS || c->deadline < now)
        abort();
    for (const char *p = c->lease.search; *p; p++)
        if (*p == '\n')
            abort();
}

/* A whole message that is for this client; what the input says is the address and the options. */
static size_t answer(uint8_t *message, size_t room, const struct dhcp_client *c,
                     const uint8_t *data, size_t size)
{
    static const uint8_t head[] = {2, 1, 6, 0, 0x11, 0x22, 0x33, 0x44};
    static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
    size_t n = size < 4 ? 0 : size - 4 < room - 240 ? size - 4 : room - 240;

    memset(message, 0, 240);
    memcpy(message, head, sizeof(head));
    memcpy(message + 16, data, size < 4 ? size : 4);
    memcpy(message + 28, c->mac, 6);
    memcpy(message + 236, cookie, sizeof(cookie));
    memcpy(message + 240, data + 4, n);
    return 240 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t whole[1500];
    struct dhcp_client client = {.ops = &ops, .mac = {2}};
    nsec_t now = 1000;
    const uint8_t *message;
    size_t len;

    if (!size)
        return 0;
    dhcp_client_init(&client, now);
    for (unsigned steps = data[0] & 7; steps; steps--) {
        now = client.deadline;
        dhcp_client_timeout(&client, now);
    }
    client.state = data[0] >> 3 & 3 ? (enum dhcp_state)(data[0] >> 3 & 7) % 6 : client.state;
    client.xid = 0x11223344;
    dhcp_client_input(&client, now, data + 1, size - 1);
    if (data[0] & 128)
        dhcp_client_input(&client, now, whole,
                          answer(whole, sizeof(whole), &client, data + 1, size - 1));
    check(&client, MIN(now, client.deadline));
    if (!dhcp_frame_parse(data + 1, size - 1, data[0] & 64, &message, &len))
        dhcp_client_input(&client, now, message, len);
    if (arp_shows_conflict(data + 1, size - 1, client.mac, dhcp_client_watched(&client, now)))
        dhcp_client_conflict(&client, now);
    return 0;
}
