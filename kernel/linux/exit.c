/* linux/exit.c: how threads and the process end. */
#include "arch/x86_64/context.h"
#include "core/log.h"
#include "drivers/console/control.h"
#include "linux/futex.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/timers.h"

/* Set the flag once; the others are told by process_post(). Under signal_lock. */
static bool begin_exit(struct process *process, int status)
{
    if (atomic_load_explicit(&process->exiting, memory_order_relaxed))
        return false;
    process->exit_code = status;
    process->stopped = false;
    atomic_store_explicit(&process->exiting, true, memory_order_release);
    return true;
}

/* Under signal_lock. */
static void post_exit(struct process *process, const struct task *except)
{
    list_for_each_entry (struct task, task, &process->threads, process_link)
        if (task != except)
            thread_post_work(&task->thread, WORK_EXIT);
}

void process_kill(struct process *process, int status)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool first = begin_exit(process, status);

    if (first)
        post_exit(process, NULL);
    spin_unlock_irq(&process->signal_lock, flags);
    if (first)
        wake_all(&process->exit_wait);
}

void process_exit_group(int code)
{
    struct process *process = current_process();

    process_kill(process, code);
    task_exit(process->exit_code);
}

int process_end_other_threads(void)
{
    struct process *process = current_process();
    struct task *me = current_task();
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    if (atomic_load_explicit(&process->exiting, memory_order_relaxed) || process->exec_task) {
        spin_unlock_irq(&process->signal_lock, flags);
        return -EAGAIN;
    }
    process->exec_task = me;
    post_exit(process, me);
    spin_unlock_irq(&process->signal_lock, flags);
    wake_all(&process->exit_wait); /* those that are stopped */
    (void)WAIT_EVENT(&process->exit_wait, process->nthreads == 1, 0, NSEC_FOREVER);
    process->exec_task = NULL;
    return process->exiting ? -EAGAIN : 0;
}

void task_check_exit(void)
{
    struct process *process = current_process();

    if (atomic_load_explicit(&process->exiting, memory_order_acquire))
        task_exit(process->exit_code);
    if (process->exec_task && process->exec_task != current_task())
        task_exit(0);
}

/* The process's last thread has gone: say how it ended and end the machine. */
static __noreturn void first_process_ended(int status)
{
    if (status & 0x7f)
        control_report_exit(CONTROL_KILLED, status & 0x7f, NULL);
    else
        control_report_exit(CONTROL_EXIT, status >> 8 & 0xff, NULL);
}

/* Tell the libc that the thread is gone (CLONE_CHILD_CLEARTID), unless nobody else is there. */
static void clear_tid_word(struct task *task)
{
    uintptr_t word = task->clear_child_tid;

    task->clear_child_tid = 0;
    if (!word || task->process->nthreads == 1)
        return;
    if (user_put32(word, 0) == 0)
        futex_wake_word(word);
}

/* Leave the process; true for the last. */
static bool leave_process(struct task *task)
{
    struct process *process = task->process;
    uint64_t flags;
    bool last;

    mutex_lock(&process->lock);
    flags = spin_lock_irq(&process->signal_lock);
    task->exiting = true;
    list_del(&task->process_link);
    last = --process->nthreads == 0;
    process->dead_user_ns += thread_runtime(&task->thread);
    process->dead_switches += task->thread.switches_voluntary + task->thread.switches_forced;
    process->dead_faults += task->minor_faults;
    if (process->leader == task) {
        if (!process->exiting)
            process->exit_code = task->exit_code;
        process->leader = last ? NULL : list_first(&process->threads, struct task, process_link);
    }
    signal_retarget(process, ~task->signal_mask);
    spin_unlock_irq(&process->signal_lock, flags);
    mutex_unlock(&process->lock);
    signal_queue_drop(process, &task->pending, ~0ull);
    wake_all(&process->exit_wait);
    return last;
}

void task_exit(int code)
{
    struct task *task = current_task();
    struct process *process = task->process;

    task->exit_code = code;
    futex_task_exit(task);
    clear_tid_word(task);
    fd_table_put(task->fds);
    task->fds = NULL;
    if (leave_process(task)) {
        timers_process_exit(process);
        if (process == first_process)
            first_process_ended(process->exit_code);
    }
    fs_context_put(task->fs);
    task->fs = NULL;
    task_unpublish(task);
    thread_exit();
}

SYSCALL(exit, 1, SYSCALL_WHOLE, "")
{
    task_exit((int)(a0 & 0xff) << 8);
}

SYSCALL(exit_group, 1, SYSCALL_WHOLE, "")
{
    process_exit_group((int)(a0 & 0xff) << 8);
}
