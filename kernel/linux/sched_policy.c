/* linux/sched_policy.c: the system calls about scheduling policies (man 7 sched). */
#include "core/boot.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/futex.h"
#include "linux/path.h"
#include "linux/sched.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"

enum { CAP_SYS_NICE = 23, RESET_ON_FORK = 0x40000000 };
enum { SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, SCHED_DEADLINE };
enum { RR_INTERVAL_NS = 100000000, FAIR_INTERVAL_NS = 3000000, NICE_MIN = -20, NICE_MAX = 19 };

/* struct sched_attr of sched_setattr(2). */
struct sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};
enum { ATTR_SIZE_FIRST = 48 };
enum {
    FLAG_RESET_ON_FORK = 1,
    FLAG_RECLAIM = 2,
    FLAG_DL_OVERRUN = 4,
    FLAG_KEEP_POLICY = 8,
    FLAG_KEEP_PARAMS = 0x10,
    FLAG_UTIL_CLAMP = 0x60,
    FLAGS_ALL = 0x7f,
    FLAGS_DEADLINE = FLAG_RECLAIM | FLAG_DL_OVERRUN
};

struct task *sched_task_of(int tid)
{
    return tid ? task_find(tid) : current_task();
}

bool sched_owns(const struct task *task)
{
    const struct credentials *me = &current_task()->cred;

    return ((me->euid == task->cred.uid || me->euid == task->cred.euid) &&
            !(task->cred.cap_permitted & ~me->cap_permitted)) ||
           capable(CAP_SYS_NICE);
}

int sched_may_be_nice(const struct task *task, int nice)
{
    if (nice >= task->thread.nice || capable(CAP_SYS_NICE))
        return 0;
    return (uint64_t)(20 - nice) <= task->process->limits[LIMIT_NICE][0] ? 0 : -EPERM;
}

/* --- reservations of SCHED_DEADLINE --- */

enum { SHARE_SHIFT = 20, DL_RUNTIME_MIN = 1024 };

/* /proc/sys/kernel: of each period real-time threads may take so much; -1: all. */
static int rt_period_us = 1000000, rt_runtime_us = 950000;
static unsigned dl_period_min_us = 100, dl_period_max_us = 1 << 22;

static struct mutex reserve_lock; /* over task->deadline and the sum */
static uint64_t reserved;         /* of one CPU, SHARE_SHIFT binary places */

static uint64_t share(nsec_t runtime, nsec_t period)
{
    return period ? ((uint64_t)runtime << SHARE_SHIFT) / (uint64_t)period : 0;
}

static uint64_t share_of(const struct task *task)
{
    return task->thread.own_policy == POLICY_DEADLINE
               ? share(task->deadline.runtime, task->deadline.period)
               : 0;
}

static void set_reserved(uint64_t sum)
{
    reserved = sum;
    __atomic_store_n(&deadline_reserved, sum / ncpus, __ATOMIC_RELAXED);
}

/* Under reserve_lock: instead of what the task has. */
static int reserve(const struct task *task, uint64_t more)
{
    uint64_t sum = reserved - share_of(task) + more;

    if (more && rt_runtime_us >= 0 && sum > share(rt_runtime_us, rt_period_us) * ncpus)
        return -EBUSY;
    set_reserved(sum);
    return 0;
}

static bool deadline_ok(const struct sched_attr *attr)
{
    uint64_t period = attr->period ?: attr->deadline;

    if (!attr->deadline || attr->runtime < DL_RUNTIME_MIN || attr->deadline >> 63 || period >> 63)
        return false;
    if (period < attr->deadline || attr->deadline < attr->runtime)
        return false;
    return period >= dl_period_min_us * 1000ull && period <= dl_period_max_us * 1000ull;
}

/* It may have run out of time in an interrupt. */
static void overrun(struct thread *thread)
{
    struct siginfo info;

    signal_simple(&info, SIGXCPU);
    (void)signal_send_process(((struct task *)thread)->process, &info);
}

void sched_task_exit(struct task *task)
{
    if (task->thread.own_policy != POLICY_DEADLINE)
        return;
    mutex_lock(&reserve_lock);
    set_reserved(reserved - share_of(task));
    task->deadline = (struct deadline_params){};
    mutex_unlock(&reserve_lock);
}

int sched_may_fork(const struct task *from)
{
    return from->thread.own_policy == POLICY_DEADLINE && !from->reset_on_fork ? -EAGAIN : 0;
}

void sched_fork(struct task *child, const struct task *from)
{
    if (!from->reset_on_fork)
        return;
    if (child->thread.own_priority > 0)
        thread_reset_policy(&child->thread);
    else if (child->thread.nice < 0)
        thread_reset_nice(&child->thread);
}

/* --- policies --- */

static bool real_time(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool known(int policy)
{
    return (policy >= SCHED_NORMAL && policy <= SCHED_BATCH) || policy == SCHED_IDLE ||
           policy == SCHED_DEADLINE;
}

/* What is wanted, policy by policy: -EINVAL. */
static int check_attr(const struct sched_attr *attr)
{
    int policy = (int)attr->policy;

    if (!known(policy) || attr->priority > 99)
        return -EINVAL;
    if (policy == SCHED_DEADLINE && !deadline_ok(attr))
        return -EINVAL;
    return real_time(policy) != (attr->priority != 0) ? -EINVAL : 0;
}

static int check_rights(const struct task *task, const struct sched_attr *attr)
{
    const struct thread *thread = &task->thread;
    uint64_t limit = task->process->limits[LIMIT_RTPRIO][0];
    int policy = (int)attr->policy, own = (int)thread->own_policy;

    if (capable(CAP_SYS_NICE))
        return 0;
    if (!real_time(policy) && policy != SCHED_DEADLINE && sched_may_be_nice(task, attr->nice) < 0)
        return -EPERM;
    if (real_time(policy) &&
        ((policy != own && !limit) ||
         ((int)attr->priority > thread->own_priority && attr->priority > limit)))
        return -EPERM;
    if (policy == SCHED_DEADLINE)
        return -EPERM;
    if (own == SCHED_IDLE && policy != SCHED_IDLE &&
        (uint64_t)(20 - thread->nice) > task->process->limits[LIMIT_NICE][0])
        return -EPERM;
    if (!sched_owns(task))
        return -EPERM;
    return task->reset_on_fork && !(attr->flags & FLAG_RESET_ON_FORK) ? -EPERM : 0;
}

static bool on_all_cpus(const struct task *task)
{
    uint64_t all = ncpus >= 64 ? ~0ull : (1ull << ncpus) - 1;

    return (task->thread.affinity.bits & all) == all;
}

/* Under reserve_lock. */
static void put_in_force(struct task *task, const struct sched_attr *attr)
{
    int policy = (int)attr->policy;

    if (policy != SCHED_DEADLINE) {
        (void)thread_set_policy(&task->thread, (enum sched_policy)policy, (int)attr->priority);
        if (policy == SCHED_NORMAL || policy == SCHED_BATCH)
            thread_set_nice(&task->thread, attr->nice);
        return;
    }
    task->deadline = (struct deadline_params){
        .runtime = (nsec_t)attr->runtime,
        .deadline = (nsec_t)attr->deadline,
        .period = (nsec_t)(attr->period ?: attr->deadline),
        .reclaim = attr->flags & FLAG_RECLAIM,
        .tell_overrun = attr->flags & FLAG_DL_OVERRUN,
    };
    thread_overrun_hook = overrun;
    thread_set_deadline(&task->thread, &task->deadline);
}

/* What a task has; under rcu_read_lock. */
static void show_params(const struct task *task, struct sched_attr *attr)
{
    const struct deadline_params *dl = &task->deadline;
    int policy = (int)task->thread.own_policy;

    if (policy == SCHED_DEADLINE) {
        attr->runtime = (uint64_t)dl->runtime;
        attr->deadline = (uint64_t)dl->deadline;
        attr->period = (uint64_t)dl->period;
        attr->flags &= ~(uint64_t)FLAGS_DEADLINE;
        attr->flags |= (dl->reclaim ? FLAG_RECLAIM : 0) | (dl->tell_overrun ? FLAG_DL_OVERRUN : 0);
    } else if (real_time(policy)) {
        attr->priority = (uint32_t)task->thread.own_priority;
    } else {
        attr->nice = task->thread.nice;
    }
}

enum { KEEP_POLICY = 1, KEEP_PARAMS = 2, KEEP_NICE = 4 };

/* Set what `attr` says, but for what is to be kept. */
static int set_policy(int tid, struct sched_attr *attr, unsigned keep)
{
    struct task *task;
    int error;

    mutex_lock(&tasks_lock); /* keeps the task */
    task = sched_task_of(tid);
    if (!task) {
        mutex_unlock(&tasks_lock);
        return -ESRCH;
    }
    if (keep & KEEP_PARAMS)
        show_params(task, attr);
    if (keep & KEEP_NICE)
        attr->nice = task->thread.nice;
    if (keep & KEEP_POLICY) {
        attr->policy = (uint32_t)task->thread.own_policy;
        attr->flags = (attr->flags & ~(uint64_t)FLAG_RESET_ON_FORK) |
                      (task->reset_on_fork ? FLAG_RESET_ON_FORK : 0);
    }
    error = check_attr(attr) ?: check_rights(task, attr);
    if (!error && attr->policy == SCHED_DEADLINE && !on_all_cpus(task))
        error = -EPERM;
    if (!error) {
        mutex_lock(&reserve_lock);
        error = keep & KEEP_PARAMS
                    ? 0
                    : reserve(task, attr->policy == SCHED_DEADLINE
                                        ? share((nsec_t)attr->runtime,
                                                (nsec_t)(attr->period ?: attr->deadline))
                                        : 0);
        task->reset_on_fork = error ? task->reset_on_fork : attr->flags & FLAG_RESET_ON_FORK;
        if (!error && !(keep & KEEP_PARAMS)) /* the policy is one of them (as Linux) */
            put_in_force(task, attr);
        mutex_unlock(&reserve_lock);
        if (!error)
            futex_pi_priority_changed(task);
    }
    mutex_unlock(&tasks_lock);
    return error;
}

SYSCALL(sched_setscheduler, 3, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {.policy = (uint32_t)a1 & ~(uint32_t)RESET_ON_FORK};

    if ((int)a1 < 0 || !a2 || (int)a0 < 0)
        return -EINVAL;
    if (user_get32(a2, &attr.priority) < 0)
        return -EFAULT;
    attr.flags = a1 & RESET_ON_FORK ? FLAG_RESET_ON_FORK : 0;
    return set_policy((int)a0, &attr, KEEP_NICE);
}

SYSCALL(sched_setparam, 2, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};

    if (!a1 || (int)a0 < 0)
        return -EINVAL;
    if (user_get32(a1, &attr.priority) < 0)
        return -EFAULT;
    return set_policy((int)a0, &attr, KEEP_NICE | KEEP_POLICY);
}

/* All about a task: its policy, or -ESRCH, -EINVAL. */
static int get_policy(int tid, struct sched_attr *attr)
{
    struct task *task;
    int policy = -ESRCH;

    if (tid < 0)
        return -EINVAL;
    rcu_read_lock();
    task = sched_task_of(tid);
    if (task) {
        policy = (int)task->thread.own_policy;
        attr->policy = (uint32_t)policy;
        attr->flags = task->reset_on_fork ? FLAG_RESET_ON_FORK : 0;
        show_params(task, attr);
    }
    rcu_read_unlock();
    return policy;
}

SYSCALL(sched_getscheduler, 1, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};
    int policy = get_policy((int)a0, &attr);

    return policy < 0 ? policy : policy | (attr.flags & FLAG_RESET_ON_FORK ? RESET_ON_FORK : 0);
}

SYSCALL(sched_getparam, 2, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};
    int policy;

    if (!a1)
        return -EINVAL;
    policy = get_policy((int)a0, &attr);
    return policy < 0 ? policy : user_put32(a1, attr.priority);
}

/* The program's struct: what is beyond ours must be zero. */
static int read_attr(uintptr_t from, struct sched_attr *attr)
{
    uint32_t size;

    if (user_get32(from, &size) < 0)
        return -EFAULT;
    if (size == 0)
        size = ATTR_SIZE_FIRST;
    if (size < ATTR_SIZE_FIRST || size > PAGE_SIZE)
        goto too_big;
    if (user_read(attr, from, MIN(size, (uint32_t)sizeof(*attr))) < 0)
        return -EFAULT;
    for (uint32_t i = sizeof(*attr); i + 4 <= size; i += 4) {
        uint32_t more;

        if (user_get32(from + i, &more) < 0)
            return -EFAULT;
        if (more)
            goto too_big;
    }
    if (attr->flags & FLAG_UTIL_CLAMP && size < sizeof(*attr))
        return -EINVAL;
    attr->nice = MAX(NICE_MIN, MIN(NICE_MAX, attr->nice));
    return 0;

too_big:
    return user_put32(from, sizeof(*attr)) < 0 ? -EFAULT : -E2BIG;
}

SYSCALL(sched_setattr, 3, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};
    int error;

    if (!a1 || (int)a0 < 0 || a2)
        return -EINVAL;
    error = read_attr(a1, &attr);
    if (error)
        return error;
    if ((int)attr.policy < 0 || attr.flags & ~(uint64_t)FLAGS_ALL)
        return -EINVAL;
    if (attr.flags & FLAG_UTIL_CLAMP) /* no frequency to choose: as without CONFIG_UCLAMP_TASK */
        return -EOPNOTSUPP;
    return set_policy((int)a0, &attr,
                      (attr.flags & FLAG_KEEP_POLICY ? KEEP_POLICY : 0) |
                          (attr.flags & FLAG_KEEP_PARAMS ? KEEP_PARAMS : 0));
}

SYSCALL(sched_getattr, 4, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};
    int policy;

    if (!a1 || (int)a0 < 0 || a2 < ATTR_SIZE_FIRST || a2 > PAGE_SIZE || a3)
        return -EINVAL;
    policy = get_policy((int)a0, &attr);
    if (policy < 0)
        return policy;
    attr.size = (uint32_t)MIN(a2, sizeof(attr));
    return user_write(a1, &attr, attr.size);
}

SYSCALL(sched_get_priority_max, 1, SYSCALL_WHOLE, "")
{
    if (real_time((int)a0))
        return 99;
    return a0 == SCHED_NORMAL || a0 == SCHED_BATCH || a0 == SCHED_IDLE || a0 == SCHED_DEADLINE ||
                   a0 == 7 /* EXT */
               ? 0
               : -EINVAL;
}

SYSCALL(sched_get_priority_min, 1, SYSCALL_WHOLE, "")
{
    if (real_time((int)a0))
        return 1;
    return a0 == SCHED_NORMAL || a0 == SCHED_BATCH || a0 == SCHED_IDLE || a0 == SCHED_DEADLINE ||
                   a0 == 7 /* EXT */
               ? 0
               : -EINVAL;
}

SYSCALL(sched_rr_get_interval, 2, SYSCALL_WHOLE, "")
{
    struct sched_attr attr = {};
    int policy = get_policy((int)a0, &attr);
    nsec_t slice = FAIR_INTERVAL_NS; /* of a fair thread, as core/sched.h has it */

    if (policy < 0)
        return policy;
    if (real_time(policy) || policy == SCHED_DEADLINE)
        slice = policy == SCHED_RR ? RR_INTERVAL_NS : 0;
    return time_put(a1, slice);
}

/* --- /proc/sys/kernel --- */

static int show_number(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", *(const int *)self->entry->arg);
    return 0;
}

static int parse_number(const char *text, size_t len, int *number)
{
    bool negative = len && text[0] == '-';
    uint64_t value;

    if (proc_parse_u64(text + negative, len - negative, 10, INT32_MAX, &value) < 0)
        return -EINVAL;
    *number = negative ? -(int)value : (int)value;
    return 0;
}

/* What is reserved already must still fit. */
static int store_rt(const struct pseudo *self, const char *text, size_t len)
{
    int *number = (int *)self->entry->arg, value, old, error = parse_number(text, len, &value);

    if (error)
        return error;
    mutex_lock(&reserve_lock);
    old = *number;
    *number = value;
    if (rt_period_us <= 0 || rt_runtime_us < -1 || rt_runtime_us > rt_period_us)
        error = -EINVAL;
    else if (rt_runtime_us >= 0 && reserved > share(rt_runtime_us, rt_period_us) * ncpus)
        error = -EBUSY;
    if (error)
        *number = old;
    mutex_unlock(&reserve_lock);
    return error;
}

static int store_dl_period(const struct pseudo *self, const char *text, size_t len)
{
    int value, error = parse_number(text, len, &value);

    if (error || value < 0)
        return error ?: -EINVAL;
    *(unsigned *)self->entry->arg = (unsigned)value;
    return 0;
}

#define NUMBER_FILE(file, fn, value)                                                               \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = show_number, .store = (fn),                \
        .arg = (uintptr_t) & (value)                                                               \
    }
static const struct pseudo_entry number_files[] = {
    NUMBER_FILE("sched_rt_period_us", store_rt, rt_period_us),
    NUMBER_FILE("sched_rt_runtime_us", store_rt, rt_runtime_us),
    NUMBER_FILE("sched_deadline_period_min_us", store_dl_period, dl_period_min_us),
    NUMBER_FILE("sched_deadline_period_max_us", store_dl_period, dl_period_max_us),
};

static int register_numbers(void)
{
    static struct pseudo_group group = {number_files, ARRAY_SIZE(number_files), NULL};

    pseudo_register_group(proc_folder("sys/kernel"), &group);
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc/sys/kernel/sched_*", register_numbers);
