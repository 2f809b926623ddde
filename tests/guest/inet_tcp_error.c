// IP_RECVERR and IPV6_RECVERR of TCP: what ICMP tells of a connection, to whom and when. The test
// writes the ICMP messages by itself.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static int family;
static int sniffer; /* sees the segments of this host */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t size_of_address(void)
{
    return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static union address here(unsigned port)
{
    union address a = {.any.sa_family = (sa_family_t)family};

    if (family == AF_INET) {
        a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        a.v4.sin_port = htons((uint16_t)port);
    } else {
        a.v6.sin6_addr = in6addr_loopback;
        a.v6.sin6_port = htons((uint16_t)port);
    }
    return a;
}

static unsigned port_of(int fd)
{
    union address a = {0};
    socklen_t len = sizeof(a);

    getsockname(fd, &a.any, &len);
    return ntohs(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

static int listen_at(int backlog)
{
    union address a = here(0);
    int fd = socket(family, SOCK_STREAM, 0);

    CHECK(fd >= 0 && !bind(fd, &a.any, size_of_address()) && !listen(fd, backlog));
    return fd;
}

static int connect_to(int listener, int flags, bool told)
{
    union address a = here(port_of(listener));
    int fd = socket(family, SOCK_STREAM | flags, 0), on = told;

    if (family == AF_INET)
        CHECK(!setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
    else
        CHECK(!setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)));
    if (connect(fd, &a.any, size_of_address()))
        CHECK_EQ(errno, EINPROGRESS);
    return fd;
}

/* The header of the next segment with these flags that the socket sends to the listener; of those
 * with FIN, SYN and PSH only these flags. (An earlier connection may have had the same port.) */
static struct tcphdr seen(int fd, int listener, unsigned flags)
{
    unsigned char bytes[4096];
    unsigned from = port_of(fd), to = port_of(listener);

    for (;;) {
        ssize_t n = recv(sniffer, bytes, sizeof(bytes), 0);
        size_t skip = family == AF_INET ? (bytes[0] & 15) * 4u : 0;
        struct tcphdr header;

        if (n < (ssize_t)(skip + sizeof(header)))
            continue;
        memcpy(&header, bytes + skip, sizeof(header));
        if (ntohs(header.th_sport) == from && ntohs(header.th_dport) == to &&
            (header.th_flags & (TH_SYN | TH_FIN | TH_PUSH)) == flags)
            return header;
    }
}

static uint16_t sum_of(const void *data, size_t n)
{
    const unsigned char *p = data;
    unsigned sum = 0;

    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (unsigned)(p[i] << 8 | p[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* "Unreachable" about that segment: the host (`port`: its port). */
static void complain(const struct tcphdr *segment, bool port)
{
    int fd = socket(family, SOCK_RAW, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    union address to = here(0);
    struct {
        struct icmphdr icmp;
        struct iphdr ip;
        struct tcphdr tcp;
    } four = {
        .icmp = {.type = ICMP_DEST_UNREACH, .code = port ? ICMP_PORT_UNREACH : ICMP_HOST_UNREACH},
        .ip = {.version = 4,
               .ihl = 5,
               .tot_len = htons(40),
               .ttl = 64,
               .protocol = IPPROTO_TCP,
               .saddr = htonl(INADDR_LOOPBACK),
               .daddr = htonl(INADDR_LOOPBACK)},
        .tcp = *segment,
    };
    struct {
        struct icmp6_hdr icmp;
        struct ip6_hdr ip;
        struct tcphdr tcp;
    } six = {
        .icmp = {.icmp6_type = ICMP6_DST_UNREACH,
                 .icmp6_code = port ? ICMP6_DST_UNREACH_NOPORT : ICMP6_DST_UNREACH_ADDR},
        .ip = {.ip6_plen = htons(20),
               .ip6_nxt = IPPROTO_TCP,
               .ip6_hlim = 64,
               .ip6_src = in6addr_loopback,
               .ip6_dst = in6addr_loopback},
        .tcp = *segment,
    };

    four.ip.check = sum_of(&four.ip, sizeof(four.ip));
    four.icmp.checksum = sum_of(&four, sizeof(four));
    six.ip.ip6_vfc = 6 << 4;
    if (family == AF_INET)
        CHECK_EQ(sendto(fd, &four, sizeof(four), 0, &to.any, sizeof(to.v4)), sizeof(four));
    else
        CHECK_EQ(sendto(fd, &six, sizeof(six), 0, &to.any, sizeof(to.v6)), sizeof(six));
    close(fd);
}

static int error_of(int fd)
{
    int err = -1;
    socklen_t len = sizeof(err);

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    return err;
}

/* What poll says once all of `wanted` is there: errors are queued before the connection ends. */
static int poll_error(int fd, int wanted)
{
    struct pollfd p = {.fd = fd};

    do {
        if (poll(&p, 1, 30000) != 1)
            return 0;
        if ((p.revents & wanted) != wanted)
            usleep(1000);
    } while ((p.revents & wanted) != wanted);
    return p.revents;
}

/* The first of the queue of errors, or -1. */
static int next_error(int fd, struct sock_extended_err *error, union address *offender,
                      union address *name, struct tcphdr *quoted)
{
    char control[256];
    struct iovec iov = {quoted, sizeof(*quoted)};
    struct msghdr m = {.msg_name = name,
                       .msg_namelen = sizeof(*name),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE);
    struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

    if (!c)
        return -1;
    CHECK(m.msg_flags & MSG_ERRQUEUE);
    CHECK(family == AF_INET ? c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR
                            : c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
    memcpy(error, CMSG_DATA(c), sizeof(*error));
    memcpy(offender, CMSG_DATA(c) + sizeof(*error), size_of_address());
    return (int)n;
}

static void expect_no_error(int fd)
{
    struct sock_extended_err error;
    union address offender, name;
    struct tcphdr quoted;

    CHECK_ERRNO(next_error(fd, &error, &offender, &name, &quoted), EAGAIN);
}

/* --- a connection that is there */

/* An acknowledgement that comes behind an error takes the hint of it away. */
static void until_acknowledged(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    while (!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) && info.tcpi_unacked)
        usleep(1000);
}

static void established(bool told)
{
    int listener = listen_at(5), fd = connect_to(listener, 0, told), peer, err;
    struct tcphdr segment;
    char byte;

    peer = accept(listener, NULL, NULL);
    NEED(peer >= 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    segment = seen(fd, listener, TH_PUSH);
    CHECK_EQ(recv(peer, &byte, 1, MSG_WAITALL), 1);
    until_acknowledged(fd);
    /* What is behind the byte is on its way just as well. */
    segment.th_seq = htonl(ntohl(segment.th_seq) + 1);
    complain(&segment, false);
    if (told) {
        CHECK_EQ(poll_error(fd, POLLERR), POLLERR);
        CHECK_ERRNO(recv(fd, &byte, 1, 0), EHOSTUNREACH); /* does not wait */
        CHECK_EQ(error_of(fd), 0);
    } else {
        while (!(err = error_of(fd))) /* a hint, for those who ask */
            usleep(1000);
        CHECK_EQ(err, EHOSTUNREACH);
    }
    expect_no_error(fd);
    CHECK_EQ(send(peer, "y", 1, 0), 1);
    CHECK_EQ(recv(fd, &byte, 1, 0), 1);
    CHECK_EQ(send(fd, "z", 1, 0), 1);
    CHECK_EQ(recv(peer, &byte, 1, 0), 1);
    CHECK_EQ(byte, 'z');
    close(fd);
    close(peer);
    close(listener);
}

static void established_told(void)
{
    established(true);
}

static void established_untold(void)
{
    established(false);
}

/* Segments that are not on their way any more: forged, perhaps. */
static void forged(void)
{
    int listener = listen_at(5), fd = connect_to(listener, 0, true), peer;
    struct tcphdr segment, wrong;

    peer = accept(listener, NULL, NULL);
    NEED(peer >= 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    wrong = segment = seen(fd, listener, TH_PUSH);
    wrong.th_seq = htonl(ntohl(segment.th_seq) - 10000);
    complain(&wrong, true);
    wrong.th_seq = htonl(ntohl(segment.th_seq) + 10000);
    complain(&wrong, true);
    segment.th_seq = htonl(ntohl(segment.th_seq) + 1);
    complain(&segment, false); /* in order behind those */
    CHECK_EQ(poll_error(fd, POLLERR), POLLERR);
    CHECK_EQ(error_of(fd), EHOSTUNREACH);
    close(fd);
    close(peer);
    close(listener);
}

/* --- one that is being set up: nobody answers, as the listener has no room */

static void connecting(bool told)
{
    int listener = listen_at(0), first = connect_to(listener, 0, false);
    struct pollfd full = {.fd = listener, .events = POLLIN};
    int fd;
    union address offender = {0}, name = {0};
    struct sock_extended_err error;
    struct tcphdr segment, quoted;

    CHECK_EQ(poll(&full, 1, -1), 1); /* until then there is room for another one */
    fd = connect_to(listener, SOCK_NONBLOCK, told);
    segment = seen(fd, listener, TH_SYN);
    complain(&segment, true);
    CHECK_EQ(poll_error(fd, POLLERR | POLLHUP), POLLERR | POLLHUP);
    if (told) {
        CHECK(next_error(fd, &error, &offender, &name, &quoted) >= 8);
        CHECK_EQ(error.ee_errno, ECONNREFUSED);
        CHECK_EQ(error.ee_origin, family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6);
        CHECK_EQ(error.ee_type, family == AF_INET ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH);
        CHECK_EQ(error.ee_code, family == AF_INET ? ICMP_PORT_UNREACH : ICMP6_DST_UNREACH_NOPORT);
        CHECK(!memcmp(&quoted, &segment, 8));
        CHECK_EQ(name.any.sa_family, family);
        CHECK_EQ(offender.any.sa_family, family);
        if (family == AF_INET) {
            CHECK_EQ(ntohs(name.v4.sin_port), port_of(listener));
            CHECK_EQ(ntohl(name.v4.sin_addr.s_addr), INADDR_LOOPBACK);
            CHECK_EQ(ntohl(offender.v4.sin_addr.s_addr), INADDR_LOOPBACK);
        } else {
            CHECK_EQ(ntohs(name.v6.sin6_port), port_of(listener));
            CHECK(IN6_IS_ADDR_LOOPBACK(&name.v6.sin6_addr));
            CHECK(IN6_IS_ADDR_LOOPBACK(&offender.v6.sin6_addr));
        }
        CHECK_EQ(error_of(fd), 0); /* it was told with the last of the queue */
    } else {
        CHECK_EQ(error_of(fd), ECONNREFUSED);
    }
    if (told || family == AF_INET6) /* with IPv4 Linux queues it unasked, since 5.8 */
        expect_no_error(fd);
    close(fd);
    close(first);
    close(listener);
}

static void connecting_told(void)
{
    connecting(true);
}

static void connecting_untold(void)
{
    connecting(false);
}

static void with_family(int which, const char *const names[5])
{
    family = which;
    sniffer = socket(family, SOCK_RAW, IPPROTO_TCP);
    promise(names[0], established_told);
    promise(names[1], established_untold);
    promise(names[2], forged);
    promise(names[3], connecting_told);
    promise(names[4], connecting_untold);
    close(sniffer);
}

int main(void)
{
    static const char *const four[] = {
        "IPv4: who asked is told of an error, and the connection goes on",
        "IPv4: who did not is told when asking",
        "IPv4: what is not on its way is not believed",
        "IPv4: a connection that cannot be: told in the queue of errors",
        "IPv4: a connection that cannot be: the error alone",
    };
    static const char *const six[] = {
        "IPv6: who asked is told of an error, and the connection goes on",
        "IPv6: who did not is told when asking",
        "IPv6: what is not on its way is not believed",
        "IPv6: a connection that cannot be: told in the queue of errors",
        "IPv6: a connection that cannot be: the error alone",
    };
    int fd;

    quiet_net();
    fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0 && errno == EPERM) {
        printf("1..0 # skip: needs CAP_NET_RAW\n");
        return 0;
    }
    close(fd);
    with_family(AF_INET, four);
    with_family(AF_INET6, six);
    return check_end();
}
