/* man 2 bind */
#include "abi.h"
#include "inet.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, abstract = {AF_UNIX, "\0abi-bind"};
    struct stat st;
    int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK_EQ(CALL(bind, a, &name, sizeof name), 0);
    CHECK(stat("socket", &st) == 0 && S_ISSOCK(st.st_mode));
    CHECK_ERRNO(CALL(bind, b, &name, sizeof name), EADDRINUSE);
    CHECK_ERRNO(CALL(bind, a, &abstract, sizeof(sa_family_t) + 9), EINVAL); /* it has a name */
    CHECK_EQ(CALL(bind, b, &abstract, sizeof(sa_family_t) + 9), 0);
    b = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERRNO(CALL(bind, b, &abstract, sizeof(sa_family_t) + 9), EADDRINUSE);
    CHECK_EQ(CALL(bind, b, &abstract, sizeof(sa_family_t)), 0); /* a name of the kernel's choice */
}

static void errors(void)
{
    struct sockaddr_un name = {AF_UNIX, "absent/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK_ERRNO(CALL(bind, fd, &name, sizeof name), ENOENT);
    CHECK_ERRNO(CALL(bind, fd, &name, sizeof name + 1), EINVAL);
    CHECK_ERRNO(CALL(bind, fd, &name, 1), EINVAL);
    CHECK_ERRNO(CALL(bind, fd, BAD, sizeof name), EFAULT);
    CHECK_ERRNO(CALL(bind, BAD_FD, &name, sizeof name), EBADF);
    CHECK_ERRNO(CALL(bind, open("/dev/null", O_RDONLY), &name, sizeof name), ENOTSOCK);
    name.sun_family = AF_INET;
    CHECK_ERRNO(CALL(bind, fd, &name, sizeof name), EINVAL);
}

static void inet(void)
{
    struct sockaddr_in at, foreign = inet_at(0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int a = inet_bound(SOCK_STREAM, &at), b = socket(AF_INET, SOCK_STREAM, 0);

    NEED(a >= 0 && b >= 0);
    CHECK(at.sin_port != 0);
    CHECK_ERRNO(CALL(bind, b, &at, sizeof at), EADDRINUSE);
    CHECK_ERRNO(CALL(bind, a, &at, sizeof at), EINVAL); /* it is bound */
    CHECK_ERRNO(CALL(bind, b, &at, sizeof at - 1), EINVAL);
    foreign.sin_addr.s_addr = htonl(0x01020304);
    CHECK_ERRNO(CALL(bind, b, &foreign, sizeof foreign), EADDRNOTAVAIL);
    foreign.sin_addr.s_addr = htonl(0x00000001); /* not this host, as 0.0.0.0 is */
    CHECK_ERRNO(CALL(bind, b, &foreign, sizeof foreign), EADDRNOTAVAIL);
    foreign.sin_family = AF_UNIX;
    CHECK_ERRNO(CALL(bind, b, &foreign, sizeof foreign), EAFNOSUPPORT);
    CHECK_ERRNO(CALL(bind, b, &six, sizeof six), EAFNOSUPPORT);
    b = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(CALL(bind, b, &six, sizeof six), 0);
    b = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_ERRNO(CALL(bind, b, &at, sizeof at), EINVAL); /* too short for this family */
    six.sin6_addr.s6_addr[0] = 0xfe, six.sin6_addr.s6_addr[1] = 0x80;
    CHECK_ERRNO(CALL(bind, b, &six, sizeof six), EINVAL); /* of which interface? */
}

static void inet6(void)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in here = inet_at(0);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), only = 0;
    socklen_t len = sizeof only;

    NEED(fd >= 0);
    NEED(bind(fd, (void *)&six, sizeof six) == 0);
    CHECK(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only == 1);
    CHECK_ERRNO(connect(fd, (void *)&here, sizeof here), EAFNOSUPPORT);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    six.sin6_addr.s6_addr[0] = 0xff, six.sin6_addr.s6_addr[1] = 1; /* ff01::1 */
    CHECK_ERRNO(bind(fd, (void *)&six, sizeof six), EINVAL);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, "::ffff:224.0.0.1", &six.sin6_addr);
    CHECK_EQ(bind(fd, (void *)&six, sizeof six), 0);
}

static void order(void)
{
    struct sockaddr_in at, low = inet_at(1);
    int fd = inet_bound(SOCK_DGRAM, &at);

    become_nobody();
    CHECK_ERRNO(bind(fd, (void *)&low, sizeof low), EACCES);
    CHECK_ERRNO(bind(fd, (void *)&at, sizeof at), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("bind: results", results);
    promise("bind: errors", errors);
    promise("bind: AF_INET", inet);
    promise("bind: AF_INET6", inet6);
    promise_apart("bind: the port's right is asked first", order);
    return check_end();
}
