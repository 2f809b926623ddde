/* man 2 setsockopt, man 7 socket */
#include "abi.h"
#include "inet.h"
#include <linux/filter.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

static void results(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), pair[2], on = 1;
    struct timeval soon = {0, 20000};
    char byte;

    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_SNDBUF, &(int){20000}, sizeof on), 0);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(CALL(setsockopt, pair[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    CHECK_ERRNO(read(pair[0], &byte, 1), EAGAIN); /* after a while */
}

static void errors(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;

    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, 9999, &on, sizeof on), ENOPROTOOPT);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_TYPE, &on, sizeof on), ENOPROTOOPT);
    CHECK_ERRNO(CALL(setsockopt, fd, 9999, 1, &on, sizeof on), EOPNOTSUPP);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, 1), EINVAL);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD, sizeof on), EFAULT);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, -1), EINVAL);
    CHECK_ERRNO(CALL(setsockopt, BAD_FD, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), EBADF);
    CHECK_ERRNO(
        CALL(setsockopt, open("/dev/null", O_RDONLY), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on),
        ENOTSOCK);
}

static void inet(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), value = 7;

    CHECK_EQ(CALL(setsockopt, fd, IPPROTO_IP, IP_TTL, &value, sizeof value), 0);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_BROADCAST, &value, sizeof value), 0);
    CHECK_EQ(CALL(setsockopt, fd, IPPROTO_UDP, UDP_CORK, &value, sizeof value), 0);
    CHECK_ERRNO(CALL(setsockopt, fd, IPPROTO_IP, 250, &value, sizeof value), ENOPROTOOPT);
    CHECK_ERRNO(CALL(setsockopt, fd, 9999, 1, &value, sizeof value), ENOPROTOOPT);
    CHECK_ERRNO(CALL(setsockopt, fd, IPPROTO_IP, IP_TTL, BAD, sizeof value), EFAULT);
    value = 300;
    CHECK_ERRNO(CALL(setsockopt, fd, IPPROTO_IP, IP_TTL, &value, sizeof value), EINVAL);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, "absent", 6), ENODEV);
    value = 1;
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &value, sizeof value), EOPNOTSUPP);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_BSDCOMPAT, &value, sizeof value), 0);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_CNX_ADVICE, &value, sizeof value), 0);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &value, sizeof value),
                EINVAL);
    value = -1; /* no program; or no eBPF */
    CHECK(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_BPF, &value, sizeof value) == -1 &&
          (errno == EBADF || errno == EOPNOTSUPP));
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_BPF, &value, 8), EINVAL);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, 73, &value, sizeof value), EINVAL);
}

/* A program that keeps nothing; SO_GET_FILTER tells its length. */
static void filters(void)
{
    struct sock_filter insn = {BPF_RET | BPF_K, 0, 0, 0}, got = {};
    struct sock_fprog program = {1, &insn}, far = {1, BAD}, none = {0, &insn};
    struct sockaddr_in at;
    socklen_t n = 1;
    int fd = inet_bound(SOCK_DGRAM, &at), out = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    char byte;

    NEED(fd >= 0);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, &got, &n), 0);
    CHECK(n == 1 && memcmp(&got, &insn, sizeof got) == 0);
    CHECK_EQ(sendto(out, "x", 1, 0, (void *)&at, sizeof at), 1);
    CHECK_EQ(CALL(setsockopt, fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on), 0);
    CHECK_EQ(sendto(out, "y", 1, 0, (void *)&at, sizeof at), 1);
    CHECK(read(fd, &byte, 1) == 1);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on), ENOENT);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &far, sizeof far), EFAULT);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof none), EINVAL);
    CHECK_ERRNO(CALL(setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, 4), EINVAL);
}

int main(void)
{
    promise("setsockopt: results", results);
    promise("setsockopt: errors", errors);
    promise("setsockopt: AF_INET", inet);
    promise("setsockopt: filters", filters);
    return check_end();
}
