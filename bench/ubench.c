/* ubench.c: what single operations cost, in nanoseconds of the guest.
 *
 * Under `-icount shift=0` one nanosecond of guest time is one instruction, so the figures are
 * instruction counts. The same binary runs in Osprey and in Linux. Prints `NAME VALUE` lines;
 * the cost of the empty loop is subtracted. Names on the command line select. `begin NAME COUNT`
 * goes before each, COUNT for all its rounds together.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE = 2 << 20, BIG = 100 << 20 };

static int zero_fd, null_fd;
static const char *const file_name = "/etc/passwd";

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void empty(long n)
{
    for (long i = 0; i < n; i++)
        __asm__ volatile("");
}

static void do_getppid(long n)
{
    for (long i = 0; i < n; i++)
        getppid();
}

static void do_read_zero(long n)
{
    char byte;

    for (long i = 0; i < n; i++)
        if (read(zero_fd, &byte, 1) != 1)
            fail("read");
}

static void do_write_null(long n)
{
    for (long i = 0; i < n; i++)
        if (write(null_fd, "x", 1) != 1)
            fail("write");
}

static void do_clock_gettime(long n)
{
    struct timespec ts;

    for (long i = 0; i < n; i++)
        clock_gettime(CLOCK_MONOTONIC, &ts);
}

static void do_sched_yield(long n)
{
    for (long i = 0; i < n; i++)
        sched_yield();
}

static void do_mutex(long n)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static void do_open_close(long n)
{
    for (long i = 0; i < n; i++) {
        int fd = open(file_name, O_RDONLY);

        if (fd < 0)
            fail(file_name);
        close(fd);
    }
}

static void do_stat(long n)
{
    struct stat st;

    for (long i = 0; i < n; i++)
        if (stat(file_name, &st) != 0)
            fail(file_name);
}

static void do_pread(long n)
{
    static char block[PAGE];
    int fd = open("/tmp/ubench.data", O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, block, PAGE) != PAGE)
        fail("/tmp/ubench.data");
    for (long i = 0; i < n; i++)
        if (pread(fd, block, PAGE, 0) != PAGE)
            fail("pread");
    close(fd);
    unlink("/tmp/ubench.data");
}

static char *map(size_t size)
{
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        fail("mmap");
    return at;
}

static void do_page_fault(long n)
{
    char *at = map((size_t)n * PAGE);

    madvise(at, (size_t)n * PAGE, MADV_NOHUGEPAGE);
    at[0] = 1; /* the tables of the first pages */
    for (long i = 0; i < n; i++)
        ((volatile char *)at)[i * PAGE] = 1;
    munmap(at, (size_t)n * PAGE);
}

static void do_map_4k(long n)
{
    for (long i = 0; i < n; i++) {
        char *at = map(PAGE);

        *(volatile char *)at = 1;
        munmap(at, PAGE);
    }
}

static void do_map_2m(long n)
{
    for (long i = 0; i < n; i++) {
        char *at = map(HUGE);

        for (size_t j = 0; j < HUGE; j += PAGE)
            ((volatile char *)at)[j] = 1;
        munmap(at, HUGE);
    }
}

static void *nothing(void *arg)
{
    return arg;
}

static void do_thread(long n)
{
    for (long i = 0; i < n; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, nothing, NULL) != 0)
            fail("pthread_create");
        pthread_join(thread, NULL);
    }
}

static atomic_uint ball;
static int there[2], back[2];

static void pin(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void pass_ball(long n, unsigned me)
{
    for (long i = 0; i < n; i++) {
        unsigned seen;

        while ((seen = atomic_load(&ball)) % 2 != me)
            syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        atomic_store(&ball, seen + 1);
        syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void *futex_partner(void *n)
{
    pin();
    pass_ball((long)n, 1);
    return NULL;
}

static void do_futex(long n)
{
    pthread_t partner;

    atomic_store(&ball, 0);
    pthread_create(&partner, NULL, futex_partner, (void *)n);
    pass_ball(n, 0);
    pthread_join(partner, NULL);
}

static void *pipe_partner(void *n)
{
    char byte;

    pin();
    for (long i = 0; i < (long)n; i++)
        if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
            fail("pipe");
    return NULL;
}

static void do_pipe(long n)
{
    pthread_t partner;
    char byte = 0;

    if (pipe(there) != 0 || pipe(back) != 0)
        fail("pipe");
    pthread_create(&partner, NULL, pipe_partner, (void *)n);
    for (long i = 0; i < n; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("pipe");
    pthread_join(partner, NULL);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
}

static void on_signal(int sig)
{
    (void)sig;
}

static void do_signal(long n)
{
    pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);

    signal(SIGUSR1, on_signal);
    for (long i = 0; i < n; i++)
        syscall(SYS_tgkill, pid, tid, SIGUSR1);
}

/* --- processes ---------------------------------------------------------------------------- */

static void reap(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        fail("child");
}

static void do_fork(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        reap(pid);
    }
}

static char *big;

static void touch_big(void)
{
    for (size_t i = 0; i < BIG; i += PAGE)
        ((volatile char *)big)[i] = 1;
}

/* 100 MiB in small pages. */
static void big_small(void)
{
    big = map(BIG);
    madvise(big, BIG, MADV_NOHUGEPAGE);
    touch_big();
}

/* 100 MiB as the kernel gives them by itself. */
static void big_any(void)
{
    big = map(BIG);
    touch_big();
}

static void big_gone(void)
{
    munmap(big, BIG);
}

static char *const true_argv[] = {"true", NULL}, *const no_env[] = {NULL};

static void do_fork_exec(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            execve("/bin/true", true_argv, no_env);
            _exit(1);
        }
        reap(pid);
    }
}

static void do_spawn(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = -1;

        posix_spawn(&pid, "/bin/true", NULL, NULL, true_argv, no_env);
        reap(pid);
    }
}

/* The pipe ping-pong, but between processes. */
static void do_process_pipe(long n)
{
    char byte = 0;
    pid_t pid;

    if (pipe(there) != 0 || pipe(back) != 0)
        fail("pipe");
    pid = fork();
    if (pid == 0) {
        pipe_partner((void *)n);
        _exit(0);
    }
    for (long i = 0; i < n; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("pipe");
    reap(pid);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
}

static const struct {
    const char *name;
    void (*run)(long);
    long n;
    void (*before)(void), (*after)(void);
} benches[] = {
    {"getppid", do_getppid, 20000, NULL, NULL},
    {"read_zero", do_read_zero, 10000, NULL, NULL},
    {"write_null", do_write_null, 10000, NULL, NULL},
    {"clock_gettime", do_clock_gettime, 20000, NULL, NULL},
    {"sched_yield", do_sched_yield, 10000, NULL, NULL},
    {"mutex", do_mutex, 20000, NULL, NULL},
    {"pread_4k", do_pread, 2000, NULL, NULL},
    {"open_close", do_open_close, 2000, NULL, NULL},
    {"stat", do_stat, 2000, NULL, NULL},
    {"page_fault", do_page_fault, 4000, NULL, NULL},
    {"map_touch_unmap_4k", do_map_4k, 1000, NULL, NULL},
    {"map_touch_unmap_2m", do_map_2m, 20, NULL, NULL},
    {"thread_create_join", do_thread, 500, NULL, NULL},
    {"futex_ping_pong", do_futex, 3000, NULL, NULL},
    {"pipe_ping_pong", do_pipe, 3000, NULL, NULL},
    {"signal", do_signal, 2000, NULL, NULL},
    {"fork_exit_wait", do_fork, 200, NULL, NULL},
    {"fork_100m_small", do_fork, 4, big_small, big_gone},
    {"fork_100m", do_fork, 4, big_any, big_gone},
    {"fork_exec_true", do_fork_exec, 50, NULL, NULL},
    {"posix_spawn_true", do_spawn, 50, NULL, NULL},
    {"process_ping_pong", do_process_pipe, 3000, NULL, NULL},
};

/* Best of three, as the first run also pays for what is built lazily. */
enum { ROUNDS = 3 };

static double cost(void (*run)(long), long n)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = now(), took;

        run(n);
        took = now() - start;
        if (took < best)
            best = took;
    }
    return (double)best / (double)n;
}

static int selected(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return 1;
    return argc == 1;
}

int main(int argc, char **argv)
{
    double loop;

    zero_fd = open("/dev/zero", O_RDONLY);
    null_fd = open("/dev/null", O_WRONLY);
    if (zero_fd < 0 || null_fd < 0)
        fail("/dev");
    pin();
    loop = cost(empty, 20000);
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        if (selected(argc, argv, benches[i].name)) {
            if (benches[i].before)
                benches[i].before();
            printf("begin %s %ld\n", benches[i].name, ROUNDS * benches[i].n);
            fflush(stdout);
            printf("ubench %s %.0f\n", benches[i].name, cost(benches[i].run, benches[i].n) - loop);
            if (benches[i].after)
                benches[i].after();
            fflush(stdout);
        }
    sleep(1); /* for who reads the emulator's processor time at the last line */
    return 0;
}
