/* man 2 getrusage, times, setitimer: what a process has used, in its own code and in the kernel's.
 */
// cpus: 1 2
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>

enum {
    WORK_US = 300000,
    PATIENCE_US =
        20000000 /* CPU time: what is sampled by a tick may miss most of it on a busy host */
};

static long micro(struct timeval tv)
{
    return tv.tv_sec * 1000000 + tv.tv_usec;
}

static struct rusage usage_of(int who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return usage;
}

static long used(const struct rusage *usage)
{
    return micro(usage->ru_utime) + micro(usage->ru_stime);
}

static long clock_us(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* CPU time spent here, in the program's code. */
static void work_in_program(long us)
{
    static volatile long sink;
    long end = clock_us(CLOCK_THREAD_CPUTIME_ID) + us;

    do
        for (int i = 0; i < 1000000; i++)
            sink += i;
    while (clock_us(CLOCK_THREAD_CPUTIME_ID) < end);
}

/* The same in the kernel's. */
static void work_in_kernel(long us)
{
    static char buf[1 << 20];
    int fd = open("/dev/zero", O_RDONLY);
    long end = clock_us(CLOCK_THREAD_CPUTIME_ID) + us;

    do
        for (int i = 0; i < 16; i++)
            CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
    while (clock_us(CLOCK_THREAD_CPUTIME_ID) < end);
    close(fd);
}

static long user_us(int who)
{
    return micro(usage_of(who).ru_utime);
}

static long system_us(int who)
{
    return micro(usage_of(who).ru_stime);
}

/* Work until a clock of who's has gone on by us; false: it does not. The share of user and system
 * time is sampled, so how much work that takes is not said. */
static bool work_until(void (*work)(long us), long (*clock)(int who), int who, long us)
{
    long end = clock(who) + us, last = clock_us(CLOCK_THREAD_CPUTIME_ID) + PATIENCE_US;

    while (clock(who) < end && clock_us(CLOCK_THREAD_CPUTIME_ID) < last)
        work(20000);
    return clock(who) >= end;
}

/* --- promises --- */

static void in_program(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;

    work_in_program(WORK_US);
    after = usage_of(RUSAGE_SELF);
    CHECK(used(&after) - used(&before) >= WORK_US - 20000);
    CHECK(work_until(work_in_program, user_us, RUSAGE_SELF, WORK_US / 2));
}

static void in_kernel(void)
{
    CHECK(work_until(work_in_kernel, system_us, RUSAGE_THREAD, WORK_US / 2));
}

static void agree(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;
    long cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    struct tms tms;

    after = usage_of(RUSAGE_SELF);
    CHECK(used(&before) <= cpu + 10000 && cpu <= used(&after) + 10000);
    CHECK(times(&tms) != (clock_t)-1);
    CHECK(tms.tms_utime + tms.tms_stime >= cpu / 10000 - 3);
    cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    CHECK(tms.tms_utime + tms.tms_stime <= cpu / 10000 + 3);
    for (int i = 0; i < 1000; i++) {
        after = usage_of(RUSAGE_SELF);
        CHECK(micro(after.ru_utime) >= micro(before.ru_utime));
        CHECK(micro(after.ru_stime) >= micro(before.ru_stime));
        before = after;
    }
}

/* What the child has used, by its own clocks, shortly before its end. */
static void work_and_tell(int fd)
{
    struct rusage usage;
    bool moved = work_until(work_in_program, user_us, RUSAGE_SELF, WORK_US) &&
                 work_until(work_in_kernel, system_us, RUSAGE_SELF, WORK_US);

    usage = usage_of(RUSAGE_SELF);
    if (moved)
        CHECK_EQ(write(fd, &usage, sizeof(usage)), sizeof(usage));
    _exit(0);
}

static void of_children(void)
{
    struct rusage before = usage_of(RUSAGE_CHILDREN), after, child, told;
    struct tms tms;
    int status, fd[2];
    pid_t pid;

    NEED(pipe(fd) == 0);
    pid = fork();
    if (pid == 0)
        work_and_tell(fd[1]);
    close(fd[1]);
    NEED(read(fd[0], &told, sizeof(told)) == sizeof(told));
    close(fd[0]);
    NEED(wait4(pid, &status, 0, &child) == pid);
    after = usage_of(RUSAGE_CHILDREN);
    CHECK(used(&child) >= 2 * WORK_US);
    CHECK(used(&child) >= used(&told));
    CHECK(micro(child.ru_utime) >= micro(told.ru_utime));
    CHECK(micro(child.ru_stime) >= micro(told.ru_stime));
    CHECK(used(&after) - used(&before) >= used(&told));
    times(&tms);
    CHECK(tms.tms_cutime >= WORK_US / 10000 && tms.tms_cstime >= WORK_US / 10000);
}

/* utime and stime of /proc/self/stat, in ticks. */
static void proc_stat(long out[2])
{
    char text[1024] = "";
    FILE *f = fopen("/proc/self/stat", "r");

    out[0] = out[1] = -1;
    if (f && fgets(text, sizeof(text), f))
        sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
               &out[0], &out[1]);
    if (f)
        fclose(f);
}

static void in_proc(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;
    long ticks[2];

    proc_stat(ticks);
    after = usage_of(RUSAGE_SELF);
    CHECK(ticks[0] >= micro(before.ru_utime) / 10000 - 3);
    CHECK(ticks[0] <= micro(after.ru_utime) / 10000 + 3);
    CHECK(ticks[1] >= micro(before.ru_stime) / 10000 - 3);
    CHECK(ticks[1] <= micro(after.ru_stime) / 10000 + 3);
}

static atomic_int alarms;

static void on_alarm(int signo)
{
    (void)signo;
    atomic_fetch_add(&alarms, 1);
}

/* What an interval timer has counted down of its ten seconds. */
static long counted_us(int which)
{
    struct itimerval left;

    getitimer(which, &left);
    return 10000000 - micro(left.it_value);
}

/* Work until so many alarms have come; false: they do not. */
static bool work_until_alarms(void (*work)(long us), int n)
{
    long last = clock_us(CLOCK_THREAD_CPUTIME_ID) + PATIENCE_US;

    while (atomic_load(&alarms) < n && clock_us(CLOCK_THREAD_CPUTIME_ID) < last)
        work(20000);
    return atomic_load(&alarms) >= n;
}

/* The timer counts program time only. */
static void virtual_timer(void)
{
    struct itimerval set = {{0, 0}, {10, 0}};

    signal(SIGVTALRM, on_alarm);
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &set, NULL), 0);
    CHECK(work_until(work_in_program, counted_us, ITIMER_VIRTUAL, WORK_US / 2));
    set.it_value = (struct timeval){0, 50000};
    atomic_store(&alarms, 0);
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &set, NULL), 0);
    CHECK(work_until_alarms(work_in_program, 1));
    CHECK_EQ(atomic_load(&alarms), 1);
}

static void profiling_timer(void)
{
    struct itimerval set = {{0, 20000}, {0, 20000}}, off = {};

    signal(SIGPROF, on_alarm);
    atomic_store(&alarms, 0);
    CHECK_EQ(setitimer(ITIMER_PROF, &set, NULL), 0);
    CHECK(work_until_alarms(work_in_kernel, 3));
    CHECK_EQ(setitimer(ITIMER_PROF, &off, NULL), 0);
}

static void counts(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;
    enum { SIZE = 64 << 12 };
    char *p = malloc(SIZE * 4);

    for (int i = 0; i < 5; i++)
        sleep_ms(20);
    for (int i = 0; p && i < SIZE * 4; i += 4096)
        ((volatile char *)p)[i] = 1;
    after = usage_of(RUSAGE_SELF);
    CHECK(after.ru_nvcsw > before.ru_nvcsw);
    CHECK(after.ru_minflt > before.ru_minflt);
    CHECK(after.ru_maxrss > 0);
    free(p);
    CHECK_ERRNO(getrusage(7, &after), EINVAL);
    CHECK_ERRNO(getrusage(RUSAGE_SELF, (void *)1), EFAULT);
}

/* Eight threads that run all the time pull the average over a minute towards eight. */
static atomic_bool load_stop;

static void *run(void *arg)
{
    while (!atomic_load(&load_stop))
        ;
    return arg;
}

/* It falls towards eight where others made it higher. */
static bool rises(const struct sysinfo *before, const struct sysinfo *after)
{
    return after->loads[0] > before->loads[0] || after->loads[0] > 7 << 16;
}

static void load(void)
{
    struct sysinfo before, after;
    double shown = -1;
    pthread_t threads[8];
    FILE *f;

    NEED(sysinfo(&before) == 0);
    for (int i = 0; i < 8; i++)
        NEED(pthread_create(&threads[i], NULL, run, NULL) == 0);
    /* A period of five seconds at whose end the virtual CPU stood still is taken for an idle one.
     */
    for (int i = 0; i < 150; i++) {
        sleep(1);
        sysinfo(&after);
        if (rises(&before, &after))
            break;
    }
    atomic_store(&load_stop, true);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK(rises(&before, &after));
    if (inside_osprey()) /* elsewhere others work too */
        CHECK(after.loads[0] < 4 << 16);
    f = fopen("/proc/loadavg", "r");
    CHECK(f && fscanf(f, "%lf", &shown) == 1);
    CHECK(shown >= 0.01);
    if (f)
        fclose(f);
}

int main(void)
{
    promise("time in the program's code is user time", in_program);
    promise("time in the kernel is system time", in_kernel);
    promise("the clocks agree, and nothing goes back", agree);
    promise("children's times come with waiting for them", of_children);
    promise("/proc/self/stat tells the same", in_proc);
    promise("ITIMER_VIRTUAL counts time in the program", virtual_timer);
    promise("ITIMER_PROF counts all of it", profiling_timer);
    promise("faults and switches are counted", counts);
    promise("the load average follows the load", load);
    return check_end();
}
