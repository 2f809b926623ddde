/* man 2 msync */
#include "abi.h"

enum { PAGE = 4096 };

static void results(void)
{
    int fd = file_with("file", "0123456789");
    char *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte;

    NEED(at != MAP_FAILED);
    at[0] = 'X';
    CHECK_EQ(CALL(msync, at, PAGE, MS_SYNC), 0);
    CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'X');
    CHECK_EQ(CALL(msync, at, PAGE, MS_ASYNC | MS_INVALIDATE), 0);
    CHECK_EQ(CALL(msync, at, 0, 0), 0);
    CHECK_ERRNO(CALL(msync, at + 1, PAGE, MS_SYNC), EINVAL);
    CHECK_ERRNO(CALL(msync, at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERRNO(CALL(msync, at, PAGE, 99), EINVAL);
    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(CALL(msync, at, 2 * PAGE, MS_SYNC), ENOMEM);
    NEED(mlock(at, PAGE) == 0);
    CHECK_ERRNO(CALL(msync, at, PAGE, MS_INVALIDATE), EBUSY);
}

int main(void)
{
    enter_fresh_dir();
    promise("msync: results and errors", results);
    return check_end();
}
