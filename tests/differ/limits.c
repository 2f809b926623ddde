// Resource limits and what they stop; scheduling; prctl, personality and other small calls on the
// process itself; filters of seccomp.
#include "actors.h"
#include "families.h"
#include "limits.h"

#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

static int draw_target(void)
{
    int pid = chance(60) ? 0 : actor_pid(another_actor());
    return chance(3) ? (arg("-1"), -1) : pid;
}

// --- limits ---

static const struct named resources[] = {
    N(RLIMIT_CPU),     N(RLIMIT_FSIZE),  N(RLIMIT_DATA),       N(RLIMIT_STACK),
    N(RLIMIT_CORE),    N(RLIMIT_RSS),    N(RLIMIT_NOFILE),     N(RLIMIT_AS),
    N(RLIMIT_MEMLOCK), N(RLIMIT_LOCKS),  N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE),
    N(RLIMIT_NICE),    N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME),     N(RLIMIT_NPROC),
};

/* That lets the process go on: not too few bytes, nor seconds. */
static uint64_t draw_limit(uint64_t resource)
{
    switch (resource) {
    case RLIMIT_RTTIME:
    case RLIMIT_CPU:
        return (uint64_t)CHOOSE(1000000000, 2000000000, -1);
    case RLIMIT_FSIZE:
        return (uint64_t)CHOOSE(0, 1, 100, 4096, 10000, -1);
    case RLIMIT_STACK:
        return (uint64_t)CHOOSE(1 << 20, 8 << 20, 64 << 20, -1);
    case RLIMIT_DATA:
    case RLIMIT_AS:
        return (uint64_t)CHOOSE(64 << 20, 256 << 20, 1l << 40, -1);
    case RLIMIT_NOFILE:
        return (uint64_t)CHOOSE(0, 30, 62, 64, 256, 1 << 20, (1l << 31) + 1, -1);
    case RLIMIT_MEMLOCK:
        return (uint64_t)CHOOSE(0, 4096, 65536, 1 << 20, -1);
    case RLIMIT_NICE:
        return (uint64_t)CHOOSE(0, 10, 20, 30, 40, 41, -1);
    case RLIMIT_RTPRIO:
        return (uint64_t)CHOOSE(0, 1, 50, 99, 100, -1);
    case RLIMIT_NPROC:
        return (uint64_t)CHOOSE(0, 1, 10000, -1); // LEFT OUT: that count others
    case RLIMIT_SIGPENDING:
        return (uint64_t)CHOOSE(0, 10000, -1); // LEFT OUT: of the whole user
    default:
        return (uint64_t)CHOOSE(0, 1, 4096, 1 << 20, -1);
    }
}

/* LEFT OUT: what the host began with, of which the machine may have another. */
static bool begins_the_same(uint64_t resource)
{
    return resource != RLIMIT_NPROC && resource != RLIMIT_SIGPENDING &&
           resource != RLIMIT_MEMLOCK && resource != RLIMIT_STACK && resource != RLIMIT_MSGQUEUE &&
           resource != RLIMIT_NICE && resource != RLIMIT_RTPRIO;
}

static void same_limits(void)
{
    for (unsigned i = 0; i < COUNT(resources); i++)
        if (!begins_the_same(resources[i].value))
            setrlimit((int)resources[i].value, &(struct rlimit){500, 500});
    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){65536, 100000});
    setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){100000, 200000});
    setrlimit(RLIMIT_STACK, &(struct rlimit){8 << 20, 64 << 20});
    setrlimit(RLIMIT_NICE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_RTPRIO, &(struct rlimit){0, 0});
}

bool limits_setup(void)
{
    signal(SIGXFSZ, SIG_DFL);
    close(creat("/file", 0600));
    actors_start(same_limits);
    return true;
}

static void set_limit(void)
{
    struct rlimit now, old = {7, 7};
    begin("prlimit64");
    uint64_t pid = draw_target();
    uint64_t resource = chance(97) ? ONE(resources) : (uint64_t)CHOOSE(16, -1, 1000);
    now.rlim_cur = draw_limit(resource), now.rlim_max = draw_limit(resource);
    if (chance(70) && now.rlim_max < now.rlim_cur)
        now.rlim_max = now.rlim_cur;
    bool keep = chance(50); // else it can never be raised again
    if (keep)
        now.rlim_max = 0, prlimit((pid_t)pid, (int)resource, NULL, &old),
        now.rlim_max = old.rlim_max;
    struct rlimit *in = chance(95) ? &now : BAD_POINTER;
    end(call(SYS_prlimit64, pid, resource, chance(80) ? in : (arg("NULL"), NULL),
             chance(95) ? &old : BAD_POINTER));
    say(" %ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
}

static void get_limit(void)
{
    struct rlimit old = {7, 7};
    begin("getrlimit");
    uint64_t resource = chance(97) ? ONE(resources) : (uint64_t)CHOOSE(16, -1, 1000);
    end(call(SYS_getrlimit, resource, chance(95) ? &old : BAD_POINTER));
    say(" %ld %ld", (long)old.rlim_cur, (long)old.rlim_max);
}

static void become_user(void)
{
    begin("user");
    int uid = (int)CHOOSE(UID_A, UID_A, UID_B);
    end(call(SYS_setresuid, uid, uid, chance(50) ? uid : -1));
}

// --- what they stop ---

static void shut(long fd)
{
    end(fd < 0 ? fd : 0);
    if (fd >= 0)
        close((int)fd);
}

/* Whether a number that is free is beyond it depends on what is open: these alone. */
static void descriptors(void)
{
    int ends[2] = {-1, -1};
    begin("descriptor");
    switch (below(6)) {
    case 0:
        arg("dup");
        return shut(call(SYS_dup, 2));
    case 1:
        arg("dup2");
        return shut(call(SYS_dup2, 2, CHOOSE(29, 30, 61, 63, 64, 255, 256, -1)));
    case 2:
        arg("F_DUPFD");
        return shut(call(SYS_fcntl, 2, F_DUPFD, CHOOSE(0, 29, 30, 63, 256, -1)));
    case 3:
        arg("open");
        return shut(call(SYS_open, "/file", O_RDONLY));
    case 4:
        arg("pipe");
        end(call(SYS_pipe2, ends, 0));
        if (ends[0] >= 0)
            close(ends[0]), close(ends[1]);
        return;
    default:
        arg("dup3");
        return shut(call(SYS_dup3, 2, CHOOSE(2, 63, 64, 1000), CHOOSE(0, 1)));
    }
}

static void file_size(void)
{
    struct stat st = {0};
    begin("file");
    if (chance(30))
        signal(SIGXFSZ, SIG_IGN), arg("ignored");
    int fd = open("/file", O_RDWR | (chance(30) ? (arg("append"), O_APPEND) : 0));
    long at = CHOOSE(0, 1, 99, 100, 4096, 9999, 20000), n = CHOOSE(1, 100, 5000);
    switch (below(4)) {
    case 0:
        arg("truncate"), end(call(SYS_ftruncate, fd, at));
        break;
    case 1:
        arg("fallocate"), end(call(SYS_fallocate, fd, CHOOSE(0, 1), at, n));
        break;
    case 2:
        arg("truncate by name"), end(call(SYS_truncate, "/file", at));
        break;
    default:
        arg("pwrite"), end(call(SYS_pwrite64, fd, buffer, n, at));
    }
    if (fd >= 0 && fstat(fd, &st) == 0)
        say(" size=%ld", (long)st.st_size);
    close(fd);
}

/* LEFT OUT: how many bytes there are before. Asked for is far less or far more than the limit. */
static void memory(void)
{
    begin("memory");
    size_t n = (size_t)CHOOSE(4096, 1 << 20, 300 << 20, 1l << 41);
    void *at;
    switch (below(4)) {
    case 0:
        at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                  0);
        break;
    case 1:
        arg("shared");
        at = mmap(NULL, n, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        break;
    case 2:
        arg("readable");
        at = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        break;
    default: {
        arg("brk");
        if (n == 300 << 20) // LEFT OUT: what is asked for without NORESERVE has to be there
            n = 64 << 20;
        long was = syscall(SYS_brk, 0), now = syscall(SYS_brk, was + (long)n);
        syscall(SYS_brk, was);
        return end(now == was ? -ENOMEM : 0);
    }
    }
    end(at == MAP_FAILED ? -errno : 0);
    if (at != MAP_FAILED)
        munmap(at, n);
}

static void lock_memory(void)
{
    begin("lock");
    size_t n = (size_t)CHOOSE(1, 4096, 8192, 65536, 1 << 20);
    char *at = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    switch (below(4)) {
    case 0:
        arg("mlock"), end(call(SYS_mlock, at, n));
        break;
    case 1:
        arg("mlock2"), end(call(SYS_mlock2, at + 1, n, CHOOSE(0, 1, 2)));
        break;
    case 2: {
        void *more = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
        arg("MAP_LOCKED"), end(more == MAP_FAILED ? -errno : 0);
        munmap(more, n);
        break;
    }
    default:
        arg("mlockall"), end(call(SYS_mlockall, CHOOSE(0, MCL_FUTURE, MCL_ONFAULT, 8, 6)));
        syscall(SYS_munlockall);
    }
    munmap(at, 2 << 20);
}

static void processes(void)
{
    int status;
    begin("fork");
    long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    end(pid < 0 ? pid : 0);
    if (pid > 0)
        waitpid((pid_t)pid, &status, 0);
}

static void pending(void)
{
    sigset_t set;
    begin("pending");
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 6; i++)
        arg("%d", sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) ? errno : 0);
    arg("%d", kill(getpid(), SIGUSR1) ? errno : 0);
    int got = 0;
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0)
        got++;
    end(got);
}

static void queue(void)
{
    struct mq_attr attr = {.mq_maxmsg = 5, .mq_msgsize = 1000};
    begin("mq_open");
    attr.mq_maxmsg = CHOOSE(1, 5, 10), attr.mq_msgsize = CHOOSE(1, 100, 8192);
    long fd = call(SYS_mq_open, "differ-limits", O_CREAT | O_RDWR | O_EXCL, 0600, &attr);
    shut(fd);
    if (fd >= 0)
        say(" unlink=%ld", call(SYS_mq_unlink, "differ-limits"));
}

// --- priorities and policies ---

static const struct named policies[] = {N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR),
                                        N(SCHED_BATCH), N(SCHED_IDLE), N(6 /* DEADLINE */),
                                        N(4),           N(7),          N(-1)};

static void priority(void)
{
    begin("priority");
    long which = chance(90) ? (arg("process"), PRIO_PROCESS) : CHOOSE(3, -1, 7);
    int pid = draw_target();
    if (chance(50))
        return end(call(SYS_getpriority, which, pid));
    end(call(SYS_setpriority, which, pid, CHOOSE(0, 1, 5, 19, 20, -1, -20, -21, 100)));
    say(" %ld", call(SYS_getpriority, PRIO_PROCESS, pid));
}

static void scheduler(void)
{
    struct sched_param param = {.sched_priority = 77};
    long r;
    begin("sched");
    int pid = draw_target();
    switch (below(6)) {
    case 0:
    case 1: {
        uint64_t policy = ONE(policies);
        if (chance(30))
            policy |= SCHED_RESET_ON_FORK, arg("RESET_ON_FORK");
        param.sched_priority = (int)CHOOSE(0, 0, 1, 50, 99, 100, -1);
        arg("setscheduler");
        end(call(SYS_sched_setscheduler, pid, policy, chance(97) ? &param : NULL));
        break;
    }
    case 2:
        param.sched_priority = (int)CHOOSE(0, 1, 99, 100);
        arg("setparam"), end(call(SYS_sched_setparam, pid, &param));
        break;
    case 3:
        arg("getparam"), end(call(SYS_sched_getparam, pid, chance(95) ? &param : NULL));
        return say(" %d", param.sched_priority);
    case 4: {
        struct timespec t = {-1, -1};
        arg("rr_get_interval");
        r = call(SYS_sched_rr_get_interval, pid, chance(95) ? &t : BAD_POINTER);
        end(r);
        // LEFT OUT: the slice of others than SCHED_RR, which follows from the processors
        if (r == 0 && (call(SYS_sched_getscheduler, pid) & 15) == SCHED_RR)
            say(" %ld.%09ld", (long)t.tv_sec, t.tv_nsec);
        return;
    }
    default: {
        uint64_t policy = ONE(policies);
        arg("limits");
        end(call(SYS_sched_get_priority_max, policy));
        say(" %ld", call(SYS_sched_get_priority_min, policy));
    }
    }
    say(" %ld", call(SYS_sched_getscheduler, pid));
}

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
    uint64_t more;
};

static void attributes(void)
{
    static const struct named flags[] = {N(1), N(2), N(4), N(8), N(16), N(0x80)};
    struct attr a = {.size = 48};
    begin("sched_setattr");
    int pid = draw_target();
    if (chance(50)) {
        a.policy = (uint32_t)ONE(policies), a.flags = SOME(flags, 2);
        if (a.policy == 6)
            a.flags &= ~0x10ul; // LEFT OUT: KEEP_PARAMS of what has none of these yet
        a.nice = (int)CHOOSE(0, 0, 5, -5, 19, 100, -100);
        a.priority = (uint32_t)CHOOSE(0, 0, 1, 99, 100);
        if (a.policy == 6 || chance(10))
            a.runtime =
                (uint64_t)CHOOSE(0, 1000), // LEFT OUT: what other programs may have reserved
                a.deadline = (uint64_t)CHOOSE(0, 10000000, 20000000),
            a.period = (uint64_t)CHOOSE(0, 20000000, 30000000);
        if (chance(15))
            a.size = (uint32_t)CHOOSE(0, 47, 48, 56, 64, 4096, 5000, 1);
        if (chance(10))
            a.more = 1, a.size = 64;
        end(call(SYS_sched_setattr, pid, chance(97) ? &a : NULL, chance(97) ? 0 : 1));
        say(" size=%u", a.size);
    }
    memset(&a, 0x55, sizeof(a));
    long size = chance(80) ? 48 : CHOOSE(0, 47, 48, 56, 64, 4096, 4097);
    if (size > (long)sizeof(a))
        return end(call(SYS_sched_getattr, pid, buffer, size, 0));
    long r = call(SYS_sched_getattr, pid, &a, size, chance(97) ? 0 : 1);
    end(r);
    if (r == 0) // LEFT OUT: the slice of normal policies (runtime); clamps
        say(" size=%u policy=%u flags=%#lx nice=%d priority=%u %lu %lu", a.size > 48, a.policy,
            a.flags & ~0x60ul, a.nice, a.priority, a.deadline, a.period);
}

/* Masks of all that there are, by sizes that are odd. LEFT OUT: how many processors there are. */
static void affinity(void)
{
    uint64_t mask[64] = {0};
    begin("affinity");
    int pid = draw_target();
    size_t size = (size_t)CHOOSE(0, 1, 4, 7, 8, 9, 12, 16, 128, 512, -1);
    if (chance(50)) {
        long r = call(SYS_sched_getaffinity, pid, size, chance(95) ? mask : BAD_POINTER);
        return end(r < 0 ? r : 0);
    }
    memset(mask, 0xff, sizeof(mask));
    if (chance(30))
        memset(mask, 0, sizeof(mask)), mask[0] = (uint64_t)CHOOSE(1, 0), mask[63] = 1ull << 63;
    if (size == 1 && chance(50))
        mask[0] &= ~0xffull;
    end(call(SYS_sched_setaffinity, pid, size > sizeof(mask) ? sizeof(mask) : size,
             chance(95) ? mask : BAD_POINTER));
}

static void io_priority(void)
{
    begin("ioprio");
    long which = CHOOSE(1, 1, 1, 0, 4, -1);
    int pid = draw_target();
    if (chance(50)) {
        long value = CHOOSE(0, 0x2000, 0x2004, 0x2007, 0x4000, 0x4004, 0x4007, 0x4008, 0x6000,
                            0x6007, 0x8000, 4, 7, -1, 0x4204);
        end(call(SYS_ioprio_set, which, pid, value));
    }
    end(call(SYS_ioprio_get, which, pid));
}

/* What a child begins with. */
static void inherits(void)
{
    struct attr a = {.size = 48};
    int status, ends[2];
    char text[200] = "";
    begin("child");
    if (pipe(ends) != 0)
        return end(-errno);
    long pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        syscall(SYS_sched_getattr, 0, &a, 48, 0);
        int n = sprintf(text, "%u %#lx %d %u %ld %ld %d", a.policy, a.flags & ~0x60ul, a.nice,
                        a.priority, syscall(SYS_ioprio_get, 1, 0), syscall(SYS_personality, -1),
                        prctl(PR_GET_DUMPABLE)); // LEFT OUT: the timer slack of real-time tasks
        _exit(write(ends[1], text, n) != n);
    }
    close(ends[1]);
    if (pid > 0 && read(ends[0], text, sizeof(text) - 1) > 0)
        arg("%s", text);
    close(ends[0]);
    end(pid < 0 ? pid : 0);
    if (pid > 0)
        waitpid((pid_t)pid, &status, 0);
}

static const struct op limit_ops[] = {
    {set_limit, 30}, {get_limit, 4},   {become_user, 1}, {descriptors, 8}, {file_size, 10},
    {memory, 8},     {lock_memory, 8}, {processes, 4},   {pending, 4},     {queue, 4},
    {priority, 10},  {scheduler, 16},  {attributes, 12}, {affinity, 6},    {io_priority, 6},
    {inherits, 4},   {NULL, 0},
};

static void limit(void)
{
    run_one(limit_ops);
}

static void small(void)
{
    run_one(control_ops);
}

static void op_limit(void)
{
    actor_does(limit);
}

static void op_small(void)
{
    actor_does(small);
}

static void op_filter(void)
{
    actor_does(filter_one);
}

const struct op limits_ops[] = {
    {op_limit, 60}, {op_small, 40}, {op_filter, 10}, {actor_leaves, 5}, {NULL, 0},
};
