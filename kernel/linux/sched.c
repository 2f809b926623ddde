/* linux/sched.c: the system calls about processors and nice values. */
#include "core/clock.h"
#include "linux/path.h"
#include "linux/sched.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"

enum { NICE_MIN = -20, NICE_MAX = 19 };

SYSCALL(sched_yield, 0, SYSCALL_WHOLE, "")
{
    if (unlikely(current->own_policy == POLICY_DEADLINE))
        thread_end_period();
    else
        thread_yield();
    return 0;
}

/* --- affinity --- */

static uint64_t present_cpus(void)
{
    return ncpus >= 64 ? ~0ull : (1ull << ncpus) - 1;
}

SYSCALL(sched_setaffinity, 3, SYSCALL_WHOLE, "")
{
    uint64_t bits = 0;
    struct task *task;
    int error;

    if (user_read(&bits, a2, MIN(a1, sizeof(bits))) < 0)
        return -EFAULT;
    rcu_read_lock();
    task = sched_task_of((int)a0);
    bits &= present_cpus();
    if (!task)
        error = -ESRCH;
    else if (!sched_owns(task))
        error = -EPERM;
    else if (task->thread.own_policy == POLICY_DEADLINE && bits != present_cpus())
        error = bits ? -EBUSY : -EINVAL; /* what it has reserved is on all of them */
    else
        error = 0;
    rcu_read_unlock();
    if (error)
        return error;
    return bits ? thread_set_affinity(&task->thread, (cpuset_t){bits}) : -EINVAL;
}

SYSCALL(sched_getaffinity, 3, SYSCALL_WHOLE, "")
{
    struct task *task;
    uint64_t bits = 0;

    if (a1 * 8 < ncpus || a1 % 8)
        return -EINVAL;
    rcu_read_lock();
    task = sched_task_of((int)a0);
    if (task)
        bits = task->thread.affinity.bits & present_cpus();
    rcu_read_unlock();
    if (!task)
        return -ESRCH;
    return user_put64(a2, bits) < 0 ? -EFAULT : (int64_t)sizeof(bits);
}

SYSCALL(getcpu, 3, SYSCALL_WHOLE, "")
{
    int cpu = a0 ? user_put32(a0, this_cpu()->id) : 0, node = a1 ? user_put32(a1, 0) : 0;

    return cpu < 0 || node < 0 ? -EFAULT : 0;
}

/* --- nice --- */

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* Walk along the threads that which and who mean. */
struct nice_walk {
    int which, who;
    bool set;
    int nice;   /* to set; or the best so far */
    int result; /* -ESRCH until one was found */
};

static void nice_one(struct nice_walk *walk, struct task *task)
{
    int error;

    if (!walk->set) {
        if (walk->result < 0 || task->thread.nice < walk->nice)
            walk->nice = task->thread.nice;
        walk->result = 0;
        return;
    }
    error = !sched_owns(task) ? -EPERM : sched_may_be_nice(task, walk->nice) ? -EACCES : 0;
    if (!error)
        thread_set_nice(&task->thread, walk->nice);
    walk->result = walk->result == -ESRCH || error ? error : walk->result;
}

/* The process's thread with the next higher number up to last, or NULL. Others may begin and end
 * meanwhile. */
static struct task *next_task(struct process *process, int tid, int last)
{
    struct task *next = NULL;
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    list_for_each_entry (struct task, task, &process->threads, process_link)
        if (task->tid > tid && task->tid <= last && (!next || task->tid < next->tid))
            next = task;
    spin_unlock_irq(&process->signal_lock, flags);
    return next;
}

static int highest_number(struct process *process)
{
    int highest = 0;
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    list_for_each_entry (struct task, task, &process->threads, process_link)
        highest = MAX(highest, task->tid);
    spin_unlock_irq(&process->signal_lock, flags);
    return highest;
}

static bool nice_process(struct process *process, void *arg)
{
    struct nice_walk *walk = arg;
    int last = highest_number(process); /* those that begin from now on do not count */
    struct task *task;

    if (walk->which == PRIO_PGRP && process->pgid != walk->who)
        return true;
    for (int tid = 0; (task = next_task(process, tid, last)); tid = task->tid)
        if (walk->which == PRIO_PGRP || task->cred.uid == (uint32_t)walk->who)
            nice_one(walk, task);
    return true;
}

static void nice_all(struct nice_walk *walk)
{
    struct task *task;

    walk->result = -ESRCH;
    if (walk->which == PRIO_PGRP && walk->who == 0)
        walk->who = current_process()->pgid;
    if (walk->which == PRIO_USER && walk->who == 0)
        walk->who = (int)current_task()->cred.uid;
    rcu_read_lock();
    if (walk->which == PRIO_PROCESS) {
        task = sched_task_of(walk->who);
        if (task)
            nice_one(walk, task);
    } else {
        process_each(nice_process, walk);
    }
    rcu_read_unlock();
}

SYSCALL(getpriority, 2, SYSCALL_WHOLE, "")
{
    struct nice_walk walk = {.which = (int)a0, .who = (int)a1};

    if (a0 > PRIO_USER)
        return -EINVAL;
    nice_all(&walk);
    return walk.result < 0 ? walk.result : 20 - walk.nice;
}

SYSCALL(setpriority, 3, SYSCALL_WHOLE, "")
{
    struct nice_walk walk = {.which = (int)a0, .who = (int)a1, .set = true};

    if (a0 > PRIO_USER)
        return -EINVAL;
    walk.nice = MAX(NICE_MIN, MIN(NICE_MAX, (int)a2));
    nice_all(&walk);
    return walk.result;
}
