/* man 2 capset */
#include "abi.h"
#include <linux/capability.h>

static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
static struct __user_cap_data_struct data[2];

static void gives_up(void)
{
    CHECK_EQ(CALL(capget, &head, data), 0);
    data[0].effective &= ~(1u << CAP_SETUID);
    CHECK_EQ(CALL(capset, &head, data), 0);
    CHECK_ERRNO(CALL(setuid, 1), EPERM);
    data[0].effective |= 1u << CAP_SETUID; /* still permitted */
    CHECK_EQ(CALL(capset, &head, data), 0);
    data[0].permitted &= ~(1u << CAP_SETUID);
    CHECK_ERRNO(CALL(capset, &head, data), EPERM); /* effective goes beyond permitted */
    data[0].effective &= ~(1u << CAP_SETUID);
    data[0].inheritable = 0;
    CHECK_EQ(CALL(capset, &head, data), 0);
    data[0].permitted |= 1u << CAP_SETUID;
    CHECK_ERRNO(CALL(capset, &head, data), EPERM); /* gone for good */
}

static void errors(void)
{
    struct __user_cap_header_struct other = {_LINUX_CAPABILITY_VERSION_3, getppid()};

    CHECK_EQ(CALL(capget, &head, data), 0);
    CHECK_ERRNO(CALL(capset, &other, data), EPERM);
    CHECK_ERRNO(CALL(capset, BAD, data), EFAULT);
    CHECK_ERRNO(CALL(capset, &head, BAD), EFAULT);
    other.version = 1;
    CHECK_ERRNO(CALL(capset, &other, data), EINVAL);
    CHECK_EQ(other.version, _LINUX_CAPABILITY_VERSION_3);
}

int main(void)
{
    promise_apart("capset gives up and takes back within what is permitted", gives_up);
    promise_apart("capset: errors", errors);
    return check_end();
}
