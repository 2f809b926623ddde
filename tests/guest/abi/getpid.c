/* man 2 getpid */
#include "abi.h"
#include <pthread.h>

static void *in_thread(void *pid)
{
    CHECK_EQ(CALL(getpid), (long)pid);
    return NULL;
}

static void same_in_threads(void)
{
    pthread_t thread;

    NEED(pthread_create(&thread, NULL, in_thread, (void *)(long)CALL(getpid)) == 0);
    pthread_join(thread, NULL);
}

static void new_in_child(void)
{
    int ends[2];
    pid_t told = 0, pid;

    NEED(pipe(ends) == 0 && (pid = start()) >= 0);
    if (pid == 0) {
        pid_t me = CALL(getpid);
        _exit(write(ends[1], &me, sizeof(me)) != sizeof(me));
    }
    CHECK(read(ends[0], &told, sizeof(told)) == sizeof(told) && told == pid && pid != getpid());
    CHECK_EQ(end_of(pid), 0);
}

int main(void)
{
    promise("all threads have the same", same_in_threads);
    promise("a child has another, the one fork returned", new_in_child);
    return check_end();
}
