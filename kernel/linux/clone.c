/* linux/clone.c: clone(2) and its like. */
#include "arch/x86_64/context.h"
#include "core/log.h"
#include "linux/fd.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "lib/string.h"

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
    if ((flags & CLONE_SYSVSEM) && (flags & CLONE_NEWIPC))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
        return -EINVAL;
    if (flags & CLONE_NAMESPACES)
        return -EINVAL; /* as a Linux without namespaces */
    return 0;
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
        atomic_fetch_add_explicit(&task->fs->refs, 1, memory_order_relaxed);
    } else {
        task->fs = fs_context_copy(from->fs);
    }
    if (!task->fds || !task->fs)
        return -ENOMEM;
    task->caller.root = &task->fs->root;
    task->caller.cwd = &task->fs->cwd;
    return 0;
}

static void set_registers(struct task *task, const struct clone_args *args)
{
    struct regs *regs = &task->start_regs;

    *regs = *syscall_regs();
    regs->rax = 0;
    regs->vector_or_nr = -1ull;
    if (args->stack)
        regs->rsp = args->stack;
    task->thread.fs_base = args->flags & CLONE_SETTLS ? args->tls : fs_base_get();
    fpu_area_copy_current(task->thread.fpu);
    if (args->flags & CLONE_CHILD_SETTID)
        task->set_child_tid = args->child_tid;
    if (args->flags & CLONE_CHILD_CLEARTID)
        task->clear_child_tid = args->child_tid;
}

static int64_t make_thread(const struct clone_args *args, int wanted_tid)
{
    struct task *me = current_task(), *task;
    int error, tid;

    error = task_create(me->process, me, wanted_tid, &task);
    if (error)
        return error;
    error = share(task, me, args->flags);
    if (!error) {
        set_registers(task, args);
        task->exit_signal = 0;
        error = task_publish(task);
    }
    if (error) {
        task_discard(task);
        return error == -EAGAIN && thread_interrupted(&me->thread) ? -ERESTARTNOINTR : error;
    }
    tid = task->tid;
    if (args->flags & CLONE_PARENT_SETTID)
        (void)user_put32(args->parent_tid, (uint32_t)tid);
    thread_start(&task->thread);
    return tid;
}

static void say_no_processes(void)
{
    static atomic_bool said;

    if (!atomic_exchange_explicit(&said, true, memory_order_relaxed))
        log_warning("system call clone: new processes are missing: ENOSYS");
}

static int64_t do_clone(const struct clone_args *args, int wanted_tid)
{
    int error = check_flags(args->flags);

    if (error)
        return error;
    if ((args->flags & CLONE_SETTLS) && args->tls >= USER_END)
        return -EPERM;
    if (!(args->flags & CLONE_THREAD)) {
        say_no_processes();
        return -ENOSYS;
    }
    return make_thread(args, wanted_tid);
}

SYSCALL(clone, 5, SYSCALL_PARTIAL | SYSCALL_FULL_REGS, "threads only (CLONE_THREAD); no namespaces")
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
    if (args->flags & (CLONE_NEWTIME | CLONE_INTO_CGROUP))
        return -EINVAL;
    if (args->stack == 0)
        return args->stack_size ? -EINVAL : 0;
    if (args->stack_size == 0 || !user_range_ok(args->stack, args->stack_size))
        return -EINVAL;
    args->stack += args->stack_size;
    return 0;
}

SYSCALL(clone3, 2, SYSCALL_PARTIAL | SYSCALL_FULL_REGS,
        "threads only (CLONE_THREAD); no namespaces, no cgroups")
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
        if ((int)wanted <= 1)
            return -EINVAL;
        if (!(current_task()->cred.cap_effective >> 21 & 1)) /* CAP_SYS_ADMIN */
            return -EPERM;
    }
    return error ?: do_clone(&args, (int)wanted);
}

SYSCALL(wait4, 4, SYSCALL_PARTIAL, "there are no children yet")
{
    const unsigned known = 1 | 2 | 8 | 0x20000000 | 0x40000000 | 0x80000000u;

    return a2 & ~(uint64_t)known ? -EINVAL : (int)a0 == INT32_MIN ? -ESRCH : -ECHILD;
}

SYSCALL(waitid, 5, SYSCALL_PARTIAL, "there are no children yet")
{
    enum { WEXITED = 4, WSTOPPED = 2, WCONTINUED = 8 };
    const unsigned known =
        1 | WSTOPPED | WEXITED | WCONTINUED | 0x1000000 | 0x20000000 | 0x40000000 | 0x80000000u;

    if (a3 & ~(uint64_t)known || !(a3 & (WEXITED | WSTOPPED | WCONTINUED)) || a0 > 3)
        return -EINVAL;
    return (a0 == 1 || a0 == 3) && (int)a1 <= 0 ? -EINVAL : -ECHILD;
}
