/* man 2 socket, man 7 unix */
#include "abi.h"
#include "inet.h"
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

static void inet(void)
{
    static const struct {
        int type, protocol, result;
    } all[] = {
        {SOCK_STREAM, 0, IPPROTO_TCP},
        {SOCK_STREAM, IPPROTO_TCP, IPPROTO_TCP},
        {SOCK_DGRAM, 0, IPPROTO_UDP},
        {SOCK_DGRAM, IPPROTO_UDP, IPPROTO_UDP},
        {SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
        {SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT},
        {SOCK_STREAM, 250, -EPROTONOSUPPORT},
        {SOCK_RAW, 0, -EPROTONOSUPPORT},
        {SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT},
        {SOCK_RDM, 0, -ESOCKTNOSUPPORT},
        {SOCK_DGRAM, -1, -EINVAL},
        {SOCK_DGRAM, 1000, -EINVAL},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (int family = AF_INET; family; family = family == AF_INET ? AF_INET6 : 0) {
            int fd = CALL(socket, family, all[i].type, all[i].protocol), value = -errno;
            socklen_t size = sizeof value;

            if (fd >= 0)
                CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size), 0);
            CHECK_EQ(value, all[i].result);
            close(fd);
        }
}

int main(void)
{
    promise("socket: results and errors", results);
    promise("socket: AF_INET", inet);
    return check_end();
}
