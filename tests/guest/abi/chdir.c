/* man 2 chdir */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(mkdir("dir", 0755), 0);
    close(file_with("dir/file", ""));
    CHECK_EQ(symlink("dir", "link"), 0);
    CHECK_EQ(CALL(chdir, "link"), 0);
    CHECK_EQ(access("file", F_OK), 0);
    CHECK_ERRNO(CALL(chdir, "file"), ENOTDIR);
    CHECK_ERRNO(CALL(chdir, "absent"), ENOENT);
    CHECK_ERRNO(CALL(chdir, BAD), EFAULT);
    CHECK_EQ(CALL(chdir, ".."), 0);
    CHECK_EQ(access("dir", F_OK), 0);
}

static void permission(void)
{
    CHECK_EQ(mkdir("locked", 0700), 0);
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(chdir, "locked"), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("chdir: results and errors", results);
    promise_apart("chdir needs search permission", permission);
    return check_end();
}
