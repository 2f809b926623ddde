/* man 2 prctl */
#include "abi.h"
#include <sys/prctl.h>

static void results(void)
{
    char name[17] = "";
    int value = -1;

    CHECK_EQ(CALL(prctl, PR_SET_NAME, "a name of more than fifteen"), 0);
    CHECK(CALL(prctl, PR_GET_NAME, name) == 0 && strcmp(name, "a name of more ") == 0);
    CHECK_EQ(CALL(prctl, PR_SET_PDEATHSIG, SIGUSR1), 0);
    CHECK(CALL(prctl, PR_GET_PDEATHSIG, &value) == 0 && value == SIGUSR1);
    CHECK_ERRNO(CALL(prctl, PR_SET_PDEATHSIG, 99), EINVAL);
    CHECK_EQ(CALL(prctl, PR_GET_DUMPABLE), 1);
    CHECK_EQ(CALL(prctl, PR_SET_DUMPABLE, 0), 0);
    CHECK_EQ(CALL(prctl, PR_GET_DUMPABLE), 0);
    CHECK_ERRNO(CALL(prctl, PR_SET_DUMPABLE, 2), EINVAL);
    CHECK_EQ(CALL(prctl, PR_SET_CHILD_SUBREAPER, 1), 0);
    CHECK(CALL(prctl, PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1);
    CHECK_EQ(CALL(prctl, PR_SET_TIMERSLACK, 12345), 0);
    CHECK_EQ(CALL(prctl, PR_GET_TIMERSLACK), 12345);
    CHECK_EQ(CALL(prctl, PR_SET_KEEPCAPS, 1), 0);
    CHECK_EQ(CALL(prctl, PR_GET_KEEPCAPS), 1);
    CHECK_EQ(CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    CHECK_EQ(CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_ERRNO(CALL(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL); /* never back */
}

static void errors(void)
{
    CHECK_ERRNO(CALL(prctl, 99999), EINVAL);
    CHECK_ERRNO(CALL(prctl, PR_SET_NAME, BAD), EFAULT);
    CHECK_ERRNO(CALL(prctl, PR_GET_NAME, BAD), EFAULT);
    CHECK_ERRNO(CALL(prctl, PR_GET_PDEATHSIG, BAD), EFAULT);
    CHECK_ERRNO(CALL(prctl, PR_GET_TSC, BAD), EFAULT);
    CHECK_ERRNO(CALL(prctl, PR_SET_TSC, 77), EINVAL);
    CHECK_EQ(CALL(prctl, PR_SET_TSC, PR_TSC_ENABLE), 0);
    CHECK_EQ(CALL(prctl, PR_CAPBSET_READ, 0), 1);
    CHECK_ERRNO(CALL(prctl, PR_CAPBSET_READ, 99), EINVAL);
}

int main(void)
{
    promise_apart("prctl: results", results);
    promise_apart("prctl: errors", errors);
    return check_end();
}
