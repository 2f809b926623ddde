/* linux/namespace.c: unshare(2), setns(2). There is one mount namespace; of the other kinds there
 * are none, as in a Linux without CONFIG_NAMESPACES. */
#include "fs/mount.h"
#include "linux/path.h"
#include "linux/pidfd.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"
#include "linux/task.h"

enum {
    NEWTIME = 0x80,
    VM = 0x100,
    FS = 0x200,
    FILES = 0x400,
    SIGHAND = 0x800,
    THREAD = 0x10000,
    NEWNS = 0x20000,
    SYSVSEM = 0x40000,
    NEWCGROUP = 0x2000000,
    NEWUTS = 0x4000000,
    NEWIPC = 0x8000000,
    NEWUSER = 0x10000000,
    NEWPID = 0x20000000,
    NEWNET = 0x40000000,
};
#define NAMESPACES (NEWTIME | NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET)

static bool shares_folders(const struct task *task)
{
    return atomic_load_explicit(&task->fs->refs, memory_order_relaxed) > 1;
}

static int unshare_folders(struct task *task)
{
    struct fs_context *own = fs_context_copy(task->fs);

    if (!own)
        return -ENOMEM;
    fs_context_put(task->fs);
    task->fs = own;
    task->caller.root = &own->root;
    task->caller.cwd = &own->cwd;
    return 0;
}

SYSCALL(unshare, 1, SYSCALL_PARTIAL, "no mount namespaces")
{
    struct task *task = current_task();
    int error = 0;

    if (a0 & ~(uint64_t)(NAMESPACES | FS | FILES | SIGHAND | VM | THREAD | SYSVSEM))
        return -EINVAL;
    if (a0 & (SIGHAND | VM | THREAD) && task->process->nthreads > 1)
        return -EINVAL;
    if (a0 & NAMESPACES)
        return a0 & NEWUSER || capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
    if (a0 & FS && shares_folders(task))
        error = unshare_folders(task);
    return !error && a0 & FILES ? fd_unshare() : error;
}

/* The root of all mounts becomes root and working folder. */
static int enter_mounts(struct task *task)
{
    struct fs_context *fs = task->fs;
    struct path old[2];

    if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_CHROOT))
        return -EPERM;
    if (shares_folders(task))
        return -EINVAL;
    mutex_lock(&fs->lock);
    old[0] = fs->root;
    old[1] = fs->cwd;
    path_get(&vfs_root);
    path_get(&vfs_root);
    fs->root = fs->cwd = vfs_root;
    mutex_unlock(&fs->lock);
    path_put(&old[0]);
    path_put(&old[1]);
    return 0;
}

/* May the caller look into the process? */
static int may_enter(int pid)
{
    const struct task *target;
    int error;

    rcu_read_lock();
    target = task_find(pid);
    error = !target ? -ESRCH : ptrace_access(target, true) < 0 ? -EPERM : 0;
    rcu_read_unlock();
    return error;
}

SYSCALL(setns, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    int pid;

    if (!ref.file)
        return -EBADF;
    fd_return(ref);
    pid = pidfd_number((int)a0, NULL);
    if (pid == -EBADF || (int)a1 != NEWNS) /* no pidfd; or a kind that is not there */
        return -EINVAL;
    if (pid < 0)
        return pid;
    int error = may_enter(pid);
    return error ? error : enter_mounts(current_task());
}
