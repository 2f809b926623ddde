/* man 2 delete_module */
#include "abi.h"

static void errors(void)
{
    if (CALL(delete_module, "no_such_module", O_NONBLOCK) < 0 &&
        (errno == ENOSYS || (errno == EPERM && !inside_osprey())))
        SKIP("a kernel without CONFIG_MODULES");
    CHECK_ERRNO(CALL(delete_module, "no_such_module", O_NONBLOCK), ENOENT);
    CHECK_ERRNO(CALL(delete_module, "", 0), ENOENT);
    CHECK_ERRNO(CALL(delete_module, BAD, O_NONBLOCK), EFAULT);
    become_nobody();
    CHECK_ERRNO(CALL(delete_module, "no_such_module", O_NONBLOCK), EPERM);
}

int main(void)
{
    promise_apart("delete_module: errors", errors);
    return check_end();
}
