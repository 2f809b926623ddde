/* Ways of a process to end: endings KIND. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *spin(void *arg)
{
    for (;;)
        __asm__ volatile("");
    return arg;
}

static void *exit_in_thread(void *arg)
{
    usleep(20000);
    exit((int)(long)arg);
}

static void *print_later(void *arg)
{
    usleep(50000);
    puts("the last thread");
    return arg;
}

static void *thread_exit_only(void *arg)
{
    syscall(SYS_exit, 77);
    return arg;
}

static void start(void *(*fn)(void *), long arg)
{
    pthread_t thread;

    pthread_create(&thread, NULL, fn, (void *)arg);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";

    printf("%s begins; ", kind); /* unflushed */
    if (strcmp(kind, "return") == 0)
        return 11;
    if (strcmp(kind, "spinners") == 0) {
        for (int i = 0; i < 8; i++)
            start(spin, 0);
        usleep(20000);
        return 12;
    }
    if (strcmp(kind, "from-thread") == 0) {
        start(exit_in_thread, 13);
        start(spin, 0);
        pause();
    }
    if (strcmp(kind, "main-first") == 0) {
        start(print_later, 0);
        pthread_exit(NULL);
    }
    if (strcmp(kind, "no-flush") == 0)
        _exit(14);
    if (strcmp(kind, "kill-thread-group") == 0) {
        start(spin, 0);
        fflush(stdout);
        kill(getpid(), SIGKILL);
    }
    if (strcmp(kind, "thread-exit") == 0) {
        start(thread_exit_only, 0);
        usleep(50000);
        return 15;
    }
    if (strcmp(kind, "large-status") == 0)
        exit(0x1234);
    if (strcmp(kind, "quick") == 0)
        quick_exit(16);
    return 99;
}
