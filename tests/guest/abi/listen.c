/* man 2 listen */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), on = 0;
    socklen_t size = sizeof on;

    CHECK_ERRNO(CALL(listen, fd, 5), EINVAL); /* it has no name */
    NEED(bind(fd, (void *)&name, sizeof name) == 0);
    CHECK_EQ(CALL(listen, fd, 5), 0);
    CHECK_EQ(CALL(listen, fd, 0), 0);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on == 1);
    CHECK_ERRNO(CALL(listen, socket(AF_UNIX, SOCK_DGRAM, 0), 5), EOPNOTSUPP);
    CHECK_ERRNO(CALL(listen, BAD_FD, 5), EBADF);
    CHECK_ERRNO(CALL(listen, open("/dev/null", O_RDONLY), 5), ENOTSOCK);
}

static void inet(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 0;
    struct sockaddr_in at;
    socklen_t size = sizeof at;

    CHECK_EQ(CALL(listen, fd, 4), 0); /* at a port of the kernel's choice */
    CHECK(getsockname(fd, (void *)&at, &size) == 0 && at.sin_port != 0);
    size = sizeof on;
    CHECK(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on == 1);
    CHECK_EQ(CALL(listen, fd, 8), 0);
    CHECK_ERRNO(CALL(listen, socket(AF_INET, SOCK_DGRAM, 0), 4), EOPNOTSUPP);
}

int main(void)
{
    enter_fresh_dir();
    promise("listen: results and errors", results);
    promise("listen: AF_INET", inet);
    return check_end();
}
