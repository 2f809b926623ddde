/* man 2 sync_file_range */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "abc"), ends[2];

    CHECK_EQ(CALL(sync_file_range, fd, 0, 0,
                  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER),
             0);
    CHECK_ERRNO(CALL(sync_file_range, fd, 0, 0, 8), EINVAL);
    CHECK_ERRNO(CALL(sync_file_range, fd, -1, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(sync_file_range, fd, 0, -1, 0), EINVAL);
    CHECK_ERRNO(CALL(sync_file_range, BAD_FD, 0, 0, 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(sync_file_range, ends[0], 0, 0, 0), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("sync_file_range: results and errors", results);
    return check_end();
}
