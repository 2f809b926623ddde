/* man 2 inotify_init1 */
#include "abi.h"
#include <sys/inotify.h>

static void results(void)
{
    char text[64];
    int fd = CALL(inotify_init1, IN_NONBLOCK | IN_CLOEXEC);

    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(read(fd, text, sizeof text), EAGAIN);
    CHECK_ERRNO(CALL(inotify_init1, 1), EINVAL);
}

int main(void)
{
    promise("inotify_init1: flags and errors", results);
    return check_end();
}
