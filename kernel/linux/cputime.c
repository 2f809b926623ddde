#include "linux/cputime.h"

#include "linux/task.h"

/* Split `total` as the ticks were, but not below what was told before. Without a tick in the kernel
 * all of it is the program's. */
static struct cpu_times split(struct cpu_times *told, nsec_t total, uint64_t program,
                              uint64_t kernel)
{
    nsec_t system, user;

    if (told->user + told->system >= total)
        return *told;
    if (!kernel)
        system = 0;
    else if (!program)
        system = total;
    else
        system = (nsec_t)((unsigned __int128)total * ((kernel << 32) / (program + kernel)) >> 32);
    system = MAX(system, told->system);
    user = MAX(total - system, told->user);
    *told = (struct cpu_times){user, total - user};
    return *told;
}

struct cpu_times task_times_locked(struct task *task)
{
    const struct thread *thread = &task->thread;

    return split(&task->told, thread_runtime(thread),
                 __atomic_load_n(&thread->ticks_program, __ATOMIC_RELAXED),
                 __atomic_load_n(&thread->ticks_kernel, __ATOMIC_RELAXED));
}

struct cpu_times process_times_locked(struct process *process)
{
    uint64_t program = process->dead_ticks_program, kernel = process->dead_ticks_kernel;

    list_for_each_entry (struct task, task, &process->threads, process_link) {
        program += __atomic_load_n(&task->thread.ticks_program, __ATOMIC_RELAXED);
        kernel += __atomic_load_n(&task->thread.ticks_kernel, __ATOMIC_RELAXED);
    }
    return split(&process->told, process_runtime(process), program, kernel);
}

struct cpu_times task_times(struct task *task)
{
    uint64_t flags = spin_lock_irq(&task->process->signal_lock);
    struct cpu_times times = task_times_locked(task);

    spin_unlock_irq(&task->process->signal_lock, flags);
    return times;
}

struct cpu_times process_times(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    struct cpu_times times = process_times_locked(process);

    spin_unlock_irq(&process->signal_lock, flags);
    return times;
}
