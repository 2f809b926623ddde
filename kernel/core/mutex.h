/* core/mutex.h: locks that a thread may hold while it sleeps.
 *
 * The mutex is lock-free and hands itself to the longest waiter, so a vCPU that is descheduled in
 * the middle of locking or unlocking makes nobody spin. Not from interrupt handlers. Initialise to
 * {}. They remember their owner, and assert() when misused. */
#pragma once

#include "core/spinlock.h"
#include "lib/types.h"

struct thread;
struct mutex_waiter;

struct mutex {
    atomic_int count; /* the holder and those who wait or are about to */
    _Atomic(struct thread *) owner;
    _Atomic(struct mutex_waiter *) incoming; /* newest first */
    struct mutex_waiter *outgoing;           /* oldest first; belongs to whoever unlocks */
    atomic_uint handoff;                     /* not 0: an unlocker found nobody to hand it to */
    unsigned sequence;                       /* of hand-offs; belongs to whoever unlocks */
};

/* Threads; not recursive; only who locked it unlocks it. mutex_trylock() never sleeps: false,
 * somebody has it. mutex_is_mine(): for assert(). */
void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_is_mine(const struct mutex *mutex);

/* Many readers or one writer; a waiting writer keeps new readers out, and a writer that leaves lets
 * all readers in that came meanwhile. Readers must not nest. Uncontended read lock and unlock: one
 * atomic operation each. */
struct rwlock {
    atomic_int readers; /* in or waiting; minus RWLOCK_WRITER while a writer is in or waits */
    atomic_int leaving; /* readers that the writer still waits for */
    struct mutex writers;
    _Atomic(struct thread *) writer; /* waits for the readers to leave */
    struct spinlock lock;            /* over the rest: readers that met a writer */
    unsigned permits;                /* so many of those on their way to wait may go in */
    struct rwlock_waiter *waiting;
};

/* Threads. Unlocked by who has locked. */
void read_lock(struct rwlock *lock);
void read_unlock(struct rwlock *lock);
void write_lock(struct rwlock *lock);
void write_unlock(struct rwlock *lock);
