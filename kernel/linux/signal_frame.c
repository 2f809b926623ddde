/* linux/signal_frame.c: the frame of a signal handler on the program's stack, byte for byte as
 * Linux lays it out (arch/x86 uapi: asm/sigcontext.h, asm/ucontext.h), and the way back. */
#include "arch/x86_64/context.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "linux/signal.h"
#include "linux/task.h"
#include "mm/uaccess.h"

enum { RED_ZONE = 128, FX_SIZE = 512, FX_SW_RESERVED = 464 };
enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
enum { FP_XSTATE_MAGIC1 = 0x46505853, FP_XSTATE_MAGIC2 = 0x46505845, MAGIC2_SIZE = 4 };
/* What the program takes for its segments: Linux's user selectors. */
enum { LINUX_USER_CS = 0x33, LINUX_USER_SS = 0x2b };
/* RFLAGS that a frame may change: arithmetic flags, TF, DF, OF, RF, AC. */
#define FLAGS_FROM_FRAME 0x50dd5ull

struct sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
    uint64_t rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct ucontext {
    uint64_t flags, link;
    struct sigaltstack stack;
    struct sigcontext mcontext;
    uint64_t sigmask;
};
struct frame {
    uint64_t pretcode;
    struct ucontext uc;
    struct siginfo info;
};
struct fx_sw_bytes {
    uint32_t magic1, extended_size;
    uint64_t xfeatures;
    uint32_t xstate_size, padding[7];
};
_Static_assert(sizeof(struct sigcontext) == 256, "uapi");
_Static_assert(sizeof(struct frame) == 440, "uapi");
_Static_assert(sizeof(struct fx_sw_bytes) == 48, "uapi");

static bool has_xsave(void)
{
    return fpu_area_size() > FX_SIZE;
}

/* Bytes of the extended state in a frame. */
static size_t fp_frame_size(void)
{
    return fpu_area_size() + (has_xsave() ? MAGIC2_SIZE : 0);
}

size_t signal_frame_max(void)
{
    return ALIGN_UP(sizeof(struct frame) + 8 + fp_frame_size() + 64 + 16, 16);
}

/* --- the alternate stack --- */

static bool on_altstack(const struct task *task, uint64_t rsp)
{
    if (task->altstack_flags & SS_AUTODISARM)
        return false;
    return rsp > task->altstack_base && rsp - task->altstack_base <= task->altstack_size;
}

static unsigned altstack_state(const struct task *task, uint64_t rsp)
{
    if (!task->altstack_size)
        return SS_DISABLE;
    return on_altstack(task, rsp) ? SS_ONSTACK : 0;
}

void signal_altstack_get(const struct task *task, uint64_t rsp, struct sigaltstack *out)
{
    *out = (struct sigaltstack){
        .base = task->altstack_base,
        .flags = altstack_state(task, rsp) | (task->altstack_flags & SS_AUTODISARM),
        .size = task->altstack_size,
    };
}

int signal_altstack(struct task *task, const struct sigaltstack *set, uint64_t rsp, size_t min)
{
    unsigned mode = set->flags & ~SS_AUTODISARM;

    if (on_altstack(task, rsp))
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        task->altstack_base = 0;
        task->altstack_size = 0;
    } else {
        if (set->size < min)
            return -ENOMEM;
        task->altstack_base = set->base;
        task->altstack_size = set->size;
    }
    task->altstack_flags = set->flags;
    return 0;
}

/* --- making a frame --- */

/* Where the stack of the handler begins; 0 if that would run over the alternate stack's end. */
static uint64_t stack_for(const struct task *task, const struct regs *regs,
                          const struct sigaction *action, size_t size)
{
    bool nested = on_altstack(task, regs->rsp);
    uint64_t rsp = regs->rsp - RED_ZONE;

    if (action->flags & SA_ONSTACK && altstack_state(task, rsp) == 0 && !nested)
        return task->altstack_base + task->altstack_size;
    if (nested && !on_altstack(task, rsp - size))
        return 0;
    return rsp;
}

/* The extended state with its description for the program. */
static int push_fp(uint64_t area)
{
    struct fx_sw_bytes sw = {
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = (uint32_t)fp_frame_size(),
        .xfeatures = fpu_mask(),
        .xstate_size = (uint32_t)fpu_area_size(),
    };
    int error = fpu_save_user(area);

    if (error)
        return error;
    if (!has_xsave())
        sw = (struct fx_sw_bytes){};
    else
        error = user_put32(area + fpu_area_size(), FP_XSTATE_MAGIC2);
    return error ?: user_write(area + FX_SW_RESERVED, &sw, sizeof(sw));
}

static void fill_context(struct sigcontext *sc, const struct task *task, const struct regs *regs,
                         uint64_t mask)
{
    *sc = (struct sigcontext){
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rdi = regs->rdi,
        .rsi = regs->rsi,
        .rbp = regs->rbp,
        .rbx = regs->rbx,
        .rdx = regs->rdx,
        .rax = regs->rax,
        .rcx = regs->rcx,
        .rsp = regs->rsp,
        .rip = regs->rip,
        .rflags = regs->rflags,
        .cs = LINUX_USER_CS,
        .ss = LINUX_USER_SS,
        .err = task->trap_error,
        .trapno = task->trap_nr,
        .oldmask = mask,
        .cr2 = task->trap_addr,
    };
}

int signal_frame_push(struct task *task, struct regs *regs, const struct siginfo *info,
                      const struct sigaction *action, uint64_t mask)
{
    struct frame frame = {.pretcode = action->restorer, .info = *info};
    uint64_t top = stack_for(task, regs, action, sizeof(frame) + fp_frame_size()), fp, at;
    int error;

    if (!top || !(action->flags & SA_RESTORER))
        return -EFAULT;
    fp = ALIGN_DOWN(top - fp_frame_size(), 64ul);
    at = ALIGN_DOWN(fp - sizeof(frame), 16ul) - 8; /* as after a call instruction */
    fill_context(&frame.uc.mcontext, task, regs, mask);
    frame.uc.mcontext.fpstate = fp;
    frame.uc.flags = (has_xsave() ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    signal_altstack_get(task, regs->rsp, &frame.uc.stack);
    frame.uc.stack.flags = task->altstack_flags;
    frame.uc.sigmask = mask;
    error = push_fp(fp) ?: user_write(at, &frame, sizeof(frame));
    if (error)
        return error;
    if (task->altstack_flags & SS_AUTODISARM) {
        task->altstack_base = task->altstack_size = 0;
        task->altstack_flags = SS_DISABLE;
    }
    regs->rdi = (uint64_t)info->signo;
    regs->rsi = at + offsetof(struct frame, info);
    regs->rdx = at + offsetof(struct frame, uc);
    regs->rax = 0;
    regs->rip = action->handler;
    regs->rsp = at;
    regs->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_TF | 0x10000 /* RF */);
    regs->vector_or_nr = -1ull;
    fpu_reset_current();
    return 0;
}

/* --- going back --- */

/* How much of the area at fp is valid: all of it if both magic numbers are there. */
static int fp_size(uint64_t fp, size_t *size)
{
    struct fx_sw_bytes sw;
    uint32_t magic2;

    *size = FX_SIZE;
    if (!has_xsave())
        return 0;
    if (user_read(&sw, fp + FX_SW_RESERVED, sizeof(sw)) < 0)
        return -EFAULT;
    if (sw.magic1 != FP_XSTATE_MAGIC1 || sw.xstate_size < FX_SIZE + 64 ||
        sw.xstate_size > fpu_area_size() || sw.xstate_size > sw.extended_size)
        return 0;
    if (user_get32(fp + sw.xstate_size, &magic2) < 0)
        return -EFAULT;
    if (magic2 == FP_XSTATE_MAGIC2)
        *size = sw.xstate_size;
    return 0;
}

static int restore_fp(uint64_t fp)
{
    size_t size;

    if (!fp) {
        fpu_reset_current();
        return 0;
    }
    if (fp_size(fp, &size) < 0)
        return -EFAULT;
    return fpu_restore_user(fp, size);
}

static void restore_context(struct regs *regs, const struct sigcontext *sc)
{
    regs->r8 = sc->r8;
    regs->r9 = sc->r9;
    regs->r10 = sc->r10;
    regs->r11 = sc->r11;
    regs->r12 = sc->r12;
    regs->r13 = sc->r13;
    regs->r14 = sc->r14;
    regs->r15 = sc->r15;
    regs->rdi = sc->rdi;
    regs->rsi = sc->rsi;
    regs->rbp = sc->rbp;
    regs->rbx = sc->rbx;
    regs->rdx = sc->rdx;
    regs->rax = sc->rax;
    regs->rcx = sc->rcx;
    regs->rsp = sc->rsp;
    regs->rip = sc->rip;
    regs->rflags = (regs->rflags & ~FLAGS_FROM_FRAME) | (sc->rflags & FLAGS_FROM_FRAME);
    regs->rflags |= RFLAGS_IF;
    regs->vector_or_nr = -1ull;
}

int64_t signal_frame_pop(struct task *task, struct regs *regs)
{
    struct ucontext uc;
    struct siginfo bad;

    /* The handler's return has taken pretcode off the stack. */
    if (user_read(&uc, regs->rsp - 8 + offsetof(struct frame, uc), sizeof(uc)) < 0)
        goto bad_frame;
    signal_set_mask(task, uc.sigmask);
    restore_context(regs, &uc.mcontext);
    if (restore_fp(uc.mcontext.fpstate) < 0)
        goto bad_frame;
    (void)signal_altstack(task, &uc.stack, regs->rsp, MINSIGSTKSZ);
    if (regs->rip >= USER_END) /* signal_exit_work() looks at it */
        atomic_fetch_or_explicit(&task->thread.work, WORK_SIGNAL, memory_order_relaxed);
    return (int64_t)regs->rax;

bad_frame:
    signal_simple(&bad, SIGSEGV);
    signal_force(&bad);
    regs->vector_or_nr = -1ull;
    return 0;
}
