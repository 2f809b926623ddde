/* linux/exit.c: how threads and the process end. */
#include "arch/x86_64/context.h"
#include "core/log.h"
#include "drivers/console/control.h"
#include "lib/string.h"
#include "linux/acct.h"
#include "linux/exec.h"
#include "linux/family.h"
#include "linux/keys.h"
#include "linux/futex.h"
#include "linux/ipc_exit.h"
#include "linux/ptrace.h"
#include "linux/sched.h"
#include "linux/seccomp.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/timers.h"

/* Set the flag once; the others are told by process_post(). Under signal_lock. */
static bool begin_exit(struct process *process, int status)
{
    if (atomic_load_explicit(&process->exiting, memory_order_relaxed))
        return false;
    process->exit_code = status;
    process->stopped = process->stop_told = process->stop_waitable = false;
    process->continue_waitable = false;
    atomic_store_explicit(&process->exiting, true, memory_order_release);
    return true;
}

/* Under signal_lock. */
static void post_exit(struct process *process, const struct task *except)
{
    list_for_each_entry (struct task, task, &process->threads, process_link)
        if (task != except) {
            thread_post_work(&task->thread, WORK_EXIT);
            ptrace_wake_killed(task);
        }
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
    /* It knows: a tracer may still want to see it. */
    atomic_fetch_and(&current->work, ~(unsigned)WORK_EXIT);
    task_exit(process->exit_code);
}

int process_end_other_threads(void)
{
    struct process *process = current_process();
    struct task *me = current_task();
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    if (atomic_load_explicit(&process->exiting, memory_order_relaxed) || process->exec_task ||
        process->core) {
        spin_unlock_irq(&process->signal_lock, flags);
        return -EAGAIN;
    }
    process->exec_task = me;
    post_exit(process, me);
    spin_unlock_irq(&process->signal_lock, flags);
    wake_all(&process->exit_wait); /* those that are stopped */
    /* Those that were traced are waited for by their tracers first. */
    (void)WAIT_EVENT(&process->exit_wait,
                     process->nthreads == 1 && (!process->dead_tracees || process->exiting), 0,
                     NSEC_FOREVER);
    process->exec_task = NULL;
    return process->exiting ? -EAGAIN : 0;
}

void task_check_exit(void)
{
    struct process *process = current_process();

    bool ending = atomic_load_explicit(&process->exiting, memory_order_acquire);

    if (!ending && (!process->exec_task || process->exec_task == current_task()))
        return;
    atomic_fetch_and(&current->work, ~(unsigned)WORK_EXIT); /* it knows */
    task_exit(ending ? process->exit_code : 0);
}

/* The process's last thread has gone: say how it ended and end the machine. */
static __noreturn void first_process_ended(int status)
{
    if (status & 0x7f)
        control_report_exit(CONTROL_KILLED, status & 0x7f, NULL);
    else
        control_report_exit(CONTROL_EXIT, status >> 8 & 0xff, NULL);
}

/* The files and folders go while the process is there still: closing may sleep. */
static void leave_files(struct task *task)
{
    struct process *process = task->process;
    struct fd_table *fds;
    struct fs_context *fs;

    mutex_lock(&process->lock); /* readers of /proc */
    fds = task->fds;
    task->fds = NULL;
    mutex_unlock(&process->lock);
    fd_table_put(fds);
    mutex_lock(&process->lock);
    fs = task->fs;
    task->fs = NULL;
    mutex_unlock(&process->lock);
    fs_context_put(fs);
}

/* Under signal_lock: what outlives the task. */
static void leave_figures(struct process *process, struct task *task)
{
    process->dead_run_ns += thread_runtime(&task->thread);
    process->dead_ticks_program += task->thread.ticks_program;
    process->dead_ticks_kernel += task->thread.ticks_kernel;
    process->dead_switches += task->thread.switches_voluntary;
    process->dead_switches_forced += task->thread.switches_forced;
    process->dead_uid = task->cred.uid;
    process->dead_gid = task->cred.gid;
    strlcpy(process->dead_name, task->thread.name, sizeof(process->dead_name));
}

static bool leave_traced(struct task *task);

/* Leave the process; true for the last. Others may free it from then on, but not before this CPU
 * switches threads (RCU). */
static bool leave_process(struct task *task)
{
    struct process *process = task->process;
    bool last, stopped;
    uint64_t flags;

    mutex_lock(&process->lock);
    if (unlikely(ptrace_of(task))) {
        mutex_unlock(&process->lock);
        return leave_traced(task);
    }
    task_unpublish(task);
    if (unlikely(seccomp_mode(task)))
        seccomp_free(task); /* a listener hears of the end of the last that it can answer */
    flags = spin_lock_irq(&process->signal_lock);
    task->exiting = true;
    list_del(&task->process_link);
    last = --process->nthreads == 0;
    leave_figures(process, task);
    if (process->leader == task) {
        if (!process->exiting)
            process->exit_code = task->exit_code;
        process->leader = last ? NULL : list_first(&process->threads, struct task, process_link);
    }
    if (last)
        atomic_store_explicit(&process->exiting, true, memory_order_release);
    else
        task->thread.space = NULL; /* it goes with the last thread */
    signal_retarget(process, ~task->signal_mask);
    stopped = signal_stop_complete(process);
    spin_unlock_irq(&process->signal_lock, flags);
    signal_queue_drop(process, &task->pending, ~0ull);
    mutex_unlock(&process->lock);
    wake_all(&process->exit_wait);
    if (stopped)
        family_tell_job(process, CLD_STOPPED, process->stop_signal);
    return last;
}

/* Its tracer hears of it when it is gone. */
static bool leave_traced(struct task *task)
{
    bool last;

    mutex_lock(&tasks_lock);
    ptrace_tracee_ends(task);
    last = leave_process(task);
    mutex_unlock(&tasks_lock);
    return last;
}

static void release_space(struct process *process)
{
    struct address_space *space = process->space;
    uint64_t flags;

    mutex_lock(&process->lock);
    flags = spin_lock_irq(&process->signal_lock);
    process->dead_faults = atomic_load_explicit(&space->faults, memory_order_relaxed);
    process->dead_peak_pages =
        MAX(atomic_load(&space->peak_resident), atomic_load(&space->resident_pages));
    process->space = NULL;
    spin_unlock_irq(&process->signal_lock, flags);
    mutex_unlock(&process->lock);
    current->space = NULL;
    address_space_put(space);
}

static void release_executable(struct process *process)
{
    struct file *file;

    mutex_lock(&process->lock);
    file = process->executable;
    process->executable = NULL;
    mutex_unlock(&process->lock);
    if (!file)
        return;
    exec_allow_write(file);
    file_put(file);
}

/* No thread is left but this one, which is no part of it any more. */
static void end_process(struct process *process)
{
    timers_process_exit(process);
    sem_process_exit(process);
    aio_process_exit(process);
    uring_process_exit(process);
    if (unlikely(atomic_load_explicit(&acct_on, memory_order_relaxed)))
        acct_process(process);
    if (process == first_process) {
        family_end_all();
        first_process_ended(process->exit_code);
    }
    release_space(process);
    release_executable(process);
    family_process_ends(process);
}

void task_exit(int code)
{
    struct task *task = current_task();

    task->exit_code = code;
    if (unlikely(ptrace_of(task)))
        (void)ptrace_event(task, PTRACE_EVENT_EXIT, (uint64_t)code);
    if (unlikely(task->uring != NULL))
        uring_task_exit(task, false);
    sched_task_exit(task);
    futex_task_exit(task);
    task_leave_memory(task);
    leave_files(task);
    if (unlikely(task->keys != NULL))
        keys_leave(task);
    family_thread_ends(task);
    if (unlikely(task->process->tracees))
        ptrace_tracer_ends(task);
    if (unlikely(task->debug))
        ptrace_drop_debug(task);
    if (leave_process(task))
        end_process(task->process);
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
