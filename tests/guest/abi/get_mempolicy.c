/* man 2 get_mempolicy */
#include "abi.h"

enum { DEFAULT, ADDR = 2, MEMS = 4 };

static void results(void)
{
    unsigned long nodes[16] = {0};
    int mode = -1;
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (CALL(get_mempolicy, &mode, NULL, 0, NULL, 0) != 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_NUMA");
    CHECK_EQ(mode, DEFAULT);
    CHECK_EQ(CALL(get_mempolicy, &mode, NULL, 0, at, ADDR), 0);
    CHECK_EQ(CALL(get_mempolicy, NULL, nodes, 1024, NULL, MEMS), 0);
    CHECK(nodes[0] & 1);
    CHECK_ERRNO(CALL(get_mempolicy, &mode, NULL, 0, at, 0), EINVAL); /* an address without ADDR */
    CHECK_ERRNO(CALL(get_mempolicy, &mode, NULL, 0, BAD, ADDR), EFAULT);
    CHECK_ERRNO(CALL(get_mempolicy, &mode, NULL, 0, NULL, 99), EINVAL);
    CHECK_ERRNO(CALL(get_mempolicy, BAD, NULL, 0, NULL, 0), EFAULT);
}

int main(void)
{
    promise("get_mempolicy: results and errors", results);
    return check_end();
}
