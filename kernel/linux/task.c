/* linux/task.c: making processes and tasks, finding them by number, freeing them. */
#include "linux/task.h"

#include "arch/x86_64/context.h"
#include "core/log.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/core.h"
#include "linux/groups.h"
#include "linux/keys.h"
#include "linux/sched.h"
#include "linux/seccomp.h"
#include "linux/signalfd.h"
#include "mm/heap.h"

enum { TID_BUCKETS = 512, PROCESS_BUCKETS = 512, PID_MAX = 4194304, TIDS_RESERVED = 300 };

struct mutex tasks_lock;
struct process *first_process;

static struct task *_Atomic task_hash[TID_BUCKETS];
static struct process *_Atomic process_hash[PROCESS_BUCKETS];
static struct spinlock number_lock; /* over both tables and last_number */
static int last_number;
static uint64_t forks; /* numbers that were given */
static struct kcache task_cache = {.name = "task", .size = sizeof(struct task)};

struct task *task_find(int tid)
{
    struct task *task;

    if (tid <= 0)
        return NULL;
    task = rcu_load(task_hash[tid % TID_BUCKETS]);
    while (task && task->tid != tid)
        task = rcu_load(task->hash_next);
    return task;
}

struct process *process_find(int pid)
{
    struct process *process;

    if (pid <= 0)
        return NULL;
    process = rcu_load(process_hash[pid % PROCESS_BUCKETS]);
    while (process && process->pid != pid)
        process = rcu_load(process->hash_next);
    return process;
}

bool process_each(bool (*fn)(struct process *, void *), void *arg)
{
    for (unsigned i = 0; i < PROCESS_BUCKETS; i++) {
        struct process *process = rcu_load(process_hash[i]);

        for (; process; process = rcu_load(process->hash_next))
            if (!fn(process, arg))
                return false;
    }
    return true;
}

struct group_search {
    int pgid;
    struct process *found;
};

static bool in_group(struct process *process, void *arg)
{
    struct group_search *search = arg;

    if (process->pgid == search->pgid && (!search->found || process->pid < search->found->pid))
        search->found = process;
    return true;
}

struct process *process_of_group(int pgid)
{
    struct group_search search = {.pgid = pgid};

    process_each(in_group, &search);
    return search.found;
}

/* Numbers of groups and sessions whose leader has gone can only come up in a second round. */
static bool second_round;

static bool number_taken(int number)
{
    return task_find(number) || process_find(number) || (second_round && process_of_group(number));
}

/* The next free number, or `wanted` if it is free. -EAGAIN, -EEXIST. Under number_lock. */
static int number_choose(int wanted)
{
    forks++;
    if (wanted)
        return number_taken(wanted) ? -EEXIST : wanted;
    for (int tries = 0; tries < PID_MAX; tries++) {
        if (++last_number == PID_MAX) {
            last_number = TIDS_RESERVED;
            second_round = true;
        }
        if (!number_taken(last_number))
            return last_number;
    }
    return -EAGAIN;
}

void task_unpublish(struct task *task)
{
    uint64_t flags = spin_lock_irq(&number_lock);
    struct task *_Atomic *link = &task_hash[task->tid % TID_BUCKETS];

    while (rcu_load(*link) != task)
        link = &rcu_load(*link)->hash_next;
    rcu_store(*link, rcu_load(task->hash_next));
    spin_unlock_irq(&number_lock, flags);
}

/* --- the folder context --- */

struct fs_context *fs_context_create(void)
{
    struct fs_context *fs = kzalloc(sizeof(*fs));

    if (!fs)
        return NULL;
    fs->refs = 1;
    fs->root = fs->cwd = vfs_root;
    path_get(&fs->root);
    path_get(&fs->cwd);
    fs->mounts = mount_ns_get(&first_mounts);
    fs->umask = 022;
    return fs;
}

struct fs_context *fs_context_copy(struct fs_context *from)
{
    struct fs_context *fs = kzalloc(sizeof(*fs));

    if (!fs)
        return NULL;
    fs->refs = 1;
    mutex_lock(&from->lock);
    fs->root = from->root;
    fs->cwd = from->cwd;
    fs->umask = from->umask;
    path_get(&fs->root);
    path_get(&fs->cwd);
    fs->mounts = mount_ns_get(from->mounts);
    mutex_unlock(&from->lock);
    return fs;
}

int fs_context_copy_mounts(struct fs_context *fs)
{
    mutex_lock(&fs->lock);
    struct mount_ns *old = fs->mounts;
    int error = mount_ns_copy(old, &fs->root, &fs->cwd, &fs->mounts);
    mutex_unlock(&fs->lock);

    if (!error)
        mount_ns_put(old);
    return error;
}

void task_use_folders(struct task *task, struct fs_context *fs)
{
    task->fs = fs;
    task->caller.root = &fs->root;
    task->caller.cwd = &fs->cwd;
    task->caller.mounts = fs->mounts;
}

static void fs_context_free(struct rcu_head *head)
{
    kfree(container_of(head, struct fs_context, rcu));
}

void fs_context_put(struct fs_context *fs)
{
    if (!fs || atomic_fetch_sub_explicit(&fs->refs, 1, memory_order_acq_rel) != 1)
        return;
    path_put(&fs->root);
    path_put(&fs->cwd);
    mount_ns_put(fs->mounts);
    rcu_call(&fs->rcu, fs_context_free);
}

static void move_path(struct path *which, const struct path *from, const struct path *to)
{
    if (which->mount != from->mount || which->dentry != from->dentry)
        return;
    path_get(to);
    *which = *to;
    path_put(from);
}

/* The context of the n-th task of a bucket, with a reference. */
static struct fs_context *context_of_nth(unsigned bucket, size_t n, bool *end)
{
    struct fs_context *fs = NULL;
    rcu_read_lock();
    struct task *task = rcu_load(task_hash[bucket]);
    while (task && n--)
        task = rcu_load(task->hash_next);
    *end = !task;
    if (task)
        fs = *(struct fs_context *volatile *)&task->fs;
    unsigned refs = fs ? atomic_load(&fs->refs) : 0;
    while (refs && !atomic_compare_exchange_weak(&fs->refs, &refs, refs + 1))
        ;
    rcu_read_unlock();
    return refs ? fs : NULL;
}

__cold void fs_context_move_all(const struct path *from, const struct path *to)
{
    for (unsigned bucket = 0; bucket < TID_BUCKETS; bucket++) {
        bool end = false;
        for (size_t n = 0; !end; n++) {
            struct fs_context *fs = context_of_nth(bucket, n, &end);
            if (!fs)
                continue;
            mutex_lock(&fs->lock);
            move_path(&fs->root, from, to);
            move_path(&fs->cwd, from, to);
            mutex_unlock(&fs->lock);
            fs_context_put(fs);
        }
    }
}

/* --- processes --- */

/* LIMIT_NOFILE as a login on Linux: programs that visit every descriptor that they could have, and
 * select()'s fixed sets, count on few; those that want many raise it. */
static const uint64_t default_limits[RLIMITS][2] = {
    [LIMIT_CPU] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_FSIZE] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_DATA] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_STACK] = {8 << 20, LIMIT_INFINITY},
    [LIMIT_CORE] = {0, LIMIT_INFINITY},
    [LIMIT_RSS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_NPROC] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_NOFILE] = {1024, FDS_MAX},
    [LIMIT_MEMLOCK] = {8 << 20, 8 << 20},
    [LIMIT_AS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_LOCKS] = {LIMIT_INFINITY, LIMIT_INFINITY},
    [LIMIT_SIGPENDING] = {65536, 65536},
    [LIMIT_MSGQUEUE] = {819200, 819200},
    [LIMIT_NICE] = {0, 0},
    [LIMIT_RTPRIO] = {0, 0},
    [LIMIT_RTTIME] = {LIMIT_INFINITY, LIMIT_INFINITY},
};

static int process_number(struct process *process, int wanted)
{
    uint64_t flags = spin_lock_irq(&number_lock);
    int pid = number_choose(wanted);

    if (pid > 0) {
        struct process *_Atomic *bucket = &process_hash[pid % PROCESS_BUCKETS];

        process->pid = pid;
        if (!process->pgid)
            process->pgid = process->sid = pid;
        process->hash_next = rcu_load(*bucket);
        rcu_store(*bucket, process);
    }
    spin_unlock_irq(&number_lock, flags);
    return pid;
}

int process_create(struct process *parent, struct signal_actions *actions, int wanted_pid,
                   struct process **made)
{
    struct process *process = kzalloc(sizeof(*process));
    int pid;

    if (!process)
        return -ENOMEM;
    list_init(&process->children);
    list_init(&process->siblings);
    list_init(&process->threads);
    waitqueue_init(&process->signal_wait);
    waitqueue_init(&process->child_wait);
    waitqueue_init(&process->exit_wait);
    signal_queue_init(&process->pending);
    memcpy(process->limits, parent ? parent->limits : default_limits, sizeof(process->limits));
    process->actions = actions;
    process->start_time = clock_monotonic();
    process->dumpable = DUMP_AS_USER;
    process->core_filter = CORE_FILTER_DEFAULT;
    process->loginuid = process->sessionid = UINT32_MAX;
    process->exit_signal = SIGCHLD;
    if (parent) {
        process->pgid = parent->pgid;
        process->sid = parent->sid;
    }
    pid = process_number(process, wanted_pid);
    if (pid < 0) {
        kfree(process);
        return pid;
    }
    *made = process;
    return 0;
}

static void free_after_readers(struct rcu_head *head)
{
    struct process *process = container_of(head, struct process, rcu);

    signal_queue_drop(process, &process->pending, ~0ull);
    signal_actions_put(process->actions);
    kfree(process->exe_name);
    kfree(process);
}

void process_free(struct process *process)
{
    uint64_t flags = spin_lock_irq(&number_lock);
    struct process *_Atomic *link = &process_hash[process->pid % PROCESS_BUCKETS];

    while (rcu_load(*link) != process)
        link = &rcu_load(*link)->hash_next;
    rcu_store(*link, rcu_load(process->hash_next));
    spin_unlock_irq(&number_lock, flags);
    signalfd_process_gone(process);
    rcu_call(&process->rcu, free_after_readers);
}

nsec_t process_runtime(struct process *process)
{
    nsec_t sum = process->dead_run_ns;

    list_for_each_entry (struct task, task, &process->threads, process_link)
        sum += thread_runtime(&task->thread);
    return sum;
}

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->time.user += more->time.user;
    sum->time.system += more->time.system;
    sum->faults += more->faults;
    sum->switches_voluntary += more->switches_voluntary;
    sum->switches_forced += more->switches_forced;
    sum->peak_pages = MAX(sum->peak_pages, more->peak_pages);
}

void process_usage(struct process *process, struct usage *usage)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    const struct address_space *space = process->space;

    *usage = (struct usage){
        .time = process_times_locked(process),
        .switches_voluntary = process->dead_switches,
        .switches_forced = process->dead_switches_forced,
        .faults = process->dead_faults,
        .peak_pages = process->dead_peak_pages,
    };
    list_for_each_entry (struct task, task, &process->threads, process_link) {
        usage->switches_voluntary += task->thread.switches_voluntary;
        usage->switches_forced += task->thread.switches_forced;
    }
    if (space) {
        usage->faults += atomic_load_explicit(&space->faults, memory_order_relaxed);
        usage->peak_pages =
            MAX(atomic_load(&space->peak_resident), atomic_load(&space->resident_pages));
    }
    spin_unlock_irq(&process->signal_lock, flags);
}

static bool add_usage(struct process *process, void *sum)
{
    struct usage own;

    process_usage(process, &own);
    usage_add(sum, &own);
    usage_add(sum, &process->children_use);
    return true;
}

/* Of processes that nobody waited for. Under tasks_lock. */
static struct usage left_behind;

void usage_leave(struct process *process)
{
    add_usage(process, &left_behind);
}

void usage_totals(struct proc_totals *totals)
{
    struct usage sum;

    mutex_lock(&tasks_lock);
    sum = left_behind;
    rcu_read_lock();
    process_each(add_usage, &sum);
    rcu_read_unlock();
    mutex_unlock(&tasks_lock);
    *totals = (struct proc_totals){sum.switches_voluntary + sum.switches_forced, sum.faults, forks,
                                   last_number};
}

/* --- tasks --- */

/* struct thread's destroy(): nobody finds it any more. */
static void task_destroy(struct thread *thread)
{
    struct task *task = (struct task *)thread;

    if (thread->fpu)
        fpu_area_free(thread->fpu);
    credentials_drop(&task->cred);
    seccomp_free(task);
    kfree(task->debug);
    kcache_free(&task_cache, task);
}

bool is_task(const struct thread *thread)
{
    return thread->destroy == task_destroy;
}

/* A new thread's first steps on its kernel stack. */
static void task_begin(void *arg)
{
    struct task *task = arg;

    if (task->begin)
        task->begin(task);
    if (task->set_child_tid)
        (void)user_put32(task->set_child_tid, (uint32_t)task->tid);
    program_enter(&task->start_regs);
}

static void drop_keys(struct task *task)
{
    if (unlikely(task->keys != NULL))
        keys_leave(task);
}

static int task_inherit(struct task *task, const struct task *from)
{
    credentials_copy(&task->cred, &from->cred);
    task->io_priority = from->io_priority;
    task->memory_policy = from->memory_policy;
    task->signal_mask = from->signal_mask;
    task->timer_slack_ns = from->timer_slack_ns;
    task->no_new_privs = from->no_new_privs;
    task->mce_kill = from->mce_kill;
    task->securebits = from->securebits;
    return unlikely(from->keys != NULL) ? keys_inherit(task, from) : 0;
}

int task_create(struct process *process, struct task *from, int wanted_tid, struct task **made)
{
    struct task *task = kcache_alloc(&task_cache);
    const char *name = from ? from->thread.name : "init";
    int error = from ? sched_may_fork(from) : 0;

    if (!task)
        return -ENOMEM;
    if (error) {
        kcache_free(&task_cache, task);
        return error;
    }
    task->process = process;
    task->timer_slack_ns = 50000;
    list_init(&task->process_link);
    signal_queue_init(&task->pending);
    task->altstack_flags = SS_DISABLE;
    if (from)
        error = task_inherit(task, from);
    task->tid = wanted_tid;
    task->thread.fpu = fpu_area_alloc();
    if (error || !task->thread.fpu || thread_init(&task->thread, name, task_begin, task) < 0) {
        if (task->thread.fpu)
            fpu_area_free(task->thread.fpu);
        drop_keys(task);
        credentials_drop(&task->cred);
        kcache_free(&task_cache, task);
        return -ENOMEM;
    }
    task->thread.destroy = task_destroy;
    task->thread.space = process->space;
    task->caller.cred = &task->cred;
    if (from)
        sched_fork(task, from);
    *made = task;
    return 0;
}

void task_discard(struct task *task)
{
    fd_table_put(task->fds);
    fs_context_put(task->fs);
    drop_keys(task);
    thread_discard(&task->thread);
    if (task->thread.fpu)
        fpu_area_free(task->thread.fpu);
    credentials_drop(&task->cred);
    seccomp_free(task);
    kcache_free(&task_cache, task);
}

/* Give the task its number and make it findable. */
static int task_number(struct task *task)
{
    uint64_t flags = spin_lock_irq(&number_lock);
    int tid = task->tid;

    if (list_empty(&task->process->threads) && tid == 0)
        tid = task->process->pid; /* the leader's is the process's */
    else
        tid = number_choose(tid);
    if (tid > 0) {
        struct task *_Atomic *bucket = &task_hash[tid % TID_BUCKETS];

        task->tid = tid;
        task->hash_next = rcu_load(*bucket);
        rcu_store(*bucket, task);
    }
    spin_unlock_irq(&number_lock, flags);
    return tid < 0 ? tid : 0;
}

/* Link it into its process, unless that is ending. Under process->lock. */
static int task_join(struct task *task)
{
    struct process *process = task->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool ending = atomic_load_explicit(&process->exiting, memory_order_relaxed) || process->core ||
                  (process->exec_task && process->exec_task != task);

    if (!ending) {
        list_add_tail(&process->threads, &task->process_link);
        process->nthreads++;
        if (!process->leader)
            process->leader = task;
        if (process->stopped || process->pending.set)
            thread_post_work(&task->thread, WORK_SIGNAL);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return ending ? -EAGAIN : 0;
}

void task_become_leader(struct task *task)
{
    struct process *process = task->process;
    uint64_t flags;

    process->leader = task;
    if (task->tid == process->pid)
        return;
    task_unpublish(task);
    flags = spin_lock_irq(&number_lock);
    task->tid = process->pid;
    task->hash_next = rcu_load(task_hash[task->tid % TID_BUCKETS]);
    rcu_store(task_hash[task->tid % TID_BUCKETS], task);
    spin_unlock_irq(&number_lock, flags);
}

int task_publish(struct task *task)
{
    struct process *process = task->process;
    int error;

    mutex_lock(&process->lock);
    seccomp_inherit(task);
    error = task_number(task);
    if (!error) {
        error = task_join(task);
        if (error)
            task_unpublish(task);
    }
    mutex_unlock(&process->lock);
    if (error)
        rcu_synchronize(); /* somebody may have found it by its number */
    return error;
}

/* --- workers --- */

__cold struct task *task_create_worker(const char *name, void (*entry)(void *), void *arg)
{
    struct task *from = current_task(), *task = kcache_alloc(&task_cache);

    if (!task)
        return NULL;
    task->thread.fpu = fpu_area_alloc(); /* only with that its space is switched to */
    if (!task->thread.fpu || thread_init(&task->thread, name, entry, arg) < 0) {
        if (task->thread.fpu)
            fpu_area_free(task->thread.fpu);
        kcache_free(&task_cache, task);
        return NULL;
    }
    task->process = from->process;
    list_init(&task->process_link);
    signal_queue_init(&task->pending);
    task_inherit(task, from);
    task->signal_mask = ~0ull;
    task->altstack_flags = SS_DISABLE;
    task->thread.destroy = task_destroy;
    task->thread.space = from->thread.space;
    address_space_get(task->thread.space);
    task->fds = from->fds;
    atomic_fetch_add_explicit(&task->fds->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&from->fs->refs, 1, memory_order_relaxed);
    task_use_folders(task, from->fs);
    task->caller.cred = &task->cred;
    return task;
}

void task_worker_leave(void)
{
    struct task *task = current_task();
    struct address_space *space = task->thread.space;

    if (!task->fs)
        return;
    signal_queue_drop(task->process, &task->pending, ~0ull);
    drop_keys(task);
    fd_table_put(task->fds);
    fs_context_put(task->fs);
    task->fds = NULL;
    task->fs = NULL;
    task->thread.space = NULL;
    address_space_put(space);
}

void task_worker_exit(void)
{
    task_worker_leave();
    thread_exit();
}
