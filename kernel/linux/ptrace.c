/* linux/ptrace.c: ptrace(2): what a tracer asks for. */
#include "linux/ptrace.h"

#include "linux/core.h"
#include "linux/dispatch.h"
#include "linux/family.h"
#include "linux/path.h"
#include "linux/seccomp.h"
#include "linux/syscall.h"
#include "lib/string.h"
#include "mm/uaccess.h"

enum request {
    PTRACE_TRACEME = 0,
    PTRACE_PEEKTEXT = 1,
    PTRACE_PEEKDATA = 2,
    PTRACE_PEEKUSER = 3,
    PTRACE_POKETEXT = 4,
    PTRACE_POKEDATA = 5,
    PTRACE_POKEUSER = 6,
    PTRACE_CONT = 7,
    PTRACE_KILL = 8,
    PTRACE_SINGLESTEP = 9,
    PTRACE_GETREGS = 12,
    PTRACE_SETREGS = 13,
    PTRACE_GETFPREGS = 14,
    PTRACE_SETFPREGS = 15,
    PTRACE_ATTACH = 16,
    PTRACE_DETACH = 17,
    PTRACE_OLDSETOPTIONS = 21,
    PTRACE_SYSCALL = 24,
    PTRACE_ARCH_PRCTL = 30,
    PTRACE_SYSEMU = 31,
    PTRACE_SYSEMU_SINGLESTEP = 32,
    PTRACE_SINGLEBLOCK = 33,
    PTRACE_SETOPTIONS = 0x4200,
    PTRACE_GETEVENTMSG = 0x4201,
    PTRACE_GETSIGINFO = 0x4202,
    PTRACE_SETSIGINFO = 0x4203,
    PTRACE_GETREGSET = 0x4204,
    PTRACE_SETREGSET = 0x4205,
    PTRACE_SEIZE = 0x4206,
    PTRACE_INTERRUPT = 0x4207,
    PTRACE_LISTEN = 0x4208,
    PTRACE_PEEKSIGINFO = 0x4209,
    PTRACE_GETSIGMASK = 0x420a,
    PTRACE_SETSIGMASK = 0x420b,
    PTRACE_SECCOMP_GET_FILTER = 0x420c,
    PTRACE_SECCOMP_GET_METADATA = 0x420d,
    PTRACE_GET_SYSCALL_INFO = 0x420e,
    PTRACE_GET_RSEQ_CONFIGURATION = 0x420f,
    PTRACE_SET_USER_DISPATCH = 0x4210,
    PTRACE_GET_USER_DISPATCH = 0x4211,
    PTRACE_SET_SYSCALL_INFO = 0x4212,
};
enum { PEEKSIGINFO_SHARED = 1, CAP_SYS_PTRACE = 19 };
#define AUDIT_ARCH_X86_64 0xc000003eu

/* --- bonds --- */

static int check_options(uint64_t options)
{
    if (options & ~(uint64_t)PTRACE_O_ALL)
        return -EINVAL;
    if (!(options & PTRACE_O_SUSPEND_SECCOMP))
        return 0;
    if (!capable(CAP_SYS_ADMIN) || seccomp_mode(current_task()) ||
        ptrace_seccomp_suspended(current_task()))
        return -EPERM;
    return 0;
}

static int trace_me(void)
{
    struct task *me = current_task(), *tracer;
    struct process *parent;
    int error = -EPERM;

    mutex_lock(&tasks_lock);
    parent = me->process->parent;
    tracer = parent && !me->process->adopted ? task_find(me->process->parent_tid) : NULL;
    if (tracer && tracer->process == parent && !tracer->exiting && !ptrace_of(me))
        error = ptrace_bind(me, tracer, false, 0);
    mutex_unlock(&tasks_lock);
    return error;
}

/* A group stop turns into one that the tracer sees. */
static void take_over_stop(struct task *task)
{
    struct process *process = task->process;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool stopped = process->stopped;

    if (stopped)
        ptrace_of(task)->trap_wanted = true;
    spin_unlock_irq(&process->signal_lock, flags);
    if (stopped) {
        thread_post_work(&task->thread, WORK_SIGNAL);
        wake_all(&process->exit_wait);
    }
}

static int bind_checked(struct task *task, bool seize, unsigned options)
{
    struct process *process = task->process;
    struct siginfo info;
    int error = -EPERM;

    if (process == current_process() || ptrace_access(task, true) < 0)
        return -EPERM;
    mutex_lock(&process->lock); /* it does not end meanwhile */
    if (!task->exiting && !ptrace_of(task))
        error = ptrace_bind(task, current_task(), seize, options);
    mutex_unlock(&process->lock);
    if (error)
        return error;
    if (!seize) {
        signal_simple(&info, SIGSTOP);
        (void)signal_send_task(task, &info);
    }
    take_over_stop(task);
    return 0;
}

static bool arrived(const struct ptrace *p)
{
    const struct task *task = p->task;

    return p->stopped || !p->trap_wanted || !rcu_load(p->tracer) || !task ||
           atomic_load(&task->process->exiting);
}

static int attach(int tid, bool seize, uint64_t addr, uint64_t options)
{
    struct ptrace *p = NULL;
    struct task *task;
    int error;

    if (seize && addr)
        return -EIO;
    if (seize) {
        if (options & ~(uint64_t)PTRACE_O_ALL)
            return -EIO;
        error = check_options(options);
        if (error)
            return error;
    }
    mutex_lock(&tasks_lock);
    task = task_find(tid);
    error = task ? bind_checked(task, seize, seize ? (unsigned)options : 0) : -ESRCH;
    if (!error) {
        p = ptrace_of(task);
        atomic_fetch_add(&p->refs, 1);
    }
    mutex_unlock(&tasks_lock);
    if (error)
        return error;
    (void)WAIT_EVENT(&current_process()->child_wait, arrived(p), WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    ptrace_put(p);
    return 0;
}

/* The tracee of this number with its bond held; it stands, and will until thaw(). running_too: as
 * it is. -ESRCH. */
static int freeze(int tid, bool running_too, struct ptrace **found)
{
    struct task *task;
    struct ptrace *p;
    int error = -ESRCH;
    uint64_t flags;

    mutex_lock(&tasks_lock);
    task = task_find(tid);
    p = task ? ptrace_of(task) : NULL;
    if (p && p->tracer == current_task()) {
        flags = spin_lock_irq(&task->process->signal_lock);
        if (running_too ||
            (p->stopped && !p->listening && !(atomic_load(&task->thread.work) & WORK_EXIT))) {
            p->frozen = !running_too;
            atomic_fetch_add(&p->refs, 1);
            *found = p;
            error = 0;
        }
        spin_unlock_irq(&task->process->signal_lock, flags);
    }
    mutex_unlock(&tasks_lock);
    if (!error && !running_too)
        while (atomic_load(&task->thread.on_rq)) /* until its registers are saved */
            thread_yield();
    return error;
}

static void thaw(struct ptrace *p)
{
    struct process *process = p->process;
    uint64_t flags;

    if (p->frozen) {
        flags = spin_lock_irq(&process->signal_lock);
        p->frozen = false;
        if (p->task && atomic_load(&p->task->thread.work) & WORK_EXIT)
            wake_all(&p->wait);
        spin_unlock_irq(&process->signal_lock, flags);
    }
    ptrace_put(p);
}

/* --- going on --- */

static bool signal_ok(uint64_t signo)
{
    return signo <= SIGRTMAX;
}

static int resume(struct ptrace *p, enum request how, uint64_t signo)
{
    struct process *process = p->process;
    uint64_t flags;

    if (!signal_ok(signo))
        return -EIO;
    ptrace_load_selectors(p);
    p->trace_calls = how == PTRACE_SYSCALL;
    p->emulate_calls = how == PTRACE_SYSEMU || how == PTRACE_SYSEMU_SINGLESTEP;
    /* A block is one instruction, as where the processor does not know DEBUGCTL.BTF. */
    ptrace_set_step(p, how == PTRACE_SINGLESTEP || how == PTRACE_SYSEMU_SINGLESTEP ||
                           how == PTRACE_SINGLEBLOCK);
    flags = spin_lock_irq(&process->signal_lock);
    p->frozen = false;
    ptrace_let_go(p, (int)signo);
    spin_unlock_irq(&process->signal_lock, flags);
    return 0;
}

static int detach(struct ptrace *p, uint64_t signo)
{
    if (!signal_ok(signo))
        return -EIO;
    mutex_lock(&tasks_lock);
    p->frozen = false;
    if (p->tracer)
        ptrace_unbind(p, (int)signo);
    mutex_unlock(&tasks_lock);
    return 0;
}

static int interrupt(struct ptrace *p)
{
    struct process *process = p->process;
    uint64_t flags;

    if (!p->seized)
        return -EIO;
    flags = spin_lock_irq(&process->signal_lock);
    p->trap_wanted = true;
    if (p->listening)
        ptrace_let_go(p, 0);
    else if (p->task)
        thread_post_work(&p->task->thread, WORK_SIGNAL);
    spin_unlock_irq(&process->signal_lock, flags);
    return 0;
}

static int listen(struct ptrace *p)
{
    struct process *process = p->process;
    int error = -EIO;
    uint64_t flags;

    if (!p->seized)
        return -EIO;
    flags = spin_lock_irq(&process->signal_lock);
    if (p->has_info && p->info.code >> 8 == PTRACE_EVENT_STOP) {
        p->listening = true;
        if (p->trap_notify) {
            p->frozen = false;
            ptrace_let_go(p, 0);
        }
        error = 0;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    return error;
}

static int kill_tracee(struct ptrace *p)
{
    process_kill(p->process, SIGKILL);
    return 0;
}

/* --- memory --- */

/* Who traces a process may not look at memory that it has made secret since (by execve(2) of what
 * its user may not read, by prctl(2)). */
static bool memory_is_open(const struct ptrace *p)
{
    return p->process->dumpable == DUMP_AS_USER || cred_has(&current_task()->cred, CAP_SYS_PTRACE);
}

static int peek(struct ptrace *p, uintptr_t addr, uintptr_t to)
{
    uint64_t word;

    if (!memory_is_open(p) ||
        remote_read(p->process->space, addr, &word, sizeof(word), true) != sizeof(word))
        return -EIO;
    return user_put64(to, word);
}

static int poke(struct ptrace *p, uintptr_t addr, uint64_t word)
{
    bool done = memory_is_open(p) &&
                remote_write(p->process->space, addr, &word, sizeof(word), true) == sizeof(word);

    return done ? 0 : -EIO;
}

/* --- registers --- */

static int peek_user(struct ptrace *p, uint64_t offset, uintptr_t to)
{
    uint64_t value;
    int error = ptrace_peek_user(p, offset, &value);

    return error ?: user_put64(to, value);
}

static int get_regs(struct ptrace *p, uintptr_t to)
{
    uint64_t regs[USER_REGS];

    ptrace_get_regs(p, regs);
    return user_write(to, regs, sizeof(regs));
}

static int set_regs(struct ptrace *p, uintptr_t from)
{
    uint64_t regs[USER_REGS];

    if (user_read(regs, from, sizeof(regs)) < 0)
        return -EFAULT;
    return ptrace_set_regs(p, regs, USER_REGS);
}

static int arch_prctl(struct ptrace *p, uint64_t option, uintptr_t addr)
{
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
    enum { FS_BASE = 21 * 8, GS_BASE = 22 * 8 };

    switch (option) {
    case SET_FS:
    case SET_GS:
        return addr >= USER_END ? -EPERM
                                : ptrace_poke_user(p, option == SET_FS ? FS_BASE : GS_BASE, addr);
    case GET_FS:
    case GET_GS:
        return peek_user(p, option == GET_FS ? FS_BASE : GS_BASE, addr);
    default:
        return -EINVAL;
    }
}

/* --- signals --- */

static int get_siginfo(struct ptrace *p, uintptr_t to)
{
    return p->has_info ? user_write(to, &p->info, sizeof(p->info)) : -EINVAL;
}

static int set_siginfo(struct ptrace *p, uintptr_t from)
{
    struct siginfo info;

    if (user_read(&info, from, sizeof(info)) < 0)
        return -EFAULT;
    if (!p->has_info)
        return -EINVAL;
    p->info = info;
    return 0;
}

/* The signal at a place in the queue; false: so many there are not. */
static bool nth_signal(struct ptrace *p, uint64_t n, bool shared, struct siginfo *info)
{
    struct process *process = p->process;
    const struct signal_queue *queue = shared ? &process->pending : &p->task->pending;
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool found = false;

    list_for_each_entry (struct queued_signal, entry, &queue->infos, link)
        if (n-- == 0) {
            *info = entry->info;
            found = true;
            break;
        }
    spin_unlock_irq(&process->signal_lock, flags);
    return found;
}

static int64_t peek_siginfo(struct ptrace *p, uintptr_t from, uintptr_t to)
{
    struct {
        uint64_t offset;
        uint32_t flags;
        int32_t n;
    } args;
    struct siginfo info;
    int64_t i = 0;

    if (user_read(&args, from, sizeof(args)) < 0)
        return -EFAULT;
    if (args.flags & ~(uint32_t)PEEKSIGINFO_SHARED || args.n < 0)
        return -EINVAL;
    for (; i < args.n; i++) {
        if (!nth_signal(p, args.offset + (uint64_t)i, args.flags & PEEKSIGINFO_SHARED, &info))
            break;
        if (user_write(to + (uintptr_t)i * sizeof(info), &info, sizeof(info)) < 0)
            return i ?: -EFAULT;
        if (thread_interrupted(current))
            return i + 1;
    }
    return i;
}

static int get_mask(struct ptrace *p, uint64_t size, uintptr_t to)
{
    const struct task *task = p->task;

    if (size != sizeof(task->signal_mask))
        return -EINVAL;
    return user_put64(to, task->restore_mask ? task->saved_mask : task->signal_mask);
}

static int set_mask(struct ptrace *p, uint64_t size, uintptr_t from)
{
    struct task *task = p->task;
    uint64_t mask;

    if (size != sizeof(mask))
        return -EINVAL;
    if (user_get64(from, &mask) < 0)
        return -EFAULT;
    task->restore_mask = false;
    signal_set_mask(task, mask);
    return 0;
}

/* --- what it is at --- */

struct syscall_info { /* struct ptrace_syscall_info */
    uint8_t op, reserved;
    uint16_t flags;
    uint32_t arch;
    uint64_t ip, sp;
    union {
        struct {
            uint64_t nr, args[6];
            uint32_t ret_data, reserved2; /* seccomp */
        } entry;
        struct {
            int64_t rval;
            uint8_t is_error;
        } exit;
    };
};
enum { INFO_NONE, INFO_ENTRY, INFO_EXIT, INFO_SECCOMP };
enum { INFO_SIZE_NONE = 24, INFO_SIZE_ENTRY = 80, INFO_SIZE_EXIT = 33, INFO_SIZE_SECCOMP = 84 };

static size_t fill_info(struct ptrace *p, struct syscall_info *info)
{
    const struct regs *regs = ptrace_frame(p);
    int code = p->has_info ? p->info.code : 0;

    *info = (struct syscall_info){.arch = AUDIT_ARCH_X86_64, .ip = regs->rip, .sp = regs->rsp};
    if (code == (SIGTRAP | 0x80) && p->message == PTRACE_MESSAGE_EXIT) {
        info->op = INFO_EXIT;
        info->exit.rval = (int64_t)regs->rax;
        info->exit.is_error = regs->rax >= -4095ull;
        return INFO_SIZE_EXIT;
    }
    if (code == (SIGTRAP | 0x80) && p->message == PTRACE_MESSAGE_ENTRY)
        info->op = INFO_ENTRY;
    else if (code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
        info->op = INFO_SECCOMP;
    else
        return INFO_SIZE_NONE;
    info->entry.nr = regs->vector_or_nr;
    memcpy(info->entry.args,
           (uint64_t[]){regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
           sizeof(info->entry.args));
    if (info->op == INFO_ENTRY)
        return INFO_SIZE_ENTRY;
    info->entry.ret_data = (uint32_t)p->message;
    return INFO_SIZE_SECCOMP;
}

static int64_t get_syscall_info(struct ptrace *p, uint64_t size, uintptr_t to)
{
    struct syscall_info info;
    size_t actual = fill_info(p, &info);

    return user_write(to, &info, MIN(size, actual)) < 0 ? -EFAULT : (int64_t)actual;
}

static int set_entry(struct regs *regs, const struct syscall_info *info)
{
    const uint64_t *args = info->entry.args;

    if ((int64_t)info->entry.nr != (int)info->entry.nr)
        return -ERANGE;
    regs->vector_or_nr = info->entry.nr;
    if (~info->entry.nr) {
        regs->rdi = args[0];
        regs->rsi = args[1];
        regs->rdx = args[2];
        regs->r10 = args[3];
        regs->r8 = args[4];
        regs->r9 = args[5];
    }
    return 0;
}

static int set_syscall_info(struct ptrace *p, uint64_t size, uintptr_t from)
{
    struct syscall_info info, now;

    if (size < sizeof(info))
        return -EINVAL;
    if (user_read(&info, from, sizeof(info)) < 0)
        return -EFAULT;
    (void)fill_info(p, &now);
    if (info.reserved || info.flags || info.op != now.op || info.op == INFO_NONE ||
        (info.op == INFO_SECCOMP && info.entry.reserved2))
        return -EINVAL;
    if (info.op != INFO_EXIT)
        return set_entry(ptrace_frame(p), &info);
    ptrace_frame(p)->rax = info.exit.rval;
    return 0;
}

static int64_t get_rseq(struct ptrace *p, uint64_t size, uintptr_t to)
{
    struct {
        uint64_t area;
        uint32_t size, signature, flags, pad;
    } conf = {p->task->rseq_area, p->task->rseq_area ? 32 : 0, p->task->rseq_sig, 0, 0};

    size = MIN(size, sizeof(conf));
    return user_write(to, &conf, size) < 0 ? -EFAULT : (int64_t)size;
}

static int set_options(struct ptrace *p, uint64_t options)
{
    int error = check_options(options);

    if (!error)
        atomic_store(&p->options, (unsigned)options);
    return error;
}

/* --- the call --- */

static int64_t ask_registers(struct ptrace *p, enum request request, uint64_t addr, uint64_t data)
{
    switch (request) {
    case PTRACE_PEEKUSER:
        return peek_user(p, addr, data);
    case PTRACE_POKEUSER:
        return ptrace_poke_user(p, addr, data);
    case PTRACE_GETREGS:
        return get_regs(p, data);
    case PTRACE_SETREGS:
        return set_regs(p, data);
    case PTRACE_GETFPREGS:
        return ptrace_fpregs(p, data, false);
    case PTRACE_SETFPREGS:
        return ptrace_fpregs(p, data, true);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
        return ptrace_regset(p, addr, data, request == PTRACE_SETREGSET);
    case PTRACE_ARCH_PRCTL:
        return arch_prctl(p, data, addr);
    default:
        return -EIO;
    }
}

static int64_t ask(struct ptrace *p, enum request request, uint64_t addr, uint64_t data)
{
    switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
        return peek(p, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
        return poke(p, addr, data);
    case PTRACE_CONT:
    case PTRACE_SINGLESTEP:
    case PTRACE_SYSCALL:
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
    case PTRACE_SINGLEBLOCK:
        return resume(p, request, data);
    case PTRACE_DETACH:
        return detach(p, data);
    case PTRACE_KILL:
        return kill_tracee(p);
    case PTRACE_INTERRUPT:
        return interrupt(p);
    case PTRACE_LISTEN:
        return listen(p);
    case PTRACE_OLDSETOPTIONS:
    case PTRACE_SETOPTIONS:
        return set_options(p, data);
    case PTRACE_GETEVENTMSG:
        return user_put64(data, p->message);
    case PTRACE_GETSIGINFO:
        return get_siginfo(p, data);
    case PTRACE_SETSIGINFO:
        return set_siginfo(p, data);
    case PTRACE_PEEKSIGINFO:
        return peek_siginfo(p, addr, data);
    case PTRACE_GETSIGMASK:
        return get_mask(p, addr, data);
    case PTRACE_SETSIGMASK:
        return set_mask(p, addr, data);
    case PTRACE_SECCOMP_GET_FILTER:
        return seccomp_get_filter(p->task, addr, data);
    case PTRACE_SECCOMP_GET_METADATA:
        return seccomp_get_metadata(p->task, addr, data);
    case PTRACE_GET_SYSCALL_INFO:
        return get_syscall_info(p, addr, data);
    case PTRACE_SET_SYSCALL_INFO:
        return set_syscall_info(p, addr, data);
    case PTRACE_GET_RSEQ_CONFIGURATION:
        return get_rseq(p, addr, data);
    case PTRACE_SET_USER_DISPATCH:
    case PTRACE_GET_USER_DISPATCH:
        return dispatch_config(p->task, addr, data, request == PTRACE_SET_USER_DISPATCH);
    default:
        return ask_registers(p, request, addr, data);
    }
}

SYSCALL(ptrace, 4, SYSCALL_WHOLE, "")
{
    struct ptrace *p = NULL;
    int64_t result;

    if (a0 == PTRACE_TRACEME)
        return trace_me();
    if (a0 == PTRACE_ATTACH || a0 == PTRACE_SEIZE)
        return attach((int)a1, a0 == PTRACE_SEIZE, a2, a3);
    result = freeze((int)a1, a0 == PTRACE_KILL || a0 == PTRACE_INTERRUPT, &p);
    if (result)
        return result;
    result = ask(p, (enum request)a0, a2, a3);
    thaw(p);
    return result;
}
