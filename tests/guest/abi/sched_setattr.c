/* man 2 sched_setattr, sched_getattr: every policy; what SCHED_DEADLINE reserves, refuses and
 * enforces. */
// cpus: 1 2
#include "check.h"
#include "sched_attr.h"
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { DEADLINE = 6, FIRST_SIZE = 48, RESET = 1, OVERRUN = 4, KEEP_POLICY = 8, KEEP_PARAMS = 16 };

static long set(struct attr *attr)
{
    return syscall(SYS_sched_setattr, 0, attr, 0);
}

static long get(struct attr *attr)
{
    return syscall(SYS_sched_getattr, 0, attr, sizeof(*attr), 0);
}

static struct attr deadline(uint64_t runtime_us, uint64_t deadline_us, uint64_t period_us)
{
    return (struct attr){.size = sizeof(struct attr),
                         .policy = DEADLINE,
                         .runtime = runtime_us * 1000,
                         .deadline = deadline_us * 1000,
                         .period = period_us * 1000};
}

static int normal(void)
{
    struct attr attr = {.size = FIRST_SIZE};

    return (int)set(&attr);
}

static void each_policy(void)
{
    static const uint32_t policies[] = {SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_OTHER};

    for (int i = 0; i < 5; i++) {
        bool rt = policies[i] == SCHED_FIFO || policies[i] == SCHED_RR;
        struct attr attr = {.size = FIRST_SIZE, .policy = policies[i]}, now = {};

        attr.priority = rt ? 7 : 0;
        attr.nice = rt ? 0 : 3;
        if (set(&attr) != 0 && errno == EPERM)
            SKIP("no real-time priorities here");
        CHECK_EQ(get(&now), 0);
        CHECK(now.size >= FIRST_SIZE);
        CHECK_EQ(now.policy, policies[i]);
        CHECK_EQ(now.priority, attr.priority);
        CHECK_EQ(now.nice, attr.nice);
        CHECK_EQ(sched_getscheduler(0), policies[i]);
    }
    CHECK_EQ(normal(), 0);
}

static void keeping(void)
{
    struct attr attr = {.size = FIRST_SIZE, .nice = 5}, now;

    CHECK_EQ(set(&attr), 0);
    attr = (struct attr){.size = FIRST_SIZE, .policy = SCHED_BATCH, .flags = KEEP_PARAMS};
    CHECK_EQ(set(&attr), 0);
    get(&now);
    CHECK_EQ(now.policy, SCHED_OTHER); /* the policy counts as a parameter */
    CHECK_EQ(now.nice, 5);
    attr =
        (struct attr){.size = FIRST_SIZE, .policy = SCHED_BATCH, .flags = KEEP_POLICY, .nice = 2};
    CHECK_EQ(set(&attr), 0);
    get(&now);
    CHECK_EQ(now.policy, SCHED_OTHER);
    CHECK_EQ(now.nice, 2);
    CHECK_EQ(normal(), 0);
}

static void errors(void)
{
    struct attr attr = {.size = 40}, more[2] = {{.size = 2 * sizeof(struct attr)}};

    CHECK_ERRNO(set(&attr), E2BIG);
    CHECK(attr.size >= sizeof(attr));
    more[1].size = 1;
    CHECK_ERRNO(set(more), E2BIG);
    more[0].size = 2 * sizeof(struct attr);
    more[1].size = 0;
    CHECK_EQ(set(more), 0); /* zeros beyond what the kernel knows */
    attr = (struct attr){.size = FIRST_SIZE, .policy = 4};
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = (struct attr){.size = FIRST_SIZE, .flags = 1 << 20};
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = (struct attr){.size = FIRST_SIZE, .priority = 1};
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = (struct attr){.size = FIRST_SIZE, .policy = SCHED_FIFO};
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = (struct attr){.size = FIRST_SIZE, .policy = SCHED_FIFO, .priority = 100};
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = (struct attr){.size = FIRST_SIZE, .flags = 0x20};
    CHECK_ERRNO(set(&attr), EINVAL); /* clamps do not fit */
    CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attr, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setattr, -1, &attr, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
    attr = (struct attr){.size = FIRST_SIZE};
    CHECK_ERRNO(syscall(SYS_sched_setattr, 0x3ffffff, &attr, 0), ESRCH);
    CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attr, 47, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attr, 8192, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attr, FIRST_SIZE, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sched_getattr, 0x3ffffff, &attr, FIRST_SIZE, 0), ESRCH);
}

static bool deadlines_work(void)
{
    struct attr attr = deadline(10000, 100000, 100000);

    return set(&attr) == 0 && normal() == 0;
}

static void deadline_values(void)
{
    struct attr attr = deadline(10000, 20000, 40000), now = {};

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    CHECK_EQ(set(&attr), 0);
    CHECK_EQ(get(&now), 0);
    CHECK_EQ(now.policy, DEADLINE);
    CHECK_EQ(now.runtime, 10000000);
    CHECK_EQ(now.deadline, 20000000);
    CHECK_EQ(now.period, 40000000);
    CHECK_EQ(sched_getscheduler(0), DEADLINE);
    attr = deadline(5000, 20000, 0); /* the period is the deadline */
    CHECK_EQ(set(&attr), 0);
    get(&now);
    CHECK_EQ(now.period, 20000000);
    CHECK_EQ(normal(), 0);
}

static void deadline_errors(void)
{
    struct attr attr;
    cpu_set_t one, all;

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    attr = deadline(10000, 0, 0);
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(1, 20000, 20000); /* 1000 ns are too little */
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(20001, 20000, 20000);
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(10000, 20000, 19999);
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(10, 50, 50); /* below sched_deadline_period_min_us */
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(10000, 5000000, 5000000); /* above ..._max_us */
    CHECK_ERRNO(set(&attr), EINVAL);
    attr = deadline(10000, 20000, 20000);
    attr.priority = 1;
    CHECK_ERRNO(set(&attr), EINVAL);
    sched_getaffinity(0, sizeof(all), &all);
    if (CPU_COUNT(&all) < 2)
        return;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof(one), &one);
    attr = deadline(10000, 100000, 100000);
    CHECK_ERRNO(set(&attr), EPERM); /* it must be allowed everywhere */
    sched_setaffinity(0, sizeof(all), &all);
    CHECK_EQ(set(&attr), 0);
    CHECK_ERRNO(sched_setaffinity(0, sizeof(one), &one), EBUSY);
    CHECK_EQ(normal(), 0);
}

/* Children reserve four fifths of a CPU each: not as many as twice the CPUs. */
static void admission(void)
{
    int ncpus = (int)sysconf(_SC_NPROCESSORS_ONLN), admitted = 0, busy = 0;
    int children = ncpus < 64 ? 2 * ncpus : 128;
    struct attr attr = deadline(80000, 100000, 100000);
    pid_t pids[128];
    int fds[2], hold[2];

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    NEED(pipe(fds) == 0 && pipe(hold) == 0);
    for (int i = 0; i < children; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char c = set(&attr) == 0 ? 'y' : errno == EBUSY ? 'b' : '?';

            close(hold[1]);
            if (write(fds[1], &c, 1) != 1 || read(hold[0], &c, 1) != 0)
                _exit(1);
            _exit(0);
        }
    }
    for (int i = 0; i < children; i++) {
        char c = '?';

        CHECK_EQ(read(fds[0], &c, 1), 1);
        admitted += c == 'y';
        busy += c == 'b';
    }
    close(hold[1]);
    for (int i = 0; i < children; i++)
        waitpid(pids[i], NULL, 0);
    CHECK(admitted >= ncpus && busy > 0);
    CHECK_EQ(admitted + busy, children);
    for (int i = 0; i < 30000 && set(&attr) != 0; i++)
        sleep_ms(1);
    CHECK_EQ(sched_getscheduler(0), DEADLINE); /* they have gone: there is room again */
    CHECK_EQ(normal(), 0);
    close(fds[0]);
    close(fds[1]);
    close(hold[0]);
}

static int64_t cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static volatile sig_atomic_t overruns;

static void on_overrun(int signo)
{
    overruns += signo == SIGXCPU;
}

/* A loop gets 20 ms in each 100 ms, though nobody else wants the CPU. */
static void enforcement(void)
{
    struct attr attr = deadline(20000, 100000, 100000);
    int64_t begin, used, passed;

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    signal(SIGXCPU, on_overrun);
    attr.flags = OVERRUN;
    CHECK_EQ(set(&attr), 0);
    /* Again where a virtual CPU stood still while it was given to the loop: that counts as used. */
    for (int i = 0; i < 10; i++) {
        begin = now_ns();
        used = cpu_ns();
        while (now_ns() - begin < 1000ll * MS)
            ;
        used = cpu_ns() - used;
        passed = now_ns() - begin;
        if (used * 100 <= passed * 35)
            break;
    }
    CHECK_EQ(normal(), 0);
    CHECK(used * 100 <= passed * 35);
    CHECK(overruns > 0);
}

static void yielding(void)
{
    struct attr attr = deadline(20000, 50000, 50000);
    int64_t begin;
    int periods = 0;

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    CHECK_EQ(set(&attr), 0);
    sched_yield();
    for (begin = now_ns(); now_ns() - begin < 400ll * MS; periods++)
        sched_yield(); /* until the next period */
    CHECK(periods <= 400 / 50 + 2);
    CHECK_EQ(normal(), 0);
}

static void forking(void)
{
    struct attr attr = deadline(10000, 100000, 100000);
    int status;
    pid_t pid;

    if (!deadlines_work())
        SKIP("no SCHED_DEADLINE here");
    CHECK_EQ(set(&attr), 0);
    CHECK_ERRNO(fork(), EAGAIN);
    attr.flags = RESET;
    CHECK_EQ(set(&attr), 0);
    CHECK_EQ(sched_getscheduler(0), DEADLINE | SCHED_RESET_ON_FORK);
    pid = fork();
    if (pid == 0)
        _exit(sched_getscheduler(0) == SCHED_OTHER ? 0 : 1);
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(normal(), 0);
}

static void rights(void)
{
    struct attr attr = deadline(10000, 100000, 100000), idle = {.size = FIRST_SIZE};
    struct rlimit limit = {0, 0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_RTPRIO, &limit);
        setrlimit(RLIMIT_NICE, &limit);
        if (setuid(65534) != 0)
            _exit(77);
        CHECK_ERRNO(set(&attr), EPERM);
        attr = (struct attr){.size = FIRST_SIZE, .policy = SCHED_FIFO, .priority = 1};
        CHECK_ERRNO(set(&attr), EPERM);
        attr = (struct attr){.size = FIRST_SIZE, .nice = -1};
        CHECK_ERRNO(set(&attr), EPERM);
        attr = (struct attr){.size = FIRST_SIZE, .flags = RESET};
        CHECK_EQ(set(&attr), 0);
        attr.flags = 0;
        CHECK_ERRNO(set(&attr), EPERM); /* once set it stays */
        idle.policy = SCHED_IDLE;
        idle.flags = RESET;
        CHECK_EQ(set(&idle), 0);
        attr.flags = RESET;
        CHECK_ERRNO(set(&attr), EPERM); /* out of SCHED_IDLE */
        _exit(atomic_load(&check_failed_here));
    }
    waitpid(pid, &status, 0);
    CHECK(status == 0 || WEXITSTATUS(status) == 77);
}

int main(void)
{
    promise("each policy is set and told", each_policy);
    promise("SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_KEEP_PARAMS", keeping);
    promise("errors are the documented ones", errors);
    promise("SCHED_DEADLINE keeps its values", deadline_values);
    promise("SCHED_DEADLINE refuses what makes no sense", deadline_errors);
    promise("no more is reserved than there is", admission);
    promise("a thread gets no more than it has reserved, and SIGXCPU", enforcement);
    promise("sched_yield ends the period", yielding);
    promise("fork shares no reservation", forking);
    promise("without rights", rights);
    return check_end();
}
