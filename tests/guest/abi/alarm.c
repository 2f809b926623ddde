/* man 2 alarm */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct itimerval left;

    CHECK_EQ(CALL(alarm, 100), 0);
    CHECK_EQ(CALL(alarm, 0xffffffffu), 100); /* rounded, not down to 99 */
    CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec > 1000000);
    CALL(alarm, 50);
    CHECK_EQ(CALL(alarm, 0), 50);
    CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 0);
}

static void rings(void)
{
    pid_t pid = start();

    if (pid == 0) {
        CALL(alarm, 1);
        for (;;)
            pause();
    }
    CHECK_EQ(end_of(pid), 1000 + SIGALRM);
}

int main(void)
{
    promise_apart("alarm tells what was left", results);
    promise("alarm ends in SIGALRM", rings);
    return check_end();
}
