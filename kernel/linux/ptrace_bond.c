/* linux/ptrace_bond.c: who traces whom: bonds from attach to detach or the end of either side. */
#include "arch/x86_64/entry.h"
#include "linux/core.h"
#include "linux/family.h"
#include "linux/patch.h"
#include "linux/path.h"
#include "linux/ptrace.h"
#include "mm/heap.h"

enum { CAP_SYS_PTRACE = 19, CLONE_PTRACE = 0x2000, CLONE_UNTRACED = 0x800000 };

/* --- rights (man 2 ptrace, "Ptrace access mode checking") --- */

int ptrace_access(const struct task *target, bool real)
{
    const struct credentials *me = current_task()->caller.cred, *it = &target->cred;
    uint32_t uid = real ? me->uid : me->fsuid, gid = real ? me->gid : me->fsgid;
    uint64_t mine = real ? me->cap_permitted : me->cap_effective;

    if (target->process == current_process())
        return 0;
    if (cred_has(me, CAP_SYS_PTRACE))
        return 0;
    if (uid != it->euid || uid != it->suid || uid != it->uid || gid != it->egid ||
        gid != it->sgid || gid != it->gid)
        return -EPERM;
    if (target->process->dumpable != DUMP_AS_USER || it->cap_permitted & ~mine ||
        atomic_load(&target->process->closed))
        return -EPERM;
    return 0;
}

/* --- making and ending --- */

static void free_bond(struct rcu_head *head)
{
    kfree(container_of(head, struct ptrace, rcu));
}

void ptrace_put(struct ptrace *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        rcu_call(&p->rcu, free_bond);
}

static void set_bond(struct task *task, struct ptrace *p)
{
    struct process *process = task->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    atomic_store_explicit(&task->ptrace, p, memory_order_release);
    spin_unlock_irq(&process->signal_lock, flags);
}

int ptrace_bind(struct task *task, struct task *tracer, bool seized, unsigned options)
{
    struct ptrace *p = kzalloc(sizeof(*p));

    if (!p)
        return -ENOMEM;
    if (patch_freeze(task->process->space) < 0) {
        kfree(p);
        return -ENOMEM;
    }
    atomic_init(&p->refs, 1);
    waitqueue_init(&p->wait);
    p->task = task;
    p->process = task->process;
    p->tid = task->tid;
    p->seized = seized;
    atomic_init(&p->options, options);
    p->tracer = tracer;
    p->next = tracer->process->tracees;
    tracer->process->tracees = p;
    set_bond(task, p);
    syscall_filter_enable();
    atomic_fetch_or(&task->thread.watched, WATCH_PTRACE);
    return 0;
}

/* Out of the tracer's list; the list's reference is the caller's. */
static void leave_tracer(struct ptrace *p)
{
    struct ptrace **link = &p->tracer->process->tracees;

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    rcu_store(p->tracer, NULL);
}

/* Of a live tracee whose memory is still there. */
static void release_code(struct process *process)
{
    mutex_lock(&process->lock);
    if (process->space)
        patch_thaw(process->space);
    mutex_unlock(&process->lock);
}

static void unbind_live(struct ptrace *p, int answer)
{
    struct task *task = p->task;
    struct process *process = p->process;
    uint64_t flags;

    if (p->stopped)
        ptrace_set_step(p, false);
    atomic_fetch_and(&task->thread.watched, ~(unsigned)WATCH_PTRACE);
    release_code(process);
    flags = spin_lock_irq(&process->signal_lock);
    atomic_store_explicit(&task->ptrace, NULL, memory_order_release);
    if (p->counted) {
        p->counted = false;
        process->nstopped--;
    }
    ptrace_let_go(p, answer);
    if (process->stopped) /* it goes on standing still, with the others */
        thread_post_work(&task->thread, WORK_SIGNAL);
    spin_unlock_irq(&process->signal_lock, flags);
}

void ptrace_unbind(struct ptrace *p, int answer)
{
    leave_tracer(p);
    if (p->task)
        unbind_live(p, answer);
    ptrace_put(p);
}

int ptrace_inherit(struct task *child, uint64_t clone_flags, bool wanted)
{
    struct ptrace *mine = ptrace_of(current_task()), *p;
    int error;

    if (!mine || clone_flags & CLONE_UNTRACED || !(wanted || clone_flags & CLONE_PTRACE))
        return 0;
    error = ptrace_bind(child, mine->tracer, mine->seized, atomic_load(&mine->options));
    if (error)
        return error;
    p = ptrace_of(child);
    if (p->seized)
        p->trap_wanted = true;
    else
        child->pending.set |= SIGMASK(SIGSTOP);
    atomic_fetch_or(&child->thread.work, WORK_SIGNAL);
    return 0;
}

/* --- the end of a tracee --- */

static void tell_end(const struct ptrace *p, int status)
{
    struct task *tracer = p->tracer;
    struct siginfo info = {
        .signo = SIGCHLD,
        .code = !(status & 0x7f) ? CLD_EXITED
                : status & 0x80  ? CLD_DUMPED
                                 : CLD_KILLED,
        .child = {.pid = p->tid,
                  .uid = p->uid,
                  .status = status & 0x7f ? status & 0x7f : status >> 8 & 0xff},
    };

    (void)signal_send_process(tracer->process, &info);
    family_wake(tracer->process);
}

void ptrace_tracee_ends(struct task *task)
{
    struct process *process = task->process;
    struct ptrace *p = ptrace_of(task);
    uint64_t flags;

    if (!p)
        return;
    release_code(process);
    flags = spin_lock_irq(&process->signal_lock);
    atomic_store_explicit(&task->ptrace, NULL, memory_order_release);
    p->task = NULL;
    p->uid = task->cred.uid;
    p->exit_code = task->exit_code;
    if (p->counted)
        process->nstopped--;
    spin_unlock_irq(&process->signal_lock, flags);
    if (task->tid == process->pid) {
        process->leader_bond = p; /* told when the whole process has ended */
    } else {
        process->dead_tracees++;
        tell_end(p, p->exit_code);
    }
}

void ptrace_new_leader(struct task *task)
{
    struct process *process = task->process;
    struct ptrace *p = ptrace_of(task), *void_bond = process->leader_bond;

    process->leader_bond = NULL;
    if (void_bond) {
        struct process *tracer = void_bond->tracer->process;

        leave_tracer(void_bond);
        ptrace_put(void_bond);
        family_wake(tracer);
    }
    if (p)
        p->tid = process->pid;
}

bool ptrace_holds(const struct process *process)
{
    return process->dead_tracees || process->leader_bond;
}

void ptrace_process_ends(struct process *process)
{
    if (!process->zombie || process->dead_tracees)
        return;
    if (process->leader_bond)
        tell_end(process->leader_bond, process->exit_code);
    else
        family_tell_end(process);
}

void ptrace_reap(struct ptrace *p)
{
    struct process *process = p->process;

    if (process->leader_bond == p)
        process->leader_bond = NULL;
    else
        process->dead_tracees--;
    leave_tracer(p);
    ptrace_put(p);
    wake_all(&process->exit_wait); /* execve waits for it */
}

/* --- the end of a tracer --- */

static void set_free(struct ptrace *p)
{
    struct process *process = p->process;

    if (p->task) {
        if (atomic_load(&p->options) & PTRACE_O_EXITKILL)
            process_kill(process, SIGKILL);
        /* A signal that nobody has waited for yet is not lost. */
        ptrace_unbind(p, p->waitable && !(p->code >> 8) ? p->code & 0x7f : 0);
        return;
    }
    ptrace_reap(p);
    ptrace_process_ends(process);
}

void ptrace_tracer_ends(struct task *task)
{
    struct ptrace *p, *next;

    mutex_lock(&tasks_lock);
    for (p = task->process->tracees; p; p = next) {
        next = p->next;
        if (p->tracer == task)
            set_free(p);
    }
    mutex_unlock(&tasks_lock);
}

/* --- questions --- */

bool ptrace_by_process(const struct process *process, const struct process *tracer)
{
    const struct ptrace *p = process->leader_bond;

    if (!p && process->leader && process->leader->tid == process->pid)
        p = ptrace_of(process->leader);
    return p && p->tracer->process == tracer;
}

int ptrace_tracer_pid(const struct task *task)
{
    const struct ptrace *p = ptrace_of(task);

    return p ? p->tracer->process->pid : 0;
}

struct dead_search {
    const struct process *process;
    int after, best;
};

static bool look_for_dead(struct process *tracer, void *arg)
{
    struct dead_search *search = arg;

    for (const struct ptrace *p = tracer->tracees; p; p = p->next)
        if (!p->task && p->process == search->process && p->tid > search->after &&
            (!search->best || p->tid < search->best))
            search->best = p->tid;
    return true;
}

int ptrace_next_dead(const struct process *process, int after)
{
    struct dead_search search = {process, after, 0};

    if (process->dead_tracees || process->leader_bond) {
        rcu_read_lock();
        process_each(look_for_dead, &search);
        rcu_read_unlock();
    }
    return search.best;
}

static bool look_for_thread(struct process *tracer, void *arg)
{
    struct dead_search *search = arg;

    for (const struct ptrace *p = tracer->tracees; p; p = p->next)
        if (!p->task && p->tid == search->after)
            search->best = p->process->pid;
    return !search->best;
}

int ptrace_process_of_dead(int tid)
{
    struct dead_search search = {.after = tid};

    rcu_read_lock();
    process_each(look_for_thread, &search);
    rcu_read_unlock();
    return search.best;
}
