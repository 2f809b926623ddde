/* man 2 migrate_pages */
#include "abi.h"

static void results(void)
{
    unsigned long node = 1, none = 0;

    if (CALL(migrate_pages, 0, 64, &node, &node) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_MIGRATION");
    CHECK_EQ(CALL(migrate_pages, 0, 64, &node, &node), 0);
    CHECK_ERRNO(CALL(migrate_pages, 0x3ffffff, 64, &node, &node), ESRCH);
    CHECK_ERRNO(CALL(migrate_pages, 0, 64, &node, &none), EINVAL);
    CHECK_ERRNO(CALL(migrate_pages, 0, 64, BAD, &node), EFAULT);
    pid_t parent = getppid();
    become_nobody();
    CHECK_ERRNO(CALL(migrate_pages, parent, 64, &node, &node), EPERM);
}

int main(void)
{
    promise_apart("migrate_pages: results and errors", results);
    return check_end();
}
