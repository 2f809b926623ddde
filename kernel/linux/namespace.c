/* linux/namespace.c: unshare(2), setns(2), /proc/PID/ns. There are mount namespaces; of the other
 * kinds there is one each, as in a Linux without CONFIG_UTS_NS and its like. */
#include "linux/namespace.h"

#include "fs/dentry.h"
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
    struct fs_context *old = task->fs, *own = fs_context_copy(old);

    if (!own)
        return -ENOMEM;
    mutex_lock(&task->process->lock); /* readers of /proc */
    task_use_folders(task, own);
    mutex_unlock(&task->process->lock);
    fs_context_put(old);
    return 0;
}

static int unshare_mounts(struct task *task)
{
    int error = fs_context_copy_mounts(task->fs);

    task_use_folders(task, task->fs);
    return error;
}

static bool has_own_space(struct process *process, void *of)
{
    return process == of || process->space != ((struct process *)of)->space;
}

/* Does the process share what its flags ask to have alone? */
static bool shares_for_good(struct process *process, uint64_t flags)
{
    if (flags & (SIGHAND | VM | THREAD) && process->nthreads > 1)
        return true;
    if (flags & (SIGHAND | VM) && atomic_load(&process->actions->refs) > 1)
        return true;
    rcu_read_lock();
    bool shares = flags & VM && !process_each(has_own_space, process);
    rcu_read_unlock();
    return shares;
}

SYSCALL(unshare, 1, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    int error = 0;

    if (a0 & ~(uint64_t)(NAMESPACES | FS | FILES | SIGHAND | VM | THREAD | SYSVSEM))
        return -EINVAL;
    if (shares_for_good(task->process, a0))
        return -EINVAL;
    if (a0 & NAMESPACES && !(a0 & NEWUSER) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (a0 & NAMESPACES & ~(uint64_t)NEWNS)
        return -EINVAL;
    if (a0 & (FS | NEWNS) && shares_folders(task))
        error = unshare_folders(task);
    if (!error && a0 & FILES)
        error = fd_unshare();
    return !error && a0 & NEWNS ? unshare_mounts(task) : error;
}

/* --- a namespace as a file --- */

static void forget_mounts(struct inode *inode)
{
    mount_ns_put(inode->data);
    file_anonymous_destroy(inode);
}

static int64_t ns_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    enum { GET_USERNS = 0xb701, GET_PARENT, GET_NSTYPE, GET_OWNER_UID };

    switch (cmd) {
    case GET_USERNS:
        return -EPERM; /* the first one is nobody's to see */
    case GET_PARENT:
    case GET_OWNER_UID:
        return -EINVAL;
    case GET_NSTYPE:
        return NEWNS;
    default:
        return -ENOTTY;
    }
}

static const struct file_ops ns_file = {.ioctl = ns_ioctl};
static const struct inode_ops ns_inode = {.destroy = forget_mounts};

int mount_ns_place(struct mount_ns *ns, struct path *place)
{
    struct file *file;
    int error = file_anonymous("mnt:[%ino]", &ns_file, S_IFREG | 0444, O_RDONLY, NULL, &file);

    if (error)
        return error;
    file->inode->data = mount_ns_get(ns);
    file->inode->ino = ns->id;
    file->inode->ops = &ns_inode;
    file->inode->file_ops = &ns_file;
    *place = file->path;
    path_get(place);
    file_put(file);
    return 0;
}

/* --- setns --- */

/* Its root becomes root and working folder. */
static int enter_mounts(struct mount_ns *ns)
{
    struct task *task = current_task();
    struct fs_context *fs = task->fs;
    struct mount_ns *old_ns = fs->mounts;
    struct path old[2];

    if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_CHROOT))
        return -EPERM;
    if (shares_folders(task))
        return -EINVAL;
    struct path root = mount_ns_root(ns);
    mutex_lock(&fs->lock);
    old[0] = fs->root;
    old[1] = fs->cwd;
    path_get(&root);
    fs->root = fs->cwd = root;
    fs->mounts = mount_ns_get(ns);
    mutex_unlock(&fs->lock);
    task_use_folders(task, fs);
    path_put(&old[0]);
    path_put(&old[1]);
    mount_ns_put(old_ns);
    return 0;
}

/* The mounts of a process, with a reference. -ESRCH, -EPERM: the caller may not look into it. */
static int mounts_of(int pid, struct mount_ns **ns)
{
    struct task *target;
    int error = -ESRCH;

    mutex_lock(&tasks_lock);
    target = task_find(pid);
    if (target) {
        mutex_lock(&target->process->lock);
        error = !target->fs ? -ESRCH : ptrace_access(target, true) < 0 ? -EPERM : 0;
        if (!error) {
            mutex_lock(&target->fs->lock);
            *ns = mount_ns_get(target->fs->mounts);
            mutex_unlock(&target->fs->lock);
        }
        mutex_unlock(&target->process->lock);
    }
    mutex_unlock(&tasks_lock);
    return error;
}

SYSCALL(setns, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    struct mount_ns *ns = NULL;
    int pid, error;

    if (!ref.file)
        return -EBADF;
    if (ref.file->ops == &ns_file)
        ns = mount_ns_get(ref.file->inode->data);
    fd_return(ref);
    if (ns) {
        error = (int)a1 && (int)a1 != NEWNS ? -EINVAL : enter_mounts(ns);
    } else {
        pid = pidfd_number((int)a0, NULL);
        if (pid == -EBADF || (int)a1 != NEWNS) /* no pidfd; or a kind that is not there */
            return -EINVAL;
        error = pid < 0 ? pid : mounts_of(pid, &ns);
        if (!error)
            error = enter_mounts(ns);
    }
    mount_ns_put(ns);
    return error;
}
