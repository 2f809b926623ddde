/* man 2 socketpair */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>

static void results(void)
{
    char text[8];
    int pair[2];

    NEED(CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK(fcntl(pair[1], F_GETFD) == FD_CLOEXEC);
    CHECK(write(pair[0], "ab", 2) == 2 && read(pair[1], text, 8) == 2);
    CHECK(write(pair[1], "cd", 2) == 2 && read(pair[0], text, 8) == 2);
    close(pair[1]);
    CHECK_EQ(read(pair[0], text, 8), 0);
    NEED(CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK(write(pair[0], "ab", 2) == 2 && write(pair[0], "cd", 2) == 2);
    CHECK_EQ(read(pair[1], text, 8), 2); /* a message each */
    CHECK_ERRNO(CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(socketpair, 9999, SOCK_STREAM, 0, pair), EAFNOSUPPORT);
}

static void inet(void)
{
    int pair[2] = {-1, -1};

    CHECK_ERRNO(CALL(socketpair, AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
    CHECK_ERRNO(CALL(socketpair, AF_INET6, SOCK_DGRAM, 0, pair), EOPNOTSUPP);
}

int main(void)
{
    promise("socketpair: results and errors", results);
    promise("socketpair: AF_INET", inet);
    return check_end();
}
