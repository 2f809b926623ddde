/* spent.c: `spent NAME COUNT COMMAND...` runs the command and says how many nanoseconds each of its
 * COUNT pieces of work took: `ubench NAME NANOSECONDS`, behind whatever the command writes, and
 * `begin NAME COUNT` before that. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
    int status = -1;
    int64_t start;
    pid_t pid;

    if (argc < 4)
        return 2;
    fprintf(stderr, "begin %s %s\n", argv[1], argv[2]);
    start = now();
    pid = fork();
    if (pid == 0) {
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "spent: %s: status %x\n", argv[1], status);
        return 1;
    }
    fprintf(stderr, "ubench %s %lld\n", argv[1], (long long)((now() - start) / atoi(argv[2])));
    return 0;
}
