/* linux/sched.c: the system calls about scheduling and processors. */
#include "core/clock.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"

enum { CAP_SYS_NICE = 23, RESET_ON_FORK = 0x40000000 };
enum { SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, SCHED_DEADLINE };
enum { RR_INTERVAL_NS = 100000000, NICE_MIN = -20, NICE_MAX = 19 };

SYSCALL(sched_yield, 0, SYSCALL_WHOLE, "")
{
    thread_yield();
    return 0;
}

/* The task of a number (0: the caller), or NULL. Under rcu_read_lock. */
static struct task *task_of(int tid)
{
    return tid ? task_find(tid) : current_task();
}

static bool owns(const struct task *task)
{
    const struct credentials *me = &current_task()->cred;

    return me->euid == task->cred.uid || me->euid == task->cred.euid || capable(CAP_SYS_NICE);
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
    task = task_of((int)a0);
    error = !task ? -ESRCH : !owns(task) ? -EPERM : 0;
    rcu_read_unlock();
    if (error)
        return error;
    bits &= present_cpus();
    return bits ? thread_set_affinity(&task->thread, (cpuset_t){bits}) : -EINVAL;
}

SYSCALL(sched_getaffinity, 3, SYSCALL_WHOLE, "")
{
    struct task *task;
    uint64_t bits = 0;

    if (a1 * 8 < ncpus || a1 % 8)
        return -EINVAL;
    rcu_read_lock();
    task = task_of((int)a0);
    if (task)
        bits = task->thread.affinity.bits & present_cpus();
    rcu_read_unlock();
    if (!task)
        return -ESRCH;
    return user_put64(a2, bits) < 0 ? -EFAULT : (int64_t)sizeof(bits);
}

SYSCALL(getcpu, 3, SYSCALL_WHOLE, "")
{
    if (a0 && user_put32(a0, this_cpu()->id) < 0)
        return -EFAULT;
    return a1 && user_put32(a1, 0) < 0 ? -EFAULT : 0;
}

/* --- policies --- */

static bool real_time(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_policy(const struct task *task, int policy, int priority)
{
    uint64_t limit = task->process->limits[LIMIT_RTPRIO][0];

    switch (policy) {
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
        if (priority != 0)
            return -EINVAL;
        break;
    case SCHED_FIFO:
    case SCHED_RR:
        if (priority < 1 || priority > 99)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }
    if (!owns(task))
        return -EPERM;
    if (real_time(policy) && !capable(CAP_SYS_NICE) &&
        (uint64_t)priority > MAX(limit, (uint64_t)task->thread.rt_priority))
        return -EPERM;
    return 0;
}

static int may_be_nice(const struct task *task, int nice)
{
    if (nice >= task->thread.nice || capable(CAP_SYS_NICE))
        return 0;
    return (uint64_t)(20 - nice) <= task->process->limits[LIMIT_NICE][0] ? 0 : -EPERM;
}

static int set_policy(int tid, int policy, int priority, const int *nice)
{
    struct task *task;
    int error = -ESRCH;

    if (tid < 0)
        return -EINVAL;
    rcu_read_lock();
    task = task_of(tid);
    if (task)
        error = check_policy(task, policy, priority);
    if (!error && nice && !real_time(policy))
        error = may_be_nice(task, *nice);
    rcu_read_unlock();
    if (error)
        return error;
    error = thread_set_policy(&task->thread, (enum sched_policy)policy, priority);
    if (!error && nice && !real_time(policy))
        thread_set_nice(&task->thread, *nice);
    return error;
}

SYSCALL(sched_setscheduler, 3, SYSCALL_PARTIAL, "no SCHED_DEADLINE")
{
    uint32_t priority;

    if ((int)a1 < 0 || !a2)
        return -EINVAL;
    if (user_get32(a2, &priority) < 0)
        return -EFAULT;
    return set_policy((int)a0, (int)a1 & ~RESET_ON_FORK, (int)priority, NULL);
}

/* The policy of a task, or -ESRCH, -EINVAL. */
static int get_policy(int tid, int *priority, int *nice)
{
    struct task *task;
    int policy = -ESRCH;

    if (tid < 0)
        return -EINVAL;
    rcu_read_lock();
    task = task_of(tid);
    if (task) {
        policy = task->thread.policy;
        *priority = real_time(policy) ? task->thread.rt_priority : 0;
        *nice = task->thread.nice;
    }
    rcu_read_unlock();
    return policy;
}

SYSCALL(sched_getscheduler, 1, SYSCALL_WHOLE, "")
{
    int priority, nice;

    return get_policy((int)a0, &priority, &nice);
}

SYSCALL(sched_setparam, 2, SYSCALL_WHOLE, "")
{
    int old, nice, policy;
    uint32_t priority;

    if (!a1)
        return -EINVAL;
    if (user_get32(a1, &priority) < 0)
        return -EFAULT;
    policy = get_policy((int)a0, &old, &nice);
    return policy < 0 ? policy : set_policy((int)a0, policy, (int)priority, NULL);
}

SYSCALL(sched_getparam, 2, SYSCALL_WHOLE, "")
{
    int priority, nice, policy;

    if (!a1)
        return -EINVAL;
    policy = get_policy((int)a0, &priority, &nice);
    return policy < 0 ? policy : user_put32(a1, (uint32_t)priority);
}

/* struct sched_attr, first version (48 bytes). */
struct sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
enum { SCHED_ATTR_SIZE = 48, SCHED_ATTR_FLAGS = 0x7f, KEEP_POLICY = 8, KEEP_PARAMS = 16 };

SYSCALL(sched_setattr, 3, SYSCALL_PARTIAL, "no SCHED_DEADLINE, no utilisation clamps")
{
    struct sched_attr attr = {};
    uint32_t size;
    int policy, priority, nice;

    if (!a1 || (int)a0 < 0 || a2)
        return -EINVAL;
    if (user_get32(a1, &size) < 0)
        return -EFAULT;
    if (size == 0)
        size = SCHED_ATTR_SIZE;
    if (size < SCHED_ATTR_SIZE || size > PAGE_SIZE)
        return user_put32(a1, SCHED_ATTR_SIZE) < 0 ? -EFAULT : -E2BIG;
    if (user_read(&attr, a1, SCHED_ATTR_SIZE) < 0)
        return -EFAULT;
    if ((int)attr.policy < 0 || attr.flags & ~(uint64_t)SCHED_ATTR_FLAGS)
        return -EINVAL;
    policy = get_policy((int)a0, &priority, &nice);
    if (policy < 0)
        return policy;
    if (!(attr.flags & KEEP_POLICY))
        policy = (int)attr.policy;
    if (!(attr.flags & KEEP_PARAMS)) {
        priority = (int)attr.priority;
        nice = MAX(NICE_MIN, MIN(NICE_MAX, attr.nice));
    }
    return set_policy((int)a0, policy, priority, &nice);
}

SYSCALL(sched_getattr, 4, SYSCALL_PARTIAL, "no SCHED_DEADLINE, no utilisation clamps")
{
    struct sched_attr attr = {.size = SCHED_ATTR_SIZE};
    int priority, policy;

    if (!a1 || (int)a0 < 0 || a2 < SCHED_ATTR_SIZE || a2 > PAGE_SIZE || a3)
        return -EINVAL;
    policy = get_policy((int)a0, &priority, &attr.nice);
    if (policy < 0)
        return policy;
    attr.policy = (uint32_t)policy;
    attr.priority = (uint32_t)priority;
    if (real_time(policy))
        attr.nice = 0;
    return user_write(a1, &attr, sizeof(attr));
}

SYSCALL(sched_get_priority_max, 1, SYSCALL_WHOLE, "")
{
    if (real_time((int)a0))
        return 99;
    return a0 == SCHED_NORMAL || a0 == SCHED_BATCH || a0 == SCHED_IDLE || a0 == SCHED_DEADLINE
               ? 0
               : -EINVAL;
}

SYSCALL(sched_get_priority_min, 1, SYSCALL_WHOLE, "")
{
    if (real_time((int)a0))
        return 1;
    return a0 == SCHED_NORMAL || a0 == SCHED_BATCH || a0 == SCHED_IDLE || a0 == SCHED_DEADLINE
               ? 0
               : -EINVAL;
}

SYSCALL(sched_rr_get_interval, 2, SYSCALL_WHOLE, "")
{
    int priority, nice, policy = get_policy((int)a0, &priority, &nice);
    nsec_t slice = 3000000; /* of a fair thread, as core/sched.h has it */

    if (policy < 0)
        return policy;
    if (real_time(policy))
        slice = policy == SCHED_RR ? RR_INTERVAL_NS : 0;
    return time_put(a1, slice);
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
    error = !owns(task) ? -EPERM : may_be_nice(task, walk->nice) ? -EACCES : 0;
    if (!error)
        thread_set_nice(&task->thread, walk->nice);
    walk->result = walk->result == -ESRCH || error ? error : walk->result;
}

static bool nice_process(struct process *process, void *arg)
{
    struct nice_walk *walk = arg;

    if (walk->which == PRIO_PGRP && process->pgid != walk->who)
        return true;
    list_for_each_entry (struct task, task, &process->threads, process_link)
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
    mutex_lock(&current_process()->lock);
    if (walk->which == PRIO_PROCESS) {
        task = task_of(walk->who);
        if (task)
            nice_one(walk, task);
    } else {
        process_each(nice_process, walk);
    }
    mutex_unlock(&current_process()->lock);
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

/* There is one disk queue for all; the class is kept for nobody. */
SYSCALL(ioprio_set, 3, SYSCALL_PARTIAL, "accepted, has no effect")
{
    return a0 < 1 || a0 > 3 || ((unsigned)a2 >> 13) > 3 ? -EINVAL : 0;
}

SYSCALL(ioprio_get, 2, SYSCALL_PARTIAL, "always the default class")
{
    return a0 < 1 || a0 > 3 ? -EINVAL : 0;
}
