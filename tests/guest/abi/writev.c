/* man 2 writev */
#include "abi.h"
#include <limits.h>
#include <sys/uio.h>

static void results(void)
{
    char text[16] = "";
    struct iovec parts[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    int fd = file_with("file", "");

    CHECK_EQ(CALL(writev, fd, parts, 3), 5);
    CHECK_EQ(CALL(writev, fd, parts, 0), 0);
    CHECK_EQ(pread(fd, text, 15, 0), 5);
    CHECK(strcmp(text, "abcde") == 0);
}

static void errors(void)
{
    static struct iovec many[IOV_MAX + 1];
    struct iovec parts[2] = {{"abcd", 4}, {BAD, 4}}, wrong = {"a", -1};
    int fd = file_with("file", "");

    CHECK_ERRNO(CALL(writev, fd, parts, -1), EINVAL);
    CHECK_ERRNO(CALL(writev, fd, many, IOV_MAX + 1), EINVAL);
    CHECK_ERRNO(CALL(writev, fd, &wrong, 1), EINVAL);
    CHECK_ERRNO(CALL(writev, fd, BAD, 1), EFAULT);
    CHECK_ERRNO(CALL(writev, open("file", O_RDONLY), parts, 1), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("writev writes one buffer after another", results);
    promise("writev: errors", errors);
    return check_end();
}
