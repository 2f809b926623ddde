/* man 2 utime */
#include "abi.h"
#include <utime.h>

static void results(void)
{
    struct utimbuf times = {1000, 2000};
    struct stat st;

    close(file_with("file", ""));
    CHECK_EQ(CALL(utime, "file", &times), 0);
    CHECK(stat("file", &st) == 0 && st.st_atime == 1000 && st.st_mtime == 2000);
    CHECK(st.st_ctime > 1600000000);
    CHECK_EQ(CALL(utime, "file", NULL), 0);
    CHECK(stat("file", &st) == 0 && st.st_atime > 1600000000 && st.st_mtime > 1600000000);
    CHECK_ERRNO(CALL(utime, "absent", NULL), ENOENT);
    CHECK_ERRNO(CALL(utime, "file", BAD), EFAULT);
    CHECK_ERRNO(CALL(utime, BAD, NULL), EFAULT);
}

static void permissions(void)
{
    struct utimbuf times = {1000, 2000};

    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(utime, "file", &times), EPERM);
    CHECK_ERRNO(CALL(utime, "file", NULL), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("utime: results and errors", results);
    promise_apart("utime: permissions", permissions);
    return check_end();
}
