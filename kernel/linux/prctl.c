/* linux/prctl.c: prctl(2), arch_prctl(2), personality(2). */
#include "arch/x86_64/context.h"
#include "lib/string.h"
#include "linux/dispatch.h"
#include "linux/patch.h"
#include "linux/path.h"
#include "linux/seccomp.h"
#include "linux/prctl.h"
#include "linux/syscall.h"
#include "linux/task.h"

enum {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG = 2,
    PR_GET_DUMPABLE = 3,
    PR_SET_DUMPABLE = 4,
    PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS = 8,
    PR_GET_TIMING = 13,
    PR_SET_TIMING = 14,
    PR_SET_NAME = 15,
    PR_GET_NAME = 16,
    PR_GET_SECCOMP = 21,
    PR_SET_SECCOMP = 22,
    PR_CAPBSET_READ = 23,
    PR_CAPBSET_DROP = 24,
    PR_GET_TSC = 25,
    PR_SET_TSC = 26,
    PR_GET_SECUREBITS = 27,
    PR_SET_SECUREBITS = 28,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK = 30,
    PR_MCE_KILL = 33,
    PR_MCE_KILL_GET = 34,
    PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER = 37,
    PR_SET_NO_NEW_PRIVS = 38,
    PR_GET_NO_NEW_PRIVS = 39,
    PR_GET_TID_ADDRESS = 40,
    PR_SET_THP_DISABLE = 41,
    PR_GET_THP_DISABLE = 42,
    PR_CAP_AMBIENT = 47,
    PR_SET_VMA = 0x53564d41,
    PR_SET_SYSCALL_USER_DISPATCH = 59,
    PR_SET_PTRACER = 0x59616d61,
    PR_SET_MM = 35,
    PR_GET_SPECULATION_CTRL = 52,
    PR_SET_SPECULATION_CTRL = 53,
    PR_SET_IO_FLUSHER = 57,
    PR_GET_IO_FLUSHER = 58,
    PR_SCHED_CORE = 62,
    PR_GET_AUXV = 0x41555856,
};
enum {
    CAP_SETPCAP = 8,
    SECBITS = 0xfff,
    SECBITS_UNPRIVILEGED =
        0xf00, /* EXEC_RESTRICT_FILE, EXEC_DENY_INTERACTIVE: notes for programs */
    SECBIT_NO_AMBIENT_RAISE = 64
};
enum { TIMER_SLACK_DEFAULT = 50000, MCE_KILL_DEFAULT = 2, TSC_ENABLE = 1 };

static int drop_bounding(uint64_t cap)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST)
        return -EINVAL;
    current_task()->cred.cap_bounding &= ~(1ull << cap);
    return 0;
}

static int ambient(uint64_t how, uint64_t cap, uint64_t rest)
{
    enum { IS_SET = 1, RAISE, LOWER, CLEAR_ALL };
    struct task *task = current_task();
    struct credentials *c = &task->cred;
    uint64_t bit;

    if (how == CLEAR_ALL) {
        if (cap || rest)
            return -EINVAL;
        c->cap_ambient = 0;
        return 0;
    }
    if (rest || cap > CAP_LAST)
        return -EINVAL;
    bit = 1ull << cap;
    switch (how) {
    case IS_SET:
        return !!(c->cap_ambient & bit);
    case RAISE:
        if (!(c->cap_permitted & c->cap_inheritable & bit) ||
            task->securebits & SECBIT_NO_AMBIENT_RAISE)
            return -EPERM;
        c->cap_ambient |= bit;
        return 0;
    case LOWER:
        c->cap_ambient &= ~bit;
        return 0;
    default:
        return -EINVAL;
    }
}

static int set_securebits(uint64_t bits)
{
    struct task *task = current_task();
    uint32_t locked = task->securebits >> 1 & 0x555; /* bits whose lock is on */
    uint64_t changed = task->securebits ^ bits;

    if (bits & ~(uint64_t)SECBITS || (task->securebits & ~bits & 0xaaa) || changed & locked)
        return -EPERM;
    if (!capable(CAP_SETPCAP) && (!changed || changed & ~(uint64_t)SECBITS_UNPRIVILEGED))
        return -EPERM;
    task->securebits = (uint32_t)bits;
    return 0;
}

static int set_name(uintptr_t from)
{
    struct thread *thread = current;
    char name[sizeof(thread->name)] = "";
    ssize_t len = user_read_string(name, from, sizeof(name));

    if (len == -EFAULT)
        return -EFAULT;
    name[sizeof(name) - 1] = 0;
    memcpy(thread->name, name, sizeof(name));
    return 0;
}

static int get_name(uintptr_t to)
{
    char name[sizeof(current->name)] = "";

    strlcpy(name, current->name, sizeof(name));
    return user_write(to, name, sizeof(name));
}

/* --- speculation: as on a processor that none of it affects --- */

enum { SPEC_STORE_BYPASS, SPEC_INDIRECT_BRANCH, SPEC_L1D_FLUSH };
enum { SPEC_NOT_AFFECTED = 0, SPEC_ENABLE = 2, SPEC_DISABLE = 4, SPEC_FORCE_DISABLE = 8 };

static int64_t get_speculation(uint64_t which)
{
    switch (which) {
    case SPEC_STORE_BYPASS:
    case SPEC_INDIRECT_BRANCH:
        return SPEC_NOT_AFFECTED;
    case SPEC_L1D_FLUSH:
        return SPEC_FORCE_DISABLE;
    default:
        return -ENODEV;
    }
}

static int64_t set_speculation(uint64_t which, uint64_t how)
{
    switch (which) {
    case SPEC_STORE_BYPASS:
        return -ENXIO;
    case SPEC_INDIRECT_BRANCH:
        if (how == SPEC_ENABLE)
            return 0;
        return how == SPEC_DISABLE || how == SPEC_FORCE_DISABLE ? -EPERM : -ERANGE;
    case SPEC_L1D_FLUSH:
        return -EPERM;
    default:
        return -ENODEV;
    }
}

/* Whoever may trace this process by its ids may do so anyway, as with Yama's ptrace_scope 0. */
static int set_ptracer(int pid)
{
    bool known;

    rcu_read_lock();
    known = pid == 0 || pid == -1 || task_find(pid);
    rcu_read_unlock();
    return known ? 0 : -EINVAL;
}

static int64_t set(int option, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    struct task *task = current_task();
    struct process *process = task->process;

    switch (option) {
    case PR_SET_PDEATHSIG:
        if (a1 > SIGRTMAX)
            return -EINVAL;
        task->parent_death_signal = (unsigned)a1;
        return 0;
    case PR_SET_DUMPABLE:
        if (a1 > 1)
            return -EINVAL;
        process->dumpable = a1;
        return 0;
    case PR_SET_KEEPCAPS:
        if (a1 > 1)
            return -EINVAL;
        if (task->securebits & SECBIT_KEEP_CAPS << 1)
            return -EPERM; /* locked */
        task->securebits = (task->securebits & ~SECBIT_KEEP_CAPS) | (a1 ? SECBIT_KEEP_CAPS : 0);
        return 0;
    case PR_SET_NAME:
        return set_name(a1);
    case PR_SET_SECUREBITS:
        return set_securebits(a1);
    case PR_SET_TIMERSLACK:
        task->timer_slack_ns = (nsec_t)a1 > 0 ? (nsec_t)a1 : TIMER_SLACK_DEFAULT;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (a1 != 1 || a2 || a3 || a4)
            return -EINVAL;
        task->no_new_privs = true;
        return 0;
    case PR_SET_CHILD_SUBREAPER:
        process->subreaper = a1;
        return 0;
    case PR_SET_THP_DISABLE:
        if (a2 || a3 || a4)
            return -EINVAL;
        process->no_huge_pages = a1;
        return 0;
    case PR_SET_TIMING:
    case PR_SET_TSC:
        return a1 == (option == PR_SET_TSC ? TSC_ENABLE : 0) ? 0 : -EINVAL;
    case PR_MCE_KILL: /* clear, or set to early, late or default */
        if (a1 > 1 || a3 || a4 || (a1 ? a2 > MCE_KILL_DEFAULT : a2))
            return -EINVAL;
        task->mce_kill = (uint8_t)(a1 ? a2 ^ MCE_KILL_DEFAULT : 0);
        return 0;
    case PR_SET_SYSCALL_USER_DISPATCH:
        return dispatch_set(task, a1, a2, a3, a4);
    case PR_SET_PTRACER:
        return set_ptracer((int)a1);
    case PR_SET_VMA:
        return prctl_name_memory(a1, a2, a3, a4);
    case PR_SET_MM:
        return prctl_set_memory((int)a1, a2, a3, a4);
    case PR_SET_SPECULATION_CTRL:
        return a3 || a4 ? -EINVAL : set_speculation(a1, a2);
    case PR_SET_IO_FLUSHER:
        if (!capable(CAP_SYS_RESOURCE))
            return -EPERM;
        if (a2 || a3 || a4 || a1 > 1)
            return -EINVAL;
        process->io_flusher = a1;
        return 0;
    case PR_SCHED_CORE: /* as where no two threads share a core */
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

/* PR_SET_TSC answers as on a processor that cannot refuse its counter to programs: here they run
 * where this one cannot. */
SYSCALL(prctl, 5, SYSCALL_PARTIAL,
        "PR_SET_TSC refuses PR_TSC_SIGSEGV: ring 0 always reads the counter")
{
    struct task *task = current_task();

    switch ((int)a0) {
    case PR_GET_PDEATHSIG:
        return user_put32(a1, task->parent_death_signal);
    case PR_GET_DUMPABLE:
        return task->process->dumpable;
    case PR_GET_KEEPCAPS:
        return !!(task->securebits & SECBIT_KEEP_CAPS);
    case PR_GET_TIMING:
        return 0;
    case PR_GET_SECCOMP:
        return seccomp_mode(task);
    case PR_SET_SECCOMP:
        return seccomp_set(a1, a2);
    case PR_GET_NAME:
        return get_name(a1);
    case PR_CAPBSET_READ:
        return a1 > CAP_LAST ? -EINVAL : (int64_t)(task->cred.cap_bounding >> a1 & 1);
    case PR_CAPBSET_DROP:
        return drop_bounding(a1);
    case PR_GET_TSC:
        return user_put32(a1, TSC_ENABLE);
    case PR_GET_SECUREBITS:
        return task->securebits;
    case PR_GET_TIMERSLACK:
        return task->timer_slack_ns;
    case PR_MCE_KILL_GET:
        return a1 || a2 || a3 || a4 ? -EINVAL : task->mce_kill ^ MCE_KILL_DEFAULT;
    case PR_GET_CHILD_SUBREAPER:
        return user_put32(a1, task->process->subreaper);
    case PR_GET_NO_NEW_PRIVS:
        return a1 || a2 || a3 || a4 ? -EINVAL : task->no_new_privs;
    case PR_GET_TID_ADDRESS:
        return user_put64(a1, task->clear_child_tid);
    case PR_GET_THP_DISABLE:
        return a1 || a2 || a3 || a4 ? -EINVAL : task->process->no_huge_pages;
    case PR_GET_SPECULATION_CTRL:
        return a2 || a3 || a4 ? -EINVAL : get_speculation(a1);
    case PR_GET_IO_FLUSHER:
        if (!capable(CAP_SYS_RESOURCE))
            return -EPERM;
        return a1 || a2 || a3 || a4 ? -EINVAL : task->process->io_flusher;
    case PR_GET_AUXV:
        return a3 || a4 ? -EINVAL : prctl_get_auxv(a1, a2);
    case PR_CAP_AMBIENT:
        return ambient(a1, a2, a3 | a4);
    default:
        return set((int)a0, a1, a2, a3, a4);
    }
}

enum {
    ARCH_SET_GS = 0x1001,
    ARCH_SET_FS = 0x1002,
    ARCH_GET_FS = 0x1003,
    ARCH_GET_GS = 0x1004,
    ARCH_GET_CPUID = 0x1011,
    ARCH_SET_CPUID = 0x1012,
    ARCH_GET_XCOMP_SUPP = 0x1021,
    ARCH_GET_XCOMP_PERM = 0x1022,
    ARCH_REQ_XCOMP_PERM = 0x1023,
    ARCH_GET_XCOMP_GUEST_PERM = 0x1024,
    ARCH_REQ_XCOMP_GUEST_PERM = 0x1025,
    XFEATURES = 19 /* what may be asked for ends with AMX, which there is not */
};

int task_set_gs_base(struct task *task, uint64_t base)
{
    int error = 0;

    if (base)
        error = gs_base_possible() ? patch_own_gs(task->process->space) : -EINVAL;
    if (error)
        return error;
    gs_base_set(&task->thread, base);
    atomic_fetch_or(&task->thread.work, WORK_NOTIFY); /* back by the long way */
    return 0;
}

/* As without shadow stacks, address masking, CPUID faulting and CONFIG_CHECKPOINT_RESTORE. */
SYSCALL(arch_prctl, 2, SYSCALL_WHOLE, "")
{
    switch ((int)a0) {
    case ARCH_SET_FS:
        if (a1 >= USER_END)
            return -EPERM;
        fs_base_set(a1);
        return 0;
    case ARCH_GET_FS:
        return user_put64(a1, fs_base_get());
    case ARCH_SET_GS:
        return a1 >= USER_END ? -EPERM : task_set_gs_base(current_task(), a1);
    case ARCH_GET_GS:
        return user_put64(a1, current->gs_base);
    case ARCH_GET_CPUID:
        return 1;
    case ARCH_SET_CPUID:
        return -ENODEV;
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM:
    case ARCH_GET_XCOMP_GUEST_PERM:
        return user_put64(a1, fpu_mask());
    case ARCH_REQ_XCOMP_PERM:
    case ARCH_REQ_XCOMP_GUEST_PERM:
        return a1 < XFEATURES ? -EOPNOTSUPP : -EINVAL;
    default:
        return -EINVAL;
    }
}

/* MMAP_PAGE_ZERO finds what mmap does: page 0 is below vm.mmap_min_addr for everybody. */
SYSCALL(personality, 1, SYSCALL_WHOLE, "")
{
    struct process *process = current_process();
    uint32_t old = process->personality;

    if ((uint32_t)a0 != 0xffffffff)
        process->personality = (uint32_t)a0;
    return old;
}
