#include "linux/signalfd.h"

#include "lib/string.h"
#include "linux/fd.h"
#include "linux/syscall.h"
#include "mm/heap.h"

/* struct signalfd_siginfo. */
struct signal_record {
    uint32_t signo;
    int32_t err, code;
    uint32_t pid, uid;
    int32_t fd;
    uint32_t tid, band, overrun, trapno;
    int32_t status, number;
    uint64_t value, utime, stime, addr;
    uint16_t addr_lsb, pad;
    int32_t syscall;
    uint64_t call_addr;
    uint32_t arch;
    uint8_t rest[28];
};
_Static_assert(sizeof(struct signal_record) == 128, "signalfd_siginfo is 128 bytes long");

struct signalfd {
    _Atomic uint64_t set;
};

static void fill_by_code(struct signal_record *out, const struct siginfo *info)
{
    switch (info->code) {
    case SI_TIMER:
        out->tid = (uint32_t)info->timer.tid;
        out->overrun = (uint32_t)info->timer.overrun;
        out->value = info->timer.value;
        out->number = (int32_t)info->timer.value;
        break;
    case SI_SIGIO:
        out->band = (uint32_t)info->poll.band;
        out->fd = info->poll.fd;
        break;
    default:
        out->pid = (uint32_t)info->kill.pid;
        out->uid = info->kill.uid;
        out->value = info->kill.value;
        out->number = (int32_t)info->kill.value;
    }
}

static void fill(struct signal_record *out, const struct siginfo *info)
{
    memset(out, 0, sizeof(*out));
    out->signo = (uint32_t)info->signo;
    out->err = info->err;
    out->code = info->code;
    if (info->code <= 0 || info->code == SI_KERNEL) {
        fill_by_code(out, info);
        return;
    }
    switch (info->signo) {
    case SIGCHLD:
        out->pid = (uint32_t)info->child.pid;
        out->uid = info->child.uid;
        out->status = info->child.status;
        out->utime = (uint64_t)info->child.utime;
        out->stime = (uint64_t)info->child.stime;
        break;
    case SIGIO:
        out->band = (uint32_t)info->poll.band;
        out->fd = info->poll.fd;
        break;
    case SIGSYS:
        out->call_addr = info->sys.call_addr;
        out->syscall = info->sys.nr;
        out->arch = info->sys.arch;
        break;
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGTRAP:
        out->addr = info->fault.addr;
        break;
    default:
        fill_by_code(out, info);
    }
}

/* The first record waits; the rest are what is there. */
static ssize_t signalfd_read(struct file *file, struct io *io, off_t *pos)
{
    struct signalfd *sfd = file->data;
    struct task *task = current_task();
    struct siginfo info;
    size_t total = 0;
    if (io->left < sizeof(struct signal_record))
        return -EINVAL;
    bool nonblock = file->flags & O_NONBLOCK || io->nowait;
    while (io->left >= sizeof(struct signal_record)) {
        if (!signal_take(task, sfd->set, &info)) {
            if (total)
                break;
            if (nonblock)
                return -EAGAIN;
            if (WAIT_EVENT(&task->process->signal_wait, signal_take(task, sfd->set, &info),
                           WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
                return -ERESTARTSYS;
        }
        struct signal_record record;
        fill(&record, &info);
        if (io_put(io, &record, sizeof(record)) != sizeof(record))
            return total ? (ssize_t)total : -EFAULT;
        total += sizeof(record);
    }
    return (ssize_t)total;
}

static unsigned signalfd_poll(struct file *file, struct poll_table *table)
{
    struct signalfd *sfd = file->data;
    struct task *task = current_task();
    poll_wait(table, &task->process->signal_wait);
    return signal_pending_set(task) & sfd->set ? POLLIN : 0;
}

static void signalfd_release(struct file *file)
{
    kfree(file->data);
}

static int signalfd_fdinfo(struct file *file, char *buf, size_t size)
{
    struct signalfd *sfd = file->data;
    return snprintf(buf, size, "sigmask:\t%016lx\n", sfd->set);
}

static const struct file_ops signalfd_ops = {
    .seek = file_seek_nowhere,
    .read = signalfd_read,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .fdinfo = signalfd_fdinfo,
};

static int open_signalfd(uint64_t set, int flags, struct file **file)
{
    struct signalfd *sfd = kzalloc(sizeof(*sfd));
    if (!sfd)
        return -ENOMEM;
    sfd->set = set;
    int err = file_anonymous("anon_inode:[signalfd]", &signalfd_ops, 0600,
                             O_RDWR | (flags & O_NONBLOCK), sfd, file);
    if (err)
        kfree(sfd);
    return err;
}

static int64_t change(int fd, uint64_t set)
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    int64_t result = -EINVAL;
    if (ref.file->ops == &signalfd_ops) {
        ((struct signalfd *)ref.file->data)->set = set;
        wake_all(&current_process()->signal_wait);
        result = fd;
    }
    fd_return(ref);
    return result;
}

static int64_t do_signalfd(int fd, uintptr_t mask, size_t size, int flags)
{
    uint64_t set;
    if (size != sizeof(set))
        return -EINVAL;
    if (user_get64(mask, &set) < 0)
        return -EFAULT;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    set &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
    if (fd != -1)
        return change(fd, set);
    int new = fd_reserve(0);
    if (new < 0)
        return new;
    struct file *file = NULL;
    int err = open_signalfd(set, flags, &file);
    return fd_finish(new, err, file, flags & O_CLOEXEC);
}

SYSCALL(signalfd, 3, SYSCALL_WHOLE, "")
{
    return do_signalfd((int)a0, a1, a2, 0);
}

SYSCALL(signalfd4, 4, SYSCALL_WHOLE, "")
{
    return do_signalfd((int)a0, a1, a2, (int)a3);
}
