/* linux/futex_pi.c: futexes that are locks with an owner (man 2 futex, "Priority-inheritance
 * futexes"). The word holds the owner's tid; the kernel hands it to the first waiter at unlock. */
#include "linux/futex_queue.h"

#include "lib/errno.h"

/* The first waiter of a lock in its bucket, or NULL; *others: there are more. */
static struct futex_waiter *top_waiter(struct futex_bucket *bucket, const struct memory_key *key,
                                       bool *others)
{
    struct futex_waiter *top = NULL;

    *others = false;
    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (!waiter->pi || !futex_same(&waiter->key, key))
            continue;
        if (top) {
            *others = true;
            break;
        }
        top = waiter;
    }
    return top;
}

/* The lock has a new owner: its waiters wait for that one. Bucket locked. */
static void note_owner(struct futex_bucket *bucket, const struct memory_key *key,
                       struct task *owner)
{
    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (waiter->pi && futex_same(&waiter->key, key)) {
            waiter->owner_tid = (uint32_t)owner->tid;
            atomic_store_explicit(&owner->pi_contended, true, memory_order_relaxed);
        }
    }
}

/* The owner in the word is to be told that somebody waits. 0; -ESRCH: there is no such thread;
 * -EAGAIN: it is just ending. */
static int find_owner(uint32_t tid)
{
    struct task *owner = task_find((int)tid);

    if (!owner)
        return -ESRCH;
    atomic_store(&owner->pi_contended, true);
    return atomic_load(&owner->pi_exited) ? -EAGAIN : 0;
}

enum { TAKEN = 1, QUEUED = 0 };

/* Take the lock for `task`, or make the waiter stand in its queue. Bucket locked. */
static int take_or_queue(struct futex_bucket *bucket, struct futex_waiter *waiter, bool try_only)
{
    struct task *task = waiter->task;
    uint32_t tid = (uint32_t)task->tid, value;
    bool others;
    int result;

    if (user_get32(waiter->word, &value) < 0)
        return -EFAULT;
    for (;;) {
        uint32_t now = value | FUTEX_WAITERS;

        if ((value & FUTEX_TID_MASK) == tid)
            return -EDEADLK;
        if ((value & FUTEX_TID_MASK) == 0)
            now = tid | (value & FUTEX_OWNER_DIED) |
                  (top_waiter(bucket, &waiter->key, &others) ? FUTEX_WAITERS : 0);
        else if (try_only)
            return -EAGAIN;
        result = user_cmpxchg32(waiter->word, &value, now);
        if (result < 0)
            return result;
        if (result == 0)
            break;
    }
    if ((value & FUTEX_TID_MASK) == 0) {
        note_owner(bucket, &waiter->key, task);
        return TAKEN;
    }
    result = find_owner(value & FUTEX_TID_MASK);
    if (result)
        return result;
    waiter->owner_tid = value & FUTEX_TID_MASK;
    waiter->pi = true;
    futex_enqueue(bucket, waiter);
    return QUEUED;
}

int64_t futex_lock_pi(uintptr_t word, unsigned flags, nsec_t deadline, bool try_only)
{
    struct futex_waiter waiter = {.task = current_task(), .word = word};
    struct futex_bucket *bucket;
    int result = futex_key(word, flags, &waiter.key);

    if (result)
        return result;
    bucket = futex_bucket(&waiter.key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        result = take_or_queue(bucket, &waiter, try_only);
        futex_unlock(bucket, irq);
        if (result == -EFAULT && futex_fault_in(word) == 0)
            continue;
        if (result != -EAGAIN || try_only)
            break;
        if (thread_interrupted(current))
            return -ERESTARTNOINTR;
        thread_yield(); /* until the ending owner has gone */
    }
    if (result != QUEUED)
        return result == TAKEN ? 0 : result;
    result = futex_sleep(&waiter, deadline, flags & FLAG_REALTIME);
    return result == -EINTR ? -ERESTARTNOINTR : result;
}

/* Give the lock to the waiter, with further bits in the word. Bucket locked. */
static int hand_over(struct futex_bucket *bucket, struct futex_waiter *waiter, uint32_t from_tid,
                     uint32_t bits)
{
    struct task *task = waiter->task;
    struct memory_key key = waiter->key;
    uint32_t value;
    int result;

    if (user_get32(waiter->word, &value) < 0)
        return -EFAULT;
    do {
        uint32_t tid = value & FUTEX_TID_MASK;

        if (tid != from_tid && tid != 0)
            return -EPERM; /* the program has written the word itself */
        result = user_cmpxchg32(waiter->word, &value, (uint32_t)task->tid | FUTEX_WAITERS | bits);
        if (result < 0)
            return result;
    } while (result);
    futex_release(waiter);
    note_owner(bucket, &key, task);
    return 0;
}

static int unlock_locked(struct futex_bucket *bucket, const struct memory_key *key, uintptr_t word)
{
    uint32_t tid = (uint32_t)current_task()->tid, value;
    struct futex_waiter *top;
    bool others;
    int result;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    if ((value & FUTEX_TID_MASK) != tid)
        return -EPERM;
    top = top_waiter(bucket, key, &others);
    if (top)
        return hand_over(bucket, top, tid, 0);
    do {
        result = user_cmpxchg32(word, &value, 0);
    } while (result == 1 && (value & FUTEX_TID_MASK) == tid);
    return result == 1 ? -EAGAIN : result;
}

int64_t futex_unlock_pi(uintptr_t word, unsigned flags)
{
    struct memory_key key;
    struct futex_bucket *bucket;
    int result = futex_key(word, flags, &key);

    if (result)
        return result;
    bucket = futex_bucket(&key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        result = unlock_locked(bucket, &key, word);
        futex_unlock(bucket, irq);
        if (result != -EFAULT || futex_fault_in(word) < 0)
            return result;
    }
}

void futex_pi_exit(struct task *task)
{
    atomic_store(&task->pi_exited, true);
    if (!atomic_load(&task->pi_contended))
        return;
    for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
        struct futex_bucket *bucket = &futex_buckets[i];
        uint64_t irq = futex_lock(bucket);
        bool again;

        do {
            again = false;
            list_for_each (p, &bucket->waiters) {
                struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

                if (!waiter->pi || waiter->owner_tid != (uint32_t)task->tid)
                    continue;
                if (hand_over(bucket, waiter, (uint32_t)task->tid, FUTEX_OWNER_DIED) < 0)
                    waiter->owner_tid = 0; /* nothing can be done for it */
                again = true;              /* the list has changed */
                break;
            }
        } while (again);
        futex_unlock(bucket, irq);
    }
}

/* --- condition variables on such locks --- */

int64_t futex_wait_requeue_pi(uintptr_t word, unsigned flags, uint32_t value, nsec_t deadline,
                              uint32_t bitset, uintptr_t pi_word)
{
    struct futex_waiter waiter = {
        .task = current_task(),
        .word = word,
        .bitset = bitset,
        .requeue_pi = true,
        .pi_word = pi_word,
    };
    struct futex_bucket *bucket;
    uint32_t seen;
    int error;

    if (word == pi_word)
        return -EINVAL;
    error = futex_key(word, flags, &waiter.key) ?: futex_key(pi_word, flags, &waiter.pi_key);
    if (error)
        return error;
    bucket = futex_bucket(&waiter.key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        error = user_get32(word, &seen);
        if (!error && seen == value)
            futex_enqueue(bucket, &waiter);
        futex_unlock(bucket, irq);
        if (!error)
            break;
        if (user_get32(word, &seen) < 0)
            return -EFAULT;
    }
    if (seen != value)
        return -EAGAIN;
    error = futex_sleep(&waiter, deadline, flags & FLAG_REALTIME);
    if (error == -EINTR) /* on the lock already: its condition may have come true (as Linux) */
        return waiter.pi ? -EAGAIN : -ERESTARTNOINTR;
    return error;
}

/* One waiter from the condition to the lock. 1: it has it (and was woken); 0: it waits for it. */
static int move_to_lock(struct futex_bucket *to, struct futex_waiter *waiter)
{
    struct memory_key old_key = waiter->key;
    uintptr_t old_word = waiter->word;
    struct list *old_place = waiter->link.next;
    int result;

    list_del(&waiter->link);
    waiter->key = waiter->pi_key;
    waiter->word = waiter->pi_word;
    result = take_or_queue(to, waiter, false);
    if (result == QUEUED)
        return 0;
    waiter->key = old_key;
    waiter->word = old_word;
    list_add_tail(old_place, &waiter->link);
    if (result != TAKEN)
        return result;
    futex_release(waiter);
    return 1;
}

static int requeue_locked(struct futex_bucket *from, struct futex_bucket *to,
                          const struct memory_key *key, const struct memory_key *pi_key,
                          int nrequeue)
{
    int done = 0;

    list_for_each_safe (p, next, &from->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);
        int result;

        if (done > nrequeue)
            break;
        if (!futex_same(&waiter->key, key))
            continue;
        if (!waiter->requeue_pi || waiter->pi || !futex_same(&waiter->pi_key, pi_key))
            return -EINVAL;
        result = move_to_lock(to, waiter);
        if (result < 0)
            return done ? done : result;
        done++;
    }
    return done;
}

int64_t futex_cmp_requeue_pi(uintptr_t word, unsigned flags, int nwake, int nrequeue,
                             uintptr_t pi_word, uint32_t value)
{
    struct memory_key key, pi_key;
    struct futex_bucket *from, *to;
    int error;

    if (nwake != 1 || nrequeue < 0 || word == pi_word)
        return -EINVAL;
    error = futex_key(word, flags, &key) ?: futex_key(pi_word, flags, &pi_key);
    if (error)
        return error;
    from = futex_bucket(&key);
    to = futex_bucket(&pi_key);
    for (;;) {
        uint64_t irq = futex_lock_two(from, to);
        uint32_t seen;
        int result = user_get32(word, &seen);

        if (!result)
            result = seen == value ? requeue_locked(from, to, &key, &pi_key, nrequeue) : -EAGAIN;
        futex_unlock_two(from, to, irq);
        if (result != -EFAULT)
            return result;
        if (futex_fault_in(word) < 0 || futex_fault_in(pi_word) < 0)
            return -EFAULT;
    }
}
