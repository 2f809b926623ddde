/* man 2 readv */
#include "abi.h"
#include <limits.h>
#include <sys/uio.h>

static void results(void)
{
    char a[3] = "", b[8] = "";
    struct iovec parts[3] = {{a, 2}, {NULL, 0}, {b, 4}};
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(readv, fd, parts, 3), 6);
    CHECK(strcmp(a, "01") == 0 && strcmp(b, "2345") == 0);
    CHECK_EQ(CALL(readv, fd, parts, 0), 0);
    CHECK_EQ(CALL(readv, fd, parts, 3), 4);
    CHECK_EQ(CALL(readv, fd, parts, 3), 0);
}

static void errors(void)
{
    static struct iovec many[IOV_MAX + 1];
    char a[4];
    struct iovec parts[2] = {{a, 4}, {BAD, 4}}, wrong = {a, -1};
    int fd = file_with("file", "0123456789");

    CHECK_ERRNO(CALL(readv, fd, parts, -1), EINVAL);
    CHECK_ERRNO(CALL(readv, fd, many, IOV_MAX + 1), EINVAL);
    CHECK_ERRNO(CALL(readv, fd, &wrong, 1), EINVAL);
    CHECK_ERRNO(CALL(readv, fd, BAD, 1), EFAULT);
    CHECK_EQ(CALL(readv, fd, parts, 2), 4); /* up to the bad one */
    CHECK_ERRNO(CALL(readv, fd, parts + 1, 1), EFAULT);
    CHECK_ERRNO(CALL(readv, BAD_FD, parts, 1), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("readv fills one buffer after another", results);
    promise("readv: errors", errors);
    return check_end();
}
