// cpus: 1 4
/* Scheduling: preemption, fairness, affinity, policies, order of sleepers. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static atomic_bool stop;

static void pin_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

/* What a spinner was given: nanoseconds, and how often it was preempted. */
struct share {
    long ns, turns;
};

static pthread_barrier_t spinners; /* where they wait for each other before they spin */

/* Spin on CPU 0 until told to stop; arg: struct share. Not how far it came: a virtual CPU that its
 * host keeps waiting takes the time of whoever runs just then. */
static void *spin(void *arg)
{
    struct share *share = arg;
    struct timespec used;
    struct rusage before, usage;

    pin_to(0);
    pthread_barrier_wait(&spinners);
    getrusage(RUSAGE_THREAD, &before);
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        ;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    getrusage(RUSAGE_THREAD, &usage);
    share->ns = used.tv_sec * 1000000000 + used.tv_nsec;
    share->turns = usage.ru_nivcsw - before.ru_nivcsw;
    return NULL;
}

static int online_cpus(void)
{
    cpu_set_t set;

    sched_getaffinity(0, sizeof set, &set);
    return CPU_COUNT(&set);
}

/* Let threads run until each has used so much of a CPU. */
static void until_used(const pthread_t *threads, int n, int64_t ns)
{
    for (int i = 0; i < n; i++) {
        struct timespec used = {0, 0};
        clockid_t clock;

        NEED(pthread_getcpuclockid(threads[i], &clock) == 0);
        while (used.tv_sec * 1000000000LL + used.tv_nsec < ns) {
            sleep_ms(10);
            NEED(clock_gettime(clock, &used) == 0);
        }
    }
}

/* Spinning threads on one CPU are preempted and share it; the main thread sleeps meanwhile, and
 * wakes. */
static void spinners_share_one_cpu(void)
{
    static struct share shares[4];
    pthread_t threads[4];
    long least = -1, most = 0;

    atomic_store(&stop, false);
    NEED(pthread_barrier_init(&spinners, NULL, 4) == 0);
    for (int i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, spin, &shares[i]) == 0);
    until_used(threads, 4, 200 * MS);
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) {
        long turns = shares[i].turns;

        CHECK(shares[i].ns > 0);
        if (least < 0 || turns < least)
            least = turns;
        if (turns > most)
            most = turns;
    }
    CHECK(least > 0);
    CHECK(least > most / 4);
}

static void *spin_nice(void *arg)
{
    CHECK_EQ(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 15), 0);
    return spin(arg);
}

static void nice_gets_less(void)
{
    static struct share shares[2];
    pthread_t threads[2];

    NEED(pthread_barrier_init(&spinners, NULL, 2) == 0);
    /* Again where a virtual CPU that stood still while the nice one had it spoiled the measure. */
    for (int i = 0; i < 5 && shares[0].ns <= 3 * shares[1].ns; i++) {
        atomic_store(&stop, false);
        NEED(pthread_create(&threads[0], NULL, spin, &shares[0]) == 0);
        NEED(pthread_create(&threads[1], NULL, spin_nice, &shares[1]) == 0);
        until_used(threads, 1, 900 * MS);
        atomic_store(&stop, true);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        CHECK(shares[1].ns > 0);
    }
    CHECK(shares[0].ns > 3 * shares[1].ns); /* 28 to 1 by weight */
}

static void *spin_until(void *arg)
{
    while (!atomic_load((atomic_bool *)arg))
        ;
    return NULL;
}

/* The spinner does not enter the kernel; only preemption lets the other thread go on. */
static void spinning_is_preempted(void)
{
    atomic_bool flag = false;
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        NEED(pthread_create(&threads[i], NULL, spin_until, &flag) == 0);
    sleep_ms(20);
    atomic_store(&flag, true);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void affinity(void)
{
    cpu_set_t all, set;
    int n = online_cpus();

    CHECK(n >= 1);
    CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        pin_to(cpu);
        CHECK_EQ(sched_getcpu(), cpu);
        CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
        CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set));
    }
    CHECK_EQ(sched_setaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&set);
    CHECK_ERRNO(sched_setaffinity(0, sizeof set, &set), EINVAL);
    CHECK_ERRNO(sched_setaffinity(999999, sizeof all, &all), ESRCH);
    CHECK_ERRNO(sched_getaffinity(0, 1, &set), EINVAL);
    CHECK_EQ(sysconf(_SC_NPROCESSORS_ONLN) >= n, 1);
}

static void *which_cpu(void *arg)
{
    while (!atomic_load(&stop))
        atomic_fetch_or((_Atomic unsigned long *)arg, 1UL << (sched_getcpu() & 63));
    return NULL;
}

static void load_spreads(void)
{
    _Atomic unsigned long seen = 0;
    int n = online_cpus();
    pthread_t threads[64];

    if (n > 16)
        n = 16;
    atomic_store(&stop, false);
    for (int i = 0; i < n; i++)
        NEED(pthread_create(&threads[i], NULL, which_cpu, &seen) == 0);
    for (int i = 0; i < 30000 && __builtin_popcountl(seen) < (n + 1) / 2; i++)
        sleep_ms(1);
    atomic_store(&stop, true);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    CHECK(__builtin_popcountl(seen) >= (n + 1) / 2);
}

/* Two threads that wake each other in turn: where each ran in its last turn. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int turn, cpu[2], together;
} pair = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, {-1, -1}, 0};

enum { TURNS = 100000, TURNS_TOGETHER = 100 };

static void *take_turns(void *arg)
{
    int me = (int)(long)arg;

    pthread_mutex_lock(&pair.lock);
    while (pair.turn < TURNS && pair.together < TURNS_TOGETHER) {
        if (pair.turn % 2 != me) {
            pthread_cond_wait(&pair.changed, &pair.lock);
            continue;
        }
        pair.cpu[me] = sched_getcpu();
        pair.together = pair.cpu[0] == pair.cpu[1] ? pair.together + 1 : 0;
        pair.turn++;
        pthread_cond_signal(&pair.changed);
    }
    pthread_cond_signal(&pair.changed);
    pthread_mutex_unlock(&pair.lock);
    return NULL;
}

/* Waking an idle processor costs more than a switch: they come together on one, and stay. */
static void pairs_share_a_cpu(void)
{
    pthread_t threads[2];

    if (!inside_osprey())
        SKIP("another scheduler");
    for (long i = 0; i < 2; i++)
        NEED(pthread_create(&threads[i], NULL, take_turns, (void *)i) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(pair.together, TURNS_TOGETHER);
}

static void policies(void)
{
    struct sched_param param = {.sched_priority = 10};

    CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
    CHECK_EQ(sched_get_priority_max(SCHED_FIFO), 99);
    CHECK_EQ(sched_get_priority_min(SCHED_RR), 1);
    CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
    CHECK_ERRNO(sched_get_priority_max(77), EINVAL);
    CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        SKIP("no right to real-time policies here");
    CHECK_EQ(sched_getscheduler(0), SCHED_FIFO);
    param.sched_priority = 0;
    CHECK_EQ(sched_getparam(0, &param), 0);
    CHECK_EQ(param.sched_priority, 10);
    CHECK_EQ(sched_setscheduler(0, SCHED_RR, &param), 0);
    struct timespec slice = {-1, -1};
    CHECK_EQ(sched_rr_get_interval(0, &slice), 0);
    CHECK(slice.tv_sec == 0 && slice.tv_nsec > 0);
    param.sched_priority = 0;
    CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &param), EINVAL);
    CHECK_EQ(sched_setscheduler(0, SCHED_BATCH, &param), 0);
    CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &param), 0);
}

static atomic_int fifo_order;
static int low_at, high_at;

static void *fifo_thread(void *arg)
{
    int *at = arg;

    *at = atomic_fetch_add(&fifo_order, 1);
    return NULL;
}

/* On one CPU a FIFO thread of higher priority runs before one of lower priority. */
static void fifo_by_priority(void)
{
    struct sched_param mine = {.sched_priority = 50}, other = {.sched_priority = 0};
    cpu_set_t all, one;
    pthread_t low, high;
    pthread_attr_t attr;

    sched_getaffinity(0, sizeof all, &all);
    pin_to(0);
    sched_getaffinity(0, sizeof one, &one);
    if (sched_setscheduler(0, SCHED_FIFO, &mine) != 0)
        SKIP("no right to real-time policies here");
    pthread_attr_init(&attr);
    pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
    pthread_attr_setaffinity_np(&attr, sizeof one, &one);
    mine.sched_priority = 10;
    pthread_attr_setschedparam(&attr, &mine);
    NEED(pthread_create(&low, &attr, fifo_thread, &low_at) == 0);
    mine.sched_priority = 20;
    pthread_attr_setschedparam(&attr, &mine);
    NEED(pthread_create(&high, &attr, fifo_thread, &high_at) == 0);
    pthread_join(low, NULL);
    pthread_join(high, NULL);
    CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &other), 0);
    sched_setaffinity(0, sizeof all, &all);
    CHECK(high_at < low_at);
}

/* Spin, but not for ever. arg: set when it was told to stop. */
static void *spin_for_seconds(void *arg)
{
    int64_t end = now_ns() + 30000ll * MS;
    bool told = false;

    while (!told && now_ns() < end)
        told = atomic_load_explicit(&stop, memory_order_relaxed);
    *(bool *)arg = told;
    return NULL;
}

/* man 7 sched: real-time loops leave a little of a CPU to the others. */
static void loops_leave_something(int policy)
{
    struct sched_param param = {.sched_priority = 10};
    bool told[2] = {false, false};
    pthread_t loops[2];
    pthread_attr_t attr;
    cpu_set_t all, one;

    sched_getaffinity(0, sizeof all, &all);
    pin_to(0);
    sched_getaffinity(0, sizeof one, &one);
    atomic_store(&stop, false);
    pthread_attr_init(&attr);
    pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attr, policy);
    pthread_attr_setschedparam(&attr, &param);
    pthread_attr_setaffinity_np(&attr, sizeof one, &one);
    for (int i = 0; i < 2; i++)
        NEED(pthread_create(&loops[i], &attr, spin_for_seconds, &told[i]) == 0);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(loops[i], NULL);
    sched_setaffinity(0, sizeof all, &all);
    CHECK(told[0] && told[1]);
}

static void real_time_is_not_all(void)
{
    struct sched_param param = {.sched_priority = 10}, normal = {.sched_priority = 0};

    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        SKIP("no right to real-time policies here");
    CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
    loops_leave_something(SCHED_FIFO);
    loops_leave_something(SCHED_RR);
}

static atomic_int wake_order;

struct sleeper {
    pthread_t thread;
    int ms, place;
    int64_t lay_down, woke;
};

static int64_t sleepers_start;

static void *sleep_in_order(void *arg)
{
    struct sleeper *s = arg;
    int64_t until = sleepers_start + (int64_t)s->ms * MS;
    struct timespec ts = {until / 1000000000, until % 1000000000};

    s->lay_down = now_ns();
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
    s->woke = now_ns();
    s->place = atomic_fetch_add(&wake_order, 1);
    return NULL;
}

/* For threads on one CPU that run in the order in which they wake; false: not allowed. */
static bool first_come(pthread_attr_t *attr)
{
    struct sched_param param = {.sched_priority = 10}, normal = {.sched_priority = 0};
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    pthread_attr_init(attr);
    if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        return false;
    CHECK_EQ(sched_setscheduler(0, SCHED_OTHER, &normal), 0);
    pthread_attr_setinheritsched(attr, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(attr, SCHED_FIFO);
    pthread_attr_setschedparam(attr, &param);
    pthread_attr_setaffinity_np(attr, sizeof one, &one);
    return true;
}

/* Let them sleep; false: one lay down too late, or the machine stood still (a Linux keeps timers of
 * an idle processor on another one, and that one may be later). */
static bool sleep_all(struct sleeper *s, const pthread_attr_t *attr, int64_t lead)
{
    bool in_time = true;

    atomic_store(&wake_order, 0);
    sleepers_start = now_ns() + lead; /* time for all of them to lie down */
    for (int i = 0; i < 6; i++) {
        s[i].ms = (6 - i) * 100;
        CHECK_EQ(pthread_create(&s[i].thread, attr, sleep_in_order, &s[i]), 0);
    }
    for (int i = 0; i < 6; i++)
        pthread_join(s[i].thread, NULL);
    for (int i = 0; i < 6; i++)
        if (s[i].lay_down > sleepers_start ||
            (!inside_osprey() && s[i].woke >= sleepers_start + (s[i].ms + 100ll) * MS))
            in_time = false;
    return in_time;
}

/* Without real-time policies others may run in between: then only nobody wakes too early. */
static void sleepers_wake_in_order(void)
{
    struct sleeper s[6];
    pthread_attr_t attr;
    bool ordered = first_come(&attr);
    int64_t lead = 500 * MS;

    while (!sleep_all(s, &attr, lead) && ordered)
        if ((lead *= 2) > 20000ll * MS)
            SKIP("the machine stands still too often");
    for (int i = 0; i < 6; i++) {
        if (ordered)
            CHECK_EQ(s[i].place, 5 - i);
        CHECK(s[i].woke >= sleepers_start + (int64_t)s[i].ms * MS);
    }
}

static void yield_and_priority_calls(void)
{
    CHECK_EQ(sched_yield(), 0);
    errno = 0;
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), nice(0));
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
    setpriority(PRIO_PROCESS, 0, 0);
    CHECK_ERRNO(getpriority(77, 0), EINVAL);
    CHECK_ERRNO(getpriority(PRIO_PROCESS, 999999), ESRCH);
}

static int64_t own_cpu_time(void)
{
    struct timespec ts;

    CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void cpu_time_is_counted(void)
{
    struct timespec ts;
    struct rusage usage;
    int64_t start = now_ns(), before = own_cpu_time(), used, passed;

    while (own_cpu_time() < before + 20 * MS)
        ;
    used = own_cpu_time() - before;
    passed = now_ns() - start;
    CHECK(used >= 20 * MS);
    CHECK(used <= passed + passed / 100); /* by two clocks */
    CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
    CHECK(ts.tv_sec * 1000000000LL + ts.tv_nsec >= 20 * MS);
    CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    CHECK(usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec +
              usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec >=
          20000);
}

static atomic_int newest;

static void *tell_number(void *arg)
{
    atomic_store(&newest, (int)syscall(SYS_gettid));
    return arg;
}

/* Change whoever began last, be it at its end, until told to stop. */
static void *change_newest(void *arg)
{
    for (unsigned n = 0; !atomic_load(&stop); n++) {
        int tid = atomic_load(&newest);
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(n % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
        if (!tid)
            continue;
        sched_setaffinity(tid, sizeof set, &set);
        setpriority(PRIO_PROCESS, (id_t)tid, (int)(n % 3));
    }
    return arg;
}

static void change_the_ending(void)
{
    time_t end = time(NULL) + 3;
    pthread_t changer, thread;

    atomic_store(&stop, false);
    NEED(pthread_create(&changer, NULL, change_newest, NULL) == 0);
    while (time(NULL) < end) {
        NEED(pthread_create(&thread, NULL, tell_number, NULL) == 0);
        pthread_join(thread, NULL);
    }
    atomic_store(&stop, true);
    CHECK_EQ(pthread_join(changer, NULL), 0);
}

int main(void)
{
    promise("four spinners on one CPU share it", spinners_share_one_cpu);
    promise("a nice thread gets less", nice_gets_less);
    promise("threads that spin on a flag are preempted", spinning_is_preempted);
    promise("affinity is kept and told", affinity);
    promise("load spreads over the processors", load_spreads);
    promise("threads that wake each other share a processor", pairs_share_a_cpu);
    promise("policies and priorities are kept and checked", policies);
    promise("FIFO threads run by priority", fifo_by_priority);
    promise("real-time loops leave something to the others", real_time_is_not_all);
    promise("sleepers wake in order and not early", sleepers_wake_in_order);
    promise("sched_yield, getpriority, setpriority", yield_and_priority_calls);
    promise("CPU time is counted", cpu_time_is_counted);
    promise("affinity and nice of threads that are ending", change_the_ending);
    return check_end();
}
