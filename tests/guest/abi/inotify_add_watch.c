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
    CHECK_ERRNO(CALL(inotify_add_watch, fd, ".", IN_CREATE | 0x800000), EINVAL);
    CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ASYNC, O_ASYNC);
    CHECK_ERRNO(CALL(inotify_add_watch, fd, BAD, IN_CREATE), EFAULT);
    CHECK_ERRNO(CALL(inotify_add_watch, BAD_FD, ".", IN_CREATE), EBADF);
    CHECK_ERRNO(CALL(inotify_add_watch, open(".", O_RDONLY), ".", IN_CREATE), EINVAL);
    CHECK_ERRNO(CALL(inotify_add_watch, open(".", O_RDONLY), "absent", IN_CREATE), EINVAL);
    CHECK_ERRNO(CALL(inotify_add_watch, BAD_FD, ".", IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE),
                EBADF);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(inotify_add_watch, fd, "file", IN_CREATE | IN_ONLYDIR), ENOTDIR);
    CHECK(CALL(inotify_add_watch, fd, "file", IN_DONT_FOLLOW) > 0); /* no event is no error */
}

/* A file that goes: first its links are fewer, then it is gone, then its name. */
static void removed(void)
{
    static const uint32_t order[] = {IN_ATTRIB, IN_DELETE_SELF, IN_IGNORED, IN_DELETE};
    char room[512];
    int fd = inotify_init1(IN_NONBLOCK);

    close(file_with("goes", ""));
    NEED(CALL(inotify_add_watch, fd, ".", IN_DELETE) > 0);
    NEED(CALL(inotify_add_watch, fd, "goes", IN_ATTRIB | IN_DELETE_SELF) > 0);
    unlink("goes");
    ssize_t n = read(fd, room, sizeof room), at = 0;
    for (int i = 0; i < 4 && at < n; i++) {
        struct inotify_event *event = (void *)(room + at);
        CHECK_EQ(event->mask, order[i]);
        at += sizeof(*event) + event->len;
    }
    CHECK(n > 0 && at == n);
}

int main(void)
{
    enter_fresh_dir();
    promise("inotify_add_watch: results and errors", results);
    promise("what is told of a file that is removed", removed);
    return check_end();
}
