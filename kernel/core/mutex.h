/* core/mutex.h: locks that a thread may hold while it sleeps.
 *
 * The mutex is lock-free and hands itself to the longest waiter (Kogan-style hand-off: a vCPU that
 * is descheduled while it unlocks lets others go on). Not from interrupt handlers. Initialise to
 * {}. They remember their owner, and assert() when misused. */
#pragma once

#include "lib/types.h"

struct thread;

struct mutex {
    _Atomic(int) count; /* holders and waiters */
    _Atomic(struct thread *) owner;
    _Atomic(struct mutex_waiter *) incoming; /* newest first */
    struct mutex_waiter *outgoing;           /* oldest first; the holder's */
    atomic_uint handoff, sequence;
};

void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_is_mine(const struct mutex *mutex);

/* Many readers or one writer; a waiting writer keeps new readers out. Readers must not nest.
 * Uncontended read lock and unlock: one atomic operation each. */
struct rwlock {
    atomic_int readers; /* with a writer bias */
    struct mutex writer;
    _Atomic(struct thread *) waiting_writer;
    struct mutex gate;
    _Atomic(struct rwlock_waiter *) waiters;
};

void read_lock(struct rwlock *lock);
void read_unlock(struct rwlock *lock);
void write_lock(struct rwlock *lock);
void write_unlock(struct rwlock *lock);
