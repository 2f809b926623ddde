/* linux/seccomp.c: the filters of a thread and what they say about a call.
 *
 * Filters form a tree: each holds its parent, a thread holds its newest. They never change. A
 * thread's pointer is changed by itself, or (TSYNC) by another of its process with process->lock,
 * then to a descendant of what it was, which keeps the old one for whoever is about to use it. */
#include "linux/seccomp.h"

#include "core/boot.h"
#include "core/log.h"
#include "fs/procfs.h"
#include "lib/bpf.h"
#include "linux/core.h"
#include "linux/path.h"
#include "linux/ptrace.h"
#include "linux/seccomp_notify.h"
#include "linux/syscall.h"
#include "mm/heap.h"

enum { MODE_NONE, MODE_STRICT, MODE_FILTER };
enum { SET_MODE_STRICT, SET_MODE_FILTER, GET_ACTION_AVAIL, GET_NOTIF_SIZES };
enum {
    FLAG_TSYNC = 1,
    FLAG_LOG = 2,
    FLAG_SPEC_ALLOW = 4,
    FLAG_NEW_LISTENER = 8,
    FLAG_TSYNC_ESRCH = 16,
    FLAG_WAIT_KILLABLE = 32,
    FLAGS_KNOWN = 63
};
enum { INSNS_TOTAL_MAX = 32768, FILTER_COST = 4, ERRNO_MAX = 4095 };
#define RET_KILL_PROCESS 0x80000000u
#define RET_KILL_THREAD  0x00000000u
#define RET_TRAP         0x00030000u
#define RET_ERRNO        0x00050000u
#define RET_USER_NOTIF   0x7fc00000u
#define RET_TRACE        0x7ff00000u
#define RET_LOG          0x7ffc0000u
#define RET_ALLOW        0x7fff0000u
#define RET_ACTION       0xffff0000u
#define RET_DATA         0x0000ffffu
#define ARCH_X86_64      0xc000003eu

struct filter {
    struct rcu_head rcu; /* /proc counts the filters of whoever may be leaving */
    atomic_uint refs;
    struct filter *parent;
    bool log;
    struct seccomp_notifier *notifier; /* who answers RET_USER_NOTIF; NULL: nobody */
    unsigned n;
    struct bpf_insn insns[];
};

static struct mutex validate_lock; /* of bpf_valid() */

static struct filter *filter_of(const struct task *task)
{
    return atomic_load_explicit(&((struct task *)task)->seccomp_filter, memory_order_acquire);
}

static void filter_free(struct rcu_head *head)
{
    kfree(container_of(head, struct filter, rcu));
}

static void filter_put(struct filter *filter)
{
    while (filter && atomic_fetch_sub_explicit(&filter->refs, 1, memory_order_acq_rel) == 1) {
        struct filter *parent = filter->parent;
        seccomp_notifier_gone(filter->notifier);
        rcu_call(&filter->rcu, filter_free);
        filter = parent;
    }
}

static void filter_get(struct filter *filter)
{
    if (filter)
        atomic_fetch_add_explicit(&filter->refs, 1, memory_order_relaxed);
}

static void set_mode(struct task *task, int mode)
{
    syscall_filter_enable();
    atomic_store_explicit(&task->seccomp_mode, mode, memory_order_release);
    atomic_fetch_or(&task->thread.watched, WATCH_SECCOMP);
}

void seccomp_inherit(struct task *task)
{
    if (!is_task(current) || !seccomp_mode(current_task()))
        return;
    struct filter *filter = filter_of(current_task());
    filter_get(filter);
    atomic_store_explicit(&task->seccomp_filter, filter, memory_order_release);
    task->no_new_privs |= current_task()->no_new_privs;
    set_mode(task, seccomp_mode(current_task()));
}

void seccomp_free(struct task *task)
{
    filter_put(atomic_exchange(&task->seccomp_filter, NULL));
}

int seccomp_mode(const struct task *task)
{
    return atomic_load_explicit(&((struct task *)task)->seccomp_mode, memory_order_relaxed);
}

unsigned seccomp_count(const struct task *task)
{
    unsigned n = 0;

    for (const struct filter *filter = filter_of(task); filter; filter = filter->parent)
        n++;
    return n;
}

/* --- a call --- */

static bool check(struct regs *regs, int64_t *result, bool again);

/* The whole process, with a core where the signal asks for one, or only the thread. */
static __noreturn void end_by(const struct siginfo *info, bool whole)
{
    log_info("seccomp: %s [%d] ended by call %d", current->name, current_task()->tid,
             (int)syscall_regs()->vector_or_nr);
    if (whole || current_process()->nthreads == 1)
        core_end(syscall_regs(), info);
    task_exit(info->signo);
}

static struct siginfo refusal(const struct seccomp_call *call, uint32_t data)
{
    return (struct siginfo){
        .signo = SIGSYS,
        .err = (int32_t)data,
        .code = SYS_SECCOMP,
        .sys = {.call_addr = call->ip, .nr = call->nr, .arch = call->arch},
    };
}

static int64_t raise_trap(struct regs *regs, const struct seccomp_call *call, uint32_t data)
{
    struct siginfo info = refusal(call, data);

    regs->vector_or_nr = -1ull; /* nothing to start again */
    signal_force(&info);
    return call->nr;
}

static bool strict_allows(int32_t nr)
{
    return nr == NR_read || nr == NR_write || nr == NR_exit || nr == NR_rt_sigreturn;
}

/* The filters' strictest answer; of equals the newest's, which is *whose. */
static uint32_t ask(const struct filter *filter, const struct seccomp_call *call,
                    const struct filter **whose)
{
    uint32_t answer = RET_ALLOW;

    for (; filter; filter = filter->parent) {
        uint32_t one = bpf_run(filter->insns, (const uint32_t *)call, sizeof(*call));
        if ((int32_t)(one & RET_ACTION) < (int32_t)(answer & RET_ACTION))
            answer = one, *whose = filter;
    }
    return answer;
}

/* SECCOMP_RET_TRACE: the tracer may change the call, which the filters see again then. */
static bool ask_tracer(struct regs *regs, int64_t *result, uint32_t data, bool again)
{
    struct task *task = current_task();

    if (again)
        return true;
    regs->rax = (uint64_t)-ENOSYS;
    if (!ptrace_event(task, PTRACE_EVENT_SECCOMP, data) ||
        atomic_load(&current->work) & WORK_EXIT || (int32_t)regs->vector_or_nr == -1) {
        *result = (int64_t)regs->rax;
        return false;
    }
    return check(regs, result, true);
}

static bool check(struct regs *regs, int64_t *result, bool again)
{
    const struct task *task = current_task();
    struct seccomp_call call = {
        .nr = (int32_t)regs->vector_or_nr,
        .arch = ARCH_X86_64,
        .ip = regs->rip,
        .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
    };
    const struct filter *whose = NULL;
    struct siginfo info;
    uint32_t answer;

    if (seccomp_mode(task) == MODE_STRICT) {
        if (!strict_allows(call.nr))
            end_by(&(struct siginfo){.signo = SIGKILL}, false);
        return true;
    }
    answer = ask(filter_of(task), &call, &whose);
    switch (answer & RET_ACTION) {
    case RET_LOG:
        log_info("seccomp: %s [%d]: call %d", current->name, task->tid, call.nr);
        return true;
    case RET_ALLOW:
        return true;
    case RET_ERRNO:
        *result = -(int64_t)MIN(answer & RET_DATA, (uint32_t)ERRNO_MAX);
        return false;
    case RET_TRAP:
        *result = raise_trap(regs, &call, answer & RET_DATA);
        return false;
    case RET_TRACE:
        return ask_tracer(regs, result, answer & RET_DATA, again);
    case RET_USER_NOTIF:
        if (whose->notifier)
            return seccomp_notify(whose->notifier, &call, result);
        *result = -ENOSYS;
        return false;
    default:
        info = refusal(&call, answer & RET_DATA);
        end_by(&info, (answer & RET_ACTION) != RET_KILL_THREAD);
    }
}

bool seccomp_check(struct regs *regs, int64_t *result)
{
    return ptrace_seccomp_suspended(current_task()) || check(regs, result, false);
}

/* --- what tracers ask --- */

/* The filter that was the nth to come; NULL: so many there are not. */
static const struct filter *nth_filter(const struct task *task, uint64_t n)
{
    unsigned count = seccomp_count(task);
    const struct filter *filter = filter_of(task);

    if (n >= count)
        return NULL;
    for (count -= (unsigned)n; count > 1; count--)
        filter = filter->parent;
    return filter;
}

int64_t seccomp_get_filter(const struct task *task, uint64_t n, uintptr_t to)
{
    const struct filter *filter;

    if (!capable(CAP_SYS_ADMIN) || seccomp_mode(current_task()) != MODE_NONE)
        return -EACCES;
    if (seccomp_mode(task) != MODE_FILTER)
        return -EINVAL;
    filter = nth_filter(task, n);
    if (!filter)
        return -ENOENT;
    if (to && user_write(to, filter->insns, filter->n * sizeof(filter->insns[0])) < 0)
        return -EFAULT;
    return filter->n;
}

int64_t seccomp_get_metadata(const struct task *task, uint64_t size, uintptr_t to)
{
    uint64_t data[2] = {0, 0}; /* number of the filter, flags */
    const struct filter *filter;

    if (!capable(CAP_SYS_ADMIN) || seccomp_mode(current_task()) != MODE_NONE)
        return -EACCES;
    size = MIN(size, sizeof(data));
    if (size < sizeof(data[0]))
        return -EINVAL;
    if (user_read(data, to, sizeof(data[0])) < 0)
        return -EFAULT;
    if (seccomp_mode(task) != MODE_FILTER)
        return -EINVAL;
    filter = nth_filter(task, data[0]);
    if (!filter)
        return -ENOENT;
    data[1] = filter->log ? FLAG_LOG : 0;
    return user_write(to, data, size) < 0 ? -EFAULT : (int64_t)size;
}

/* --- new filters --- */

static int read_program(uintptr_t from, struct filter **made)
{
    struct {
        uint16_t n, pad[3];
        uint64_t insns;
    } program;

    if (user_read(&program, from, sizeof(program)) < 0)
        return -EFAULT;
    if (program.n == 0 || program.n > BPF_MAX)
        return -EINVAL;
    if (!current_task()->no_new_privs && !capable(CAP_SYS_ADMIN))
        return -EACCES;
    struct filter *filter = kzalloc(sizeof(*filter) + program.n * sizeof(filter->insns[0]));
    if (!filter)
        return -ENOMEM;
    atomic_init(&filter->refs, 1);
    filter->n = program.n;
    int err = user_read(filter->insns, program.insns, program.n * sizeof(filter->insns[0]));
    if (!err) {
        mutex_lock(&validate_lock);
        err = bpf_valid(filter->insns, filter->n, sizeof(struct seccomp_call)) ? 0 : -EINVAL;
        mutex_unlock(&validate_lock);
    }
    if (err)
        kfree(filter);
    else
        *made = filter;
    return err;
}

static bool is_ancestor(const struct filter *one, const struct filter *of)
{
    for (; of && of != one; of = of->parent)
        ;
    return !one || of;
}

/* The first other thread whose filters are not among the caller's; 0: none. */
static int odd_thread(const struct task *me)
{
    list_for_each_entry (struct task, task, &me->process->threads, process_link)
        if (task != me && seccomp_mode(task) != MODE_NONE &&
            (seccomp_mode(task) != MODE_FILTER || !is_ancestor(filter_of(task), filter_of(me))))
            return task->tid;
    return 0;
}

static void give_to_all(struct task *me, struct filter *filter)
{
    list_for_each_entry (struct task, task, &me->process->threads, process_link) {
        if (task == me || task->exiting)
            continue;
        filter_get(filter);
        filter_put(atomic_exchange(&task->seccomp_filter, filter));
        task->no_new_privs |= me->no_new_privs;
        set_mode(task, MODE_FILTER);
    }
}

/* With process->lock. 0; a thread's number; -ENOMEM. */
static int attach(struct filter *filter, unsigned flags)
{
    struct task *me = current_task();
    uint64_t total = filter->n;

    for (const struct filter *at = filter_of(me); at; at = at->parent)
        total += at->n + FILTER_COST;
    if (total > INSNS_TOTAL_MAX)
        return -ENOMEM;
    if (flags & FLAG_TSYNC) {
        int odd = odd_thread(me);
        if (odd)
            return flags & FLAG_TSYNC_ESRCH ? -ESRCH : odd;
    }
    filter->parent = filter_of(me); /* takes over the thread's reference */
    filter->log = flags & FLAG_LOG;
    atomic_store_explicit(&me->seccomp_filter, filter, memory_order_release);
    set_mode(me, MODE_FILTER);
    if (flags & FLAG_TSYNC)
        give_to_all(me, filter);
    return 0;
}

static bool flags_ok(unsigned flags)
{
    if (flags & ~(unsigned)FLAGS_KNOWN)
        return false;
    /* Both want the result, unless a thread that is in the way is an error. */
    if ((flags & FLAG_TSYNC && flags & FLAG_NEW_LISTENER && !(flags & FLAG_TSYNC_ESRCH)))
        return false;
    return !(flags & FLAG_WAIT_KILLABLE) || flags & FLAG_NEW_LISTENER;
}

/* A thread has one listener at most. */
static bool has_listener(const struct task *task)
{
    for (const struct filter *at = filter_of(task); at; at = at->parent)
        if (at->notifier)
            return true;
    return false;
}

static int try_attach(struct filter *filter, unsigned flags)
{
    int result;

    mutex_lock(&current_process()->lock);
    if (seccomp_mode(current_task()) == MODE_STRICT)
        result = -EINVAL;
    else if (flags & FLAG_NEW_LISTENER && has_listener(current_task()))
        result = -EBUSY;
    else
        result = attach(filter, flags);
    mutex_unlock(&current_process()->lock);
    return result;
}

/* The descriptor of its listener. */
static int64_t attach_with_listener(struct filter *filter, unsigned flags)
{
    struct file *file = NULL;
    int fd = fd_reserve(0), error;

    if (fd < 0)
        return fd;
    error = seccomp_notifier_create(flags & FLAG_WAIT_KILLABLE, &filter->notifier, &file);
    if (!error) {
        error = try_attach(filter, flags);
        if (error) {
            seccomp_notifier_gone(filter->notifier);
            file_put(file);
        }
    }
    return fd_finish(fd, error, file, true);
}

static int64_t add_filter(unsigned flags, uintptr_t from)
{
    struct filter *filter;
    int64_t result;

    if (!flags_ok(flags))
        return -EINVAL;
    result = read_program(from, &filter);
    if (result)
        return result;
    result =
        flags & FLAG_NEW_LISTENER ? attach_with_listener(filter, flags) : try_attach(filter, flags);
    if (flags & FLAG_NEW_LISTENER ? result < 0 : result != 0)
        kfree(filter);
    return result;
}

static int notif_sizes(uintptr_t to)
{
    static const uint16_t sizes[3] = {80, 24, 64}; /* seccomp_notif, _resp, seccomp_data */

    return user_write(to, sizes, sizeof(sizes));
}

static int64_t be_strict(void)
{
    if (seccomp_mode(current_task()) == MODE_FILTER)
        return -EINVAL;
    set_mode(current_task(), MODE_STRICT);
    return 0;
}

static int action_available(uintptr_t from)
{
    uint32_t action;

    if (user_read(&action, from, sizeof(action)) < 0)
        return -EFAULT;
    switch (action) {
    case RET_KILL_PROCESS:
    case RET_KILL_THREAD:
    case RET_TRAP:
    case RET_ERRNO:
    case RET_USER_NOTIF:
    case RET_TRACE:
    case RET_LOG:
    case RET_ALLOW:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

int64_t seccomp_set(uint64_t mode, uintptr_t program)
{
    switch (mode) {
    case MODE_STRICT:
        return be_strict();
    case MODE_FILTER:
        return add_filter(0, program);
    default:
        return -EINVAL;
    }
}

SYSCALL(seccomp, 3, SYSCALL_WHOLE, "")
{
    switch ((unsigned)a0) {
    case SET_MODE_STRICT:
        return (unsigned)a1 || a2 ? -EINVAL : be_strict();
    case SET_MODE_FILTER:
        return add_filter((unsigned)a1, a2);
    case GET_ACTION_AVAIL:
        return (unsigned)a1 ? -EINVAL : action_available(a2);
    case GET_NOTIF_SIZES:
        return (unsigned)a1 ? -EINVAL : notif_sizes(a2);
    default:
        return -EINVAL;
    }
}

static int show_actions(struct text *text, const struct pseudo *self)
{
    text_printf(text, "kill_process kill_thread trap errno user_notif trace log allow\n");
    return 0;
}

static struct pseudo_entry actions = PSEUDO_FILE("actions_avail", show_actions);
static struct pseudo_entry folder = {.name = "seccomp", .mode = S_IFDIR | 0555};

static int seccomp_start(void)
{
    pseudo_register(proc_folder("sys/kernel"), &folder);
    pseudo_register(&folder, &actions);
    return 0;
}
BOOT_STEP(PHASE_FS, "seccomp", seccomp_start);
