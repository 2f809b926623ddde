/* man 2 sigaltstack */
#include "abi.h"

static char area[64 * 1024];
static char *in_handler;
static int inside_error;

static void on_signal(int sig)
{
    stack_t now, other = {.ss_sp = area, .ss_size = sizeof area};
    char here;

    (void)sig;
    in_handler = &here;
    sigaltstack(NULL, &now);
    if (now.ss_flags != SS_ONSTACK)
        inside_error = 1;
    if (CALL(sigaltstack, &other, NULL) != -1 || errno != EPERM) /* not while it is used */
        inside_error = 2;
}

static void results(void)
{
    stack_t stack = {.ss_sp = area, .ss_size = sizeof area}, old;
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

    CHECK_EQ(CALL(sigaltstack, NULL, &old), 0);
    CHECK_EQ(old.ss_flags, SS_DISABLE);
    CHECK_EQ(CALL(sigaltstack, &stack, NULL), 0);
    NEED(sigaction(SIGUSR1, &act, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(in_handler >= area && in_handler < area + sizeof area);
    CHECK_EQ(inside_error, 0);
    CHECK_EQ(CALL(sigaltstack, NULL, &old), 0);
    CHECK(old.ss_sp == area && old.ss_size == sizeof area && old.ss_flags == 0);
    stack.ss_flags = SS_DISABLE;
    CHECK_EQ(CALL(sigaltstack, &stack, NULL), 0);
    NEED(raise(SIGUSR1) == 0 || 1);
    CHECK(in_handler < area || in_handler >= area + sizeof area);
}

static void errors(void)
{
    stack_t stack = {.ss_sp = area, .ss_size = 1024};

    CHECK_ERRNO(CALL(sigaltstack, &stack, NULL), ENOMEM);
    stack.ss_size = sizeof area;
    stack.ss_flags = 99;
    CHECK_ERRNO(CALL(sigaltstack, &stack, NULL), EINVAL);
    CHECK_ERRNO(CALL(sigaltstack, BAD, NULL), EFAULT);
    CHECK_ERRNO(CALL(sigaltstack, NULL, BAD), EFAULT);
}

int main(void)
{
    promise_apart("sigaltstack: results", results);
    promise_apart("sigaltstack: errors", errors);
    return check_end();
}
