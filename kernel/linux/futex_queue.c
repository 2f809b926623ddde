/* linux/futex_queue.c: the buckets in which futex waiters stand. */
#include "linux/futex_queue.h"

#include "core/clock.h"
#include "linux/time.h"

struct futex_bucket futex_buckets[FUTEX_BUCKETS];

/* In the order of their addresses. */
uint64_t futex_lock_two(struct futex_bucket *one, struct futex_bucket *two)
{
    uint64_t flags = futex_lock(MIN(one, two));

    if (one != two) {
        spin_lock(&MAX(one, two)->lock);
        if (unlikely(!MAX(one, two)->waiters.next))
            list_init(&MAX(one, two)->waiters);
    }
    return flags;
}

void futex_unlock_two(struct futex_bucket *one, struct futex_bucket *two, uint64_t flags)
{
    if (one != two)
        spin_unlock(&MAX(one, two)->lock);
    spin_unlock_irq(&MIN(one, two)->lock, flags);
}

int futex_key_shared(uintptr_t word, struct memory_key *key)
{
    return address_space_key(current->space, word, key);
}

int futex_fault_in(uintptr_t word)
{
    uint32_t value;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    return user_cmpxchg32(word, &value, value) < 0 ? -EFAULT : 0;
}

bool futex_dequeue(struct futex_waiter *waiter)
{
    for (;;) {
        struct futex_bucket *bucket = atomic_load_explicit(&waiter->bucket, memory_order_relaxed);
        uint64_t flags = futex_lock(bucket);
        bool same = bucket == atomic_load_explicit(&waiter->bucket, memory_order_relaxed);
        bool there = same && !atomic_load_explicit(&waiter->woken, memory_order_relaxed);

        if (there) {
            if (waiter->pi)
                futex_pi_forget(waiter);
            list_del(&waiter->link);
        }
        futex_unlock(bucket, flags);
        if (same)
            return there;
    }
}

int futex_sleep_on(struct futex_waiter *waiter, nsec_t deadline, bool realtime)
{
    int error;

    for (;;) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (atomic_load_explicit(&waiter->woken, memory_order_acquire)) {
            thread_set_state(THREAD_RUNNABLE);
            return 0;
        }
        error = time_sleep(WAIT_INTERRUPTIBLE, deadline, realtime);
        if (atomic_load_explicit(&waiter->woken, memory_order_acquire))
            return 0;
        if (error && futex_dequeue(waiter))
            return error;
    }
}

int futex_deadline(uintptr_t timeout, unsigned flags, bool absolute, nsec_t *deadline)
{
    nsec_t ns;
    int error;

    *deadline = NSEC_FOREVER;
    if (!timeout)
        return 0;
    error = time_get(timeout, &ns);
    if (error)
        return error;
    if (!absolute)
        *deadline = nsec_add(clock_monotonic(), ns);
    else
        *deadline = ns;
    return 0;
}
