/* man 2 _exit: the call ends the thread only. */
#include "abi.h"
#include <pthread.h>

static void *leave(void *arg)
{
    (void)arg;
    CALL(exit, 5);
    return NULL;
}

static void thread_only(void)
{
    pthread_t thread;

    NEED(pthread_create(&thread, NULL, leave, NULL) == 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void last_one(void)
{
    pid_t pid = start();

    if (pid == 0)
        CALL(exit, 0x1ff); /* eight bits of it */
    CHECK_EQ(end_of(pid), 0xff);
}

int main(void)
{
    promise("exit ends one thread", thread_only);
    promise("the last one's status is the process's", last_one);
    return check_end();
}
