/* man 2 recvfrom */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "server"}, mine = {AF_UNIX, "client"}, from;
    socklen_t size = sizeof from;
    char text[8] = "";
    int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);

    NEED(bind(server, (void *)&name, sizeof name) == 0);
    NEED(bind(client, (void *)&mine, sizeof mine) == 0);
    CHECK_ERRNO(CALL(recvfrom, server, text, 8, MSG_DONTWAIT, NULL, NULL), EAGAIN);
    NEED(sendto(client, "abcde", 5, 0, (void *)&name, sizeof name) == 5);
    CHECK_EQ(CALL(recvfrom, server, text, 8, MSG_PEEK, NULL, NULL), 5);
    CHECK_EQ(CALL(recvfrom, server, text, 2, MSG_PEEK | MSG_TRUNC, NULL, NULL), 5);
    CHECK_EQ(CALL(recvfrom, server, text, 2, 0, &from, &size), 2); /* the rest is lost */
    CHECK(strcmp(from.sun_path, "client") == 0);
    CHECK_ERRNO(CALL(recvfrom, server, text, 8, MSG_DONTWAIT, NULL, NULL), EAGAIN);
    NEED(sendto(client, "abcde", 5, 0, (void *)&name, sizeof name) == 5);
    CHECK_ERRNO(CALL(recvfrom, server, BAD, 8, 0, NULL, NULL), EFAULT);
    CHECK_ERRNO(CALL(recvfrom, BAD_FD, text, 8, 0, NULL, NULL), EBADF);
    CHECK_ERRNO(CALL(recvfrom, open("/dev/null", O_RDONLY), text, 8, 0, NULL, NULL), ENOTSOCK);
}

static void streams(void)
{
    char text[8] = "";
    int pair[2];

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    NEED(write(pair[0], "abc", 3) == 3 && write(pair[0], "defgh", 5) == 5);
    CHECK_EQ(CALL(recvfrom, pair[1], text, 6, MSG_WAITALL, NULL, NULL), 6);
    CHECK(memcmp(text, "abcdef", 6) == 0);
    close(pair[0]);
    CHECK_EQ(CALL(recvfrom, pair[1], text, 8, MSG_WAITALL, NULL, NULL), 2);
    CHECK_EQ(CALL(recvfrom, pair[1], text, 8, 0, NULL, NULL), 0);
}

static void inet(void)
{
    struct sockaddr_in at, from, own;
    socklen_t size = sizeof from, own_size = sizeof own;
    char text[8];
    int fd = inet_bound(SOCK_DGRAM, &at), out = inet_bound(SOCK_DGRAM, &own);

    NEED(fd >= 0 && out >= 0);
    CHECK_ERRNO(CALL(recvfrom, fd, text, sizeof text, MSG_DONTWAIT, NULL, NULL), EAGAIN);
    CHECK_EQ(sendto(out, "abcdefghij", 10, 0, (void *)&at, sizeof at), 10);
    CHECK_EQ(CALL(recvfrom, fd, text, 4, MSG_PEEK, &from, &size), 4);
    CHECK(size == own_size && memcmp(&from, &own, size) == 0);
    CHECK_EQ(CALL(recvfrom, fd, text, sizeof text, MSG_TRUNC, NULL, NULL), 10);
    CHECK_EQ(sendto(out, "abc", 3, 0, (void *)&at, sizeof at), 3);
    CHECK_ERRNO(CALL(recvfrom, fd, BAD, 3, 0, NULL, NULL), EFAULT);
    CHECK_ERRNO(CALL(recvfrom, socket(AF_INET, SOCK_STREAM, 0), text, 1, 0, NULL, NULL), ENOTCONN);
}

int main(void)
{
    enter_fresh_dir();
    promise("recvfrom of datagrams", results);
    promise("recvfrom of streams", streams);
    promise("recvfrom: AF_INET", inet);
    return check_end();
}
