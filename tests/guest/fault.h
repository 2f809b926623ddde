/* fault.h: run a function and learn which signal it raised.
 *
 * catch_fault(fn, arg, &info) calls fn(arg) on an alternate signal stack's watch. The result
 * is 0 when it returned, else the number of the synchronous signal (SIGSEGV, SIGBUS, SIGFPE,
 * SIGILL, SIGTRAP) that ended it; info is the signal's, and fault_trapno and fault_errcode are
 * those of its frame. For one thread at a time.
 */
#ifndef FAULT_H
#define FAULT_H

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf fault_back;
static siginfo_t fault_info;
static long fault_trapno, fault_errcode;
static _Alignas(16) char fault_stack[64 * 1024];

static inline void fault_handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    fault_info = *info;
    fault_trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
    fault_errcode = uc->uc_mcontext.gregs[REG_ERR];
    siglongjmp(fault_back, sig);
}

static inline int catch_fault(void (*fn)(void *), void *arg, siginfo_t *info)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction act = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction old[5];
    stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof fault_stack}, old_stack;
    int sig;

    sigaltstack(&stack, &old_stack);
    for (int i = 0; i < 5; i++)
        sigaction(signals[i], &act, &old[i]);
    memset(&fault_info, 0, sizeof fault_info);
    sig = sigsetjmp(fault_back, 1);
    if (sig == 0)
        fn(arg);
    for (int i = 0; i < 5; i++)
        sigaction(signals[i], &old[i], NULL);
    sigaltstack(&old_stack, NULL);
    if (info)
        *info = fault_info;
    return sig;
}

static inline void touch_read(void *at)
{
    (void)*(volatile char *)at;
}

static inline void touch_write(void *at)
{
    *(volatile char *)at = 1;
}

#endif
