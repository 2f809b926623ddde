/* man 2 set_mempolicy */
#include "abi.h"

enum { DEFAULT, PREFERRED, BIND };

static void results(void)
{
    unsigned long node = 1, beyond = 1ul << 63;
    int mode = -1;

    if (CALL(set_mempolicy, DEFAULT, NULL, 0) != 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_NUMA");
    CHECK_EQ(CALL(set_mempolicy, BIND, &node, 64), 0);
    CHECK(CALL(get_mempolicy, &mode, NULL, 0, NULL, 0) == 0 && mode == BIND);
    CHECK_ERRNO(CALL(set_mempolicy, 99, &node, 64), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy, BIND, NULL, 0), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy, BIND, &beyond, 65), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy, DEFAULT, &node, 64), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy, BIND, BAD, 64), EFAULT);
    CHECK_EQ(CALL(set_mempolicy, DEFAULT, NULL, 0), 0);
}

int main(void)
{
    promise_apart("set_mempolicy: results and errors", results);
    return check_end();
}
