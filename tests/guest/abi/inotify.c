/* man 7 inotify */
#include "check.h"
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static _Alignas(8) char buffer[4096];

static void events_of_a_folder(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), wd;
    struct inotify_event *event = (void *)buffer;
    ssize_t n;

    NEED(fd >= 0);
    CHECK_ERRNO(read(fd, buffer, sizeof buffer), EAGAIN);
    wd = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE);
    CHECK_EQ(wd, 1);
    close(open("new", O_WRONLY | O_CREAT, 0600));
    unlink("new");
    n = read(fd, buffer, sizeof buffer);
    CHECK_EQ(n, 2 * 32);
    CHECK_EQ(event->mask, IN_CREATE);
    CHECK(strcmp(event->name, "new") == 0);
    CHECK_EQ(inotify_rm_watch(fd, wd), 0);
    CHECK_EQ(read(fd, buffer, sizeof buffer), 16);
    CHECK_EQ(event->mask, IN_IGNORED);
    CHECK_ERRNO(inotify_rm_watch(fd, wd), EINVAL);
    CHECK_ERRNO(inotify_add_watch(fd, "absent", IN_CREATE), ENOENT);
    CHECK_ERRNO(inotify_init1(0x123), EINVAL);
    close(fd);
}

int main(void)
{
    enter_fresh_dir();
    promise("inotify tells of files made and removed", events_of_a_folder);
    return check_end();
}
