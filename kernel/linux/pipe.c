/* linux/pipe.c: pipe(2) and pipe2(2); the pipe itself is fs/pipe.c. */
#include "fs/pipe.h"
#include "linux/fd.h"
#include "linux/syscall.h"

enum { NOTIFICATION_PIPE = 0200, ENOPKG = 65 };

static int64_t do_pipe(uintptr_t user_fds, int flags)
{
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | NOTIFICATION_PIPE))
        return -EINVAL;
    if (flags & NOTIFICATION_PIPE)
        return -ENOPKG; /* as without CONFIG_WATCH_QUEUE */
    struct file *ends[2];
    int err = pipe_create(flags & (O_NONBLOCK | O_DIRECT), &ends[0], &ends[1]);
    return err ? err : fd_install_pair(ends, flags & O_CLOEXEC, user_fds);
}

SYSCALL(pipe, 1, SYSCALL_WHOLE, "")
{
    return do_pipe(a0, 0);
}

SYSCALL(pipe2, 2, SYSCALL_WHOLE, "")
{
    return do_pipe(a0, (int)a1);
}
