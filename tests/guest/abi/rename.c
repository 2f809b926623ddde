/* man 2 rename */
#include "abi.h"

static void results(void)
{
    struct stat st;

    close(file_with("a", "abc"));
    close(file_with("b", ""));
    CHECK_EQ(CALL(rename, "a", "b"), 0); /* in the place of what was there */
    CHECK_ERRNO(access("a", F_OK), ENOENT);
    CHECK(stat("b", &st) == 0 && st.st_size == 3);
    NEED(link("b", "twin") == 0);
    CHECK_EQ(CALL(rename, "b", "twin"), 0); /* the same file: nothing happens */
    CHECK(access("b", F_OK) == 0 && access("twin", F_OK) == 0);
    NEED(mkdir("dir", 0700) == 0 && mkdir("empty", 0700) == 0 && symlink("b", "link") == 0);
    CHECK_EQ(CALL(rename, "dir", "empty"), 0);
    CHECK_EQ(CALL(rename, "link", "empty/link"), 0);
    CHECK(lstat("empty/link", &st) == 0 && S_ISLNK(st.st_mode));
}

static void errors(void)
{
    NEED(mkdir("full", 0700) == 0 && mkdir("full/x", 0700) == 0 && mkdir("other", 0700) == 0);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(rename, "absent", "new"), ENOENT);
    CHECK_ERRNO(CALL(rename, "file", "absent/new"), ENOENT);
    CHECK_ERRNO(CALL(rename, "file", "other"), EISDIR);
    CHECK_ERRNO(CALL(rename, "other", "file"), ENOTDIR);
    CHECK_ERRNO(CALL(rename, "other", "full"), ENOTEMPTY);
    CHECK_ERRNO(CALL(rename, "full", "full/x/y"), EINVAL);
    CHECK_ERRNO(CALL(rename, "file/", "new"), ENOTDIR);
    CHECK_ERRNO(CALL(rename, ".", "new"), EBUSY);
    CHECK_ERRNO(CALL(rename, "file", "full/.."), EBUSY);
    CHECK_ERRNO(CALL(rename, BAD, "new"), EFAULT);
    CHECK_ERRNO(CALL(rename, "file", BAD), EFAULT);
    CHECK_ERRNO(CALL(rename, "file", "/proc/new"), EXDEV);
}

static void sticky(void)
{
    NEED(mkdir("sticky", 0) == 0 && chmod("sticky", 01777) == 0 && chmod(".", 0755) == 0);
    close(file_with("sticky/roots", ""));
    become_nobody();
    CHECK_ERRNO(CALL(rename, "sticky/roots", "sticky/mine"), EPERM);
    CHECK_ERRNO(CALL(rename, "file", "sticky/mine"), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("rename: results", results);
    promise("rename: errors", errors);
    promise_apart("rename: permissions and the sticky bit", sticky);
    return check_end();
}
