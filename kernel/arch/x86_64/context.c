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

bool has_fsgsbase __after_boot_readonly;

__cold void cpu_features_init(void)
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
