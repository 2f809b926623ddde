/* man 2 inotify_init: the call without flags. */
#include "abi.h"

static void results(void)
{
    int fd = CALL(inotify_init);

    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK));
    CHECK(CALL(inotify_add_watch, fd, "/", 1) > 0);
}

int main(void)
{
    promise("inotify_init: results", results);
    return check_end();
}
