#include "arch/x86_64/debug.h"

#include "arch/x86_64/irqflags.h"

#define DR6_NOTHING 0xffff0ff0ull
#define DR7_NOTHING 0x400ull

static struct thread *_Atomic owners[CPUS_MAX]; /* whose registers the CPU has */

static void write_control(uint64_t control)
{
    asm volatile("mov %0, %%dr7" : : "r"(control));
}

static void take_from(struct thread *owner)
{
    if (owner)
        atomic_fetch_or(&owner->work, WORK_NOTIFY);
}

void debug_load(const struct debug_regs *regs)
{
    uint64_t flags = irq_save();
    struct thread *before = atomic_exchange(&owners[this_cpu()->id], current);

    if (before != current)
        take_from(before);
    write_control(DR7_NOTHING);
    asm volatile("mov %0, %%dr0" : : "r"(regs->addr[0]));
    asm volatile("mov %0, %%dr1" : : "r"(regs->addr[1]));
    asm volatile("mov %0, %%dr2" : : "r"(regs->addr[2]));
    asm volatile("mov %0, %%dr3" : : "r"(regs->addr[3]));
    write_control(regs->control | DR7_NOTHING);
    irq_restore(flags);
}

void debug_forget(struct thread *thread)
{
    for (unsigned i = 0; i < ncpus; i++) {
        struct thread *owner = thread;

        (void)atomic_compare_exchange_strong(&owners[i], &owner, NULL);
    }
}

uint64_t debug_status(void)
{
    uint64_t status;

    asm volatile("mov %%dr6, %0" : "=r"(status));
    asm volatile("mov %0, %%dr6" : : "r"(DR6_NOTHING));
    return status;
}

uint64_t debug_hits(uint64_t status)
{
    struct thread *_Atomic *owner = &owners[this_cpu()->id];
    uint64_t control, enabled = 0;

    if (!(status & DEBUG_HITS))
        return 0;
    if (atomic_load(owner) != current) { /* left behind: silence them until somebody needs them */
        write_control(DR7_NOTHING);
        take_from(atomic_exchange(owner, NULL));
        return 0;
    }
    asm volatile("mov %%dr7, %0" : "=r"(control));
    for (unsigned i = 0; i < 4; i++)
        if (control >> (2 * i) & 3)
            enabled |= 1ull << i;
    return status & enabled;
}

bool debug_before(uint64_t hits)
{
    uint64_t control;

    asm volatile("mov %%dr7, %0" : "=r"(control));
    for (unsigned i = 0; i < 4; i++)
        if (hits >> i & 1 && !(control >> (16 + 4 * i) & 3))
            return true;
    return false;
}
