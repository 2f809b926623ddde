/* man 2 readahead */
#include "abi.h"

static void results(void)
{
    int ends[2];

    CHECK_EQ(CALL(readahead, file_with("file", "abc"), 0, 4096), 0);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(readahead, ends[0], 0, 1), EINVAL);
    CHECK_ERRNO(CALL(readahead, BAD_FD, 0, 1), EBADF);
    CHECK_ERRNO(CALL(readahead, open("file", O_WRONLY), 0, 1), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("readahead: results and errors", results);
    return check_end();
}
