/* man 2 mincore */
#include "abi.h"

enum { PAGE = 4096 };

static void results(void)
{
    unsigned char there[3] = {7, 7, 7};
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED && madvise(at, 4 * PAGE, MADV_NOHUGEPAGE) == 0);
    at[PAGE] = 1;
    CHECK_EQ(CALL(mincore, at, 3 * PAGE, there), 0);
    CHECK(!(there[0] & 1) && there[1] & 1 && !(there[2] & 1));
    CHECK_ERRNO(CALL(mincore, at + 1, PAGE, there), EINVAL);
    CHECK_ERRNO(CALL(mincore, at, PAGE, BAD), EFAULT);
    munmap(at + 2 * PAGE, PAGE);
    CHECK_ERRNO(CALL(mincore, at, 3 * PAGE, there), ENOMEM);
    CHECK_ERRNO(CALL(mincore, at, -1l, there), ENOMEM);
}

int main(void)
{
    promise("mincore: results and errors", results);
    return check_end();
}
