/* man 2 setsockopt, man 7 socket */
#include "abi.h"
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

int main(void)
{
    promise("setsockopt: results", results);
    promise("setsockopt: errors", errors);
    return check_end();
}
