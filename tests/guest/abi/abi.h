/* abi.h: what the programs of this folder share. Each is named as a system call and checks its
 * documented results, flags and errors; the same binary has to pass on Linux. Calls go by their
 * number, past what libc checks or changes by itself. */
#ifndef ABI_H
#define ABI_H
#include "../process.h"
#include <fcntl.h>
#include <sys/stat.h>

/* CALL(name, arguments...), each widened with its sign; those not given are 0. */
#define CALL(name, ...) CALL_SIX(SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_SIX(nr, a, b, c, d, e, f, ...)                                                        \
    syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define BAD    ((void *)8)      /* page 0 is never mapped */
#define KERNEL ((void *)-4096l) /* in the kernel's half */

enum { BAD_FD = 999, NOBODY = 65534, SKIPPED = 77 };

/* A file with this text; opened for reading and writing. */
static inline int file_with(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || lseek(fd, 0, 0) != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

/* Two pages, of which the second is not there: the end of the first. */
static inline char *edge(void)
{
    long page = sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap(at + page, page);
    return at + page;
}

static void (*apart_check)(void);

static inline void check_apart(void)
{
    pid_t pid = start();
    int end;

    if (pid == 0) {
        apart_check();
        fflush(stdout);
        _exit(check_skipped ? SKIPPED : atomic_load(&check_failed_here) ? 1 : 0);
    }
    end = end_of(pid);
    if (end == SKIPPED)
        SKIP("not allowed here");
    CHECK_EQ(end, 0);
}

/* A promise kept in a child, so that what it changes of the process does not last. */
static inline void promise_apart(const char *name, void (*check)(void))
{
    apart_check = check;
    promise(name, check_apart);
}

static siginfo_t signal_seen;

static inline void signal_look(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    signal_seen = *info;
}

/* From now on what comes with the signal is in signal_seen. */
static inline bool look_at_signal(int sig)
{
    struct sigaction act = {.sa_sigaction = signal_look, .sa_flags = SA_SIGINFO};

    return sigaction(sig, &act, NULL) == 0;
}

/* What the process's user and group ids are: real, effective, saved. */
static inline void uids_are(uid_t r, uid_t e, uid_t s)
{
    uid_t real, effective, saved;

    CHECK_EQ(CALL(getresuid, &real, &effective, &saved), 0);
    CHECK_EQ(real, r);
    CHECK_EQ(effective, e);
    CHECK_EQ(saved, s);
}

static inline void gids_are(gid_t r, gid_t e, gid_t s)
{
    gid_t real, effective, saved;

    CHECK_EQ(CALL(getresgid, &real, &effective, &saved), 0);
    CHECK_EQ(real, r);
    CHECK_EQ(effective, e);
    CHECK_EQ(saved, s);
}

/* Become an ordinary user. */
static inline void become_nobody(void)
{
    if (CALL(setresgid, NOBODY, NOBODY, NOBODY) || CALL(setresuid, NOBODY, NOBODY, NOBODY)) {
        perror("becoming nobody");
        _exit(1);
    }
}
#endif
