/* man 2 accept */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, peer;
    socklen_t size = sizeof peer;
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), fd;
    int client = socket(AF_UNIX, SOCK_STREAM, 0);

    NEED(bind(server, (void *)&name, sizeof name) == 0);
    CHECK_ERRNO(CALL(accept, server, NULL, NULL), EINVAL); /* it does not listen */
    NEED(listen(server, 5) == 0);
    CHECK_ERRNO(CALL(accept, server, NULL, NULL), EAGAIN);
    NEED(connect(client, (void *)&name, sizeof name) == 0);
    CHECK((fd = CALL(accept, server, &peer, &size)) >= 0);
    CHECK(size == sizeof(sa_family_t) && peer.sun_family == AF_UNIX); /* the peer has no name */
    CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK)); /* not taken from the listener */
    CHECK_ERRNO(CALL(accept, BAD_FD, NULL, NULL), EBADF);
    CHECK_ERRNO(CALL(accept, open("/dev/null", O_RDONLY), NULL, NULL), ENOTSOCK);
    CHECK_ERRNO(CALL(accept, socket(AF_UNIX, SOCK_DGRAM, 0), NULL, NULL), EOPNOTSUPP);
}

static void inet(void)
{
    struct sockaddr_in at, from, own;
    socklen_t size = sizeof from, own_size = sizeof own;
    int server = inet_bound(SOCK_STREAM, &at), fd = socket(AF_INET, SOCK_STREAM, 0), got;

    NEED(server >= 0 && listen(server, 4) == 0);
    CHECK_EQ(connect(fd, (void *)&at, sizeof at), 0);
    got = CALL(accept, server, &from, &size);
    CHECK(got >= 0);
    CHECK_EQ(getsockname(fd, (void *)&own, &own_size), 0);
    CHECK(size == own_size && memcmp(&from, &own, size) == 0);
    CHECK_ERRNO(CALL(accept, fd, NULL, NULL), EINVAL); /* does not listen */
    CHECK_ERRNO(CALL(accept, socket(AF_INET, SOCK_DGRAM, 0), NULL, NULL), EOPNOTSUPP);
}

int main(void)
{
    enter_fresh_dir();
    promise("accept: results and errors", results);
    promise("accept: AF_INET", inet);
    return check_end();
}
