/* linux/signal.c: pending signals: queueing, choosing who takes one, taking it. */
#include "linux/signal.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "linux/family.h"
#include "linux/ptrace.h"
#include "linux/task.h"
#include "mm/heap.h"

#define MASK_STOP (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
/* The default action is to do nothing. */
#define MASK_IGNORE (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
/* Taken before all others: they belong to the instruction that the thread is at. */
#define MASK_SYNCHRONOUS                                                                           \
    (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) |   \
     SIGMASK(SIGSYS))

static struct kcache entry_cache = {.name = "signal", .size = sizeof(struct queued_signal)};

static const char *const names[SIGRTMIN] = {
    "signal 0",  "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

const char *signal_name(int signo)
{
    if (signo < 0 || signo > SIGRTMAX)
        return "no signal";
    return signo < SIGRTMIN ? names[signo] : "a real-time signal";
}

void signal_simple(struct siginfo *info, int signo)
{
    *info = (struct siginfo){.signo = signo, .code = SI_KERNEL};
}

/* --- queues and actions --- */

void signal_queue_init(struct signal_queue *queue)
{
    queue->set = 0;
    list_init(&queue->infos);
}

static void entry_free(struct process *process, struct queued_signal *entry)
{
    atomic_fetch_sub_explicit(&process->queued_signals, 1, memory_order_relaxed);
    kcache_free(&entry_cache, entry);
}

/* Under signal_lock. */
static void entry_remove(struct process *process, struct queued_signal *entry)
{
    list_del(&entry->link);
    entry->queued = false;
    if (!entry->taken)
        entry_free(process, entry);
}

/* Forget the pending signals of `set`. Under signal_lock. */
static void queue_flush(struct process *process, struct signal_queue *queue, uint64_t set)
{
    if (!(queue->set & set))
        return;
    queue->set &= ~set;
    list_for_each_safe (p, next, &queue->infos) {
        struct queued_signal *entry = list_entry(p, struct queued_signal, link);

        if (SIGMASK(entry->info.signo) & set)
            entry_remove(process, entry);
    }
}

void signal_queue_drop(struct process *process, struct signal_queue *queue, uint64_t set)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    queue_flush(process, queue, set);
    spin_unlock_irq(&process->signal_lock, flags);
}

/* From every queue of the process. Under signal_lock. */
static void flush_everywhere(struct process *process, uint64_t set)
{
    queue_flush(process, &process->pending, set);
    list_for_each_entry (struct task, task, &process->threads, process_link)
        queue_flush(process, &task->pending, set);
}

struct signal_actions *signal_actions_create(const struct signal_actions *from)
{
    struct signal_actions *actions = kzalloc(sizeof(*actions));

    if (!actions)
        return NULL;
    if (from)
        memcpy(actions->actions, from->actions, sizeof(actions->actions));
    actions->refs = 1;
    return actions;
}

void signal_actions_put(struct signal_actions *actions)
{
    if (actions && atomic_fetch_sub_explicit(&actions->refs, 1, memory_order_acq_rel) == 1)
        kfree(actions);
}

void signal_actions_reset(struct signal_actions *actions)
{
    for (int i = 0; i < SIGRTMAX; i++) {
        struct sigaction *action = &actions->actions[i];
        uint64_t handler = action->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

        *action = (struct sigaction){.handler = handler};
    }
}

/* --- sending --- */

static bool ignored(const struct process *process, const struct task *task, int signo)
{
    uint64_t handler = process->actions->actions[signo - 1].handler;

    if (task && task->signal_mask & SIGMASK(signo))
        return false; /* it may be unblocked with a handler one day */
    if (handler != SIG_IGN && (handler != SIG_DFL || !(MASK_IGNORE & SIGMASK(signo))))
        return false;
    return !task || !ptrace_of(task); /* a tracer may want to see it */
}

static bool wants(const struct task *task, int signo)
{
    return !task->exiting && !(task->signal_mask & SIGMASK(signo));
}

/* Who takes a process's signal: the first thread if it will, else one that has nothing to do. */
static struct task *choose_target(struct process *process, int signo)
{
    struct task *found = NULL;

    if (process->leader && wants(process->leader, signo))
        return process->leader;
    list_for_each_entry (struct task, task, &process->threads, process_link) {
        if (!wants(task, signo))
            continue;
        if (!(atomic_load_explicit(&task->thread.work, memory_order_relaxed) & WORK_SIGNAL))
            return task;
        found = task;
    }
    return found;
}

/* What happens at once, whoever takes the signal later: stops and continues cancel each other.
 * True: the process had stopped and goes on. */
static bool send_effects(struct process *process, int signo)
{
    bool was_stopped = false;

    if (SIGMASK(signo) & MASK_STOP) {
        flush_everywhere(process, SIGMASK(SIGCONT));
    } else if (signo == SIGCONT) {
        flush_everywhere(process, MASK_STOP);
        was_stopped = process->stopped;
        process->continue_waitable |= was_stopped;
        process->stopped = process->stop_told = process->stop_waitable = false;
        list_for_each_entry (struct task, task, &process->threads, process_link)
            ptrace_continued(task);
    }
    return was_stopped;
}

bool signal_stop_complete(struct process *process)
{
    if (!process->stopped || process->stop_told || !process->nthreads ||
        process->nstopped != process->nthreads)
        return false;
    process->stop_told = process->stop_waitable = true;
    process->continue_waitable = false;
    return true;
}

/* Put it into the queue; a standard signal only once. 0; 1: it is pending already; -EAGAIN. */
static int enqueue(struct process *process, struct signal_queue *queue, const struct siginfo *info)
{
    struct queued_signal *entry;
    uint64_t bit = SIGMASK(info->signo);
    unsigned used;

    if (info->signo < SIGRTMIN && queue->set & bit)
        return 1;
    used = atomic_fetch_add_explicit(&process->queued_signals, 1, memory_order_relaxed);
    entry = info->signo >= SIGRTMIN && used >= process->limits[LIMIT_SIGPENDING][0]
                ? NULL
                : kcache_alloc(&entry_cache);
    if (!entry) {
        atomic_fetch_sub_explicit(&process->queued_signals, 1, memory_order_relaxed);
        /* What carries data must not be lost silently; others are remembered by their bit. */
        if (info->signo >= SIGRTMIN && info->code != SI_USER)
            return -EAGAIN;
        queue->set |= bit;
        return 0;
    }
    entry->info = *info;
    entry->queued = true;
    list_add_tail(&queue->infos, &entry->link);
    queue->set |= bit;
    return 0;
}

/* Wake whoever shall look at a signal that has just been queued. Under signal_lock. */
static void notify(struct process *process, struct task *task, int signo)
{
    if (!task)
        task = choose_target(process, signo);
    if (task && wants(task, signo))
        thread_post_work(&task->thread, WORK_SIGNAL);
}

static int send(struct process *process, struct task *task, const struct siginfo *info)
{
    int result = 0;
    bool woke = false, continued;
    uint64_t flags;

    if (info->signo == SIGKILL) {
        process_kill(process, SIGKILL);
        return 0;
    }
    flags = spin_lock_irq(&process->signal_lock);
    continued = send_effects(process, info->signo);
    if (!ignored(process, task ?: process->leader, info->signo)) {
        result = enqueue(process, task ? &task->pending : &process->pending, info);
        if (result == 0) {
            notify(process, task, info->signo);
            woke = true;
        }
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (woke)
        waitqueue_wake(&process->signal_wait, 0, POLLIN);
    if (continued) {
        wake_all(&process->exit_wait);
        family_tell_job(process, CLD_CONTINUED, SIGCONT);
    }
    return MIN(result, 0);
}

int signal_send_process(struct process *process, const struct siginfo *info)
{
    return send(process, NULL, info);
}

int signal_send_task(struct task *task, const struct siginfo *info)
{
    return send(task->process, task, info);
}

int signal_send_entry(struct process *process, struct task *task, struct queued_signal *entry)
{
    struct signal_queue *queue = task ? &task->pending : &process->pending;
    int signo = entry->info.signo, result = 0;
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    if (entry->queued) {
        result = 1;
    } else if (ignored(process, task ?: process->leader, signo)) {
        result = 2;
    } else {
        /* A standard signal that pends already still gets the entry: its overruns count. */
        entry->queued = true;
        list_add_tail(&queue->infos, &entry->link);
        queue->set |= SIGMASK(signo);
        notify(process, task, signo);
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (result == 0)
        waitqueue_wake(&process->signal_wait, 0, POLLIN);
    return result;
}

static bool has_entry(const struct signal_queue *queue, int signo)
{
    list_for_each (p, &queue->infos) {
        if (list_entry(p, struct queued_signal, link)->info.signo == signo)
            return true;
    }
    return false;
}

void signal_withdraw(struct process *process, struct queued_signal *entry)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    int signo = entry->info.signo;

    if (entry->queued) {
        list_del(&entry->link);
        entry->queued = false;
        if (!has_entry(&process->pending, signo))
            process->pending.set &= ~SIGMASK(signo);
        list_for_each_entry (struct task, task, &process->threads, process_link)
            if (!has_entry(&task->pending, signo))
                task->pending.set &= ~SIGMASK(signo);
    }
    spin_unlock_irq(&process->signal_lock, flags);
}

struct group_send {
    int pgid, sent;
    const struct siginfo *info;
};

static bool send_if_member(struct process *process, void *arg)
{
    struct group_send *send_to = arg;

    if (process->pgid == send_to->pgid) {
        send_to->sent++;
        (void)signal_send_process(process, send_to->info);
    }
    return true;
}

int signal_send_group(int pgid, const struct siginfo *info)
{
    struct group_send send_to = {.pgid = pgid, .info = info};

    rcu_read_lock();
    process_each(send_if_member, &send_to);
    rcu_read_unlock();
    return send_to.sent ? 0 : -ESRCH;
}

/* --- taking --- */

static int lowest(uint64_t set)
{
    if (set & MASK_SYNCHRONOUS)
        set &= MASK_SYNCHRONOUS;
    return set ? __builtin_ctzll(set) + 1 : 0;
}

/* Take one signal of the set out of the queue. Under signal_lock. */
static int queue_take(struct process *process, struct signal_queue *queue, uint64_t set,
                      struct siginfo *info)
{
    int signo = lowest(queue->set & set);
    struct queued_signal *found = NULL;
    bool more = false;

    if (!signo)
        return 0;
    list_for_each (p, &queue->infos) {
        struct queued_signal *entry = list_entry(p, struct queued_signal, link);

        if (entry->info.signo != signo)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = entry;
    }
    if (!more)
        queue->set &= ~SIGMASK(signo);
    if (!found) {
        *info = (struct siginfo){.signo = signo, .code = SI_USER};
        return signo;
    }
    *info = found->info;
    if (found->taken) {
        list_del(&found->link);
        found->queued = false;
        found->taken(found, info);
    } else {
        entry_remove(process, found);
    }
    return signo;
}

int signal_take_locked(struct task *task, uint64_t set, struct siginfo *info)
{
    int signo = queue_take(task->process, &task->pending, set, info);

    return signo ? signo : queue_take(task->process, &task->process->pending, set, info);
}

int signal_take(struct task *task, uint64_t set, struct siginfo *info)
{
    struct process *process = task->process;
    uint64_t flags;
    int signo;

    if (!((task->pending.set | process->pending.set) & set))
        return 0;
    flags = spin_lock_irq(&process->signal_lock);
    signo = signal_take_locked(task, set, info);
    spin_unlock_irq(&process->signal_lock, flags);
    return signo;
}

uint64_t signal_pending_set(struct task *task)
{
    return task->pending.set | task->process->pending.set;
}

/* --- masks and forced signals --- */

void signal_retarget(struct process *process, uint64_t set)
{
    set &= process->pending.set;
    while (set) {
        int signo = __builtin_ctzll(set) + 1;

        set &= set - 1;
        notify(process, NULL, signo);
    }
}

void signal_set_mask(struct task *task, uint64_t mask)
{
    struct process *process = task->process;
    uint64_t flags, newly_blocked;

    mask &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
    if (mask == task->signal_mask)
        return;
    flags = spin_lock_irq(&process->signal_lock);
    newly_blocked = mask & ~task->signal_mask;
    task->signal_mask = mask;
    if (process->nthreads > 1)
        signal_retarget(process, newly_blocked);
    if (signal_pending_set(task) & ~mask)
        atomic_fetch_or_explicit(&task->thread.work, WORK_SIGNAL, memory_order_relaxed);
    spin_unlock_irq(&process->signal_lock, flags);
}

void signal_set_temporary_mask(uint64_t mask)
{
    struct task *task = current_task();

    task->saved_mask = task->signal_mask;
    task->restore_mask = true;
    signal_set_mask(task, mask);
}

void signal_restore_mask(bool interrupted)
{
    struct task *task = current_task();

    if (!task->restore_mask || interrupted)
        return; /* the way out does it, after the handler's frame has been made */
    task->restore_mask = false;
    signal_set_mask(task, task->saved_mask);
}

__cold void signal_force(const struct siginfo *info)
{
    struct task *task = current_task();
    struct process *process = task->process;
    struct sigaction *action = &process->actions->actions[info->signo - 1];
    uint64_t bit = SIGMASK(info->signo);
    uint64_t flags;

    if (info->signo == SIGKILL) {
        process_kill(process, SIGKILL);
        return;
    }
    flags = spin_lock_irq(&process->signal_lock);
    if (task->signal_mask & bit || action->handler == SIG_IGN) {
        action->handler = SIG_DFL;
        task->signal_mask &= ~bit;
    }
    queue_flush(process, &task->pending, bit);
    (void)enqueue(process, &task->pending, info);
    task->pending.set |= bit;
    atomic_fetch_or_explicit(&task->thread.work, WORK_SIGNAL, memory_order_relaxed);
    spin_unlock_irq(&process->signal_lock, flags);
}

void signal_action_changed(struct process *process, int signo)
{
    if (ignored(process, NULL, signo))
        flush_everywhere(process, SIGMASK(signo));
}
