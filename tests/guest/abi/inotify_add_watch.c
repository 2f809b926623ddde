/* man 2 inotify_add_watch */
#include "abi.h"
#include <sys/inotify.h>

static void results(void)
{
    char room[256];
    struct inotify_event *event = (void *)room;
    int fd = inotify_init1(IN_NONBLOCK), watch;

    CHECK((watch = CALL(inotify_add_watch, fd, ".", IN_CREATE | IN_DELETE)) > 0);
    CHECK_EQ(CALL(inotify_add_watch, fd, ".", IN_CREATE), watch); /* the same one, changed */
    close(file_with("file", ""));
    CHECK(read(fd, room, sizeof room) > 0 && event->wd == watch && event->mask == IN_CREATE);
    CHECK_EQ(strcmp(event->name, "file"), 0);
    unlink("file");
    CHECK_ERRNO(read(fd, room, sizeof room), EAGAIN);
    CHECK_ERRNO(CALL(inotify_add_watch, fd, ".", IN_CREATE | IN_MASK_CREATE), EEXIST);
    CHECK_EQ(CALL(inotify_add_watch, fd, ".", IN_DELETE | IN_MASK_ADD), watch);
    CHECK_ERRNO(CALL(inotify_add_watch, fd, "absent", IN_CREATE), ENOENT);
    CHECK_ERRNO(CALL(inotify_add_watch, fd, ".", 0), EINVAL);
    CHECK_ERRNO(CALL(inotify_add_watch, fd, BAD, IN_CREATE), EFAULT);
    CHECK_ERRNO(CALL(inotify_add_watch, BAD_FD, ".", IN_CREATE), EBADF);
    CHECK_ERRNO(CALL(inotify_add_watch, open(".", O_RDONLY), ".", IN_CREATE), EINVAL);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(inotify_add_watch, fd, "file", IN_CREATE | IN_ONLYDIR), ENOTDIR);
}

int main(void)
{
    enter_fresh_dir();
    promise("inotify_add_watch: results and errors", results);
    return check_end();
}
