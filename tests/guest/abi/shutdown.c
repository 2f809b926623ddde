/* man 2 shutdown */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>

static void results(void)
{
    char byte;
    int pair[2];

    signal(SIGPIPE, SIG_IGN);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(write(pair[0], "a", 1), 1);
    CHECK_EQ(CALL(shutdown, pair[0], SHUT_WR), 0);
    CHECK_ERRNO(write(pair[0], "a", 1), EPIPE);
    CHECK_EQ(read(pair[1], &byte, 1), 1); /* what was sent arrives */
    CHECK_EQ(read(pair[1], &byte, 1), 0);
    CHECK_EQ(write(pair[1], "b", 1), 1); /* the other way is open */
    CHECK_EQ(CALL(shutdown, pair[0], SHUT_RD), 0);
    CHECK_ERRNO(write(pair[1], "b", 1), EPIPE);
    CHECK_ERRNO(CALL(shutdown, pair[0], 3), EINVAL);
    CHECK_ERRNO(CALL(shutdown, BAD_FD, SHUT_RD), EBADF);
    CHECK_ERRNO(CALL(shutdown, open("/dev/null", O_RDONLY), SHUT_RD), ENOTSOCK);
}

static void inet(void)
{
    struct sockaddr_in at;
    char byte;
    int server = inet_bound(SOCK_STREAM, &at), fd = socket(AF_INET, SOCK_STREAM, 0), got;

    NEED(server >= 0 && listen(server, 4) == 0);
    CHECK_ERRNO(CALL(shutdown, fd, SHUT_WR), ENOTCONN);
    CHECK_EQ(connect(fd, (void *)&at, sizeof at), 0);
    got = accept(server, NULL, NULL);
    CHECK_EQ(CALL(shutdown, fd, SHUT_WR), 0);
    CHECK_EQ(read(got, &byte, 1), 0); /* the end */
    CHECK_EQ(write(got, "x", 1), 1);
    CHECK_EQ(read(fd, &byte, 1), 1); /* but the other way goes on */
    CHECK_ERRNO(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(CALL(shutdown, fd, 3), EINVAL);
}

int main(void)
{
    promise_apart("shutdown: results and errors", results);
    promise("shutdown: AF_INET", inet);
    return check_end();
}
