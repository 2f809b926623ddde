/* man 2 getcwd: the call counts the final zero, libc's does not. */
#include "abi.h"

static void results(void)
{
    char path[200], here[200];

    NEED(getcwd(here, sizeof here));
    CHECK_EQ(CALL(getcwd, path, sizeof path), (long)strlen(here) + 1);
    CHECK_EQ(strcmp(path, here), 0);
    CHECK_ERRNO(CALL(getcwd, path, strlen(here)), ERANGE);
    CHECK_EQ(CALL(getcwd, path, strlen(here) + 1), (long)strlen(here) + 1);
    CHECK_ERRNO(CALL(getcwd, BAD, sizeof path), EFAULT);
    CHECK_ERRNO(CALL(getcwd, path, 0), ERANGE);
    CHECK(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
    CHECK_ERRNO(CALL(getcwd, path, sizeof path), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("getcwd: results and errors", results);
    return check_end();
}
