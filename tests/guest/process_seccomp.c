// seccomp(2): strict mode, filters and what they may answer, inheritance, TSYNC.
#include "check.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LOAD(field)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value)  BPF_STMT(BPF_RET | BPF_K, (value))
#define UNLESS(nr, by) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, (by))

static int install(struct sock_filter *filter, size_t n, unsigned flags)
{
    struct sock_fprog program = {(unsigned short)n, filter};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
#define INSTALL(filter, flags) install(filter, sizeof(filter) / sizeof(filter[0]), flags)

static int answer(unsigned nr, unsigned action, unsigned flags)
{
    struct sock_filter filter[] = {LOAD(nr), UNLESS(nr, 1), RETURN(action),
                                   RETURN(SECCOMP_RET_ALLOW)};
    return INSTALL(filter, flags);
}

/* Run it in a child without new privileges; the status as wait gives it. */
static int in_child(int (*run)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(run());
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

/* The line of a failed condition, for the exit status. */
#define WANT(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return __LINE__ & 0xff;                                                                \
    } while (0)
#define PASSES(run) CHECK_EQ(in_child(run) >> 8, 0)

static int run_arguments(void)
{
    struct sock_filter bad_end[] = {LOAD(nr)}, far[] = {UNLESS(1, 5), RETURN(0)},
                       odd[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)},
                       beyond[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0)},
                       half[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)},
                       zero[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)},
                       cell[] = {BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)},
                       good[] = {RETURN(SECCOMP_RET_ALLOW)};
    unsigned action = SECCOMP_RET_ERRNO;
    WANT(INSTALL(bad_end, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(far, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(odd, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(beyond, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(half, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(zero, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(cell, 0) == -1 && errno == EINVAL);
    WANT(install(good, 0, 0) == -1 && errno == EINVAL);
    WANT(install(good, 5000, 0) == -1 && errno == EINVAL);
    WANT(INSTALL(good, 1u << 20) == -1 && errno == EINVAL);
    WANT(syscall(SYS_seccomp, 77, 0, NULL) == -1 && errno == EINVAL);
    WANT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) == -1 && errno == EFAULT);
    WANT(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL) == -1 && errno == EINVAL);
    WANT(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
    action = 0x12340000;
    WANT(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1 && errno == EOPNOTSUPP);
    WANT(prctl(PR_GET_SECCOMP) == 0);
    WANT(INSTALL(good, 0) == 0);
    WANT(prctl(PR_GET_SECCOMP) == 2);
    WANT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1 && errno == EINVAL);
    return 0;
}

static void arguments(void)
{
    PASSES(run_arguments);
}

static void privilege(void)
{
    int status;
    if (geteuid() != 0)
        SKIP("needs root");
    pid_t child = fork();
    if (child == 0) {
        bool may = answer(SYS_getppid, SECCOMP_RET_ALLOW, 0) == 0; /* root may */
        bool may_not =
            setuid(1000) == 0 && answer(SYS_getppid, SECCOMP_RET_ALLOW, 0) == -1 && errno == EACCES;
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        bool again = answer(SYS_getppid, SECCOMP_RET_ALLOW, 0) == 0;
        _exit(may | may_not << 1 | again << 2);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status >> 8, 7);
}

static int run_errno(void)
{
    WANT(answer(SYS_getppid, SECCOMP_RET_ERRNO | 123, 0) == 0);
    WANT(syscall(SYS_getppid) == -1 && errno == 123);
    WANT(getpid() > 0);
    WANT(answer(SYS_getuid, SECCOMP_RET_ERRNO | 0, 0) == 0);
    WANT(syscall(SYS_getuid) == 0);
    /* The strictest answer counts, whichever came first. */
    WANT(answer(SYS_getppid, SECCOMP_RET_ALLOW, 0) == 0);
    WANT(syscall(SYS_getppid) == -1 && errno == 123);
    WANT(answer(SYS_getppid, SECCOMP_RET_ERRNO | 7, 0) == 0);
    WANT(syscall(SYS_getppid) == -1 && errno == 7);
    WANT(answer(SYS_getgid, SECCOMP_RET_TRACE, 0) == 0);
    WANT(syscall(SYS_getgid) == -1 && errno == ENOSYS);
    WANT(answer(SYS_getegid, SECCOMP_RET_LOG, 0) == 0);
    WANT(syscall(SYS_getegid) >= 0);
    for (int i = 0; i < 1000; i++)
        WANT(syscall(SYS_getppid) == -1 && errno == 7);
    return 0;
}

static void errnos(void)
{
    PASSES(run_errno);
}

static int run_by_argument(void)
{
    struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        UNLESS(SYS_dup, 6),
        LOAD(args[0]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
        BPF_STMT(BPF_ST, 5),
        BPF_STMT(BPF_LDX | BPF_MEM, 5),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | EMLINK),
        RETURN(SECCOMP_RET_ALLOW),
    };
    WANT(INSTALL(filter, 0) == 0);
    WANT(dup(77) == -1 && errno == EMLINK);
    WANT(dup(77 + 256) == -1 && errno == EMLINK);
    WANT(dup(78) == -1 && errno == EBADF);
    return 0;
}

static void by_argument(void)
{
    PASSES(run_by_argument);
}

static int run_kill(void)
{
    answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0);
    syscall(SYS_getppid);
    return 1;
}

static int run_kill_thread(void)
{
    answer(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
    syscall(SYS_getppid);
    return 1;
}

static void *ask_parent(void *arg)
{
    answer(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
    *(int *)arg = 1;
    syscall(SYS_getppid);
    *(int *)arg = 2;
    return NULL;
}

static int run_kill_one(void)
{
    static volatile int at;
    pthread_t thread;
    pthread_create(&thread, NULL, ask_parent, (void *)&at);
    for (int i = 0; i < 30000 && !at; i++)
        sleep_ms(1);
    sleep_ms(50);
    WANT(at == 1);
    WANT(syscall(SYS_getppid) >= 0);
    return 0;
}

static void killing(void)
{
    CHECK_EQ(in_child(run_kill) & 0x7f, SIGSYS);
    CHECK_EQ(in_child(run_kill_thread) & 0x7f, SIGSYS);
    PASSES(run_kill_one);
}

static volatile siginfo_t trapped;

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    trapped = *info;
}

static int run_trap(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    WANT(answer(SYS_getppid, SECCOMP_RET_TRAP | 99, 0) == 0);
    long result = syscall(SYS_getppid);
    WANT(trapped.si_signo == SIGSYS && trapped.si_code == 1 && trapped.si_errno == 99);
    WANT(trapped.si_syscall == SYS_getppid && trapped.si_arch == AUDIT_ARCH_X86_64);
    WANT(trapped.si_call_addr != NULL);
    WANT(result == SYS_getppid);
    return 0;
}

static int run_trap_unhandled(void)
{
    signal(SIGSYS, SIG_IGN);
    answer(SYS_getppid, SECCOMP_RET_TRAP, 0);
    syscall(SYS_getppid);
    return 1;
}

static void trapping(void)
{
    PASSES(run_trap);
    CHECK_EQ(in_child(run_trap_unhandled) & 0x7f, SIGSYS);
}

static int run_strict_good(void)
{
    int pipes[2];
    char c = 0;
    if (pipe(pipes) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
        return 1;
    bool ok = write(pipes[1], "s", 1) == 1 && read(pipes[0], &c, 1) == 1 && c == 's';
    syscall(SYS_exit, ok ? 0 : 2);
    return 3;
}

static int run_strict_bad(void)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL))
        return 1;
    syscall(SYS_getpid);
    syscall(SYS_exit, 2);
    return 3;
}

static void strict(void)
{
    CHECK_EQ(in_child(run_strict_good), 0);
    CHECK_EQ(in_child(run_strict_bad) & 0x7f, SIGKILL);
}

static void *parent_of(void *arg)
{
    (void)arg;
    return (void *)(syscall(SYS_getppid) == -1 ? (long)errno : 0);
}

static int run_inherit(void)
{
    pthread_t thread;
    void *result;
    int status;
    char line[200];
    WANT(answer(SYS_getppid, SECCOMP_RET_ERRNO | 50, 0) == 0);
    pthread_create(&thread, NULL, parent_of, NULL);
    pthread_join(thread, &result);
    WANT((long)result == 50);
    pid_t child = fork();
    if (child == 0)
        _exit(syscall(SYS_getppid) == -1 ? errno : 0);
    WANT(waitpid(child, &status, 0) == child && status == 50 << 8);
    FILE *file = fopen("/proc/self/status", "r");
    bool mode = false;
    while (file && fgets(line, sizeof(line), file))
        mode |= strcmp(line, "Seccomp:\t2\n") == 0;
    WANT(mode);
    return 0;
}

static void inheritance(void)
{
    PASSES(run_inherit);
}

static atomic_int go, started;

static void *later(void *arg)
{
    if (arg)
        answer(SYS_getgid, SECCOMP_RET_ERRNO | 4, 0);
    atomic_fetch_add(&started, 1);
    while (!go)
        sleep_ms(1);
    return parent_of(NULL);
}

static int run_tsync(void)
{
    pthread_t threads[3], odd;
    void *result;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, later, NULL);
    while (started < 3)
        sleep_ms(1);
    WANT(answer(SYS_getppid, SECCOMP_RET_ERRNO | 60, SECCOMP_FILTER_FLAG_TSYNC) == 0);
    go = 1;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &result);
        WANT((long)result == 60);
    }
    go = 0;
    pthread_create(&odd, NULL, later, "own filters");
    while (started < 4)
        sleep_ms(1);
    WANT(answer(SYS_getuid, SECCOMP_RET_ERRNO | 61, SECCOMP_FILTER_FLAG_TSYNC) > 0);
    WANT((long)syscall(SYS_getuid) >= 0);
    go = 1;
    pthread_join(odd, &result);
    return 0;
}

static void tsync(void)
{
    PASSES(run_tsync);
}

static void others_are_free(void)
{
    CHECK(syscall(SYS_getppid) >= 0);
    CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
    CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

int main(void)
{
    promise("programs are checked before they run", arguments);
    promise("filters need no_new_privs or privilege", privilege);
    promise("a filter answers for a call; the strictest of several counts", errnos);
    promise("filters look at arguments and compute", by_argument);
    promise("a call can kill the process or its thread", killing);
    promise("a call can raise SIGSYS that tells of it", trapping);
    promise("strict mode leaves read, write and exit", strict);
    promise("threads and children inherit", inheritance);
    promise("TSYNC gives a filter to all threads, or to none", tsync);
    promise("nobody else is touched", others_are_free);
    return check_end();
}
