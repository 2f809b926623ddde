/* man 2 pwritev */
#include "abi.h"
#include <sys/uio.h>

static void results(void)
{
    char text[16] = "";
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(pwritev, fd, parts, 2, 3, 0), 4);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK(read(fd, text, 15) == 10 && strcmp(text, "012abcd789") == 0);
    CHECK_ERRNO(CALL(pwritev, fd, parts, 2, -1l, -1l), EINVAL);
    CHECK_ERRNO(CALL(pwritev, fd, BAD, 1, 0, 0), EFAULT);
    CHECK_ERRNO(CALL(pwritev, open("file", O_RDONLY), parts, 2, 0, 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(pwritev, ends[1], parts, 2, 0, 0), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("pwritev writes at a place", results);
    return check_end();
}
