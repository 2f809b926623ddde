#include "arch/x86_64/trap.h"

#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/debug.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/lapic.h"
#include "core/cpu.h"
#include "core/panic.h"
#include "core/thread.h"
#include "mm/karea.h"

/* What entry.S relies on. */
_Static_assert(offsetof(struct cpu, running) == 8, "entry.S");
_Static_assert(offsetof(struct cpu, kstack_top) == 16, "entry.S");
_Static_assert(offsetof(struct cpu, fault_stack) == 24, "entry.S");
_Static_assert(offsetof(struct cpu, stack_canary) == 40, "gcc");
_Static_assert(offsetof(struct thread, kstack_top) == 0, "entry.S");
_Static_assert(offsetof(struct thread, work) == 16, "entry.S");
_Static_assert(offsetof(struct thread, watched) == 20, "entry.S");
_Static_assert(offsetof(struct thread, gs_base) == 48, "entry.S");
_Static_assert(KSTACK_SIZE == KSTACK_BYTES, "entry.S");
_Static_assert(offsetof(struct regs, rip) == 136 && sizeof(struct regs) == 176, "entry.S");

/* Linux's signal numbers and codes: what a fault of the program turns into. */
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGSEGV = 11 };
enum {
    CODE_KERNEL = 0x80,
    ILL_ILLOPN = 2,
    FPE_INTDIV = 1,
    BUS_ADRALN = 1,
    BUS_ADRERR = 2,
    TRAP_BRKPT = 1,
    TRAP_TRACE = 2,
    TRAP_HWBKPT = 4,
    SEGV_MAPERR = 1
};
enum { ERROR_PRESENT = 1, ERROR_WRITE = 2, ERROR_FETCH = 16 };

void (*program_exit_hook)(struct regs *regs);
void (*program_fault_hook)(struct regs *regs, int signo, int code, uintptr_t addr);
int (*page_fault_hook)(uintptr_t addr, unsigned access, int *code);

extern const char entry_text_start[], entry_text_end[];
extern const char syscall_exit_check[], syscall_exit_switched[];
extern const char syscall_gs_end[];
extern const struct fixup __fixup_start[], __fixup_end[];

struct regs *syscall_regs(void)
{
    return (struct regs *)current->kstack_top - 1;
}

static bool in_entry_text(uintptr_t rip)
{
    return rip >= (uintptr_t)entry_text_start && rip < (uintptr_t)entry_text_end;
}

/* A program may have jumped to an address of the kernel's: no kernel code runs on its stack. */
bool regs_from_program(const struct regs *regs)
{
    return (int64_t)regs->rip >= 0 || in_entry_text(regs->rip) || (int64_t)regs->rsp >= 0;
}

static bool apply_fixup(struct regs *regs)
{
    for (const struct fixup *f = __fixup_start; f < __fixup_end; f++)
        if ((uintptr_t)&f->at + f->at == regs->rip) {
            regs->rip = (uintptr_t)&f->to + f->to;
            return true;
        }
    return false;
}

/* ---- faults ------------------------------------------------------------------------------------
 */

struct fault_signal {
    int signo, code;
};

/* By vector (SDM 3A, 6.15); the codes are Linux's. */
static const struct fault_signal fault_signals[32] = {
    [0] = {SIGFPE, FPE_INTDIV},    [1] = {SIGTRAP, TRAP_TRACE},
    [3] = {SIGTRAP, CODE_KERNEL},  [4] = {SIGSEGV, CODE_KERNEL},
    [5] = {SIGSEGV, CODE_KERNEL},  [6] = {SIGILL, ILL_ILLOPN},
    [7] = {SIGFPE, CODE_KERNEL},   [10] = {SIGSEGV, CODE_KERNEL},
    [11] = {SIGBUS, CODE_KERNEL},  [12] = {SIGBUS, CODE_KERNEL},
    [13] = {SIGSEGV, CODE_KERNEL}, [16] = {SIGFPE, 0},
    [17] = {SIGBUS, BUS_ADRALN},   [19] = {SIGFPE, 0},
};

/* si_code of a floating-point fault from the exception bits (x87 status or MXCSR) that are set and
 * unmasked: FPE_FLTINV 7, FLTDIV 3, FLTOVF 4, FLTUND 5, FLTRES 6. */
static int float_code(unsigned raised)
{
    static const uint8_t codes[6] = {7, 5, 3, 4, 5, 6};
    for (int i = 0; i < 6; i++)
        if (raised >> i & 1)
            return codes[i];
    return 0;
}

static int float_fault_code(uint64_t vector)
{
    if (vector == 19) {
        uint32_t mxcsr;
        asm volatile("stmxcsr %0" : "=m"(mxcsr));
        return float_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
    }
    uint16_t status, control;
    asm volatile("fnstsw %0" : "=m"(status));
    asm volatile("fnstcw %0" : "=m"(control));
    asm volatile("fnclex");
    return float_code(status & ~control & 0x3f);
}

static bool is_guard(uintptr_t addr)
{
    extern char boot_stack[];
    return karea_is_guard(addr) || (uintptr_t)boot_stack - addr - 1 < PAGE_SIZE;
}

/* Registers of code in the lower half on the thread's kernel stack: the kernel went astray. */
static bool kernel_astray(const struct regs *regs)
{
    return (int64_t)regs->rip >= 0 && current && current->kstack_top - regs->rsp < KSTACK_SIZE;
}

static int debug_code(uint64_t dr6)
{
    if (dr6 & DEBUG_STEP)
        return TRAP_TRACE;
    return dr6 & DEBUG_HITS ? TRAP_HWBKPT : TRAP_BRKPT;
}

/* A single step is over, or a watched address was met. The kernel's own code has no business with
 * either: a step may end there that was begun at the jump into it, and it reads and writes what a
 * program watches. True: that was all. regs->error_code says what it was. */
static bool debug_trap(struct regs *regs)
{
    uint64_t status = debug_status();
    uint64_t dr6 = debug_hits(status) | (status & DEBUG_STEP);

    regs->error_code = dr6;
    if (!regs_from_program(regs) || in_entry_text(regs->rip)) {
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
        return true;
    }
    if (dr6 & DEBUG_HITS && debug_before(dr6))
        regs->rflags |= RFLAGS_RF;
    return !dr6 && status & DEBUG_HITS; /* another thread's */
}

static void fault(struct regs *regs)
{
    unsigned vector = regs->vector_or_nr;
    if (vector == 1 && debug_trap(regs))
        return;
    if (!regs_from_program(regs)) {
        if (apply_fixup(regs))
            return;
        panic_regs(regs, "trap %u, error %#lx, in the kernel", vector, regs->error_code);
    }
    struct fault_signal s = fault_signals[vector];
    if (!s.signo || !program_fault_hook || kernel_astray(regs))
        panic_regs(regs, "trap %u, error %#lx", vector, regs->error_code);
    uintptr_t addr = regs->rip;
    if (vector == 16 || vector == 19)
        s.code = float_fault_code(vector);
    if (s.code == CODE_KERNEL)
        addr = 0;
    if (vector == 1)
        s.code = debug_code(regs->error_code);
    regs->vector_or_nr = -1;
    irq_enable();
    program_fault_hook(regs, s.signo, s.code, addr);
}

static void page_fault(struct regs *regs)
{
    uintptr_t addr = read_cr2();
    unsigned error = regs->error_code;
    bool program = regs_from_program(regs);
    int code = SEGV_MAPERR, err = -14;
    bool may_sleep = program || ((regs->rflags & RFLAGS_IF) && !in_interrupt());

    if ((int64_t)addr >= 0 && may_sleep && current && current->space && page_fault_hook) {
        irq_enable();
        err = page_fault_hook(addr,
                              (error & ERROR_WRITE ? FAULT_ACCESS_WRITE : 0) |
                                  (error & ERROR_FETCH ? FAULT_ACCESS_EXEC : 0) |
                                  (error & ERROR_PRESENT ? FAULT_ACCESS_PROTECTION : 0),
                              &code);
        irq_disable();
        if (!err)
            return;
    }
    if (!program) {
        if (err == -12 && program_fault_hook) /* the system call fails, and the program ends */
            program_fault_hook(regs, SIGKILL, CODE_KERNEL, addr);
        if (apply_fixup(regs))
            return;
        panic_regs(regs, "%s at %#lx, error %#x, in the kernel",
                   is_guard(addr) ? "kernel stack overflow: page fault" : "page fault", addr,
                   error);
    }
    if (!program_fault_hook || kernel_astray(regs))
        panic_regs(regs, "page fault at %#lx, error %#x, outside the kernel's text", addr, error);
    regs->vector_or_nr = -1;
    irq_enable();
    if (err == -12) /* ENOMEM: whoever serves the hook says so and ends the program */
        program_fault_hook(regs, SIGKILL, CODE_KERNEL, addr);
    else if (err == -5)
        program_fault_hook(regs, SIGBUS, code, addr);
    else
        program_fault_hook(regs, SIGSEGV, code, addr);
}

/* ---- back to the program
 * ---------------------------------------------------------------------------- */

/* Called with a full frame; returns with interrupts off and nothing left to do. */
void program_exit_work(struct regs *regs)
{
    for (;;) {
        irq_disable();
        unsigned work = atomic_load_explicit(&current->work, memory_order_acquire);
        if (this_cpu()->need_resched || (work & WORK_RESCHED)) {
            sched_preempt();
            continue;
        }
        if (!work || !program_exit_hook)
            return;
        irq_enable();
        program_exit_hook(regs);
    }
}

/* The program slept in the fault: others may have run what it must not share a CPU with (rseq). */
static __attribute__((noinline)) void slept_in_fault(struct thread *thread)
{
    if (thread->notify_moved)
        atomic_fetch_or_explicit(&thread->work, WORK_MOVED, memory_order_relaxed);
}

static inline void any_page_fault(struct regs *regs, bool program)
{
    uint64_t sleeps = program ? current->switches_voluntary : 0;

    page_fault(regs); /* the only call, so that it is part of the handler */
    if (program && unlikely(sleeps != current->switches_voluntary))
        slept_in_fault(current);
}

static void interrupt(struct regs *regs, bool program)
{
    struct cpu *cpu = this_cpu();
    cpu->irq_in_program = program;
    cpu->irq_depth++;
    cpu->irq_count++;
    irq_dispatch(regs->vector_or_nr);
    cpu->irq_depth--;
}

/* Or on its way in, with GS as the program has it: it begins anew. */
static void mend_entry_window(struct regs *regs)
{
    if (regs->rip <= (uintptr_t)syscall_entry_gs || regs->rip >= (uintptr_t)syscall_gs_end)
        return;
    regs->rip = (uintptr_t)syscall_entry_gs;
    regs->rsp = regs->r11;
}

/* The interrupted code was on its way out of a system call. */
static void mend_exit_window(struct regs *regs)
{
    if (regs->rip > (uintptr_t)syscall_exit_check && regs->rip < (uintptr_t)syscall_exit_switched)
        regs->rip = (uintptr_t)syscall_exit_check;
}

void trap_handler(struct regs *regs)
{
    uint64_t vector = regs->vector_or_nr;
    /* Out of a system call but for the last jump: take it here. */
    if (regs->rip == (uintptr_t)syscall_exit_switched)
        regs->rip = regs->rcx;
    mend_entry_window(regs);
    bool program = regs_from_program(regs);

    if (vector >= 32)
        interrupt(regs, program);
    else if (vector == 14)
        any_page_fault(regs, program);
    else
        fault(regs);

    if (!program) {
        irq_disable();
        mend_exit_window(regs);
        return;
    }
    if (in_entry_text(regs->rip)) /* before the stack switch of a system call: it will look */
        return;
    regs->vector_or_nr = -1;
    program_exit_work(regs);
}

void trap_on_ist_handler(struct regs *regs)
{
    switch (regs->vector_or_nr) {
    case 2:
        panic_asked(regs);
        return;
    case 8:
        panic_regs(regs, "double fault%s",
                   is_guard(regs->rsp) || is_guard(regs->rsp - 8) ? ": kernel stack overflow" : "");
    default:
        panic_regs(regs, "machine check");
    }
}

/* ---- system-call table
 * -------------------------------------------------------------------------------- */

syscall_fn_t *syscall_table[SYSCALLS_MAX + 1];
syscall_fn_t *syscall_real[SYSCALLS_MAX + 1];
uint8_t syscall_full_regs[SYSCALLS_MAX + 1];
void (*syscall_patch_hook)(uintptr_t return_address, uint64_t nr);
int64_t (*syscall_trace_hook)(uint64_t nr, const uint64_t args[6]);
bool (*syscall_filter_hook)(struct regs *regs, int64_t *result);
void (*syscall_done_hook)(struct regs *regs);
/* What the table had before syscall_filter_enable(): for threads that are not watched. */
syscall_fn_t *syscall_unwatched[SYSCALLS_MAX + 1];

extern int64_t syscall_full_regs_thunk(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern int64_t syscall_trace_thunk(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern int64_t syscall_filter_thunk(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

void syscall_register(unsigned nr, syscall_fn_t *fn, bool full_regs)
{
    syscall_real[nr] = fn;
    syscall_full_regs[nr] = full_regs;
    syscall_table[nr] = full_regs ? syscall_full_regs_thunk : fn;
}

void syscall_trace_enable(void)
{
    for (unsigned i = 0; i <= SYSCALLS_MAX; i++)
        syscall_table[i] = syscall_trace_thunk;
}

/* Several CPUs may do it at once: they write the same. */
void syscall_filter_enable(void)
{
    for (unsigned i = 0; i <= SYSCALLS_MAX; i++) {
        syscall_fn_t *fn = __atomic_load_n(&syscall_table[i], __ATOMIC_RELAXED);
        if (fn == syscall_filter_thunk || fn == syscall_trace_thunk)
            continue;
        __atomic_store_n(&syscall_unwatched[i], fn, __ATOMIC_RELAXED);
        __atomic_store_n(&syscall_table[i], syscall_filter_thunk, __ATOMIC_RELEASE);
    }
}

static bool watched(void)
{
    return atomic_load_explicit(&current->watched, memory_order_relaxed) && syscall_filter_hook;
}

static int64_t call(struct regs *regs)
{
    int64_t result;
    if (watched() && !syscall_filter_hook(regs, &result))
        return result;
    uint64_t nr = MIN((uint32_t)regs->vector_or_nr, (uint32_t)SYSCALLS_MAX);
    const uint64_t args[6] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
    if (syscall_trace_hook)
        return syscall_trace_hook(nr, args);
    return syscall_real[nr](args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* From entry.S, all registers in place. */
int64_t syscall_trace(struct regs *regs)
{
    regs->rax = call(regs);
    if (watched() && syscall_done_hook)
        syscall_done_hook(regs);
    return regs->rax;
}

__noreturn void program_enter(const struct regs *regs)
{
    struct regs *top = (struct regs *)current->kstack_top - 1;
    irq_disable();
    /* The callers' frames, and this one, may lie where the copy goes: nothing is pushed after it.
     */
    asm volatile("cld\n"
                 "rep movsq\n"
                 "mov %[top], %%rdi\n"
                 "mov %[top], %%rsp\n"
                 "jmp program_enter_at"
                 :
                 : "D"(top), "S"(regs), "c"(sizeof(*top) / 8), [top] "b"(top)
                 : "memory");
    __builtin_unreachable();
}
