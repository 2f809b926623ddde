#include "core/thread.h"

#include "arch/x86_64/context.h"
#include "arch/x86_64/irqflags.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/panic.h"
#include "core/sched.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/sanitize.h"
#include "lib/string.h"

struct thread boot_thread = {.name = "boot", .affinity = {~0ull}, .weight = NICE_0_WEIGHT};

/* --- kernel stacks: a few are kept for the next thread, linked through their first word --- */

enum { STACKS_KEPT = 16 };

static struct {
    struct spinlock lock;
    void **first;
    unsigned count;
} stacks;

static void *stack_get(void)
{
    uint64_t flags = spin_lock_irq(&stacks.lock);
    void **stack = stacks.first;

    if (stack) {
        stacks.first = *stack;
        stacks.count--;
    }
    spin_unlock_irq(&stacks.lock, flags);
    if (SANITIZED && stack) /* what its last thread had on it */
        sanitize_unpoison(stack, KSTACK_SIZE);
    return stack ? stack : core_stack_alloc(KSTACK_SIZE);
}

/* Any context. False: enough are kept. */
static bool stack_keep(void *stack)
{
    uint64_t flags = spin_lock_irq(&stacks.lock);
    bool room = stacks.count < STACKS_KEPT;

    if (room) {
        *(void **)stack = stacks.first;
        stacks.first = stack;
        stacks.count++;
    }
    spin_unlock_irq(&stacks.lock, flags);
    return room;
}

static void stack_put(void *stack)
{
    if (!stack_keep(stack))
        core_stack_free(stack, KSTACK_SIZE);
}

/* --- beginning and end --- */

/* On the new thread's stack, interrupts off. */
static void thread_begin(void)
{
    struct thread *self;

    sched_finish();
    irq_enable();
    self = current;
    self->entry(self->arg);
    thread_exit();
}

int thread_init(struct thread *thread, const char *name, void (*entry)(void *), void *arg)
{
    const struct thread *creator = current;

    thread->kstack = stack_get();
    if (!thread->kstack)
        return -ENOMEM;
    thread->kstack_top = (uintptr_t)thread->kstack + KSTACK_SIZE;
    thread->entry = entry;
    thread->arg = arg;
    thread->state = THREAD_SLEEPING;
    thread->cpu = this_cpu();
    thread->affinity = creator->affinity;
    thread->policy = thread->own_policy = creator->own_policy;
    thread->nice = creator->nice;
    thread->rt_priority = thread->own_priority = creator->own_priority;
    if (thread->policy == POLICY_DEADLINE) { /* what is reserved is for one thread */
        thread->policy = thread->own_policy = POLICY_FAIR;
        thread->rt_priority = thread->own_priority = 0;
    }
    thread_weigh(thread);
    strlcpy(thread->name, name, sizeof thread->name);
    context_init(thread, thread_begin);
    return 0;
}

void thread_reset_nice(struct thread *thread)
{
    thread->nice = 0;
    thread_weigh(thread);
}

void thread_reset_policy(struct thread *thread)
{
    thread->policy = thread->own_policy = POLICY_FAIR;
    thread->rt_priority = thread->own_priority = 0;
    thread_reset_nice(thread);
}

void thread_discard(struct thread *thread)
{
    stack_put(thread->kstack);
    thread->kstack = NULL;
}

static void kthread_destroy(struct thread *thread)
{
    core_free(thread);
}

__cold struct thread *kthread_start(const char *name, void (*entry)(void *), void *arg)
{
    struct thread *thread = core_alloc(sizeof *thread);

    if (!thread)
        return NULL;
    if (thread_init(thread, name, entry, arg) < 0) {
        core_free(thread);
        return NULL;
    }
    thread->destroy = kthread_destroy;
    thread->affinity.bits = ~0ull;
    thread->policy = thread->own_policy = POLICY_FAIR;
    thread->rt_priority = thread->own_priority = thread->nice = 0;
    thread_weigh(thread);
    thread_start(thread);
    return thread;
}

static void reap_after_readers(struct rcu_head *head)
{
    struct thread *thread = container_of(head, struct thread, rcu);

    if (thread->kstack)
        stack_put(thread->kstack);
    if (thread->destroy)
        thread->destroy(thread);
}

/* Its stack may serve the next thread at once; the struct only when no waker can still hold it. */
void thread_reap(struct thread *thread)
{
    if (thread->kstack && stack_keep(thread->kstack))
        thread->kstack = NULL;
    rcu_call(&thread->rcu, reap_after_readers);
}

/* --- sleeping for a time --- */

struct alarm {
    struct timer timer;
    struct thread *thread;
};

static void alarm_fire(struct timer *timer)
{
    thread_wake(container_of(timer, struct alarm, timer)->thread);
}

bool schedule_with_alarm(nsec_t deadline)
{
    struct alarm alarm;

    if (clock_monotonic() >= deadline) {
        thread_set_state(THREAD_RUNNABLE);
        return true;
    }
    alarm.thread = current;
    timer_init(&alarm.timer, alarm_fire);
    timer_start(&alarm.timer, deadline);
    schedule();
    return !timer_cancel(&alarm.timer);
}

int thread_sleep_until(nsec_t deadline, bool interruptible)
{
    bool over;

    do {
        thread_set_state(interruptible ? THREAD_INTERRUPTIBLE : THREAD_SLEEPING);
        if (interruptible && thread_interrupted(current)) {
            thread_set_state(THREAD_RUNNABLE);
            return -EINTR;
        }
        over = schedule_until(deadline);
    } while (!over);
    return 0;
}

nsec_t thread_runtime(const struct thread *thread)
{
    const struct cpu *cpu = thread->cpu;
    uint64_t runtime = __atomic_load_n(&thread->runtime, __ATOMIC_RELAXED);

    if (cpu && __atomic_load_n(&cpu->running, __ATOMIC_RELAXED) == thread) {
        int64_t slice = sched_cycles() - __atomic_load_n(&thread->started, __ATOMIC_RELAXED);

        runtime += MAX(slice, (int64_t)0);
    }
    return clock_tsc_to_ns(runtime);
}
