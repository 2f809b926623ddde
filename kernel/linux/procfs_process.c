/* linux/procfs_process.c: which processes and threads /proc shows (man 5 proc). Their files are in
 * the other procfs_*.c. */
#include "linux/procfs.h"

#include "linux/core.h"
#include "linux/ptrace.h"

/* --- whom a file is about --- */

int subject_get_any(const struct pseudo *self, struct subject *s)
{
    mutex_lock(&tasks_lock);
    s->process = process_find((int)self->key);
    if (!s->process) {
        mutex_unlock(&tasks_lock);
        return -ESRCH;
    }
    mutex_lock(&s->process->lock);
    s->task = task_find((int)self->subkey);
    if (s->task && (s->task->process != s->process || s->task->exiting))
        s->task = NULL;
    if (!s->task && self->subkey == self->key)
        s->task = s->process->leader;
    if (s->task || (s->process->zombie && self->subkey == self->key) ||
        ptrace_next_dead(s->process, (int)self->subkey - 1) == (int)self->subkey)
        return 0;
    mutex_unlock(&s->process->lock);
    mutex_unlock(&tasks_lock);
    return -ESRCH;
}

void subject_put(struct subject *s)
{
    mutex_unlock(&s->process->lock);
    mutex_unlock(&tasks_lock);
}

int subject_get(const struct pseudo *self, struct subject *s)
{
    int error = subject_get_any(self, s);

    if (error || s->task)
        return error;
    subject_put(s);
    return -ESRCH;
}

struct address_space *subject_space(const struct pseudo *self)
{
    struct address_space *space;
    struct subject s;

    if (subject_get(self, &s) < 0)
        return NULL;
    space = s.process->space;
    if (space)
        address_space_get(space);
    subject_put(&s);
    return space;
}

static bool is_known(const struct process *process)
{
    return process->nthreads > 0 || process->zombie;
}

static bool exists(int pid)
{
    struct process *process;
    bool alive;

    rcu_read_lock();
    process = process_find(pid);
    alive = process && is_known(process);
    rcu_read_unlock();
    return alive;
}

struct next_number {
    int after, best;
};

static bool nearer(struct process *process, void *arg)
{
    struct next_number *next = arg;

    if (process->pid > next->after && is_known(process) &&
        (!next->best || process->pid < next->best))
        next->best = process->pid;
    return true;
}

static int next_process(int pid)
{
    struct next_number next = {.after = pid};

    rcu_read_lock();
    process_each(nearer, &next);
    rcu_read_unlock();
    return next.best;
}

/* A thread of the process that has ended; 0: none. */
static int next_dead(int pid, int tid)
{
    struct process *process;
    int found = 0;

    mutex_lock(&tasks_lock);
    process = process_find(pid);
    if (process)
        found = ptrace_next_dead(process, tid);
    mutex_unlock(&tasks_lock);
    return found;
}

static unsigned threads(int pid)
{
    rcu_read_lock();
    const struct process *process = process_find(pid);
    unsigned count = process ? process->nthreads : 0;
    rcu_read_unlock();
    return count;
}

static bool thread_exists(int pid, int tid)
{
    struct task *task;
    bool there;

    rcu_read_lock();
    task = task_find(tid);
    there = task && task->process->pid == pid;
    rcu_read_unlock();
    return there || (!task && next_dead(pid, tid - 1) == tid);
}

static int next_thread(int pid, int tid)
{
    struct process *process;
    int best = 0;

    rcu_read_lock();
    process = process_find(pid);
    if (process) {
        uint64_t flags = spin_lock_irq(&process->signal_lock);

        list_for_each_entry (struct task, task, &process->threads, process_link)
            if (task->tid > tid && (!best || task->tid < best))
                best = task->tid;
        spin_unlock_irq(&process->signal_lock, flags);
    }
    rcu_read_unlock();
    int dead = next_dead(pid, tid);
    return dead && (!best || dead < best) ? dead : best;
}

static int process_of(int tid)
{
    struct task *task;
    int pid = 0;

    mutex_lock(&tasks_lock);
    task = task_find(tid);
    pid = task ? task->process->pid : ptrace_process_of_dead(tid);
    mutex_unlock(&tasks_lock);
    return pid;
}

static void self_numbers(int *pid, int *tid)
{
    bool task = is_task(current);

    *pid = task ? current_process()->pid : 0;
    *tid = task ? current_task()->tid : 0;
}

/* Root owns what tells of one that may not be dumped, but for folders that all may read. */
static void owner(int pid, struct attributes *attr)
{
    struct process *process;

    rcu_read_lock();
    process = process_find(pid);
    if (process && process->leader &&
        (process->dumpable == DUMP_AS_USER || attr->mode == (S_IFDIR | 0555))) {
        attr->uid = process->leader->cred.euid;
        attr->gid = process->leader->cred.egid;
    }
    rcu_read_unlock();
}

static int view(const struct pseudo *self, struct path *root, struct mount_ns **mounts)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error == -ESRCH ? -EINVAL : error; /* as Linux says of one that has ended */
    if (s.task->fs) {
        mutex_lock(&s.task->fs->lock);
        *root = s.task->fs->root;
        path_get(root);
        *mounts = mount_ns_get(s.task->fs->mounts);
        mutex_unlock(&s.task->fs->lock);
    } else {
        error = -EINVAL;
    }
    subject_put(&s);
    return error;
}

static const struct proc_source source = {
    .view = view,
    .exists = exists,
    .process_of = process_of,
    .next = next_process,
    .threads = threads,
    .thread_exists = thread_exists,
    .next_thread = next_thread,
    .self = self_numbers,
    .owner = owner,
    .totals = usage_totals,
};

static int guard(const struct pseudo *self)
{
    const struct process *process;
    const struct task *task;
    int error;

    rcu_read_lock();
    process = process_find((int)self->key);
    task = process ? process->leader : task_find((int)self->key); /* (procfs_fd.c) */
    error = task && ptrace_access(task, false) < 0 ? -EACCES : 0;
    rcu_read_unlock();
    if (error && self->entry->flags & INODE_GUARDED && (self->entry->mode & S_IFMT) == S_IFREG &&
        may_watch())
        error = 0;
    return error;
}

static int connect(void)
{
    pseudo_guard_hook = guard;
    proc_source = &source;
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc of processes", connect);
