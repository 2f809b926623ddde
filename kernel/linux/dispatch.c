#include "linux/dispatch.h"

#include "arch/x86_64/entry.h"
#include "linux/core.h"
#include "mm/uaccess.h"

enum { SELECTOR_ALLOW, SELECTOR_BLOCK, SYS_USER_DISPATCH = 2 };
#define AUDIT_ARCH_X86_64 0xc000003eu

int dispatch_set(struct task *task, uint64_t mode, uint64_t offset, uint64_t length,
                 uintptr_t selector)
{
    if (mode > DISPATCH_ON || (mode == DISPATCH_OFF && (offset || length || selector)) ||
        (offset && offset + length <= offset))
        return -EINVAL;
    if (selector && !user_range_ok(selector, 1))
        return -EFAULT;
    task->dispatch = (struct user_dispatch){offset, length, selector};
    if (mode == DISPATCH_ON) {
        syscall_filter_enable();
        atomic_fetch_or(&task->thread.watched, WATCH_DISPATCH);
    } else {
        atomic_fetch_and(&task->thread.watched, ~(unsigned)WATCH_DISPATCH);
    }
    return 0;
}

static __noreturn void end_by(const struct regs *regs, int signo)
{
    struct siginfo info;

    signal_simple(&info, signo);
    core_end(regs, &info);
}

static bool allowed(const struct user_dispatch *dispatch, const struct regs *regs)
{
    uint8_t selector = SELECTOR_BLOCK;

    if (regs->rip - dispatch->offset < dispatch->length)
        return true;
    if (!dispatch->selector)
        return false;
    if (user_read(&selector, dispatch->selector, 1) < 0)
        end_by(regs, SIGSEGV);
    if (selector > SELECTOR_BLOCK)
        end_by(regs, SIGSYS);
    return selector == SELECTOR_ALLOW;
}

bool dispatch_call(struct task *task, struct regs *regs, int64_t *result)
{
    struct siginfo info = {
        .signo = SIGSYS,
        .code = SYS_USER_DISPATCH,
        .sys = {regs->rip, (int32_t)regs->vector_or_nr, AUDIT_ARCH_X86_64},
    };

    if (allowed(&task->dispatch, regs))
        return false;
    *result = (int64_t)regs->vector_or_nr;
    regs->vector_or_nr = -1ull; /* nothing to start again */
    signal_force(&info);
    return true;
}

int dispatch_config(struct task *task, uint64_t size, uintptr_t addr, bool set)
{
    struct {
        uint64_t mode, selector, offset, length;
    } config;
    unsigned watched = atomic_load(&task->thread.watched);

    if (size != sizeof(config))
        return -EINVAL;
    if (set) {
        if (user_read(&config, addr, sizeof(config)) < 0)
            return -EFAULT;
        return dispatch_set(task, config.mode, config.offset, config.length, config.selector);
    }
    config.mode = watched & WATCH_DISPATCH ? DISPATCH_ON : DISPATCH_OFF;
    config.selector = task->dispatch.selector;
    config.offset = task->dispatch.offset;
    config.length = task->dispatch.length;
    return user_write(addr, &config, sizeof(config));
}
