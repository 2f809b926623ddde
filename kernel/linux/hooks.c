/* linux/hooks.c: what the layers below ask of processes, connected at boot. */
#include "core/boot.h"
#include "drivers/console/control.h"
#include "drivers/tty/tty.h"
#include "linux/async.h"
#include "linux/family.h"
#include "linux/path.h"
#include "linux/task.h"

static struct vfs_caller *(*default_caller)(void);

/* Who asks the VFS: the current task; root, for kernel threads. */
static struct vfs_caller *vfs_caller(void)
{
    struct task *task = current_task();

    if (!is_task(&task->thread) || !task->fs)
        return default_caller();
    task->caller.umask = task->fs->umask;
    task->caller.file_size_limit = task->process->limits[LIMIT_FSIZE][0];
    return &task->caller;
}

/* The host's `signal N`. */
static void signal_from_host(int signo)
{
    struct siginfo info = {.signo = signo, .code = SI_USER};

    if (first_process && signo >= 1 && signo <= SIGRTMAX)
        (void)signal_send_process(first_process, &info);
}

/* --- job control --- */

static void tty_signal_group(int pgid, int signo)
{
    struct siginfo info;

    signal_simple(&info, signo);
    (void)signal_send_group(pgid, &info);
}

static void tty_caller(struct tty_caller *caller)
{
    struct process *process;

    *caller = (struct tty_caller){};
    if (!is_task(current))
        return;
    process = current_process();
    *caller = (struct tty_caller){
        .pid = process->pid,
        .pgid = process->pgid,
        .sid = process->sid,
        .tty = process->tty,
        .admin = capable(CAP_SYS_ADMIN),
    };
}

static void tty_set_caller(struct tty *tty)
{
    if (is_task(current))
        current_process()->tty = tty;
}

static bool forget_tty(struct process *process, void *sid)
{
    if (process->sid == *(int *)sid)
        process->tty = NULL;
    return true;
}

static void tty_session_lost(int sid)
{
    mutex_lock(&tasks_lock); /* children get their parent's terminal under it */
    rcu_read_lock();
    process_each(forget_tty, &sid);
    rcu_read_unlock();
    mutex_unlock(&tasks_lock);
}

static int tty_group_session(int pgid)
{
    struct process *process;
    int sid;

    rcu_read_lock();
    process = process_of_group(pgid);
    sid = process ? process->sid : -ESRCH;
    rcu_read_unlock();
    return sid;
}

static bool tty_signal_ignored(int signo)
{
    const struct task *task = current_task();

    return is_task(&task->thread) &&
           (task->signal_mask & SIGMASK(signo) ||
            task->process->actions->actions[signo - 1].handler == SIG_IGN);
}

static int tty_install_file(struct file *file, bool cloexec)
{
    return fd_install(file, cloexec, 0);
}

static const struct tty_hooks job_control = {
    .signal_group = tty_signal_group,
    .caller = tty_caller,
    .set_caller_tty = tty_set_caller,
    .session_lost = tty_session_lost,
    .group_session = tty_group_session,
    .signal_ignored = tty_signal_ignored,
    .group_orphaned = group_orphaned,
    .install_file = tty_install_file,
};

static int connect(void)
{
    tty_hooks = &job_control;
    default_caller = vfs_caller_hook;
    vfs_caller_hook = vfs_caller;
    vfs_lease_hook = file_tell_lease;
    control_signal_hook = signal_from_host;
    return 0;
}
BOOT_STEP(PHASE_FS, "hooks of linux", connect);
