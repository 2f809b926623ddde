/* linux/clone.c: clone(2) and its like. */
#include "arch/x86_64/context.h"
#include "lib/string.h"
#include "linux/exec.h"
#include "linux/family.h"
#include "linux/fd.h"
#include "linux/path.h"
#include "linux/pidfd.h"
#include "linux/ptrace.h"
#include "linux/rseq.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/heap.h"

enum {
    CLONE_VM = 0x100,
    CLONE_FS = 0x200,
    CLONE_FILES = 0x400,
    CLONE_SIGHAND = 0x800,
    CLONE_PIDFD = 0x1000,
    CLONE_PTRACE = 0x2000,
    CLONE_VFORK = 0x4000,
    CLONE_PARENT = 0x8000,
    CLONE_THREAD = 0x10000,
    CLONE_NEWNS = 0x20000,
    CLONE_SYSVSEM = 0x40000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    CLONE_DETACHED = 0x400000,
    CLONE_UNTRACED = 0x800000,
    CLONE_CHILD_SETTID = 0x1000000,
    CLONE_NEWCGROUP = 0x2000000,
    CLONE_NEWUTS = 0x4000000,
    CLONE_NEWIPC = 0x8000000,
    CLONE_NEWUSER = 0x10000000,
    CLONE_NEWPID = 0x20000000,
    CLONE_NEWNET = 0x40000000,
    CLONE_NEWTIME = 0x80,
};
#define CLONE_IO            0x80000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP   0x200000000ull
#define CSIGNAL             0xffull
#define CLONE_NAMESPACES                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

/* The arguments of both calls in one (and of clone3 in program memory). */
struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};
enum { CLONE_ARGS_V0 = 64, CLONE_ARGS_V1 = 80, CLONE_ARGS_V2 = 88, TIDS_MAX = 32 };

/* The rules that tie flags together (man 2 clone, ERRORS). */
static int check_flags(uint64_t flags)
{
    if ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER)))
        return -EINVAL;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && current_process() == first_process)
        return -EINVAL;
    if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
        return -EINVAL;
    if (likely(!(flags & CLONE_NAMESPACES)))
        return 0;
    if (!(flags & CLONE_NEWUSER) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    /* As a Linux without CONFIG_UTS_NS and its like. */
    return flags & CLONE_NAMESPACES & ~(unsigned)CLONE_NEWNS ? -EINVAL : 0;
}

/* What the new thread shares with this one and what it gets a copy of. */
static int share(struct task *task, const struct task *from, uint64_t flags)
{
    if (flags & CLONE_FILES) {
        task->fds = from->fds;
        atomic_fetch_add_explicit(&task->fds->refs, 1, memory_order_relaxed);
    } else {
        task->fds = fd_table_copy(from->fds);
    }
    if (flags & CLONE_FS) {
        task->fs = from->fs;
        atomic_fetch_add(&task->fs->refs, 1);
        if (atomic_load(&from->process->closed)) /* set-id programs look who shares it: is_held() */
            return -EAGAIN;
    } else {
        task->fs = fs_context_copy(from->fs);
    }
    if (!task->fds || !task->fs)
        return -ENOMEM;
    if (unlikely(flags & CLONE_NEWNS)) {
        int error = fs_context_copy_mounts(task->fs);

        if (error)
            return error;
    }
    task_use_folders(task, task->fs);
    return 0;
}

static void set_registers(struct task *task, const struct clone_args *args)
{
    struct regs *regs = &task->start_regs;

    *regs = *syscall_regs();
    regs->rax = 0;
    if (args->stack)
        regs->rsp = args->stack;
    task->thread.fs_base = args->flags & CLONE_SETTLS ? args->tls : fs_base_get();
    task->thread.gs_base = current->gs_base;
    fpu_area_copy_current(task->thread.fpu);
    if (args->flags & CLONE_CHILD_SETTID)
        task->set_child_tid = args->child_tid;
    if (args->flags & CLONE_CHILD_CLEARTID)
        task->clear_child_tid = args->child_tid;
}

/* --- tracers --- */

/* What the tracer of the current task is told of what it makes; 0: nothing. */
static int trace_event(const struct clone_args *args)
{
    int event = PTRACE_EVENT_FORK;

    if (likely(!ptrace_of(current_task())) || args->flags & CLONE_UNTRACED)
        return 0;
    if (args->flags & CLONE_VFORK)
        event = PTRACE_EVENT_VFORK;
    else if (args->flags & CLONE_THREAD || args->exit_signal != SIGCHLD)
        event = PTRACE_EVENT_CLONE;
    return ptrace_wants(current_task(), event) ? event : 0;
}

static void told(int event, int tid)
{
    if (unlikely(event))
        (void)ptrace_event(current_task(), event, (uint64_t)tid);
}

static int64_t make_thread(const struct clone_args *args, int wanted_tid)
{
    struct task *me = current_task(), *task;
    int error, tid, event = trace_event(args);

    error = task_create(me->process, me, wanted_tid, &task);
    if (error)
        return error;
    error = share(task, me, args->flags);
    if (!error) {
        set_registers(task, args);
        error = task_publish(task);
    }
    if (error) {
        task_discard(task);
        return error == -EAGAIN && thread_interrupted(&me->thread) ? -ERESTARTNOINTR : error;
    }
    if (unlikely(ptrace_of(me))) {
        mutex_lock(&tasks_lock);
        (void)ptrace_inherit(task, args->flags, event); /* without memory it runs untraced */
        mutex_unlock(&tasks_lock);
    }
    tid = task->tid;
    if (args->flags & CLONE_PARENT_SETTID)
        (void)user_put32(args->parent_tid, (uint32_t)tid);
    thread_start(&task->thread);
    told(event, tid);
    return tid;
}

/* --- processes --- */

/* The handlers of the new process; NULL: no memory. */
static struct signal_actions *make_actions(const struct process *from, uint64_t flags)
{
    struct signal_actions *actions = from->actions;

    if (flags & CLONE_SIGHAND) {
        atomic_fetch_add_explicit(&actions->refs, 1, memory_order_relaxed);
        return actions;
    }
    actions = signal_actions_create(from->actions);
    if (actions && flags & CLONE_CLEAR_SIGHAND)
        signal_actions_reset(actions);
    return actions;
}

static struct address_space *make_space(struct address_space *from, uint64_t flags)
{
    if (!(flags & CLONE_VM))
        return address_space_fork(from);
    address_space_get(from);
    return from;
}

/* What a new process has from its maker beside what process_create() took. */
static int inherit(struct process *child, struct process *from)
{
    mutex_lock(&from->lock);
    if (from->executable) {
        child->executable = from->executable;
        file_get(child->executable);
        exec_deny_write(child->executable);
    }
    child->exe_name = from->exe_name ? kstrdup(from->exe_name) : NULL;
    mutex_unlock(&from->lock);
    memcpy(child->auxv, from->auxv, sizeof(child->auxv));
    child->auxv_words = from->auxv_words;
    child->dumpable = from->dumpable;
    child->core_filter = from->core_filter;
    child->oom_score_adj = from->oom_score_adj;
    child->loginuid = from->loginuid;
    child->sessionid = from->sessionid;
    child->personality = from->personality;
    child->vdso = from->vdso;
    child->vdso_sigreturn = from->vdso_sigreturn;
    child->expedited = from->expedited;
    child->no_huge_pages = from->no_huge_pages;
    child->io_flusher = from->io_flusher;
    return 0;
}

static void discard_process(struct process *child)
{
    address_space_put(child->space);
    if (child->executable) {
        exec_allow_write(child->executable);
        file_put(child->executable);
    }
    process_free(child);
}

static int new_process(struct process *from, uint64_t flags, int wanted_pid, struct process **made)
{
    struct signal_actions *actions = make_actions(from, flags);
    struct process *child;
    int error;

    if (!actions)
        return -ENOMEM;
    error = process_create(from, actions, wanted_pid, &child);
    if (error) {
        signal_actions_put(actions);
        return error;
    }
    error = inherit(child, from);
    if (!error) {
        child->space = make_space(from->space, flags);
        error = child->space ? 0 : -ENOMEM;
    }
    if (error)
        discard_process(child);
    else
        *made = child;
    return error;
}

/* Its only thread, like this one. */
static int new_leader(struct process *child, const struct clone_args *args, struct task **made)
{
    struct task *me = current_task(), *task;
    int error = task_create(child, me, 0, &task);

    if (error)
        return error;
    error = share(task, me, args->flags);
    if (error) {
        task_discard(task);
        return error;
    }
    set_registers(task, args);
    if (!(args->flags & CLONE_VM))
        rseq_fork(task, me);
    if ((args->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
        task->altstack_base = me->altstack_base;
        task->altstack_size = me->altstack_size;
        task->altstack_flags = me->altstack_flags;
    }
    *made = task;
    return 0;
}

struct user_count {
    uint32_t uid;
    uint64_t threads;
};

static bool count_threads(struct process *process, void *arg)
{
    struct user_count *count = arg;
    const struct task *leader = process->leader;

    if ((leader ? leader->cred.uid : process->dead_uid) == count->uid)
        count->threads += MAX(process->nthreads, 1u);
    return true;
}

/* RLIMIT_NPROC, which does not hold for root. */
static bool too_many(const struct task *me)
{
    uint64_t limit = me->process->limits[LIMIT_NPROC][0];
    struct user_count count = {.uid = me->cred.uid};

    if (limit == LIMIT_INFINITY || me->cred.uid == 0 || capable(CAP_SYS_RESOURCE) ||
        capable(CAP_SYS_ADMIN))
        return false;
    rcu_read_lock();
    process_each(count_threads, &count);
    rcu_read_unlock();
    return count.threads >= limit;
}

/* Into the family, under its number. */
static int join_family(struct process *child, struct task *task, const struct clone_args *args,
                       int event)
{
    struct process *me = current_process(), *parent = me;
    int error;

    mutex_lock(&tasks_lock);
    child->exit_signal = (int)args->exit_signal;
    if (args->flags & CLONE_PARENT) {
        parent = me->parent;
        child->exit_signal = me->exit_signal;
    }
    child->adopted = parent != me && me->adopted;
    family_add(child, parent, parent == me ? current_task()->tid : me->parent_tid);
    child->pgid = me->pgid;
    child->sid = me->sid;
    child->tty = me->tty;
    error = task_publish(task);
    if (error)
        family_remove(child);
    else if (unlikely(ptrace_of(current_task())))
        (void)ptrace_inherit(task, args->flags, event); /* without memory it runs untraced */
    mutex_unlock(&tasks_lock);
    return error;
}

/* CLONE_PIDFD: the descriptor is ready before the child runs. */
static int make_pidfd(const struct process *child, const struct clone_args *args)
{
    struct file *file = NULL;
    int fd = fd_reserve(0), error;

    if (fd < 0)
        return fd;
    error = user_put32(args->pidfd, (uint32_t)fd);
    if (!error)
        error = pidfd_file(child, 0, &file);
    error = fd_finish(fd, error, file, true);
    return MIN(error, 0);
}

static int64_t make_process(const struct clone_args *args, int wanted_pid)
{
    struct task *me = current_task(), *task;
    struct vfork *vfork = NULL;
    struct process *child;
    int error, pid, event = trace_event(args);

    if (too_many(me))
        return -EAGAIN;
    if (thread_interrupted(&me->thread))
        return -ERESTARTNOINTR; /* a signal for the whole group must not miss the child */
    error = new_process(me->process, args->flags, wanted_pid, &child);
    if (error)
        return error;
    error = new_leader(child, args, &task);
    if (error) {
        discard_process(child);
        return error;
    }
    if (args->flags & CLONE_VFORK && !(vfork = vfork_begin(task)))
        error = -ENOMEM;
    if (!error && args->flags & CLONE_PIDFD)
        error = make_pidfd(child, args);
    if (!error)
        error = join_family(child, task, args, event);
    if (error) {
        if (vfork) {
            vfork_put(vfork);
            vfork_put(vfork);
        }
        task_discard(task);
        discard_process(child);
        return error;
    }
    pid = child->pid; /* child may be gone as soon as it runs */
    if (args->flags & CLONE_PARENT_SETTID)
        (void)user_put32(args->parent_tid, (uint32_t)pid);
    thread_start(&task->thread);
    told(event, pid);
    if (vfork) {
        vfork_wait(vfork);
        if (unlikely(ptrace_of(me)))
            (void)ptrace_event(me, PTRACE_EVENT_VFORK_DONE, (uint64_t)pid);
    }
    return pid;
}

static int64_t do_clone(const struct clone_args *args, int wanted_tid)
{
    int error = check_flags(args->flags);

    if (error)
        return error;
    if ((args->flags & CLONE_SETTLS) && args->tls >= USER_END)
        return -EPERM;
    return args->flags & CLONE_THREAD ? make_thread(args, wanted_tid)
                                      : make_process(args, wanted_tid);
}

SYSCALL(fork, 0, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    return do_clone(&(struct clone_args){.exit_signal = SIGCHLD}, 0);
}

SYSCALL(vfork, 0, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    return do_clone(&(struct clone_args){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD},
                    0);
}

SYSCALL(clone, 5, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    struct clone_args args = {
        .flags = (uint32_t)a0 & ~CSIGNAL,
        .pidfd = a2,
        .child_tid = a3,
        .parent_tid = a2,
        .exit_signal = a0 & CSIGNAL,
        .stack = a1,
        .tls = a4,
    };

    if ((args.flags & CLONE_PIDFD) && (args.flags & CLONE_PARENT_SETTID))
        return -EINVAL; /* both want the same word */
    return do_clone(&args, 0);
}

/* Bytes behind what this kernel knows must be zero. */
static int check_tail(uintptr_t tail, size_t n)
{
    uint8_t byte;

    for (; n > 0; n--, tail++) {
        if (user_read(&byte, tail, 1) < 0)
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return 0;
}

static int read_args(uintptr_t from, size_t size, struct clone_args *args)
{
    int error;

    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_V0)
        return -EINVAL;
    *args = (struct clone_args){};
    if (user_read(args, from, MIN(size, sizeof(*args))) < 0)
        return -EFAULT;
    if (size > sizeof(*args)) {
        error = check_tail(from + sizeof(*args), size - sizeof(*args));
        if (error)
            return error;
    }
    if ((args->set_tid == 0) != (args->set_tid_size == 0) || args->set_tid_size > TIDS_MAX)
        return -EINVAL;
    if (args->exit_signal > CSIGNAL || args->exit_signal > SIGRTMAX)
        return -EINVAL;
    if ((args->flags & CLONE_INTO_CGROUP) && (args->cgroup > INT32_MAX || size < CLONE_ARGS_V2))
        return -EINVAL;
    return 0;
}

static int check_clone3(struct clone_args *args)
{
    const uint64_t known = 0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

    if (args->flags & ~known)
        return -EINVAL;
    if (args->flags & (CLONE_DETACHED | (CSIGNAL & ~(uint64_t)CLONE_NEWTIME)))
        return -EINVAL;
    if ((args->flags & CLONE_SIGHAND) && (args->flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal)
        return -EINVAL;
    if (args->flags & CLONE_NEWTIME)
        return -EINVAL;
    if (args->stack == 0)
        return args->stack_size ? -EINVAL : 0;
    if (args->stack_size == 0 || !user_range_ok(args->stack, args->stack_size))
        return -EINVAL;
    args->stack += args->stack_size;
    return 0;
}

/* CLONE_INTO_CGROUP: there is one group, in which all are. */
static int check_cgroup(const struct clone_args *args)
{
    struct fd_ref ref = fd_borrow_any((int)args->cgroup);
    bool group;

    if (!ref.file)
        return -EBADF;
    group = !strcmp(ref.file->inode->super->type->name, "cgroup2") &&
            (ref.file->inode->mode & S_IFMT) == S_IFDIR;
    fd_return(ref);
    return !group ? -EBADF : capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

SYSCALL(clone3, 2, SYSCALL_WHOLE | SYSCALL_FULL_REGS, "")
{
    struct clone_args args;
    uint32_t wanted = 0;
    int error = read_args(a0, a1, &args);

    if (!error)
        error = check_clone3(&args);
    if (!error && args.set_tid_size) {
        if (args.set_tid_size > 1)
            return -EINVAL; /* one level of process numbers */
        if (user_get32(args.set_tid, &wanted) < 0)
            return -EFAULT;
        if ((int)wanted < 1)
            return -EINVAL;
        if (!(current_task()->cred.cap_effective >> 21 & 1)) /* CAP_SYS_ADMIN */
            return -EPERM;
    }
    if (!error && args.flags & CLONE_INTO_CGROUP)
        error = check_cgroup(&args);
    return error ?: do_clone(&args, (int)wanted);
}
