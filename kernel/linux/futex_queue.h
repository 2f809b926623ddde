/* linux/futex_queue.h: waiters on futex words, shared by futex.c, futex_pi.c and futex_robust.c.
 *
 * Waiters stand in hashed buckets under a spinlock. Under it, with interrupts off, program memory
 * is touched by single instructions only, which fail instead of sleeping when the page is not
 * there; the caller then drops the lock, faults the page in and starts anew. */
#pragma once

#include "core/spinlock.h"
#include "linux/task.h"

enum {
    FUTEX_WAITERS = 0x80000000u,
    FUTEX_OWNER_DIED = 0x40000000u,
    FUTEX_TID_MASK = 0x3fffffffu,
};
#define FUTEX_BITSET_ALL 0xffffffffu

enum { FLAG_SHARED = 1, FLAG_REALTIME = 2 }; /* as the calls below take them */

struct futex_bucket {
    struct spinlock lock;
    struct list waiters;
} __attribute__((aligned(64)));

struct futex_waiter {
    struct list link;
    struct memory_key key;
    struct futex_bucket *_Atomic bucket; /* changes when it is requeued */
    struct task *task;
    uint32_t bitset;
    uintptr_t word;      /* address of the word that it waits on */
    bool pi;             /* waits to own the word */
    bool requeue_pi;     /* waits to be moved to pi_key */
    uint32_t owner_tid;  /* pi: who owned the word last; under pi_lock too */
    bool orphaned;       /* pi: it owns the word, and has to write that itself */
    struct list pi_link; /* pi: in the list of all of them, under pi_lock */
    struct memory_key pi_key;
    uintptr_t pi_word;
    atomic_bool woken; /* set last: the waiter's memory may be gone at once */
};

enum { FUTEX_BUCKETS = 256 };
extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

static inline struct futex_bucket *futex_bucket(const struct memory_key *key)
{
    uint64_t mixed = ((uintptr_t)key->owner >> 4 ^ key->offset >> 2) * 0x9e3779b97f4a7c15ull;

    return &futex_buckets[mixed >> 56];
}

/* Irqs go off; the flags for unlock. Two buckets may be one. */
static inline uint64_t futex_lock(struct futex_bucket *bucket)
{
    uint64_t flags = spin_lock_irq(&bucket->lock);

    if (unlikely(!bucket->waiters.next))
        list_init(&bucket->waiters);
    return flags;
}
static inline void futex_unlock(struct futex_bucket *bucket, uint64_t flags)
{
    spin_unlock_irq(&bucket->lock, flags);
}
/* Both, the lower address first. */
uint64_t futex_lock_two(struct futex_bucket *one, struct futex_bucket *two);
void futex_unlock_two(struct futex_bucket *one, struct futex_bucket *two, uint64_t flags);

static inline bool futex_same(const struct memory_key *a, const struct memory_key *b)
{
    return a->offset == b->offset && a->owner == b->owner;
}

/* -EINVAL (not aligned), -EFAULT. */
int futex_key_shared(uintptr_t word, struct memory_key *key);
static inline int futex_key(uintptr_t word, unsigned flags, struct memory_key *key)
{
    if (unlikely(word % 4))
        return -EINVAL;
    if (unlikely(word >= USER_END))
        return -EFAULT;
    if (flags & FLAG_SHARED)
        return futex_key_shared(word, key);
    *key = (struct memory_key){current->space, word};
    return 0;
}
/* Make the word's page present, and writable; 0 or -EFAULT. No lock held. */
int futex_fault_in(uintptr_t word);
/* Put the waiter into the locked bucket: real-time threads before all others (man 2 futex), each
 * kind in the order of coming. */
static inline void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
    int priority = waiter->task->thread.rt_priority;
    struct list *before = &bucket->waiters;

    atomic_store_explicit(&waiter->bucket, bucket, memory_order_relaxed);
    if (unlikely(priority > 0))
        while (before->next != &bucket->waiters &&
               list_entry(before->next, struct futex_waiter, link)->task->thread.rt_priority >=
                   priority)
            before = before->next;
    else
        before = bucket->waiters.prev;
    list_add(before, &waiter->link);
}
/* It waits for no owner any more. Bucket locked. */
void futex_pi_forget(struct futex_waiter *waiter);
/* Take it out and wake it. Bucket locked. */
static inline void futex_release(struct futex_waiter *waiter)
{
    /* The task cannot be freed before this CPU leaves the bucket's lock (RCU); the waiter can go as
     * soon as it sees woken. */
    struct thread *thread = &waiter->task->thread;

    if (unlikely(waiter->pi))
        futex_pi_forget(waiter);
    waiter->link.prev->next = waiter->link.next;
    waiter->link.next->prev = waiter->link.prev;
    atomic_store_explicit(&waiter->woken, true, memory_order_release);
    thread_wake(thread);
}
/* Sleep until woken: 0; else it has been taken out: -EINTR or -ETIMEDOUT. The deadline is the
 * real-time clock's where so said. The first sleep without a deadline is inline. */
int futex_sleep_on(struct futex_waiter *waiter, nsec_t deadline, bool realtime);
static inline int futex_sleep(struct futex_waiter *waiter, nsec_t deadline, bool realtime)
{
    struct thread *self = current;

    if (deadline != NSEC_FOREVER)
        return futex_sleep_on(waiter, deadline, realtime);
    atomic_store(&self->state, THREAD_INTERRUPTIBLE); /* a full barrier */
    if (likely(!atomic_load_explicit(&waiter->woken, memory_order_acquire) &&
               !thread_interrupted(self)))
        schedule();
    else
        atomic_store_explicit(&self->state, THREAD_RUNNABLE, memory_order_release);
    if (likely(atomic_load_explicit(&waiter->woken, memory_order_acquire)))
        return 0;
    return futex_sleep_on(waiter, deadline, realtime);
}
/* Take it out unless it was woken meanwhile: true if it was still there. */
bool futex_dequeue(struct futex_waiter *waiter);

/* The deadline of the call's timeout (program memory, 0: none): of the clock that the flags name if
 * it is absolute, else monotonic. */
int futex_deadline(uintptr_t timeout, unsigned flags, bool absolute, nsec_t *deadline);

/* --- futex_pi.c --- */
int64_t futex_lock_pi(uintptr_t word, unsigned flags, nsec_t deadline, bool try_only);
int64_t futex_unlock_pi(uintptr_t word, unsigned flags);
int64_t futex_wait_requeue_pi(uintptr_t word, unsigned flags, uint32_t value, nsec_t deadline,
                              uint32_t bitset, uintptr_t pi_word);
int64_t futex_cmp_requeue_pi(uintptr_t word, unsigned flags, int nwake, int nrequeue,
                             uintptr_t pi_word, uint32_t value);
/* Somebody has begun or ceased to wait for that task, or its waiters' priorities have changed: what
 * it and those that it waits for inherit. May sleep. */
void futex_pi_changed(uint32_t tid);
/* The task ends: hand what it owns to the next waiters. */
void futex_pi_exit(struct task *task);
