/* man 2 preadv */
#include "abi.h"
#include <sys/uio.h>

static void results(void)
{
    char a[3] = "", b[8] = "";
    struct iovec parts[2] = {{a, 2}, {b, 4}};
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(preadv, fd, parts, 2, 3, 0), 6);
    CHECK(strcmp(a, "34") == 0 && strcmp(b, "5678") == 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_ERRNO(CALL(preadv, fd, parts, 2, -1l, -1l), EINVAL);
    CHECK_ERRNO(CALL(preadv, fd, parts, -1, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(preadv, fd, BAD, 1, 0, 0), EFAULT);
    CHECK_ERRNO(CALL(preadv, BAD_FD, parts, 2, 0, 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(preadv, ends[0], parts, 2, 0, 0), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("preadv reads at a place", results);
    return check_end();
}
