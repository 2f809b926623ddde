/* man 2 unlink */
#include "abi.h"

static void results(void)
{
    char text[4];
    int fd = file_with("file", "abc");

    CHECK_EQ(CALL(unlink, "file"), 0);
    CHECK_ERRNO(access("file", F_OK), ENOENT);
    CHECK_EQ(read(fd, text, 4), 3); /* until it is closed */
    NEED(symlink("absent", "link") == 0 && mkdir("dir", 0700) == 0);
    CHECK_EQ(CALL(unlink, "link"), 0);
    CHECK_ERRNO(CALL(unlink, "dir"), EISDIR);
    CHECK_ERRNO(CALL(unlink, "absent"), ENOENT);
    CHECK_ERRNO(CALL(unlink, ""), ENOENT);
    CHECK_ERRNO(CALL(unlink, BAD), EFAULT);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(unlink, "file/"), ENOTDIR);
}

static void sticky(void)
{
    NEED(mkdir("sticky", 0) == 0 && chmod("sticky", 01777) == 0 && chmod(".", 0755) == 0);
    close(file_with("sticky/roots", ""));
    become_nobody();
    CHECK_ERRNO(CALL(unlink, "sticky/roots"), EPERM);
    CHECK_ERRNO(CALL(unlink, "file"), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("unlink: results and errors", results);
    promise_apart("unlink: permissions and the sticky bit", sticky);
    return check_end();
}
