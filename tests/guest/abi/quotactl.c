/* man 2 quotactl, where no file system keeps quotas. */
#include "abi.h"
#include <sys/quota.h>
#include <sys/sysmacros.h>

static void errors(void)
{
    struct dqblk block;

    if (CALL(quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_QUOTACTL");
    CHECK_EQ(CALL(quotactl, QCMD(Q_SYNC, GRPQUOTA), NULL, 0, NULL), 0);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_SYNC, 7), NULL, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), NULL, 0, &block), ENODEV);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/", 0, &block), ENOTBLK);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/dev/null", 0, &block), ENOTBLK);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/nowhere", 0, &block), ENOENT);
    CHECK_ERRNO(CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), BAD, 0, &block), EFAULT);
    if (mknod("disk", S_IFBLK | 0600, makedev(240, 77)) == 0) {
        long result = CALL(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "disk", 0, &block);
        CHECK(result == -1 && (errno == ENODEV || errno == EACCES)); /* or no devices here */
    }
}

int main(void)
{
    enter_fresh_dir();
    promise("quotactl: errors", errors);
    return check_end();
}
