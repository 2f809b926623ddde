/* man 2 getpeername */
#include "abi.h"
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

int main(void)
{
    enter_fresh_dir();
    promise("getpeername: results and errors", results);
    return check_end();
}
