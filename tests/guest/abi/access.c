/* man 2 access */
#include "abi.h"

static void errors(void)
{
    close(file_with("file", ""));
    CHECK_EQ(CALL(access, "file", F_OK), 0);
    CHECK_EQ(CALL(access, "file", R_OK | W_OK), 0);
    CHECK_ERRNO(CALL(access, "file", X_OK), EACCES); /* not even root */
    CHECK_ERRNO(CALL(access, "file", 8), EINVAL);
    CHECK_ERRNO(CALL(access, "absent", F_OK), ENOENT);
    CHECK_ERRNO(CALL(access, "file/x", F_OK), ENOTDIR);
    CHECK_ERRNO(CALL(access, BAD, F_OK), EFAULT);
}

static void real_user(void)
{
    close(file_with("private", ""));
    chmod("private", 0600);
    chmod(".", 0755);
    NEED(CALL(setresuid, NOBODY, 0, 0) == 0);
    CHECK_ERRNO(CALL(access, "private", R_OK), EACCES); /* the real user asks */
    CHECK(open("private", O_RDONLY) >= 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("access: results and errors", errors);
    promise_apart("access asks for the real user", real_user);
    return check_end();
}
