/* man 2 mkdir */
#include "abi.h"

static void results(void)
{
    struct stat st;

    umask(022);
    CHECK_EQ(CALL(mkdir, "dir", 0777), 0);
    CHECK(stat("dir", &st) == 0 && st.st_mode == (S_IFDIR | 0755) && st.st_nlink == 2);
    CHECK_EQ(CALL(mkdir, "dir/sub/", 01700), 0);
    CHECK(stat("dir", &st) == 0 && st.st_nlink == 3);
    CHECK(stat("dir/sub", &st) == 0 && st.st_mode == (S_IFDIR | 01700));
    CHECK(chown("dir", 0, 77) == 0 && chmod("dir", 02755) == 0);
    CHECK_EQ(CALL(mkdir, "dir/heir", 0700), 0);
    CHECK(stat("dir/heir", &st) == 0 && st.st_gid == 77 && st.st_mode & S_ISGID);
}

static void errors(void)
{
    static char longest[300];

    memset(longest, 'a', sizeof longest - 1);
    close(file_with("file", ""));
    CHECK_ERRNO(CALL(mkdir, "dir", 0700), EEXIST);
    CHECK_ERRNO(CALL(mkdir, "file", 0700), EEXIST);
    CHECK_ERRNO(CALL(mkdir, "/", 0700), EEXIST);
    CHECK_ERRNO(CALL(mkdir, "absent/x", 0700), ENOENT);
    CHECK_ERRNO(CALL(mkdir, "file/x", 0700), ENOTDIR);
    CHECK_ERRNO(CALL(mkdir, "", 0700), ENOENT);
    CHECK_ERRNO(CALL(mkdir, BAD, 0700), EFAULT);
    CHECK_ERRNO(CALL(mkdir, longest, 0700), ENAMETOOLONG);
    NEED(symlink("absent", "dangling") == 0);
    CHECK_ERRNO(CALL(mkdir, "dangling", 0700), EEXIST);
}

static void permission(void)
{
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(mkdir, "new", 0700), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("mkdir: results", results);
    promise("mkdir: errors", errors);
    promise_apart("mkdir needs permission to write", permission);
    return check_end();
}
