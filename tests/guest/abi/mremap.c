/* man 2 mremap */
#include "abi.h"
#include "../fault.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void results(void)
{
    char *at = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *to;

    NEED(at != MAP_FAILED);
    at[0] = 1, at[PAGE] = 2;
    CHECK_EQ(CALL(mremap, at, 4 * PAGE, 2 * PAGE, 0), (long)at); /* shrink */
    CHECK_EQ(catch_fault(touch_read, at + 2 * PAGE, NULL), SIGSEGV);
    CHECK_EQ(CALL(mremap, at, 2 * PAGE, 3 * PAGE, 0), (long)at); /* there is room */
    CHECK_EQ(at[2 * PAGE], 0);
    NEED(mmap(at + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) != MAP_FAILED);
    to = mmap(NULL, 8 * PAGE, PROT_NONE, ANON, -1, 0);
    CHECK_EQ(CALL(mremap, at, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
    CHECK(to[0] == 1 && to[PAGE] == 2 && to[4 * PAGE] == 0);
    CHECK_EQ(catch_fault(touch_read, at, NULL), SIGSEGV);
    at = (char *)CALL(mremap, to, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    CHECK(at != MAP_FAILED && at != to && at[0] == 1 && to[0] == 0);
}

static void errors(void)
{
    char *at = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);

    munmap(at + 3 * PAGE, PAGE);
    NEED(mmap(at + 2 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) != MAP_FAILED);
    CHECK_ERRNO(CALL(mremap, at + 1, PAGE, PAGE, 0), EINVAL);
    CHECK_ERRNO(CALL(mremap, at, PAGE, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(mremap, at, PAGE, PAGE, 99), EINVAL);
    CHECK_ERRNO(CALL(mremap, at, PAGE, PAGE, MREMAP_FIXED, at + PAGE), EINVAL);
    CHECK_ERRNO(CALL(mremap, at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE),
                EINVAL); /* they overlap */
    CHECK_ERRNO(CALL(mremap, at + 2 * PAGE, -PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at),
                EINVAL); /* what is far too long overlaps, too */
    CHECK_ERRNO(CALL(mremap, at + 3 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
    CHECK_ERRNO(CALL(mremap, at, 2 * PAGE, 8 * PAGE, 0), ENOMEM); /* no room, may not move */
}

int main(void)
{
    promise("mremap: results", results);
    promise("mremap: errors", errors);
    return check_end();
}
