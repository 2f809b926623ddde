#include "arch/x86_64/smp.h"

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/ioapic.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/trap.h"
#include "core/boot.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/random.h"
#include "core/spinlock.h"
#include "core/thread.h"
#include "core/timer.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { TRAMPOLINE = 0x8000, SIPI_AGAIN_NS = 1000000, SIPI_TRIES = 1000 };
enum { ENTRY_STACK = 512, FAULT_STACK = 4096, NMI_STACK = 4096 };

/* What each processor needs for its descriptor tables (SDM 3A 7.7, 6.14.5). */
struct cpu_tables {
    uint64_t gdt[6];
    struct __packed {
        uint32_t reserved;
        uint64_t rsp[3], reserved2, ist[7];
        uint16_t reserved3[5], iomap;
    } tss;
    alignas(16) uint8_t entry_stack[ENTRY_STACK];
    alignas(16) uint8_t nmi_stack[NMI_STACK];
    alignas(16) uint8_t check_stack[NMI_STACK];
    alignas(16) uint8_t fault_stack[FAULT_STACK];
};

struct idt_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct cpu boot_cpu = {.self = &boot_cpu, .running = &boot_thread};
struct cpu *cpus[CPUS_MAX] = {&boot_cpu};
unsigned ncpus = 1;
uintptr_t ap_stacks[CPUS_MAX]; /* head.S */
extern uint32_t ap_next, ap_limit;
extern const char trampoline_start[], trampoline_end[], vector_stubs[], syscall_entry[];
__noreturn void ap_main(struct cpu *cpu);

static struct cpu_tables boot_tables;
static struct idt_gate idt[256] __after_boot_readonly;

static struct {
    uint32_t apic_ids[CPUS_MAX];
    unsigned count, left_out;
} found;

/* ---- descriptor tables
 * --------------------------------------------------------------------------------- */

static void idt_fill(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uintptr_t stub = (uintptr_t)vector_stubs + 16 * v;
        uint8_t ist = v == 2 ? 2 : v == 8 ? 3 : v == 18 ? 4 : 1;
        idt[v] = (struct idt_gate){stub & 0xffff,       KERNEL_CS,  ist, 0x8e,
                                   stub >> 16 & 0xffff, stub >> 32, 0};
    }
}

static __cold void load_tables(struct cpu_tables *t)
{
    uintptr_t tss = (uintptr_t)&t->tss;
    t->tss.ist[0] = (uintptr_t)t->entry_stack + ENTRY_STACK;
    t->tss.ist[1] = (uintptr_t)t->nmi_stack + NMI_STACK;
    t->tss.ist[2] = (uintptr_t)t->fault_stack + FAULT_STACK;
    t->tss.ist[3] = (uintptr_t)t->check_stack + NMI_STACK;
    this_cpu()->fault_stack = t->tss.ist[2];
    t->tss.iomap = sizeof(t->tss);
    t->gdt[1] = 0x00af9b000000ffff;
    t->gdt[2] = 0x00cf93000000ffff;
    t->gdt[3] =
        (sizeof(t->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
    t->gdt[4] = tss >> 32;
    t->gdt[5] = 0x0040910000000000 | this_cpu()->id; /* its limit tells programs their CPU */
    struct __packed {
        uint16_t limit;
        const void *base;
    } gdtr = {sizeof(t->gdt) - 1, t->gdt}, idtr = {sizeof(idt) - 1, idt};
    asm volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(TSS_SELECTOR));
}

/* System calls from ring 0 arrive with ring 0's selectors; interrupts stay as they are (SDM 2B,
 * SYSCALL). */
static void load_syscall_registers(void)
{
    wrmsr(MSR_STAR, (uint64_t)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
    wrmsr(MSR_FMASK, 0x44700 & ~0x200); /* TF, DF, NT and AC go, IF stays */
}

static int boot_cpu_init(void)
{
    idt_fill();
    load_tables(&boot_tables);
    load_syscall_registers();
    cpu_features_init();
    return 0;
}
BOOT_STEP(PHASE_ARCH, "boot cpu", boot_cpu_init);

/* ---- finding the processors
 * ----------------------------------------------------------------------------- */

void smp_add(uint32_t apic_id)
{
    if (found.count == CPUS_MAX)
        found.left_out++;
    else
        found.apic_ids[found.count++] = apic_id;
}

static __cold int find_cpus(void)
{
    lapic_cpu_init();
    pic_mask_all();
    boot_cpu.apic_id = lapic_id();
    atomic_store(&boot_cpu.online, true);
    if (!acpi_read_madt() && !mptable_read())
        log_info("smp: neither ACPI nor MP table: one processor");
    if (found.left_out)
        log_warning("smp: %u processors beyond %d stay off", found.left_out, CPUS_MAX);
    return 0;
}
BOOT_STEP(PHASE_CLOCK, "cpus", find_cpus);

/* ---- starting them
 * --------------------------------------------------------------------------------------- */

static struct timer retry_timer;
static unsigned retries;

static int prepare(uint32_t apic_id)
{
    struct cpu *cpu = kzalloc(sizeof(*cpu));
    if (!cpu)
        return -ENOMEM;
    cpu->self = cpu;
    cpu->id = ncpus;
    cpu->apic_id = apic_id;
    cpu->stack_canary = boot_cpu.stack_canary;
    int err = sched_cpu_init(cpu);
    if (err) {
        kfree(cpu);
        return err;
    }
    cpu->running = cpu->idle_thread;
    cpu->kstack_top = cpu->idle_thread->kstack_top;
    ap_stacks[ncpus] = cpu->kstack_top;
    cpus[ncpus] = cpu;
    atomic_thread_fence(memory_order_release);
    ncpus++;
    return 0;
}

/* A processor that slept through its first start-up message gets another one (MP spec B.4). */
static __cold void retry(struct timer *timer)
{
    bool missing = false;
    for (unsigned i = 1; i < ncpus; i++)
        if (!atomic_load(&cpus[i]->online)) {
            missing = true;
            break;
        }
    if (!missing)
        return;
    if (++retries > SIPI_TRIES) {
        log_warning("smp: not all of %u processors start", ncpus);
        return;
    }
    for (unsigned i = 0; retries < 4 && i < found.count; i++)
        if (found.apic_ids[i] != boot_cpu.apic_id)
            lapic_ipi(found.apic_ids[i], IPI_STARTUP, TRAMPOLINE >> 12);
    timer_start(timer, clock_monotonic() + SIPI_AGAIN_NS);
}

static void share_kernel_half(void)
{
    extern pte_t boot_pml4[512];
    memcpy(boot_pml4 + 256, kernel_pml4 + 256, 256 * sizeof(pte_t));
}

static __cold int start_cpus(void)
{
    unsigned limit = boot_param_u64("nr_cpus", CPUS_MAX);
    for (unsigned i = 0; i < found.count; i++) {
        if (found.apic_ids[i] == boot_cpu.apic_id)
            continue;
        if (ncpus >= limit || prepare(found.apic_ids[i]))
            found.apic_ids[i] = boot_cpu.apic_id; /* not this one */
    }
    if (ncpus == 1)
        return 0;
    share_kernel_half();
    memcpy(phys_to_virt(TRAMPOLINE), trampoline_start, trampoline_end - trampoline_start);
    atomic_thread_fence(memory_order_seq_cst);
    ap_limit = ncpus;
    for (unsigned i = 0; i < found.count; i++)
        if (found.apic_ids[i] != boot_cpu.apic_id) {
            lapic_ipi(found.apic_ids[i], IPI_INIT, 0);
            lapic_ipi(found.apic_ids[i], IPI_STARTUP, TRAMPOLINE >> 12);
        }
    timer_init(&retry_timer, retry);
    timer_start(&retry_timer, clock_monotonic() + SIPI_AGAIN_NS);
    return 0;
}
BOOT_STEP(PHASE_BUS, "start cpus", start_cpus);

/* head.S, on the stack of the idle thread, GS set. Which struct cpu a processor takes is chance:
 * its APIC id follows from itself. */
__cold void ap_main(struct cpu *cpu)
{
    struct cpu_tables *tables = kzalloc(sizeof(*tables));
    assert(tables, "no memory for a processor");
    paging_cpu_init();
    load_tables(tables);
    load_syscall_registers();
    lapic_cpu_init();
    cpu->apic_id = lapic_id();
    cpu_features_init();
    atomic_store(&cpu->online, true);
    gs_cpu_init();
    /* Kernel mappings that changed before that did so without us. */
    tlb_flush_global();
    sched_cpu_start();
}

/* ---- calls to other processors
 * ------------------------------------------------------------------------------ */

/* A call waits in a stack of each CPU that shall run it; whoever makes the stack non-empty sends
 * the interrupt. The nodes lie on the caller's stack: a CPU reads `next` before it counts `left`
 * down, and the caller goes on only when that is 0. */
struct call {
    void (*fn)(void *);
    void *arg;
    atomic_uint left;
};
struct call_node {
    struct call_node *next;
    struct call *call;
};
static struct call_node *_Atomic calls[CPUS_MAX];

static void run_calls(void *arg)
{
    struct call_node *node =
        atomic_exchange_explicit(&calls[this_cpu()->id], NULL, memory_order_acquire);
    while (node) {
        struct call_node *next = node->next;
        struct call *call = node->call;
        call->fn(call->arg);
        atomic_fetch_sub_explicit(&call->left, 1, memory_order_release);
        node = next;
    }
}

static void push_call(struct cpu *cpu, struct call_node *node)
{
    struct call_node *head = atomic_load_explicit(&calls[cpu->id], memory_order_relaxed);
    do {
        node->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&calls[cpu->id], &head, node,
                                                    memory_order_release, memory_order_relaxed));
    if (!head)
        ipi_send(cpu, VECTOR_CALL);
}

void cpus_call(cpuset_t set, void (*fn)(void *), void *arg)
{
    struct call_node nodes[CPUS_MAX];
    struct call call = {.fn = fn, .arg = arg};
    unsigned me = this_cpu()->id, n = 0;
    for (unsigned i = 0; i < ncpus; i++)
        if (i != me && set.bits >> i & 1 && atomic_load(&cpus[i]->online))
            nodes[n++] = (struct call_node){.next = NULL, .call = &call};
        else
            set.bits &= ~(1ull << i);
    if (!n)
        return;
    atomic_store_explicit(&call.left, n, memory_order_relaxed);
    for (unsigned i = 0; i < ncpus; i++)
        if (set.bits >> i & 1)
            push_call(cpus[i], &nodes[--n]);
    /* Whoever waits serves the calls of others, as interrupts may be off here. */
    while (atomic_load_explicit(&call.left, memory_order_acquire)) {
        uint64_t flags = irq_save();
        run_calls(NULL);
        irq_restore(flags);
        cpu_pause();
    }
}

void cpu_kick(struct cpu *cpu)
{
    if (cpu != this_cpu() && atomic_load(&cpu->online))
        ipi_send(cpu, VECTOR_KICK);
}

static void stop_this_cpu(void *arg)
{
    for (;;)
        asm volatile("cli; hlt");
}

/* For a panic: nobody answers, so nobody is waited for. */
static void stop_others(void)
{
    irq_vector_set(VECTOR_KICK, stop_this_cpu, NULL);
    for (unsigned i = 0; i < ncpus; i++)
        cpu_kick(cpus[i]);
}

/* The same where interrupts may be off. */
static void ask_others(void)
{
    for (unsigned i = 0; i < ncpus; i++)
        if (cpus[i] != this_cpu() && atomic_load(&cpus[i]->online))
            lapic_ipi(cpus[i]->apic_id, IPI_NMI, 0);
}

static int call_init(void)
{
    irq_vector_set(VECTOR_CALL, run_calls, NULL);
    panic_stop_cpus_hook = stop_others;
    panic_ask_cpus_hook = ask_others;
    return 0;
}
BOOT_STEP(PHASE_CLOCK, "calls between cpus", call_init);
