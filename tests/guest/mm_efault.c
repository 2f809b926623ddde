// cpus: 1
/* A bad pointer handed to a system call gives EFAULT and harms nothing. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

static char *readonly_page;

/* Pointers that no program may write to: unmapped, the page 0, the kernel's half,
 * non-canonical, wrapping around, and read-only. */
enum { NBAD = 6 };
static long bad[NBAD];

struct call {
    const char *name;
    long nr;
    long args[6];
    int pointer; /* index of the argument that is the pointer to write through */
};

static void prepare(void)
{
    char *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    readonly_page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bad[0] = (long)gone;
    bad[1] = 8;
    bad[2] = (long)0xffffffff81000000;
    bad[3] = (long)0x8000000000001000;
    bad[4] = -8;
    bad[5] = (long)readonly_page;
}

static void writers(void)
{
    int zero = open("/dev/zero", O_RDONLY), dir = open("/", O_RDONLY | O_DIRECTORY);
    int pipes[2];
    struct call calls[] = {
        {"read", SYS_read, {zero, 0, 64}, 1},
        {"pread64", SYS_pread64, {zero, 0, 64, 0}, 1},
        {"stat", SYS_stat, {(long)"/", 0}, 1},
        {"fstat", SYS_fstat, {zero, 0}, 1},
        {"newfstatat", SYS_newfstatat, {AT_FDCWD, (long)"/", 0, 0}, 2},
        {"statx", SYS_statx, {AT_FDCWD, (long)"/", 0, 0x7ff, 0}, 4},
        {"statfs", SYS_statfs, {(long)"/", 0}, 1},
        {"getdents64", SYS_getdents64, {dir, 0, 4096}, 1},
        {"getcwd", SYS_getcwd, {0, 4096}, 0},
        {"pipe2", SYS_pipe2, {0, 0}, 0},
        {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, 0}, 1},
        {"clock_getres", SYS_clock_getres, {CLOCK_MONOTONIC, 0}, 1},
        {"gettimeofday", SYS_gettimeofday, {0, 0}, 0},
        {"uname", SYS_uname, {0}, 0},
        {"sysinfo", SYS_sysinfo, {0}, 0},
        {"getrlimit", SYS_getrlimit, {RLIMIT_STACK, 0}, 1},
        {"prlimit64", SYS_prlimit64, {0, RLIMIT_STACK, 0, 0}, 3},
        {"getrusage", SYS_getrusage, {RUSAGE_SELF, 0}, 1},
        {"times", SYS_times, {0}, 0},
        {"getrandom", SYS_getrandom, {0, 16, 0}, 0},
        {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, 0}, 2},
        {"sched_getparam", SYS_sched_getparam, {0, 0}, 1},
        {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}, 2},
        {"rt_sigpending", SYS_rt_sigpending, {0, 8}, 0},
        {"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, 0, 0, 8}, 2},
        {"sigaltstack", SYS_sigaltstack, {0, 0}, 1},
        {"readlink", SYS_readlink, {(long)"/proc/self/exe", 0, 100}, 1},
        {"getitimer", SYS_getitimer, {ITIMER_REAL, 0}, 1},
        {"getresuid", SYS_getresuid, {0, 0, 0}, 0},
    };

    NEED(pipe(pipes) == 0);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int j = 0; j < NBAD; j++) {
            long *a = calls[i].args;
            long result;

            a[calls[i].pointer] = bad[j];
            errno = 0;
            result = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (result != -1 || errno != EFAULT)
                printf("# %s with pointer %d\n", calls[i].name, j);
            CHECK_EQ(result, -1);
            CHECK_EQ(errno, EFAULT);
        }
    }
    close(zero);
    close(dir);
    close(pipes[0]);
    close(pipes[1]);
}

static void readers(void)
{
    int fds[2], null = open("/dev/null", O_WRONLY),
                file = open("/tmp/efault", O_RDWR | O_CREAT, 0600);
    int ep = epoll_create1(0), ev = eventfd(0, 0);
    struct call calls[] = {
        {"write to a pipe", SYS_write, {0, 0, 64}, 1},
        {"write to a file", SYS_write, {file, 0, 64}, 1},
        {"pwrite64", SYS_pwrite64, {file, 0, 64, 0}, 1},
        {"open", SYS_open, {0, O_RDONLY}, 0},
        {"openat", SYS_openat, {AT_FDCWD, 0, O_RDONLY}, 1},
        {"access", SYS_access, {0, 0}, 0},
        {"unlink", SYS_unlink, {0}, 0},
        {"mkdir", SYS_mkdir, {0, 0700}, 0},
        {"rename", SYS_rename, {0, (long)"/tmp/x"}, 0},
        {"symlink", SYS_symlink, {0, (long)"/tmp/x"}, 0},
        {"chdir", SYS_chdir, {0}, 0},
        {"nanosleep", SYS_nanosleep, {0, 0}, 0},
        {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, 0, 0}, 2},
        {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}, 1},
        {"rt_sigsuspend", SYS_rt_sigsuspend, {0, 8}, 0},
        {"poll", SYS_poll, {0, 1, 0}, 0},
        {"epoll_ctl", SYS_epoll_ctl, {ep, EPOLL_CTL_ADD, ev, 0}, 3},
        {"write to an eventfd", SYS_write, {ev, 0, 8}, 1},
        {"sched_setaffinity", SYS_sched_setaffinity, {0, 8, 0}, 2},
        {"futex", SYS_futex, {0, 0, 0, 0}, 0},
        {"setitimer", SYS_setitimer, {ITIMER_REAL, 0, 0}, 1},
        {"writev", SYS_writev, {file, 0, 2}, 1},
    };

    NEED(pipe(fds) == 0);
    calls[0].args[0] = fds[1];
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int j = 0; j < NBAD - 1; j++) { /* a read-only page may be read */
            long *a = calls[i].args;
            long result;

            a[calls[i].pointer] = bad[j];
            errno = 0;
            result = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (result != -1 || errno != EFAULT)
                printf("# %s with pointer %d\n", calls[i].name, j);
            CHECK_EQ(result, -1);
            CHECK_EQ(errno, EFAULT);
        }
    }
    close(fds[0]);
    close(fds[1]);
    close(null);
    close(file);
    close(ep);
    close(ev);
    unlink("/tmp/efault");
}

/* What lies before the bad page is transferred, as on Linux. */
static void partial_transfers(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int zero = open("/dev/zero", O_RDONLY), fds[2];
    struct iovec iov[2] = {{at, 16}, {(void *)8, 16}};

    munmap(at + 4096, 4096);
    memset(at, 1, 4096);
    CHECK_EQ(read(zero, at + 4090, 100), 6);
    CHECK_EQ(at[4095], 0);
    NEED(pipe(fds) == 0);
    CHECK_EQ(write(fds[1], "0123456789", 10), 10);
    CHECK_ERRNO(read(fds[0], at + 4096, 10), EFAULT);
    CHECK_EQ(readv(zero, iov, 2), 16);
    munmap(at, 4096);
    close(zero);
    close(fds[0]);
    close(fds[1]);
}

static void path_ends_at_page_end(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    munmap(at + 4096, 4096);
    strcpy(at + 4096 - 5, "/tmp");
    CHECK_EQ(access(at + 4096 - 5, F_OK), 0);
    at[4095] = 'x';
    CHECK_ERRNO(access(at + 4096 - 5, F_OK), EFAULT);
    munmap(at, 4096);
}

int main(void)
{
    prepare();
    promise("calls that write to the program's memory", writers);
    promise("calls that read the program's memory", readers);
    promise("a transfer stops at the bad page", partial_transfers);
    promise("a path is read no further than its end", path_ends_at_page_end);
    return check_end();
}
