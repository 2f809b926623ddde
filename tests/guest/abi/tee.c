/* man 2 tee */
#include "abi.h"

static void results(void)
{
    int a[2], b[2];
    char text[8] = "";

    NEED(pipe(a) == 0 && pipe(b) == 0 && write(a[1], "abcde", 5) == 5);
    CHECK_EQ(CALL(tee, a[0], b[1], 3, 0), 3);
    CHECK(read(b[0], text, 8) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK(read(a[0], text, 8) == 5 && memcmp(text, "abcde", 5) == 0); /* nothing was taken */
    CHECK_ERRNO(CALL(tee, a[0], b[1], 3, 2 /* SPLICE_F_NONBLOCK */), EAGAIN);
    CHECK_EQ(CALL(tee, a[0], b[1], 0, 0), 0);
    CHECK_ERRNO(CALL(tee, a[0], a[1], 3, 0), EINVAL);
    CHECK_ERRNO(CALL(tee, BAD_FD, b[1], 3, 0), EBADF);
    CHECK_ERRNO(CALL(tee, a[1], b[1], 3, 0), EBADF);
    CHECK_ERRNO(CALL(tee, a[0], open("/dev/null", O_WRONLY), 3, 0), EINVAL);
    CHECK_ERRNO(CALL(tee, a[0], b[1], 3, 1 << 10), EINVAL);
    close(a[1]);
    CHECK_EQ(CALL(tee, a[0], b[1], 3, 0), 0);
}

int main(void)
{
    promise("tee: results and errors", results);
    return check_end();
}
