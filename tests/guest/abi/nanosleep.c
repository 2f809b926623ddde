/* man 2 nanosleep */
#include "abi.h"

static void count(int sig)
{
    (void)sig;
}

static void results(void)
{
    struct timespec time = {0, 2000000}, left = {9, 9};
    int64_t before = now_ns();

    CHECK_EQ(CALL(nanosleep, &time, &left), 0);
    CHECK(now_ns() - before >= 2000000);
    CHECK_EQ(left.tv_sec, 9); /* untouched where nothing is left */
    time = (struct timespec){0, 1000000000};
    CHECK_ERRNO(CALL(nanosleep, &time, NULL), EINVAL);
    time = (struct timespec){-1, 0};
    CHECK_ERRNO(CALL(nanosleep, &time, NULL), EINVAL);
    CHECK_ERRNO(CALL(nanosleep, BAD, NULL), EFAULT);
}

static void interrupted(void)
{
    struct timespec time = {1000, 0}, left = {0, 0};
    pid_t pid = getpid(), other;

    signal(SIGUSR1, count);
    NEED((other = start()) >= 0);
    if (other == 0) {
        CHILD_NEED(comes_to(pid, 'S'));
        _exit(kill(pid, SIGUSR1) != 0);
    }
    CHECK_ERRNO(CALL(nanosleep, &time, &left), EINTR);
    CHECK(left.tv_sec >= 900 && left.tv_sec < 1000);
    CHECK_EQ(end_of(other), 0);
}

int main(void)
{
    promise("nanosleep: results and errors", results);
    promise_apart("nanosleep tells what was left", interrupted);
    return check_end();
}
