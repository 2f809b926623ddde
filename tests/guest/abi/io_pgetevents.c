/* man 2 io_getevents */
#include "abi.h"
#include <linux/aio_abi.h>

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    unsigned long context = 0;
    struct io_event event;
    uint64_t blocked = 1ull << (SIGUSR1 - 1), none = 0;
    struct {
        void *set;
        size_t size;
    } mask = {&none, 8};

    if (CALL(io_setup, 8, &context) != 0 && errno == ENOSYS)
        SKIP("this Linux has no asynchronous I/O");
    CHECK_EQ(CALL(io_pgetevents, context, 0, 1, &event, NULL, NULL), 0);
    signal(SIGUSR1, count);
    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8) == 0 && raise(SIGUSR1) == 0);
    CHECK_ERRNO(CALL(io_pgetevents, context, 1, 1, &event, NULL, &mask), EINTR);
    CHECK_EQ(calls, 1);
    mask.size = 4;
    CHECK_ERRNO(CALL(io_pgetevents, context, 1, 1, &event, NULL, &mask), EINVAL);
    CHECK_ERRNO(CALL(io_pgetevents, context, 1, 1, &event, NULL, BAD), EFAULT);
}

int main(void)
{
    promise_apart("io_pgetevents waits with another mask", results);
    return check_end();
}
