/* man 2 fsync */
#include "abi.h"

static void results(void)
{
    int ends[2];

    CHECK_EQ(CALL(fsync, file_with("file", "abc")), 0);
    CHECK_EQ(CALL(fsync, open("file", O_RDONLY)), 0);
    CHECK_EQ(CALL(fsync, open(".", O_RDONLY)), 0);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(fsync, ends[1]), EINVAL);
    CHECK_ERRNO(CALL(fsync, BAD_FD), EBADF);
    CHECK_ERRNO(CALL(fsync, open("file", O_PATH)), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("fsync: results and errors", results);
    return check_end();
}
