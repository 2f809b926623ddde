/* linux/procfs_wait.c: what a thread waits for: /proc/PID/syscall, wchan and stack (man 5 proc). */
#include "arch/x86_64/entry.h"
#include "core/symbols.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "linux/ptrace.h"

extern const char vector_stubs[]; /* entry.S: traps enter behind it, system calls before */
extern const char __core_start[], __core_end[];

/* How often a thread has gone to sleep, if it sleeps; else 0. Its stack stays as it is for as long
 * as this does; what is read meanwhile is of no use if it does not, and does no harm. */
static uint64_t asleep_since(const struct thread *t)
{
    enum thread_state state = atomic_load_explicit(&t->state, memory_order_acquire);

    return (state == THREAD_SLEEPING || state == THREAD_INTERRUPTIBLE) &&
                   !atomic_load_explicit(&t->on_rq, memory_order_acquire)
               ? t->switches_voluntary
               : 0;
}

bool proc_find_call(const struct thread *t, struct regs *regs)
{
    uint64_t since = asleep_since(t);

    *regs = (struct regs){.vector_or_nr = -1ull};
    if (atomic_load_explicit(&t->state, memory_order_acquire) == THREAD_DEAD)
        return true;
    if (t != current && !since)
        return false;
    const struct regs *top = (const struct regs *)t->kstack_top - 1;
    *regs = *top;
    if (((const uintptr_t *)top)[-1] >= (uintptr_t)vector_stubs) /* pushed by the entry code */
        regs->vector_or_nr = -1ull;
    return t == current || asleep_since(t) == since;
}

static int show_syscall(struct text *text, const struct pseudo *self)
{
    struct subject s;
    struct regs r;
    int error = subject_get(self, &s);

    if (error)
        return error;
    error = ptrace_access(s.task, false);
    bool stands = !error && proc_find_call(&s.task->thread, &r);
    subject_put(&s);
    if (error)
        return error;
    if (!stands)
        text_printf(text, "running\n");
    else if ((int)r.vector_or_nr < 0)
        text_printf(text, "-1 0x%lx 0x%lx\n", r.rsp, r.rip);
    else
        text_printf(text, "%d 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n",
                    (int)r.vector_or_nr, r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9, r.rsp, r.rip);
    return 0;
}

/* What has called whom on the stack of a thread, from the function with the frame on, up to where
 * the program did. Not sanitized: one that wakes up meanwhile changes what is its own. */
__attribute__((no_sanitize_address)) static unsigned
callers_of(const struct thread *t, uintptr_t at, uintptr_t callers[PROC_CALLERS])
{
    for (unsigned n = 0; n < PROC_CALLERS;) {
        const uintptr_t *frame = (const uintptr_t *)at;
        callers[n++] = frame[1];
        if (*frame <= at || *frame >= t->kstack_top - sizeof(struct regs))
            return n;
        at = *frame;
    }
    return PROC_CALLERS;
}

unsigned proc_sleeps_in(const struct thread *t, uintptr_t callers[PROC_CALLERS])
{
    uint64_t since = asleep_since(t);
    unsigned n = since ? callers_of(t, t->saved_rsp, callers) : 0;

    return asleep_since(t) == since ? n : 0;
}

unsigned proc_beyond_core(const uintptr_t *callers, unsigned n)
{
    unsigned i = 0;

    while (i < n && callers[i] >= (uintptr_t)__core_start && callers[i] < (uintptr_t)__core_end)
        i++;
    return i;
}

static int show_wchan(struct text *text, const struct pseudo *self)
{
    char name[SYMBOL_NAME] = "0";
    uintptr_t callers[PROC_CALLERS];
    struct subject s;
    size_t offset;
    int error = subject_get(self, &s);

    if (error)
        return error;
    unsigned n = ptrace_access(s.task, false) ? 0 : proc_sleeps_in(&s.task->thread, callers);
    subject_put(&s);
    unsigned i = proc_beyond_core(callers, n);
    if (i < n && callers[i] >= (uintptr_t)vector_stubs)
        (void)symbol_at(callers[i], name, &offset, NULL);
    text_printf(text, "%s", name);
    return 0;
}

static int show_stack(struct text *text, const struct pseudo *self)
{
    uintptr_t callers[PROC_CALLERS];
    struct subject s;
    unsigned n = 0;

    if (!capable(CAP_SYS_ADMIN))
        return -EACCES;
    int error = subject_get(self, &s);
    if (error)
        return error;
    const struct thread *t = &s.task->thread;
    error = ptrace_access(s.task, true);
    if (!error)
        n = t == current ? callers_of(t, (uintptr_t)__builtin_frame_address(0), callers)
                         : proc_sleeps_in(t, callers);
    subject_put(&s);
    for (unsigned i = 0; i < n; i++) {
        char name[SYMBOL_NAME];
        size_t offset, size;
        if (symbol_at(callers[i], name, &offset, &size))
            text_printf(text, "[<0>] %s+%#zx/%#zx\n", name, offset, size);
    }
    return error;
}

static const struct pseudo_entry files[] = {
    PROC_SECRET("syscall", show_syscall),
    PSEUDO_FILE("wchan", show_wchan),
    PROC_SECRET("stack", show_stack),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
