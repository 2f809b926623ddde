/* linux/ptrace_regs.c: registers of a task that stands, as struct user (sys/user.h) and the
 * register sets of core files have them. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/debug.h"
#include "lib/string.h"
#include "linux/ptrace.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

/* Words of struct user_regs_struct. */
enum {
    REG_COMMON = 15, /* r15 to rdi, as in struct regs */
    REG_ORIG_RAX = 15,
    REG_RIP,
    REG_CS,
    REG_EFLAGS,
    REG_RSP,
    REG_SS,
    REG_FS_BASE,
    REG_GS_BASE,
    REG_DS,
    REG_ES,
    REG_FS,
    REG_GS
};
enum { USER_SIZE = 912, USER_DEBUGREG = 848, DEBUGREGS = 8 };
enum { LINUX_USER_CS = 0x33, LINUX_USER_SS = 0x2b };
enum { NT_PRSTATUS = 1, NT_PRFPREG = 2, NT_X86_XSTATE = 0x202 };
/* Arithmetic flags, TF, DF, OF, RF, AC; the others are the kernel's. */
#define FLAGS_SETTABLE 0x50dd5ull
#define DR6_QUIET      0xffff0ff0ull

struct regs *ptrace_frame(struct ptrace *p)
{
    return (struct regs *)p->task->thread.kstack_top - 1;
}

/* --- general registers --- */

static uint64_t get_flags(struct ptrace *p)
{
    uint64_t flags = ptrace_frame(p)->rflags;

    return p->forced_tf ? flags & ~(uint64_t)RFLAGS_TF : flags;
}

static void set_flags(struct ptrace *p, uint64_t flags)
{
    struct regs *regs = ptrace_frame(p);

    if (flags & RFLAGS_TF)
        p->forced_tf = false;
    else if (p->forced_tf)
        flags |= RFLAGS_TF;
    regs->rflags = (regs->rflags & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE);
}

static uint64_t get_reg(struct ptrace *p, unsigned i)
{
    const struct regs *regs = ptrace_frame(p);

    switch (i) {
    case REG_ORIG_RAX:
        return regs->vector_or_nr;
    case REG_RIP:
        return regs->rip;
    case REG_CS:
        return regs->cs & 3 ? regs->cs : LINUX_USER_CS;
    case REG_EFLAGS:
        return get_flags(p);
    case REG_RSP:
        return regs->rsp;
    case REG_SS:
        return regs->ss & 3 ? regs->ss : LINUX_USER_SS;
    case REG_FS_BASE:
        return p->task->thread.fs_base;
    case REG_GS_BASE:
        return p->task->thread.gs_base;
    case REG_DS:
    case REG_ES:
    case REG_FS:
    case REG_GS:
        return p->selectors[i - REG_DS];
    default:
        return ((const uint64_t *)regs)[i];
    }
}

/* What Linux does not take for a program's selector: null where `null` is false, or another ring's.
 */
static bool selector_bad(uint16_t value, bool null)
{
    return value ? (value & 3) != 3 : !null;
}

/* CS or SS: any but Linux's own faults on the way back to the program (signal_exit_work), as there
 * is no segment behind it; so does one of 32 bits. */
static int set_code_selector(struct ptrace *p, uint64_t *field, uint16_t value, uint16_t normal,
                             uint16_t own)
{
    if (selector_bad(value, false))
        return -EIO;
    *field = value == normal ? own : value;
    if (value != normal)
        atomic_fetch_or(&p->task->thread.work, WORK_NOTIFY);
    return 0;
}

static int set_reg(struct ptrace *p, unsigned i, uint64_t value)
{
    struct regs *regs = ptrace_frame(p);

    switch (i) {
    case REG_ORIG_RAX:
        regs->vector_or_nr = value;
        return 0;
    case REG_RIP:
        regs->rip = value;
        if (value >= USER_END) /* signal_exit_work() looks at it */
            atomic_fetch_or(&p->task->thread.work, WORK_NOTIFY);
        return 0;
    case REG_CS:
        return set_code_selector(p, &regs->cs, value, LINUX_USER_CS, KERNEL_CS);
    case REG_EFLAGS:
        set_flags(p, value);
        return 0;
    case REG_RSP:
        regs->rsp = value;
        return 0;
    case REG_SS:
        return set_code_selector(p, &regs->ss, value, LINUX_USER_SS, KERNEL_SS);
    case REG_FS_BASE:
        if (value >= USER_END)
            return -EIO;
        p->task->thread.fs_base = value;
        p->task->thread.fpu_cpu = NULL; /* what a processor holds is out of date */
        return 0;
    case REG_GS_BASE:
        return value >= USER_END || task_set_gs_base(p->task, value) < 0 ? -EIO : 0;
    case REG_DS:
    case REG_ES:
    case REG_FS:
    case REG_GS:
        if (selector_bad(value, true))
            return -EIO;
        p->selectors[i - REG_DS] = value;
        return 0;
    default:
        ((uint64_t *)regs)[i] = value;
        return 0;
    }
}

void ptrace_get_regs(struct ptrace *p, uint64_t regs[USER_REGS])
{
    for (unsigned i = 0; i < USER_REGS; i++)
        regs[i] = get_reg(p, i);
}

int ptrace_set_regs(struct ptrace *p, const uint64_t *regs, unsigned n)
{
    int error = 0;

    for (unsigned i = 0; i < n && !error; i++)
        error = set_reg(p, i, regs[i]);
    return error;
}

void ptrace_load_selectors(struct ptrace *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->selectors); i++)
        if (p->selectors[i] & 4 || !(0x71 >> MIN(p->selectors[i] >> 3, 31) & 1))
            p->selectors[i] = 0;
}

void ptrace_set_step(struct ptrace *p, bool step)
{
    struct regs *regs = ptrace_frame(p);

    p->step = step;
    if (step && !(regs->rflags & RFLAGS_TF)) {
        regs->rflags |= RFLAGS_TF;
        p->forced_tf = true;
    } else if (!step && p->forced_tf) {
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
        p->forced_tf = false;
    }
}

/* --- debug registers --- */

/* What is watched: only the program's memory, a length that the address is aligned to. */
static bool control_ok(const struct debug_regs *regs, uint64_t control)
{
    static const uint8_t masks[4] = {0, 1, 7, 3}; /* lengths 1, 2, 8, 4 */

    for (unsigned i = 0; i < 4; i++) {
        unsigned type = control >> (16 + 4 * i) & 3, length = control >> (18 + 4 * i) & 3;

        if (!(control >> (2 * i) & 3))
            continue;
        if (type == 2 || (type == 0 && length != 0) || regs->addr[i] & masks[length] ||
            regs->addr[i] >= USER_END)
            return false;
    }
    return true;
}

static struct debug_regs *debug_of(struct task *task)
{
    if (!task->debug)
        task->debug = kzalloc(sizeof(*task->debug));
    return task->debug;
}

static int set_debug(struct ptrace *p, unsigned i, uint64_t value)
{
    struct debug_regs *regs;

    if (i == 4 || i == 5)
        return -EIO;
    if (i == 6) {
        p->dr6 = value ^ DR6_QUIET;
        return 0;
    }
    if (i < 4 && value >= USER_END)
        return -EINVAL;
    regs = debug_of(p->task);
    if (!regs)
        return -ENOMEM;
    if (i < 4) {
        regs->addr[i] = value;
    } else {
        if (!control_ok(regs, value))
            return -EINVAL;
        regs->control = value & 0xffff03ff & ~0x300ull;
    }
    p->task->thread.notify_moved |= regs->control & 0xff;
    atomic_fetch_or(&p->task->thread.work, WORK_NOTIFY);
    return 0;
}

static uint64_t get_debug(const struct ptrace *p, unsigned i)
{
    const struct debug_regs *regs = p->task->debug;

    if (i == 6)
        return p->dr6 ^ DR6_QUIET;
    if (!regs || i == 4 || i == 5)
        return 0;
    return i < 4 ? regs->addr[i] : regs->control;
}

void ptrace_drop_debug(struct task *task)
{
    struct debug_regs *regs = task->debug;

    if (!regs)
        return;
    task->debug = NULL;
    debug_forget(&task->thread);
    task->thread.notify_moved = task->rseq_area != 0;
    kfree(regs);
}

/* --- struct user --- */

int ptrace_peek_user(struct ptrace *p, uint64_t offset, uint64_t *value)
{
    if (offset & 7 || offset >= USER_SIZE)
        return -EIO;
    if (offset < USER_REGS_SIZE)
        *value = get_reg(p, offset / 8);
    else if (offset >= USER_DEBUGREG)
        *value = get_debug(p, (offset - USER_DEBUGREG) / 8);
    else
        *value = 0;
    return 0;
}

int ptrace_poke_user(struct ptrace *p, uint64_t offset, uint64_t value)
{
    if (offset & 7 || offset >= USER_SIZE)
        return -EIO;
    if (offset < USER_REGS_SIZE)
        return set_reg(p, offset / 8, value);
    return offset >= USER_DEBUGREG ? set_debug(p, (offset - USER_DEBUGREG) / 8, value) : -EIO;
}

/* --- register sets --- */

static size_t set_size(uint64_t type)
{
    switch (type) {
    case NT_PRSTATUS:
        return USER_REGS_SIZE;
    case NT_PRFPREG:
        return FPU_LEGACY_SIZE;
    case NT_X86_XSTATE:
        return fpu_area_size() > FPU_LEGACY_SIZE ? fpu_area_size() : 0;
    default:
        return 0;
    }
}

static int64_t put_set(struct ptrace *p, uint64_t type, uint8_t *buf, uintptr_t to, size_t n)
{
    if (type == NT_PRSTATUS)
        ptrace_get_regs(p, (uint64_t *)buf);
    else
        fpu_area_show(p->task->thread.fpu, buf);
    return user_write(to, buf, n);
}

static int64_t take_set(struct ptrace *p, uint64_t type, uint8_t *buf, uintptr_t from, size_t n)
{
    int error = 0;

    if (type == NT_X86_XSTATE && n != set_size(type))
        return -EFAULT; /* the whole or nothing */
    if (type == NT_PRFPREG)
        fpu_area_show(p->task->thread.fpu, buf);
    if (user_read(buf, from, n) < 0)
        return -EFAULT;
    if (type == NT_PRSTATUS)
        return ptrace_set_regs(p, (const uint64_t *)buf, n / 8);
    error = fpu_area_set(p->task->thread.fpu, buf, type == NT_X86_XSTATE);
    p->task->thread.fpu_cpu = NULL;
    return error;
}

int64_t ptrace_fpregs(struct ptrace *p, uintptr_t addr, bool set)
{
    uint8_t *buf = kzalloc(fpu_area_size());
    int64_t result;

    if (!buf)
        return -ENOMEM;
    result = set ? take_set(p, NT_PRFPREG, buf, addr, FPU_LEGACY_SIZE)
                 : put_set(p, NT_PRFPREG, buf, addr, FPU_LEGACY_SIZE);
    kfree(buf);
    return result;
}

int64_t ptrace_regset(struct ptrace *p, uint64_t type, uintptr_t iovec, bool set)
{
    size_t size = set_size(type);
    struct iovec iov;
    int64_t result;
    uint8_t *buf;

    if (user_read(&iov, iovec, sizeof(iov)) < 0)
        return -EFAULT;
    if (!size || iov.len % 8)
        return -EINVAL;
    iov.len = MIN(iov.len, size);
    buf = kzalloc(MAX(size, fpu_area_size()));
    if (!buf)
        return -ENOMEM;
    result =
        set ? take_set(p, type, buf, iov.base, iov.len) : put_set(p, type, buf, iov.base, iov.len);
    kfree(buf);
    if (result == 0)
        result = user_put64(iovec + offsetof(struct iovec, len), iov.len);
    return result;
}
