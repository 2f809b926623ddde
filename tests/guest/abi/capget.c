/* man 2 capget */
#include "abi.h"
#include <linux/capability.h>

static void versions(void)
{
    struct __user_cap_header_struct head = {0, 0};

    CHECK_ERRNO(CALL(capget, &head, (void *)&head), EINVAL);
    CHECK_EQ(head.version, _LINUX_CAPABILITY_VERSION_3); /* the one preferred */
    head.version = 0;
    CHECK_EQ(CALL(capget, &head, NULL), 0); /* a question for the version only */
    CHECK_EQ(head.version, _LINUX_CAPABILITY_VERSION_3);
    CHECK_ERRNO(CALL(capget, BAD, NULL), EFAULT);
}

static void results(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    CHECK_EQ(CALL(capget, &head, data), 0);
    CHECK(data[0].effective & 1 << CAP_SETUID);
    head.pid = getppid();
    CHECK_EQ(CALL(capget, &head, data), 0);
    head.pid = -1;
    CHECK_ERRNO(CALL(capget, &head, data), EINVAL);
    head.pid = 0x3ffffff;
    CHECK_ERRNO(CALL(capget, &head, data), ESRCH);
    become_nobody();
    head.pid = 0;
    CHECK_EQ(CALL(capget, &head, data), 0);
    CHECK_EQ(data[0].effective | data[1].effective, 0);
}

int main(void)
{
    promise("capget knows its versions", versions);
    promise_apart("capget gives what the process may do", results);
    return check_end();
}
