/* man 2 exit_group */
#include "abi.h"
#include <pthread.h>

static void *wait_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

static void *end_all(void *arg)
{
    (void)arg;
    CALL(exit_group, 11);
    return NULL;
}

static void results(void)
{
    pid_t pid = start();

    if (pid == 0) {
        pthread_t thread;

        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, wait_for_ever, NULL);
        pthread_create(&thread, NULL, end_all, NULL);
        wait_for_ever(NULL);
    }
    CHECK_EQ(end_of(pid), 11);
}

int main(void)
{
    promise("exit_group ends all threads", results);
    return check_end();
}
