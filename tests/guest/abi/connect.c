/* man 2 connect */
#include "abi.h"
#include "inet.h"
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
    at.sin_addr.s_addr = INADDR_BROADCAST;
    CHECK_ERRNO(CALL(connect, fd, &at, sizeof at), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("connect: results and errors", results);
    promise("connect: AF_INET", inet);
    return check_end();
}
