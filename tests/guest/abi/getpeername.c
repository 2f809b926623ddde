/* man 2 getpeername */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, got;
    socklen_t size = sizeof got;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

    NEED(bind(server, (void *)&name, sizeof name) == 0 && listen(server, 5) == 0);
    CHECK_ERRNO(CALL(getpeername, client, &got, &size), ENOTCONN);
    NEED(connect(client, (void *)&name, sizeof name) == 0);
    CHECK_EQ(CALL(getpeername, client, &got, &size), 0);
    CHECK(strcmp(got.sun_path, "socket") == 0);
    CHECK_ERRNO(CALL(getpeername, client, BAD, &size), EFAULT);
    CHECK_ERRNO(CALL(getpeername, BAD_FD, &got, &size), EBADF);
    CHECK_ERRNO(CALL(getpeername, open("/dev/null", O_RDONLY), &got, &size), ENOTSOCK);
}

static void inet(void)
{
    struct sockaddr_in at, name;
    socklen_t size = sizeof name;
    int fd = inet_bound(SOCK_DGRAM, &at), other = socket(AF_INET, SOCK_DGRAM, 0);

    NEED(fd >= 0);
    CHECK_ERRNO(CALL(getpeername, other, &name, &size), ENOTCONN);
    CHECK_EQ(connect(other, (void *)&at, sizeof at), 0);
    CHECK_EQ(CALL(getpeername, other, &name, &size), 0);
    CHECK(size == sizeof name && memcmp(&name, &at, size) == 0);
    CHECK_ERRNO(CALL(getpeername, socket(AF_INET, SOCK_STREAM, 0), &name, &size), ENOTCONN);
}

int main(void)
{
    enter_fresh_dir();
    promise("getpeername: results and errors", results);
    promise("getpeername: AF_INET", inet);
    return check_end();
}
