/* IPv6 as programs use it on this host alone: UDP and TCP over ::1, both families on one socket,
 * scopes, options, what arrives with a datagram, errors, fragments, echo. */
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { BIG = 65500 };

static struct sockaddr_in6 at(struct in6_addr address, unsigned port)
{
    return (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_addr = address, .sin6_port = htons((uint16_t)port)};
}

static struct sockaddr_in6 mapped(const char *v4, unsigned port)
{
    struct sockaddr_in6 a = at(in6addr_any, port);

    a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
    inet_pton(AF_INET, v4, a.sin6_addr.s6_addr + 12);
    return a;
}

/* A socket bound to the address and a port that the kernel chooses. */
static int bound(int type, struct in6_addr address, unsigned *port)
{
    struct sockaddr_in6 a = at(address, 0);
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET6, type, 0);

    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&a, &len) == 0 && len == sizeof(a));
    *port = ntohs(a.sin6_port);
    CHECK(*port != 0);
    return fd;
}

static int set(int fd, int option, int value)
{
    return setsockopt(fd, IPPROTO_IPV6, option, &value, sizeof(value));
}

static int get(int fd, int option)
{
    int value = -1000;
    socklen_t len = sizeof(value);

    CHECK(getsockopt(fd, IPPROTO_IPV6, option, &value, &len) == 0 && len == sizeof(value));
    return value;
}

static void udp_names(void)
{
    unsigned port, other;
    int a = bound(SOCK_DGRAM, in6addr_loopback, &port),
        b = bound(SOCK_DGRAM, in6addr_loopback, &other);
    struct sockaddr_in6 to = at(in6addr_loopback, port), from;
    socklen_t len = sizeof(from);
    char text[16];

    CHECK_EQ(sendto(b, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
    CHECK_EQ(recvfrom(a, text, sizeof(text), 0, (struct sockaddr *)&from, &len), 5);
    CHECK(len == sizeof(from) && from.sin6_family == AF_INET6 && from.sin6_scope_id == 0);
    CHECK(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr) && ntohs(from.sin6_port) == other);
    CHECK_EQ(sendto(b, "", 0, 0, (struct sockaddr *)&to, sizeof(to)), 0);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 0);
    /* Without sin6_scope_id the address is as long as RFC 2133's. */
    CHECK_EQ(sendto(b, "x", 1, 0, (struct sockaddr *)&to, 24), 1);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 1);
    CHECK_ERRNO(sendto(b, "x", 1, 0, (struct sockaddr *)&to, 23), EINVAL);
    close(a);
    close(b);
}

static void udp_any(void)
{
    unsigned port;
    int a = bound(SOCK_DGRAM, in6addr_any, &port), b = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 to = at(in6addr_any, port), name;
    socklen_t len = sizeof(name);
    char byte;

    /* To :: is to this host. */
    CHECK(connect(b, (struct sockaddr *)&to, sizeof(to)) == 0);
    CHECK(getpeername(b, (struct sockaddr *)&name, &len) == 0);
    CHECK(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    CHECK(getsockname(b, (struct sockaddr *)&name, &len) == 0);
    CHECK(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr) && name.sin6_port);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(recv(a, &byte, 1, 0), 1);
    close(a);
    close(b);
}

static void refused(void)
{
    unsigned port;
    int a = bound(SOCK_DGRAM, in6addr_loopback, &port), b = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 to = at(in6addr_loopback, port);
    struct pollfd wait = {.fd = b, .events = POLLIN};
    char byte;

    CHECK(connect(b, (struct sockaddr *)&to, sizeof(to)) == 0);
    close(a);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(poll(&wait, 1, -1), 1);
    CHECK_ERRNO(recv(b, &byte, 1, 0), ECONNREFUSED);
    CHECK_ERRNO(recv(b, &byte, 1, MSG_DONTWAIT), EAGAIN);
    close(b);
}

static void families(void)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port;
    int a = bound(SOCK_DGRAM, in6addr_any, &port), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in6 from, want = mapped("127.0.0.1", 0);
    socklen_t len = sizeof(from);
    char byte;

    v4.sin_port = htons((uint16_t)port);
    CHECK_EQ(sendto(b, "x", 1, 0, (struct sockaddr *)&v4, sizeof(v4)), 1);
    CHECK_EQ(recvfrom(a, &byte, 1, 0, (struct sockaddr *)&from, &len), 1);
    CHECK(len == sizeof(from) && IN6_ARE_ADDR_EQUAL(&from.sin6_addr, &want.sin6_addr));
    CHECK_EQ(sendto(a, "y", 1, 0, (struct sockaddr *)&from, sizeof(from)), 1);
    CHECK_EQ(recv(b, &byte, 1, 0), 1);
    CHECK(byte == 'y');
    close(a);
    close(b);
}

static void v6only(void)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 any = at(in6addr_any, 0), to;
    socklen_t len = sizeof(any);
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), fd;

    CHECK_EQ(get(a, IPV6_V6ONLY), 0);
    CHECK(set(a, IPV6_V6ONLY, 1) == 0);
    CHECK_EQ(get(a, IPV6_V6ONLY), 1);
    CHECK(bind(a, (struct sockaddr *)&any, sizeof(any)) == 0);
    CHECK(getsockname(a, (struct sockaddr *)&any, &len) == 0);
    v4.sin_port = any.sin6_port;
    CHECK(bind(b, (struct sockaddr *)&v4, sizeof(v4)) == 0); /* beside it */
    to = mapped("127.0.0.1", ntohs(any.sin6_port));
    CHECK_ERRNO(sendto(a, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
    CHECK_ERRNO(connect(a, (struct sockaddr *)&to, sizeof(to)), ENETUNREACH);
    CHECK_ERRNO(set(a, IPV6_V6ONLY, 0), EINVAL); /* too late */
    close(a);
    /* Without it the port is taken for both. */
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&any, sizeof(any)), EADDRINUSE);
    close(fd);
    close(b);
}

static void scopes(void)
{
    struct sockaddr_in6 a = at(in6addr_any, 9);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    inet_pton(AF_INET6, "fe80::1:2:3:4", &a.sin6_addr);
    CHECK_ERRNO(connect(fd, (struct sockaddr *)&a, sizeof(a)), EINVAL);
    close(fd);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EINVAL);
    a.sin6_scope_id = 99999;
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), ENODEV);
    a.sin6_scope_id = 1;
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
    inet_pton(AF_INET6, "2001:db8::dead:beef", &a.sin6_addr);
    a.sin6_scope_id = 0;
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
    a = mapped("192.0.2.77", 0);
    CHECK_ERRNO(bind(fd, (struct sockaddr *)&a, sizeof(a)), EADDRNOTAVAIL);
    inet_pton(AF_INET6, "2001:db8::dead:beef", &a.sin6_addr);
    CHECK(set(fd, IPV6_FREEBIND, 1) == 0);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    close(fd);
}

static void options(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    int value = 5;

    CHECK_EQ(get(fd, IPV6_UNICAST_HOPS), 64);
    CHECK(set(fd, IPV6_UNICAST_HOPS, 7) == 0 && get(fd, IPV6_UNICAST_HOPS) == 7);
    CHECK_ERRNO(set(fd, IPV6_UNICAST_HOPS, 256), EINVAL);
    CHECK_ERRNO(set(fd, IPV6_UNICAST_HOPS, -2), EINVAL);
    CHECK(set(fd, IPV6_UNICAST_HOPS, -1) == 0 && get(fd, IPV6_UNICAST_HOPS) == 64);
    CHECK_EQ(get(fd, IPV6_MULTICAST_HOPS), 1);
    CHECK(set(fd, IPV6_MULTICAST_HOPS, 3) == 0 && get(fd, IPV6_MULTICAST_HOPS) == 3);
    CHECK_EQ(get(fd, IPV6_MULTICAST_LOOP), 1);
    CHECK_ERRNO(set(fd, IPV6_MULTICAST_LOOP, 2), EINVAL);
    CHECK_EQ(get(fd, IPV6_TCLASS), 0);
    CHECK(set(fd, IPV6_TCLASS, 0x28) == 0 && get(fd, IPV6_TCLASS) == 0x28);
    CHECK_ERRNO(set(fd, IPV6_TCLASS, 256), EINVAL);
    CHECK_EQ(get(fd, IPV6_RECVPKTINFO), 0);
    CHECK_EQ(get(fd, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_WANT);
    CHECK(set(fd, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) == 0);
    CHECK_ERRNO(set(fd, IPV6_MTU_DISCOVER, 77), EINVAL);
    CHECK_ERRNO(setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, 3), EINVAL);
    CHECK_ERRNO(setsockopt(fd, IPPROTO_IPV6, 9999, &value, sizeof(value)), ENOPROTOOPT);
    close(fd);
}

/* Find a control message; NULL. */
static void *control(struct msghdr *message, int type)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == type)
            return CMSG_DATA(c);
    return NULL;
}

static void messages(void)
{
    unsigned port, other;
    int a = bound(SOCK_DGRAM, in6addr_any, &port), b = bound(SOCK_DGRAM, in6addr_any, &other);
    struct sockaddr_in6 to = at(in6addr_loopback, port);
    char room[256], byte = 'x', sent[CMSG_SPACE(sizeof(int)) * 2] = "";
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_name = &to,
                       .msg_namelen = sizeof(to),
                       .msg_control = sent,
                       .msg_controllen = sizeof(sent)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    struct in6_pktinfo *info;
    int *number, hops = 33, class = 0x48;

    CHECK(set(a, IPV6_RECVPKTINFO, 1) == 0 && set(a, IPV6_RECVHOPLIMIT, 1) == 0 &&
          set(a, IPV6_RECVTCLASS, 1) == 0);
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_HOPLIMIT;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &hops, sizeof(hops));
    c = (struct cmsghdr *)(sent + CMSG_SPACE(sizeof(int)));
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_TCLASS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &class, sizeof(class));
    CHECK_EQ(sendmsg(b, &m, 0), 1);
    m = (struct msghdr){
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    CHECK_EQ(recvmsg(a, &m, 0), 1);
    CHECK(!(m.msg_flags & MSG_CTRUNC));
    info = control(&m, IPV6_PKTINFO);
    CHECK(info && IN6_IS_ADDR_LOOPBACK(&info->ipi6_addr) && info->ipi6_ifindex == 1);
    number = control(&m, IPV6_HOPLIMIT);
    CHECK(number && *number == 33);
    number = control(&m, IPV6_TCLASS);
    CHECK(number && *number == 0x48);
    close(a);
    close(b);
}

/* A datagram that no longer fits one packet, even of lo. */
static void fragments(void)
{
    static char out[BIG], in[BIG + 1];
    unsigned port;
    int a = bound(SOCK_DGRAM, in6addr_loopback, &port), b = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 to = at(in6addr_loopback, port);
    int size = 1 << 20;

    for (int i = 0; i < BIG; i++)
        out[i] = (char)(i * 7 ^ i >> 8);
    setsockopt(a, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(b, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    CHECK(connect(b, (struct sockaddr *)&to, sizeof(to)) == 0);
    CHECK_EQ(get(b, IPV6_MTU), 65536);
    CHECK_EQ(send(b, out, BIG, 0), BIG);
    CHECK_EQ(recv(a, in, sizeof(in), 0), BIG);
    CHECK(memcmp(in, out, BIG) == 0);
    CHECK_ERRNO(send(b, out, 65528, 0), EMSGSIZE);
    CHECK(set(b, IPV6_DONTFRAG, 1) == 0);
    CHECK_ERRNO(send(b, out, BIG, 0), EMSGSIZE);
    CHECK_EQ(send(b, out, 60000, 0), 60000);
    CHECK_EQ(recv(a, in, sizeof(in), 0), 60000);
    close(a);
    close(b);
}

static void stream(struct sockaddr_in6 to, int listener, bool is_mapped)
{
    struct sockaddr_in6 name;
    socklen_t len = sizeof(name);
    int a = socket(AF_INET6, SOCK_STREAM, 0), b;
    char text[8];

    NEED(connect(a, (struct sockaddr *)&to, sizeof(to)) == 0);
    b = accept(listener, (struct sockaddr *)&name, &len);
    NEED(b >= 0);
    CHECK(len == sizeof(name) && IN6_IS_ADDR_V4MAPPED(&name.sin6_addr) == is_mapped);
    CHECK(is_mapped || IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    CHECK(getsockname(b, (struct sockaddr *)&name, &len) == 0);
    CHECK(IN6_ARE_ADDR_EQUAL(&name.sin6_addr, &to.sin6_addr) && name.sin6_port == to.sin6_port);
    CHECK_EQ(send(a, "there", 5, 0), 5);
    CHECK_EQ(recv(b, text, 5, MSG_WAITALL), 5);
    CHECK_EQ(send(b, "back", 4, 0), 4);
    CHECK_EQ(recv(a, text, 4, MSG_WAITALL), 4);
    shutdown(a, SHUT_WR);
    CHECK_EQ(recv(b, text, 1, 0), 0);
    close(b);
    CHECK_EQ(recv(a, text, 1, 0), 0);
    close(a);
}

static void streams(void)
{
    unsigned port;
    int listener = bound(SOCK_STREAM, in6addr_any, &port), fd;
    struct sockaddr_in6 to;

    NEED(listen(listener, 5) == 0);
    stream(at(in6addr_loopback, port), listener, false);
    stream(mapped("127.0.0.1", port), listener, true);
    close(listener);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    to = at(in6addr_loopback, port);
    CHECK_ERRNO(connect(fd, (struct sockaddr *)&to, sizeof(to)), ECONNREFUSED);
    close(fd);
}

static void echo(void)
{
    struct icmp6_hdr request = {.icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_id = 0x1234};
    struct sockaddr_in6 to = at(in6addr_loopback, 0), from;
    socklen_t len = sizeof(from);
    struct icmp6_filter filter;
    static char out[BIG], in[BIG + 100];
    int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);

    if (fd < 0 && errno == EPERM)
        SKIP("raw sockets are for the privileged");
    NEED(fd >= 0);
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    CHECK(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) == 0);
    for (int i = 0; i < BIG; i++)
        out[i] = (char)(i * 11 ^ i >> 8);
    memcpy(out, &request, sizeof(request));
    for (int n = 8; n <= 65000; n = n == 8 ? 1300 : n * 7) {
        CHECK_EQ(sendto(fd, out, (size_t)n, 0, (struct sockaddr *)&to, sizeof(to)), n);
        CHECK_EQ(recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len), n);
        CHECK(in[0] == (char)ICMP6_ECHO_REPLY && memcmp(in + 4, out + 4, (size_t)n - 4) == 0);
        CHECK(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
    }
    close(fd);
}

int main(void)
{
    quiet_net();
    promise("datagrams over ::1 carry addresses and ports", udp_names);
    promise("connecting to :: is connecting to this host", udp_any);
    promise("a closed port refuses datagrams", refused);
    promise("a socket of IPv6 serves IPv4, too", families);
    promise("IPV6_V6ONLY keeps the families apart", v6only);
    promise("addresses that are not this host's, and scopes", scopes);
    promise("options have Linux's defaults and bounds", options);
    promise("hop limit, class and destination arrive with a datagram", messages);
    promise("what is too long for a packet is fragmented", fragments);
    promise("streams over ::1, of both families", streams);
    promise("echo requests are answered", echo);
    return check_end();
}
