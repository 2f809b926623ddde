/* linux/exec.c: running a program: execve(2) and the first program of all. */
#include "linux/exec.h"
#include "linux/ipc_exit.h"

#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "lib/string.h"
#include "linux/core.h"
#include "linux/futex.h"
#include "linux/keys.h"
#include "linux/patch.h"
#include "linux/path.h"
#include "linux/ptrace.h"
#include "linux/rseq.h"
#include "linux/syscall.h"
#include "linux/timers.h"
#include "linux/vdso/vdso.h"
#include "mm/heap.h"

/* --- the new program replaces the old --- */

static void name_thread(struct task *task, const char *path)
{
    const char *slash = strrchr(path, '/');

    strlcpy(task->thread.name, slash ? slash + 1 : path, sizeof(task->thread.name));
}

static void set_exe_name(struct process *process)
{
    char *buf = kmalloc(PATH_MAX), *name;

    if (!buf)
        return;
    name = path_name(&process->executable->path, buf, PATH_MAX);
    kfree(process->exe_name);
    process->exe_name = name ? kstrdup(name) : NULL;
    kfree(buf);
}

void exec_set_executable(struct process *process, struct file *file)
{
    struct file *old;

    mutex_lock(&process->lock);
    old = process->executable;
    process->executable = file;
    mutex_unlock(&process->lock);
    if (old) {
        exec_allow_write(old);
        file_put(old);
    }
    set_exe_name(process);
}

static void use_actions(struct process *process, struct signal_actions *actions)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    struct signal_actions *old = process->actions;

    process->actions = actions;
    spin_unlock_irq(&process->signal_lock, flags);
    signal_actions_put(old);
}

/* All that the new program does not inherit from the old one of this process. */
static int forget_old_program(struct task *task, struct process *process)
{
    struct fd_table *own;
    struct signal_actions *actions;

    if (task->uring)
        uring_task_exit(task, true);
    uring_process_exit(process);
    if (atomic_load_explicit(&task->fds->refs, memory_order_acquire) > 1) {
        own = fd_table_copy(task->fds);
        if (!own)
            return -ENOMEM;
        fd_table_put(task->fds);
        task->fds = own;
    }
    if (atomic_load_explicit(&process->actions->refs, memory_order_acquire) > 1) {
        actions = signal_actions_create(process->actions);
        if (!actions)
            return -ENOMEM;
        use_actions(process, actions);
    }
    signal_actions_reset(process->actions);
    timers_exec(process);
    aio_process_exit(process);
    task->set_child_tid = 0;
    task->robust_list = 0;
    rseq_forget(task);
    task->altstack_base = task->altstack_size = 0;
    task->altstack_flags = SS_DISABLE;
    process->expedited = process->lock_future = 0;
    process->exit_signal = SIGCHLD;
    fpu_reset_current();
    fs_base_set(0);
    gs_base_set(&task->thread, 0);
    return 0;
}

/* An empty space: the old one cleared, or where others use it too (vfork), a new one. */
static int leave_memory(struct task *task, struct process *process)
{
    struct address_space *old = process->space, *space;
    bool alone;

    mutex_lock(&process->lock); /* who may not look into it any more (process->closed) has gone */
    alone = atomic_load_explicit(&old->refs, memory_order_acquire) == 1;
    mutex_unlock(&process->lock);
    if (alone) {
        task_leave_memory(task);
        address_space_clear(old);
        return 0;
    }
    space = address_space_create();
    if (!space)
        return -ENOMEM;
    task_leave_memory(task);
    mutex_lock(&process->lock);
    process->space = task->thread.space = space;
    mutex_unlock(&process->lock);
    address_space_activate(space);
    address_space_put(old);
    return 0;
}

/* A tracer sees the program's own instructions before and after. */
static int change_traced_memory(struct task *task, struct process *process)
{
    int error;

    mutex_lock(&tasks_lock);
    ptrace_new_leader(task);
    if (ptrace_of(task))
        patch_thaw(process->space);
    mutex_unlock(&tasks_lock);
    error = leave_memory(task, process);
    mutex_lock(&tasks_lock);
    if (ptrace_of(task) && !error)
        error = patch_freeze(process->space);
    mutex_unlock(&tasks_lock);
    return error;
}

static int leave_old_program(struct task *task, struct process *process)
{
    int error = process_end_other_threads();

    if (error)
        return error;
    if (unlikely(task->debug))
        ptrace_drop_debug(task);
    atomic_fetch_and(&task->thread.watched, ~(unsigned)WATCH_DISPATCH);
    futex_task_exit(task);
    atomic_store(&task->pi_contended, false);
    atomic_store(&task->pi_exited, false);
    task_become_leader(task);
    error = forget_old_program(task, process);
    if (error)
        return error;
    if (unlikely(ptrace_of(task) || process->leader_bond))
        error = change_traced_memory(task, process);
    else
        error = leave_memory(task, process);
    if (error)
        return error;
    process->vdso = process->vdso_sigreturn = 0;
    return 0;
}

static void set_entry(const struct exec *exec, uintptr_t rsp, struct regs *regs)
{
    const struct exec_file *first = exec->interp.file ? &exec->interp : &exec->program;

    *regs = (struct regs){
        .rip = first->image.entry + first->bias,
        .rsp = rsp,
        .rflags = 0x202,
        .cs = KERNEL_CS,
        .ss = KERNEL_SS,
        .vector_or_nr = -1ull,
    };
}

/* Fill the empty space. */
static int load(struct exec *exec, struct process *process, struct regs *regs)
{
    struct task *task = current_task();
    struct exec_layout layout;
    ssize_t rsp;
    int error;

    process->personality &=
        ~(exec->unsafe_personality ? PERSONALITY_UNSAFE : PERSONALITY_READ_IMPLIES_EXEC);
    exec_layout(process, &layout);
    error = exec_map(exec, process->space, &layout);
    if (error)
        return error;
    process->vdso = vdso_map(process);
    rsp = exec_stack(exec, process, &layout);
    if (rsp < 0)
        return (int)rsp;
    set_entry(exec, (uintptr_t)rsp, regs);
    exec_commit_credentials(exec);
    if (unlikely(task->keys != NULL))
        keys_exec(task);
    process->did_exec = true;
    name_thread(task, exec->name);
    exec_set_executable(process, exec->program.file);
    exec->program.file = NULL;
    exec->program.write_denied = false;
    fd_close_on_exec(task->fds);
    return 0;
}

/* Replace the program. A negative errno; *too_late says that the old one is lost. */
static int run(struct exec_args *args, const struct exec_target *target, struct regs *regs,
               bool *too_late)
{
    struct task *task = current_task();
    struct process *process = task->process;
    struct exec *exec = kmalloc(sizeof(*exec));
    int error;

    if (!exec)
        return -ENOMEM;
    memset(exec, 0, offsetof(struct exec, head));
    exec->args = args;
    error = exec_open(exec, target);
    if (!error && (process->did_exec || process != first_process)) {
        *too_late = true;
        error = leave_old_program(task, process);
    }
    if (!error)
        error = load(exec, process, regs);
    if (exec->closed && !(error && *too_late)) /* else it ends */
        atomic_fetch_sub(&process->closed, 1);
    exec_close(exec);
    kfree(exec);
    return error;
}

__cold int exec_program(const char *path, char *const argv[], char *const envp[], struct regs *regs)
{
    const struct exec_target target = {.name = path, .shown = path, .lookup = LOOKUP_FOLLOW};
    struct exec_args args;
    bool too_late = false;
    int error = 0;

    exec_args_init(&args, current_process());
    for (; !error && argv[args.argc]; args.argc++)
        error = exec_args_add(&args, argv[args.argc]);
    for (; !error && envp[args.envc]; args.envc++)
        error = exec_args_add(&args, envp[args.envc]);
    if (!error)
        error = run(&args, &target, regs, &too_late);
    exec_args_free(&args);
    return error;
}

/* --- system calls --- */

static int add_user_strings(struct exec_args *args, uintptr_t array, unsigned *count)
{
    uint64_t string;
    int error;

    for (; array; array += sizeof(string), ++*count) {
        if (user_get64(array, &string) < 0)
            return -EFAULT;
        if (!string)
            break;
        error = thread_interrupted(current) ? -ERESTARTNOINTR : exec_args_add_user(args, string);
        if (error)
            return error;
    }
    return 0;
}

/* argv of a program is never empty (Linux 5.18). */
static int read_args(struct exec_args *args, uintptr_t argv, uintptr_t envp)
{
    int error = add_user_strings(args, argv, &args->argc);

    if (!error && args->argc == 0) {
        error = exec_args_add(args, "");
        args->argc = 1;
    }
    return error ?: add_user_strings(args, envp, &args->envc);
}

/* What lies under a descriptor is known to the program as /dev/fd/N/NAME. NULL: no memory. */
static char *name_under(int dirfd, const char *name)
{
    size_t size = strlen(name) + 24;
    char *shown = kmalloc(size);

    if (shown)
        snprintf(shown, size, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, name);
    return shown;
}

static int64_t execute(int dirfd, uintptr_t path, uintptr_t argv, uintptr_t envp, unsigned flags)
{
    struct regs *regs = syscall_regs();
    struct exec_args args;
    struct user_at at;
    bool too_late = false;
    char *shown = NULL;
    int error, tid = current_task()->tid;
    uint64_t nr = regs->vector_or_nr;

    if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    error = user_at_get(&at, dirfd, path, flags);
    if (error)
        return error;
    exec_args_init(&args, current_process());
    error = read_args(&args, argv, envp);
    if (!error && at.start && !(shown = name_under(dirfd, at.path.name)))
        error = -ENOMEM;
    struct exec_target target = {.at = at.start,
                                 .name = at.path.name,
                                 .shown = shown ? shown : at.path.name,
                                 .lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                                           (at.start ? LOOKUP_EMPTY : 0),
                                 .lost = at.start && fd_get_cloexec(dirfd) > 0};
    if (!error)
        error = run(&args, &target, regs, &too_late);
    kfree(shown);
    exec_args_free(&args);
    user_at_put(&at);
    if (error && too_late)
        process_exit_group(SIGSEGV);
    if (unlikely(ptrace_of(current_task())) && !error) {
        regs->vector_or_nr = nr; /* which the tracer may look for */
        regs->rax = 0;
        ptrace_exec(current_task(), tid);
    }
    return error;
}

SYSCALL(execve, 3, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    return execute(AT_FDCWD, a0, a1, a2, 0);
}

SYSCALL(execveat, 5, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    return execute((int)a0, a1, a2, a3, (unsigned)a4);
}
