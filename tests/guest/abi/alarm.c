/* man 2 alarm */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct itimerval left;
    int64_t begin;
    long told;

    CHECK_EQ(CALL(alarm, 100), 0);
    do { /* rounded, not down to 99, where no half a second has passed */
        CALL(alarm, 100);
        begin = now_ns();
        told = CALL(alarm, 0xffffffffu);
    } while (now_ns() - begin > 300 * MS);
    CHECK_EQ(told, 100);
    CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec > 1000000);
    do {
        begin = now_ns();
        CALL(alarm, 50);
        told = CALL(alarm, 0);
    } while (now_ns() - begin > 300 * MS);
    CHECK_EQ(told, 50);
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
