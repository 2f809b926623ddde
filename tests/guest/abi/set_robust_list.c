/* man 2 set_robust_list */
#include "abi.h"
#include <linux/futex.h>

static void results(void)
{
    static struct robust_list_head head = {{&head.list}, 0, NULL};
    void *got = NULL;
    size_t size = 0;

    CHECK_EQ(CALL(set_robust_list, &head, sizeof head), 0);
    CHECK(CALL(get_robust_list, 0, &got, &size) == 0 && got == &head);
    CHECK_ERRNO(CALL(set_robust_list, &head, sizeof head - 1), EINVAL);
    CHECK_EQ(CALL(set_robust_list, NULL, sizeof head), 0); /* none any more */
}

int main(void)
{
    promise_apart("set_robust_list: results and errors", results);
    return check_end();
}
