/* man 2 fdatasync */
#include "abi.h"

static void results(void)
{
    int ends[2];

    CHECK_EQ(CALL(fdatasync, file_with("file", "abc")), 0);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(fdatasync, ends[1]), EINVAL);
    CHECK_ERRNO(CALL(fdatasync, BAD_FD), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fdatasync: results and errors", results);
    return check_end();
}
