// cpus: 1 4
/* futex(2) by itself: waits, wakes, bitsets, requeue, wake-op, priority inheritance, errors. */
#include "check.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static long futex(void *word, int op, unsigned value, const void *timeout, void *word2,
                  unsigned value3)
{
    return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static atomic_uint word_a, word_b;
static atomic_int woken;

struct waiter {
    pthread_t thread;
    atomic_int tid; /* when it is about to wait */
    atomic_uint *word;
    unsigned bitset;
    long result;
};

static void *wait_on_word(void *arg)
{
    struct waiter *w = arg;

    atomic_store(&w->tid, (int)syscall(SYS_gettid));
    w->result = futex(w->word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, w->bitset);
    atomic_fetch_add(&woken, 1);
    return NULL;
}

static void start_waiters(struct waiter *w, int n, atomic_uint *word)
{
    atomic_store(&woken, 0);
    atomic_store(&word_a, 0);
    atomic_store(&word_b, 0);
    for (int i = 0; i < n; i++) {
        w[i].word = word;
        if (w[i].bitset == 0)
            w[i].bitset = ~0u;
        pthread_create(&w[i].thread, NULL, wait_on_word, &w[i]);
    }
    for (int i = 0; i < n; i++)
        until_asleep(&w[i].tid);
}

static void join_waiters(struct waiter *w, int n)
{
    for (int i = 0; i < n; i++)
        pthread_join(w[i].thread, NULL);
}

/* One has been woken and comes back; nobody else does. */
static void only_one_wakes(void)
{
    while (!atomic_load(&woken))
        sleep_ms(1);
    sleep_ms(20);
    CHECK_EQ(atomic_load(&woken), 1);
}

/* Wake until n in all have been woken. */
static void wake_rest(atomic_uint *word, int n)
{
    for (int i = 0; i < 30000 && atomic_load(&woken) < n; i++) {
        futex(word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
        sleep_ms(1);
    }
    CHECK_EQ(atomic_load(&woken), n);
}

static void value_differs(void)
{
    atomic_store(&word_a, 1);
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0), EAGAIN);
}

static void times_out(void)
{
    struct timespec rel = {0, 20 * MS}, abs;
    int64_t start = now_ns();

    atomic_store(&word_a, 0);
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT_PRIVATE, 0, &rel, NULL, 0), ETIMEDOUT);
    CHECK(now_ns() - start >= 20 * MS);
    clock_gettime(CLOCK_MONOTONIC, &abs);
    abs.tv_sec -= abs.tv_sec > 0; /* the machine may be younger than a second */
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT_BITSET, 0, &abs, NULL, ~0u), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &abs);
    abs.tv_sec -= 1;
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, NULL, ~0u),
                ETIMEDOUT);
    rel.tv_nsec = 1000000000;
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT, 0, &rel, NULL, 0), EINVAL);
}

static void wakes_as_many_as_told(void)
{
    struct waiter w[4] = {0};
    long n;

    start_waiters(w, 4, &word_a);
    n = futex(&word_a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    CHECK_EQ(n, 1);
    only_one_wakes();
    wake_rest(&word_a, 4);
    join_waiters(w, 4);
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(w[i].result, 0);
}

static void bitsets_select(void)
{
    struct waiter w[2] = {{.bitset = 1}, {.bitset = 2}};

    start_waiters(w, 2, &word_a);
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4), 0);
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 2), 1);
    pthread_join(w[1].thread, NULL);
    CHECK_EQ(atomic_load(&woken), 1);
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 3), 1);
    pthread_join(w[0].thread, NULL);
    CHECK_ERRNO(futex(&word_a, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(&word_a, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
}

static void requeue(void)
{
    struct waiter w[3] = {0};

    start_waiters(w, 3, &word_a);
    CHECK_ERRNO(futex(&word_a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10L, &word_b, 7), EAGAIN);
    CHECK_EQ(futex(&word_a, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)10L, &word_b, 0), 3);
    only_one_wakes();
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&word_b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 2);
    join_waiters(w, 3);
}

static void wake_op(void)
{
    struct waiter w[1] = {0};
    unsigned op = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);

    start_waiters(w, 1, &word_b);
    CHECK_EQ(futex(&word_a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, &word_b, op), 1);
    CHECK_EQ(atomic_load(&word_b), 5);
    join_waiters(w, 1);
}

static void errors(void)
{
    char *at = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK_ERRNO(futex((char *)&word_a + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex((char *)&word_a + 2, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(futex(at, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(futex(&word_a, 99, 0, NULL, NULL, 0), ENOSYS);
    munmap(at, 4096);
}

static void *shared_waiter(void *arg)
{
    return (void *)futex(arg, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* A shared futex is known by its memory, not by its address. */
static void shared_by_two_mappings(void)
{
    int fd = memfd_create("futex", 0);
    char *one, *two;
    pthread_t thread;
    long n = 0;
    void *result;

    NEED(fd >= 0 && ftruncate(fd, 4096) == 0);
    one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(pthread_create(&thread, NULL, shared_waiter, one) == 0);
    for (int i = 0; i < 30000 && n == 0; i++) {
        sleep_ms(1);
        n = futex(two, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    CHECK_EQ(n, 1);
    pthread_join(thread, &result);
    CHECK_EQ((long)result, 0);
    munmap(one, 4096);
    munmap(two, 4096);
    close(fd);
}

static pthread_mutex_t pi_mutex;
static long pi_count;

static void *pi_count_up(void *arg)
{
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&pi_mutex);
        pi_count++;
        pthread_mutex_unlock(&pi_mutex);
    }
    return arg;
}

static void priority_inheritance(void)
{
    pthread_mutexattr_t attr;
    pthread_t threads[4];

    pthread_mutexattr_init(&attr);
    NEED(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
    NEED(pthread_mutex_init(&pi_mutex, &attr) == 0);
    for (int i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, pi_count_up, NULL) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(pi_count, 12000);
}

static void pi_words(void)
{
    unsigned tid = (unsigned)syscall(SYS_gettid);

    atomic_store(&word_a, 0);
    CHECK_EQ(futex(&word_a, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(atomic_load(&word_a) & FUTEX_TID_MASK, tid);
    CHECK_ERRNO(futex(&word_a, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    CHECK_EQ(futex(&word_a, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(atomic_load(&word_a), 0);
    CHECK_ERRNO(futex(&word_a, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    CHECK_EQ(futex(&word_a, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&word_a, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
}

static atomic_uint ball;

static void *play(void *arg)
{
    unsigned me = (unsigned)(long)arg;

    for (unsigned i = 0; i < 4000; i++) {
        unsigned seen;

        while ((seen = atomic_load(&ball)) % 2 != me)
            futex(&ball, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        atomic_store(&ball, seen + 1);
        futex(&ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return NULL;
}

/* No wake-up may be lost: a lost one hangs here and the time limit finds it. */
static void no_lost_wakeup(void)
{
    pthread_t one, two;

    NEED(pthread_create(&one, NULL, play, (void *)0L) == 0);
    NEED(pthread_create(&two, NULL, play, (void *)1L) == 0);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    CHECK_EQ(atomic_load(&ball), 8000);
}

int main(void)
{
    promise("a wait returns at once when the value differs", value_differs);
    promise("timeouts: relative, absolute, both clocks", times_out);
    promise("a wake wakes as many as told", wakes_as_many_as_told);
    promise("bitsets select whom to wake", bitsets_select);
    promise("FUTEX_CMP_REQUEUE moves waiters", requeue);
    promise("FUTEX_WAKE_OP changes the word and wakes", wake_op);
    promise("a shared futex is its memory", shared_by_two_mappings);
    promise("errors", errors);
    promise("mutexes with priority inheritance exclude", priority_inheritance);
    promise("FUTEX_LOCK_PI keeps the owner in the word", pi_words);
    promise("8000 hand-overs lose no wake-up", no_lost_wakeup);
    return check_end();
}
