// Groups: joined and left, their copies for this host, sources that are chosen.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

static const uint32_t GROUP = 0xefff0101; // 239.255.1.1

static struct sockaddr_in address(uint32_t ip, unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(ip)};
}

// A sender that speaks through lo, and the port to speak to.
static int sender(uint32_t from)
{
    struct in_addr lo = {htonl(INADDR_LOOPBACK)};
    struct sockaddr_in at = address(from, 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    CHECK(setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &lo, sizeof(lo)) == 0);
    return fd;
}

// A listener at a port (0: any), which others may have, too: the port.
static int listener(unsigned *port)
{
    struct sockaddr_in at = address(INADDR_ANY, *port);
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1, zero = 0;
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    CHECK(setsockopt(fd, SOL_IP, IP_MULTICAST_ALL, &zero, sizeof(zero)) == 0);
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static int membership(int fd, int name, uint32_t group)
{
    struct ip_mreqn mreq = {.imr_multiaddr.s_addr = htonl(group), .imr_ifindex = 1};
    return setsockopt(fd, SOL_IP, name, &mreq, sizeof(mreq));
}

static bool hears(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char buf[8];
    return poll(&p, 1, 10000) == 1 && recv(fd, buf, sizeof(buf), 0) == 1;
}

// Whoever sends to himself as well, and hears it, has heard before all that was sent before.
static bool is_quiet(int fd)
{
    char buf[8];
    return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static void say(int fd, uint32_t to, unsigned port)
{
    struct sockaddr_in at = address(to, port);
    CHECK_EQ(sendto(fd, "m", 1, 0, (void *)&at, sizeof(at)), 1);
}

static void joining(void)
{
    unsigned port = 0;
    int out = sender(INADDR_LOOPBACK), a = listener(&port), b = listener(&port);
    CHECK(membership(a, IP_ADD_MEMBERSHIP, GROUP) == 0);
    CHECK_ERRNO(membership(a, IP_ADD_MEMBERSHIP, GROUP), EADDRINUSE);
    CHECK(membership(b, IP_ADD_MEMBERSHIP, GROUP + 1) == 0);
    say(out, GROUP, port);
    CHECK(hears(a));
    CHECK(is_quiet(b));
    CHECK(membership(b, IP_ADD_MEMBERSHIP, GROUP) == 0);
    say(out, GROUP, port); // both
    CHECK(hears(a));
    CHECK(hears(b));
    CHECK(membership(a, IP_DROP_MEMBERSHIP, GROUP) == 0);
    CHECK_ERRNO(membership(a, IP_DROP_MEMBERSHIP, GROUP), EADDRNOTAVAIL);
    say(out, GROUP, port);
    CHECK(hears(b));
    CHECK(is_quiet(a));
    CHECK_ERRNO(membership(a, IP_ADD_MEMBERSHIP, 0x0a000001), EINVAL);
    struct ip_mreqn nowhere = {.imr_multiaddr.s_addr = htonl(GROUP), .imr_ifindex = 9999};
    CHECK_ERRNO(setsockopt(a, SOL_IP, IP_ADD_MEMBERSHIP, &nowhere, sizeof(nowhere)), ENODEV);
    CHECK_ERRNO(setsockopt(a, SOL_IP, IP_ADD_MEMBERSHIP, &nowhere, 4), EINVAL);
    for (unsigned i = 0; i < 20; i++)
        CHECK(membership(a, IP_ADD_MEMBERSHIP, GROUP + i) == 0);
    CHECK_ERRNO(membership(a, IP_ADD_MEMBERSHIP, GROUP + 20), ENOBUFS);
    close(out);
    close(a);
    close(b);
}

static void own_copy(void)
{
    unsigned port = 0;
    int out = sender(INADDR_LOOPBACK), a = listener(&port), zero = 0, got = -1;
    unsigned char byte = 9;
    socklen_t len = sizeof(got);
    struct in_addr interface = {};
    CHECK(membership(a, IP_ADD_MEMBERSHIP, GROUP) == 0);
    CHECK(setsockopt(out, SOL_IP, IP_MULTICAST_LOOP, &byte, 1) == 0); // any number is on
    CHECK(getsockopt(out, SOL_IP, IP_MULTICAST_LOOP, &got, &len) == 0);
    CHECK_EQ(got, 1);
    say(out, GROUP, port);
    CHECK(hears(a));
    CHECK(setsockopt(out, SOL_IP, IP_MULTICAST_TTL, &zero, sizeof(zero)) == 0); // not beyond us
    len = sizeof(interface);
    CHECK(getsockopt(out, SOL_IP, IP_MULTICAST_IF, &interface, &len) == 0);
    CHECK_EQ(interface.s_addr, htonl(INADDR_LOOPBACK));
    struct in_addr nobodys = {htonl(0x01020304)};
    CHECK_ERRNO(setsockopt(out, SOL_IP, IP_MULTICAST_IF, &nobodys, sizeof(nobodys)), EADDRNOTAVAIL);
    close(out);
    close(a);
}

static int source_membership(int fd, int name, uint32_t source)
{
    struct ip_mreq_source mreq = {.imr_multiaddr.s_addr = htonl(GROUP),
                                  .imr_interface.s_addr = htonl(INADDR_LOOPBACK),
                                  .imr_sourceaddr.s_addr = htonl(source)};
    return setsockopt(fd, SOL_IP, name, &mreq, sizeof(mreq));
}

static void sources(void)
{
    enum { ONE = 0x7f000001, TWO = 0x7f000002 };
    unsigned port = 0;
    int one = sender(ONE), two = sender(TWO), a = listener(&port), b = listener(&port);
    // a hears one only, b all but one.
    CHECK(source_membership(a, IP_ADD_SOURCE_MEMBERSHIP, ONE) == 0);
    CHECK(membership(b, IP_ADD_MEMBERSHIP, GROUP) == 0);
    CHECK(source_membership(b, IP_BLOCK_SOURCE, ONE) == 0);
    say(one, GROUP, port);
    CHECK(hears(a));
    CHECK(is_quiet(b));
    say(two, GROUP, port);
    CHECK(hears(b));
    CHECK(is_quiet(a));
    CHECK_ERRNO(source_membership(b, IP_BLOCK_SOURCE, ONE), EADDRNOTAVAIL);
    CHECK(source_membership(b, IP_UNBLOCK_SOURCE, ONE) == 0);
    CHECK(source_membership(a, IP_ADD_SOURCE_MEMBERSHIP, TWO) == 0);
    CHECK(source_membership(a, IP_DROP_SOURCE_MEMBERSHIP, ONE) == 0);
    say(one, GROUP, port);
    CHECK(hears(b));
    CHECK(is_quiet(a));
    CHECK(source_membership(a, IP_DROP_SOURCE_MEMBERSHIP, TWO) == 0); // the last: it has left
    CHECK(membership(a, IP_ADD_MEMBERSHIP, GROUP) == 0);
    close(one);
    close(two);
    close(a);
    close(b);
}

// The calls that know no family.
static void protocol_independent(void)
{
    unsigned port = 0;
    int out = sender(INADDR_LOOPBACK), a = listener(&port);
    struct group_req req = {.gr_interface = 1};
    struct group_source_req source = {.gsr_interface = 1};
    struct sockaddr_in group = address(GROUP, 0), from = address(INADDR_LOOPBACK, 0);
    memcpy(&req.gr_group, &group, sizeof(group));
    memcpy(&source.gsr_group, &group, sizeof(group));
    memcpy(&source.gsr_source, &from, sizeof(from));
    CHECK(setsockopt(a, SOL_IP, MCAST_JOIN_GROUP, &req, sizeof(req)) == 0);
    say(out, GROUP, port);
    CHECK(hears(a));
    CHECK(setsockopt(a, SOL_IP, MCAST_BLOCK_SOURCE, &source, sizeof(source)) == 0);
    say(out, GROUP, port);
    CHECK(setsockopt(a, SOL_IP, MCAST_UNBLOCK_SOURCE, &source, sizeof(source)) == 0);
    CHECK(is_quiet(a));
    CHECK(setsockopt(a, SOL_IP, MCAST_LEAVE_GROUP, &req, sizeof(req)) == 0);
    CHECK(setsockopt(a, SOL_IP, MCAST_JOIN_SOURCE_GROUP, &source, sizeof(source)) == 0);
    say(out, GROUP, port);
    CHECK(hears(a));
    CHECK_ERRNO(setsockopt(a, SOL_IP, MCAST_LEAVE_GROUP, &req, 8), EINVAL);
    close(out);
    close(a);
}

static void ipv6_group(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6};
    struct ipv6_mreq mreq = {.ipv6mr_interface = 1};
    socklen_t len = sizeof(at);
    int a = socket(AF_INET6, SOCK_DGRAM, 0), out = socket(AF_INET6, SOCK_DGRAM, 0), lo = 1;
    NEED(a >= 0 && out >= 0);
    if (bind(a, (void *)&at, sizeof(at)))
        SKIP("no IPv6");
    CHECK(getsockname(a, (void *)&at, &len) == 0);
    inet_pton(AF_INET6, "ff01::1234", &mreq.ipv6mr_multiaddr);
    CHECK(setsockopt(a, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) == 0);
    CHECK_ERRNO(setsockopt(a, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), EADDRINUSE);
    CHECK(setsockopt(out, SOL_IPV6, IPV6_MULTICAST_IF, &lo, sizeof(lo)) == 0);
    CHECK(getsockopt(out, SOL_IPV6, IPV6_MULTICAST_IF, &lo, (len = sizeof(lo), &len)) == 0);
    CHECK_EQ(lo, 1);
    CHECK(setsockopt(a, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &mreq, sizeof(mreq)) == 0);
    CHECK_ERRNO(setsockopt(a, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &mreq, sizeof(mreq)), EADDRNOTAVAIL);
    mreq.ipv6mr_interface = 9999;
    CHECK_ERRNO(setsockopt(a, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), ENODEV);
    close(a);
    close(out);
}

int main(void)
{
    quiet_net();
    promise("a group is heard while it is joined, by all who have", joining);
    promise("a host hears its own", own_copy);
    promise("sources are chosen or kept out", sources);
    promise("MCAST_JOIN_GROUP and its like", protocol_independent);
    promise("groups of IPv6 are joined and left", ipv6_group);
    return check_end();
}
