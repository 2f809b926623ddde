// cpus: 2 4
// Priorities of a user's or group's threads while these come and go.
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3, THREADS = 4, ROUNDS = 300 };

static void *nothing(void *arg)
{
    return arg;
}

static void come_and_go(void)
{
    for (;;) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, nothing, NULL))
                _exit(1);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}

static void walk_while_threads_end(void)
{
    pid_t children[CHILDREN];
    int failed = 0;

    setpgid(0, 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (!children[i])
            come_and_go();
        CHECK(children[i] > 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        failed += setpriority(PRIO_PGRP, 0, 1 + i % 3) < 0;
        errno = 0;
        (void)getpriority(i % 2 ? PRIO_PGRP : PRIO_USER, 0);
        failed += errno != 0;
    }
    CHECK_EQ(failed, 0);
    for (int i = 0; i < CHILDREN; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
}

int main(void)
{
    promise("priorities of all threads of a group or user while threads end",
            walk_while_threads_end);
    return check_end();
}
