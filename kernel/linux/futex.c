/* linux/futex.c: futex(2) and futex_waitv(2). */
#include "linux/futex.h"

#include "linux/futex_queue.h"
#include "linux/syscall.h"
#include "linux/time.h"
#include "mm/heap.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_FD,
    FUTEX_REQUEUE,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_LOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_TRYLOCK_PI,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE_BITSET,
    FUTEX_WAIT_REQUEUE_PI,
    FUTEX_CMP_REQUEUE_PI,
    FUTEX_LOCK_PI2,
    FUTEX_PRIVATE_FLAG = 128,
    FUTEX_CLOCK_REALTIME = 256,
};

/* --- waiting --- */

/* Stand in the queue if the word holds the value: 0; -EAGAIN (it does not), -EFAULT. */
static inline __attribute__((always_inline)) int wait_setup(struct futex_waiter *waiter,
                                                            uint32_t value)
{
    struct futex_bucket *bucket = futex_bucket(&waiter->key);

    for (;;) {
        uint64_t flags = futex_lock(bucket);
        uint32_t seen = 0;
        int error = user_get32(waiter->word, &seen);

        if (!error && seen == value) {
            futex_enqueue(bucket, waiter);
            futex_unlock(bucket, flags);
            return 0;
        }
        futex_unlock(bucket, flags);
        if (!error)
            return -EAGAIN;
        if (user_get32(waiter->word, &seen) < 0)
            return -EFAULT;
    }
}

/* Set one field after the other: this is where threads hand over to each other. */
static inline void waiter_init(struct futex_waiter *waiter, uintptr_t word, uint32_t bitset)
{
    waiter->task = current_task();
    waiter->word = word;
    waiter->bitset = bitset;
    waiter->pi = waiter->requeue_pi = false;
    atomic_init(&waiter->woken, false);
}

static inline __attribute__((always_inline)) int64_t
wait_inline(uintptr_t word, unsigned flags, uint32_t value, nsec_t deadline, uint32_t bitset)
{
    struct futex_waiter waiter;
    int error;

    if (!bitset)
        return -EINVAL;
    waiter_init(&waiter, word, bitset);
    error = futex_key(word, flags, &waiter.key);
    if (!error)
        error = wait_setup(&waiter, value);
    return error ? error : futex_sleep(&waiter, deadline, flags & FLAG_REALTIME);
}

static int64_t wait(uintptr_t word, unsigned flags, uint32_t value, nsec_t deadline,
                    uint32_t bitset)
{
    return wait_inline(word, flags, value, deadline, bitset);
}

/* As locks wait: nothing is to be found out about the call. */
static __attribute__((noinline)) int64_t wait_private(uintptr_t word, uint32_t value)
{
    int64_t result = wait_inline(word, 0, value, NSEC_FOREVER, FUTEX_BITSET_ALL);

    return likely(result != -EINTR) ? result : -ERESTARTSYS;
}

/* restart_args: word, flags, value, deadline, bitset. */
static int64_t wait_restart(struct task *task)
{
    const uint64_t *args = task->restart_args;
    int64_t result =
        wait(args[0], (unsigned)args[1], (uint32_t)args[2], (nsec_t)args[3], (uint32_t)args[4]);

    if (result != -EINTR)
        return result;
    task->restart = wait_restart;
    return -ERESTART_RESTARTBLOCK;
}

static int64_t wait_call(uintptr_t word, unsigned flags, uint32_t value, nsec_t deadline,
                         uint32_t bitset)
{
    struct task *task = current_task();
    int64_t result = wait(word, flags, value, deadline, bitset);

    if (likely(result != -EINTR))
        return result;
    if (deadline == NSEC_FOREVER)
        return -ERESTARTSYS;
    task->restart = wait_restart;
    task->restart_args[0] = word;
    task->restart_args[1] = flags;
    task->restart_args[2] = value;
    task->restart_args[3] = (uint64_t)deadline;
    task->restart_args[4] = bitset;
    return -ERESTART_RESTARTBLOCK;
}

/* --- waking --- */

/* Drops the bucket's lock. */
static int wake_in(struct futex_bucket *bucket, uint64_t irq, struct memory_key key, int count,
                   uint32_t bitset)
{
    int woken = 0;

    list_for_each_safe (p, next, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (!futex_same(&waiter->key, &key))
            continue;
        if (waiter->pi || waiter->requeue_pi) {
            woken = -EINVAL;
            break;
        }
        if (!(waiter->bitset & bitset))
            continue;
        futex_release(waiter);
        if (++woken >= count)
            break;
    }
    futex_unlock(bucket, irq);
    return woken;
}

static int wake(uintptr_t word, unsigned flags, int count, uint32_t bitset)
{
    struct futex_bucket *bucket;
    struct memory_key key;
    int error;

    if (!bitset)
        return -EINVAL;
    error = futex_key(word, flags, &key);
    if (error)
        return error;
    bucket = futex_bucket(&key);
    return wake_in(bucket, futex_lock(bucket), key, count, bitset);
}

/* As locks wake: one that is the first in its bucket. */
static __attribute__((noinline)) int wake_private(uintptr_t word, int count)
{
    struct memory_key key = {current->space, word};
    struct futex_bucket *bucket = futex_bucket(&key);
    struct futex_waiter *first;
    uint64_t irq;

    if (unlikely(word % 4 || word >= USER_END))
        return word % 4 ? -EINVAL : -EFAULT;
    irq = futex_lock(bucket);
    first = list_first(&bucket->waiters, struct futex_waiter, link);
    if (unlikely(list_empty(&bucket->waiters) || count > 1 || !futex_same(&first->key, &key) ||
                 (first->pi | first->requeue_pi)))
        return wake_in(bucket, irq, key, count, FUTEX_BITSET_ALL);
    futex_release(first);
    futex_unlock(bucket, irq);
    return 1;
}

void futex_wake_word(uintptr_t word)
{
    (void)wake(word, FLAG_SHARED, 1, FUTEX_BITSET_ALL);
}

/* --- requeue --- */

static int requeue_locked(struct futex_bucket *from, struct futex_bucket *to,
                          const struct memory_key *key, const struct memory_key *new_key,
                          uintptr_t new_word, int nwake, int nrequeue)
{
    int done = 0;

    list_for_each_safe (p, next, &from->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (!futex_same(&waiter->key, key))
            continue;
        if (done >= nwake && done - nwake >= nrequeue)
            break;
        if (waiter->pi || waiter->requeue_pi)
            return -EINVAL;
        if (done++ < nwake) {
            futex_release(waiter);
        } else if (from != to || !futex_same(key, new_key)) {
            list_del(&waiter->link);
            waiter->key = *new_key;
            waiter->word = new_word;
            futex_enqueue(to, waiter);
        }
    }
    return done;
}

/* expected NULL: FUTEX_REQUEUE. */
static int requeue(uintptr_t word, uintptr_t new_word, unsigned flags, int nwake, int nrequeue,
                   const uint32_t *expected)
{
    struct memory_key key, new_key;
    struct futex_bucket *from, *to;
    int error;

    if (nwake < 0 || nrequeue < 0)
        return -EINVAL;
    error = futex_key(word, flags, &key) ?: futex_key(new_word, flags, &new_key);
    if (error)
        return error;
    from = futex_bucket(&key);
    to = futex_bucket(&new_key);
    for (;;) {
        uint64_t irq = futex_lock_two(from, to);
        uint32_t seen = 0;
        int result = expected ? user_get32(word, &seen) : 0;

        if (!result)
            result = expected && seen != *expected
                         ? -EAGAIN
                         : requeue_locked(from, to, &key, &new_key, new_word, nwake, nrequeue);
        futex_unlock_two(from, to, irq);
        if (result != -EFAULT)
            return result;
        if (user_get32(word, &seen) < 0)
            return -EFAULT;
    }
}

/* --- FUTEX_WAKE_OP: change one word, wake on both --- */

static int32_t sign_extend_12(uint32_t value)
{
    return (int32_t)(value << 20) >> 20;
}

static uint32_t apply_op(uint32_t op, uint32_t arg, uint32_t old)
{
    switch (op) {
    case 0:
        return arg;
    case 1:
        return old + arg;
    case 2:
        return old | arg;
    case 3:
        return old & ~arg;
    default:
        return old ^ arg;
    }
}

static int compare(uint32_t how, int32_t old, int32_t arg)
{
    switch (how) {
    case 0:
        return old == arg;
    case 1:
        return old != arg;
    case 2:
        return old < arg;
    case 3:
        return old <= arg;
    case 4:
        return old > arg;
    case 5:
        return old >= arg;
    default:
        return -ENOSYS;
    }
}

/* The operation that `encoded` describes, atomically: whether the old value compares; -EFAULT. */
static int change_word(uintptr_t word, uint32_t encoded)
{
    uint32_t op = encoded >> 28 & 7, old;
    int32_t op_arg = sign_extend_12(encoded >> 12 & 0xfff);
    int32_t cmp_arg = sign_extend_12(encoded & 0xfff);
    int result;

    if (op > 4)
        return -ENOSYS;
    if (encoded >> 31)
        op_arg = (int32_t)(1u << (op_arg & 31));
    if (user_get32(word, &old) < 0)
        return -EFAULT;
    do {
        result = user_cmpxchg32(word, &old, apply_op(op, (uint32_t)op_arg, old));
        if (result < 0)
            return result;
    } while (result == 1);
    return compare(encoded >> 24 & 15, (int32_t)old, cmp_arg);
}

static int wake_locked(struct futex_bucket *bucket, const struct memory_key *key, int count)
{
    int woken = 0;

    list_for_each_safe (p, next, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (!futex_same(&waiter->key, key))
            continue;
        if (waiter->pi || waiter->requeue_pi)
            return -EINVAL;
        futex_release(waiter);
        if (++woken >= count)
            break;
    }
    return woken;
}

static int wake_op(uintptr_t word, uintptr_t word2, unsigned flags, int nwake, int nwake2,
                   uint32_t encoded)
{
    struct memory_key key, key2;
    struct futex_bucket *one, *two;
    int error = futex_key(word, flags, &key) ?: futex_key(word2, flags, &key2);

    if (error)
        return error;
    one = futex_bucket(&key);
    two = futex_bucket(&key2);
    for (;;) {
        uint64_t irq = futex_lock_two(one, two);
        int result = change_word(word2, encoded), more = 0;

        if (result >= 0) {
            more = result ? 1 : 0;
            result = wake_locked(one, &key, nwake);
            if (result >= 0 && more) {
                more = wake_locked(two, &key2, nwake2);
                result = more < 0 ? more : result + more;
            }
        }
        futex_unlock_two(one, two, irq);
        if (result != -EFAULT)
            return result;
        if (futex_fault_in(word2) < 0)
            return -EFAULT;
    }
}

/* --- the call --- */

static bool takes_clock(int op)
{
    return op == FUTEX_WAIT_BITSET || op == FUTEX_WAIT_REQUEUE_PI || op == FUTEX_LOCK_PI2;
}

static int64_t timed(uintptr_t word, int op, unsigned flags, uint32_t value, uintptr_t timeout,
                     uintptr_t word2, uint32_t bitset)
{
    nsec_t deadline;
    int error;

    error = futex_deadline(timeout, flags, op != FUTEX_WAIT, &deadline);
    if (error)
        return error;
    if (flags & FLAG_REALTIME && !takes_clock(op))
        return -ENOSYS;
    if (op == FUTEX_LOCK_PI)
        flags |= FLAG_REALTIME;
    switch (op) {
    case FUTEX_WAIT:
        return wait_call(word, flags, value, deadline, FUTEX_BITSET_ALL);
    case FUTEX_WAIT_BITSET:
        return wait_call(word, flags, value, deadline, bitset);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(word, flags, value, deadline, FUTEX_BITSET_ALL, word2);
    default:
        return futex_lock_pi(word, flags, deadline, false);
    }
}

static __attribute__((noinline)) int64_t futex(uintptr_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                                               uintptr_t a4, uint64_t a5)
{
    int op = (int)a1 & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), count2 = (int)a3;
    unsigned flags = (a1 & FUTEX_PRIVATE_FLAG ? 0 : FLAG_SHARED) |
                     (a1 & FUTEX_CLOCK_REALTIME ? FLAG_REALTIME : 0);
    uint32_t value = (uint32_t)a2, value3 = (uint32_t)a5;

    if (op == FUTEX_WAIT || op == FUTEX_LOCK_PI || takes_clock(op))
        return timed(a0, op, flags, value, a3, a4, value3);
    if (flags & FLAG_REALTIME)
        return -ENOSYS;
    switch (op) {
    case FUTEX_WAKE:
        return wake(a0, flags, (int)value, FUTEX_BITSET_ALL);
    case FUTEX_WAKE_BITSET:
        return wake(a0, flags, (int)value, value3);
    case FUTEX_REQUEUE:
        return requeue(a0, a4, flags, (int)value, count2, NULL);
    case FUTEX_CMP_REQUEUE:
        return requeue(a0, a4, flags, (int)value, count2, &value3);
    case FUTEX_WAKE_OP:
        return wake_op(a0, a4, flags, (int)value, count2, value3);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(a0, flags, NSEC_FOREVER, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(a0, flags);
    case FUTEX_CMP_REQUEUE_PI:
        return futex_cmp_requeue_pi(a0, flags, (int)value, count2, a4, value3);
    default:
        return -ENOSYS;
    }
}

SYSCALL(futex, 6, SYSCALL_WHOLE, "")
{
    /* The two that all locks use, without looking at the rest. */
    if (likely((uint32_t)a1 == (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)))
        return wake_private(a0, (int)a2);
    if (likely((uint32_t)a1 == (FUTEX_WAIT | FUTEX_PRIVATE_FLAG) && !a3))
        return wait_private(a0, (uint32_t)a2);
    return futex(a0, a1, a2, a3, a4, a5);
}

/* --- futex_waitv(2) --- */

enum { WAITV_MAX = 128, FUTEX2_SIZE_U32 = 2 };

struct waitv {
    uint64_t value, word;
    uint32_t flags, reserved;
};

/* Take out the first n; the index of one that had been woken, or -1. */
static int unqueue_many(struct futex_waiter *waiters, int n)
{
    int woken = -1;

    for (int i = 0; i < n; i++)
        if (!futex_dequeue(&waiters[i]))
            woken = i;
    return woken;
}

/* The flags and the value go with the waiter as owner_tid and pi_word. */
static int read_many(struct futex_waiter *waiters, uintptr_t from, int n)
{
    for (int i = 0; i < n; i++) {
        struct waitv v;

        if (user_read(&v, from + (unsigned)i * sizeof(v), sizeof(v)) < 0)
            return -EFAULT;
        if (v.flags & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX2_SIZE_U32) ||
            !(v.flags & FUTEX2_SIZE_U32) || v.reserved)
            return -EINVAL;
        waiters[i] = (struct futex_waiter){.task = current_task(),
                                           .word = v.word,
                                           .bitset = FUTEX_BITSET_ALL,
                                           .owner_tid = v.flags,
                                           .pi_word = v.value};
    }
    return 0;
}

/* First they are all looked at, then all words; 1 + the index of one that was woken meanwhile. */
static int setup_many(struct futex_waiter *waiters, uintptr_t from, int n)
{
    int error = read_many(waiters, from, n), woken;

    for (int i = 0; i < n && !error; i++)
        error =
            futex_key(waiters[i].word, waiters[i].owner_tid & FUTEX_PRIVATE_FLAG ? 0 : FLAG_SHARED,
                      &waiters[i].key);
    for (int i = 0; i < n && !error; i++) {
        error = wait_setup(&waiters[i], (uint32_t)waiters[i].pi_word);
        if (error && (woken = unqueue_many(waiters, i)) >= 0)
            return woken + 1;
    }
    return error;
}

static bool any_woken(struct futex_waiter *waiters, int n)
{
    for (int i = 0; i < n; i++)
        if (atomic_load_explicit(&waiters[i].woken, memory_order_acquire))
            return true;
    return false;
}

static int sleep_many(struct futex_waiter *waiters, int n, nsec_t deadline, bool realtime)
{
    int error = 0, woken;

    while (!error) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (any_woken(waiters, n)) {
            thread_set_state(THREAD_RUNNABLE);
            break;
        }
        error = time_sleep(WAIT_INTERRUPTIBLE, deadline, realtime);
    }
    woken = unqueue_many(waiters, n);
    return woken >= 0 ? woken : error == -EINTR ? -ERESTARTSYS : error;
}

SYSCALL(futex_waitv, 5, SYSCALL_WHOLE, "")
{
    enum { REALTIME = 0, MONOTONIC = 1 };
    struct futex_waiter *waiters;
    nsec_t deadline;
    int error, n = (int)a1;

    if (a2 || a1 == 0 || a1 > WAITV_MAX || !a0)
        return -EINVAL;
    if (a3 && a4 != REALTIME && a4 != MONOTONIC)
        return -EINVAL;
    error = futex_deadline(a3, a4 == REALTIME ? FLAG_REALTIME : 0, true, &deadline);
    if (error)
        return error;
    waiters = kcalloc((size_t)n, sizeof(*waiters));
    if (!waiters)
        return -ENOMEM;
    error = setup_many(waiters, a0, n);
    error = error > 0   ? error - 1
            : error < 0 ? error
                        : sleep_many(waiters, n, deadline, a4 == REALTIME);
    kfree(waiters);
    return error;
}
