/* linux/futex_pi.c: futexes that are locks with an owner (man 2 futex, "Priority-inheritance
 * futexes"). The word holds the owner's tid; the kernel hands it to the first waiter at unlock. */
#include "linux/futex.h"
#include "linux/futex_queue.h"

#include "lib/errno.h"

/* Who waits for whom. Under pi_lock, which is taken after a bucket's lock. */
static struct spinlock pi_lock;
static struct list pi_waiters = LIST_INIT(pi_waiters);
static struct mutex inherit_lock; /* over changes of what tasks have inherited */

enum { CHAIN_MAX = 1024 }; /* as long a chain of owners who wait is followed (Linux) */

static void pi_remember(struct futex_waiter *waiter, uint32_t owner_tid)
{
    uint64_t irq = spin_lock_irq(&pi_lock);

    waiter->owner_tid = owner_tid;
    waiter->pi = true;
    list_add_tail(&pi_waiters, &waiter->pi_link);
    spin_unlock_irq(&pi_lock, irq);
}

void futex_pi_forget(struct futex_waiter *waiter)
{
    uint64_t irq = spin_lock_irq(&pi_lock);

    list_del(&waiter->pi_link);
    waiter->pi = false;
    spin_unlock_irq(&pi_lock, irq);
}

/* For whom the task of that number waits; 0: for nobody. Under pi_lock. */
static uint32_t waits_for(uint32_t tid)
{
    list_for_each_entry (struct futex_waiter, waiter, &pi_waiters, pi_link)
        if ((uint32_t)waiter->task->tid == tid)
            return waiter->owner_tid;
    return 0;
}

/* Would waiting for that owner be waiting for oneself? */
static bool would_deadlock(const struct task *task, uint32_t owner_tid)
{
    uint64_t irq = spin_lock_irq(&pi_lock);
    uint32_t tid = owner_tid;

    for (unsigned i = 0; tid && tid != (uint32_t)task->tid && i < CHAIN_MAX; i++)
        tid = waits_for(tid);
    spin_unlock_irq(&pi_lock, irq);
    return tid != 0;
}

/* --- inheritance: the owner runs as the most urgent of those who wait for it, and so does whom it
 * waits for in turn (man 2 futex) --- */

/* Whoever waits for that task most urgently, or NULL. Under pi_lock, RCU keeps it. */
static struct thread *most_urgent(uint32_t owner_tid)
{
    struct thread *most = NULL;

    list_for_each_entry (struct futex_waiter, waiter, &pi_waiters, pi_link) {
        struct thread *thread = &waiter->task->thread;

        if (waiter->owner_tid != owner_tid || thread->rt_priority == 0)
            continue;
        if (!most || thread->rt_priority > most->rt_priority ||
            (thread->rt_priority == PRIORITY_DEADLINE &&
             (int64_t)(thread->dl.until - most->dl.until) < 0))
            most = thread;
    }
    return most;
}

/* Give the task what it has to inherit now; whom it waits for, if its priority has changed (0: it
 * has not, or for nobody). Under inherit_lock. */
static uint32_t inherit(uint32_t tid)
{
    struct task *task;
    struct thread *donor;
    uint32_t next = 0;
    uint64_t irq;
    int priority;

    rcu_read_lock();
    task = task_find((int)tid);
    irq = spin_lock_irq(&pi_lock);
    donor = task ? most_urgent(tid) : NULL;
    priority = donor ? donor->rt_priority : 0;
    if (task)
        next = waits_for(tid);
    spin_unlock_irq(&pi_lock, irq);
    if (task && task->thread.inherited != priority)
        thread_inherit(&task->thread, priority, donor);
    else
        next = 0;
    rcu_read_unlock();
    return next;
}

void futex_pi_changed(uint32_t tid)
{
    mutex_lock(&inherit_lock);
    for (unsigned i = 0; tid && i < CHAIN_MAX; i++)
        tid = inherit(tid);
    mutex_unlock(&inherit_lock);
}

void futex_pi_priority_changed(const struct task *task)
{
    uint64_t irq = spin_lock_irq(&pi_lock);
    uint32_t owner = waits_for((uint32_t)task->tid);

    spin_unlock_irq(&pi_lock, irq);
    if (owner)
        futex_pi_changed(owner);
}

/* --- the locks --- */

/* The most urgent waiter of a lock in its bucket, or NULL; *others: there are more. */
static struct futex_waiter *top_waiter(struct futex_bucket *bucket, const struct memory_key *key,
                                       bool *others)
{
    struct futex_waiter *top = NULL;

    *others = false;
    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (!waiter->pi || !futex_same(&waiter->key, key))
            continue;
        *others = top != NULL;
        if (!top || waiter->task->thread.rt_priority > top->task->thread.rt_priority)
            top = waiter;
    }
    return top;
}

/* Who waits on the word first does not wait for a lock. */
static bool other_waiter(struct futex_bucket *bucket, const struct memory_key *key)
{
    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (futex_same(&waiter->key, key))
            return !waiter->pi;
    }
    return false;
}

/* The lock has a new owner: its waiters wait for that one. Bucket locked. */
static void note_owner(struct futex_bucket *bucket, const struct memory_key *key,
                       struct task *owner)
{
    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *waiter = list_entry(p, struct futex_waiter, link);

        if (waiter->pi && futex_same(&waiter->key, key)) {
            uint64_t irq = spin_lock_irq(&pi_lock);

            waiter->owner_tid = (uint32_t)owner->tid;
            spin_unlock_irq(&pi_lock, irq);
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

/* Take the lock for `task`, or make the waiter stand in its queue. Bucket locked. word: where the
 * current task has it; bits: of it, if it is taken. */
static int take_or_queue(struct futex_bucket *bucket, struct futex_waiter *waiter, uintptr_t word,
                         bool try_only, uint32_t bits)
{
    struct task *task = waiter->task;
    uint32_t tid = (uint32_t)task->tid, value;
    bool others;
    int result;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    for (;;) {
        uint32_t now = value | FUTEX_WAITERS;

        if ((value & FUTEX_TID_MASK) == tid)
            return -EDEADLK;
        if (other_waiter(bucket, &waiter->key))
            return -EINVAL;
        if ((value & FUTEX_TID_MASK) == 0)
            now = tid | bits | (value & FUTEX_OWNER_DIED) |
                  (top_waiter(bucket, &waiter->key, &others) ? FUTEX_WAITERS : 0);
        result = user_cmpxchg32(word, &value, now);
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
    if (result || try_only)
        return result ?: -EAGAIN;
    if (would_deadlock(task, value & FUTEX_TID_MASK))
        return -EDEADLK;
    pi_remember(waiter, value & FUTEX_TID_MASK);
    futex_enqueue(bucket, waiter);
    return QUEUED;
}

/* The current task has become the owner: of one who has others waiting, perhaps. */
static int took_over(void)
{
    struct task *task = current_task();

    if (atomic_load_explicit(&task->pi_contended, memory_order_relaxed))
        futex_pi_changed((uint32_t)task->tid);
    return 0;
}

/* The current task, `waiter` was its, is to own the word, but the owner before it ended in memory
 * of its own, where the word has another address or none. -EAGAIN: another one was faster, as the
 * robust list of who ended has it free. */
static int take_orphan(const struct futex_waiter *waiter, uintptr_t word)
{
    uint32_t value;
    int result = user_get32(word, &value);

    while (result == 0) {
        uint32_t now = (uint32_t)current_task()->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED;
        uint32_t owner = value & FUTEX_TID_MASK;

        if (owner && owner != waiter->owner_tid)
            return -EAGAIN;
        result = user_cmpxchg32(word, &value, now);
        if (result == 0)
            return took_over();
        result = result == -EFAULT ? futex_fault_in(word) : 0;
    }
    return -EFAULT;
}

static int64_t lock_once(uintptr_t word, unsigned flags, nsec_t deadline, bool try_only)
{
    struct futex_waiter waiter = {.task = current_task(), .word = word};
    struct futex_bucket *bucket;
    int result = futex_key(word, flags, &waiter.key);

    if (result)
        return result;
    bucket = futex_bucket(&waiter.key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        result = take_or_queue(bucket, &waiter, word, try_only, 0);
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
        return result == TAKEN ? took_over() : result;
    futex_pi_changed(waiter.owner_tid);
    result = futex_sleep(&waiter, deadline, flags & FLAG_REALTIME);
    if (result)
        futex_pi_changed(waiter.owner_tid); /* it has one less to run for */
    else if (waiter.orphaned)
        result = take_orphan(&waiter, word);
    return result == -EINTR ? -ERESTARTNOINTR : result;
}

int64_t futex_lock_pi(uintptr_t word, unsigned flags, nsec_t deadline, bool try_only)
{
    int64_t result;

    do {
        result = lock_once(word, flags, deadline, try_only);
    } while (result == -EAGAIN && !try_only);
    return result;
}

/* Give the lock to the waiter, with further bits in the word, as the current task has it. Bucket
 * locked. */
static int hand_over(struct futex_bucket *bucket, struct futex_waiter *waiter, uintptr_t word,
                     uint32_t from_tid, uint32_t bits)
{
    struct task *task = waiter->task;
    struct memory_key key = waiter->key;
    uint32_t value;
    int result;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    do {
        uint32_t tid = value & FUTEX_TID_MASK;

        if (tid != from_tid && tid != 0)
            return -EPERM; /* the program has written the word itself */
        result = user_cmpxchg32(word, &value, (uint32_t)task->tid | FUTEX_WAITERS | bits);
        if (result < 0)
            return result;
    } while (result);
    futex_release(waiter);
    note_owner(bucket, &key, task);
    return 0;
}

/* *next: the new owner, if there is one. */
static int unlock_locked(struct futex_bucket *bucket, const struct memory_key *key, uintptr_t word,
                         uint32_t *next)
{
    uint32_t tid = (uint32_t)current_task()->tid, value;
    struct futex_waiter *top;
    bool others;
    int result;

    if (user_get32(word, &value) < 0)
        return -EFAULT;
    if ((value & FUTEX_TID_MASK) != tid)
        return -EPERM;
    if (other_waiter(bucket, key))
        return -EINVAL;
    top = top_waiter(bucket, key, &others);
    if (top) {
        *next = (uint32_t)top->task->tid;
        return hand_over(bucket, top, word, tid, 0);
    }
    do {
        result = user_cmpxchg32(word, &value, 0);
    } while (result == 1 && (value & FUTEX_TID_MASK) == tid);
    return result == 1 ? -EAGAIN : result;
}

int64_t futex_unlock_pi(uintptr_t word, unsigned flags)
{
    struct memory_key key;
    struct futex_bucket *bucket;
    uint32_t next = 0, value;
    int result = user_get32(word, &value);

    if (!result && (value & FUTEX_TID_MASK) != (uint32_t)current_task()->tid)
        return -EPERM;
    result = result ?: futex_key(word, flags, &key);
    if (result)
        return result;
    bucket = futex_bucket(&key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        result = unlock_locked(bucket, &key, word, &next);
        futex_unlock(bucket, irq);
        if (result != -EFAULT || futex_fault_in(word) < 0)
            break;
    }
    if (!result && next) {
        futex_pi_changed(next);
        futex_pi_changed((uint32_t)current_task()->tid);
    }
    return result;
}

/* The same where the word lies in memory of the waiter's: it writes it. */
static void leave_to(struct futex_bucket *bucket, struct futex_waiter *waiter)
{
    struct task *task = waiter->task;
    struct memory_key key = waiter->key;

    waiter->orphaned = true;
    futex_release(waiter);
    note_owner(bucket, &key, task);
}

/* Hand on one of the task's locks whose waiters stand in the bucket: to whom; 0: there is none. */
static uint32_t hand_on(struct futex_bucket *bucket, const struct task *task)
{
    uint64_t irq = futex_lock(bucket);
    uint32_t heir = 0;
    bool others;

    list_for_each (p, &bucket->waiters) {
        struct futex_waiter *first = list_entry(p, struct futex_waiter, link), *top;

        if (!first->pi || first->owner_tid != (uint32_t)task->tid)
            continue;
        top = top_waiter(bucket, &first->key, &others);
        heir = (uint32_t)top->task->tid;
        if (top->task->process->space != task->process->space)
            leave_to(bucket, top);
        else if (hand_over(bucket, top, top->word, (uint32_t)task->tid, FUTEX_OWNER_DIED) < 0)
            first->owner_tid = top->owner_tid = 0; /* nothing can be done for them */
        break;
    }
    futex_unlock(bucket, irq);
    return heir;
}

void futex_pi_exit(struct task *task)
{
    uint32_t heir;

    atomic_store(&task->pi_exited, true);
    if (!atomic_load(&task->pi_contended))
        return;
    for (unsigned i = 0; i < FUTEX_BUCKETS; i++)
        while ((heir = hand_on(&futex_buckets[i], task)))
            futex_pi_changed(heir);
    futex_pi_changed((uint32_t)task->tid);
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
    error = futex_key(pi_word, flags, &waiter.pi_key) ?: futex_key(word, flags, &waiter.key);
    if (error)
        return error;
    bucket = futex_bucket(&waiter.key);
    for (;;) {
        uint64_t irq = futex_lock(bucket);

        error = user_get32(word, &seen);
        if (!error)
            error = seen != value ? -EAGAIN : futex_same(&waiter.key, &waiter.pi_key) ? -EINVAL : 0;
        if (!error)
            futex_enqueue(bucket, &waiter);
        futex_unlock(bucket, irq);
        if (!error)
            break;
        if (error != -EFAULT || user_get32(word, &seen) < 0)
            return error;
    }
    error = futex_sleep(&waiter, deadline, flags & FLAG_REALTIME);
    if (!error && waiter.orphaned)
        error = take_orphan(&waiter, pi_word);
    else if (!error)
        return took_over();
    if (waiter.orphaned)
        return error == -EAGAIN ? futex_lock_pi(pi_word, flags, deadline, false) : error;
    if (waiter.owner_tid) /* it has waited for the lock */
        futex_pi_changed(waiter.owner_tid);
    if (error == -EINTR) /* on the lock already: its condition may have come true (as Linux) */
        return waiter.owner_tid ? -EAGAIN : -ERESTARTNOINTR;
    return error;
}

/* One waiter from the condition to the lock. 1: it has it (and was woken); 0: it waits for it. */
static int move_to_lock(struct futex_bucket *to, struct futex_waiter *waiter, uintptr_t word,
                        uint32_t bits)
{
    struct memory_key old_key = waiter->key;
    uintptr_t old_word = waiter->word;
    struct list *old_place = waiter->link.next;
    int result;

    list_del(&waiter->link);
    waiter->key = waiter->pi_key;
    waiter->word = waiter->pi_word;
    result = take_or_queue(to, waiter, word, false, bits);
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
                          uintptr_t pi_word, int nrequeue)
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
        result = move_to_lock(to, waiter, pi_word, nrequeue ? FUTEX_WAITERS : 0);
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
    if (error || futex_same(&key, &pi_key))
        return error ?: -EINVAL;
    from = futex_bucket(&key);
    to = futex_bucket(&pi_key);
    for (;;) {
        uint64_t irq = futex_lock_two(from, to);
        uint32_t seen, lock;
        int result = user_get32(word, &seen);
        bool absent = result;

        if (!result && seen == value)
            result = user_get32(pi_word, &lock);
        if (!result)
            result = seen == value ? requeue_locked(from, to, &key, &pi_key, pi_word, nrequeue)
                                   : -EAGAIN;
        futex_unlock_two(from, to, irq);
        if (result > 0 && user_get32(pi_word, &seen) == 0)
            futex_pi_changed(seen & FUTEX_TID_MASK);
        if (result != -EFAULT)
            return result;
        if ((absent ? user_get32(word, &seen) : futex_fault_in(pi_word)) < 0)
            return -EFAULT;
    }
}
