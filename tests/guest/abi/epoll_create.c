/* man 2 epoll_create */
#include "abi.h"

static void results(void)
{
    int fd = CALL(epoll_create, 1);

    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0);
    CHECK_ERRNO(CALL(epoll_create, 0), EINVAL);
    CHECK_ERRNO(CALL(epoll_create, -1), EINVAL);
}

int main(void)
{
    promise("epoll_create: results and errors", results);
    return check_end();
}
