#include "arch/x86_64/context.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/entry.h"
#include "core/cpu.h"

enum {
    CR0_MP = 1 << 1,
    CR0_EM = 1 << 2,
    CR0_TS = 1 << 3,
    CR0_NE = 1 << 5,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_FSGSBASE = 1 << 16,
    CR4_OSXSAVE = 1 << 18,
    CPUID_7_EBX_FSGSBASE = 1 << 0,
    CPUID_1_ECX_XSAVE = 1 << 26,
};

static bool has_fsgsbase __after_boot_readonly;

void cpu_features_init(void)
{
    uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

    write_cr0((read_cr0() | CR0_MP | CR0_NE) & ~(uint64_t)(CR0_EM | CR0_TS));
    if (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE)
        cr4 |= CR4_OSXSAVE;
    if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & CPUID_7_EBX_FSGSBASE)
        cr4 |= CR4_FSGSBASE;
    write_cr4(cr4);
    if (this_cpu()->id == 0)
        has_fsgsbase = cr4 & CR4_FSGSBASE;
    fpu_cpu_init();
}

uint64_t fs_base_get(void)
{
    uint64_t base;

    if (unlikely(!has_fsgsbase))
        return rdmsr(MSR_FS_BASE);
    asm volatile("rdfsbase %0" : "=r"(base));
    return base;
}

void fs_base_set(uint64_t base)
{
    if (unlikely(!has_fsgsbase))
        wrmsr(MSR_FS_BASE, base);
    else
        asm volatile("wrfsbase %0" : : "r"(base));
}

bool program_gs; /* entry.S: some program has a GS base */

bool gs_base_possible(void)
{
    return has_fsgsbase;
}

static void use_gs_entry(void *arg)
{
    wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry_gs);
}

void gs_cpu_init(void)
{
    if (__atomic_load_n(&program_gs, __ATOMIC_SEQ_CST))
        use_gs_entry(NULL);
}

void gs_base_set(struct thread *thread, uint64_t base)
{
    static bool told; /* all CPUs: who comes second waits for that, too */

    if (base && !__atomic_load_n(&told, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&program_gs, true, __ATOMIC_SEQ_CST);
        use_gs_entry(NULL);
        cpus_call((cpuset_t){~0ull}, use_gs_entry, NULL);
        __atomic_store_n(&told, true, __ATOMIC_RELEASE);
    }
    thread->gs_base = base;
}

/* What lies at a switched-away thread's saved_rsp. */
struct switch_frame {
    uint64_t rbp;
    void (*rip)(void);
    uint64_t no_caller; /* where start()'s return address would be: keeps the stack aligned; with
                           rbp 0 it ends backtraces */
};

void context_init(struct thread *thread, void (*start)(void))
{
    struct switch_frame *frame = (struct switch_frame *)thread->kstack_top - 1;

    *frame = (struct switch_frame){.rip = start};
    thread->saved_rsp = (uintptr_t)frame;
}

/* The compiler saves what it needs of the registers that the other thread has changed; it cannot be
 * told so of rbp. The jump always goes to the same place, which the processor learns; a return
 * would go where it does not expect it. */
static inline void switch_stacks(uintptr_t *save, uintptr_t load)
{
    asm volatile("push $1f\n"
                 "push %%rbp\n"
                 "mov %%rsp, (%0)\n"
                 "mov %1, %%rsp\n"
                 "pop %%rbp\n"
                 "pop %%rcx\n"
                 "jmp *%%rcx\n"
                 "1:\n"
                 : "+a"(save), "+d"(load)
                 :
                 : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                   "cc", "memory");
}

/* Threads of the program only: the kernel uses neither these registers nor FS, so they stay in the
 * CPU while kernel threads run, and need not be loaded if their owner is the next one. */
static void save_program_state(struct cpu *cpu, struct thread *thread)
{
    fpu_save(thread->fpu);
    thread->fs_base = fs_base_get();
    thread->fpu_cpu = cpu;
    cpu->fpu_owner = thread;
}

static void load_program_state(struct cpu *cpu, struct thread *thread)
{
    if (thread->space && space_switch_hook)
        space_switch_hook(cpu, thread->space);
    if (cpu->fpu_owner == thread && thread->fpu_cpu == cpu)
        return;
    fpu_load(thread->fpu);
    fs_base_set(thread->fs_base);
    thread->fpu_cpu = cpu;
    cpu->fpu_owner = thread;
}

void context_switch(struct thread *from, struct thread *to)
{
    struct cpu *cpu = this_cpu();

    if (from->fpu)
        save_program_state(cpu, from);
    cpu->kstack_top = to->kstack_top;
    (void)__atomic_exchange_n(&cpu->running, to, __ATOMIC_SEQ_CST); /* see thread_post_work() */
    if (to->fpu)
        load_program_state(cpu, to);
    switch_stacks(&from->saved_rsp, to->saved_rsp);
}
