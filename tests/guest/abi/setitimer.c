/* man 2 setitimer */
#include "abi.h"
#include <sys/time.h>

static atomic_int rung[65];

static void count(int sig)
{
    rung[sig]++;
}

static void burn_until(int sig)
{
    while (!rung[sig])
        getppid();
}

static void results(void)
{
    struct itimerval soon = {{0, 0}, {0, 2000}}, old, off = {{0, 0}, {0, 0}};

    signal(SIGALRM, count);
    signal(SIGVTALRM, count);
    signal(SIGPROF, count);
    CHECK_EQ(CALL(setitimer, ITIMER_REAL, &soon, NULL), 0);
    burn_until(SIGALRM);
    CHECK_EQ(CALL(setitimer, ITIMER_VIRTUAL, &soon, NULL), 0);
    burn_until(SIGVTALRM);
    CHECK_EQ(CALL(setitimer, ITIMER_PROF, &soon, NULL), 0);
    burn_until(SIGPROF);
    soon.it_interval.tv_usec = 2000;
    CHECK_EQ(CALL(setitimer, ITIMER_REAL, &soon, NULL), 0);
    while (rung[SIGALRM] < 4)
        pause();
    CHECK_EQ(CALL(setitimer, ITIMER_REAL, &off, &old), 0);
    CHECK_EQ(old.it_interval.tv_usec, 2000);
}

static void errors(void)
{
    struct itimerval wrong = {{0, 0}, {0, 1000000}}, negative = {{0, 0}, {-1, 0}};

    CHECK_ERRNO(CALL(setitimer, 3, &wrong, NULL), EINVAL);
    CHECK_ERRNO(CALL(setitimer, ITIMER_REAL, &wrong, NULL), EINVAL);
    CHECK_ERRNO(CALL(setitimer, ITIMER_REAL, &negative, NULL), EINVAL);
    CHECK_ERRNO(CALL(setitimer, ITIMER_REAL, BAD, NULL), EFAULT);
}

int main(void)
{
    promise_apart("setitimer: the three clocks, once and again", results);
    promise_apart("setitimer: errors", errors);
    return check_end();
}
