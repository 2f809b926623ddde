/* man 2 inotify_rm_watch */
#include "abi.h"
#include <sys/inotify.h>

static void results(void)
{
    struct inotify_event event;
    int fd = inotify_init1(IN_NONBLOCK), watch = inotify_add_watch(fd, ".", IN_CREATE);

    CHECK_EQ(CALL(inotify_rm_watch, fd, watch), 0);
    CHECK_EQ(read(fd, &event, sizeof event), sizeof event);
    CHECK(event.wd == watch && event.mask == IN_IGNORED);
    CHECK_ERRNO(CALL(inotify_rm_watch, fd, watch), EINVAL);
    CHECK_ERRNO(CALL(inotify_rm_watch, BAD_FD, watch), EBADF);
    CHECK_ERRNO(CALL(inotify_rm_watch, open(".", O_RDONLY), watch), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("inotify_rm_watch: results and errors", results);
    return check_end();
}
