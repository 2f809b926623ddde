#include "core/panic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/regs.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/symbols.h"
#include "core/thread.h"
#include "lib/string.h"

void (*panic_program_hook)(const struct regs *regs);
void (*panic_stop_cpus_hook)(void);
void (*panic_ask_cpus_hook)(void);
void (*panic_threads_hook)(void);
__noreturn void (*panic_end_hook)(void);

enum { FRAMES = 24, STEP_MAX = 65536 };

static void print_address(const char *what, uintptr_t addr)
{
    char name[SYMBOL_NAME];
    size_t offset;

    if (symbol_at(addr, name, &offset, NULL))
        log_at(LOG_PANIC, "  %s%016lx %s+%#zx", what, addr, name, offset);
    else
        log_at(LOG_PANIC, "  %s%016lx", what, addr);
}

/* A word of the kernel's half; false: nothing is mapped there. */
static bool read_word(uintptr_t addr, uintptr_t *word)
{
    unsigned level = 1;
    if ((int64_t)addr >= 0 || addr % 8)
        return false;
    const pte_t *entry = paging_walk(kernel_pml4, addr, &level, false);
    if (!entry || !(*entry & PTE_PRESENT))
        return false;
    *word = *(const uintptr_t *)addr;
    return true;
}

/* Follow frame pointers as long as they climb within a kernel stack. */
static void print_backtrace(uintptr_t rip, uintptr_t rbp)
{
    uintptr_t next, back;
    log_at(LOG_PANIC, "backtrace of the kernel:");
    print_address("", rip);
    for (int i = 0; i < FRAMES && read_word(rbp, &next) && read_word(rbp + 8, &back); i++) {
        if ((int64_t)back >= 0)
            break;
        print_address("", back);
        if (next <= rbp || next - rbp > STEP_MAX)
            break;
        rbp = next;
    }
}

static void print_registers(const struct regs *r)
{
    log_at(LOG_PANIC, "rip %016lx rsp %016lx rflags %08lx cr2 %016lx", r->rip, r->rsp, r->rflags,
           read_cr2());
    log_at(LOG_PANIC, "rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx,
           r->rdx);
    log_at(LOG_PANIC, "rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi, r->rbp, r->r8);
    log_at(LOG_PANIC, "r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11, r->r12);
    log_at(LOG_PANIC, "r13 %016lx r14 %016lx r15 %016lx cr3 %016lx", r->r13, r->r14, r->r15,
           read_cr3());
}

static __noreturn void end(void)
{
    if (panic_end_hook)
        panic_end_hook();
    for (;;)
        asm volatile("cli; hlt");
}

/* The first CPU that comes says what it has to say; others keep still. */
static void begin(void)
{
    static struct cpu *_Atomic speaker;
    struct cpu *nobody = NULL;
    irq_disable();
    if (!atomic_compare_exchange_strong(&speaker, &nobody, this_cpu())) {
        if (nobody == this_cpu()) /* a panic in a panic: what is out is out */
            end();
        for (;;)
            asm volatile("cli; hlt");
    }
    log_in_panic = true;
    if (panic_stop_cpus_hook)
        panic_stop_cpus_hook();
}

static __printf(1, 0) void print_message(const char *fmt, va_list ap)
{
    static char message[256]; /* the stack may be nearly spent */
    const struct thread *thread = current;
    vsnprintf(message, sizeof(message), fmt, ap);
    log_at(LOG_PANIC, "panic: %s (cpu %u, %s%s)", message, this_cpu()->id,
           thread && thread->name[0] ? thread->name : "no thread",
           in_interrupt() ? ", in an interrupt" : "");
}

void panic(const char *fmt, ...)
{
    va_list ap;
    begin();
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
    print_backtrace((uintptr_t)__builtin_return_address(0),
                    *(uintptr_t *)__builtin_frame_address(0));
    if (panic_program_hook)
        panic_program_hook(NULL);
    end();
}

void panic_regs(const struct regs *regs, const char *fmt, ...)
{
    va_list ap;
    uintptr_t caller;
    begin();
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
    print_registers(regs);
    if ((int64_t)regs->rip < 0)
        print_backtrace(regs->rip, regs->rbp);
    else if (read_word(regs->rsp, &caller)) /* the kernel has called a wild address */
        print_backtrace(caller, regs->rbp);
    if (panic_program_hook)
        panic_program_hook(regs);
    end();
}

/* --- asked from outside --- */

enum { ANSWER_CYCLES = 1000000000 };

static void print_cpu(const struct regs *regs)
{
    const struct cpu *cpu = this_cpu();
    bool idle = current == cpu->idle_thread;

    log_at(LOG_PANIC, "cpu %u: %s%s", cpu->id, idle ? "idle" : current->name,
           in_interrupt() ? ", in an interrupt" : "");
    if (idle && !in_interrupt())
        return;
    if ((int64_t)regs->rip < 0)
        print_backtrace(regs->rip, regs->rbp);
    if (panic_program_hook)
        panic_program_hook(regs);
}

/* One after the other: whose turn it is, by id and 1; 0: the first one's. */
static atomic_uint turn;

static void ask_cpu(const struct cpu *cpu)
{
    uint64_t start = rdtsc();

    atomic_store(&turn, cpu->id + 1);
    while (atomic_load(&turn) && rdtsc() - start < ANSWER_CYCLES)
        cpu_pause();
    if (atomic_exchange(&turn, 0))
        log_at(LOG_PANIC, "cpu %u: does not answer", cpu->id);
}

static __noreturn void answer(const struct regs *regs)
{
    while (atomic_load(&turn) != this_cpu()->id + 1)
        cpu_pause();
    print_cpu(regs);
    atomic_store(&turn, 0);
    for (;;)
        asm volatile("cli; hlt");
}

void panic_asked(const struct regs *regs)
{
    static atomic_bool asked;

    if (log_in_panic && !atomic_load(&asked))
        return;
    if (atomic_exchange(&asked, true))
        answer(regs);
    log_in_panic = true;
    log_at(LOG_PANIC, "panic: asked from outside what it does (NMI)");
    print_cpu(regs);
    if (panic_ask_cpus_hook)
        panic_ask_cpus_hook();
    for (unsigned i = 0; i < ncpus; i++)
        if (cpus[i] != this_cpu() && atomic_load(&cpus[i]->online))
            ask_cpu(cpus[i]);
    if (panic_threads_hook)
        panic_threads_hook();
    end();
}

/* gcc's stack protector found its canary changed. */
__noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a kernel stack frame was overwritten");
}
