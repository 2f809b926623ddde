/* man 2 pwritev2 */
#include "abi.h"
#include <sys/uio.h>

static void results(void)
{
    char text[16] = "";
    struct iovec part = {"ab", 2};
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(pwritev2, fd, &part, 1, -1l, -1l, 0), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
    CHECK_EQ(CALL(pwritev2, fd, &part, 1, 4, 0, RWF_DSYNC | RWF_SYNC), 2);
    CHECK_EQ(CALL(pwritev2, fd, &part, 1, 0, 0, RWF_APPEND), 2);
    CHECK(pread(fd, text, 15, 0) == 12 && strcmp(text, "ab23ab6789ab") == 0);
    CHECK_ERRNO(CALL(pwritev2, fd, &part, 1, 0, 0, 1 << 20), EOPNOTSUPP);
    CHECK_ERRNO(CALL(pwritev2, open("file", O_RDONLY), &part, 1, 0, 0, 0), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("pwritev2: flags and position", results);
    return check_end();
}
