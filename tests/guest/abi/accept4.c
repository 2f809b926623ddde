/* man 2 accept4 */
#include "abi.h"
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    struct sockaddr_un name = {AF_UNIX, "socket"}, mine = {AF_UNIX, "client"}, peer;
    socklen_t size = sizeof peer;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), fd, client = socket(AF_UNIX, SOCK_STREAM, 0);

    NEED(bind(server, (void *)&name, sizeof name) == 0 && listen(server, 5) == 0);
    NEED(bind(client, (void *)&mine, sizeof(sa_family_t) + 6) == 0);
    NEED(connect(client, (void *)&name, sizeof name) == 0);
    CHECK((fd = CALL(accept4, server, &peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK(strcmp(peer.sun_path, "client") == 0 && size == sizeof(sa_family_t) + 7);
    CHECK_ERRNO(CALL(accept4, server, NULL, NULL, 1), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("accept4: flags and the peer's name", results);
    return check_end();
}
