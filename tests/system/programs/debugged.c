/* What the debuggers of tests/system/debuggers.sh look at. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int watched;
static pthread_barrier_t barrier;

static __attribute__((noinline)) int leaf(int n)
{
    watched = n * 2;
    return watched + 1;
}

static __attribute__((noinline)) int middle(int n)
{
    return leaf(n) + 1;
}

static void *thread_body(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    if (arg) /* one of them, when main is not at it */
        watched += 1;
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[3];

    pthread_barrier_init(&barrier, NULL, 4);
    for (long i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, thread_body, (void *)(i / 2));
    pthread_barrier_wait(&barrier);
    middle(5);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static int run_child(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(middle(20));
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    int result = middle(3);

    for (int i = 0; i < 3; i++)
        result += getppid() < 0;
    printf("middle: %d\n", result);
    fflush(stdout);
    if (!strcmp(mode, "threads"))
        run_threads();
    else if (!strcmp(mode, "fork"))
        result = run_child();
    else if (!strcmp(mode, "fault"))
        raise(SIGSEGV);
    else if (!strcmp(mode, "wait"))
        for (watched = 77;;)
            pause();
    watched = 99;
    return result;
}
