/* core/cpu.h: one struct for each processor, reached through GS.
 *
 * GS is the kernel's whenever kernel code runs (FS is the program's), so this_cpu() and current
 * cost one instruction in any context. The kernel itself is never preempted: a thread leaves its
 * CPU only where it sleeps, yields, or runs program code; so per-CPU data needs protection from
 * interrupts only. */
#pragma once

#include "lib/types.h"

struct thread;
struct runqueue;

enum { CPUS_MAX = 64 };

typedef struct {
    uint64_t bits; /* one bit a CPU */
} cpuset_t;

struct cpu {
    struct cpu *self;       /* offset 0: entry.S, this_cpu() */
    struct thread *running; /* offset 8: what `current` reads */
    uintptr_t kstack_top;   /* offset 16: of current; where system calls switch to */
    uintptr_t fault_stack;  /* offset 24: entry.S goes there when a kernel stack is spent */
    uint64_t reserved;      /* offset 32 */
    uint64_t stack_canary;  /* offset 40: where gcc looks for it with -mcmodel=kernel */
    unsigned id;            /* 0 is the boot CPU */
    uint32_t apic_id;
    atomic_bool online;
    atomic_bool idle;   /* in the idle loop: needs an IPI to look at its queues */
    bool need_resched;  /* set with interrupts off; looked at on the way to the program */
    unsigned irq_depth; /* >0: in an interrupt handler: must not sleep */
    struct thread *idle_thread;
    struct runqueue *rq;         /* core/sched.c */
    struct timer_queue *timers;  /* core/timer.c */
    uint64_t tlb_generation;     /* mm: what this CPU's TLB has seen */
    void *frame_cache;           /* mm/frame.c */
    void *heap_cache;            /* mm/heap.c */
    uint64_t rcu_quiescent;      /* core/rcu.c */
    uint64_t idle_ns, irq_count; /* /proc/stat */
    bool irq_in_program;         /* what the interrupt handler that runs now has interrupted */
    uint64_t ticks_program, ticks_kernel;
    struct thread *fpu_owner; /* whose extended state the registers hold */
    uint64_t *mib;            /* net/mib.h; NULL: none yet */
};

extern struct cpu *cpus[CPUS_MAX]; /* by id; NULL past ncpus */
extern unsigned ncpus;             /* present (coming up or online), at least 1 */

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    asm volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

/* Not volatile: it is the same wherever a function of this thread looks. */
static inline struct thread *current_thread(void)
{
    struct thread *thread;
    asm("mov %%gs:8, %0" : "=r"(thread));
    return thread;
}
#define current current_thread()

static inline bool in_interrupt(void)
{
    return this_cpu()->irq_depth > 0;
}

static inline cpuset_t cpuset_of(unsigned cpu)
{
    return (cpuset_t){1ull << cpu};
}
static inline bool cpuset_has(cpuset_t set, unsigned cpu)
{
    return set.bits >> cpu & 1;
}

/* Run fn(arg) on every other online CPU of the set, in interrupt context there; returns when
 * all have done so. Interrupts must be on, or the caller must hold no lock that a handler takes. */
void cpus_call(cpuset_t set, void (*fn)(void *), void *arg);

/* Make the CPU notice need_resched or its wake queue soon. Any context. */
void cpu_kick(struct cpu *cpu);
