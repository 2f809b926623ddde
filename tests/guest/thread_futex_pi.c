/* man 2 futex, priority inheritance: the owner runs as the most urgent of those who wait for it,
 * along chains of owners; deadlocks are found; the most urgent waiter is next. */
// cpus: 1 2
#include "check.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static long futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *word2,
                  uint32_t value3)
{
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, word2, value3);
}

static int tid(void)
{
    return (int)syscall(SYS_gettid);
}

static long lock(uint32_t *word)
{
    uint32_t free = 0;

    if (__atomic_compare_exchange_n(word, &free, (uint32_t)tid(), false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
        return 0;
    return futex(word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static long unlock(uint32_t *word)
{
    uint32_t mine = (uint32_t)tid();

    if (__atomic_compare_exchange_n(word, &mine, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return 0;
    return futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

/* The priority at which a thread runs now, as /proc tells: -1 - n for real-time priority n. */
static int runs_at(int thread)
{
    char path[64], text[512] = "";
    int priority = 1000;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
    f = fopen(path, "r");
    if (f && fgets(text, sizeof(text), f))
        sscanf(strrchr(text, ')') + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d", &priority);
    if (f)
        fclose(f);
    return priority;
}

static bool becomes(int thread, int priority)
{
    for (int i = 0; i < 30000 && runs_at(thread) != priority; i++)
        sleep_ms(1);
    return CHECK_EQ(runs_at(thread), priority);
}

static int set_fifo(int thread, int priority)
{
    struct sched_param param = {.sched_priority = priority};

    return sched_setscheduler(thread, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* A thread that locks one word or two in turn, and unlocks them when told. */
struct owner {
    pthread_t thread;
    int priority;
    uint32_t *first, *second;
    const struct timespec *timeout;
    atomic_int tid, result, holds;
    atomic_bool go, goes, release;
};

static void wait_for(atomic_bool *flag)
{
    while (!atomic_load(flag))
        sleep_ms(1);
}

static void *own(void *arg)
{
    struct owner *me = arg;

    CHECK_EQ(set_fifo(0, me->priority), 0);
    if (me->first)
        CHECK_EQ(lock(me->first), 0);
    atomic_store(&me->holds, 1);
    atomic_store(&me->tid, tid());
    if (me->second) {
        wait_for(&me->go);
        atomic_store(&me->goes, true);
        atomic_store(&me->result,
                     futex(me->second, FUTEX_LOCK_PI, 0, me->timeout, NULL, 0) == 0 ? 1 : -errno);
        atomic_store(&me->holds, 2);
    }
    wait_for(&me->release);
    if (me->second && atomic_load(&me->result) == 1)
        CHECK_EQ(unlock(me->second), 0);
    if (me->first)
        CHECK_EQ(unlock(me->first), 0);
    return NULL;
}

static void start(struct owner *owner, int priority, uint32_t *first, uint32_t *second)
{
    *owner = (struct owner){.priority = priority, .first = first, .second = second};
    CHECK_EQ(pthread_create(&owner->thread, NULL, own, owner), 0);
    while (!atomic_load(&owner->tid))
        sleep_ms(1);
}

static void go(struct owner *owner)
{
    atomic_store(&owner->go, true);
    while (!atomic_load(&owner->goes) || thread_state(owner->tid) != 'S')
        sleep_ms(1);
}

static void finish(struct owner *owner)
{
    atomic_store(&owner->release, true);
    pthread_join(owner->thread, NULL);
}

static bool allowed(void)
{
    if (set_fifo(0, 60) != 0)
        return false;
    return true;
}

#define NEED_RIGHTS                                                                                \
    if (!allowed())                                                                                \
    SKIP("no real-time priorities here")

/* --- promises --- */

static uint32_t a, b;

static void boost(void)
{
    struct owner low, high;

    NEED_RIGHTS;
    start(&low, 10, &a, NULL);
    CHECK(becomes(low.tid, -11));
    start(&high, 30, NULL, &a);
    go(&high);
    CHECK(becomes(low.tid, -31));
    struct sched_param param;
    CHECK_EQ(sched_getparam(low.tid, &param), 0);
    CHECK_EQ(param.sched_priority, 10); /* what it inherits is not its own */
    CHECK_EQ(set_fifo(high.tid, 40), 0);
    CHECK(becomes(low.tid, -41));
    CHECK_EQ(set_fifo(low.tid, 20), 0);
    CHECK(becomes(low.tid, -41));
    CHECK_EQ(set_fifo(high.tid, 15), 0);
    CHECK(becomes(low.tid, -21));
    finish(&low);
    finish(&high);
    CHECK_EQ(high.result, 1);
    CHECK_EQ(a, 0);
}

static void boost_fair(void)
{
    struct owner low, high;

    NEED_RIGHTS;
    start(&low, 0, &a, NULL);
    start(&high, 30, NULL, &a);
    go(&high);
    CHECK(becomes(low.tid, -31));
    CHECK_EQ(sched_getscheduler(low.tid), SCHED_OTHER);
    finish(&low);
    finish(&high);
}

static void chain(void)
{
    struct owner low, middle, high;

    NEED_RIGHTS;
    start(&low, 10, &a, NULL);
    start(&middle, 20, &b, &a);
    start(&high, 30, NULL, &b);
    go(&middle);
    CHECK(becomes(low.tid, -21));
    go(&high);
    CHECK(becomes(middle.tid, -31));
    CHECK(becomes(low.tid, -31));
    finish(&low);
    finish(&middle);
    finish(&high);
    CHECK_EQ(high.result, 1);
    CHECK_EQ(a, 0);
    CHECK_EQ(b, 0);
}

static void timeout(void)
{
    struct owner low, high;
    struct timespec until;

    NEED_RIGHTS;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    start(&low, 10, &a, NULL);
    start(&high, 30, NULL, &a);
    high.timeout = &until;
    go(&high);
    while (atomic_load(&high.holds) != 2)
        sleep_ms(1);
    CHECK_EQ(high.result, -ETIMEDOUT);
    CHECK(becomes(low.tid, -11));
    finish(&high);
    finish(&low);
}

static void deadlock(void)
{
    struct owner other;

    CHECK_EQ(lock(&b), 0);
    CHECK_ERRNO(futex(&b, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    start(&other, 0, &a, &b);
    go(&other);
    CHECK_ERRNO(futex(&a, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK_EQ(unlock(&b), 0);
    finish(&other);
    CHECK_EQ(other.result, 1);
}

/* The most urgent gets it, however late it came; its priority counts as it is then. */
static void order(void)
{
    struct owner first, second, third;

    NEED_RIGHTS;
    CHECK_EQ(lock(&a), 0);
    start(&first, 10, NULL, &a);
    start(&second, 20, NULL, &a);
    start(&third, 5, NULL, &a);
    go(&first);
    go(&second);
    go(&third);
    CHECK_EQ(unlock(&a), 0);
    while (atomic_load(&second.holds) != 2)
        sleep_ms(1);
    CHECK_EQ(first.holds, 1);
    CHECK_EQ(set_fifo(third.tid, 30), 0);
    finish(&second);
    while (atomic_load(&first.holds) != 2 && atomic_load(&third.holds) != 2)
        sleep_ms(1);
    CHECK_EQ(third.holds + first.holds, 3);
    finish(&third);
    finish(&first);
}

/* A middle thread that spins must not keep the low one from giving its lock to the high one. */
static atomic_bool spin_stop;

static void *spin(void *arg)
{
    CHECK_EQ(set_fifo(0, 20), 0);
    while (!atomic_load(&spin_stop))
        ;
    return arg;
}

static void *low_work(void *arg)
{
    volatile long sink = 0;

    CHECK_EQ(set_fifo(0, 10), 0);
    CHECK_EQ(lock(&a), 0);
    atomic_store((atomic_bool *)arg, true);
    while (!(a & FUTEX_WAITERS)) /* until somebody waits */
        sched_yield();
    for (long i = 0; i < 1000000; i++)
        sink += i;
    CHECK_EQ(unlock(&a), 0);
    return NULL;
}

static void inversion(void)
{
    cpu_set_t one, old;
    pthread_t low, middle;
    atomic_bool held = false;

    NEED_RIGHTS;
    sched_getaffinity(0, sizeof(old), &old);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
    atomic_store(&spin_stop, false);
    NEED(pthread_create(&low, NULL, low_work, &held) == 0);
    while (!atomic_load(&held))
        sleep_ms(1);
    NEED(pthread_create(&middle, NULL, spin, NULL) == 0);
    sleep_ms(20);
    CHECK_EQ(lock(&a), 0); /* would never come back without inheritance */
    CHECK_EQ(unlock(&a), 0);
    atomic_store(&spin_stop, true);
    pthread_join(middle, NULL);
    pthread_join(low, NULL);
    sched_setaffinity(0, sizeof(old), &old);
}

/* Waiters of a condition that were moved to the lock count too. */
static uint32_t condition;
static atomic_int condition_tid;

static void *wait_condition(void *arg)
{
    CHECK_EQ(set_fifo(0, 35), 0);
    atomic_store(&condition_tid, tid());
    CHECK_EQ(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &a, 0), 0);
    CHECK_EQ(a & FUTEX_TID_MASK, (uint32_t)tid());
    CHECK_EQ(unlock(&a), 0);
    return arg;
}

static void requeue(void)
{
    struct owner low;
    pthread_t waiter;

    NEED_RIGHTS;
    start(&low, 10, &a, NULL);
    atomic_store(&condition_tid, 0);
    NEED(pthread_create(&waiter, NULL, wait_condition, NULL) == 0);
    while (!atomic_load(&condition_tid) || thread_state(condition_tid) != 'S')
        sleep_ms(1);
    CHECK_EQ(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)INT_MAX, &a, 0), 1);
    CHECK(becomes(low.tid, -36));
    finish(&low);
    pthread_join(waiter, NULL);
    CHECK_EQ(a, 0);
}

static void errors(void)
{
    uint32_t word = 0x3ffffff0, mine = (uint32_t)tid();

    CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
    CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    word = 0;
    CHECK_EQ(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word, mine);
    CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word, 0);
    CHECK_ERRNO(futex((uint32_t *)((char *)&word + 1), FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PI, 2, NULL, &a, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PI, 1, NULL, &word, 0), EINVAL);
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &a, 0), EAGAIN);
}

/* The owner has the word at another address, and something else where the waiter has it. */
static void shared_elsewhere(void)
{
    int file = memfd_create("word", 0), status;
    uint32_t *here, *there;

    NEED(file >= 0 && ftruncate(file, 4096) == 0);
    here = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    NEED(here != MAP_FAILED);
    pid_t child = fork();
    if (child == 0) {
        there = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (there == MAP_FAILED || there == here ||
            mmap(here, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != here ||
            syscall(SYS_futex, there, FUTEX_LOCK_PI, 0, NULL, NULL, 0) != 0)
            _exit(1);
        while (!(__atomic_load_n(there, __ATOMIC_ACQUIRE) & FUTEX_WAITERS))
            sleep_ms(1);
        _exit(0);
    }
    NEED(child > 0);
    while (!__atomic_load_n(here, __ATOMIC_ACQUIRE) && waitpid(child, &status, WNOHANG) == 0)
        sleep_ms(1);
    CHECK_EQ(syscall(SYS_futex, here, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(*here, (uint32_t)tid() | FUTEX_WAITERS | FUTEX_OWNER_DIED);
    CHECK_EQ(syscall(SYS_futex, here, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(*here, 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

/* --- two want a lock whose owner, of another process, has marked it free and ended --- */

static atomic_int inside, hog_runs, hog_stop;
static uint32_t *left;

static void be_fifo_on(int cpu, int priority)
{
    struct sched_param param = {.sched_priority = priority};
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
    sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* The heir wakes up late: its processor is busy. */
static void *hog(void *arg)
{
    (void)arg;
    be_fifo_on(0, 20);
    atomic_store(&hog_runs, 1);
    for (int64_t end = now_ns() + 500000000; !atomic_load(&hog_stop) && now_ns() < end;)
        ;
    return NULL;
}

static void *heir(void *arg)
{
    (void)arg;
    be_fifo_on(0, 0);
    CHECK_EQ(syscall(SYS_futex, left, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
    CHECK_EQ(*left & FUTEX_TID_MASK, (uint32_t)tid());
    atomic_fetch_sub(&inside, 1);
    CHECK_EQ(syscall(SYS_futex, left, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void left_to_two(void)
{
    struct sched_param param = {.sched_priority = 10}, normal = {.sched_priority = 0};
    pthread_t threads[2];
    cpu_set_t all;
    int go[2], status;
    char c;

    sched_getaffinity(0, sizeof all, &all);
    if (!CPU_ISSET(0, &all) || !CPU_ISSET(1, &all) ||
        sched_setscheduler(0, SCHED_FIFO, &param) != 0)
        SKIP("needs two processors, and the right to real-time policies");
    sched_setscheduler(0, SCHED_OTHER, &normal);
    left = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(left != MAP_FAILED && pipe(go) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (syscall(SYS_futex, left, FUTEX_LOCK_PI, 0, NULL, NULL, 0) != 0 ||
            read(go[0], &c, 1) != 1)
            _exit(1);
        __atomic_store_n(left, FUTEX_WAITERS | FUTEX_OWNER_DIED, __ATOMIC_RELEASE);
        _exit(0);
    }
    NEED(child > 0);
    while (!__atomic_load_n(left, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    NEED(pthread_create(&threads[0], NULL, heir, NULL) == 0);
    while (!(__atomic_load_n(left, __ATOMIC_ACQUIRE) & FUTEX_WAITERS))
        sleep_ms(1);
    be_fifo_on(1, 10);
    sleep_ms(5); /* the heir sleeps by then, or is late all the same */
    NEED(pthread_create(&threads[1], NULL, hog, NULL) == 0);
    while (!atomic_load(&hog_runs))
        sleep_ms(1);
    CHECK_EQ(write(go[1], "", 1), 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(syscall(SYS_futex, left, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
    atomic_store(&hog_stop, 1);
    sleep_ms(50);
    CHECK_EQ(*left & FUTEX_TID_MASK, (uint32_t)tid());
    atomic_fetch_sub(&inside, 1);
    CHECK_EQ(syscall(SYS_futex, left, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    sched_setscheduler(0, SCHED_OTHER, &normal);
    sched_setaffinity(0, sizeof all, &all);
    CHECK_EQ(*left, 0);
}

static void monotonic(void)
{
    struct owner other;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 20 * MS;
    if (until.tv_nsec >= 1000 * MS) {
        until.tv_sec++;
        until.tv_nsec -= 1000 * MS;
    }
    start(&other, 0, &a, NULL);
    CHECK_ERRNO(futex(&a, 13 /* FUTEX_LOCK_PI2 */, 0, &until, NULL, 0), ETIMEDOUT);
    finish(&other);
}

int main(void)
{
    promise("the owner inherits the priority of who waits", boost);
    promise("an owner without real-time priority inherits one", boost_fair);
    promise("priority goes along a chain of owners", chain);
    promise("a waiter that gives up takes its priority away", timeout);
    promise("a deadlock is found", deadlock);
    promise("the most urgent waiter is next", order);
    promise("no inversion of priorities", inversion);
    promise("waiters moved by FUTEX_CMP_REQUEUE_PI lend their priority", requeue);
    promise("FUTEX_LOCK_PI2 waits on the monotonic clock", monotonic);
    promise("an owner that ends hands a lock on that others have elsewhere", shared_elsewhere);
    promise("one of two gets the lock that an owner has left", left_to_two);
    promise("errors are the documented ones", errors);
    return check_end();
}
