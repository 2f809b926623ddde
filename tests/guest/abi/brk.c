/* man 2 brk: the call returns the new break, or the old one. */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    char *now = (char *)CALL(brk, 0);
    struct rlimit small = {1 << 20, 1 << 20};

    NEED(now > (char *)4096);
    CHECK_EQ(CALL(brk, now + 10000), (long)(now + 10000));
    memset(now, 7, 10000);
    CHECK_EQ(CALL(brk, now), (long)now);
    CHECK_EQ(CALL(brk, now + 10000), (long)(now + 10000));
    CHECK_EQ(now[9000], 0); /* what was given back comes as zeros */
    CHECK_EQ(CALL(brk, 4096), (long)(now + 10000));
    CHECK_EQ(CALL(brk, -1), (long)(now + 10000));
    CHECK_EQ(setrlimit(RLIMIT_DATA, &small), 0);
    CHECK_EQ(CALL(brk, now + (8 << 20)), (long)(now + 10000));
}

int main(void)
{
    promise_apart("brk: results", results);
    return check_end();
}
