/* man 2 sysfs */
#include "abi.h"

static void results(void)
{
    char name[64];
    long count = CALL(sysfs, 3), index;

    if (count < 0 && errno == ENOSYS)
        SKIP("this Linux has no such call");
    CHECK(count > 1);
    index = CALL(sysfs, 1, "proc");
    CHECK(index >= 0 && index < count);
    CHECK_EQ(CALL(sysfs, 2, index, name), 0);
    CHECK_EQ(strcmp(name, "proc"), 0);
    CHECK_ERRNO(CALL(sysfs, 1, "no such one"), EINVAL);
    CHECK_ERRNO(CALL(sysfs, 2, count + 5, name), EINVAL);
    CHECK_ERRNO(CALL(sysfs, 1, BAD), EFAULT);
    CHECK_ERRNO(CALL(sysfs, 9), EINVAL);
}

int main(void)
{
    promise("sysfs: results and errors", results);
    return check_end();
}
