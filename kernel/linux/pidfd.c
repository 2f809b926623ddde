/* The file knows number and start of the process, not the process: that may be freed before it. */
#include "linux/pidfd.h"

#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/fd.h"
#include "linux/path.h"
#include "linux/pollwait.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"
#include "mm/heap.h"

enum { PIDFD_NONBLOCK = O_NONBLOCK };
enum { TO_THREAD = 1, TO_PROCESS = 2, TO_GROUP = 4 }; // of pidfd_send_signal

struct pidfd {
    int pid;
    nsec_t start_time;
};

static struct waitqueue ended = {.waiters = LIST_INIT(ended.waiters)};
static atomic_uint pidfds;

void pidfd_process_ended(void)
{
    if (atomic_load(&pidfds))
        waitqueue_wake(&ended, 0, POLLIN);
}

/* Under rcu_read_lock. NULL: it has been waited for. */
static struct process *process_of(const struct pidfd *pidfd)
{
    struct process *process = process_find(pidfd->pid);

    return process && process->start_time == pidfd->start_time ? process : NULL;
}

static unsigned pidfd_poll(struct file *file, struct poll_table *table)
{
    const struct process *process;
    unsigned events;

    poll_wait(table, &ended);
    rcu_read_lock();
    process = process_of(file->data);
    events = !process ? POLLIN | POLLHUP : process->zombie ? POLLIN : 0;
    rcu_read_unlock();
    return events;
}

static void pidfd_release(struct file *file)
{
    atomic_fetch_sub(&pidfds, 1);
    kfree(file->data);
}

static int pidfd_fdinfo(struct file *file, char *buf, size_t size)
{
    const struct pidfd *pidfd = file->data;
    bool there;

    rcu_read_lock();
    there = process_of(pidfd) != NULL;
    rcu_read_unlock();
    return snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", there ? pidfd->pid : -1,
                    there ? pidfd->pid : -1);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .fdinfo = pidfd_fdinfo,
};

int pidfd_file(const struct process *process, int flags, struct file **file)
{
    struct pidfd *pidfd = kmalloc(sizeof(*pidfd));
    int error;

    if (!pidfd)
        return -ENOMEM;
    *pidfd = (struct pidfd){process->pid, process->start_time};
    atomic_fetch_add(&pidfds, 1);
    error = file_anonymous("anon_inode:[pidfd]", &pidfd_ops, 0600, O_RDWR | flags, pidfd, file);
    if (error) {
        atomic_fetch_sub(&pidfds, 1);
        kfree(pidfd);
    }
    return error;
}

static int pidfd_get(int fd, struct pidfd *pidfd, bool *nonblocking)
{
    struct fd_ref ref = fd_borrow(fd);
    bool ours = ref.file && ref.file->ops == &pidfd_ops;

    if (ours) {
        *pidfd = *(const struct pidfd *)ref.file->data;
        if (nonblocking)
            *nonblocking =
                atomic_load_explicit(&ref.file->flags, memory_order_relaxed) & O_NONBLOCK;
    }
    if (ref.file)
        fd_return(ref);
    return ours ? 0 : -EBADF;
}

int pidfd_number(int fd, bool *nonblocking)
{
    struct pidfd pidfd;
    int error = pidfd_get(fd, &pidfd, nonblocking);

    if (error)
        return error;
    rcu_read_lock();
    error = process_of(&pidfd) ? pidfd.pid : -ESRCH;
    rcu_read_unlock();
    return error;
}

/* --- system calls --- */

SYSCALL(pidfd_open, 2, SYSCALL_WHOLE, "")
{
    struct process *process;
    struct process found;
    struct file *file = NULL;
    int fd, error = 0;

    if (a1 & ~(uint64_t)PIDFD_NONBLOCK || (int)a0 <= 0)
        return -EINVAL;
    rcu_read_lock();
    process = process_find((int)a0);
    if (process) {
        found.pid = process->pid;
        found.start_time = process->start_time;
    } else {
        error = task_find((int)a0) ? -EINVAL : -ESRCH;
    }
    rcu_read_unlock();
    if (error)
        return error;
    fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    error = pidfd_file(&found, (int)a1, &file);
    return fd_finish(fd, error, file, true);
}

/* An open folder /proc/PID does for a pidfd here. It knows the number only. */
static int pidfd_of_folder(int fd, struct pidfd *pidfd)
{
    struct fd_ref ref = fd_borrow(fd);
    const struct process *process;

    if (!ref.file)
        return -EBADF;
    pidfd->pid = proc_pid_of(ref.file);
    fd_return(ref);
    if (!pidfd->pid)
        return -EBADF;
    rcu_read_lock();
    process = process_find(pidfd->pid);
    pidfd->start_time = process ? process->start_time : 0;
    rcu_read_unlock();
    return process ? 0 : -ESRCH;
}

/* With rcu_read_lock. A group is there without the process that it is named after. */
static int send_to(const struct pidfd *pidfd, unsigned how, int signo, const struct siginfo *info)
{
    struct process *process = process_of(pidfd);

    if (how == TO_GROUP && (process || !process_find(pidfd->pid)))
        return signal_kill_group(pidfd->pid, signo, info);
    if (!process)
        return -ESRCH;
    if (how == TO_THREAD)
        return signal_kill_thread(pidfd->pid, pidfd->pid, signo, info);
    return signal_send_checked(process, NULL, signo, info);
}

SYSCALL(pidfd_send_signal, 4, SYSCALL_WHOLE, "")
{
    unsigned how = (unsigned)a3;
    struct pidfd pidfd;
    struct siginfo info;
    int error;

    if (how > TO_GROUP || how == (TO_THREAD | TO_PROCESS))
        return -EINVAL;
    error = pidfd_get((int)a0, &pidfd, NULL);
    if (error)
        error = pidfd_of_folder((int)a0, &pidfd);
    if (error)
        return error;
    error = signal_info_for((int)a1, a2, how == TO_GROUP ? 0 : pidfd.pid, &info);
    if (error)
        return error;
    if (how == TO_THREAD && a2 == 0)
        info.code = SI_TKILL;
    rcu_read_lock();
    error = send_to(&pidfd, how, (int)a1, &info);
    rcu_read_unlock();
    return error;
}

SYSCALL(pidfd_getfd, 3, SYSCALL_WHOLE, "")
{
    struct fd_table *table = NULL;
    struct process *process;
    struct pidfd pidfd;
    struct file *file;
    int error;

    if (a2)
        return -EINVAL;
    error = pidfd_get((int)a0, &pidfd, NULL);
    if (error)
        return error;
    rcu_read_lock();
    process = process_of(&pidfd);
    error = process && process->leader ? ptrace_access(process->leader, true) : -ESRCH;
    if (!error)
        table = fd_table_of(process->leader);
    rcu_read_unlock();
    if (!table)
        return error ?: -ESRCH;
    file = fd_look(table, (unsigned)a1);
    fd_table_put(table);
    if (!file)
        return -EBADF;
    error = fd_install(file, true, 0);
    if (error < 0)
        file_put(file);
    return error;
}
