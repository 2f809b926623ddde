/* man 2 timer_getoverrun */
#include "abi.h"

static void results(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec set = {{0, 500000}, {0, 500000}}, off = {{0, 0}, {0, 0}};
    sigset_t mask;
    siginfo_t info;
    int id;

    sigemptyset(&mask);
    sigaddset(&mask, SIGRTMIN);
    NEED(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
    NEED(CALL(timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    CHECK_EQ(CALL(timer_getoverrun, id), 0);
    NEED(CALL(timer_settime, id, 0, &set, NULL) == 0);
    sleep_ms(10);
    CHECK_EQ(sigwaitinfo(&mask, &info), SIGRTMIN);
    CHECK(info.si_overrun > 0 && CALL(timer_getoverrun, id) >= info.si_overrun);
    CALL(timer_settime, id, 0, &off, NULL);
    CHECK_ERRNO(CALL(timer_getoverrun, 12345), EINVAL);
}

int main(void)
{
    promise_apart("timer_getoverrun: results and errors", results);
    return check_end();
}
