/* man 2 tkill */
#include "abi.h"

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    signal(SIGUSR1, count);
    CHECK_EQ(CALL(tkill, gettid(), SIGUSR1), 0);
    CHECK_EQ(calls, 1);
    CHECK_EQ(CALL(tkill, gettid(), 0), 0);
    CHECK_ERRNO(CALL(tkill, 0, SIGUSR1), EINVAL);
    CHECK_ERRNO(CALL(tkill, -1, SIGUSR1), EINVAL);
    CHECK_ERRNO(CALL(tkill, 0x3ffffff, SIGUSR1), ESRCH);
    CHECK_ERRNO(CALL(tkill, gettid(), 65), EINVAL);
}

int main(void)
{
    promise_apart("tkill: results and errors", results);
    return check_end();
}
