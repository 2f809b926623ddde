// Filters of seccomp: small programs, drawn, in a child that makes harmless calls under them.
#include "limits.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PROGRAM_MAX = 12 };

// LEFT OUT: USER_NOTIF, which needs a second process (tests/guest/abi/seccomp.c).
static const struct named answers[] = {
    N(SECCOMP_RET_ALLOW),
    N(SECCOMP_RET_ERRNO | 7),
    N(SECCOMP_RET_ERRNO | 0xffff),
    N(SECCOMP_RET_ERRNO),
    N(SECCOMP_RET_TRAP | 5),
    N(SECCOMP_RET_TRACE | 3),
    N(SECCOMP_RET_LOG),
    N(SECCOMP_RET_KILL_THREAD),
    N(SECCOMP_RET_KILL_PROCESS),
    N(0x00040000),
    N(0x12340000),
};
static const struct named watched[] = {N(SYS_getppid), N(SYS_getuid), N(SYS_umask), N(SYS_dup),
                                       N(SYS_lseek)};

static struct sock_filter statement(uint16_t code, uint32_t k)
{
    return (struct sock_filter)BPF_STMT(code, k);
}

static struct sock_filter jump(uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
    return (struct sock_filter){code, (uint8_t)yes, (uint8_t)no, k};
}

/* One instruction, now and then none that seccomp takes. */
static struct sock_filter draw_instruction(unsigned left)
{
    static const uint16_t alu[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,
                                   BPF_AND, BPF_LSH, BPF_RSH, BPF_XOR};
    static const uint16_t jumps[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
    static const uint32_t numbers[] = {0, 1, 2, 3, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t k = numbers[below(COUNT(numbers))];
    uint16_t source = chance(40) ? BPF_X : BPF_K;
    switch (below(12)) {
    case 0:
    case 1: { // LEFT OUT: the instruction pointer
        unsigned word = below(chance(97) ? 16 : 20);
        return statement(BPF_LD | BPF_W | BPF_ABS, 4 * (word == 2 || word == 3 ? 4 : word));
    }
    case 2:
        return statement(BPF_LD | BPF_IMM, k);
    case 3:
        return statement(chance(50) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, below(4));
    case 4:
        return statement(chance(50) ? BPF_ST : BPF_STX, below(chance(97) ? 4 : 17));
    case 5:
        return statement(BPF_MISC | (chance(50) ? BPF_TAX : BPF_TXA), 0);
    case 6:
        return statement(BPF_ALU | BPF_NEG, 0);
    case 7:
    case 8:
        return statement(BPF_ALU | alu[below(COUNT(alu))] | source, k);
    case 9:
    case 10:
        return jump(BPF_JMP | jumps[below(COUNT(jumps))] | source, k, below(left + 1),
                    below(left + 1));
    default:
        return chance(80) ? statement(BPF_LDX | BPF_IMM, k)
                          : statement((uint16_t)(rnd() >> 20 & 0xff), k);
    }
}

/* For one call: what was computed decides between two answers; others are let through. */
static unsigned draw_filter(struct sock_filter *to)
{
    unsigned n = 0, body = below(6);
    to[n++] = statement(BPF_LD | BPF_W | BPF_ABS, 0);
    to[n++] = jump(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ONE(watched), 1, 0);
    to[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    for (unsigned i = 0; i < body; i++) {
        to[n] = draw_instruction(body - i - 1);
        arg("%x:%x:%u:%u", to[n].code, to[n].k, to[n].jt, to[n].jf);
        n++;
    }
    to[n++] = jump(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1);
    to[n++] = statement(BPF_RET | BPF_K, (uint32_t)ONE(answers));
    to[n++] = statement(BPF_RET | BPF_K, (uint32_t)ONE(answers));
    return n;
}

static void trapped(int sig, siginfo_t *info, void *context)
{
    (void)context;
    say(" <%d code=%d errno=%d call=%d arch=%d>", sig, info->si_code, info->si_errno,
        info->si_syscall, info->si_arch == AUDIT_ARCH_X86_64);
}

static void show(const char *name, long r)
{
    say(" %s=%s", name, r < 0 && r > -4096 ? error_name(-r) : "ok");
    if (r < 0 && !strerrorname_np((int)-r))
        say("%ld", r);
}

static void child(void)
{
    static const struct named flags[] = {N(SECCOMP_FILTER_FLAG_TSYNC), N(SECCOMP_FILTER_FLAG_LOG),
                                         N(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
                                         N(SECCOMP_FILTER_FLAG_TSYNC_ESRCH), N(0x100)};
    struct sock_filter filter[PROGRAM_MAX + 8];
    struct sigaction act = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (chance(80))
        sigaction(SIGSYS, &act, NULL);
    for (unsigned filters = 1 + below(3); filters > 0; filters--) {
        struct sock_fprog program = {.filter = filter};
        begin("filter");
        program.len = (unsigned short)draw_filter(filter);
        if (chance(4))
            program.len = chance(50) ? 0 : 4097;
        if (chance(50))
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), arg("no new privileges");
        if (chance(30))
            end(call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
        else
            end(call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, chance(80) ? 0 : SOME(flags, 2),
                     &program));
        say(" ");
    }
    if (chance(3))
        say("strict %ld", call(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
    if (chance(10)) {
        uint32_t action = (uint32_t)ONE(answers);
        show("available", call(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
    }
    show("getppid", call(SYS_getppid, 1, 2, 3, 4, 5, 6));
    show("getuid", call(SYS_getuid, -1l, 1l << 32, 0, 0, 0, 7));
    show("umask", call(SYS_umask, below(2) * 022, 0, 0, 0, 0, 0));
    show("dup", call(SYS_dup, (long)(1ull << 32 | 0xffffffff), 0, 31, 32, 33, 1));
    show("lseek", call(SYS_lseek, 99, -1, rnd() & 3, 0, 0, 0));
    show("mode", prctl(PR_GET_SECCOMP));
    _exit(0);
}

void filter_one(void)
{
    int status = 0;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        child();
    if (pid < 0)
        return say("fork: %s", error_name(errno));
    waitpid((pid_t)pid, &status, 0);
    say(" status %#x", status);
}
