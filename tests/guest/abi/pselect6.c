/* man 2 pselect */
#include "abi.h"
#include <sys/select.h>

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    uint64_t blocked = 1ull << (SIGUSR1 - 1), none = 0;
    struct {
        void *set;
        size_t size;
    } mask = {&none, 8};
    struct timespec soon = {0, 1000000};
    int ends[2];
    fd_set in;

    NEED(pipe(ends) == 0);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK_EQ(CALL(pselect6, 20, &in, NULL, NULL, &soon, NULL), 0);
    signal(SIGUSR1, count);
    NEED(CALL(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8) == 0 && raise(SIGUSR1) == 0);
    FD_SET(ends[0], &in);
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, NULL, &mask), EINTR);
    CHECK_EQ(calls, 1);
    mask.size = 4;
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, NULL, &mask), EINVAL);
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, NULL, BAD), EFAULT);
    soon.tv_nsec = -1;
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, &soon, NULL), EINVAL);
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, &soon, BAD), EFAULT);
    soon.tv_nsec = 0;
    FD_ZERO(&in);
    FD_SET(open(".", O_PATH), &in);
    CHECK_EQ(CALL(pselect6, 20, &in, NULL, &in, &soon, NULL), 2); /* nothing would wait */
    FD_SET(19, &in);
    CHECK_ERRNO(CALL(pselect6, 20, &in, NULL, NULL, &soon, NULL), EBADF);
}

int main(void)
{
    promise_apart("pselect6: results and errors", results);
    return check_end();
}
