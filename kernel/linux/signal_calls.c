/* linux/signal_calls.c: the system calls about signals. */
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum { SIGSET_SIZE = 8 };
/* Flags that rt_sigaction(2) keeps; SA_EXPOSE_TAGBITS 0x800 is among them. */
#define ACTION_FLAGS                                                                               \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | 0x800ul | SA_RESTORER | SA_ONSTACK | SA_RESTART |  \
     SA_NODEFER | SA_RESETHAND)
#define UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

/* --- actions and masks --- */

SYSCALL(rt_sigaction, 4, SYSCALL_WHOLE, "")
{
    struct process *process = current_process();
    struct sigaction set, old, *slot;
    int signo = (int)a0;
    uint64_t flags;

    if (a3 != SIGSET_SIZE)
        return -EINVAL;
    if (a1 && user_read(&set, a1, sizeof(set)) < 0)
        return -EFAULT;
    if (signo < 1 || signo > SIGRTMAX || (a1 && UNBLOCKABLE & SIGMASK(signo)))
        return -EINVAL;
    slot = &process->actions->actions[signo - 1];
    flags = spin_lock_irq(&process->signal_lock);
    old = *slot;
    if (a1) {
        set.flags &= ACTION_FLAGS;
        set.mask &= ~UNBLOCKABLE;
        *slot = set;
        signal_action_changed(process, signo);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (a2 && user_write(a2, &old, sizeof(old)) < 0)
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigprocmask, 4, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    uint64_t old = task->signal_mask, set;

    if (a3 != SIGSET_SIZE)
        return -EINVAL;
    if (a1) {
        if (user_get64(a1, &set) < 0)
            return -EFAULT;
        switch ((int)a0) {
        case SIG_BLOCK:
            set |= old;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_mask(task, set);
    }
    if (a2 && user_put64(a2, old) < 0)
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigpending, 2, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    uint64_t set = signal_pending_set(task) & task->signal_mask;

    if (a1 > SIGSET_SIZE)
        return -EINVAL;
    return user_write(a0, &set, a1);
}

SYSCALL(sigaltstack, 2, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    uint64_t rsp = syscall_regs()->rsp;
    struct sigaltstack set, old;
    int error;

    signal_altstack_get(task, rsp, &old);
    if (a0) {
        if (user_read(&set, a0, sizeof(set)) < 0)
            return -EFAULT;
        error = signal_altstack(task, &set, rsp, MINSIGSTKSZ);
        if (error)
            return error;
    }
    if (a1 && user_write(a1, &old, sizeof(old)) < 0)
        return -EFAULT;
    return 0;
}

SYSCALL(rt_sigreturn, 0, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    return signal_frame_pop(current_task(), syscall_regs());
}

/* --- waiting --- */

static int64_t wait_for_signal(void)
{
    while (thread_sleep_until(NSEC_FOREVER, true) != -EINTR)
        ;
    return -ERESTARTNOHAND;
}

SYSCALL(pause, 0, SYSCALL_WHOLE, "")
{
    return wait_for_signal();
}

SYSCALL(rt_sigsuspend, 2, SYSCALL_WHOLE, "")
{
    uint64_t mask;

    if (a1 != SIGSET_SIZE)
        return -EINVAL;
    if (user_get64(a0, &mask) < 0)
        return -EFAULT;
    signal_set_temporary_mask(mask);
    return wait_for_signal();
}

SYSCALL(rt_sigtimedwait, 4, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    nsec_t deadline = NSEC_FOREVER;
    struct siginfo info;
    uint64_t set;
    int signo, error;

    if (a3 != SIGSET_SIZE)
        return -EINVAL;
    if (user_get64(a0, &set) < 0)
        return -EFAULT;
    if (a2) {
        error = time_deadline(a2, &deadline);
        if (error)
            return error;
    }
    set &= ~UNBLOCKABLE;
    error = WAIT_EVENT(&task->process->signal_wait, (signo = signal_take(task, set, &info)) != 0,
                       WAIT_INTERRUPTIBLE, deadline);
    if (!signo)
        return error == -ETIMEDOUT ? -EAGAIN : -EINTR;
    if (a1 && user_write(a1, &info, sizeof(info)) < 0)
        return -EFAULT;
    return signo;
}

/* --- sending --- */

static bool signo_ok(int signo)
{
    return signo >= 0 && signo <= SIGRTMAX;
}

static bool may_signal(const struct process *target, int signo)
{
    const struct credentials *me = &current_task()->cred, *it;

    if (target == current_process() || capable(CAP_KILL))
        return true;
    if (!target->leader)
        return true;
    it = &target->leader->cred;
    return me->euid == it->suid || me->euid == it->uid || me->uid == it->suid ||
           me->uid == it->uid || (signo == SIGCONT && target->sid == current_process()->sid);
}

int signal_send_checked(struct process *process, struct task *task, int signo,
                        const struct siginfo *info)
{
    if (!signo_ok(signo))
        return -EINVAL;
    if (!may_signal(process, signo))
        return -EPERM;
    if (signo == 0)
        return 0;
    return task ? signal_send_task(task, info) : signal_send_process(process, info);
}

struct kill_many {
    int pgid; /* 0: all but the caller and the first */
    int signo, found, result;
    const struct siginfo *info;
};

static bool kill_one(struct process *process, void *arg)
{
    struct kill_many *many = arg;
    int error;

    if (many->pgid ? process->pgid != many->pgid
                   : process == current_process() || process == first_process)
        return true;
    error = signal_send_checked(process, NULL, many->signo, many->info);
    if (many->found++ == 0 || (many->result < 0 && error == 0))
        many->result = error;
    return true;
}

int signal_kill_group(int pgid, int signo, const struct siginfo *info)
{
    struct kill_many many = {.pgid = pgid, .signo = signo, .info = info, .result = -ESRCH};

    rcu_read_lock();
    process_each(kill_one, &many);
    rcu_read_unlock();
    return many.result;
}

/* A process by the number of any of its threads, as kill(2) has it. */
static struct process *process_by_any(int pid)
{
    struct process *process = process_find(pid);
    struct task *task = process ? NULL : task_find(pid);

    return task ? task->process : process;
}

static int kill_process(int pid, int signo, const struct siginfo *info)
{
    struct process *process;
    int result = -ESRCH;

    rcu_read_lock();
    process = process_by_any(pid);
    if (process)
        result = signal_send_checked(process, NULL, signo, info);
    rcu_read_unlock();
    return result;
}

int signal_kill_thread(int tgid, int tid, int signo, const struct siginfo *info)
{
    int result = -ESRCH;

    rcu_read_lock();
    struct task *task = task_find(tid);
    struct process *process = task ? task->process : process_find(tid); /* its leader has ended */
    if (process && (tgid == 0 || process->pid == tgid))
        result = signal_send_checked(process, task, task || !signo_ok(signo) ? signo : 0, info);
    rcu_read_unlock();
    return result;
}

static void info_of_sender(struct siginfo *info, int signo, int code)
{
    *info = (struct siginfo){
        .signo = signo,
        .code = code,
        .kill = {.pid = current_process()->pid, .uid = current_task()->cred.uid},
    };
}

SYSCALL(kill, 2, SYSCALL_WHOLE, "")
{
    int pid = (int)a0, signo = (int)a1;
    struct siginfo info;

    info_of_sender(&info, signo, SI_USER);
    if (pid > 0)
        return kill_process(pid, signo, &info);
    if (pid == 0)
        return signal_kill_group(current_process()->pgid, signo, &info);
    if (pid == -1)
        return signal_kill_group(0, signo, &info);
    return pid == INT32_MIN ? -ESRCH : signal_kill_group(-pid, signo, &info);
}

SYSCALL(tkill, 2, SYSCALL_WHOLE, "")
{
    struct siginfo info;

    if ((int)a0 <= 0)
        return -EINVAL;
    info_of_sender(&info, (int)a1, SI_TKILL);
    return signal_kill_thread(0, (int)a0, (int)a1, &info);
}

SYSCALL(tgkill, 3, SYSCALL_WHOLE, "")
{
    struct siginfo info;

    if ((int)a0 <= 0 || (int)a1 <= 0)
        return -EINVAL;
    info_of_sender(&info, (int)a2, SI_TKILL);
    return signal_kill_thread((int)a0, (int)a1, (int)a2, &info);
}

/* The sender's own siginfo; nobody may pretend to be the kernel or kill(2) towards others. */
static int read_info(uintptr_t from, int signo, int target, struct siginfo *info)
{
    if (user_read(info, from, sizeof(*info)) < 0)
        return -EFAULT;
    info->signo = signo;
    if ((info->code >= 0 || info->code == SI_TKILL) && target != current_process()->pid &&
        target != current_task()->tid)
        return -EPERM;
    return 0;
}

int signal_info_for(int signo, uintptr_t from, int target, struct siginfo *info)
{
    if (!signo_ok(signo))
        return -EINVAL;
    if (!from) {
        info_of_sender(info, signo, SI_USER);
        return 0;
    }
    if (user_read(info, from, sizeof(*info)) < 0)
        return -EFAULT;
    if (info->signo != signo)
        return -EINVAL;
    return read_info(from, signo, target, info);
}

SYSCALL(rt_sigqueueinfo, 3, SYSCALL_WHOLE, "")
{
    struct siginfo info;
    int error = read_info(a2, (int)a1, (int)a0, &info);

    return error ?: kill_process((int)a0, (int)a1, &info);
}

SYSCALL(rt_tgsigqueueinfo, 4, SYSCALL_WHOLE, "")
{
    struct siginfo info;
    int error;

    if ((int)a0 <= 0 || (int)a1 <= 0)
        return -EINVAL;
    error = read_info(a3, (int)a2, (int)a1, &info);
    return error ?: signal_kill_thread((int)a0, (int)a1, (int)a2, &info);
}
