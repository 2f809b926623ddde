/* process.h: what the tests of several processes share. */
#ifndef PROCESS_H
#define PROCESS_H
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A child's check: its failure is an exit status that the parent sees. */
#define CHILD_NEED(cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(1, "# child, %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno);       \
            _exit(99);                                                                             \
        }                                                                                          \
    } while (0)

/* fork() with nothing left in stdout's buffer. */
static inline pid_t start(void)
{
    fflush(stdout);
    return fork();
}

/* The exit status of a child, or 1000 + the signal that ended it; -1: no such child. */
static inline int end_of(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Memory that parent and child share. */
static inline void *shared_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* The state letter of /proc/PID/stat, '?' if there is none. */
static inline char state_of(pid_t pid)
{
    char path[40], text[300] = "", *at;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (!file)
        return '?';
    if (!fgets(text, sizeof text, file))
        text[0] = 0;
    fclose(file);
    at = strrchr(text, ')');
    return at && at[1] == ' ' ? at[2] : '?';
}

/* Wait until the process is in the state, half a minute at most. */
static inline bool comes_to(pid_t pid, char state)
{
    for (int i = 0; i < 30000; i++) {
        if (state_of(pid) == state)
            return true;
        sleep_ms(1);
    }
    return false;
}
#endif
