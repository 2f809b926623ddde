/* man 2 fsmount (more: fsopen.c) */
#include "abi.h"
#include <linux/mount.h>

static void results(void)
{
    struct stat st;
    int fd = CALL(fsopen, "tmpfs", FSOPEN_CLOEXEC), mount_fd;

    if (fd < 0)
        SKIP("mounting is not allowed here");
    CHECK_ERRNO(CALL(fsmount, fd, FSMOUNT_CLOEXEC, 0), EINVAL); /* nothing is made yet */
    NEED(CALL(fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
    CHECK_ERRNO(CALL(fsmount, fd, 99, 0), EINVAL);
    CHECK_ERRNO(CALL(fsmount, fd, 0, 1 << 30), EINVAL);
    CHECK((mount_fd = CALL(fsmount, fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV)) >= 0);
    CHECK(fcntl(mount_fd, F_GETFD) == FD_CLOEXEC && fstat(mount_fd, &st) == 0);
    CHECK(S_ISDIR(st.st_mode) && openat(mount_fd, "file", O_CREAT | O_RDWR, 0600) >= 0);
    CHECK_ERRNO(CALL(fsmount, BAD_FD, 0, 0), EBADF);
    CHECK_ERRNO(CALL(fsmount, open("/dev/null", O_RDONLY), 0, 0), EINVAL);
}

int main(void)
{
    promise("fsmount: results and errors", results);
    return check_end();
}
