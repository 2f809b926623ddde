/* man 2 syncfs */
#include "abi.h"

static void results(void)
{
    CHECK_EQ(CALL(syncfs, file_with("file", "abc")), 0);
    CHECK_ERRNO(CALL(syncfs, BAD_FD), EBADF);
    CHECK_ERRNO(CALL(syncfs, open("file", O_PATH)), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("syncfs: results and errors", results);
    return check_end();
}
