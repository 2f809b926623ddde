/* linux/procfs_wait.c: what a thread waits for: /proc/PID/syscall and wchan (man 5 proc). */
#include "arch/x86_64/entry.h"
#include "core/symbols.h"
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

/* The program's registers, by the call's number in vector_or_nr or -1, of a thread that sleeps or
 * asks itself, or that has ended (none); false: it runs. */
static bool find_call(const struct thread *t, struct regs *regs)
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
    bool stands = !error && find_call(&s.task->thread, &r);
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

/* The innermost function on the stack of a thread that sleeps that is none of core/; 0: none.
 * Not sanitized: one that wakes up meanwhile changes what is its own. */
__attribute__((no_sanitize_address)) static uintptr_t waits_in(const struct thread *t)
{
    uintptr_t at = t->saved_rsp;

    for (;;) { /* what called the function that has rbp, and its caller's rbp */
        const uintptr_t *frame = (const uintptr_t *)at;
        if (frame[1] < (uintptr_t)__core_start || frame[1] >= (uintptr_t)__core_end)
            return frame[1] < (uintptr_t)vector_stubs ? 0 : frame[1];
        if (*frame <= at || *frame >= t->kstack_top - sizeof(struct regs))
            return 0;
        at = *frame;
    }
}

static int show_wchan(struct text *text, const struct pseudo *self)
{
    char name[SYMBOL_NAME] = "0";
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    const struct thread *t = &s.task->thread;
    uint64_t since = ptrace_access(s.task, false) ? 0 : asleep_since(t);
    uintptr_t at = since ? waits_in(t) : 0;
    size_t offset;
    if (at && asleep_since(t) == since)
        (void)symbol_at(at, name, &offset);
    subject_put(&s);
    text_printf(text, "%s", name);
    return 0;
}

static const struct pseudo_entry files[] = {
    PROC_SECRET("syscall", show_syscall),
    PSEUDO_FILE("wchan", show_wchan),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
