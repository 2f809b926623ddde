/* core/spinlock.h: for a few instructions with interrupts off, nothing else.
 *
 * A holder must not sleep, touch program memory, or take a mutex. Whatever may last longer uses
 * core/mutex.h. Initialise to {}. */
#pragma once

#include "arch/x86_64/irqflags.h"
#include "core/panic.h"
#include "lib/types.h"

struct spinlock {
    atomic_uint locked;
};

static inline void spin_unlock(struct spinlock *lock)
{
    atomic_store_explicit(&lock->locked, 0, memory_order_release);
}

/* What is compiled for size shares one of each (core/spinlock.c). spin_lock_irq() returns the
 * interrupt state for spin_unlock_irq(). */
void spin_lock_called(struct spinlock *lock);
uint64_t spin_lock_irq_called(struct spinlock *lock);
void spin_unlock_irq_called(struct spinlock *lock, uint64_t flags);
#ifdef __OPTIMIZE_SIZE__
#define spin_lock       spin_lock_called
#define spin_lock_irq   spin_lock_irq_called
#define spin_unlock_irq spin_unlock_irq_called
#else
static inline void spin_lock(struct spinlock *lock)
{
    if (likely(!atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire)))
        return;
    do
        while (atomic_load_explicit(&lock->locked, memory_order_relaxed))
            asm volatile("pause");
    while (atomic_exchange_explicit(&lock->locked, 1, memory_order_acquire));
}
static inline uint64_t spin_lock_irq(struct spinlock *lock)
{
    uint64_t flags = irq_save();
    spin_lock(lock);
    return flags;
}
static inline void spin_unlock_irq(struct spinlock *lock, uint64_t flags)
{
    spin_unlock(lock);
    irq_restore(flags);
}
#endif
