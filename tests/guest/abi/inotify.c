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

/* What is there to be read, as "WD MASK NAME; ..." in `line`. */
static char line[1024];

static const char *told(int fd)
{
    ssize_t n = read(fd, buffer, sizeof buffer);
    char *at = line;

    *at = 0;
    for (char *p = buffer; n > 0 && p < buffer + n;) {
        struct inotify_event *event = (void *)p;
        at += sprintf(at, "%d %x %s; ", event->wd, event->mask, event->len ? event->name : "-");
        p += sizeof *event + event->len;
    }
    return line;
}

#define TOLD(fd, wanted) CHECK(strcmp(told(fd), wanted) == 0)

static void last_name_and_last_user(void)
{
    int fd = inotify_init1(IN_NONBLOCK), file;

    NEED(fd >= 0);
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS), 1);
    file = open("d/f", O_CREAT | O_RDWR, 0600);
    CHECK_EQ(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS), 2);
    TOLD(fd, "1 100 f; 1 20 f; ");
    unlink("d/f"); /* the file lives as long as it is open */
    TOLD(fd, "2 4 -; 1 200 f; ");
    CHECK_EQ(write(file, "x", 1), 1);
    TOLD(fd, "1 2 f; 2 2 -; ");
    close(file);
    TOLD(fd, "1 8 f; 2 8 -; 2 400 -; 2 8000 -; ");
    close(open("d/g", O_CREAT | O_RDWR, 0600));
    CHECK_EQ(link("d/g", "d/h"), 0);
    CHECK_EQ(inotify_add_watch(fd, "d/g", IN_ALL_EVENTS), 3);
    told(fd);
    unlink("d/g");
    TOLD(fd, "3 4 -; 1 200 g; ");
    unlink("d/h");
    TOLD(fd, "3 4 -; 3 400 -; 3 8000 -; 1 200 h; ");
    mkdir("d/s", 0755);
    CHECK_EQ(inotify_add_watch(fd, "d/s", IN_ALL_EVENTS), 4);
    told(fd);
    rmdir("d/s");
    TOLD(fd, "4 400 -; 4 8000 -; 1 40000200 s; ");
    close(fd);
}

static void replaced_by_a_rename(void)
{
    int fd = inotify_init1(IN_NONBLOCK), file;
    char path[40];
    ssize_t n;

    NEED(fd >= 0);
    close(open("d/j", O_CREAT | O_RDWR, 0600));
    close(open("d/k", O_CREAT | O_RDWR, 0600));
    CHECK_EQ(inotify_add_watch(fd, "d/k", IN_ALL_EVENTS), 1);
    rename("d/j", "d/k");
    TOLD(fd, "1 4 -; 1 400 -; 1 8000 -; ");
    close(open("d/j", O_CREAT | O_RDWR, 0600));
    file = open("d/k", O_RDWR);
    CHECK_EQ(inotify_add_watch(fd, "d/k", IN_ALL_EVENTS), 2);
    rename("d/j", "d/k");
    TOLD(fd, "2 4 -; ");
    sprintf(path, "/proc/self/fd/%d", file);
    n = readlink(path, line, sizeof line - 1);
    CHECK(n > 14 && strncmp(line + n - 14, "/d/k (deleted)", 14) == 0);
    close(file);
    TOLD(fd, "2 8 -; 2 400 -; 2 8000 -; ");
    unlink("d/k");
    mkdir("d/a", 0755);
    mkdir("d/b", 0755);
    CHECK_EQ(inotify_add_watch(fd, "d/b", IN_ALL_EVENTS), 3);
    rename("d/a", "d/b");
    TOLD(fd, "3 40000004 -; 3 400 -; 3 8000 -; ");
    close(fd);
}

static void removed_names_left_out(void)
{
    int fd = inotify_init1(IN_NONBLOCK), file;

    NEED(fd >= 0);
    CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK), 1);
    file = open("d/f", O_CREAT | O_RDWR, 0600);
    CHECK_EQ(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS | IN_EXCL_UNLINK), 2);
    unlink("d/f");
    TOLD(fd, "1 100 f; 1 20 f; 2 4 -; 1 200 f; ");
    CHECK_EQ(write(file, "x", 1), 1);
    CHECK_EQ(fchmod(file, 0400), 0);
    TOLD(fd, "1 4 f; 2 4 -; ");
    close(file);
    TOLD(fd, "2 400 -; 2 8000 -; ");
    close(fd);
}

int main(void)
{
    enter_fresh_dir();
    promise("inotify tells of files made and removed", events_of_a_folder);
    promise("a file is gone when its last name and its last user are", last_name_and_last_user);
    promise("a file that a rename replaces, too", replaced_by_a_rename);
    promise("IN_EXCL_UNLINK leaves out what is done through a removed name",
            removed_names_left_out);
    return check_end();
}
