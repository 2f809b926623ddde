/* man 2 futex */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, other;

static void *waiter(void *result)
{
    *(long *)result = CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL) ? -errno : 0;
    return NULL;
}

static void wakes(void)
{
    pthread_t thread;
    long result = 99;

    NEED(pthread_create(&thread, NULL, waiter, &result) == 0);
    while (CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1) == 0)
        sleep_ms(1);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1), 0); /* nobody is left */
}

static void requeues(void)
{
    pthread_t thread;
    long result = 99;

    NEED(pthread_create(&thread, NULL, waiter, &result) == 0);
    while (CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &other, 0) == 0)
        sleep_ms(1);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1), 0);
    CHECK_EQ(CALL(futex, &other, FUTEX_WAKE_PRIVATE, 1), 1);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &other, 7), EAGAIN);
}

static void errors(void)
{
    struct timespec soon = {0, 1000000}, wrong = {0, 1000000000}, past = {1, 0};

    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL), EAGAIN);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon), ETIMEDOUT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &wrong), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, 0, 1), ETIMEDOUT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(futex, (char *)&word + 1, FUTEX_WAIT_PRIVATE, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(futex, BAD, FUTEX_WAIT_PRIVATE, 0, NULL), EFAULT);
    CHECK_ERRNO(CALL(futex, &word, 99, 0, NULL), ENOSYS);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &other,
                  FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)),
             0);
    CHECK_EQ(other, 5);
}

/* Which error comes first where there are several. */
static void order(void)
{
    struct timespec wrong = {0, 1000000000}, past = {1, 0};
    uint32_t *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t mine = (uint32_t)CALL(gettid);

    NEED(fixed != MAP_FAILED);
    word = 0;
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &wrong), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &past), ENOSYS);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1), ENOSYS);
    CHECK_ERRNO(CALL(futex, (char *)&word + 1, FUTEX_UNLOCK_PI_PRIVATE), EPERM);
    CHECK_ERRNO(CALL(futex, fixed, FUTEX_UNLOCK_PI_PRIVATE), EPERM);
    CHECK_ERRNO(CALL(futex, fixed, FUTEX_WAIT, 0, &past), EFAULT); /* it will not change */
    CHECK_ERRNO(CALL(futex, fixed, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, 0, 1), ETIMEDOUT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1, BAD, 5 << 28), ENOSYS);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1, BAD, 1 << 28), EFAULT);
    CHECK_ERRNO(CALL(futex, (char *)&word + 1, FUTEX_WAIT_REQUEUE_PI, 0, &past, KERNEL), EFAULT);
    CHECK_ERRNO(CALL(futex, fixed, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &other, 3), EAGAIN);
    word = mine;
    CHECK_ERRNO(CALL(futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL), EDEADLK);
    word = 0;
}

static void *locks(void *result)
{
    *(long *)result = CALL(futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL) ? -errno : 0;
    CALL(futex, &word, FUTEX_UNLOCK_PI_PRIVATE);
    return NULL;
}

static void *tries(void *result)
{
    *(long *)result = CALL(futex, &word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL) ? -errno : 0;
    return NULL;
}

/* A word at which somebody waits for a lock is no other futex, whatever the bits; who tries for it
 * marks it as waited for. */
static void lock_words(void)
{
    pthread_t thread;
    long result = 99;
    uint32_t mine = (uint32_t)CALL(gettid);

    word = mine;
    NEED(pthread_create(&thread, NULL, tries, &result) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(result, -EAGAIN);
    CHECK_EQ(word, mine | FUTEX_WAITERS);
    word = mine;
    NEED(pthread_create(&thread, NULL, locks, &result) == 0);
    while (!(__atomic_load_n(&word, __ATOMIC_RELAXED) & FUTEX_WAITERS))
        sleep_ms(1);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, 0, 1), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_PRIVATE, 0), EINVAL);
    CHECK_EQ(CALL(futex, &word, FUTEX_UNLOCK_PI_PRIVATE), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
    CHECK_EQ(word, 0);
}

static uint32_t pi_lock;

static void *waits_for_lock(void *result)
{
    *(long *)result = CALL(futex, &word, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &pi_lock)
                          ? -errno
                          : (long)(pi_lock & FUTEX_WAITERS);
    return NULL;
}

/* A free lock that others may be moved to is had as one that is waited for. */
static void moved(void)
{
    pthread_t thread;
    long result = 99;

    word = pi_lock = 0;
    NEED(pthread_create(&thread, NULL, waits_for_lock, &result) == 0);
    while (CALL(futex, &word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, 1, &pi_lock, 0) == 0)
        sleep_ms(1);
    pthread_join(thread, NULL);
    CHECK_EQ(result, (long)FUTEX_WAITERS);
    /* not onto itself, under whatever name */
    int fd = memfd_create("words", 0);
    NEED(fd >= 0 && ftruncate(fd, 4096) == 0);
    uint32_t *one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint32_t *two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct timespec past = {1, 0};
    NEED(one != MAP_FAILED && two != MAP_FAILED);
    CHECK_ERRNO(CALL(futex, one, FUTEX_WAIT_REQUEUE_PI, 1, &past, two), EAGAIN);
    CHECK_ERRNO(CALL(futex, one, FUTEX_WAIT_REQUEUE_PI, 0, &past, two), EINVAL);
    CHECK_ERRNO(CALL(futex, one, FUTEX_CMP_REQUEUE_PI, 1, 1, two, 0), EINVAL);
}

int main(void)
{
    promise("futex wakes", wakes);
    promise("futex requeues", requeues);
    promise("futex: errors", errors);
    promise("futex: the order of errors", order);
    promise("futex: words of locks", lock_words);
    promise("futex: moved to a lock", moved);
    return check_end();
}
