/* man 2 getsockname */
#include "abi.h"
#include "inet.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, got;
    socklen_t size = sizeof got;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK_EQ(CALL(getsockname, fd, &got, &size), 0);
    CHECK_EQ(size, sizeof(sa_family_t));
    NEED(bind(fd, (void *)&name, sizeof name) == 0);
    memset(&got, 0xff, sizeof got);
    size = 4; /* cut off; the size says how much there is */
    CHECK_EQ(CALL(getsockname, fd, &got, &size), 0);
    CHECK(size == sizeof(sa_family_t) + 7 && memcmp(got.sun_path, "so\xff", 3) == 0);
    size = -1;
    CHECK_ERRNO(CALL(getsockname, fd, &got, &size), EINVAL);
    CHECK_ERRNO(CALL(getsockname, fd, &got, BAD), EFAULT);
    CHECK_ERRNO(CALL(getsockname, BAD_FD, &got, &size), EBADF);
    CHECK_ERRNO(CALL(getsockname, open("/dev/null", O_RDONLY), &got, &size), ENOTSOCK);
}

static void inet(void)
{
    struct sockaddr_in at, name;
    struct sockaddr_in6 six;
    socklen_t size = sizeof name;
    int fd = inet_bound(SOCK_DGRAM, &at), fresh = socket(AF_INET, SOCK_STREAM, 0);

    NEED(fd >= 0);
    CHECK_EQ(CALL(getsockname, fd, &name, &size), 0);
    CHECK(size == sizeof name && memcmp(&name, &at, size) == 0);
    CHECK_EQ(CALL(getsockname, fresh, &name, &size), 0);
    CHECK(name.sin_family == AF_INET && !name.sin_port && !name.sin_addr.s_addr);
    fresh = socket(AF_INET6, SOCK_STREAM, 0);
    size = sizeof six;
    CHECK_EQ(CALL(getsockname, fresh, &six, &size), 0);
    CHECK(size == sizeof six && six.sin6_family == AF_INET6 && !six.sin6_port);
}

int main(void)
{
    enter_fresh_dir();
    promise("getsockname: results and errors", results);
    promise("getsockname: AF_INET", inet);
    return check_end();
}
