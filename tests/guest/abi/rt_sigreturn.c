/* man 2 rt_sigreturn: a handler's return, by its own restorer and with a changed frame. */
#include "abi.h"
#include <ucontext.h>

static void skip(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    uc->uc_mcontext.gregs[REG_RAX] = 4711;
    uc->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void frame_is_taken(void)
{
    struct sigaction act = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigset_t now;
    long rax = 1;

    NEED(sigaction(SIGILL, &act, NULL) == 0);
    __asm__ volatile("ud2" : "+a"(rax));
    CHECK_EQ(rax, 4711);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR2));
}

static void without_a_frame(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    pid_t pid = start();

    sigaction(SIGSEGV, &dfl, NULL);
    if (pid == 0) { /* with a stack pointer that shows nothing */
        __asm__ volatile("mov $8, %%rsp; syscall" : : "a"(SYS_rt_sigreturn) : "memory");
        __builtin_unreachable();
    }
    CHECK_EQ(end_of(pid), 1000 + SIGSEGV);
}

int main(void)
{
    promise_apart("rt_sigreturn takes registers and mask of the frame", frame_is_taken);
    promise("rt_sigreturn without a frame ends in SIGSEGV", without_a_frame);
    return check_end();
}
