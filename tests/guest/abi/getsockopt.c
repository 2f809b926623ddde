/* man 2 getsockopt, man 7 socket */
#include "abi.h"
#include "inet.h"
#include <linux/netlink.h>
#include <sys/socket.h>

static int option(int fd, int name)
{
    int value = -77;
    socklen_t size = sizeof value;

    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, name, &value, &size), 0);
    CHECK_EQ(size, sizeof value);
    return value;
}

static void results(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), pair[2];
    struct ucred peer;
    socklen_t size = sizeof peer;

    CHECK_EQ(option(fd, SO_TYPE), SOCK_SEQPACKET);
    CHECK_EQ(option(fd, SO_DOMAIN), AF_UNIX);
    CHECK_EQ(option(fd, SO_ERROR), 0);
    CHECK_EQ(option(fd, SO_ACCEPTCONN), 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){20000}, sizeof(int)), 0);
    CHECK_EQ(option(fd, SO_SNDBUF), 40000); /* doubled for the bookkeeping */
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(CALL(getsockopt, pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    CHECK(peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid());
}

static void errors(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), value;
    socklen_t size = sizeof value;

    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, BAD, &size), EFAULT);
    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, BAD), EFAULT);
    CHECK_ERRNO(CALL(getsockopt, BAD_FD, SOL_SOCKET, SO_TYPE, &value, &size), EBADF);
    CHECK_ERRNO(CALL(getsockopt, open("/dev/null", O_RDONLY), SOL_SOCKET, SO_TYPE, &value, &size),
                ENOTSOCK);
    size = -1;
    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, &value, &size), EINVAL);
}

static void inet(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), value = 0;
    char name[16] = "x";
    socklen_t size = sizeof value;

    CHECK_EQ(CALL(getsockopt, fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
    CHECK(value == 64 && size == sizeof value);
    size = 1; /* a byte will do */
    value = 0;
    CHECK_EQ(CALL(getsockopt, fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
    CHECK(value == 64 && size == 1);
    size = sizeof value;
    CHECK_ERRNO(CALL(getsockopt, fd, IPPROTO_IP, 250, &value, &size), ENOPROTOOPT);
    CHECK_ERRNO(CALL(getsockopt, fd, 9999, 1, &value, &size), EOPNOTSUPP);
    CHECK_ERRNO(CALL(getsockopt, fd, IPPROTO_IP, IP_TTL, BAD, &size), EFAULT);
    CHECK_ERRNO(CALL(getsockopt, fd, IPPROTO_IP, IP_MTU, &value, &size), ENOTCONN);
    size = sizeof name;
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
    CHECK_EQ(size, 0);
    CHECK_EQ(option(fd, SO_PROTOCOL), IPPROTO_UDP);
    CHECK_EQ(option(fd, SO_DOMAIN), AF_INET);
}

/* Those that are not an int, and what is always 0. */
static void forms(void)
{
    static const int zero[] = {SO_BSDCOMPAT, SO_PREFER_BUSY_POLL, 73 /* SO_RESERVE_MEM */};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), value = 1;
    unsigned long rate = 0;
    unsigned stamping[2] = {7, 7};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 99}, peer;
    struct ucred cred;
    socklen_t size = sizeof rate;

    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        CHECK_EQ(option(fd, zero[i]), 0);
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size), 0);
    CHECK(rate == -1ul && size == sizeof rate);
    CHECK_EQ(option(fd, SO_MAX_PACING_RATE), -1);
    rate = 1ul << 33;
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate), 0);
    CHECK_EQ(option(fd, SO_MAX_PACING_RATE), -1);
    value = 0;
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, &value, sizeof value), 0);
    CHECK_EQ(option(fd, SO_MAX_PACING_RATE), 0);
    size = sizeof stamping;
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_TIMESTAMPING, stamping, &size), 0);
    CHECK(size == sizeof stamping && !stamping[0] && !stamping[1]);
    size = sizeof cred;
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &cred, &size), 0);
    CHECK(cred.pid == 0 && cred.uid == -1u && cred.gid == -1u); /* nobody to tell of */
    size = sizeof peer;
    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, SO_PEERNAME, &peer, &size), ENOTCONN);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED(connect(fd, (void *)&at, sizeof at) == 0);
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_PEERNAME, &peer, &size), 0);
    CHECK(peer.sin_port == 99 && peer.sin_addr.s_addr == at.sin_addr.s_addr);
    size = sizeof rate;
    CHECK_EQ(CALL(getsockopt, fd, SOL_SOCKET, SO_NETNS_COOKIE, &rate, &size), 0);
    size = sizeof value;
    CHECK_ERRNO(CALL(getsockopt, fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &size), EINVAL);
    CHECK_EQ(CALL(getsockopt, fd, IPPROTO_IP, IP_NODEFRAG, &value, &size), 0);
    CHECK(value == 0 && size == sizeof value);
    CHECK_EQ(CALL(getsockopt, fd, IPPROTO_IP, IP_HDRINCL, &value, &size), 0);
    CHECK_EQ(value, 0);
    close(fd);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    CHECK_ERRNO(CALL(getsockopt, fd, IPPROTO_IPV6, IPV6_ADDRFORM, &value, &size), ENOTCONN);
}

/* What tells its whole length writes no more than there is room for. */
static void room(void)
{
    struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    unsigned groups[4] = {7, 7, 7, 7};
    socklen_t size = 0;

    NEED(fd >= 0 && bind(fd, (void *)&all, sizeof all) == 0);
    CHECK_EQ(CALL(getsockopt, fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size), 0);
    CHECK(size >= 4 && groups[0] == 7);
    size = 4;
    CHECK_EQ(CALL(getsockopt, fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size), 0);
    CHECK(groups[0] == 1 && groups[1] == 7);
}

int main(void)
{
    promise("getsockopt: results", results);
    promise("getsockopt: errors", errors);
    promise("getsockopt: AF_INET", inet);
    promise("getsockopt: other forms than int", forms);
    promise("getsockopt: no more than there is room for", room);
    return check_end();
}
