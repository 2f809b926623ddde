// cpus: 1 4
/* What a debugger does to one thread: signals, memory, registers, system calls, steps (man 2
 * ptrace). */
#include "ptrace.h"

#include <sys/mman.h>

/* getppid as a compiler writes it, with labels. */
extern const char call_site[], call_site_syscall[], call_site_after[], call_site_end[];
long call_site_run(void);
asm(".text\n"
    ".balign 64\n"
    ".globl call_site_run, call_site, call_site_syscall, call_site_after, call_site_end\n"
    "call_site_run:\n"
    "nop\n"
    "call_site: mov $110, %eax\n"
    "call_site_syscall: syscall\n"
    "call_site_after: nop\n"
    "nop\n"
    "call_site_end: ret\n");
static const unsigned char call_site_bytes[8] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0x90};

static volatile int word = 0x1234;
static volatile sig_atomic_t caught, caught_code, caught_pid;

static void on_signal(int signo, siginfo_t *info, void *context __attribute__((unused)))
{
    caught = signo;
    caught_code = info->si_code;
    caught_pid = info->si_pid;
}

static void handle(int signo)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

    sigaction(signo, &action, NULL);
}

static int raise_usr1(void)
{
    handle(SIGUSR1);
    handle(SIGUSR2);
    raise(SIGUSR1);
    return caught;
}

static void signals_pass_the_tracer(void)
{
    pid_t pid = start_traced(raise_usr1);
    siginfo_t info;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_signo, SIGUSR1);
    CHECK_EQ(info.si_code, SI_TKILL);
    CHECK_EQ(info.si_pid, pid);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, SIGUSR1), SIGUSR1));

    pid = start_traced(raise_usr1);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 0)); /* taken away */

    pid = start_traced(raise_usr1);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, SIGUSR2), SIGUSR2)); /* another */
}

static int raise_and_tell_code(void)
{
    handle(SIGUSR1);
    raise(SIGUSR1);
    return caught_code == 77;
}

static void siginfo_can_be_changed(void)
{
    pid_t pid = start_traced(raise_and_tell_code);
    siginfo_t info;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    info.si_code = 77;
    CHECK_EQ(REQUEST(PTRACE_SETSIGINFO, pid, 0, &info), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, SIGUSR1), 1));
}

static int ignore_and_exit(void)
{
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGCHLD);
    return 5;
}

static void ignored_signals_are_seen(void)
{
    pid_t pid = start_traced(ignore_and_exit);

    CHECK(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    CHECK(stopped_with(go_on(PTRACE_CONT, pid, SIGUSR1), SIGCHLD));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, SIGCHLD), 5));
}

static int exit_with_word(void)
{
    return word == 0x4321 ? 1 : 0;
}

static void memory_is_read_and_written(void)
{
    pid_t pid = start_traced(exit_with_word);
    long value;

    errno = 0;
    value = ptrace(PTRACE_PEEKDATA, pid, &word, 0);
    CHECK_EQ(errno, 0);
    CHECK_EQ(value & 0xffffffff, 0x1234);
    CHECK_EQ(REQUEST(PTRACE_POKEDATA, pid, &word, (value & ~0xffffffffL) | 0x4321), 0);
    CHECK_EQ(word, 0x1234); /* the tracer has its own */
    CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, pid, 8, 0), EIO);
    CHECK_ERRNO(REQUEST(PTRACE_POKEDATA, pid, 8, 0), EIO);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 1));
}

static volatile long *constant, *constant_shared;

static int constant_word(void)
{
    return *constant == 0x4321 ? *constant_shared == 0x1234 : 2;
}

static int write_constant(void)
{
    *constant = 1;
    return 0;
}

/* A debugger sets breakpoints in what may only be read: the tracee gets a page of its own. */
static void constants_are_written_for_the_tracee_only(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    constant = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    constant_shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(constant != MAP_FAILED && constant_shared != MAP_FAILED);
    *constant = *constant_shared = 0x1234;
    mprotect((void *)constant, 4096, PROT_READ);
    mprotect((void *)constant_shared, 4096, PROT_READ);

    pid_t pid = start_traced(constant_word);
    CHECK_EQ(REQUEST(PTRACE_POKEDATA, pid, constant, 0x4321), 0);
    CHECK_ERRNO(REQUEST(PTRACE_POKEDATA, pid, constant_shared, 0x4321), EIO);
    CHECK_EQ(*constant, 0x1234);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 1));

    pid = start_traced(write_constant);
    CHECK_EQ(REQUEST(PTRACE_POKEDATA, pid, constant, 0x4321), 0);
    CHECK(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSEGV)); /* it still may not itself */
    CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, constant, 0), 0x4321);
    CHECK_EQ(go_on(PTRACE_CONT, pid, SIGSEGV) & 0x7f, SIGSEGV); /* killed */
    CHECK_EQ(*constant, 0x1234);
}

static long get_rip(pid_t pid)
{
    return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
}

static int run_site(void)
{
    long parent = 0;

    for (int i = 0; i < 100; i++)
        parent = call_site_run();
    raise(SIGSTOP);
    parent = call_site_run();
    return parent == getppid() ? 7 : 8;
}

/* The child has run the call often enough for a kernel that rewrites it. */
static pid_t start_at_site(void)
{
    pid_t pid = start_traced(run_site);

    if (!stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSTOP))
        printf("# no stop before the call\n");
    return pid;
}

static void code_is_what_was_compiled(void)
{
    pid_t pid = start_at_site();
    unsigned char bytes[8], remote[8];
    long value = ptrace(PTRACE_PEEKTEXT, pid, call_site, 0);
    struct iovec to = {remote, 8}, from = {(void *)call_site, 8};
    char path[64];
    FILE *file;

    memcpy(bytes, &value, 8);
    CHECK(memcmp(bytes, call_site_bytes, 8) == 0);
    CHECK_EQ(process_vm_readv(pid, &to, 1, &from, 1, 0), 8);
    CHECK(memcmp(remote, call_site_bytes, 8) == 0);
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    file = fopen(path, "r");
    NEED(file);
    CHECK(fseeko(file, (off_t)call_site, SEEK_SET) == 0 && fread(bytes, 8, 1, file) == 1);
    CHECK(memcmp(bytes, call_site_bytes, 8) == 0);
    fclose(file);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 7));
}

static void set_breakpoint(pid_t pid, const char *at, long *old)
{
    errno = 0;
    *old = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
    CHECK_EQ(errno, 0);
    CHECK_EQ(REQUEST(PTRACE_POKETEXT, pid, at, (*old & ~0xffL) | 0xcc), 0);
}

static void breakpoint_at(const char *at)
{
    pid_t pid = start_at_site();
    siginfo_t info;
    long old;

    set_breakpoint(pid, at, &old);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGTRAP));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_code, SI_KERNEL);
    CHECK_EQ(get_rip(pid), (long)at + 1);
    CHECK_EQ(REQUEST(PTRACE_POKETEXT, pid, at, old), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), at), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 7));
}

static void breakpoints(void)
{
    breakpoint_at(call_site);
    breakpoint_at(call_site_syscall);
    breakpoint_at(call_site_after);
}

static void steps_over_a_call(void)
{
    pid_t pid = start_at_site();
    siginfo_t info;
    long old;

    set_breakpoint(pid, call_site, &old);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGTRAP));
    CHECK_EQ(REQUEST(PTRACE_POKETEXT, pid, call_site, old), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), call_site), 0);
    NEED(stopped_with(go_on(PTRACE_SINGLESTEP, pid, 0), SIGTRAP));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_code, TRAP_TRACE);
    CHECK_EQ((long)info.si_addr, (long)call_site_syscall);
    CHECK_EQ(get_rip(pid), (long)call_site_syscall);
    NEED(stopped_with(go_on(PTRACE_SINGLESTEP, pid, 0), SIGTRAP));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_code, TRAP_BRKPT);
    CHECK_EQ(get_rip(pid), (long)call_site_after);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rax), 0), getpid());
    NEED(stopped_with(go_on(PTRACE_SINGLESTEP, pid, 0), SIGTRAP));
    CHECK_EQ(get_rip(pid), (long)call_site_after + 1);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.eflags), 0) & 0x100, 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 7));
}

static int spin_sites(void)
{
    for (int i = 0; i < 1000; i++)
        call_site_run();
    return 9;
}

/* From the very first instruction: every step is at another place, and none outside the program. */
static void many_steps(void)
{
    pid_t pid = start_traced(spin_sites);
    int status = 0, outside = 0, at_call = 0;

    for (int i = 0; i < 3000; i++) {
        long rip;

        status = go_on(PTRACE_SINGLESTEP, pid, 0);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
            break;
        rip = get_rip(pid);
        at_call += rip == (long)call_site_after;
        if (rip < 0 || ptrace(PTRACE_PEEKTEXT, pid, rip, 0) == -1)
            outside++;
    }
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(outside, 0);
    CHECK(at_call > 50);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 9));
}

static int step_into_handler(void)
{
    handle(SIGUSR1);
    raise(SIGUSR1);
    return caught == SIGUSR1 ? 3 : 4;
}

static void a_step_leads_into_a_handler(void)
{
    pid_t pid = start_traced(step_into_handler);

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1));
    NEED(stopped_with(go_on(PTRACE_SINGLESTEP, pid, SIGUSR1), SIGTRAP));
    CHECK_EQ(get_rip(pid), (long)on_signal);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 3));
}

static void registers(void)
{
    pid_t pid = start_traced(exit_with_word);
    struct user_regs_struct regs, again, set;
    struct iovec iov = {&set, sizeof(set)};

    CHECK_EQ(REQUEST(PTRACE_GETREGS, pid, 0, &regs), 0);
    CHECK_EQ(regs.cs, 0x33);
    CHECK_EQ(regs.ss, 0x2b);
    CHECK(regs.fs_base != 0);
    CHECK_EQ(regs.gs_base, 0);
    CHECK_EQ(REQUEST(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), 0);
    CHECK_EQ(iov.iov_len, sizeof(regs));
    CHECK(memcmp(&regs, &set, sizeof(regs)) == 0);
    regs.rbx = 0x1122334455667788;
    regs.r15 = 0x99aabbccddeeff00;
    CHECK_EQ(REQUEST(PTRACE_SETREGS, pid, 0, &regs), 0);
    CHECK_EQ(REQUEST(PTRACE_GETREGS, pid, 0, &again), 0);
    CHECK(memcmp(&regs, &again, sizeof(regs)) == 0);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.r15), 0),
             (long)0x99aabbccddeeff00);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.r15), 5), 0);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.r15), 0), 5);
    iov.iov_len = 16; /* the first two only */
    CHECK_EQ(REQUEST(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), 0);
    CHECK_EQ(iov.iov_len, 16);
    CHECK_EQ(set.r15, 5);
    end_traced(pid);
}

static int vector_loop(void)
{
    double got;

    asm volatile("movq %1, %%xmm5\n"
                 "mov %2, %%eax\n" /* kill(getpid(), SIGSTOP) would need the libc */
                 "mov %3, %%edi\n"
                 "mov $19, %%esi\n"
                 "syscall\n"
                 "movq %%xmm5, %0\n"
                 : "=r"(got)
                 : "r"(1.5), "i"(SYS_kill), "r"(getpid())
                 : "rax", "rdi", "rsi", "rcx", "r11", "xmm5", "memory");
    return (int)(got * 10);
}

static void vector_registers(void)
{
    pid_t pid = start_traced(vector_loop);
    struct user_fpregs_struct fp;
    static unsigned char area[16384], again[16384];
    struct iovec iov = {area, sizeof(area)}, iov2 = {again, sizeof(again)};
    double value;
    uint64_t mask;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_GETFPREGS, pid, 0, &fp), 0);
    memcpy(&value, &fp.xmm_space[5 * 4], 8);
    CHECK(value == 1.5);
    CHECK_EQ(fp.cwd, 0x37f);
    CHECK_EQ(fp.mxcsr, 0x1f80);
    value = 2.5;
    memcpy(&fp.xmm_space[5 * 4], &value, 8);
    CHECK_EQ(REQUEST(PTRACE_SETFPREGS, pid, 0, &fp), 0);
    if (REQUEST(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) == 0) {
        memcpy(&value, area + 160 + 5 * 16, 8);
        CHECK(value == 2.5);
        memcpy(&mask, area + 464, 8);
        CHECK((mask & 3) == 3);
        CHECK(iov.iov_len >= 576);
        value = 4.5;
        memcpy(area + 160 + 5 * 16, &value, 8);
        CHECK_EQ(REQUEST(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov), 0);
        CHECK_EQ(REQUEST(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov2), 0);
        CHECK_EQ(iov2.iov_len, iov.iov_len);
        CHECK(memcmp(area, again, iov.iov_len) == 0);
        CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 45));
    } else {
        CHECK_EQ(errno, EINVAL); /* no XSAVE */
        CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 25));
    }
}

static int two_calls(void)
{
    long first = syscall(SYS_getppid), second = syscall(SYS_getpid, 1, 2, 3, 4, 5, 6);

    return first == getppid() && second == 4242 ? 11 : 12;
}

static void calls_are_seen_and_changed(void)
{
    pid_t pid = start_traced(two_calls);
    struct ptrace_syscall_info info;

    CHECK_EQ(REQUEST(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP | 0x80));
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0), SYS_getppid);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rax), 0), -ENOSYS);
    CHECK_EQ(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 80);
    CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_ENTRY);
    CHECK_EQ(info.entry.nr, SYS_getppid);
    CHECK_EQ(info.arch, 0xc000003e);
    CHECK_EQ(info.instruction_pointer, get_rip(pid));
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP | 0x80));
    CHECK_EQ(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 33);
    CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
    CHECK_EQ(info.exit.rval, getpid());
    CHECK_EQ(info.exit.is_error, 0);

    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP | 0x80));
    CHECK_EQ(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 80);
    CHECK_EQ(info.entry.nr, SYS_getpid);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(info.entry.args[i], i + 1);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), SYS_gettid), 0);
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP | 0x80));
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rax), 0), pid);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 4242), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 11));
}

/* The end of the half of programs, and the kernel's, where the processor cannot return to. */
static void a_call_returns_to_nowhere(void)
{
    static const uint64_t places[] = {1ull << 47, 1ull << 63, -1ull};

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        pid_t pid = start_traced(two_calls);

        NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP));
        NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP));
        CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), places[i]), 0);
        CHECK(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSEGV));
        end_traced(pid);
    }
}

static void a_call_is_taken_away(void)
{
    pid_t pid = start_traced(two_calls);

    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP)); /* without TRACESYSGOOD */
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP));
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP));
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 4242), 0);
    NEED(stopped_with(go_on(PTRACE_SYSCALL, pid, 0), SIGTRAP));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 11));
}

static void calls_are_emulated(void)
{
    pid_t pid = start_traced(two_calls);
    long nr;

    CHECK_EQ(REQUEST(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    NEED(stopped_with(go_on(PTRACE_SYSEMU, pid, 0), SIGTRAP | 0x80));
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), getpid()), 0);
    NEED(stopped_with(go_on(PTRACE_SYSEMU, pid, 0), SIGTRAP | 0x80)); /* no stop at its end */
    nr = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0);
    CHECK_EQ(nr, SYS_getpid);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 4242), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 11));
}

static int block_and_wait(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 40 + i});
    raise(SIGUSR1);
    raise(SIGSTOP);
    return 0;
}

static void pending_signals_and_mask(void)
{
    pid_t pid = start_traced(block_and_wait);
    struct ptrace_peeksiginfo_args args = {.off = 1, .flags = PTRACE_PEEKSIGINFO_SHARED, .nr = 8};
    siginfo_t infos[8];
    uint64_t mask;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSTOP));
    CHECK_EQ(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos), 2);
    CHECK_EQ(infos[0].si_signo, SIGRTMIN);
    CHECK_EQ(infos[0].si_value.sival_int, 41);
    CHECK_EQ(infos[1].si_value.sival_int, 42);
    args = (struct ptrace_peeksiginfo_args){.nr = 8};
    CHECK_EQ(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos), 1);
    CHECK_EQ(infos[0].si_signo, SIGUSR1);
    CHECK_EQ(REQUEST(PTRACE_GETSIGMASK, pid, 8, &mask), 0);
    CHECK_EQ(mask, 1ull << (SIGUSR1 - 1) | 1ull << (SIGRTMIN - 1));
    mask = 1ull << (SIGRTMIN - 1) | 1ull << (SIGKILL - 1);
    CHECK_EQ(REQUEST(PTRACE_SETSIGMASK, pid, 8, &mask), 0);
    CHECK_EQ(REQUEST(PTRACE_GETSIGMASK, pid, 8, &mask), 0);
    CHECK_EQ(mask, 1ull << (SIGRTMIN - 1));
    CHECK(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGUSR1)); /* not blocked any more */
    end_traced(pid);
}

static int fault_at_once(void)
{
    uintptr_t nowhere = 16;

    asm volatile("movl $1, (%0)" : : "r"(nowhere) : "memory");
    return 0;
}

static void faults_and_kill(void)
{
    pid_t pid = start_traced(fault_at_once);
    siginfo_t info;
    int status;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSEGV));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ((long)info.si_addr, 16);
    CHECK_EQ(info.si_code, SEGV_MAPERR);
    status = go_on(PTRACE_CONT, pid, SIGSEGV);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

    pid = start_traced(fault_at_once);
    kill(pid, SIGKILL);
    status = next_status(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

int main(void)
{
    promise("signals pass the tracer, which may change them", signals_pass_the_tracer);
    promise("siginfo can be changed", siginfo_can_be_changed);
    promise("a tracer sees ignored signals", ignored_signals_are_seen);
    promise("memory is read and written", memory_is_read_and_written);
    promise("a tracer writes to constants, for the tracee only",
            constants_are_written_for_the_tracee_only);
    promise("code is what was compiled, though it has run", code_is_what_was_compiled);
    promise("breakpoints around a system call", breakpoints);
    promise("single steps over a system call", steps_over_a_call);
    promise("thousands of single steps", many_steps);
    promise("a single step leads into a handler", a_step_leads_into_a_handler);
    promise("general registers", registers);
    promise("vector registers", vector_registers);
    promise("system calls are seen and changed", calls_are_seen_and_changed);
    promise("a system call is taken away", a_call_is_taken_away);
    promise("a system call returns to nowhere", a_call_returns_to_nowhere);
    promise("system calls are emulated", calls_are_emulated);
    promise("pending signals and the mask", pending_signals_and_mask);
    promise("faults, and SIGKILL", faults_and_kill);
    return check_end();
}
