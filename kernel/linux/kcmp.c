/* linux/kcmp.c: kcmp(2): do two threads share something? */
#include "linux/epoll.h"
#include "linux/fd.h"
#include "linux/ipc_exit.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"

enum {
    KCMP_FILE,
    KCMP_VM,
    KCMP_FILES,
    KCMP_FS,
    KCMP_SIGHAND,
    KCMP_IO,
    KCMP_SYSVSEM,
    KCMP_EPOLL_TFD
};

/* Addresses in an order that tells nothing about them. */
static int order(const void *a, const void *b)
{
    static const uint64_t mix = 0x9e3779b97f4a7c15;
    uint64_t x = (uintptr_t)a * mix, y = (uintptr_t)b * mix;

    return x == y ? 0 : x < y ? 1 : 2;
}

/* The tables of descriptors of both, with references; NULL: it has none any more. */
struct pair {
    struct fd_table *tables[2];
    const struct process *processes[2]; /* only to be compared */
};

/* Compare what can be compared here; else keep the tables for later. Under rcu_read_lock. */
static int compare(const struct task *a, const struct task *b, unsigned type, struct pair *pair)
{
    switch (type) {
    case KCMP_VM:
        return order(a->process->space, b->process->space);
    case KCMP_FILES:
        return order(a->fds, b->fds);
    case KCMP_FS:
        return order(a->fs, b->fs);
    case KCMP_SIGHAND:
        return order(a->process->actions, b->process->actions);
    case KCMP_IO: /* nobody has an I/O context */
        return 0;
    case KCMP_SYSVSEM:
        pair->processes[0] = a->process;
        pair->processes[1] = b->process;
        return 0;
    case KCMP_FILE:
    case KCMP_EPOLL_TFD:
        pair->tables[0] = fd_table_of(a);
        pair->tables[1] = fd_table_of(b);
        return 0;
    default:
        return -EINVAL;
    }
}

/* A process's list of undos; nothing, where it has none. */
static const void *undos_of(const struct process *process)
{
    return sem_has_undo(process) ? process : NULL;
}

static struct file *file_of(struct fd_table *table, uint64_t fd)
{
    return table ? fd_look(table, (unsigned)fd) : NULL;
}

static int compare_files(const struct pair *pair, uint64_t one, uint64_t two)
{
    struct file *a = file_of(pair->tables[0], one), *b = file_of(pair->tables[1], two);
    int result = a && b ? order(a, b) : -EBADF;

    if (a)
        file_put(a);
    if (b)
        file_put(b);
    return result;
}

/* Is the first one's descriptor the target that the second one's epoll has in this slot? */
static int compare_target(const struct pair *pair, uint64_t fd, uintptr_t from)
{
    struct {
        uint32_t efd, tfd, toff;
    } slot;
    struct file *file, *epoll, *target;
    int result = -EBADF;

    if (user_read(&slot, from, sizeof(slot)) < 0)
        return -EFAULT;
    file = file_of(pair->tables[0], fd);
    epoll = file_of(pair->tables[1], slot.efd);
    if (file && epoll) {
        result = epoll_target(epoll, (int)slot.tfd, slot.toff, &target);
        if (!result)
            result = order(file, target);
    }
    if (file)
        file_put(file);
    if (epoll)
        file_put(epoll);
    return result;
}

SYSCALL(kcmp, 5, SYSCALL_WHOLE, "")
{
    const struct task *a, *b;
    struct pair pair = {};
    int result = -ESRCH;

    rcu_read_lock();
    a = task_find((int)a0);
    b = task_find((int)a1);
    if (a && b)
        result = ptrace_access(a, true) ?: ptrace_access(b, true);
    if (!result)
        result = compare(a, b, (unsigned)a2, &pair);
    rcu_read_unlock();
    if (!result && (unsigned)a2 == KCMP_FILE)
        result = compare_files(&pair, a3, a4);
    else if (!result && (unsigned)a2 == KCMP_EPOLL_TFD)
        result = compare_target(&pair, a3, a4);
    else if (!result && (unsigned)a2 == KCMP_SYSVSEM)
        result = order(undos_of(pair.processes[0]), undos_of(pair.processes[1]));
    fd_table_put(pair.tables[0]);
    fd_table_put(pair.tables[1]);
    return result;
}
