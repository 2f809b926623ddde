/* arch/x86_64/switch.h: the switch from one thread to another, for the scheduler's one place that
 * does it: there it costs no further saving of registers. */
#pragma once

#include "arch/x86_64/context.h"
#include "core/cpu.h"

/* The compiler saves what it needs of the registers that the other thread has changed; it cannot be
 * told so of rbp. The jump always goes to the same place, which the processor learns; a return
 * would go where it does not expect it. */
static inline __attribute__((always_inline)) void switch_stacks(uintptr_t *save, uintptr_t load)
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
static inline void save_program_state(struct cpu *cpu, struct thread *thread)
{
    fpu_save(thread->fpu);
    thread->fs_base = fs_base_get();
    thread->fpu_cpu = cpu;
    cpu->fpu_owner = thread;
}

static inline void load_program_state(struct cpu *cpu, struct thread *thread)
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

/* Interrupts off. Returns when `from` is switched to again, on whatever CPU. Saves and loads FS
 * base and extended state of program threads. */
static inline __attribute__((always_inline)) void context_switch(struct thread *from,
                                                                 struct thread *to)
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
