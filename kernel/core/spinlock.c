/* Those of core/spinlock.h for what is compiled for size. */
#include "core/spinlock.h"

void spin_lock_called(struct spinlock *lock)
{
    spin_lock(lock);
}

uint64_t spin_lock_irq_called(struct spinlock *lock)
{
    return spin_lock_irq(lock);
}

void spin_unlock_irq_called(struct spinlock *lock, uint64_t flags)
{
    spin_unlock_irq(lock, flags);
}
