/* IP_RECVERR_RFC4884 and IPV6_RECVERR_RFC4884: an ICMP error that carries extensions, which this
 * test sends to itself, tells where they begin and whether they are whole. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>

#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
enum { INVALID = 1 << 16, QUOTED = 128 };

static const struct wanted {
    uint8_t extension[16];
    unsigned n, quoted; /* quoted: as the message says, 0: as it is */
    bool told;
    unsigned flags;
} table[] = {
    {{0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 0, true, 0},
    {{0x20, 0, 0xda, 0xf0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 0, true, 0},
    {{0x20, 0, 0xda, 0xf1, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 0, true, INVALID},
    {{0x20, 0, 0, 0, 0, 9, 1, 1, 1, 2, 3, 4}, 12, 0, true, INVALID},
    {{0x20, 0, 0, 0, 0, 3, 1, 1, 1, 2, 3, 4}, 12, 0, true, INVALID},
    {{0x10, 0, 0xda, 0xf1, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 0, true, 0},
    {{0x20, 0, 0, 0, 0, 4, 1, 1, 0, 4, 1, 1}, 12, 0, true, 0},
    {{0x20, 0, 0, 0}, 4, 0, true, 0},
    {{0x20, 0}, 2, 0, false, 0},
    {{0}, 0, 0, false, 0},
    {{0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 120, false, 0},
    {{0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4}, 12, 256, false, 0},
};

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static uint16_t checksum(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)p[i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* A message about a datagram from port to port 9 of this host. */
static size_t compose(uint8_t *message, bool v6, uint16_t port, const struct wanted *w)
{
    unsigned quoted = w->quoted ? w->quoted : QUOTED, ip = v6 ? 40 : 20;
    struct udphdr udp = {.source = port, .dest = htons(9), .len = htons(QUOTED - (uint16_t)ip)};
    size_t n = 8 + QUOTED + w->n;

    memset(message, 0, n);
    message[0] = v6 ? ICMP6_DST_UNREACH : 3;
    message[1] = v6 ? 4 : 3;
    message[v6 ? 4 : 5] = (uint8_t)(v6 ? quoted / 8 : quoted / 4);
    if (v6) {
        uint8_t header[40] = {0x60, 0, 0, 0, 0, QUOTED - 40, IPPROTO_UDP, 64};
        header[23] = header[39] = 1;
        memcpy(message + 8, header, sizeof header);
    } else {
        uint8_t header[20] = {0x45, 0, 0,   QUOTED, 0, 1, 0,   0, 64, IPPROTO_UDP,
                              0,    0, 127, 0,      0, 1, 127, 0, 0,  1};
        memcpy(message + 8, header, sizeof header);
    }
    memcpy(message + 8 + ip, &udp, sizeof udp);
    memset(message + 8 + ip + 8, 'p', QUOTED - ip - 8);
    memcpy(message + 8 + QUOTED, w->extension, w->n);
    if (!v6) {
        uint16_t sum = checksum(message, n);
        memcpy(message + 2, &sum, 2);
    }
    return n;
}

/* The next error of the queue: ee_data; the payload's length. */
static uint32_t next_error(int fd, bool v6, ssize_t *n, uint8_t *data, size_t room)
{
    char control[512];
    struct iovec iov = {data, room};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct pollfd p = {.fd = fd};
    struct sock_extended_err e = {};

    poll(&p, 1, -1); /* POLLERR */
    *n = recvmsg(fd, &m, MSG_ERRQUEUE);
    for (struct cmsghdr *c = *n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == (v6 ? SOL_IPV6 : SOL_IP) &&
            c->cmsg_type == (v6 ? IPV6_RECVERR : IP_RECVERR))
            memcpy(&e, CMSG_DATA(c), sizeof e);
    CHECK_EQ(e.ee_errno, ECONNREFUSED);
    CHECK_EQ(e.ee_origin, v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP);
    return e.ee_data;
}

static void check_family(int family)
{
    bool v6 = family == AF_INET6;
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = v6 ? (void *)&at6 : (void *)&at4;
    socklen_t len = v6 ? sizeof at6 : sizeof at4;
    int raw = socket(family, SOCK_RAW, v6 ? (int)IPPROTO_ICMPV6 : IPPROTO_ICMP);
    int fd = socket(family, SOCK_DGRAM, 0), level = v6 ? SOL_IPV6 : SOL_IP;
    unsigned headers = v6 ? 48 : 28;
    uint8_t message[512], data[512];

    if (raw < 0)
        SKIP("needs CAP_NET_RAW");
    if (fd < 0 && !inside_osprey())
        SKIP("no IPv6 here");
    NEED(bind(fd, at, len) == 0 && getsockname(fd, at, &len) == 0);
    uint16_t port = v6 ? at6.sin6_port : at4.sin_port;
    at6.sin6_port = at4.sin_port = htons(9);
    NEED(connect(fd, at, len) == 0);
    at6.sin6_port = at4.sin_port = 0;
    NEED(set(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, 1) == 0);
    for (unsigned i = 0; i < 2 * sizeof table / sizeof table[0]; i++) {
        const struct wanted *w = &table[i / 2];
        bool asked = i % 2 == 0;
        uint32_t wanted = asked && w->told ? (QUOTED - headers) | w->flags : 0, got;
        size_t n = compose(message, v6, port, w);
        ssize_t left;

        NEED(set(fd, level, v6 ? IPV6_RECVERR_RFC4884 : IP_RECVERR_RFC4884, asked) == 0);
        NEED(sendto(raw, message, n, 0, at, len) == (ssize_t)n);
        got = next_error(fd, v6, &left, data, sizeof data);
        if (!CHECK(got == wanted))
            printf("# case %u: %#x, not %#x\n", i, got, wanted);
        CHECK_EQ(left, n - 8 - headers);
        CHECK(memcmp(data, message + 8 + headers, (size_t)left) == 0);
    }
    close(raw);
    close(fd);
}

static void ipv4(void)
{
    check_family(AF_INET);
}

static void ipv6(void)
{
    check_family(AF_INET6);
}

int main(void)
{
    quiet_net();
    promise("IP_RECVERR_RFC4884 tells of extensions", ipv4);
    promise("IPV6_RECVERR_RFC4884 tells of extensions", ipv6);
    return check_end();
}
