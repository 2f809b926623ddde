/* linux/wait.c: wait4(2) and waitid(2). */
#include "linux/family.h"
#include "linux/path.h"
#include "linux/pidfd.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"
#include "linux/usage.h"

enum { WNOHANG = 1, WUNTRACED = 2, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8 };
#define WNOWAIT     0x1000000u
#define WNOTHREAD   0x20000000u /* children of this thread only */
#define WALL        0x40000000u /* whatever signal they send at their end */
#define WCLONE      0x80000000u /* those that do not send SIGCHLD */
#define WAIT_FLAGS  (WNOHANG | WNOTHREAD | WALL | WCLONE)
#define STATUS_CONT 0xffff

enum { P_ALL, P_PID, P_PGID, P_PIDFD };

struct wait {
    unsigned kind; /* P_* */
    int id;
    unsigned options;
    /* What was found. */
    int pid, code, status; /* status as waitid(2) has it */
    int raw;               /* ... and wait4(2) */
    uint32_t uid;
    struct usage usage;
};

static bool is_meant(const struct wait *wait, const struct process *child)
{
    if (child->adopted || (wait->kind == P_PID && child->pid != wait->id) ||
        (wait->kind == P_PGID && child->pgid != wait->id))
        return false;
    if (wait->options & WNOTHREAD && child->parent_tid != current_task()->tid)
        return false;
    return wait->options & WALL || (child->exit_signal != SIGCHLD) == !!(wait->options & WCLONE);
}

static bool is_meant_traced(const struct wait *wait, const struct ptrace *p)
{
    if (wait->options & WNOTHREAD && p->tracer != current_task())
        return false;
    return wait->kind == P_ALL || (wait->kind == P_PID && p->tid == wait->id) ||
           (wait->kind == P_PGID && p->process->pgid == wait->id);
}

static void found(struct wait *wait, struct process *child, int code, int status)
{
    wait->pid = child->pid;
    wait->uid = child->leader ? child->leader->cred.uid : child->dead_uid;
    wait->code = code;
    wait->status = status;
    process_usage(child, &wait->usage);
    usage_add(&wait->usage, &child->children_use);
}

static void found_end(struct wait *wait, struct process *child, int status)
{
    if (status & 0x7f)
        found(wait, child, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
    else
        found(wait, child, CLD_EXITED, status >> 8 & 0xff);
    wait->raw = status;
}

/* The child ended: take it out of the family unless it is only looked at. With tasks_lock. */
static void found_dead(struct wait *wait, struct process *child)
{
    found_end(wait, child, child->exit_code);
    if (wait->options & WNOWAIT)
        return;
    usage_add(&current_process()->children_use, &wait->usage);
    family_remove(child);
    process_free(child);
}

/* A traced thread ended: with its own status, until all of the process has one. With tasks_lock. */
static void found_dead_traced(struct wait *wait, struct ptrace *p)
{
    struct process *process = p->process;
    bool leader = process->leader_bond == p;

    found_end(wait, process, leader || process->exiting ? process->exit_code : p->exit_code);
    wait->pid = p->tid;
    wait->uid = p->uid;
    if (wait->options & WNOWAIT)
        return;
    ptrace_reap(p);
    if (leader && process->parent == current_process())
        found_dead(wait, process);
    else
        ptrace_process_ends(process); /* its parent's turn */
}

/* It stands, and nobody has waited for that yet. */
static bool found_standing(struct wait *wait, struct ptrace *p)
{
    struct process *process = p->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool found_it = p->waitable && !p->listening;
    int code = p->code;

    if (found_it && !(wait->options & WNOWAIT))
        p->waitable = false;
    spin_unlock_irq(&process->signal_lock, flags);
    if (!found_it)
        return false;
    found(wait, process, CLD_TRAPPED, code);
    wait->pid = p->tid;
    wait->uid = p->task->cred.uid;
    wait->raw = code << 8 | 0x7f;
    return true;
}

static bool found_job(struct wait *wait, struct process *child);

/* 1: found; 0: nothing yet; -ECHILD: there is none to wait for. With tasks_lock. */
static int look_at_traced(struct wait *wait)
{
    int result = -ECHILD;

    for (struct ptrace *p = current_process()->tracees; p; p = p->next) {
        if (!is_meant_traced(wait, p))
            continue;
        result = 0;
        if (!p->task) {
            bool leader = p->process->leader_bond == p;

            if (!(wait->options & WEXITED) ||
                (leader && (!p->process->zombie || p->process->dead_tracees)))
                continue;
            found_dead_traced(wait, p);
            return 1;
        }
        if (found_standing(wait, p))
            return 1;
        if (wait->options & WCONTINUED) {
            struct wait only = *wait;

            only.options &= ~(unsigned)WSTOPPED;
            if (found_job(&only, p->process)) {
                only.options = wait->options;
                *wait = only;
                wait->pid = p->tid;
                return 1;
            }
        }
    }
    return result;
}

/* It stopped or continued, and nobody has been told so yet. To its tracer a stop shows itself in
 * another way. */
static bool found_job(struct wait *wait, struct process *child)
{
    bool traced = ptrace_by_process(child, current_process());
    uint64_t flags = spin_lock_irq(&child->signal_lock);
    bool stopped = wait->options & WSTOPPED && child->stop_waitable && !traced;
    bool continued = !stopped && wait->options & WCONTINUED && child->continue_waitable;
    int signo = child->stop_signal;

    if (stopped && !(wait->options & WNOWAIT))
        child->stop_waitable = false;
    if (continued && !(wait->options & WNOWAIT))
        child->continue_waitable = false;
    spin_unlock_irq(&child->signal_lock, flags);
    if (stopped)
        found(wait, child, CLD_STOPPED, signo);
    if (continued)
        found(wait, child, CLD_CONTINUED, SIGCONT);
    wait->raw = stopped ? signo << 8 | 0x7f : STATUS_CONT;
    return stopped || continued;
}

/* 1: found; 0: nothing yet; -ECHILD: there is none to wait for. */
static int look(struct wait *wait)
{
    int result = -ECHILD;

    mutex_lock(&tasks_lock);
    list_for_each_entry (struct process, child, &current_process()->children, siblings) {
        if (!is_meant(wait, child))
            continue;
        bool held = child->zombie && ptrace_holds(child);
        if (child->zombie && !held && !(wait->options & WEXITED))
            continue; /* it will never stop or go on again */
        result = 0;
        if (held)
            continue;
        if (child->zombie) {
            found_dead(wait, child);
            result = 1;
            break;
        }
        if (found_job(wait, child)) {
            result = 1;
            break;
        }
    }
    if (result != 1 && unlikely(current_process()->tracees)) {
        int traced = look_at_traced(wait);

        result = traced == -ECHILD ? result : traced;
    }
    mutex_unlock(&tasks_lock);
    return result;
}

static int wait_for_child(struct wait *wait)
{
    struct process *me = current_process();

    for (;;) {
        unsigned seen = atomic_load_explicit(&me->child_events, memory_order_acquire);
        int result = look(wait);

        if (result || wait->options & WNOHANG)
            return result;
        if (WAIT_EVENT(&me->child_wait, atomic_load(&me->child_events) != seen, WAIT_INTERRUPTIBLE,
                       NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
}

static int put_usage(uintptr_t to, const struct wait *wait)
{
    struct rusage out;

    usage_to_rusage(&wait->usage, &out);
    return to ? user_write(to, &out, sizeof(out)) : 0;
}

SYSCALL(wait4, 4, SYSCALL_WHOLE, "")
{
    struct wait wait = {.options = (unsigned)a2 | WEXITED};
    int pid = (int)a0, result;

    if ((unsigned)a2 & ~(WAIT_FLAGS | WUNTRACED | WCONTINUED))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid > 0) {
        wait.kind = P_PID;
        wait.id = pid;
    } else if (pid != -1) {
        wait.kind = P_PGID;
        wait.id = pid ? -pid : current_process()->pgid;
    }
    result = wait_for_child(&wait);
    if (result <= 0)
        return result;
    if (a1 && user_put32(a1, (uint32_t)wait.raw) < 0)
        return -EFAULT;
    return put_usage(a3, &wait) < 0 ? -EFAULT : wait.pid;
}

static int put_info(uintptr_t to, const struct wait *wait)
{
    /* pid, uid, status as in struct siginfo; the rest of the 128 bytes stays as it is. */
    int32_t info[7] = {wait->pid ? SIGCHLD : 0, 0,           wait->code, 0, wait->pid,
                       (int32_t)wait->uid,      wait->status};

    return to ? user_write(to, info, sizeof(info)) : 0;
}

static int wait_id(struct wait *wait)
{
    bool nonblocking = false, asked = wait->options & WNOHANG;
    int result;

    if (wait->options & ~(WAIT_FLAGS | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED) ||
        !(wait->options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (wait->kind > P_PIDFD || (wait->kind == P_PID && wait->id <= 0) ||
        (wait->kind >= P_PGID && wait->id < 0))
        return -EINVAL;
    if (wait->kind == P_PIDFD) {
        wait->id = pidfd_number(wait->id, &nonblocking);
        if (wait->id < 0)
            return wait->id == -ESRCH ? -ECHILD : wait->id;
        wait->kind = P_PID;
        if (nonblocking)
            wait->options |= WNOHANG;
    }
    if (wait->kind == P_PGID && wait->id == 0)
        wait->id = current_process()->pgid;
    result = wait_for_child(wait);
    return result == 0 && nonblocking && !asked ? -EAGAIN : result;
}

/* An error leaves zeros as well, as on Linux. */
SYSCALL(waitid, 5, SYSCALL_WHOLE, "")
{
    struct wait wait = {.kind = (unsigned)a0, .id = (int)a1, .options = (unsigned)a3};
    int result = wait_id(&wait);

    if (result > 0 && put_usage(a4, &wait) < 0)
        return -EFAULT;
    return put_info(a2, &wait) ?: MIN(result, 0);
}
