/* linux/futex_queue.c: the buckets in which futex waiters stand. */
#include "linux/futex_queue.h"

#include "core/clock.h"
#include "linux/time.h"

static struct futex_bucket buckets[FUTEX_BUCKETS];

struct futex_bucket *futex_bucket_nth(unsigned n)
{
    return &buckets[n];
}

struct futex_bucket *futex_bucket(const struct memory_key *key)
{
    uint64_t mixed = ((uintptr_t)key->owner >> 4 ^ key->offset >> 2) * 0x9e3779b97f4a7c15ull;

    return &buckets[mixed >> 56];
}

static void prepare(struct futex_bucket *bucket)
{
    if (unlikely(!bucket->waiters.next))
        list_init(&bucket->waiters);
}

uint64_t futex_lock(struct futex_bucket *bucket)
{
    uint64_t flags = spin_lock_irq(&bucket->lock);

    prepare(bucket);
    return flags;
}

void futex_unlock(struct futex_bucket *bucket, uint64_t flags)
{
    spin_unlock_irq(&bucket->lock, flags);
}

/* In the order of their addresses. */
uint64_t futex_lock_two(struct futex_bucket *one, struct futex_bucket *two)
{
    uint64_t flags = futex_lock(MIN(one, two));

    if (one != two) {
        spin_lock(&MAX(one, two)->lock);
        prepare(MAX(one, two));
    }
    return flags;
}

void futex_unlock_two(struct futex_bucket *one, struct futex_bucket *two, uint64_t flags)
{
    if (one != two)
        spin_unlock(&MAX(one, two)->lock);
    spin_unlock_irq(&MIN(one, two)->lock, flags);
}

int futex_key(uintptr_t word, unsigned flags, struct memory_key *key)
{
    if (word % 4)
        return -EINVAL;
    if (!user_range_ok(word, 4))
        return -EFAULT;
    if (flags & FLAG_SHARED)
        return address_space_key(current->space, word, key);
    *key = (struct memory_key){current->space, word};
    return 0;
}

int futex_fault_in(uintptr_t word)
{
    uint32_t value;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    return user_cmpxchg32(word, &value, value) < 0 ? -EFAULT : 0;
}

/* Real-time threads before all others (man 2 futex), each kind in the order of coming. */
void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
    int priority = waiter->task->thread.rt_priority;
    struct list *before = &bucket->waiters;

    atomic_store_explicit(&waiter->bucket, bucket, memory_order_relaxed);
    if (unlikely(priority > 0)) {
        list_for_each (p, &bucket->waiters) {
            if (list_entry(p, struct futex_waiter, link)->task->thread.rt_priority < priority) {
                before = p;
                break;
            }
        }
    }
    list_add_tail(before, &waiter->link);
}

void futex_release(struct futex_waiter *waiter)
{
    /* The task cannot be freed before this CPU leaves the bucket's lock (RCU); the waiter can go as
     * soon as it sees woken. */
    struct thread *thread = &waiter->task->thread;

    list_del(&waiter->link);
    atomic_store_explicit(&waiter->woken, true, memory_order_release);
    thread_wake(thread);
}

bool futex_dequeue(struct futex_waiter *waiter)
{
    for (;;) {
        struct futex_bucket *bucket = atomic_load_explicit(&waiter->bucket, memory_order_relaxed);
        uint64_t flags = futex_lock(bucket);
        bool same = bucket == atomic_load_explicit(&waiter->bucket, memory_order_relaxed);
        bool there = same && !atomic_load_explicit(&waiter->woken, memory_order_relaxed);

        if (there)
            list_del(&waiter->link);
        futex_unlock(bucket, flags);
        if (same)
            return there;
    }
}

int futex_sleep(struct futex_waiter *waiter, nsec_t deadline)
{
    int error;

    for (;;) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (atomic_load_explicit(&waiter->woken, memory_order_acquire)) {
            thread_set_state(THREAD_RUNNABLE);
            return 0;
        }
        error = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
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
        *deadline = flags & FLAG_REALTIME ? time_realtime_to_monotonic(ns) : ns;
    return 0;
}
