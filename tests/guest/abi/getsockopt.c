/* man 2 getsockopt, man 7 socket */
#include "abi.h"
#include "inet.h"
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

int main(void)
{
    promise("getsockopt: results", results);
    promise("getsockopt: errors", errors);
    promise("getsockopt: AF_INET", inet);
    return check_end();
}
