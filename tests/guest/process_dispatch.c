/* PR_SET_SYSCALL_USER_DISPATCH: calls come back to the program as SIGSYS (man 2
 * PR_SET_SYSCALL_USER_DISPATCH). */
#include "ptrace.h"

#include <sys/prctl.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
enum { OFF, ON };

static volatile char selector; /* 0: calls pass, 1: they do not */
static volatile int seen_nr, seen_code, seen_arch;
static volatile long seen_rax, seen_address;

extern const char dispatch_after[];
long dispatch_call(void);
asm(".text\n"
    ".globl dispatch_call, dispatch_after\n"
    "dispatch_call: mov $110, %eax\n"
    "syscall\n"
    "dispatch_after: ret\n");

static void on_sys(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    selector = 0;
    seen_nr = info->si_syscall;
    seen_code = info->si_code;
    seen_arch = (int)info->si_arch;
    seen_address = (long)info->si_call_addr;
    seen_rax = uc->uc_mcontext.gregs[REG_RAX];
    uc->uc_mcontext.gregs[REG_RAX] = 5000 + signo;
}

static void calls_come_back(void)
{
    struct sigaction action = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
    long result = 0;

    sigaction(SIGSYS, &action, NULL);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(dispatch_call(), getppid()); /* a kernel may have rewritten it by now */
    NEED(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector) == 0);
    for (int i = 0; i < 3; i++) {
        selector = 1;
        result = dispatch_call();
        CHECK_EQ(selector, 0);
    }
    CHECK_EQ(result, 5000 + SIGSYS);
    CHECK_EQ(seen_nr, 110);
    CHECK_EQ(seen_rax, 110);
    CHECK_EQ(seen_code, 2); /* SYS_USER_DISPATCH */
    CHECK_EQ(seen_arch, (int)0xc000003e);
    CHECK_EQ(seen_address, (long)dispatch_after);
    CHECK_EQ(dispatch_call(), getppid());
    CHECK_EQ(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, 0), 0);
    selector = 1;
    CHECK_EQ(dispatch_call(), getppid());
    selector = 0;
}

static void a_range_is_free(void)
{
    long result;

    NEED(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, dispatch_call, 64, &selector) == 0);
    selector = 1;
    result = dispatch_call();
    selector = 0;
    CHECK_EQ(result, getppid());
    CHECK_EQ(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, 0), 0);
}

static void errors(void)
{
    CHECK_ERRNO(prctl(PR_SET_SYSCALL_USER_DISPATCH, 9, 0, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 1, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, &selector), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 1, 0, &selector), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, 1ul << 63), EFAULT);
}

static int bad_selector(void)
{
    prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector);
    selector = 7;
    dispatch_call();
    return 1;
}

static int not_inherited(void)
{
    int status;
    pid_t pid;

    prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, &selector);
    pid = fork();
    if (pid == 0) {
        selector = 1;
        dispatch_call();
        _exit(6);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void selectors_and_children(void)
{
    int status = next_status(start_child(bad_selector));

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    CHECK(exited_with(next_status(start_child(not_inherited)), 6));
}

int main(void)
{
    promise("calls come back as SIGSYS while the selector says so", calls_come_back);
    promise("a range of code may call", a_range_is_free);
    promise("errors", errors);
    promise("a bad selector ends the process; a child is free", selectors_and_children);
    return check_end();
}
