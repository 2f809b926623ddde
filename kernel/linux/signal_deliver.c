/* linux/signal_deliver.c: on the way back to the program: default actions, handlers, and system
 * calls that a signal broke off. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/debug.h"
#include "core/boot.h"
#include "core/log.h"
#include "lib/string.h"
#include "linux/core.h"
#include "linux/family.h"
#include "linux/io_uring.h"
#include "linux/patch.h"
#include "linux/ptrace.h"
#include "linux/report.h"
#include "linux/rseq.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/frame.h"

enum { VECTOR_INVALID_OPCODE = 6, VECTOR_PROTECTION = 13, VECTOR_PAGE_FAULT = 14 };

#define MASK_DEFAULT_STOP                                                                          \
    (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define MASK_DEFAULT_IGNORE                                                                        \
    (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define MASK_FAULTS                                                                                \
    (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) |   \
     SIGMASK(SIGSYS))

/* --- faults --- */

/* Say where the program is going to die: address, instruction, mapping. */
static __cold void report_fault(const struct task *task, const struct regs *regs,
                                const struct siginfo *info)
{
    struct address_space *space = task->process->space;
    bool is_child = task->process != first_process;
    char name[160] = "no mapping";
    uint64_t offset = 0;
    struct mapping *mapping;

    read_lock(&space->lock);
    mapping = address_space_find(space, regs->rip);
    if (mapping && mapping->start <= regs->rip) {
        offset = regs->rip - mapping->start + mapping->object_page * PAGE_SIZE;
        if (mapping->object && mapping->object->ops->name)
            mapping->object->ops->name(mapping->object, mapping->file, name, sizeof(name));
        else
            strlcpy(name, mapping->label ?: "anonymous memory", sizeof(name));
    }
    read_unlock(&space->lock);
    /* Who started a child is told of its end; the user, of that of the program. */
    log_at(is_child ? LOG_INFO : LOG_WARNING,
           "program: %s at %#lx (rip %#lx, %s+%#lx; thread %d \"%s\")", signal_name(info->signo),
           info->fault.addr, regs->rip, name, offset, task->tid, task->thread.name);
    if (!is_child)
        report_death(regs, info->fault.addr);
}

static uint64_t guess_vector(int signo, int code)
{
    switch (signo) {
    case SIGILL:
        return VECTOR_INVALID_OPCODE;
    case SIGFPE:
        return 0;
    case SIGTRAP:
        return code == SI_KERNEL ? 3 : 1;
    default:
        return code == SI_KERNEL ? VECTOR_PROTECTION : VECTOR_PAGE_FAULT;
    }
}

__cold void signal_fault(struct regs *regs, int signo, int code, uint64_t addr)
{
    struct task *task = current_task();
    struct siginfo info = {.signo = signo, .code = code, .fault.addr = addr};

    task->trap_nr =
        (int64_t)regs->vector_or_nr >= 0 ? regs->vector_or_nr : guess_vector(signo, code);
    task->trap_error = regs->error_code;
    if (task->trap_nr == VECTOR_PAGE_FAULT)
        task->trap_addr = addr;
    task->minor_faults++;
    signal_force(&info);
}

__cold void signal_out_of_memory(uintptr_t addr, uintptr_t rip)
{
    static atomic_int told; /* of which process: its threads come here together */
    struct task *task = current_task();
    struct frame_stats stats;
    struct siginfo info;

    if (atomic_exchange(&told, task->process->pid) != task->process->pid) {
        frame_get_stats(&stats);
        log_err("program: out of memory: killed (%lu KiB free of %lu; needed at %#lx, rip %#lx, "
                "thread %d \"%s\")",
                stats.free * (PAGE_SIZE / 1024), stats.total * (PAGE_SIZE / 1024), addr, rip,
                task->tid, task->thread.name);
    }
    signal_simple(&info, SIGKILL);
    signal_force(&info);
}

/* A breakpoint, a step, a watched address. True: it is not the program's business. */
static bool is_debug_trap(struct regs *regs, int code)
{
    struct ptrace *p;

    if (patch_took_trap(regs))
        return true;
    if (code != SI_KERNEL) { /* DR6 */
        rcu_read_lock();
        p = ptrace_of(current_task());
        if (p)
            p->dr6 = regs->error_code;
        rcu_read_unlock();
        regs->error_code = 0;
    }
    return false;
}

static __cold void program_fault(struct regs *regs, int signo, int code, uintptr_t addr)
{
    if (signo == SIGTRAP && is_debug_trap(regs, code))
        return;
    if (signo == SIGKILL)
        signal_out_of_memory(addr, regs->rip);
    else
        signal_fault(regs, signo, code, addr);
    regs->vector_or_nr = -1ull;
}

/* --- stopping --- */

static bool may_go_on(const struct process *process)
{
    return !process->stopped || process->core || ptrace_of(current_task()) ||
           atomic_load_explicit(&process->exiting, memory_order_relaxed) ||
           (process->exec_task && process->exec_task != current_task());
}

static void wait_until_continued(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool told;

    process->nstopped++;
    told = signal_stop_complete(process);
    spin_unlock_irq(&process->signal_lock, flags);
    if (told)
        family_tell_job(process, CLD_STOPPED, process->stop_signal);
    (void)WAIT_EVENT(&process->exit_wait, may_go_on(process), 0, NSEC_FOREVER);
    flags = spin_lock_irq(&process->signal_lock);
    process->nstopped--;
    spin_unlock_irq(&process->signal_lock, flags);
}

/* The default action of SIGTSTP, SIGTTIN and SIGTTOU is not taken where nobody could continue the
 * process: a group without a parent in its session. */
static void stop(struct process *process, int signo)
{
    uint64_t flags;

    if (signo != SIGSTOP && group_orphaned(process->pgid))
        return;
    flags = spin_lock_irq(&process->signal_lock);
    if (!process->exiting && !(process->pending.set & SIGMASK(SIGCONT))) {
        process->stopped = true;
        process->stop_signal = signo;
        process->stop_told = false;
        list_for_each_entry (struct task, task, &process->threads, process_link) {
            if (ptrace_of(task))
                ptrace_of(task)->group_stop = true;
            if (task != current_task())
                thread_post_work(&task->thread, WORK_SIGNAL);
        }
    }
    spin_unlock_irq(&process->signal_lock, flags);
}

/* End the task if it is meant; but first let whoever writes a core see its registers. */
static void check_exit(const struct regs *regs)
{
    core_park(regs);
    task_check_exit();
}

static __attribute__((noinline)) void stand_still_slowly(struct task *task)
{
    bool stood;

    do {
        if (unlikely(ptrace_of(task)))
            stood = ptrace_stand(task);
        else if ((stood = task->process->stopped))
            wait_until_continued(task->process);
        if (stood)
            check_exit((const struct regs *)task->thread.kstack_top - 1);
    } while (stood);
}

/* Stand still as long as job control or a tracer wants it. */
static inline void stand_still(struct task *task)
{
    if (unlikely(ptrace_of(task) || task->process->stopped))
        stand_still_slowly(task);
}

/* --- system calls that a signal broke off --- */

static bool in_syscall(const struct regs *regs)
{
    return (int32_t)regs->vector_or_nr != -1; /* the upper half says nothing */
}

/* Point at the syscall instruction again. */
static void call_again(struct regs *regs, uint64_t nr)
{
    regs->rax = nr;
    regs->rip -= 2;
}

static void restart_with_handler(struct regs *regs, const struct sigaction *action)
{
    if (!in_syscall(regs))
        return;
    switch (-(int64_t)regs->rax) {
    case ERESTARTSYS:
        if (!(action->flags & SA_RESTART)) {
            regs->rax = (uint64_t)-EINTR;
            break;
        }
        call_again(regs, regs->vector_or_nr);
        break;
    case ERESTARTNOINTR:
        call_again(regs, regs->vector_or_nr);
        break;
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
        regs->rax = (uint64_t)-EINTR;
        break;
    }
    regs->vector_or_nr = -1ull;
}

static void restart_without_handler(struct regs *regs)
{
    if (!in_syscall(regs))
        return;
    switch (-(int64_t)regs->rax) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
        call_again(regs, regs->vector_or_nr);
        regs->vector_or_nr = -1ull;
        break;
    case ERESTART_RESTARTBLOCK:
        call_again(regs, NR_restart_syscall);
        regs->vector_or_nr = -1ull;
        break;
    }
}

/* --- delivery --- */

/* A frame could not be made: SIGSEGV, which ends the process if it was SIGSEGV's own frame. */
static void frame_failed(struct task *task, int signo)
{
    struct siginfo info;

    if (signo == SIGSEGV) {
        uint64_t flags = spin_lock_irq(&task->process->signal_lock);

        task->process->actions->actions[SIGSEGV - 1].handler = SIG_DFL;
        spin_unlock_irq(&task->process->signal_lock, flags);
    }
    signal_simple(&info, SIGSEGV);
    signal_force(&info);
}

static void run_handler(struct task *task, struct regs *regs, const struct siginfo *info,
                        const struct sigaction *action)
{
    uint64_t mask = task->restore_mask ? task->saved_mask : task->signal_mask;
    uint64_t blocked = task->signal_mask | action->mask;
    bool stepped = ptrace_of(task) && ptrace_end_steps(task, regs);

    restart_with_handler(regs, action);
    rseq_signal(task, regs);
    if (signal_frame_push(task, regs, info, action, mask) < 0) {
        frame_failed(task, info->signo);
        return;
    }
    task->restore_mask = false;
    if (!(action->flags & SA_NODEFER))
        blocked |= SIGMASK(info->signo);
    signal_set_mask(task, blocked);
    if (stepped)
        ptrace_stand_at_handler(task);
}

/* Under signal_lock. */
static void take_action(struct process *process, int signo, struct sigaction *action)
{
    struct sigaction *slot = &process->actions->actions[signo - 1];

    *action = *slot;
    if (slot->handler > SIG_IGN && slot->flags & SA_RESETHAND)
        slot->handler = SIG_DFL;
}

/* The tracer decides what becomes of it; 0: nothing. */
static __attribute__((noinline)) int ask_tracer(struct task *task, struct siginfo *info,
                                                struct sigaction *action)
{
    struct process *process = task->process;
    int signo = ptrace_signal(task, info);
    uint64_t flags;

    if (signo == SIGKILL)
        process_kill(process, SIGKILL);
    if (!signo || signo == SIGKILL)
        return 0;
    flags = spin_lock_irq(&process->signal_lock);
    take_action(process, signo, action);
    spin_unlock_irq(&process->signal_lock, flags);
    return signo;
}

/* The next signal to act on and its action as it is now; 0: none. */
static int next_signal(struct task *task, struct siginfo *info, struct sigaction *action)
{
    struct process *process = task->process;
    bool traced;
    uint64_t flags;
    int signo;

    do {
        stand_still(task);
        flags = spin_lock_irq(&process->signal_lock);
        signo = signal_take_locked(task, ~task->signal_mask, info);
        traced = ptrace_of(task);
        if (signo && !traced)
            take_action(process, signo, action);
        spin_unlock_irq(&process->signal_lock, flags);
    } while (signo && unlikely(traced) && !(signo = ask_tracer(task, info, action)));
    return signo;
}

static void default_action(struct task *task, struct regs *regs, const struct siginfo *info)
{
    uint64_t bit = SIGMASK(info->signo);

    if (bit & MASK_DEFAULT_IGNORE)
        return;
    if (bit & MASK_DEFAULT_STOP) {
        stop(task->process, info->signo);
        return;
    }
    if (bit & MASK_FAULTS && (info->code > 0 || info->code == SI_KERNEL))
        report_fault(task, regs, info);
    core_end(regs, info);
}

/* Act on what is pending. */
static void deliver(struct task *task, struct regs *regs)
{
    struct siginfo info;
    struct sigaction action;

    while (next_signal(task, &info, &action)) {
        check_exit(regs);
        if (action.handler == SIG_IGN)
            continue;
        if (action.handler == SIG_DFL)
            default_action(task, regs, &info);
        else
            run_handler(task, regs, &info, &action);
    }
    restart_without_handler(regs);
    if (task->restore_mask) {
        task->restore_mask = false;
        signal_set_mask(task, task->saved_mask);
    }
}

/* What iretq would refuse: an address in neither the program's half nor the kernel's; selectors of
 * a tracer's, which go. */
static bool frame_bad(struct regs *regs)
{
    if (unlikely((regs->cs | regs->ss) & 3)) {
        regs->cs = KERNEL_CS;
        regs->ss = KERNEL_SS;
        return true;
    }
    return regs->rip >= USER_END && (int64_t)regs->rip >> 47 != -1;
}

static void load_debug(struct task *task)
{
    atomic_fetch_and(&task->thread.work, ~(unsigned)WORK_MOVED);
    debug_load(task->debug);
}

void signal_exit_work(struct regs *regs)
{
    struct task *task = current_task();
    uint64_t sleeps = task->thread.switches_voluntary;
    unsigned work = atomic_fetch_and_explicit(
        &task->thread.work, ~(WORK_SIGNAL | WORK_EXIT | WORK_NOTIFY), memory_order_acq_rel);

    if (work & WORK_EXIT)
        check_exit(regs);
    if (work & WORK_URING)
        work_run();
    if (unlikely(task->process->stopped))
        stand_still(task);
    if (work & WORK_SIGNAL)
        deliver(task, regs);
    else
        restart_without_handler(regs); /* what broke the call off was taken by another thread */
    work |= atomic_load(&task->thread.work) & WORK_MOVED; /* it may have gone on elsewhere */
    if (unlikely(task->debug) && work & (WORK_NOTIFY | WORK_MOVED))
        load_debug(task); /* first: this does not sleep, what follows may move it again */
    if (work & WORK_MOVED ||
        (task->rseq_area && sleeps != task->thread.switches_voluntary)) /* it was stopped */
        rseq_resume(task, regs);
    if (unlikely(frame_bad(regs))) {
        struct siginfo info = {.signo = SIGSEGV, .code = SI_KERNEL};

        report_fault(task, regs, &info);
        signal_force(&info);
    }
}

static int connect_hooks(void)
{
    program_exit_hook = signal_exit_work;
    program_fault_hook = program_fault;
    return 0;
}
BOOT_STEP(PHASE_FS, "signals", connect_hooks);
