#include "linux/raise.h"

#include "core/boot.h"
#include "linux/task.h"

void raise_signal(int signo)
{
    struct task *task = current_task();
    struct siginfo info = {.signo = signo, .code = SI_USER};
    info.kill.pid = task->process->pid;
    info.kill.uid = task->cred.uid;
    signal_send_task(task, &info);
}

static void raise_sigpipe(void)
{
    if (is_task(current))
        raise_signal(SIGPIPE);
}

static void raise_sigxfsz(void)
{
    if (is_task(current))
        raise_signal(SIGXFSZ);
}

static int give_hooks(void)
{
    vfs_sigpipe_hook = raise_sigpipe;
    vfs_sigxfsz_hook = raise_sigxfsz;
    return 0;
}
BOOT_STEP(PHASE_FS, "raise", give_hooks);
