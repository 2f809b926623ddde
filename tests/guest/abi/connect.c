/* man 2 connect */
#include "abi.h"
#include "inet.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, nobody = {AF_UNIX, "nobody"};
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    int dgram = socket(AF_UNIX, SOCK_DGRAM, 0);

    NEED(bind(server, (void *)&name, sizeof name) == 0);
    CHECK_ERRNO(CALL(connect, client, &name, sizeof name), ECONNREFUSED); /* nobody listens */
    NEED(listen(server, 5) == 0);
    CHECK_EQ(CALL(connect, client, &name, sizeof name), 0);
    CHECK_ERRNO(CALL(connect, client, &name, sizeof name), EISCONN);
    CHECK_ERRNO(CALL(connect, dgram, &name, sizeof name), EPROTOTYPE);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    NEED(listen(server, 0) == 0);
    CHECK_EQ(CALL(connect, dgram, &none, sizeof none), 0);          /* to nobody any more */
    CHECK_ERRNO(CALL(connect, client, &name, sizeof name), EAGAIN); /* the queue is full */
    CHECK_ERRNO(CALL(connect, client, &nobody, sizeof nobody), ENOENT);
    close(file_with("nobody", ""));
    CHECK_ERRNO(CALL(connect, client, &nobody, sizeof nobody), ECONNREFUSED);
    CHECK_ERRNO(CALL(connect, client, BAD, sizeof name), EFAULT);
    CHECK_ERRNO(CALL(connect, BAD_FD, &name, sizeof name), EBADF);
    CHECK_ERRNO(CALL(connect, open("/dev/null", O_RDONLY), &name, sizeof name), ENOTSOCK);
}

static void inet(void)
{
    struct sockaddr_in at, deaf = inet_deaf();
    struct sockaddr none = {AF_UNSPEC};
    int server = inet_bound(SOCK_STREAM, &at), fd = socket(AF_INET, SOCK_STREAM, 0);

    NEED(server >= 0 && listen(server, 4) == 0);
    CHECK_ERRNO(CALL(connect, fd, &deaf, sizeof deaf), ECONNREFUSED);
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at - 1), EINVAL);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(CALL(connect, fd, &at, sizeof at), 0);
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EISCONN);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(CALL(connect, fd, &at, sizeof at), 0);
    CHECK_EQ(CALL(connect, fd, &none, sizeof none), 0); /* alone again */
    CHECK_ERRNO(send(fd, "x", 1, 0), EDESTADDRREQ);
    at.sin_family = AF_UNIX;
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EAFNOSUPPORT);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(0x7fffffff);
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EACCES);
}

/* Without any route there is nothing that the right to broadcast would be asked for. */
static void no_route(void)
{
    struct sockaddr_in at = inet_at(9);
    int fd;

    if (unshare(CLONE_NEWNET) != 0 && errno != EINVAL)
        SKIP("no network namespace");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_addr.s_addr = INADDR_BROADCAST;
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), ENETUNREACH);
}

/* A connection that is reset before connect(2) has been asked how it went. */
static void reset(bool chosen)
{
    struct sockaddr_in at, own = inet_at(0), now;
    struct linger hard = {1, 0};
    socklen_t len = sizeof own;
    int server = inet_bound(SOCK_STREAM, &at), got, fd, one = 1;

    if (chosen)
        close(inet_bound(SOCK_STREAM, &own));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    NEED(server >= 0 && listen(server, 4) == 0 && bind(fd, (void *)&own, sizeof own) == 0);
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EINPROGRESS);
    got = accept(server, NULL, NULL);
    NEED(got >= 0 && poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1) == 1);
    setsockopt(got, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(got);
    NEED(poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1) == 1);
    if (chosen)
        CHECK_ERRNO(bind(fd, (void *)&own, sizeof own), EINVAL);
    CHECK_ERRNO(listen(fd, 1), EINVAL);
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), ECONNRESET);
    if (chosen)
        CHECK(getsockname(fd, (void *)&now, &len) == 0 && now.sin_port == own.sin_port);
    else
        CHECK_EQ(bind(fd, (void *)&own, sizeof own), 0); /* its port has been given back */
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EINPROGRESS);
}

static void reset_automatic(void)
{
    reset(false);
}

static void reset_chosen(void)
{
    reset(true);
}

static void inet6(void)
{
    struct sockaddr_in at = inet_at(0);
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT},
                        mapped = {.sin6_family = AF_INET6};
    int four = inet_bound(SOCK_DGRAM, &at), fd = socket(AF_INET6, SOCK_DGRAM, 0);
    socklen_t len = sizeof at;

    NEED(four >= 0 && fd >= 0);
    here.sin6_port = mapped.sin6_port = at.sin_port;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    NEED(connect(fd, (void *)&here, sizeof here) == 0);
    CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&mapped, sizeof mapped), 1);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    mapped.sin6_port = 0;
    NEED(bind(fd, (void *)&mapped, sizeof mapped) == 0);
    CHECK_ERRNO(connect(fd, (void *)&here, sizeof here), EAFNOSUPPORT);
    fd = socket(AF_INET, SOCK_DGRAM, 0); /* the address of lo is what is seen */
    at.sin_addr.s_addr = htonl(0x7f000002);
    NEED(connect(fd, (void *)&at, sizeof at) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    CHECK_EQ(ntohl(at.sin_addr.s_addr), INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_DGRAM, 0); /* who is refused has a port all the same */
    CHECK_ERRNO(send(fd, "x", 1, 0), EDESTADDRREQ);
    CHECK(getsockname(fd, (void *)&at, &len) == 0 && at.sin_port != 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("connect: results and errors", results);
    promise("connect: AF_INET", inet);
    promise("connect: IPv6 and mapped addresses", inet6);
    promise("connect: a connection that was reset, its port automatic", reset_automatic);
    promise("connect: a connection that was reset, its port chosen", reset_chosen);
    promise_apart("connect: broadcasts without a route", no_route);
    return check_end();
}
