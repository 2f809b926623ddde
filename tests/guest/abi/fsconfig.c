/* man 2 fsconfig (more: fsopen.c) */
#include "abi.h"
#include <linux/mount.h>

static void results(void)
{
    int fd = CALL(fsopen, "tmpfs", FSOPEN_CLOEXEC);

    if (fd < 0)
        SKIP("mounting is not allowed here");
    CHECK_EQ(CALL(fsconfig, fd, FSCONFIG_SET_STRING, "size", "1m", 0), 0);
    CHECK_ERRNO(CALL(fsconfig, fd, FSCONFIG_SET_STRING, "no-such-option", "1", 0), EINVAL);
    CHECK_EQ(CALL(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
    CHECK_ERRNO(CALL(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY); /* once */
    CHECK_ERRNO(CALL(fsconfig, fd, 99, NULL, NULL, 0), EOPNOTSUPP);
    CHECK_ERRNO(CALL(fsconfig, BAD_FD, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBADF);
}

int main(void)
{
    promise("fsconfig: results and errors", results);
    return check_end();
}
