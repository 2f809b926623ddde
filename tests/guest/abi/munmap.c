/* man 2 munmap */
#include "abi.h"
#include "../fault.h"

enum { PAGE = 4096 };

static void results(void)
{
    char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED);
    at[0] = at[2 * PAGE] = 7;
    CHECK_EQ(CALL(munmap, at + PAGE, PAGE), 0);
    CHECK_EQ(catch_fault(touch_read, at + PAGE, NULL), SIGSEGV);
    CHECK(at[0] == 7 && at[2 * PAGE] == 7);
    CHECK_EQ(CALL(munmap, at + PAGE, PAGE), 0); /* nothing there is no error */
    CHECK_EQ(CALL(munmap, at, 1), 0);           /* a page at least */
    CHECK_EQ(catch_fault(touch_read, at, NULL), SIGSEGV);
    CHECK_ERRNO(CALL(munmap, at + 1, PAGE), EINVAL);
    CHECK_ERRNO(CALL(munmap, at, 0), EINVAL);
    CHECK_ERRNO(CALL(munmap, at, -1), EINVAL);
    CHECK_ERRNO(CALL(munmap, KERNEL, PAGE), EINVAL);
}

int main(void)
{
    promise("munmap: results and errors", results);
    return check_end();
}
