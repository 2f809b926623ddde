/* man 2 rmdir */
#include "abi.h"

static void results(void)
{
    struct stat st;

    NEED(mkdir("dir", 0700) == 0 && mkdir("dir/sub", 0700) == 0 && symlink("dir", "link") == 0);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(rmdir, "dir"), ENOTEMPTY);
    CHECK_ERRNO(CALL(rmdir, "dir/sub/.."), ENOTEMPTY);
    CHECK_ERRNO(CALL(rmdir, "dir/sub/."), EINVAL);
    CHECK_ERRNO(CALL(rmdir, "link"), ENOTDIR);
    CHECK_ERRNO(CALL(rmdir, "file"), ENOTDIR);
    CHECK_ERRNO(CALL(rmdir, "absent"), ENOENT);
    CHECK_ERRNO(CALL(rmdir, BAD), EFAULT);
    CHECK_ERRNO(CALL(rmdir, "/"), EBUSY);
    int fd = open("dir/sub", O_RDONLY);
    CHECK_EQ(CALL(rmdir, "dir/sub"), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0); /* open still */
    CHECK_ERRNO(openat(fd, "new", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK_EQ(CALL(rmdir, "dir/"), 0);
}

static void sticky(void)
{
    NEED(mkdir("sticky", 0) == 0 && chmod("sticky", 01777) == 0 && chmod(".", 0755) == 0);
    NEED(mkdir("sticky/roots", 0777) == 0);
    become_nobody();
    CHECK_ERRNO(CALL(rmdir, "sticky/roots"), EPERM);
    CHECK_ERRNO(CALL(rmdir, "sticky"), EACCES);
}

/* A process' folder is immutable. */
static void of_process(void)
{
    CHECK_ERRNO(CALL(rmdir, "/proc/self/cwd"), EPERM);
    CHECK_ERRNO(CALL(rmdir, "/proc/self/fd"), EPERM);
    CHECK_ERRNO(CALL(rmdir, "/proc/thread-self/status"), EPERM);
    CHECK_ERRNO(CALL(rmdir, "/proc/self/absent"), ENOENT);
    CHECK_ERRNO(unlink("/proc/self/cwd"), EPERM);
    CHECK_ERRNO(access("/proc/self/", W_OK), EPERM);
    CHECK_ERRNO(chmod("/proc/self/", 0700), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("rmdir: results and errors", results);
    promise_apart("rmdir: permissions and the sticky bit", sticky);
    promise("rmdir: in the folder of a process", of_process);
    return check_end();
}
