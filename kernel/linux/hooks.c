/* linux/hooks.c: what the layers below ask of processes, connected at boot. */
#include "core/boot.h"
#include "drivers/console/control.h"
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

static int connect(void)
{
    default_caller = vfs_caller_hook;
    vfs_caller_hook = vfs_caller;
    control_signal_hook = signal_from_host;
    return 0;
}
BOOT_STEP(PHASE_FS, "hooks of linux", connect);
