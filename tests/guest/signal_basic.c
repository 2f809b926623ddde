// cpus: 1 4
// libc: glibc musl
/* Signals: handlers, masks, the alternate stack, nesting, restart, changed registers. */
#include "check.h"
#include "fault.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile sig_atomic_t count, last_sig, depth, deepest;
static siginfo_t last_info;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)context;
    last_sig = sig;
    last_info = *info;
    count++;
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction act = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

    sigemptyset(&act.sa_mask);
    CHECK_EQ(sigaction(sig, &act, NULL), 0);
}

static void raise_calls_handler(void)
{
    count = 0;
    handle(SIGUSR1, note, 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(count, 1);
    CHECK_EQ(last_sig, SIGUSR1);
    CHECK_EQ(last_info.si_code, SI_TKILL);
    CHECK_EQ(last_info.si_pid, getpid());
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(count, 2);
    CHECK_EQ(last_info.si_code, SI_USER);
    CHECK_EQ(last_info.si_uid, getuid());
}

static void masks_hold_back(void)
{
    sigset_t set, old, pending;

    count = 0;
    handle(SIGUSR1, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(count, 0);
    CHECK_EQ(sigpending(&pending), 0);
    CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    CHECK_EQ(count, 1); /* a standard signal is not queued twice */
    CHECK_ERRNO(sigprocmask(77, &set, NULL), EINVAL);
}

static void kill_and_stop_cannot_be_caught(void)
{
    struct sigaction act = {.sa_handler = SIG_IGN};
    sigset_t all, now;

    CHECK_ERRNO(sigaction(SIGKILL, &act, NULL), EINVAL);
    CHECK_ERRNO(sigaction(SIGSTOP, &act, NULL), EINVAL);
    CHECK_ERRNO(sigaction(65, &act, NULL), EINVAL);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK_EQ(sigismember(&now, SIGKILL), 0);
    CHECK_EQ(sigismember(&now, SIGSTOP), 0);
    CHECK_EQ(sigismember(&now, SIGTERM), 1);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
    CHECK_ERRNO(kill(999999, 0), ESRCH);
    CHECK_EQ(kill(getpid(), 0), 0);
}

static void nest(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (sig == SIGUSR1)
        raise(SIGUSR2);
    else if (sig == SIGUSR2)
        raise(SIGUSR1); /* blocked while its handler runs */
    depth--;
    count++;
}

static void handlers_nest(void)
{
    struct sigaction act = {.sa_sigaction = nest, .sa_flags = SA_SIGINFO};

    count = deepest = 0;
    handle(SIGUSR2, note, 0);
    handle(SIGUSR1, nest, 0);
    raise(SIGUSR1);
    CHECK_EQ(last_sig, SIGUSR2);
    /* With the second masked during the first, it comes after. */
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &act, NULL);
    count = deepest = 0;
    raise(SIGUSR1);
    CHECK_EQ(deepest, 1);
    CHECK_EQ(count, 2);
}

static volatile int nodefer_left;

static void recurse(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (nodefer_left-- > 0)
        raise(sig);
    depth--;
}

static void nodefer_and_resethand(void)
{
    struct sigaction now;

    depth = deepest = 0;
    nodefer_left = 5;
    handle(SIGUSR1, recurse, SA_NODEFER);
    raise(SIGUSR1);
    CHECK_EQ(deepest, 6);
    handle(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
}

static char *alt_low, *alt_high;
static volatile int on_alt, alt_flag;

static void where(int sig, siginfo_t *info, void *context)
{
    char here;
    stack_t now;

    (void)sig, (void)info, (void)context;
    on_alt = &here >= alt_low && &here < alt_high;
    sigaltstack(NULL, &now);
    alt_flag = now.ss_flags;
    CHECK_ERRNO(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), EPERM);
}

static void alternate_stack(void)
{
    size_t size = 64 * 1024;
    stack_t stack = {.ss_sp = malloc(size), .ss_size = size}, old;

    alt_low = stack.ss_sp;
    alt_high = alt_low + size;
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    handle(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK_EQ(on_alt, 1);
    CHECK_EQ(alt_flag, SS_ONSTACK);
    handle(SIGUSR1, note, 0);
    CHECK_EQ(sigaltstack(NULL, &old), 0);
    CHECK(old.ss_sp == stack.ss_sp && old.ss_flags == 0);
    stack.ss_size = 100;
    CHECK_ERRNO(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_size = size;
    stack.ss_flags = 77;
    CHECK_ERRNO(sigaltstack(&stack, NULL), EINVAL);
    stack.ss_flags = SS_DISABLE;
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    free(alt_low);
}

static void skip_two_bytes(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    last_sig = sig;
    last_info = *info;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RBX] = 0x1234567890;
}

static void changed_registers(void)
{
    long rbx = 0;

    handle(SIGILL, skip_two_bytes, 0);
    __asm__ volatile("ud2" : "+b"(rbx));
    CHECK_EQ(last_sig, SIGILL);
    CHECK_EQ(last_info.si_code, ILL_ILLOPN);
    CHECK_EQ(rbx, 0x1234567890);
    signal(SIGILL, SIG_DFL);
}

static volatile int zero_divisor;

static void divide(void *arg)
{
    (void)arg;
    zero_divisor = 10 / zero_divisor;
}

static void breakpoint(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void privileged(void *arg)
{
    (void)arg;
    __asm__ volatile("hlt");
}

static void illegal(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void program_errors(void)
{
    siginfo_t info;

    CHECK_EQ(catch_fault(divide, NULL, &info), SIGFPE);
    CHECK_EQ(info.si_code, FPE_INTDIV);
    CHECK_EQ(catch_fault(illegal, NULL, &info), SIGILL);
    CHECK(info.si_addr == (void *)illegal || (char *)info.si_addr - (char *)illegal < 16);
    CHECK_EQ(catch_fault(breakpoint, NULL, &info), SIGTRAP);
    CHECK_EQ(catch_fault(touch_write, (void *)16, &info), SIGSEGV);
    CHECK(info.si_addr == (void *)16);
}

static void privileged_instruction(void)
{
    unsigned short cs;
    siginfo_t info;

    __asm__("mov %%cs, %0" : "=r"(cs));
    if ((cs & 3) == 0)
        SKIP("programs run in ring 0 here");
    CHECK_EQ(catch_fault(privileged, NULL, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SI_KERNEL);
}

static int pipe_fds[2];

static void *interrupt_main(void *arg)
{
    until_main_sleeps();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    while (!count)
        sleep_ms(1);
    if (write(pipe_fds[1], "x", 1) != 1)
        CHECK(0);
    return NULL;
}

static ssize_t interrupted_read(int flags)
{
    pthread_t self = pthread_self(), helper;
    char byte;
    ssize_t n;
    int error;

    count = 0;
    handle(SIGUSR1, note, flags);
    pthread_create(&helper, NULL, interrupt_main, &self);
    n = read(pipe_fds[0], &byte, 1);
    error = errno;
    pthread_join(helper, NULL);
    if (n < 0 && read(pipe_fds[0], &byte, 1) != 1)
        CHECK(0);
    CHECK_EQ(count, 1);
    errno = error;
    return n;
}

static void restart(void)
{
    NEED(pipe(pipe_fds) == 0);
    CHECK_EQ(interrupted_read(0), -1);
    CHECK_EQ(errno, EINTR);
    CHECK_EQ(interrupted_read(SA_RESTART), 1);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void *kick(void *arg)
{
    until_main_sleeps();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

/* These return EINTR even with SA_RESTART (man 7 signal). */
static void never_restarted(void)
{
    pthread_t self = pthread_self(), helper;
    struct timespec long_time = {50, 0}, left;

    handle(SIGUSR1, note, SA_RESTART);
    pthread_create(&helper, NULL, kick, &self);
    CHECK_ERRNO(nanosleep(&long_time, &left), EINTR);
    CHECK(left.tv_sec <= 50 && (left.tv_sec > 0 || left.tv_nsec > 0)); /* and the slack */
    pthread_join(helper, NULL);
    pthread_create(&helper, NULL, kick, &self);
    CHECK_ERRNO(poll(NULL, 0, 50000), EINTR);
    pthread_join(helper, NULL);
    pthread_create(&helper, NULL, kick, &self);
    CHECK_ERRNO(pause(), EINTR);
    pthread_join(helper, NULL);
}

static void suspend(void)
{
    sigset_t block, none, now;

    count = 0;
    handle(SIGUSR1, note, 0);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    CHECK_ERRNO(sigsuspend(&none), EINTR);
    CHECK_EQ(count, 1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK_EQ(sigismember(&now, SIGUSR1), 1);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static atomic_long handled_by;

static void who(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    atomic_store(&handled_by, syscall(SYS_gettid));
}

static atomic_long other_tid;
static atomic_bool other_may_end;

static void *other_thread(void *arg)
{
    atomic_store(&other_tid, syscall(SYS_gettid));
    while (!atomic_load(&other_may_end))
        sleep_ms(1);
    return arg;
}

static void directed_to_a_thread(void)
{
    pthread_t thread;
    sigset_t block;

    handle(SIGUSR2, who, 0);
    NEED(pthread_create(&thread, NULL, other_thread, NULL) == 0);
    while (atomic_load(&other_tid) == 0)
        sleep_ms(1);
    CHECK_EQ(syscall(SYS_tgkill, getpid(), (int)atomic_load(&other_tid), SIGUSR2), 0);
    for (int i = 0; i < 30000 && atomic_load(&handled_by) == 0; i++)
        sleep_ms(1);
    CHECK_EQ(atomic_load(&handled_by), atomic_load(&other_tid));
    /* One that main blocks goes to the thread that does not. */
    atomic_store(&handled_by, 0);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &block, NULL);
    kill(getpid(), SIGUSR2);
    for (int i = 0; i < 30000 && atomic_load(&handled_by) == 0; i++)
        sleep_ms(1);
    CHECK_EQ(atomic_load(&handled_by), atomic_load(&other_tid));
    pthread_sigmask(SIG_UNBLOCK, &block, NULL);
    atomic_store(&other_may_end, true);
    pthread_join(thread, NULL);
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 999999, SIGUSR2), ESRCH);
    CHECK_ERRNO(syscall(SYS_tgkill, -1, 1, SIGUSR2), EINVAL);
}

static void ignored(void)
{
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    signal(SIGCHLD, SIG_DFL);
    raise(SIGCHLD);
    raise(SIGWINCH);
    raise(SIGURG);
    signal(SIGPIPE, SIG_IGN);
    NEED(pipe(pipe_fds) == 0);
    close(pipe_fds[0]);
    CHECK_ERRNO(write(pipe_fds[1], "x", 1), EPIPE);
    handle(SIGPIPE, note, 0);
    count = 0;
    CHECK_ERRNO(write(pipe_fds[1], "x", 1), EPIPE);
    CHECK_EQ(count, 1);
    close(pipe_fds[1]);
}

static sigjmp_buf out_of_handler;

static void jump_out(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    siglongjmp(out_of_handler, sig);
}

static void long_jumps(void)
{
    volatile int times = 0;

    handle(SIGUSR1, jump_out, 0);
    while (times < 1000) {
        if (sigsetjmp(out_of_handler, 1) == 0) {
            raise(SIGUSR1);
            CHECK(0);
        }
        times++;
    }
    CHECK_EQ(times, 1000);
}

int main(void)
{
    promise("raise and kill call the handler with who and why", raise_calls_handler);
    promise("a mask holds signals back, once each", masks_hold_back);
    promise("SIGKILL and SIGSTOP can be neither caught nor blocked",
            kill_and_stop_cannot_be_caught);
    promise("handlers nest as their masks allow", handlers_nest);
    promise("SA_NODEFER and SA_RESETHAND", nodefer_and_resethand);
    promise("SA_ONSTACK uses the alternate stack", alternate_stack);
    promise("registers changed in a handler are loaded", changed_registers);
    promise("program errors become signals with code and address", program_errors);
    promise("EINTR and SA_RESTART of a read", restart);
    promise("calls that are never restarted", never_restarted);
    promise("sigsuspend waits with another mask", suspend);
    promise("signals go to the thread meant, or to one that takes them", directed_to_a_thread);
    promise("ignored signals, SIGPIPE", ignored);
    promise("1000 long jumps out of handlers", long_jumps);
    promise("a privileged instruction raises SIGSEGV", privileged_instruction);
    return check_end();
}
