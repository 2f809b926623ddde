/* man 2 sendto */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"};
    char text[8];
    int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2];

    NEED(bind(server, (void *)&name, sizeof name) == 0);
    CHECK_EQ(CALL(sendto, client, "abc", 3, 0, &name, sizeof name), 3);
    CHECK(read(server, text, 8) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK_ERRNO(CALL(sendto, client, "abc", 3, 0, NULL, 0), ENOTCONN);
    CHECK_ERRNO(CALL(sendto, client, BAD, 3, 0, &name, sizeof name), EFAULT);
    CHECK_ERRNO(CALL(sendto, BAD_FD, "abc", 3, 0, &name, sizeof name), EBADF);
    CHECK_ERRNO(CALL(sendto, open("/dev/null", O_WRONLY), "a", 1, 0, NULL, 0), ENOTSOCK);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_ERRNO(CALL(sendto, pair[0], "abc", 3, 0, &name, sizeof name), EISCONN);
    close(pair[1]);
    CHECK_ERRNO(CALL(sendto, pair[0], "abc", 3, MSG_NOSIGNAL, NULL, 0), EPIPE);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    while (CALL(sendto, pair[0], text, 8, MSG_DONTWAIT, NULL, 0) == 8)
        ;
    CHECK_EQ(errno, EAGAIN);
}

static void inet(void)
{
    struct sockaddr_in at, bad = inet_at(0);
    char text[8];
    int fd = inet_bound(SOCK_DGRAM, &at), out = socket(AF_INET, SOCK_DGRAM, 0);

    NEED(fd >= 0);
    CHECK_EQ(CALL(sendto, out, "abc", 3, 0, &at, sizeof at), 3);
    CHECK(read(fd, text, sizeof text) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK_ERRNO(CALL(sendto, out, "abc", 3, 0, NULL, 0), EDESTADDRREQ);
    CHECK_ERRNO(CALL(sendto, out, "abc", 3, 0, &bad, sizeof bad), EINVAL); /* port 0 */
    CHECK_ERRNO(CALL(sendto, out, "abc", 3, 0, &at, sizeof at - 1), EINVAL);
    CHECK_ERRNO(CALL(sendto, out, BAD, 3, 0, &at, sizeof at), EFAULT);
    CHECK_ERRNO(CALL(sendto, out, "abc", 3, MSG_OOB, &at, sizeof at), EOPNOTSUPP);
    at.sin_family = AF_UNIX;
    CHECK_ERRNO(CALL(sendto, out, "abc", 3, 0, &at, sizeof at), EAFNOSUPPORT);
    CHECK_ERRNO(CALL(sendto, socket(AF_INET, SOCK_STREAM, 0), "abc", 3, MSG_NOSIGNAL, NULL, 0),
                EPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("sendto: results and errors", results);
    promise("sendto: AF_INET", inet);
    return check_end();
}
