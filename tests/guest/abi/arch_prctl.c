/* man 2 arch_prctl */
#include "abi.h"
#include <asm/prctl.h>

static void results(void)
{
    unsigned long base = 0, seen = 0;

    CHECK_EQ(CALL(arch_prctl, ARCH_GET_FS, &base), 0);
    __asm__("mov %%fs:0, %0" : "=r"(seen));
    CHECK(base != 0 && seen == base); /* the ABI keeps its own address there */
    CHECK_EQ(CALL(arch_prctl, ARCH_SET_FS, base), 0);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_GET_FS, BAD), EFAULT);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_SET_FS, KERNEL), EPERM);
    CHECK_EQ(CALL(arch_prctl, ARCH_GET_GS, &base), 0);
    CHECK_EQ(base, 0);
    CHECK_ERRNO(CALL(arch_prctl, 0x9999, 0), EINVAL);
}

int main(void)
{
    promise("arch_prctl: results and errors", results);
    return check_end();
}
