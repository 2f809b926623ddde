/* check.h: the frame of a test program that runs both on Linux and inside Osprey.
 *
 * A program is a list of promises. Each is a function without arguments that main() hands to
 * promise(); it prints one line `ok - NAME`, `not ok - NAME` or `skip - NAME # why`. A failed
 * check prints a `#` line with its place first. check_end() prints the plan `1..N`, by which
 * tests/run knows that the program came to its end, and returns the status for main().
 *
 * First lines of a program may carry directives for tests/run:
 *   // cpus: 1 4          run it once on each of these numbers of processors (default 2)
 *   // memory: 256M       memory of the machine (default: the command's)
 *   // args: WORDS        arguments; @DATA@ is a fresh folder with the files of tests/guest/data
 *   // libc: glibc musl   build and run it with each of these (default glibc)
 *   // timeout: 60        seconds for one run (default 300: a starved machine is slow)
 *   // soak               only with --soak
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static atomic_int check_failed_here; /* failed checks of the current promise */
static const char *check_skipped;    /* why the current promise is skipped, or NULL */
static int check_promises;
static int check_failures;

/* Check and go on. Safe from any thread. */
#define CHECK(cond) check_that((cond), __FILE__, __LINE__, #cond)

/* Check and leave the function (of type void) when it does not hold. */
#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!CHECK(cond))                                                                          \
            return;                                                                                \
    } while (0)

/* Check that two integers are equal, and show both when they are not. */
#define CHECK_EQ(got, want)                                                                        \
    check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got)

/* Check that a call returns -1 with this errno. */
#define CHECK_ERRNO(call, want)                                                                    \
    (errno = 0, check_errno((long)(call), (want), __FILE__, __LINE__, #call))

/* Leave the promise as not applicable here. */
#define SKIP(why)                                                                                  \
    do {                                                                                           \
        check_skipped = (why);                                                                     \
        return;                                                                                    \
    } while (0)

static inline bool check_that(bool holds, const char *file, int line, const char *text)
{
    int saved = errno;

    if (!holds) {
        atomic_fetch_add(&check_failed_here, 1);
        printf("# %s:%d: %s (errno %d: %s)\n", file, line, text, saved, strerror(saved));
        errno = saved;
    }
    return holds;
}

static inline bool check_equal(long long got, long long want, const char *file, int line,
                               const char *text)
{
    int saved = errno;

    if (got == want)
        return true;
    atomic_fetch_add(&check_failed_here, 1);
    printf("# %s:%d: %s is %lld (0x%llx), not %lld (0x%llx) (errno %d)\n", file, line, text, got,
           (unsigned long long)got, want, (unsigned long long)want, saved);
    errno = saved;
    return false;
}

static inline bool check_errno(long result, int want, const char *file, int line, const char *text)
{
    int got = errno;

    if (result == -1 && got == want)
        return true;
    atomic_fetch_add(&check_failed_here, 1);
    printf("# %s:%d: %s is %ld with errno %d (%s), not -1 with %d (%s)\n", file, line, text, result,
           got, strerror(got), want, strerror(want));
    return false;
}

/* Run one promise and print its line. */
static inline void promise(const char *name, void (*check)(void))
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    atomic_store(&check_failed_here, 0);
    check_skipped = NULL;
    check_promises++;
    check();
    if (atomic_load(&check_failed_here) > 0) {
        check_failures++;
        printf("not ok - %s\n", name);
    } else if (check_skipped) {
        printf("skip - %s # %s\n", name, check_skipped);
    } else {
        printf("ok - %s\n", name);
    }
    fflush(stdout);
}

/* Print the plan; the result is the status of main(). */
static inline int check_end(void)
{
    printf("1..%d\n", check_promises);
    fflush(stdout);
    return check_failures > 0;
}

/* For what Osprey does otherwise by design. */
static inline bool inside_osprey(void)
{
    struct utsname name;

    return uname(&name) == 0 && strstr(name.release, "osprey");
}

/* Monotonic time in nanoseconds. */
static inline int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline void sleep_ms(int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

    while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
        ;
}

enum { MS = 1000 * 1000 };

/* The state letter of a thread of this process, '?' if there is none. */
static inline char thread_state(int tid)
{
    char path[64], text[512] = "", *at;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    file = fopen(path, "r");
    if (!file)
        return '?';
    if (!fgets(text, sizeof(text), file))
        text[0] = 0;
    fclose(file);
    at = strrchr(text, ')');
    return at && at[1] == ' ' ? at[2] : '?';
}

/* Wait until another thread sleeps in the kernel. *tid is 0 until it is about to. */
static inline void until_asleep(const atomic_int *tid)
{
    while (atomic_load(tid) == 0 || thread_state(atomic_load(tid)) != 'S')
        sleep_ms(1);
}

static inline void until_main_sleeps(void)
{
    while (thread_state(getpid()) != 'S')
        sleep_ms(1);
}

/* Make an empty folder under /tmp and go there. */
static inline void enter_fresh_dir(void)
{
    char path[] = "/tmp/check.XXXXXX";

    if (!mkdtemp(path) || chdir(path) != 0) {
        perror(path);
        exit(1);
    }
}

#endif
