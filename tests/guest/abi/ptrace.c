/* man 2 ptrace: arguments and the first steps (more: tests/guest/ptrace_*.c). */
#include "abi.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static pid_t traced(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(7);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return pid;
}

static void results(void)
{
    static long word = 0x1122334455667788;
    long got = 0;
    pid_t pid = traced();

    CHECK_EQ(CALL(ptrace, PTRACE_PEEKDATA, pid, &word, &got), 0); /* the call stores the word */
    CHECK_EQ(got, word);
    CHECK_EQ(CALL(ptrace, PTRACE_POKEDATA, pid, &word, 5), 0);
    CHECK_EQ(CALL(ptrace, PTRACE_PEEKTEXT, pid, &word, &got), 0);
    CHECK(got == 5 && word != 5);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKDATA, pid, BAD, &got), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKDATA, pid, &word, BAD), EFAULT);
    CHECK_ERRNO(CALL(ptrace, PTRACE_PEEKUSER, pid, 3, &got), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_SETOPTIONS, pid, NULL, 1 << 30), EINVAL);
    CHECK_ERRNO(CALL(ptrace, 9999, pid, NULL, NULL), EIO);
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 999), EIO);
    CHECK_EQ(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), 0);
    CHECK_EQ(end_of(pid), 7);
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), ESRCH);
}

static void attaching(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0)
        for (;;)
            pause();
    CHECK_ERRNO(CALL(ptrace, PTRACE_CONT, pid, NULL, 0), ESRCH); /* not ours to trace yet */
    CHECK_ERRNO(CALL(ptrace, PTRACE_ATTACH, getpid(), NULL, NULL), EPERM);
    CHECK_ERRNO(CALL(ptrace, PTRACE_SEIZE, pid, 1, 0), EIO);
    if (CALL(ptrace, PTRACE_ATTACH, pid, NULL, NULL) != 0)
        SKIP("attaching is not allowed here");
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    CHECK_ERRNO(CALL(ptrace, PTRACE_ATTACH, pid, NULL, NULL), EPERM); /* once */
    CHECK_ERRNO(CALL(ptrace, PTRACE_DETACH, pid, NULL, 999), EIO);
    CHECK_EQ(CALL(ptrace, PTRACE_DETACH, pid, NULL, SIGKILL), 0);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

/* Code with a breakpoint before it and a jump in it. */
extern char code_start[], code_jump[], code_target[];
__asm__(".pushsection .text\n"
        "code_start: int3\n"
        "mov $5, %eax\n"
        "code_jump: jmp code_target\n"
        "nop\n"
        "code_target: nop\n"
        "ret\n"
        ".popsection");

static pid_t at_breakpoint(void)
{
    pid_t pid = start();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        ((void (*)(void))code_start)();
        _exit(3);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    return pid;
}

static int next_stop(pid_t pid, int how, long signo)
{
    int status = 0;

    CHECK_EQ(CALL(ptrace, how, pid, NULL, signo), 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 1000 + WEXITSTATUS(status);
}

/* To the next jump that is taken, or where the processor does not help, instruction. */
static void blocks(void)
{
    struct user_regs_struct regs;
    pid_t pid = at_breakpoint();

    CHECK_EQ(next_stop(pid, PTRACE_SINGLEBLOCK, 0), SIGTRAP);
    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK(regs.rip == (unsigned long)code_jump || regs.rip == (unsigned long)code_target);
    if (regs.rip == (unsigned long)code_jump)
        CHECK_EQ(next_stop(pid, PTRACE_SINGLEBLOCK, 0), SIGTRAP);
    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(regs.rip, (unsigned long)code_target);
    CHECK_EQ(regs.rax, 5);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), 1003);
}

static int set_selector(pid_t pid, size_t at, unsigned long value)
{
    return CALL(ptrace, PTRACE_POKEUSER, pid, at, value) ? errno : 0;
}

static void selectors(void)
{
    enum {
        CS = offsetof(struct user_regs_struct, cs),
        SS = offsetof(struct user_regs_struct, ss),
        DS = offsetof(struct user_regs_struct, ds),
        NOWHERE = 0xfff3
    };
    struct user_regs_struct regs;
    siginfo_t info;
    pid_t pid = at_breakpoint();

    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK(regs.cs == 0x33 && regs.ss == 0x2b && regs.ds == 0);
    CHECK_EQ(set_selector(pid, CS, 0), EIO);
    CHECK_EQ(set_selector(pid, CS, 0x10), EIO); /* another ring's */
    CHECK_EQ(set_selector(pid, SS, 0), EIO);
    CHECK_EQ(set_selector(pid, DS, 0x10), EIO);
    CHECK_EQ(set_selector(pid, DS, 0x2b), 0);
    CHECK_EQ(next_stop(pid, PTRACE_SINGLESTEP, 0), SIGTRAP);
    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(regs.ds, 0x2b);
    CHECK_EQ(set_selector(pid, CS, NOWHERE), 0);
    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(regs.cs, NOWHERE);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), SIGSEGV); /* nothing has run */
    CHECK_EQ(CALL(ptrace, PTRACE_GETSIGINFO, pid, NULL, &info), 0);
    CHECK_EQ(info.si_code, SI_KERNEL);
    CHECK_EQ(set_selector(pid, CS, 0x33), 0);
    CHECK_EQ(set_selector(pid, SS, 0x33), 0);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), SIGSEGV);
    CHECK_EQ(set_selector(pid, SS, 0x2b), 0);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), 1003);
}

static void gs_base(void)
{
    static unsigned long area[2] = {0, 77};
    struct user_regs_struct regs;
    unsigned long base = 0;
    pid_t pid = start();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        __asm__ volatile("mov %%gs:8, %0" : "=r"(base));
        _exit((int)base);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    CHECK_EQ(CALL(ptrace, PTRACE_GETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(regs.gs_base, 0);
    regs.gs_base = -1ul;
    CHECK_ERRNO(CALL(ptrace, PTRACE_SETREGS, pid, NULL, &regs), EIO);
    regs.gs_base = (unsigned long)area;
    if (CALL(ptrace, PTRACE_SETREGS, pid, NULL, &regs) != 0) {
        kill(pid, SIGKILL);
        SKIP("a processor without FSGSBASE");
    }
    CHECK_EQ(CALL(ptrace, PTRACE_ARCH_PRCTL, pid, &base, 0x1004 /* ARCH_GET_GS */), 0);
    CHECK_EQ(base, (unsigned long)area);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), 1077);
}

/* struct ptrace_syscall_info of Linux 6.16: the number and the result of a call are changed. */
static void calls_by_info(void)
{
    enum { GET = 0x420e, SET = 0x4212, ENTRY = 1, EXIT };
    struct {
        unsigned char op, reserved;
        unsigned short flags;
        unsigned arch;
        unsigned long ip, sp, nr, args[6], more;
    } info;
    pid_t pid = start();
    int status;

    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(syscall(SYS_getppid) == 123 ? 5 : 6);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    CHECK_EQ(CALL(ptrace, PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD), 0);
    CHECK_EQ(next_stop(pid, PTRACE_SYSCALL, 0), SIGTRAP | 0x80); /* the end of kill() */
    while (CALL(ptrace, GET, pid, sizeof info, &info) > 0 &&
           (info.op != ENTRY || info.nr != SYS_getppid))
        if (next_stop(pid, PTRACE_SYSCALL, 0) >= 1000)
            break;
    NEED(info.op == ENTRY && info.nr == SYS_getppid);
    if (CALL(ptrace, SET, pid, sizeof info, &info) != 0 && errno == EIO) {
        CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), 1006);
        SKIP("a kernel before 6.16");
    }
    CHECK_ERRNO(CALL(ptrace, SET, pid, sizeof info - 8, &info), EINVAL);
    CHECK_ERRNO(CALL(ptrace, SET, pid, sizeof info, BAD), EFAULT);
    info.flags = 1;
    CHECK_ERRNO(CALL(ptrace, SET, pid, sizeof info, &info), EINVAL);
    info.flags = 0;
    info.op = EXIT;
    CHECK_ERRNO(CALL(ptrace, SET, pid, sizeof info, &info), EINVAL);
    info.op = ENTRY;
    info.nr = 1ul << 40;
    CHECK_ERRNO(CALL(ptrace, SET, pid, sizeof info, &info), ERANGE);
    info.nr = SYS_getuid;
    CHECK_EQ(CALL(ptrace, SET, pid, sizeof info, &info), 0);
    CHECK_EQ(next_stop(pid, PTRACE_SYSCALL, 0), SIGTRAP | 0x80);
    CHECK(CALL(ptrace, GET, pid, sizeof info, &info) > 0);
    CHECK(info.op == EXIT && info.nr == getuid());
    info.nr = 123; /* rval */
    info.args[0] = 0;
    CHECK_EQ(CALL(ptrace, SET, pid, sizeof info, &info), 0);
    CHECK_EQ(next_stop(pid, PTRACE_CONT, 0), 1005);
}

int main(void)
{
    promise("ptrace of a child: words, errors, going on", results);
    promise("ptrace attaches and detaches", attaching);
    promise("PTRACE_SINGLEBLOCK", blocks);
    promise("selectors that a tracer sets", selectors);
    promise("a tracee's GS base", gs_base);
    promise("PTRACE_SET_SYSCALL_INFO", calls_by_info);
    return check_end();
}
