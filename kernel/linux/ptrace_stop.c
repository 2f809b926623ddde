/* linux/ptrace_stop.c: the tracee's side: where it stands still, and how it is told to go on. */
#include "arch/x86_64/context.h"
#include "lib/errno.h"
#include "linux/family.h"
#include "linux/patch.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"

enum { TRAP_BRKPT = 1, CODE_SYSGOOD = 0x80 };

/* Somebody wants its end, and it does not know yet. */
static bool killed(const struct task *task)
{
    return atomic_load_explicit(&((struct task *)task)->thread.work, memory_order_acquire) &
           WORK_EXIT;
}

/* --- telling the tracer --- */

static bool wants_sigchld(struct process *tracer)
{
    uint64_t flags = spin_lock_irq(&tracer->signal_lock);
    const struct sigaction *action = &tracer->actions->actions[SIGCHLD - 1];
    bool wants = action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP);

    spin_unlock_irq(&tracer->signal_lock, flags);
    return wants;
}

static void tell_tracer(struct ptrace *p, struct task *task, int code, int status)
{
    struct siginfo info = {
        .signo = SIGCHLD,
        .code = code,
        .child = {.pid = task->tid, .uid = task->cred.uid, .status = status},
    };
    struct task *tracer;

    rcu_read_lock();
    tracer = rcu_load(p->tracer);
    if (tracer) {
        if (wants_sigchld(tracer->process))
            (void)signal_send_process(tracer->process, &info);
        family_wake(tracer->process);
    }
    rcu_read_unlock();
}

/* --- standing --- */

/* A place in the program's code, not in what stands for it. */
static void show_program(struct task *task)
{
    patch_leave_stub((struct regs *)task->thread.kstack_top - 1);
}

/* Count it as standing still with its process; true: that was the last one. */
static bool count(struct ptrace *p, struct process *process)
{
    if (!process->stopped || p->counted)
        return false;
    p->counted = true;
    process->nstopped++;
    return signal_stop_complete(process);
}

/* Stand until the tracer says go, or it is killed, or the bond ends. info NULL: a group stop, which
 * has none; else the tracer may change it. The tracer's answer; `undisturbed` where there is no
 * tracer to ask. */
static int stand(struct task *task, int code, int why, struct siginfo *info, uint64_t message,
                 int undisturbed)
{
    struct process *process = task->process;
    bool group = (code & 0xff) != SIGTRAP && (!info || code >> 8 == PTRACE_EVENT_STOP);
    bool told;
    struct ptrace *p;
    uint64_t flags;
    int answer;

    show_program(task);
    flags = spin_lock_irq(&process->signal_lock);
    p = ptrace_of(task);
    if (!p || killed(task)) {
        spin_unlock_irq(&process->signal_lock, flags);
        return undisturbed;
    }
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    p->stopped = p->waitable = true;
    p->go = p->listening = p->trap_wanted = false;
    if (code >> 8 == PTRACE_EVENT_STOP)
        p->trap_notify = false;
    p->code = code;
    p->message = message;
    p->has_info = info;
    if (info)
        p->info = *info;
    told = group && count(p, process);
    spin_unlock_irq(&process->signal_lock, flags);

    tell_tracer(p, task, why, why == CLD_STOPPED ? process->stop_signal & 0x7f : code & 0x7f);
    if (told) {
        struct task *tracer;
        bool same;

        rcu_read_lock();
        tracer = rcu_load(p->tracer);
        same = tracer && tracer->process == rcu_load(process->parent);
        rcu_read_unlock();
        if (!same)
            family_tell_job(process, CLD_STOPPED, process->stop_signal);
    }
    (void)WAIT_EVENT(&p->wait, p->go || (killed(task) && !p->frozen), 0, NSEC_FOREVER);

    flags = spin_lock_irq(&process->signal_lock);
    answer = p->go ? p->answer : 0;
    p->stopped = p->waitable = p->listening = false;
    p->answer = 0;
    if (info)
        *info = p->info;
    p->has_info = false;
    spin_unlock_irq(&process->signal_lock, flags);
    ptrace_put(p);
    return answer;
}

/* ptrace's own stops show SIGTRAP with what it is in si_code. */
static int stand_with(struct task *task, int signo, int code, int why, uint64_t message)
{
    struct siginfo info = {
        .signo = signo,
        .code = code,
        .kill = {.pid = task->tid, .uid = task->cred.uid},
    };

    return stand(task, code, why, &info, message, 0);
}

bool ptrace_stand(struct task *task)
{
    struct process *process = task->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    struct ptrace *p = ptrace_of(task);
    bool stopped = process->stopped, wanted = false, seized = false;
    int signo = process->stop_signal;

    if (p && !killed(task)) {
        seized = p->seized;
        wanted = (stopped && (p->group_stop || p->trap_wanted)) ||
                 (seized && (p->trap_wanted || p->trap_notify));
        p->group_stop = false;
        if (!wanted)
            p->trap_wanted = false;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (!wanted)
        return false;
    if (!seized)
        (void)stand(task, signo, CLD_STOPPED, NULL, 0, 0);
    else if (stopped)
        (void)stand_with(task, signo, PTRACE_EVENT_STOP << 8 | signo, CLD_STOPPED, 0);
    else
        (void)stand_with(task, SIGTRAP, PTRACE_EVENT_STOP << 8 | SIGTRAP, CLD_STOPPED, 0);
    return true;
}

int ptrace_signal(struct task *task, struct siginfo *info)
{
    int signo = stand(task, info->signo, CLD_TRAPPED, info, 0, info->signo);

    if (!signo)
        return 0;
    if (signo != info->signo) {
        struct task *tracer;

        *info = (struct siginfo){.signo = signo, .code = SI_USER};
        rcu_read_lock();
        tracer = ptrace_of(task) ? rcu_load(ptrace_of(task)->tracer) : NULL;
        if (tracer) {
            info->kill.pid = tracer->process->pid;
            info->kill.uid = tracer->cred.uid;
        }
        rcu_read_unlock();
    }
    if (task->signal_mask & SIGMASK(signo)) {
        (void)signal_send_task(task, info);
        return 0;
    }
    return signo;
}

/* --- events --- */

bool ptrace_wants(const struct task *task, int event)
{
    const struct ptrace *p;
    bool wants;

    rcu_read_lock();
    p = ptrace_of(task);
    wants = p && atomic_load(&((struct ptrace *)p)->options) >> event & 1;
    rcu_read_unlock();
    return wants;
}

bool ptrace_event(struct task *task, int event, uint64_t message)
{
    if (!ptrace_wants(task, event))
        return false;
    (void)stand_with(task, SIGTRAP, event << 8 | SIGTRAP, CLD_TRAPPED, message);
    return true;
}

void ptrace_exec(struct task *task, int old_tid)
{
    struct siginfo info = {.signo = SIGTRAP, .code = SI_USER};
    const struct ptrace *p;
    bool legacy;

    if (ptrace_event(task, PTRACE_EVENT_EXEC, (uint64_t)old_tid))
        return;
    rcu_read_lock();
    p = ptrace_of(task);
    legacy = p && !p->seized;
    rcu_read_unlock();
    if (legacy) {
        info.kill.pid = task->process->pid;
        info.kill.uid = task->cred.uid;
        (void)signal_send_task(task, &info);
    }
}

bool ptrace_seccomp_suspended(const struct task *task)
{
    const struct ptrace *p;
    bool suspended;

    rcu_read_lock();
    p = ptrace_of(task);
    suspended = p && atomic_load(&((struct ptrace *)p)->options) & PTRACE_O_SUSPEND_SECCOMP;
    rcu_read_unlock();
    return suspended;
}

/* --- system calls --- */

/* The signal that the tracer answers with comes to the tracee in its own right. */
static void stand_at_call(struct task *task, unsigned options, uint64_t message)
{
    int code = SIGTRAP | (options & PTRACE_O_TRACESYSGOOD ? CODE_SYSGOOD : 0);
    int signo = stand_with(task, SIGTRAP, code, CLD_TRAPPED, message);
    struct siginfo info;

    if (!signo)
        return;
    signal_simple(&info, signo);
    (void)signal_send_task(task, &info);
}

bool ptrace_call(struct task *task, struct regs *regs)
{
    const struct ptrace *p;
    bool trace, emulate;
    unsigned options;

    rcu_read_lock();
    p = ptrace_of(task);
    trace = p && p->trace_calls;
    emulate = p && p->emulate_calls;
    options = p ? atomic_load(&((struct ptrace *)p)->options) : 0;
    rcu_read_unlock();
    if (!trace && !emulate)
        return true;
    stand_at_call(task, options, PTRACE_MESSAGE_ENTRY);
    return !emulate && !killed(task);
}

static void report_step(const struct regs *regs)
{
    struct siginfo info = {.signo = SIGTRAP, .code = TRAP_BRKPT, .fault.addr = regs->rip};

    signal_force(&info);
}

void ptrace_call_done(struct task *task, struct regs *regs)
{
    const struct ptrace *p;
    bool trace, step;
    unsigned options;

    rcu_read_lock();
    p = ptrace_of(task);
    trace = p && p->trace_calls;
    step = p && p->step && !p->emulate_calls;
    options = p ? atomic_load(&((struct ptrace *)p)->options) : 0;
    rcu_read_unlock();
    if (step)
        report_step(regs);
    else if (trace)
        stand_at_call(task, options, PTRACE_MESSAGE_EXIT);
}

/* --- single steps and handlers --- */

bool ptrace_end_steps(struct task *task, struct regs *regs)
{
    struct ptrace *p;
    bool step;

    rcu_read_lock();
    p = ptrace_of(task);
    step = p && p->step;
    if (p && p->forced_tf)
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
    if (p)
        p->step = p->forced_tf = false;
    rcu_read_unlock();
    return step;
}

void ptrace_stand_at_handler(struct task *task)
{
    int signo = stand_with(task, SIGTRAP, SIGTRAP, CLD_TRAPPED, 0);

    (void)signo; /* as on Linux, an answer here is for nobody */
}

/* --- under signal_lock --- */

void ptrace_let_go(struct ptrace *p, int answer)
{
    p->answer = answer;
    p->stopped = p->waitable = p->listening = false;
    p->go = true;
    wake_all(&p->wait);
}

void ptrace_wake_killed(struct task *task)
{
    struct ptrace *p = ptrace_of(task);

    if (p && !p->frozen)
        wake_all(&p->wait);
}

void ptrace_continued(struct task *task)
{
    struct ptrace *p = ptrace_of(task);

    if (!p)
        return;
    p->group_stop = false;
    if (p->counted) {
        p->counted = false;
        task->process->nstopped--;
    }
    if (!p->seized)
        return;
    p->trap_notify = true;
    if (p->listening)
        ptrace_let_go(p, 0);
    else
        thread_post_work(&task->thread, WORK_SIGNAL);
}
