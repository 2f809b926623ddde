/* man 2 reboot: what does not end the machine. */
#include "abi.h"

enum { MAGIC1 = 0xfee1dead, MAGIC2 = 672274793, CAD_ON = 0x89abcdef, CAD_OFF = 0 };

static void results(void)
{
    if (!inside_osprey())
        SKIP("not with somebody else's machine");
    CHECK_ERRNO(CALL(reboot, 1, MAGIC2, CAD_OFF), EINVAL);
    CHECK_ERRNO(CALL(reboot, MAGIC1, 1, CAD_OFF), EINVAL);
    CHECK_ERRNO(CALL(reboot, MAGIC1, MAGIC2, 12345), EINVAL);
    CHECK_EQ(CALL(reboot, MAGIC1, MAGIC2, CAD_ON), 0);
    CHECK_EQ(CALL(reboot, MAGIC1, 85072278, CAD_OFF), 0);
    CHECK_ERRNO(CALL(reboot, MAGIC1, MAGIC2, 0xa1b2c3d4, BAD), EFAULT);
    CHECK_ERRNO(CALL(reboot, MAGIC1, MAGIC2, 0x45584543 /* kexec */), EINVAL);
    CHECK_ERRNO(CALL(reboot, MAGIC1, MAGIC2, 0xd000fce2 /* suspend */), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(reboot, MAGIC1, MAGIC2, CAD_OFF), EPERM);
}

int main(void)
{
    promise_apart("reboot: errors", results);
    return check_end();
}
