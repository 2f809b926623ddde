/* Crashes in a way that a backtrace can be checked for: crash_threads HOW */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int global_answer = 42;
static pthread_barrier_t barrier;

__attribute__((noinline)) static void spin_here(volatile unsigned long *count)
{
    for (;;)
        ++*count;
}

__attribute__((noinline)) static void sleep_here(void)
{
    for (;;)
        pause();
}

static void *spinner(void *arg)
{
    volatile unsigned long count = 0;

    pthread_barrier_wait(&barrier);
    spin_here(&count);
    return arg;
}

static void *sleeper(void *arg)
{
    pthread_barrier_wait(&barrier);
    sleep_here();
    return arg;
}

__attribute__((noinline)) static void crash_here(int depth)
{
    char local[32];

    snprintf(local, sizeof local, "local-%d", depth);
    if (depth)
        crash_here(depth - 1);
    else
        *(volatile int *)(long)(depth + 16) = 1;
    __asm__ volatile("" : : "r"(local) : "memory");
}

__attribute__((noinline)) static int use_up_the_stack(int depth)
{
    volatile char room[4096];

    room[0] = (char)depth;
    return use_up_the_stack(depth + 1) + room[0];
}

static void with_threads(void)
{
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 3);
    pthread_create(&thread, NULL, spinner, NULL);
    pthread_create(&thread, NULL, sleeper, NULL);
    pthread_barrier_wait(&barrier);
    usleep(20000);
    crash_here(2);
}

static void in_a_child(void)
{
    int status;

    if (fork() == 0) {
        global_answer = 43;
        crash_here(1);
    }
    wait(&status);
    printf("child %d dumped %d\n", WTERMSIG(status), !!WCOREDUMP(status));
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    if (!strcmp(how, "threads"))
        with_threads();
    else if (!strcmp(how, "abort"))
        abort();
    else if (!strcmp(how, "stack"))
        return use_up_the_stack(1);
    else if (!strcmp(how, "child"))
        in_a_child();
    else if (!strcmp(how, "twice")) {
        in_a_child();
        crash_here(0);
    } else if (!strcmp(how, "wait"))
        for (puts("ready"), fflush(stdout);;)
            pause();
    return 0;
}
