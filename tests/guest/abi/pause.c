/* man 2 pause */
#include "abi.h"

static atomic_int calls;

static void count(int sig)
{
    (void)sig;
    calls++;
}

static void results(void)
{
    struct sigaction act = {.sa_handler = count, .sa_flags = SA_RESTART};
    pid_t pid = getpid(), other;

    NEED(sigaction(SIGUSR1, &act, NULL) == 0 && (other = start()) >= 0);
    if (other == 0) {
        CHILD_NEED(comes_to(pid, 'S'));
        _exit(kill(pid, SIGUSR1) != 0);
    }
    CHECK_ERRNO(CALL(pause), EINTR); /* whatever SA_RESTART says */
    CHECK_EQ(calls, 1);
    CHECK_EQ(end_of(other), 0);
}

int main(void)
{
    promise_apart("pause waits for a handler", results);
    return check_end();
}
