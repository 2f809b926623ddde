// cpus: 1
/* Extension headers that a program has its packets sent with (RFC 3542; RFC 2292): for good, or
 * with one message; as they stand on the wire, which a packet socket at lo sees. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/wait.h>

#ifndef IPV6_2292HOPOPTS
enum {
    IPV6_2292PKTINFO = 2,
    IPV6_2292HOPOPTS = 3,
    IPV6_2292DSTOPTS = 4,
    IPV6_2292RTHDR = 5,
    IPV6_2292PKTOPTIONS = 6,
};
#endif

/* Next headers are whatever the program says; each has an option of a kind that is passed over. */
static const uint8_t hop[8] = {99, 0, 0x1e, 4, 1, 2, 3, 4};
static const uint8_t before[16] = {98, 1, 0x1e, 12, 5, 6, 7};
static const uint8_t last[8] = {97, 0, 0x1e, 4, 9, 9, 9, 9};
/* Segments (RFC 8754): nothing left, ::1; one left, which is ::1, and behind it an option. */
static const uint8_t arrived[24] = {96, 2, 4, 0, 0, 0, 0, 0, [23] = 1};
static const uint8_t going[48] = {95, 5, 4, 1, 1, 0, 0, 0, [39] = 1, 4, 6};
static const uint8_t mobile[24] = {94, 2, 2, 1, [23] = 1};
static const uint8_t type0[24] = {94, 2, 0, 1, [23] = 1};

static int put(int fd, int name, const void *value, socklen_t len)
{
    return setsockopt(fd, IPPROTO_IPV6, name, value, len);
}

static int set(int fd, int name, int value)
{
    return put(fd, name, &value, sizeof value);
}

/* What getsockopt tells; -1, or the length. */
static int told(int fd, int name, uint8_t *value, socklen_t len)
{
    return getsockopt(fd, IPPROTO_IPV6, name, value, &len) ? -1 : (int)len;
}

static struct sockaddr_in6 address(const char *text, in_port_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = port};

    inet_pton(AF_INET6, text, &a.sin6_addr);
    return a;
}

/* A socket bound to ::1; *at: its address. */
static int bound(int type, int protocol, struct sockaddr_in6 *at)
{
    int fd = socket(AF_INET6, type, protocol);
    socklen_t len = sizeof *at;

    *at = address("::1", 0);
    if (bind(fd, (void *)at, len) || getsockname(fd, (void *)at, &len))
        return -1;
    return fd;
}

static ssize_t send_to(int fd, const void *data, size_t n, const struct sockaddr_in6 *to)
{
    return sendto(fd, data, n, 0, (void *)to, sizeof *to);
}

/* --- the wire: what is sent there is received before its socket is closed, or an error about it
 * would be the next to be seen */

static int tap(void)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_ifindex = 1};
    int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IPV6));

    return fd >= 0 && bind(fd, (void *)&at, sizeof at) == 0 ? fd : -1;
}

/* The next packet as it comes in. */
static ssize_t seen(int tap, uint8_t *packet, size_t room)
{
    return recv(tap, packet, room, MSG_TRUNC);
}

static unsigned add(unsigned sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
    return sum;
}

/* Of a transport's n bytes at p: 0xffff if its checksum is right, for that destination. */
static unsigned sum_of(const uint8_t *ip, const uint8_t *destination, unsigned protocol,
                       const uint8_t *p, size_t n)
{
    unsigned sum = add(0, ip + 8, 16);

    sum = add(sum, destination, 16) + protocol + (unsigned)n;
    sum = add(sum, p, n);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Does this header lie at `at`, with that type behind it? */
static bool lies(const uint8_t *at, const uint8_t *header, unsigned next)
{
    return at[0] == next && memcmp(at + 1, header + 1, (header[1] + 1u) * 8 - 1) == 0;
}

/* --- options that stay */

static void values(void)
{
    static const uint8_t odd[12] = {0, 0}, longer[16] = {0, 2}, slack[24] = {1, 0};
    uint8_t bad[48], value[64], most[2048] = {0, 254};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 0);
    CHECK_EQ(put(fd, IPV6_HOPOPTS, hop, sizeof hop), 0);
    CHECK_EQ(put(fd, IPV6_RTHDRDSTOPTS, before, sizeof before), 0);
    CHECK_EQ(put(fd, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), sizeof hop);
    CHECK(memcmp(value, hop, sizeof hop) == 0);
    CHECK_EQ(told(fd, IPV6_RTHDRDSTOPTS, value, sizeof value), sizeof before);
    CHECK(memcmp(value, before, sizeof before) == 0);
    CHECK_EQ(told(fd, IPV6_DSTOPTS, value, 3), 3);
    CHECK(memcmp(value, last, 3) == 0);
    CHECK_EQ(told(fd, IPV6_RTHDR, value, sizeof value), 0);

    CHECK_ERRNO(put(fd, IPV6_HOPOPTS, hop, 1), EINVAL);
    CHECK_ERRNO(put(fd, IPV6_HOPOPTS, odd, sizeof odd), EINVAL);
    CHECK_ERRNO(put(fd, IPV6_HOPOPTS, longer, sizeof longer), EINVAL);
    CHECK_ERRNO(put(fd, IPV6_HOPOPTS, most, sizeof most), EINVAL);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), sizeof hop);
    CHECK_EQ(put(fd, IPV6_HOPOPTS, most, 2040), 0);
    CHECK_EQ(put(fd, IPV6_HOPOPTS, slack, sizeof slack), 0);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 8);
    CHECK_EQ(put(fd, IPV6_HOPOPTS, NULL, 0), 0);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 0);
    CHECK_EQ(told(fd, IPV6_DSTOPTS, value, sizeof value), 8);

    CHECK_ERRNO(put(fd, IPV6_RTHDR, type0, sizeof type0), EINVAL);
    CHECK_EQ(put(fd, IPV6_RTHDR, going, sizeof going), 0);
    CHECK_EQ(told(fd, IPV6_RTHDR, value, sizeof value), sizeof going);
    CHECK(memcmp(value, going, sizeof going) == 0);
    CHECK_ERRNO(put(fd, IPV6_RTHDR, going, 40), EINVAL); /* not all of it */
    memcpy(bad, going, sizeof bad);
    bad[3] = 2; /* more left than there are */
    CHECK_ERRNO(put(fd, IPV6_RTHDR, bad, sizeof bad), EINVAL);
    memcpy(bad, going, sizeof bad);
    bad[4] = 2;
    CHECK_ERRNO(put(fd, IPV6_RTHDR, bad, sizeof bad), EINVAL);
    memcpy(bad, going, sizeof bad);
    bad[41] = 5; /* the option ends before the header does */
    CHECK_ERRNO(put(fd, IPV6_RTHDR, bad, sizeof bad), EINVAL);
    CHECK_EQ(told(fd, IPV6_RTHDR, value, sizeof value), sizeof going);
    CHECK_EQ(put(fd, IPV6_RTHDR, NULL, 0), 0);
    CHECK_EQ(told(fd, IPV6_RTHDR, value, sizeof value), 0);
    if (put(fd, IPV6_RTHDR, mobile, sizeof mobile) == 0) /* Linux with CONFIG_IPV6_MIP6 */
        CHECK_EQ(told(fd, IPV6_RTHDR, value, sizeof value), sizeof mobile);
    else
        CHECK(!inside_osprey());
    close(fd);
}

/* Only a routing header is for everybody. */
static void privileges(void)
{
    struct {
        struct cmsghdr head;
        uint8_t value[8];
    } c = {{CMSG_LEN(8), IPPROTO_IPV6, IPV6_HOPOPTS}, {}};
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct iovec iov = {"x", 1};
        struct sockaddr_in6 to = address("::1", htons(9));
        struct msghdr m = {&to, sizeof to, &iov, 1, &c, sizeof c, 0};
        int fd = socket(AF_INET6, SOCK_DGRAM, 0);
        if (setuid(65534))
            _exit(99);
        CHECK_ERRNO(put(fd, IPV6_HOPOPTS, hop, sizeof hop), EPERM);
        CHECK_ERRNO(put(fd, IPV6_HOPOPTS, hop, 1), EPERM);
        CHECK_ERRNO(put(fd, IPV6_DSTOPTS, NULL, 0), EPERM);
        CHECK_ERRNO(put(fd, IPV6_RTHDRDSTOPTS, before, sizeof before), EPERM);
        CHECK_EQ(put(fd, IPV6_RTHDR, arrived, sizeof arrived), 0);
        CHECK_EQ(put(fd, IPV6_RTHDR, NULL, 0), 0);
        CHECK_ERRNO(put(fd, IPV6_2292PKTOPTIONS, &c, sizeof c), EPERM);
        CHECK_ERRNO(sendmsg(fd, &m, 0), EPERM);
        c.head.cmsg_type = IPV6_DSTOPTS;
        CHECK_ERRNO(sendmsg(fd, &m, 0), EPERM);
        c.value[1] = 1; /* too short is found first */
        CHECK_ERRNO(sendmsg(fd, &m, 0), EINVAL);
        fflush(stdout);
        _exit(check_failed_here != 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (status == 99 << 8)
        SKIP("needs root");
    CHECK_EQ(status, 0);
}

/* All four, in their order; the checksum is with the destination that is meant. */
static void on_the_wire(void)
{
    struct in6_addr two = {.s6_addr = {[15] = 2}};
    struct sockaddr_in6 at, far;
    uint8_t p[256];
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), wire = tap();

    if (wire < 0)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(put(out, IPV6_HOPOPTS, hop, sizeof hop), 0);
    CHECK_EQ(put(out, IPV6_RTHDRDSTOPTS, before, sizeof before), 0);
    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(send_to(out, "abcd", 4, &at), 4);
    CHECK_EQ(seen(wire, p, sizeof p),
             40 + 8 + 8 + 8 + 4); /* one of them only with a routing header */
    CHECK(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_DSTOPTS));
    CHECK(lies(p + 48, last, IPPROTO_UDP));
    CHECK_EQ(p[4] << 8 | p[5], 8 + 8 + 8 + 4);
    CHECK_EQ(sum_of(p, p + 24, IPPROTO_UDP, p + 56, 12), 0xffff);
    CHECK_EQ(recv(fd, p, sizeof p, 0), 4);

    far = address("::2", at.sin6_port);
    CHECK_EQ(put(out, IPV6_RTHDR, going, sizeof going), 0);
    CHECK_EQ(send_to(out, "abcd", 4, &far), 4);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 16 + 48 + 8 + 8 + 4);
    CHECK(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_DSTOPTS));
    CHECK(lies(p + 48, before, IPPROTO_ROUTING));
    CHECK(memcmp(p + 24, &in6addr_loopback, 16) == 0); /* first there */
    CHECK(memcmp(p + 8, &in6addr_loopback, 16) == 0);
    CHECK(p[64] == IPPROTO_DSTOPTS && memcmp(p + 65, going + 1, 7) == 0);
    CHECK(memcmp(p + 72, &two, 16) == 0 && memcmp(p + 88, going + 24, 24) == 0);
    CHECK(lies(p + 112, last, IPPROTO_UDP));
    CHECK_EQ(sum_of(p, p + 72, IPPROTO_UDP, p + 120, 12), 0xffff);
    CHECK_ERRNO(recv(fd, p, sizeof p, MSG_DONTWAIT), EAGAIN); /* nobody is a station by default */
    close(out);
    close(fd);
    close(wire);
}

/* What is sent is told where it arrives. */
static void told_to_the_receiver(void)
{
    char data[16], control[256];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c;
    struct sockaddr_in6 at;
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0);

    if (put(out, IPV6_HOPOPTS, hop, sizeof hop) && errno == EPERM)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(set(fd, IPV6_RECVHOPOPTS, 1), 0);
    CHECK_EQ(set(fd, IPV6_RECVDSTOPTS, 1), 0);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    CHECK_EQ(send(out, "abcd", 4, 0), 4);
    CHECK_EQ(recvmsg(fd, &m, 0), 4);
    c = CMSG_FIRSTHDR(&m);
    NEED(c && c->cmsg_type == IPV6_HOPOPTS && c->cmsg_len == CMSG_LEN(8));
    CHECK(lies(CMSG_DATA(c), hop, IPPROTO_DSTOPTS));
    c = CMSG_NXTHDR(&m, c);
    NEED(c && c->cmsg_type == IPV6_DSTOPTS && c->cmsg_len == CMSG_LEN(8));
    CHECK(lies(CMSG_DATA(c), last, IPPROTO_UDP));
    CHECK(!CMSG_NXTHDR(&m, c));
    CHECK_EQ(put(out, IPV6_HOPOPTS, NULL, 0), 0); /* the connection notices */
    CHECK_EQ(put(out, IPV6_DSTOPTS, NULL, 0), 0);
    CHECK_EQ(send(out, "abcd", 4, 0), 4);
    m.msg_controllen = sizeof control;
    CHECK_EQ(recvmsg(fd, &m, 0), 4);
    CHECK(!CMSG_FIRSTHDR(&m));
    close(out);
    close(fd);
}

/* --- with one message */

struct controls {
    size_t len;
    char bytes[512];
};

/* One more; data shorter than the header says is the caller's wish. */
static void control(struct controls *c, int type, const void *data, size_t n)
{
    struct cmsghdr head = {CMSG_LEN(n), IPPROTO_IPV6, type};

    memcpy(c->bytes + c->len, &head, sizeof head);
    if (n)
        memcpy(c->bytes + c->len + sizeof head, data, n);
    c->len += CMSG_SPACE(n);
}

static ssize_t send_with(int fd, const struct controls *c, const struct sockaddr_in6 *to)
{
    struct iovec iov = {"abcd", 4};
    struct msghdr m = {(void *)to, sizeof *to, &iov, 1, (void *)c->bytes, c->len, 0};

    return sendmsg(fd, &m, 0);
}

/* EINVAL, each with one header and perhaps another before it. */
static void refused(int fd, const struct sockaddr_in6 *to, int type, const void *data, size_t n,
                    int first)
{
    struct controls c = {};

    if (first)
        control(&c, first, last, sizeof last);
    control(&c, type, data, n);
    CHECK_ERRNO(send_with(fd, &c, to), EINVAL);
}

static void with_a_message(void)
{
    struct controls c = {};
    struct sockaddr_in6 at;
    uint8_t p[256];
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), wire = tap();

    if (wire < 0)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(put(out, IPV6_HOPOPTS, before, sizeof before), 0);
    control(&c, IPV6_DSTOPTS, last, sizeof last);
    control(&c, IPV6_HOPOPTS, hop, sizeof hop);
    CHECK_EQ(send_with(out, &c, &at), 4); /* in the order that is right */
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8 + 8 + 4);
    CHECK(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_DSTOPTS));
    CHECK(lies(p + 48, last, IPPROTO_UDP));
    c.len = 0;
    control(&c, IPV6_DSTOPTS, last, sizeof last);
    CHECK_EQ(send_with(out, &c, &at), 4); /* the one that stays is left out then */
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8 + 4);
    CHECK(p[6] == IPPROTO_DSTOPTS && lies(p + 40, last, IPPROTO_UDP));
    c.len = 0;
    control(&c, IPV6_HOPLIMIT, (int[]){7}, 4);
    CHECK_EQ(send_with(out, &c, &at), 4); /* and comes along with what is no header */
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 16 + 8 + 4);
    CHECK(p[7] == 7 && p[6] == IPPROTO_HOPOPTS && lies(p + 40, before, IPPROTO_UDP));
    c.len = 0;
    control(&c, IPV6_2292HOPOPTS, hop, sizeof hop);
    control(&c, IPV6_2292DSTOPTS, last, sizeof last);
    CHECK_EQ(send_with(out, &c, &at), 4);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8 + 8 + 4);
    CHECK(lies(p + 40, hop, IPPROTO_DSTOPTS) && lies(p + 48, last, IPPROTO_UDP));
    c.len = 0;
    control(&c, IPV6_RTHDRDSTOPTS, before, sizeof before); /* without a routing header: nothing */
    CHECK_EQ(send_with(out, &c, &at), 4);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 4);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(recv(fd, p, sizeof p, 0), 4);

    refused(out, &at, IPV6_HOPOPTS, hop, 1, 0);
    refused(out, &at, IPV6_HOPOPTS, before, 8, 0);
    refused(out, &at, IPV6_HOPOPTS, hop, sizeof hop, IPV6_HOPOPTS);
    refused(out, &at, IPV6_2292HOPOPTS, hop, sizeof hop, IPV6_HOPOPTS);
    refused(out, &at, IPV6_2292DSTOPTS, last, sizeof last, IPV6_2292DSTOPTS);
    refused(out, &at, IPV6_DSTOPTS, before, 8, 0);
    refused(out, &at, IPV6_RTHDRDSTOPTS, before, 15, 0);
    refused(out, &at, IPV6_RTHDR, type0, sizeof type0, 0);
    refused(out, &at, IPV6_RTHDR, going, sizeof going, 0);
    refused(out, &at, IPV6_2292RTHDR, going, 3, 0);
    refused(out, &at, IPV6_RECVHOPOPTS, (int[]){1}, 4, 0);
    refused(out, &at, IPV6_2292PKTOPTIONS, hop, sizeof hop, 0);
    close(out);
    close(fd);
    close(wire);
}

/* RFC 2292's option: all of them in one value. */
static void packet_options(void)
{
    struct controls c = {};
    uint8_t value[64];
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    if (put(fd, IPV6_RTHDRDSTOPTS, before, sizeof before) && errno == EPERM)
        SKIP("needs CAP_NET_RAW");
    control(&c, IPV6_2292HOPOPTS, hop, sizeof hop);
    control(&c, IPV6_HOPLIMIT, (int[]){7}, 4);
    control(&c, IPV6_2292DSTOPTS, last, sizeof last);
    CHECK_EQ(put(fd, IPV6_2292PKTOPTIONS, c.bytes, (socklen_t)c.len), 0);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 8);
    CHECK(memcmp(value, hop, 8) == 0);
    CHECK_EQ(told(fd, IPV6_DSTOPTS, value, sizeof value), 8);
    CHECK(memcmp(value, last, 8) == 0);
    CHECK_EQ(told(fd, IPV6_RTHDRDSTOPTS, value, sizeof value), 0); /* what was there is gone */
    control(&c, IPV6_2292RTHDR, type0, sizeof type0);
    CHECK_ERRNO(put(fd, IPV6_2292PKTOPTIONS, c.bytes, (socklen_t)c.len), EINVAL);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 8);
    c.bytes[0] = 3; /* shorter than itself */
    CHECK_ERRNO(put(fd, IPV6_2292PKTOPTIONS, c.bytes, (socklen_t)c.len), EINVAL);
    CHECK_EQ(put(fd, IPV6_2292PKTOPTIONS, NULL, 0), 0);
    CHECK_EQ(told(fd, IPV6_HOPOPTS, value, sizeof value), 0);
    CHECK_EQ(told(fd, IPV6_DSTOPTS, value, sizeof value), 0);
    CHECK_ERRNO(told(fd, IPV6_2292PKTOPTIONS, value, sizeof value), ENOPROTOOPT);
    close(fd);
}

/* --- large and slow ones */

/* The one for the destination is in the first fragment only. */
static void fragments(void)
{
    static uint8_t data[65000], p[2048];
    struct sockaddr_in6 at;
    unsigned cut = (1280 - 40 - 8 - 8) & ~7u, total = 8 + 8 + sizeof data, offset = 0;
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), wire = tap();

    if (wire < 0)
        SKIP("needs CAP_NET_RAW");
    memset(data, 'x', sizeof data);
    CHECK_EQ(set(out, IPV6_MTU, 1280), 0);
    CHECK_EQ(put(out, IPV6_HOPOPTS, hop, sizeof hop), 0);
    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(send_to(out, data, sizeof data, &at), sizeof data);
    CHECK_EQ(recv(fd, data, sizeof data, 0), sizeof data);
    if (seen(wire, p, sizeof p) > 1280) /* lo is wide enough for all of it */
        goto out;
    do {
        unsigned n = total - offset < cut ? total - offset : cut;
        NEED(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_FRAGMENT));
        CHECK_EQ(p[48], IPPROTO_DSTOPTS);
        CHECK_EQ((p[50] << 8 | p[51]) & ~7, offset);
        CHECK_EQ(p[51] & 1, offset + n < total);
        CHECK_EQ(p[4] << 8 | p[5], 8 + 8 + n);
        CHECK(offset ? p[56] == 'x' : lies(p + 56, last, IPPROTO_UDP));
        offset += n;
    } while (offset < total && seen(wire, p, sizeof p) > 0);
out:
    close(out);
    close(fd);
    close(wire);
}

/* Headers of 2 KiB each leave no room in a fragment of 1280. */
static void too_large(void)
{
    static uint8_t data[65527], much[2040] = {0, 254};
    struct sockaddr_in6 at;
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0);

    for (size_t at = 2; at < sizeof much; at += 2u + much[at + 1]) { /* eight options */
        much[at] = 0x1e;
        much[at + 1] = (uint8_t)(sizeof much - at < 257 ? sizeof much - at - 2 : 255);
    }
    if (put(out, IPV6_DSTOPTS, much, sizeof much) && errno == EPERM)
        SKIP("needs CAP_NET_RAW");
    CHECK_ERRNO(send_to(out, data, sizeof data, &at), EMSGSIZE); /* 65535 with them */
    CHECK_ERRNO(send_to(out, data, 65535 - 2040 - 8 + 1, &at), EMSGSIZE);
    CHECK_EQ(set(out, IPV6_DONTFRAG, 1), 0);
    CHECK_EQ(send_to(out, data, 40000, &at), 40000);
    CHECK_EQ(recv(fd, data, sizeof data, 0), 40000);
    CHECK_EQ(set(out, IPV6_MTU, 1280), 0);
    CHECK_ERRNO(send_to(out, data, 4000, &at), EMSGSIZE);
    CHECK_EQ(set(out, IPV6_DONTFRAG, 0), 0);
    CHECK_ERRNO(send_to(out, data, 65535 - 2040 - 8, &at), EMSGSIZE);
    CHECK_ERRNO(send_to(out, data, 100, &at), EMSGSIZE); /* though lo would take it whole */
    close(out);
    close(fd);
}

/* What is held back is sent with the headers of its first part. */
static void held_back(void)
{
    struct controls c = {};
    struct sockaddr_in6 at;
    uint8_t p[256];
    struct iovec iov = {"abcd", 4};
    struct msghdr m = {&at, sizeof at, &iov, 1, c.bytes, 0, 0};
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), wire = tap();

    if (wire < 0)
        SKIP("needs CAP_NET_RAW");
    control(&c, IPV6_HOPOPTS, hop, sizeof hop);
    m.msg_controllen = c.len;
    CHECK_EQ(sendmsg(out, &m, MSG_MORE), 4);
    memset(c.bytes, 0xee, sizeof c.bytes);
    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(send_to(out, "efg", 3, &at), 3);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8 + 7);
    CHECK(lies(p + 40, hop, IPPROTO_UDP) && memcmp(p + 56, "abcdefg", 7) == 0);
    CHECK_EQ(recv(fd, p, sizeof p, 0), 7);
    CHECK_EQ(sendto(out, "ab", 2, MSG_MORE, (void *)&at, sizeof at), 2);
    CHECK_EQ(put(out, IPV6_DSTOPTS, NULL, 0), 0);
    CHECK_EQ(setsockopt(out, IPPROTO_UDP, 1 /* UDP_CORK */, &(int){1}, 4), 0);
    CHECK_EQ(setsockopt(out, IPPROTO_UDP, 1, &(int){0}, 4), 0);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8 + 2);
    CHECK(lies(p + 40, last, IPPROTO_UDP));
    CHECK_EQ(recv(fd, p, sizeof p, 0), 2);
    CHECK_EQ(put(out, IPV6_RTHDRDSTOPTS, before, sizeof before), 0); /* one that is not sent */
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(sendto(out, "ab", 2, MSG_MORE, (void *)&at, sizeof at), 2);
        CHECK_EQ(send_to(out, "c", 1, &at), 1);
        CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 3);
        CHECK_EQ(recv(fd, p, sizeof p, 0), 3);
        CHECK_EQ(put(out, IPV6_RTHDRDSTOPTS, before, sizeof before), 0);
    }
    close(out);
    close(fd);
    close(wire);
}

/* --- other sockets */

static void raw_and_ping(void)
{
    struct icmp6_hdr echo = {.icmp6_type = ICMP6_ECHO_REQUEST};
    struct controls c = {};
    struct sockaddr_in6 at = address("::1", 0);
    uint8_t p[256];
    int raw = socket(AF_INET6, SOCK_RAW, 253), wire = tap();
    int icmp = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    int ping = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);

    if (wire < 0 || raw < 0)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(put(raw, IPV6_HOPOPTS, hop, sizeof hop), 0);
    CHECK_EQ(put(raw, IPV6_RTHDR, arrived, sizeof arrived), 0);
    CHECK_EQ(send_to(raw, "abcd", 4, &at), 4);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 24 + 4);
    CHECK(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_ROUTING));
    CHECK(lies(p + 48, arrived, 253) && memcmp(p + 72, "abcd", 4) == 0);
    control(&c, IPV6_DSTOPTS, last, sizeof last);
    CHECK_EQ(send_with(raw, &c, &at), 4);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 4);
    CHECK(p[6] == IPPROTO_DSTOPTS && lies(p + 40, last, 253));
    CHECK_EQ(recv(raw, p, sizeof p, 0), 4);

    CHECK_EQ(put(icmp, IPV6_DSTOPTS, last, sizeof last), 0); /* its checksum is made for it */
    CHECK_EQ(send_to(icmp, &echo, sizeof echo, &at), sizeof echo);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8 + 8);
    CHECK(lies(p + 40, last, IPPROTO_ICMPV6));
    CHECK_EQ(sum_of(p, p + 24, IPPROTO_ICMPV6, p + 48, 8), 0xffff);
    CHECK_EQ(seen(wire, p, sizeof p), 40 + 8); /* the answer */
    CHECK_EQ(p[40], ICMP6_ECHO_REPLY);
    if (ping >= 0) { /* looked at, but not sent */
        CHECK_EQ(put(ping, IPV6_HOPOPTS, hop, sizeof hop), 0);
        CHECK_EQ(send_to(ping, &echo, sizeof echo, &at), sizeof echo);
        CHECK_EQ(seen(wire, p, sizeof p), 40 + 8);
        CHECK_EQ(seen(wire, p, sizeof p), 40 + 8);
        c.len = 0;
        control(&c, IPV6_DSTOPTS, before, 8);
        CHECK_ERRNO(send_with(ping, &c, &at), EINVAL);
        close(ping);
    }
    close(raw);
    close(icmp);
    close(wire);
}

/* Of a connection every segment has them, its MSS is less, and whoever accepts has them too. */
static void connections(void)
{
    struct sockaddr_in6 at;
    uint8_t p[256], value[64];
    static char data[200000], got[200000];
    int listener = bound(SOCK_STREAM, 0, &at), out = socket(AF_INET6, SOCK_STREAM, 0), in;
    int wire = tap(), mss[2] = {};
    struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = 1500};
    size_t n = 0;
    socklen_t len = sizeof mss[0];

    if (wire < 0)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(ioctl(listener, SIOCSIFMTU, &lo), 0);
    CHECK_EQ(put(listener, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(put(out, IPV6_HOPOPTS, hop, sizeof hop), 0);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    CHECK(seen(wire, p, sizeof p) > 40 + 8 + 20);
    CHECK(p[6] == IPPROTO_HOPOPTS && lies(p + 40, hop, IPPROTO_TCP) && p[61] == 2 /* SYN */);
    CHECK_EQ(p[68] << 24 | p[69] << 16 | p[70] << 8 | p[71],
             2 << 24 | 4 << 16 | 1440); /* RFC 6691 */
    CHECK(seen(wire, p, sizeof p) > 40 + 8 + 20);
    CHECK(p[6] == IPPROTO_DSTOPTS && lies(p + 40, last, IPPROTO_TCP) && p[61] == 0x12);
    in = accept(listener, NULL, NULL);
    NEED(in >= 0);
    close(wire);
    CHECK_EQ(told(in, IPV6_DSTOPTS, value, sizeof value), 8);
    CHECK(memcmp(value, last, 8) == 0);
    CHECK_EQ(getsockopt(out, IPPROTO_TCP, TCP_MAXSEG, &mss[0], &len), 0);
    CHECK_EQ(put(out, IPV6_DSTOPTS, before, sizeof before), 0);
    CHECK_EQ(getsockopt(out, IPPROTO_TCP, TCP_MAXSEG, &mss[1], &len), 0);
    CHECK_EQ(mss[0], 1500 - 40 - 20 - 12 - 8); /* time stamps are there */
    CHECK_EQ(mss[1], mss[0] - 16);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    CHECK_EQ(send(out, data, sizeof data, MSG_DONTWAIT) > 0, true);
    CHECK_EQ(shutdown(out, SHUT_WR), 0);
    for (ssize_t r; (r = recv(in, got + n, sizeof got - n, 0)) > 0;)
        n += (size_t)r;
    CHECK(n > 0 && memcmp(data, got, n) == 0);
    close(in);
    close(out);
    close(listener);
}

/* IPV6_2292PKTOPTIONS of a connection: what came with the last segment. */
static void connection_options(void)
{
    static const struct {
        int level, type;
        size_t len;
    } want[] = {{IPPROTO_IPV6, IPV6_PKTINFO, 20},     {IPPROTO_IPV6, IPV6_HOPLIMIT, 4},
                {IPPROTO_IPV6, IPV6_HOPOPTS, 8},      {IPPROTO_IPV6, IPV6_DSTOPTS, 8},
                {IPPROTO_IPV6, IPV6_2292PKTINFO, 20}, {IPPROTO_IPV6, IPV6_2292HOPOPTS, 8},
                {IPPROTO_IPV6, IPV6_2292DSTOPTS, 8}};
    struct sockaddr_in6 at;
    char control[512], byte;
    int listener = bound(SOCK_STREAM, 0, &at), out = socket(AF_INET6, SOCK_STREAM, 0), in;
    socklen_t len = sizeof control;
    struct msghdr m = {.msg_control = control};
    size_t i = 0;

    if (put(out, IPV6_HOPOPTS, hop, sizeof hop) && errno == EPERM)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last), 0);
    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    in = accept(listener, NULL, NULL);
    NEED(in >= 0);
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len), 0);
    CHECK_EQ(len, 0);
    CHECK_EQ(set(in, IPV6_RECVPKTINFO, 1), 0);
    CHECK_EQ(set(in, IPV6_RECVHOPLIMIT, 1), 0);
    CHECK_EQ(set(in, IPV6_RECVHOPOPTS, 1), 0);
    CHECK_EQ(set(in, IPV6_RECVDSTOPTS, 1), 0);
    CHECK_EQ(set(in, IPV6_2292PKTINFO, 1), 0);
    CHECK_EQ(set(in, IPV6_2292HOPOPTS, 1), 0);
    CHECK_EQ(set(in, IPV6_2292DSTOPTS, 1), 0);
    CHECK_EQ(send(out, "x", 1, 0), 1);
    CHECK_EQ(recv(in, &byte, 1, 0), 1);
    len = sizeof control;
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len), 0);
    m.msg_controllen = len;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c), i++) {
        NEED(i < sizeof want / sizeof *want);
        CHECK_EQ(c->cmsg_type, want[i].type);
        CHECK_EQ(c->cmsg_len, CMSG_LEN(want[i].len));
        if (c->cmsg_type == IPV6_HOPOPTS || c->cmsg_type == IPV6_2292HOPOPTS)
            CHECK(lies(CMSG_DATA(c), hop, IPPROTO_DSTOPTS));
        if (c->cmsg_type == IPV6_DSTOPTS || c->cmsg_type == IPV6_2292DSTOPTS)
            CHECK(lies(CMSG_DATA(c), last, IPPROTO_TCP));
    }
    CHECK_EQ(i, sizeof want / sizeof *want);
    len = 20; /* the first one does not fit */
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len), 0);
    CHECK_EQ(len, 20);
    CHECK_EQ(((struct cmsghdr *)control)->cmsg_len, 20);
    CHECK_EQ(put(out, IPV6_HOPOPTS, NULL, 0), 0);
    CHECK_EQ(put(out, IPV6_DSTOPTS, NULL, 0), 0);
    CHECK_EQ(send(out, "x", 1, 0), 1);
    CHECK_EQ(recv(in, &byte, 1, 0), 1);
    len = sizeof control; /* nothing came with that one */
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len), 0);
    CHECK_EQ(len, 2 * CMSG_SPACE(20) + CMSG_SPACE(4));
    close(in);
    close(out);
    close(listener);
}

/* A datagram that would have to be cut, and must not: an empty message tells the MTU. */
static void path_mtu(void)
{
    static char data[4000];
    struct {
        struct sockaddr_in6 address;
        uint32_t mtu;
    } info;
    struct sockaddr_in6 at, from = {};
    char control[256];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {&from, sizeof from, &iov, 1, control, sizeof control, 0};
    int fd = bound(SOCK_DGRAM, 0, &at), out = socket(AF_INET6, SOCK_DGRAM, 0);
    socklen_t len = sizeof info;
    struct cmsghdr *c;

    CHECK_EQ(put(out, IPV6_DSTOPTS, last, sizeof last) == 0 || errno == EPERM, true);
    CHECK_EQ(set(out, IPV6_MTU, 1400), 0);
    CHECK_EQ(set(out, IPV6_DONTFRAG, 1), 0);
    CHECK_ERRNO(send_to(out, data, sizeof data, &at), EMSGSIZE); /* not asked for yet */
    CHECK_EQ(set(out, IPV6_RECVPATHMTU, 1), 0);
    CHECK_ERRNO(recvmsg(out, &m, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(send_to(out, data, sizeof data, &at), EMSGSIZE);
    CHECK_ERRNO(send_to(out, data, sizeof data, &at), EMSGSIZE); /* the last one is told */
    CHECK_EQ(recvmsg(out, &m, 0), 0);
    CHECK_EQ(m.msg_flags & ~MSG_CMSG_CLOEXEC, 0);
    CHECK(m.msg_namelen == sizeof from && from.sin6_port == 0);
    CHECK(memcmp(&from.sin6_addr, &in6addr_loopback, 16) == 0);
    c = CMSG_FIRSTHDR(&m);
    NEED(c && c->cmsg_type == IPV6_PATHMTU && c->cmsg_len == CMSG_LEN(sizeof info));
    memcpy(&info, CMSG_DATA(c), sizeof info);
    CHECK_EQ(info.mtu, told(out, IPV6_DSTOPTS, (uint8_t *)data, 8) ? 1392 : 1400);
    CHECK(memcmp(&info.address.sin6_addr, &in6addr_loopback, 16) == 0);
    m.msg_controllen = sizeof control;
    CHECK_ERRNO(recvmsg(out, &m, MSG_DONTWAIT), EAGAIN); /* once */
    CHECK_EQ(set(out, IPV6_DONTFRAG, 0),
             0); /* another way to be refused, of which nothing is told */
    CHECK_EQ(set(out, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO), 0);
    CHECK_ERRNO(send_to(out, data, sizeof data, &at), EMSGSIZE);
    CHECK_ERRNO(recvmsg(out, &m, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(getsockopt(out, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len), ENOTCONN);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    CHECK_EQ(getsockopt(out, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len), 0);
    CHECK(len == sizeof info && info.mtu >= 1500 && info.address.sin6_family == 0);
    len = sizeof info - 1;
    CHECK_ERRNO(getsockopt(out, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len), EINVAL);
    close(out);
    close(fd);
}

int main(void)
{
    quiet_net();
    if (bound(SOCK_DGRAM, 0, &(struct sockaddr_in6){}) < 0 && !inside_osprey()) {
        printf("1..0 # no IPv6 here\n");
        return 0;
    }
    promise("what is set is told, and what is malformed refused", values);
    promise("options' headers take a privilege, routing headers none", privileges);
    promise("all four stand in their order", on_the_wire);
    promise("what arrives is told", told_to_the_receiver);
    promise("headers of one message", with_a_message);
    promise("IPV6_2292PKTOPTIONS", packet_options);
    promise("fragments", fragments);
    promise("headers take room", too_large);
    promise("MSG_MORE and UDP_CORK keep the headers they began with", held_back);
    promise("raw sockets send them, ping's do not", raw_and_ping);
    promise("TCP", connections);
    promise("IPV6_2292PKTOPTIONS of a connection", connection_options);
    promise("IPV6_RECVPATHMTU, IPV6_PATHMTU", path_mtu);
    return check_end();
}
