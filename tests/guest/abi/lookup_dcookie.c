/* man 2 lookup_dcookie; gone since Linux 6.7 */
#include "abi.h"

static void errors(void)
{
    char name[256];

    if (CALL(lookup_dcookie, 1, name, sizeof(name)) < 0 && errno == ENOSYS)
        SKIP("Linux 6.7 or later");
    CHECK_ERRNO(CALL(lookup_dcookie, 1, name, sizeof(name)), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(lookup_dcookie, 1, name, sizeof(name)), EPERM);
}

int main(void)
{
    promise_apart("lookup_dcookie: errors", errors);
    return check_end();
}
