/* man 2 quotactl, where no file system keeps quotas. */
#include "../mounts.h"
#include "abi.h"
#include <sys/mount.h>
#include <sys/quota.h>
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

static void errors(void)
{
    struct dqblk block;
    int proc = open("/proc", O_RDONLY);

    if (CALL(quotactl_fd, BAD_FD, QCMD(Q_SYNC, USRQUOTA), 0, NULL) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_QUOTACTL");
    CHECK_ERRNO(CALL(quotactl_fd, BAD_FD, QCMD(Q_SYNC, USRQUOTA), 0, NULL), EBADF);
    CHECK_ERRNO(CALL(quotactl_fd, proc, QCMD(Q_GETQUOTA, 9), 0, &block), EINVAL);
    CHECK_ERRNO(CALL(quotactl_fd, proc, QCMD(Q_GETFMT, USRQUOTA), 0, &block), ENOSYS);
    CHECK_ERRNO(CALL(quotactl_fd, proc, QCMD(Q_SETQUOTA, USRQUOTA), 0, &block), ENOSYS);
}

static void read_only(void)
{
    struct dqblk block;
    int fd;

    if (CALL(quotactl_fd, BAD_FD, QCMD(Q_SYNC, USRQUOTA), 0, NULL) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_QUOTACTL");
    NEED(mkdir("ro", 0755) == 0);
    if (mount("none", "ro", "tmpfs", MS_RDONLY, NULL) != 0)
        SKIP("mounting is not allowed here");
    fd = open("ro", O_RDONLY);
    CHECK_ERRNO(CALL(quotactl_fd, fd, QCMD(Q_SETQUOTA, USRQUOTA), 0, &block), EROFS);
    CHECK_ERRNO(CALL(quotactl_fd, fd, QCMD(Q_GETFMT, USRQUOTA), 0, &block), ENOSYS);
    close(fd);
    CHECK_EQ(umount("ro"), 0);
}

int main(void)
{
    enter_mounts();
    promise("quotactl_fd: errors", errors);
    promise("quotactl_fd: file systems that are read only", read_only);
    return check_end();
}
