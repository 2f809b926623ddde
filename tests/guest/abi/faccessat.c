/* man 2 faccessat */
#include "abi.h"

static void results(void)
{
    int dir = open(".", O_RDONLY);

    close(file_with("file", ""));
    CHECK_EQ(CALL(faccessat, dir, "file", R_OK), 0);
    CHECK_EQ(CALL(faccessat, AT_FDCWD, "file", W_OK), 0);
    CHECK_ERRNO(CALL(faccessat, dir, "file", X_OK), EACCES);
    CHECK_ERRNO(CALL(faccessat, dir, "absent", F_OK), ENOENT);
    CHECK_ERRNO(CALL(faccessat, BAD_FD, "file", F_OK), EBADF);
    CHECK_EQ(CALL(faccessat, BAD_FD, "/", F_OK), 0); /* absolute: the folder is not looked at */
    CHECK_ERRNO(CALL(faccessat, open("file", O_RDONLY), "x", F_OK), ENOTDIR);
    CHECK_ERRNO(CALL(faccessat, dir, "file", 99), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("faccessat: results and errors", results);
    return check_end();
}
