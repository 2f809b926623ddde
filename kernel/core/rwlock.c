/* `readers` counts the readers that are in or want in; a writer subtracts RWLOCK_WRITER, so that a
 * reader sees with its one atomic operation whether a writer is there.
 *
 * A writer that comes takes the number of readers that were in: it must wait for so many to leave.
 * Those see a negative number when they leave and count `leaving` down; whoever reaches 0 wakes the
 * writer. A writer that leaves takes the number of readers that came meanwhile: they, or others
 * that come as late, get as many permits. */
#include "core/mutex.h"

#include "core/panic.h"
#include "core/thread.h"

enum { RWLOCK_WRITER = 1 << 30 };

struct rwlock_waiter {
    struct rwlock_waiter *next;
    _Atomic(struct thread *) thread; /* NULL: it may go in */
};

static void wait_for_permit(struct rwlock *lock)
{
    struct rwlock_waiter self = {.thread = current};
    uint64_t flags = spin_lock_irq(&lock->lock);
    bool permitted = lock->permits > 0;

    if (permitted) {
        lock->permits--;
    } else {
        self.next = lock->waiting;
        lock->waiting = &self;
    }
    spin_unlock_irq(&lock->lock, flags);
    if (permitted)
        return;
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (!atomic_load_explicit(&self.thread, memory_order_acquire))
            break;
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
}

/* See give() in mutex.c. */
static void permit(struct rwlock *lock, unsigned count)
{
    struct rwlock_waiter *first, *last = NULL;
    uint64_t flags = spin_lock_irq(&lock->lock);

    first = lock->waiting;
    while (count && lock->waiting) {
        last = lock->waiting;
        lock->waiting = last->next;
        count--;
    }
    if (last)
        last->next = NULL;
    lock->permits += count;
    spin_unlock_irq(&lock->lock, flags);
    while (last && first) {
        struct rwlock_waiter *next = first->next;
        struct thread *thread = atomic_load_explicit(&first->thread, memory_order_relaxed);

        atomic_store_explicit(&first->thread, NULL, memory_order_release);
        thread_wake(thread);
        first = next;
    }
}

void read_lock(struct rwlock *lock)
{
    if (unlikely(atomic_fetch_add(&lock->readers, 1) < 0))
        wait_for_permit(lock);
}

static void leave_to_writer(struct rwlock *lock)
{
    struct thread *writer;

    if (atomic_fetch_sub(&lock->leaving, 1) != 1)
        return;
    writer = atomic_load(&lock->writer);
    atomic_store(&lock->writer, NULL);
    thread_wake(writer);
}

void read_unlock(struct rwlock *lock)
{
    int readers = atomic_fetch_sub(&lock->readers, 1);

    assert(readers != 0 && readers != -RWLOCK_WRITER, "read_unlock without a reader");
    if (unlikely(readers < 0))
        leave_to_writer(lock);
}

void write_lock(struct rwlock *lock)
{
    int readers;

    mutex_lock(&lock->writers);
    atomic_store(&lock->writer, current);
    readers = atomic_fetch_sub(&lock->readers, RWLOCK_WRITER);
    if (likely(!readers) || atomic_fetch_add(&lock->leaving, readers) + readers == 0)
        return;
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (!atomic_load(&lock->writer))
            break;
        schedule();
    }
    thread_set_state(THREAD_RUNNABLE);
}

void write_unlock(struct rwlock *lock)
{
    int readers = atomic_fetch_add(&lock->readers, RWLOCK_WRITER) + RWLOCK_WRITER;

    assert(mutex_is_mine(&lock->writers), "write_unlock by another thread than the writer");
    if (unlikely(readers))
        permit(lock, readers);
    mutex_unlock(&lock->writers);
}
