/* man 2 epoll_create1 */
#include "abi.h"
#include <sys/epoll.h>

static void results(void)
{
    char byte;
    int fd = CALL(epoll_create1, EPOLL_CLOEXEC);

    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(CALL(epoll_create1, 0), F_GETFD), 0);
    CHECK_ERRNO(CALL(epoll_create1, 1), EINVAL);
    CHECK_ERRNO(read(fd, &byte, 1), EINVAL);
}

int main(void)
{
    promise("epoll_create1: results and errors", results);
    return check_end();
}
