/* man 2 socket, man 7 unix */
#include "abi.h"
#include <sys/socket.h>

static void results(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++) {
        int fd = CALL(socket, AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), type = 0;
        socklen_t size = sizeof type;

        CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
        CHECK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == types[i]);
    }
    CHECK_ERRNO(CALL(socket, 9999, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERRNO(CALL(socket, -1, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERRNO(CALL(socket, AF_UNIX, 99, 0), EINVAL);
    CHECK_ERRNO(CALL(socket, AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(CALL(socket, AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
    CHECK_ERRNO(CALL(socket, AF_UNIX, SOCK_STREAM | 1 << 20, 0), EINVAL);
}

int main(void)
{
    promise("socket: results and errors", results);
    return check_end();
}
