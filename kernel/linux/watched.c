/* linux/watched.c: who looks at a system call before it is made: the program itself, tracers,
 * seccomp. Only
 * threads with thread->watched come here (arch/x86_64/entry.h). */
#include "core/boot.h"
#include "linux/dispatch.h"
#include "linux/ptrace.h"
#include "linux/seccomp.h"
#include "linux/syscall.h"

/* A tracer may change the call, or take it away: then the result is what it has left in rax. */
static bool tracer_agrees(struct task *task, struct regs *regs, int64_t *result)
{
    bool make;

    regs->rax = (uint64_t)-ENOSYS;
    make = ptrace_call(task, regs) && (int32_t)regs->vector_or_nr != -1;
    *result = (int64_t)regs->rax;
    return make;
}

static bool look_at_call(struct regs *regs, int64_t *result)
{
    struct task *task = current_task();
    unsigned watched = atomic_load_explicit(&task->thread.watched, memory_order_relaxed);

    if (watched & WATCH_DISPATCH && dispatch_call(task, regs, result))
        return false;
    if (watched & WATCH_PTRACE && !tracer_agrees(task, regs, result))
        return false;
    return !(watched & WATCH_SECCOMP) || seccomp_check(regs, result);
}

static void call_done(struct regs *regs)
{
    struct task *task = current_task();

    if (atomic_load_explicit(&task->thread.watched, memory_order_relaxed) & WATCH_PTRACE)
        ptrace_call_done(task, regs);
}

static int connect(void)
{
    syscall_filter_hook = look_at_call;
    syscall_done_hook = call_done;
    return 0;
}
BOOT_STEP(PHASE_FS, "watched calls", connect);
