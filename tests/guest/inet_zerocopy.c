// SO_ZEROCOPY and MSG_ZEROCOPY over the loopback: each call is told when its bytes are free again.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CHUNK = 20000 };
static char chunk[CHUNK];

static int bound(int family, int type)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool v4 = family == AF_INET;
    int fd = socket(family, type, 0);

    CHECK(!bind(fd, v4 ? (void *)&four : (void *)&six, v4 ? sizeof(four) : sizeof(six)));
    return fd;
}

static int connected(int family, int type, int to)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);
    int fd = socket(family, type, 0);

    CHECK(!getsockname(to, (void *)&a, &len) && !connect(fd, (void *)&a, len));
    return fd;
}

static int set(int fd, int value)
{
    return setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &value, sizeof(value));
}

static int get(int fd)
{
    int value = -1;
    socklen_t len = sizeof(value);

    CHECK(!getsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &value, &len));
    return value;
}

static void poll_error(int fd)
{
    struct pollfd p = {.fd = fd};

    CHECK(poll(&p, 1, 30000) == 1 && p.revents == POLLERR);
}

/* One notice: the calls [*first, *last]. */
static void take_notice(int fd, int family, uint32_t *first, uint32_t *last)
{
    char control[256], byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct sock_extended_err error = {0};
    struct cmsghdr *c;

    *first = *last = -1u;
    CHECK_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 0);
    CHECK_EQ(m.msg_flags & ~MSG_CMSG_CLOEXEC, MSG_ERRQUEUE);
    c = CMSG_FIRSTHDR(&m);
    NEED(c);
    CHECK(family == AF_INET ? c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR
                            : c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
    memcpy(&error, CMSG_DATA(c), sizeof(error));
    CHECK_EQ(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
    CHECK_EQ(error.ee_errno, 0);
    CHECK_EQ(error.ee_type, 0);
    CHECK_EQ(error.ee_code & ~SO_EE_CODE_ZEROCOPY_COPIED, 0);
    *first = error.ee_info;
    *last = error.ee_data;
}

/* All calls from `from` to `to` are told, each once, in any order, in however many notices. */
static void expect_notices(int fd, int family, uint32_t from, uint32_t to)
{
    uint64_t seen = 0;

    while (seen != (1ull << (to - from + 1)) - 1) {
        uint32_t first, last;

        poll_error(fd);
        take_notice(fd, family, &first, &last);
        NEED(first >= from && first <= last && last <= to);
        for (uint32_t i = first; i <= last; i++) {
            CHECK(!(seen >> (i - from) & 1));
            seen |= 1ull << (i - from);
        }
    }
    CHECK_ERRNO(recv(fd, chunk, 1, MSG_ERRQUEUE), EAGAIN);
}

static void read_all(int fd, size_t n)
{
    static char got[CHUNK];

    while (n) {
        ssize_t part = recv(fd, got, n < CHUNK ? n : CHUNK, 0);

        NEED(part > 0);
        n -= (size_t)part;
    }
}

static void stream(int family)
{
    int listener = bound(family, SOCK_STREAM), fd, peer;

    NEED(!listen(listener, 5));
    fd = connected(family, SOCK_STREAM, listener);
    peer = accept(listener, NULL, NULL);
    NEED(peer >= 0);
    /* Without the option the flag has no effect. */
    CHECK_EQ(send(fd, chunk, 100, MSG_ZEROCOPY), 100);
    read_all(peer, 100);
    CHECK_ERRNO(recv(fd, chunk, 1, MSG_ERRQUEUE), EAGAIN);
    CHECK(!set(fd, 1));
    CHECK_EQ(get(fd), 1);
    CHECK_EQ(send(fd, chunk, CHUNK, MSG_ZEROCOPY), CHUNK);
    read_all(peer, CHUNK);
    expect_notices(fd, family, 0, 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(send(fd, chunk, 1000, MSG_ZEROCOPY), 1000);
        CHECK_EQ(send(fd, chunk, 1000, 0), 1000); /* does not count */
    }
    read_all(peer, 10000);
    expect_notices(fd, family, 1, 5);
    CHECK_EQ(send(fd, chunk, 0, MSG_ZEROCOPY), 0); /* nor does this */
    CHECK_ERRNO(recv(fd, chunk, 1, MSG_ERRQUEUE), EAGAIN);
    /* What comes from the other side is read as ever. */
    CHECK_EQ(send(peer, "abc", 3, 0), 3);
    CHECK_EQ(recv(fd, chunk, 3, MSG_WAITALL), 3);
    close(fd);
    close(peer);
    close(listener);
}

static void stream4(void)
{
    stream(AF_INET);
}

static void stream6(void)
{
    stream(AF_INET6);
}

static void datagrams(int family)
{
    int to = bound(family, SOCK_DGRAM), fd = connected(family, SOCK_DGRAM, to);

    CHECK(!set(fd, 1));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(send(fd, chunk, 1000, MSG_ZEROCOPY), 1000);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(recv(to, chunk, CHUNK, 0), 1000);
    expect_notices(fd, family, 0, 2);
    close(fd);
    close(to);
}

static void datagrams4(void)
{
    datagrams(AF_INET);
}

static void datagrams6(void)
{
    datagrams(AF_INET6);
}

static void the_option(void)
{
    int s[2], tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET6, SOCK_DGRAM, 0);

    CHECK_EQ(get(tcp), 0);
    CHECK_ERRNO(set(tcp, 2), EINVAL);
    CHECK_ERRNO(set(tcp, -1), EINVAL);
    CHECK(!set(tcp, 1) && get(tcp) == 1);
    CHECK(!set(tcp, 0) && get(tcp) == 0);
    CHECK(!set(udp, 1) && get(udp) == 1);
    NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_ERRNO(set(s[0], 1), EOPNOTSUPP);
    CHECK_EQ(get(s[0]), 0);
    close(s[0]);
    close(s[1]);
    s[0] = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
    if (s[0] >= 0)
        CHECK_ERRNO(set(s[0], 1), EOPNOTSUPP);
    close(s[0]);
    close(tcp);
    close(udp);
}

int main(void)
{
    quiet_net();
    promise("SO_ZEROCOPY: who can", the_option);
    promise("IPv4: TCP's calls are told", stream4);
    promise("IPv6: TCP's calls are told", stream6);
    promise("IPv4: UDP's calls are told", datagrams4);
    promise("IPv6: UDP's calls are told", datagrams6);
    return check_end();
}
