/* man 7 xattr: trusted attributes of a file on a tmpfs or the like (ENOTSUP is no failure). */
#include "check.h"
#include <fcntl.h>
#include <sys/xattr.h>

static void attributes(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    char value[64] = "", list[256];

    if (fsetxattr(fd, "trusted.test", "value", 5, 0) != 0 && errno == ENOTSUP)
        SKIP("no extended attributes here");
    CHECK_EQ(fgetxattr(fd, "trusted.test", value, sizeof value), 5);
    CHECK(memcmp(value, "value", 5) == 0);
    CHECK_EQ(getxattr("file", "trusted.test", NULL, 0), 5);
    CHECK_ERRNO(getxattr("file", "trusted.test", value, 2), ERANGE);
    CHECK_ERRNO(setxattr("file", "trusted.test", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERRNO(setxattr("file", "trusted.other", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK(listxattr("file", list, sizeof list) >= 13);
    CHECK_EQ(removexattr("file", "trusted.test"), 0);
    CHECK_ERRNO(getxattr("file", "trusted.test", value, 2), ENODATA);
}

static void errors(void)
{
    char value[8];

    CHECK_ERRNO(getxattr("absent", "trusted.x", value, 8), ENOENT);
    CHECK_EQ(getxattr("file", "nonsense", value, 8), -1);
    CHECK_EQ(errno, EOPNOTSUPP);
}

int main(void)
{
    enter_fresh_dir();
    promise("trusted attributes are set, read, listed, removed", attributes);
    promise("xattr: errors", errors);
    return check_end();
}
