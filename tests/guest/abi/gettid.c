/* man 2 gettid */
#include "abi.h"
#include <pthread.h>

static void *tell(void *tid)
{
    *(pid_t *)tid = CALL(gettid);
    return NULL;
}

static void of_threads(void)
{
    pthread_t thread;
    pid_t tid = 0;
    char path[40];

    CHECK_EQ(CALL(gettid), getpid());
    NEED(pthread_create(&thread, NULL, tell, &tid) == 0);
    pthread_join(thread, NULL);
    CHECK(tid > 0 && tid != getpid());
    snprintf(path, sizeof path, "/proc/self/task/%d", getpid());
    CHECK_EQ(access(path, F_OK), 0);
}

int main(void)
{
    promise("the first thread's is the process's, others have their own", of_threads);
    return check_end();
}
