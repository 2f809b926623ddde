/* man 2 get_robust_list */
#include "abi.h"
#include <linux/futex.h>

static void results(void)
{
    void *head = NULL;
    size_t size = 0;

    CHECK_EQ(CALL(get_robust_list, 0, &head, &size), 0);
    CHECK_EQ(size, sizeof(struct robust_list_head));
    CHECK_EQ(CALL(get_robust_list, getpid(), &head, &size), 0);
    CHECK_EQ(CALL(get_robust_list, getppid(), &head, &size), 0); /* root may ask */
    CHECK_ERRNO(CALL(get_robust_list, 0x3ffffff, &head, &size), ESRCH);
    CHECK_ERRNO(CALL(get_robust_list, 0, BAD, &size), EFAULT);
    CHECK_ERRNO(CALL(get_robust_list, 0, &head, BAD), EFAULT);
    pid_t parent = getppid();
    become_nobody();
    CHECK_ERRNO(CALL(get_robust_list, parent, &head, &size), EPERM);
}

int main(void)
{
    promise_apart("get_robust_list: results and errors", results);
    return check_end();
}
