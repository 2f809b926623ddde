/* man 2 fspick (more: fsopen.c) */
#include "../mounts.h"
#include "abi.h"
#include <linux/mount.h>

static void results(void)
{
    int fd;

    NEED(mkdir("point", 0700) == 0);
    if (mount("none", "point", "tmpfs", 0, NULL) != 0)
        SKIP("mounting is not allowed here");
    CHECK((fd = CALL(fspick, AT_FDCWD, "point", FSPICK_CLOEXEC)) >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(CALL(fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0), 0);
    CHECK_EQ(CALL(fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), 0);
    CHECK_ERRNO(open("point/file", O_CREAT | O_WRONLY, 0600), EROFS);
    CHECK_ERRNO(CALL(fspick, AT_FDCWD, "absent", 0), ENOENT);
    CHECK_ERRNO(CALL(fspick, AT_FDCWD, "point", 99), EINVAL);
    CHECK_ERRNO(CALL(fspick, BAD_FD, "point", 0), EBADF);
    CHECK_EQ(umount("point"), 0);
}

int main(void)
{
    enter_mounts();
    promise("fspick: results and errors", results);
    return check_end();
}
