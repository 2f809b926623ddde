#include "linux/family.h"

#include "drivers/tty/tty.h"
#include "lib/string.h"
#include "linux/futex.h"
#include "linux/pidfd.h"
#include "linux/ptrace.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { TICK_NS = 10000000 };

/* --- telling a parent --- */

void family_wake(struct process *parent)
{
    atomic_fetch_add_explicit(&parent->child_events, 1, memory_order_release);
    wake_all(&parent->child_wait);
}

static void child_info(struct process *child, int signo, int code, int status, struct siginfo *info)
{
    uint64_t flags = spin_lock_irq(&child->signal_lock);
    struct cpu_times times = process_times_locked(child);

    *info = (struct siginfo){
        .signo = signo,
        .code = code,
        .child =
            {
                .pid = child->pid,
                .uid = child->leader ? child->leader->cred.uid : child->dead_uid,
                .status = status,
                .utime = times.user / TICK_NS,
                .stime = times.system / TICK_NS,
            },
    };
    spin_unlock_irq(&child->signal_lock, flags);
}

static struct sigaction child_action(struct process *parent)
{
    uint64_t flags = spin_lock_irq(&parent->signal_lock);
    struct sigaction action = parent->actions->actions[SIGCHLD - 1];

    spin_unlock_irq(&parent->signal_lock, flags);
    return action;
}

void family_tell_job(struct process *process, int code, int status)
{
    struct process *parent;
    struct siginfo info;

    rcu_read_lock();
    parent = rcu_load(process->parent);
    if (parent && !process->adopted) {
        child_info(process, SIGCHLD, code, status, &info);
        if (!(child_action(parent).flags & SA_NOCLDSTOP))
            (void)signal_send_process(parent, &info);
        family_wake(parent);
    }
    rcu_read_unlock();
}

/* Tell the parent of a zombie. True: nobody will wait for it. With tasks_lock. */
static bool tell_end(struct process *process)
{
    struct process *parent = process->parent;
    int signo = process->exit_signal, status = process->exit_code;
    bool unwanted = false;
    struct sigaction action;
    struct siginfo info;

    if (!parent || process->adopted)
        return true;
    if (signo == SIGCHLD) {
        action = child_action(parent);
        unwanted = action.handler == SIG_IGN || action.flags & SA_NOCLDWAIT;
        if (action.handler == SIG_IGN)
            signo = 0;
    }
    if (signo && signo <= SIGRTMAX) { // clone(2) takes any number
        if (status & 0x7f)
            child_info(process, signo, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f,
                       &info);
        else
            child_info(process, signo, CLD_EXITED, status >> 8 & 0xff, &info);
        (void)signal_send_process(parent, &info);
    }
    family_wake(parent);
    return unwanted;
}

void family_tell_end(struct process *process)
{
    if (tell_end(process)) {
        usage_leave(process);
        family_remove(process);
        process_free(process);
    }
}

/* --- groups without anybody to look after them --- */

struct group_look {
    int pgid;
    const struct process *except;
    bool stopped;
};

/* false: this member has a parent in the session but outside the group, who controls it. */
static bool uncontrolled(struct process *process, void *arg)
{
    const struct group_look *look = arg;
    const struct process *parent = rcu_load(process->parent);

    return process->pgid != look->pgid || process == look->except || process->zombie || !parent ||
           process->adopted || parent->sid != process->sid || parent->pgid == process->pgid;
}

bool group_orphaned(int pgid)
{
    struct group_look look = {.pgid = pgid};
    bool orphaned;

    rcu_read_lock();
    orphaned = process_each(uncontrolled, &look);
    rcu_read_unlock();
    return orphaned;
}

static bool is_stopped(struct process *process, void *arg)
{
    struct group_look *look = arg;

    look->stopped = process->pgid == look->pgid && process->stopped;
    return !look->stopped;
}

/* `process` leaves its group or loses `parent`: if that leaves the group without anybody outside
 * it, and members stand still, they are told and go on (man 2 setpgid). */
static void look_for_orphans(struct process *process, const struct process *parent,
                             const struct process *except)
{
    struct group_look look = {.pgid = process->pgid, .except = except};
    struct siginfo info;

    if (!parent || parent->pgid == process->pgid || parent->sid != process->sid)
        return;
    rcu_read_lock();
    process_each(is_stopped, &look);
    if (look.stopped && process_each(uncontrolled, &look)) {
        signal_simple(&info, SIGHUP);
        (void)signal_send_group(look.pgid, &info);
        signal_simple(&info, SIGCONT);
        (void)signal_send_group(look.pgid, &info);
    }
    rcu_read_unlock();
}

static void set_parent(struct process *child, struct process *parent)
{
    rcu_store(child->parent, parent);
    atomic_store_explicit(&child->ppid, parent ? parent->pid : 0, memory_order_relaxed);
}

/* --- children --- */

void family_add(struct process *child, struct process *parent, int parent_tid)
{
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->tty = parent->tty;
    child->parent_tid = parent_tid;
    set_parent(child, parent);
    list_add_tail(&parent->children, &child->siblings);
}

void family_remove(struct process *child)
{
    list_del(&child->siblings);
    list_init(&child->siblings);
    set_parent(child, NULL);
}

/* PR_SET_PDEATHSIG of the child's threads. */
static void tell_parent_died(struct process *child)
{
    uint64_t set = 0, flags = spin_lock_irq(&child->signal_lock);
    struct siginfo info = {.code = SI_USER};

    list_for_each_entry (struct task, task, &child->threads, process_link)
        if (task->parent_death_signal)
            set |= SIGMASK(task->parent_death_signal);
    spin_unlock_irq(&child->signal_lock, flags);
    for (; set; set &= set - 1) {
        info.signo = __builtin_ctzll(set) + 1;
        (void)signal_send_process(child, &info);
    }
}

void family_thread_ends(struct task *task)
{
    struct process *process = task->process;
    struct task *heir;

    if (list_empty(&process->children)) /* its own cannot come any more */
        return;
    mutex_lock(&tasks_lock);
    mutex_lock(&process->lock);
    heir = list_first(&process->threads, struct task, process_link);
    if (heir == task && process->nthreads > 1)
        heir = list_entry(task->process_link.next, struct task, process_link);
    if (heir != task) {
        list_for_each_entry (struct process, child, &process->children, siblings)
            if (child->parent_tid == task->tid) {
                child->parent_tid = heir->tid;
                tell_parent_died(child);
            }
    }
    mutex_unlock(&process->lock);
    mutex_unlock(&tasks_lock);
}

static struct process *new_parent_for(const struct process *process)
{
    struct process *up;

    for (up = process->parent; up; up = up->parent)
        if (up->subreaper && up->nthreads > 0)
            return up;
    return first_process;
}

/* With tasks_lock. A zombie that nobody waits for goes. */
static void adopt(struct process *child, struct process *parent)
{
    const struct process *old = child->parent;

    list_del(&child->siblings);
    list_add_tail(&parent->children, &child->siblings);
    set_parent(child, parent);
    child->parent_tid = parent->leader ? parent->leader->tid : parent->pid;
    child->exit_signal = SIGCHLD;
    /* Process 1 is a program which here, too, finds only its own children. */
    child->adopted = parent == first_process && !parent->subreaper;
    look_for_orphans(child, old, NULL);
    if (!child->zombie)
        tell_parent_died(child);
    else if (!ptrace_holds(child))
        family_tell_end(child);
}

/* --- the end --- */

static void leave_terminal(struct process *process)
{
    struct tty *tty = process->tty;

    if (tty && process->sid == process->pid)
        tty_session_ended(tty, process->sid);
    process->tty = NULL;
}

/* Process 1 waits for all others at its end; a process that dumps its core, for its helper. */
static atomic_bool all_end;

static void tell_who_waits(int helper_of)
{
    struct process *waiting;

    if (unlikely(helper_of)) {
        rcu_read_lock();
        waiting = process_find(helper_of);
        if (waiting)
            wake_all(&waiting->exit_wait);
        rcu_read_unlock();
    }
    if (unlikely(atomic_load_explicit(&all_end, memory_order_acquire)))
        wake_all(&first_process->exit_wait);
}

void family_process_ends(struct process *process)
{
    int helper_of = process->helper_of;

    leave_terminal(process);
    mutex_lock(&tasks_lock);
    while (!list_empty(&process->children))
        adopt(list_first(&process->children, struct process, siblings), new_parent_for(process));
    look_for_orphans(process, process->parent, process);
    process->zombie = true;
    pidfd_process_ended();
    if (likely(!ptrace_holds(process)))
        family_tell_end(process); /* who was told finds it gone once it has the lock */
    else
        ptrace_process_ends(process);
    mutex_unlock(&tasks_lock);
    tell_who_waits(helper_of);
}

static bool kill_unless_first(struct process *process, void *alive)
{
    if (process != first_process && !process->zombie) {
        process_kill(process, SIGKILL);
        *(bool *)alive = true;
    }
    return true;
}

/* True: there is none any more. */
static bool kill_others(void)
{
    bool alive = false;

    rcu_read_lock();
    process_each(kill_unless_first, &alive);
    rcu_read_unlock();
    return !alive;
}

void family_end_all(void)
{
    enum { PATIENCE_NS = 2000000000 };

    atomic_store(&all_end, true);
    (void)WAIT_EVENT(&first_process->exit_wait, kill_others(), 0, clock_monotonic() + PATIENCE_NS);
}

/* --- vfork --- */

struct vfork *vfork_begin(struct task *child)
{
    struct vfork *vfork = kzalloc(sizeof(*vfork));

    if (!vfork)
        return NULL;
    vfork->refs = 2;
    vfork->pid = current_process()->pid;
    child->vfork = vfork;
    return vfork;
}

void vfork_put(struct vfork *vfork)
{
    if (atomic_fetch_sub_explicit(&vfork->refs, 1, memory_order_acq_rel) == 1)
        kfree(vfork);
}

void vfork_wait(struct vfork *vfork)
{
    struct process *me = current_process();

    (void)WAIT_EVENT(&me->exit_wait,
                     atomic_load(&vfork->done) || atomic_load(&me->exiting) || me->core ||
                         (me->exec_task && me->exec_task != current_task()),
                     0, NSEC_FOREVER);
    vfork_put(vfork);
}

static void vfork_done(struct task *task)
{
    struct vfork *vfork = task->vfork;
    struct process *waiting;

    if (!vfork)
        return;
    task->vfork = NULL;
    atomic_store(&vfork->done, true);
    rcu_read_lock();
    waiting = process_find(vfork->pid);
    if (waiting)
        wake_all(&waiting->exit_wait);
    rcu_read_unlock();
    vfork_put(vfork);
}

void task_leave_memory(struct task *task)
{
    uintptr_t word = task->clear_child_tid;

    task->clear_child_tid = 0;
    if (word &&
        (task->process->nthreads > 1 ||
         atomic_load_explicit(&task->process->space->refs, memory_order_relaxed) > 1) &&
        user_put32(word, 0) == 0)
        futex_wake_word(word);
    vfork_done(task);
}
