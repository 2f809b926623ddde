/* core/rcu.h: readers pay nothing. The kernel is not preempted, so a reader is any stretch of
 * kernel code that does not sleep; a CPU is quiescent when it switches threads, idles or runs
 * program code. */
#pragma once

#include "core/cpu.h"
#include "lib/types.h"

struct rcu_head {
    struct rcu_head *next;
    void (*fn)(struct rcu_head *);
};

/* Mark the readers, for people and checkers. A reader must not sleep. */
static inline void rcu_read_lock(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}
static inline void rcu_read_unlock(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}
#define rcu_load(p)     __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_store(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

/* Call fn(head) in a kernel thread after all present readers have ended, some milliseconds later.
 * Any context. fn may sleep, but not long: others wait behind it. */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *));
/* Sleep until all present readers have ended. */
void rcu_synchronize(void);
/* Sleep until all that was given to rcu_call before has been called. */
void rcu_barrier(void);

/* The scheduler and the idle loop report that this CPU is in no reader. */
extern _Atomic uint64_t rcu_period;
static inline void rcu_quiescent(void)
{
    struct cpu *cpu = this_cpu();
    uint64_t now = atomic_load_explicit(&rcu_period, memory_order_acquire);

    if (unlikely(cpu->rcu_quiescent != now))
        __atomic_store_n(&cpu->rcu_quiescent, now, __ATOMIC_RELEASE);
}
/* Is somebody waiting for such a report of this CPU? */
bool rcu_wanted(const struct cpu *cpu);
/* Start the thread that calls back. -ENOMEM. */
int rcu_init(void);
