/* man 2 preadv2 */
#include "abi.h"
#include <sys/uio.h>

static void results(void)
{
    char a[8] = "";
    struct iovec part = {a, 2};
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(preadv2, fd, &part, 1, 3, 0, 0), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_EQ(CALL(preadv2, fd, &part, 1, -1l, -1l, 0), 2); /* -1: at the position, which moves */
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
    CHECK_EQ(CALL(preadv2, fd, &part, 1, 4, 0, RWF_HIPRI), 2);
    CHECK(memcmp(a, "45", 2) == 0);
    CHECK_ERRNO(CALL(preadv2, fd, &part, 1, 0, 0, 1 << 20), EOPNOTSUPP);
    CHECK_ERRNO(CALL(preadv2, fd, &part, 1, -2l, -1l, 0), EINVAL);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(preadv2, ends[0], &part, 1, -1l, -1l, RWF_NOWAIT), EAGAIN);
    CHECK_ERRNO(CALL(preadv2, ends[0], &part, 1, 0, 0, 0), ESPIPE);
    CHECK_ERRNO(CALL(preadv2, ends[1], &part, 1, 0, 0, 0), ESPIPE);
    CHECK_ERRNO(CALL(preadv2, ends[1], &part, 1, -1l, -1l, 0), EBADF);
    CHECK_ERRNO(CALL(preadv2, fd, &part, 1, INT64_MAX - 1, 0, 0), EINVAL);
    CHECK_EQ(CALL(preadv2, open(".", O_RDONLY), &part, 0, -1l, -1l, 0), 0); /* nothing is asked */
}

int main(void)
{
    enter_fresh_dir();
    promise("preadv2: flags and position", results);
    return check_end();
}
