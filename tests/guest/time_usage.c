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

enum { WORK_US = 300000 };

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

/* --- promises --- */

static void in_program(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;

    work_in_program(WORK_US);
    after = usage_of(RUSAGE_SELF);
    CHECK(used(&after) - used(&before) >= WORK_US - 20000);
    CHECK(micro(after.ru_utime) - micro(before.ru_utime) > WORK_US / 2);
}

static void in_kernel(void)
{
    struct rusage before = usage_of(RUSAGE_THREAD), after;

    work_in_kernel(2 * WORK_US);
    after = usage_of(RUSAGE_THREAD);
    CHECK(micro(after.ru_stime) - micro(before.ru_stime) > WORK_US / 2);
}

static void agree(void)
{
    struct rusage before = usage_of(RUSAGE_SELF), after;
    long cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    struct tms tms;

    after = usage_of(RUSAGE_SELF);
    CHECK(used(&before) <= cpu + 10000 && cpu <= used(&after) + 10000);
    CHECK(times(&tms) != (clock_t)-1);
    CHECK(tms.tms_utime + tms.tms_stime <= cpu / 10000 + 3);
    CHECK(tms.tms_utime + tms.tms_stime >= cpu / 10000 - 3);
    for (int i = 0; i < 1000; i++) {
        after = usage_of(RUSAGE_SELF);
        CHECK(micro(after.ru_utime) >= micro(before.ru_utime));
        CHECK(micro(after.ru_stime) >= micro(before.ru_stime));
        before = after;
    }
}

static void of_children(void)
{
    struct rusage before = usage_of(RUSAGE_CHILDREN), after, child;
    struct tms tms;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        work_in_program(WORK_US);
        work_in_kernel(WORK_US);
        _exit(0);
    }
    NEED(wait4(pid, &status, 0, &child) == pid);
    after = usage_of(RUSAGE_CHILDREN);
    CHECK(used(&child) >= 2 * WORK_US - 40000);
    CHECK(micro(child.ru_utime) > WORK_US / 4 && micro(child.ru_stime) > WORK_US / 4);
    CHECK(used(&after) - used(&before) >= 2 * WORK_US - 40000);
    times(&tms);
    CHECK(tms.tms_cutime > WORK_US / 40000 && tms.tms_cstime > WORK_US / 40000);
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
    struct rusage usage = usage_of(RUSAGE_SELF);
    long ticks[2];

    proc_stat(ticks);
    CHECK(labs(ticks[0] - micro(usage.ru_utime) / 10000) <= 3);
    CHECK(labs(ticks[1] - micro(usage.ru_stime) / 10000) <= 3);
}

static atomic_int alarms;

static void on_alarm(int signo)
{
    (void)signo;
    atomic_fetch_add(&alarms, 1);
}

/* The timer counts program time only: in the kernel it hardly moves. */
static void virtual_timer(void)
{
    struct itimerval set = {{0, 0}, {10, 0}}, left;

    signal(SIGVTALRM, on_alarm);
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &set, NULL), 0);
    work_in_program(WORK_US);
    CHECK_EQ(getitimer(ITIMER_VIRTUAL, &left), 0);
    CHECK(micro(left.it_value) < 10000000 - WORK_US / 2);
    set.it_value = (struct timeval){0, 50000};
    atomic_store(&alarms, 0);
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &set, NULL), 0);
    for (int i = 0; i < 100 && !atomic_load(&alarms); i++)
        work_in_program(20000);
    CHECK_EQ(atomic_load(&alarms), 1);
}

static void profiling_timer(void)
{
    struct itimerval set = {{0, 20000}, {0, 20000}}, off = {};

    signal(SIGPROF, on_alarm);
    atomic_store(&alarms, 0);
    CHECK_EQ(setitimer(ITIMER_PROF, &set, NULL), 0);
    work_in_kernel(WORK_US);
    CHECK_EQ(setitimer(ITIMER_PROF, &off, NULL), 0);
    CHECK(atomic_load(&alarms) >= 3);
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

/* Two or more threads that run all the time raise the average over a minute. */
static atomic_bool load_stop;

static void *run(void *arg)
{
    while (!atomic_load(&load_stop))
        ;
    return arg;
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
    for (int i = 0; i < 11; i++) {
        sleep(1);
        sysinfo(&after);
        if (after.loads[0] > before.loads[0])
            break;
    }
    atomic_store(&load_stop, true);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK(after.loads[0] > before.loads[0]);
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
