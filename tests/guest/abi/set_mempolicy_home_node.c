/* man 2 set_mempolicy_home_node (Linux 5.17) */
#include "abi.h"

enum { BIND = 2 };

static void results(void)
{
    unsigned long node = 1;
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (CALL(mbind, at, 4096, BIND, &node, 64, 0) != 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_NUMA");
    CHECK_EQ(CALL(set_mempolicy_home_node, at, 4096, 0, 0), 0);
    CHECK_ERRNO(CALL(set_mempolicy_home_node, at + 1, 4096, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy_home_node, at, 4096, 0, 1), EINVAL);
    CHECK_ERRNO(CALL(set_mempolicy_home_node, at, 4096, 9999, 0), EINVAL);
}

int main(void)
{
    promise("set_mempolicy_home_node: results and errors", results);
    return check_end();
}
