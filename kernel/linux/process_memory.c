/* linux/process_memory.c: what one process does to the memory of another: process_vm_readv(2),
 * process_vm_writev(2), process_madvise(2), process_mrelease(2). */
#include "linux/path.h"
#include "linux/pidfd.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { IOV_LIMIT = 1024, CAP_SYS_NICE = 23 };
enum {
    MADV_WILLNEED = 3,
    MADV_DONTNEED = 4,
    MADV_COLD = 20,
    MADV_PAGEOUT = 21,
    MADV_COLLAPSE = 25
};
#define TOTAL_MAX 0x7ffff000ul

/* Segments, in kernel memory. */
struct vector {
    struct iovec *iov;
    unsigned n;
    size_t total;
};

static int vector_check(struct vector *vector, bool local)
{
    for (unsigned i = 0; i < vector->n; i++) {
        struct iovec *iov = &vector->iov[i];

        if ((ssize_t)iov->len < 0)
            return -EINVAL;
        if (local && !user_range_ok(iov->base, iov->len))
            return -EFAULT;
        if (local && iov->len > TOTAL_MAX - vector->total)
            iov->len = TOTAL_MAX - vector->total;
        vector->total += iov->len;
    }
    return 0;
}

/* 0, -EINVAL, -EFAULT, -ENOMEM. The caller frees vector->iov. */
static int vector_get(struct vector *vector, uintptr_t from, uint64_t n, bool local)
{
    *vector = (struct vector){};
    if (n > IOV_LIMIT)
        return -EINVAL;
    if (n == 0)
        return 0;
    vector->iov = kmalloc(n * sizeof(struct iovec));
    if (!vector->iov)
        return -ENOMEM;
    vector->n = (unsigned)n;
    if (user_read(vector->iov, from, n * sizeof(struct iovec)) < 0)
        return -EFAULT;
    return vector_check(vector, local);
}

/* Who may measure what the system does, looks at memory as well (Linux 6.14). */
bool may_watch(void)
{
    return capable(CAP_PERFMON) || capable(CAP_SYS_ADMIN);
}

/* The memory of a process that the current task may look into, with a reference. -ESRCH, -EPERM. */
static int space_get(int tid, bool real, struct address_space **space)
{
    struct task *task;
    int error = -ESRCH;

    mutex_lock(&tasks_lock);
    task = task_find(tid);
    if (task) {
        mutex_lock(&task->process->lock);
        error = ptrace_access(task, real);
        if (error && !real && may_watch())
            error = 0;
        *space = task->process->space;
        if (!error && *space)
            address_space_get(*space);
        else if (!error)
            error = -ESRCH;
        mutex_unlock(&task->process->lock);
    }
    mutex_unlock(&tasks_lock);
    return error;
}

/* --- process_vm_readv, process_vm_writev --- */

/* Where a walk along a vector is. */
struct place {
    const struct vector *vector;
    unsigned i;
    size_t done; /* of the segment */
};

/* The bytes at the place, at most a page of it; 0: the end. */
static size_t place_next(struct place *place, uintptr_t *addr)
{
    const struct iovec *iov;

    while (place->i < place->vector->n) {
        iov = &place->vector->iov[place->i];
        if (place->done < iov->len) {
            *addr = iov->base + place->done;
            return MIN(iov->len - place->done, PAGE_SIZE);
        }
        place->i++;
        place->done = 0;
    }
    return 0;
}

static ssize_t copy(struct address_space *space, const struct vector *local,
                    const struct vector *remote, bool write, uint8_t *buf)
{
    struct place here = {local, 0, 0}, there = {remote, 0, 0};
    uintptr_t mine, its;
    size_t n, more, moved, total = 0;

    while ((n = place_next(&here, &mine)) && (more = place_next(&there, &its))) {
        n = MIN(n, more);
        if (write) {
            moved = n - user_read_partial(buf, mine, n);
            moved = remote_write(space, its, buf, moved, false);
        } else {
            moved = remote_read(space, its, buf, n, false);
            moved -= user_write_partial(mine, buf, moved);
        }
        here.done += moved;
        there.done += moved;
        total += moved;
        if (moved < n)
            return total ? (ssize_t)total : -EFAULT;
        thread_resched_point();
    }
    return (ssize_t)total;
}

static int64_t move(int pid, const struct vector *local, const struct vector *remote, bool write)
{
    struct address_space *space;
    uint8_t *buf;
    int64_t result;

    if (!local->total || !remote->total)
        return 0;
    result = space_get(pid, true, &space);
    if (result)
        return result;
    buf = kmalloc(PAGE_SIZE);
    result = buf ? copy(space, local, remote, write, buf) : -ENOMEM;
    kfree(buf);
    address_space_put(space);
    return result;
}

static int64_t process_vm(const uint64_t args[6], bool write)
{
    struct vector local, remote = {};
    int64_t result;

    if (args[5])
        return -EINVAL;
    result = vector_get(&local, args[1], args[2], true);
    if (!result && local.total)
        result = vector_get(&remote, args[3], args[4], false);
    if (!result)
        result = move((int)args[0], &local, &remote, write);
    kfree(local.iov);
    kfree(remote.iov);
    return result;
}

SYSCALL(process_vm_readv, 6, SYSCALL_WHOLE, "")
{
    return process_vm((const uint64_t[]){a0, a1, a2, a3, a4, a5}, false);
}

SYSCALL(process_vm_writev, 6, SYSCALL_WHOLE, "")
{
    return process_vm((const uint64_t[]){a0, a1, a2, a3, a4, a5}, true);
}

/* --- process_madvise --- */

static bool remote_advice(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
           advice == MADV_COLLAPSE;
}

static int64_t advise(struct address_space *space, const struct vector *vector, int advice)
{
    size_t done = 0;
    int error = 0;

    if (space != current_process()->space && !remote_advice(advice))
        return -EINVAL;
    if (space != current_process()->space && !capable(CAP_SYS_NICE))
        return -EPERM;
    for (unsigned i = 0; i < vector->n && !error; i++) {
        error = address_space_advise(space, vector->iov[i].base, vector->iov[i].len, advice);
        if (!error)
            done += vector->iov[i].len;
    }
    return done ? (int64_t)done : error;
}

SYSCALL(process_madvise, 5, SYSCALL_WHOLE, "")
{
    struct address_space *space;
    struct vector vector;
    int64_t result;
    int pid;

    if ((unsigned)a4)
        return -EINVAL;
    result = vector_get(&vector, a1, a2, true);
    if (!result) {
        pid = pidfd_number((int)a0, NULL);
        result = pid < 0 ? pid : space_get(pid, false, &space);
        if (result == -EPERM)
            result = -EACCES;
    }
    if (result >= 0) {
        result = advise(space, &vector, (int)a3);
        address_space_put(space);
    }
    kfree(vector.iov);
    return result;
}

/* --- process_mrelease --- */

/* Private anonymous memory that is not locked, from *at on. */
static bool next_private(struct address_space *space, uintptr_t *at, size_t *n)
{
    const struct mapping *mapping;
    bool found = false;

    read_lock(&space->lock);
    mapping = address_space_find(space, *at);
    while (mapping && (mapping->object || mapping->flags & MAP_LOCKED))
        mapping = mapping_next(mapping);
    if (mapping) {
        *at = mapping->start;
        *n = mapping->end - mapping->start;
        found = true;
    }
    read_unlock(&space->lock);
    return found;
}

static void release_memory(struct address_space *space)
{
    uintptr_t at = 0;
    size_t n;

    for (; next_private(space, &at, &n); at += n)
        (void)address_space_advise(space, at, n, MADV_DONTNEED);
}

SYSCALL(process_mrelease, 2, SYSCALL_WHOLE, "")
{
    struct address_space *space = NULL;
    struct process *process;
    int pid, error = -ESRCH;

    if ((unsigned)a1)
        return -EINVAL;
    pid = pidfd_number((int)a0, NULL);
    if (pid < 0)
        return pid;
    mutex_lock(&tasks_lock);
    process = process_find(pid);
    if (process) {
        mutex_lock(&process->lock);
        space = process->space;
        if (space && !atomic_load(&process->exiting))
            error = -EINVAL;
        else if (space)
            error = 0;
        if (!error)
            address_space_get(space);
        mutex_unlock(&process->lock);
    }
    mutex_unlock(&tasks_lock);
    if (error)
        return error;
    release_memory(space);
    address_space_put(space);
    return 0;
}
