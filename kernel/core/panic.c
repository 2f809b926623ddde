#include "core/panic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/regs.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/symbols.h"
#include "core/thread.h"
#include "lib/string.h"

void (*panic_program_hook)(const struct regs *regs);
void (*panic_stop_cpus_hook)(void);
__noreturn void (*panic_end_hook)(void);

enum { FRAMES = 24, KERNEL_HALF = 1 };

static void print_address(const char *what, uintptr_t addr)
{
    size_t offset;
    const char *name = symbol_at(addr, &offset);
    if (name)
        log_at(LOG_PANIC, "  %s%016lx %s+%#zx", what, addr, name, offset);
    else
        log_at(LOG_PANIC, "  %s%016lx", what, addr);
}

/* Follow frame pointers as long as they climb within the current kernel stack. */
static void print_backtrace(uintptr_t rip, uintptr_t rbp)
{
    log_at(LOG_PANIC, "backtrace:");
    print_address("", rip);
    for (int i = 0; i < FRAMES && (int64_t)rbp < 0 && rbp % 8 == 0; i++) {
        uintptr_t next = ((uintptr_t *)rbp)[0], back = ((uintptr_t *)rbp)[1];
        if ((int64_t)back >= 0)
            break;
        print_address("", back);
        if (next <= rbp || next - rbp > 65536)
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

static void begin(void)
{
    static atomic_flag running = ATOMIC_FLAG_INIT;
    irq_disable();
    if (atomic_flag_test_and_set(&running)) /* a panic in a panic: what is out is out */
        end();
    if (panic_stop_cpus_hook)
        panic_stop_cpus_hook();
}

void panic(const char *fmt, ...)
{
    char message[256];
    va_list ap;
    begin();
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    struct thread *thread = current;
    log_at(LOG_PANIC, "panic: %s (cpu %u, %s)", message, this_cpu()->id,
           thread && thread->name[0] ? thread->name : "no thread");
    print_backtrace((uintptr_t)__builtin_return_address(0),
                    *(uintptr_t *)__builtin_frame_address(0));
    if (panic_program_hook)
        panic_program_hook(NULL);
    end();
}

void panic_regs(const struct regs *regs, const char *fmt, ...)
{
    char message[256];
    va_list ap;
    begin();
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    struct thread *thread = current;
    log_at(LOG_PANIC, "panic: %s (cpu %u, %s)", message, this_cpu()->id,
           thread && thread->name[0] ? thread->name : "no thread");
    print_registers(regs);
    print_backtrace(regs->rip, regs->rbp);
    if (panic_program_hook)
        panic_program_hook(regs);
    end();
}

/* gcc's stack protector found its canary changed. */
__noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a kernel stack frame was overwritten");
}
