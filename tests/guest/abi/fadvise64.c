/* man 2 posix_fadvise */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "abc"), ends[2];
    char text[4];

    for (int advice = POSIX_FADV_NORMAL; advice <= POSIX_FADV_NOREUSE; advice++)
        CHECK_EQ(CALL(fadvise64, fd, 0, 0, advice), 0);
    CHECK(read(fd, text, 4) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK_ERRNO(CALL(fadvise64, fd, 0, 0, 99), EINVAL);
    CHECK_ERRNO(CALL(fadvise64, fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
    CHECK_ERRNO(CALL(fadvise64, BAD_FD, 0, 0, POSIX_FADV_NORMAL), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(fadvise64, ends[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("fadvise64: results and errors", results);
    return check_end();
}
