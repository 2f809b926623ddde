// Signals of a process, its timers, and children that do only what they are told.
#include "families.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

// LEFT OUT: SIGEV_NONE, which Linux calls running after it was stopped; siginfo with codes that
// only the kernel gives; SIGCHLD, which comes when it comes.
#define AUTODISARM 0x80000000u /* of sigaltstack(2) */
enum { CHILDREN = 4, TIMERS = 3, FIRST_RT = 34, COMMAND = 40 /* descriptors: to the children */ };

static struct child {
    pid_t pid;
    bool stopped, ended;
} children[CHILDREN];
static int timers[TIMERS];
static char alternate[1 << 16] __attribute__((aligned(16)));

static const struct named signals[] = {N(SIGUSR1),      N(SIGUSR2), N(SIGTERM), N(FIRST_RT),
                                       N(FIRST_RT + 1), N(SIGURG),  N(SIGWINCH)};
static const struct named odd_signals[] = {N(0),  N(64),      N(65),      N(-1),
                                           N(32), N(SIGKILL), N(SIGSTOP), N(200)};

static const char *who(pid_t pid)
{
    static char text[20];
    for (int i = 0; i < CHILDREN; i++)
        if (pid > 0 && children[i].pid == pid)
            return sprintf(text, "child %d", i), text;
    return pid == getpid()    ? "own"
           : pid == getppid() ? "parent"
           : pid == 0         ? "0"
           : pid < 0          ? "negative"
                              : "other";
}

/* SIGCHLD is not shown: when it comes after a child has stopped is chance. */
static void show_set(uint64_t set)
{
    set &= ~(1ull << (SIGCHLD - 1));
    say(" {");
    for (int sig = 1; sig <= 64; sig++)
        if (set >> (sig - 1) & 1)
            say("%d ", sig);
    say("}");
}

static uint64_t draw_set(void)
{
    uint64_t set = 0;
    for (unsigned i = below(4); i > 0; i--)
        set |= 1ull << (signals[below(COUNT(signals))].value - 1);
    if (chance(3))
        set |= 1ull << (SIGKILL - 1);
    show_set(set);
    return set;
}

static void handle(int sig, siginfo_t *info, void *context)
{
    char here;
    (void)context;
    say(" <%d code=%d from=%s value=%d%s>", sig, info->si_code,
        info->si_code == SI_TIMER ? "timer" : who(info->si_pid),
        info->si_code == SI_QUEUE ? info->si_value.sival_int : 0,
        &here >= alternate && &here < alternate + sizeof(alternate) ? " alternate" : "");
}

/* As the kernel has it, without the libc's trampoline. */
struct action {
    void (*handler)(int, siginfo_t *, void *);
    uint64_t flags;
    void (*restorer)(void);
    uint64_t mask;
};

static void install(int sig, uint64_t flags, uint64_t mask)
{
    struct sigaction act = {.sa_sigaction = handle, .sa_flags = (int)flags | SA_SIGINFO};
    memcpy(&act.sa_mask, &mask, 8);
    sigaction(sig, &act, NULL);
}

/* Nothing may end the process: what has no handler is ignored. */
static void calm(void)
{
    for (unsigned i = 0; i < COUNT(signals); i++)
        install((int)signals[i].value, 0, 0);
}

bool signals_setup(void)
{
    uint64_t none = 1ull << (SIGCHLD - 1);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    calm();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){1000, 1000});
    for (int i = 0; i < TIMERS; i++)
        timers[i] = -1;
    return true;
}

// --- dispositions, masks ---

static void op_action(void)
{
    static const struct named flags[] = {N(SA_NODEFER), N(SA_RESTART), N(SA_ONSTACK),
                                         N(SA_NODEFER), N(SA_ONSTACK), N(SA_NOCLDSTOP)};
    struct action old = {0}, now;
    begin("rt_sigaction");
    bool odd = chance(8);
    int sig = (int)(odd ? ONE(odd_signals) : ONE(signals));
    bool ignore = chance(25);
    uint64_t how = SOME(flags, 2), mask = draw_set();
    long r = call(SYS_rt_sigaction, sig, NULL, &old, chance(97) ? 8 : (arg("4"), 4));
    end(r);
    if (r == 0 && !odd)
        say(" {%s flags=%#lx", old.handler == (void *)SIG_IGN ? "ignored" : "handled",
            old.flags & ~0x04000000ul),
            show_set(old.mask), say("}");
    if (odd) {
        memset(&now, 0, sizeof(now));
        now.handler = (void *)SIG_IGN;
        if (sig != 0 && sig != 64 && sig != 32)
            say(" set=%ld", call(SYS_rt_sigaction, sig, &now, NULL, 8));
        return;
    }
    if (ignore)
        signal(sig, SIG_IGN), say(" ignore");
    else
        install(sig, how, mask);
}

static void op_mask(void)
{
    static const struct named hows[] = {N(SIG_BLOCK),   N(SIG_BLOCK),   N(SIG_UNBLOCK),
                                        N(SIG_UNBLOCK), N(SIG_SETMASK), N(7)};
    uint64_t old = 0;
    begin("rt_sigprocmask");
    uint64_t how = ONE(hows), set = draw_set();
    if (how == SIG_SETMASK)
        set |= 1ull << (SIGCHLD - 1);
    if (how == SIG_UNBLOCK)
        set &= ~(1ull << (SIGCHLD - 1));
    long size = chance(97) ? 8 : CHOOSE(4, 16, 0);
    long r = call(SYS_rt_sigprocmask, how, chance(90) ? &set : NULL, &old, size);
    end(r);
    if (r == 0)
        show_set(old);
}

static void op_send(void)
{
    siginfo_t info = {0};
    begin("send");
    int sig = (int)(chance(93) ? ONE(signals) : ONE(odd_signals)), pid = getpid();
    if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 64)
        sig = 65;
    switch (below(6)) {
    case 0:
        arg("kill");
        return end(call(SYS_kill, pid, sig));
    case 1:
        arg("tkill");
        return end(call(SYS_tkill, chance(90) ? pid : -1, sig));
    case 2:
        arg("tgkill");
        return end(call(SYS_tgkill, chance(90) ? pid : 1, pid, sig));
    case 3: {
        union sigval value = {.sival_int = (int)below(1000)};
        arg("sigqueue");
        return end(sigqueue(pid, sig, value) ? -errno : 0);
    }
    default:
        info.si_code = (int)CHOOSE(SI_QUEUE, SI_TIMER, SI_USER, SI_TKILL, -60);
        info.si_pid = pid;
        info.si_value.sival_int = 77;
        bool thread = chance(50);
        arg(thread ? "rt_tgsigqueueinfo" : "rt_sigqueueinfo");
        return end(thread ? call(SYS_rt_tgsigqueueinfo, pid, pid, sig, &info)
                          : call(SYS_rt_sigqueueinfo, pid, sig, &info));
    }
}

static void op_pending(void)
{
    uint64_t set = 0;
    begin("rt_sigpending");
    long r = call(SYS_rt_sigpending, &set, chance(97) ? 8 : CHOOSE(4, 16));
    end(r);
    show_set(set);
}

static void op_timedwait(void)
{
    struct timespec none = {0, chance(97) ? 0 : -1};
    siginfo_t info = {0};
    begin("rt_sigtimedwait");
    uint64_t set = draw_set();
    long r = call(SYS_rt_sigtimedwait, &set, &info, &none, chance(97) ? 8 : (arg("4"), 4));
    end(r);
    if (r > 0)
        say(" {code=%d from=%s value=%d}", info.si_code,
            info.si_code == SI_TIMER ? "timer" : who(info.si_pid),
            info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
}

static void op_suspend(void)
{
    uint64_t pending = 0, mask;
    begin("rt_sigsuspend");
    mask = draw_set() | 1ull << (SIGCHLD - 1);
    syscall(SYS_rt_sigpending, &pending, 8);
    for (unsigned i = 0; i < COUNT(signals); i++) { // ignored ones do not end it
        struct action act;
        syscall(SYS_rt_sigaction, signals[i].value, NULL, &act, 8);
        if (act.handler == (void *)SIG_IGN)
            pending &= ~(1ull << (signals[i].value - 1));
    }
    end(pending & ~mask ? call(SYS_rt_sigsuspend, &mask, 8) : 0);
}

static void op_altstack(void)
{
    static const struct named flags[] = {N(0),          N(0), N(SS_DISABLE),
                                         N(AUTODISARM), N(4), N(SS_ONSTACK)};
    stack_t now = {.ss_sp = alternate}, old = {0};
    begin("sigaltstack");
    now.ss_flags = (int)ONE(flags);
    now.ss_size = (size_t)CHOOSE(sizeof(alternate), sizeof(alternate), 0, 2047, 100);
    long r = call(SYS_sigaltstack, chance(80) ? &now : NULL, &old);
    end(r);
    if (r == 0)
        say(" {%s flags=%#x size=%zu}", old.ss_sp == alternate ? "set" : "none", old.ss_flags,
            old.ss_size);
}

static void op_signalfd(void)
{
    struct signalfd_siginfo info = {0};
    begin("signalfd");
    uint64_t set = draw_set();
    int fd = (int)call(SYS_signalfd4, -1, &set, chance(97) ? 8 : 4, SFD_NONBLOCK);
    end(fd < 0 ? fd : 0);
    if (fd < 0)
        return;
    long r = call(SYS_read, fd, &info, sizeof(info));
    say(" read=%ld", r);
    if (r > 0)
        say(" {%u code=%d from=%s value=%d}", info.ssi_signo, info.ssi_code,
            info.ssi_code == SI_TIMER ? "timer" : who((int)info.ssi_pid),
            info.ssi_code == SI_QUEUE ? info.ssi_int : 0);
    close(fd);
}

// --- timers: whether they run ---

static void op_timer(void)
{
    static const struct named clocks[] = {N(CLOCK_MONOTONIC),
                                          N(CLOCK_REALTIME),
                                          N(CLOCK_BOOTTIME),
                                          N(CLOCK_THREAD_CPUTIME_ID),
                                          N(99),
                                          N(-1)};
    struct sigevent event = {0};
    unsigned which = below(TIMERS);
    begin("timer");
    arg("#%u", which);
    if (timers[which] < 0) {
        event.sigev_notify = (int)CHOOSE(SIGEV_SIGNAL, SIGEV_THREAD_ID, SIGEV_THREAD, 9);
        event.sigev_signo = (int)CHOOSE(SIGUSR1, SIGUSR1, FIRST_RT, 0, 65);
        event._sigev_un._tid = chance(80) ? getpid() : 1;
        uint64_t clock = ONE(clocks);
        arg("create");
        int id = -1;
        long r = call(SYS_timer_create, clock, chance(90) ? &event : NULL, &id);
        timers[which] = r == 0 ? id : -1;
        return end(r);
    }
    struct itimerspec now = {0}, old = {0};
    long r;
    switch (below(5)) {
    case 0:
        arg("delete");
        r = call(SYS_timer_delete, timers[which]);
        timers[which] = -1;
        return end(r);
    case 1:
        arg("overrun");
        return end(call(SYS_timer_getoverrun, timers[which]));
    case 2:
        arg("get");
        r = call(SYS_timer_gettime, timers[which], &old);
        break;
    default:
        arg("set");
        now.it_value.tv_sec = CHOOSE(0, 100000, 100000, -1);
        now.it_value.tv_nsec = chance(95) ? 0 : CHOOSE(-1, 1000000000);
        now.it_interval.tv_sec = CHOOSE(0, 5);
        r = call(SYS_timer_settime, timers[which], CHOOSE(0, 0, 8), &now, &old);
    }
    end(r);
    say(" %s interval=%ld", old.it_value.tv_sec || old.it_value.tv_nsec ? "runs" : "stands",
        (long)old.it_interval.tv_sec);
}

static void op_itimer(void)
{
    struct itimerval now = {0}, old = {0};
    begin("setitimer");
    long which = chance(95) ? CHOOSE(ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF) : CHOOSE(3, -1);
    if (which == ITIMER_REAL)
        which = ITIMER_VIRTUAL; // the run's own alarm
    now.it_value.tv_sec = CHOOSE(0, 100000, -1);
    now.it_value.tv_usec = chance(95) ? 0 : CHOOSE(-1, 1000000);
    now.it_interval.tv_sec = CHOOSE(0, 7);
    end(call(SYS_setitimer, which, &now, &old));
    say(" %s interval=%ld", old.it_value.tv_sec ? "runs" : "stands", (long)old.it_interval.tv_sec);
}

// --- children ---

static void child_runs(int commands)
{
    char c;
    uint64_t none = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int sig = 1; sig < 65; sig++)
        signal(sig, SIG_DFL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    while (read(commands, &c, 1) == 1) {
        if (c < 100)
            _exit(c);
        if (c == 'p')
            setpgid(0, 0);
        if (c == 's')
            setsid();
        if (write(commands, "", 1) != 1)
            break;
    }
    _exit(0);
}

static int draw_child(void)
{
    int i = (int)below(CHILDREN);
    arg("child %d", i);
    return i;
}

/* Until it is what the last call has made of it: without taking it away. */
static void settle(struct child *child, int options)
{
    siginfo_t info;
    while (call(SYS_waitid, P_PID, child->pid, &info, options | WNOWAIT | __WALL, NULL) == -EINTR)
        ;
}

static void op_fork(void)
{
    static const struct named exits[] = {N(SIGCHLD), N(SIGCHLD), N(SIGCHLD), N(0)};
    begin("fork");
    int i = draw_child(), ends[2];
    struct child *child = &children[i];
    uint64_t exit_signal = ONE(exits);
    if (child->pid)
        return end(0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return end(-errno);
    long pid = syscall(SYS_clone, exit_signal, 0, 0, 0, 0);
    if (pid == 0) {
        close(ends[0]);
        child_runs(ends[1]);
    }
    dup2(ends[0], COMMAND + i);
    close(ends[0]);
    close(ends[1]);
    *child = (struct child){.pid = (pid_t)pid};
    say(") %s", pid > 0 ? "made" : "failed");
}

static void op_command(void)
{
    begin("command");
    int i = draw_child();
    char c = (char)CHOOSE(0, 1, 42, 99, 'p', 's');
    struct child *child = &children[i];
    if (!child->pid || child->stopped || child->ended)
        return end(0);
    if (write(COMMAND + i, &c, 1) != 1)
        return end(-errno);
    if (c < 100) {
        settle(child, WEXITED);
        child->ended = true;
    } else if (read(COMMAND + i, &c, 1) != 1) {
        say(" gone");
    }
    end(1);
}

static void op_kill(void)
{
    static const struct named some[] = {N(SIGKILL), N(SIGSTOP), N(SIGSTOP), N(SIGCONT),
                                        N(SIGCONT), N(0),       N(SIGCHLD), N(65)};
    begin("kill");
    int i = draw_child();
    struct child *child = &children[i];
    int sig = (int)ONE(some);
    if (!child->pid)
        return end(0);
    int how = (int)below(3);
    long r;
    if (how == 1) {
        int fd = (int)call(SYS_pidfd_open, child->pid, 0);
        arg("pidfd");
        r = call(SYS_pidfd_send_signal, fd, sig, NULL, 0);
        close(fd);
    } else {
        r = how == 2 ? call(SYS_tgkill, child->pid, child->pid, sig)
                     : call(SYS_kill, child->pid, sig);
    }
    end(r);
    if (r != 0 || child->ended)
        return;
    if (sig == SIGKILL) {
        settle(child, WEXITED);
        child->ended = true;
        child->stopped = false;
    } else if (sig == SIGSTOP && !child->stopped) {
        settle(child, WSTOPPED);
        child->stopped = true;
    } else if (sig == SIGCONT && child->stopped) {
        settle(child, WCONTINUED);
        child->stopped = false;
    }
}

static void forget(pid_t pid)
{
    for (int i = 0; i < CHILDREN; i++)
        if (children[i].pid == pid) {
            close(COMMAND + i);
            children[i].pid = 0;
        }
}

static void op_wait4(void)
{
    static const struct named flags[] = {N(WUNTRACED), N(WCONTINUED),  N(__WALL),
                                         N(__WCLONE),  N(__WNOTHREAD), N(0x10)};
    struct rusage usage;
    int status = -1;
    begin("wait4");
    int i = draw_child();
    pid_t pid = children[i].pid ? children[i].pid : (pid_t)0x3ffffff;
    if (chance(10))
        pid = 0, arg("0");
    long r = call(SYS_wait4, pid, &status, SOME(flags, 2) | WNOHANG, &usage);
    if (r > 0)
        say(") = %s status %#x", who((pid_t)r), status);
    else
        end(r);
    if (r > 0 && (WIFEXITED(status) || WIFSIGNALED(status)))
        forget((pid_t)r);
}

static void op_waitid(void)
{
    static const struct named flags[] = {N(WEXITED),    N(WEXITED),  N(WSTOPPED),
                                         N(WCONTINUED), N(WNOWAIT),  N(WNOWAIT),
                                         N(__WALL),     N(__WCLONE), N(0x10)};
    static const struct named types[] = {N(P_PID), N(P_PID), N(P_PGID), N(P_PIDFD), N(9)};
    siginfo_t info = {0};
    begin("waitid");
    uint64_t type = ONE(types);
    int i = draw_child(), fd = -1;
    pid_t id = children[i].pid ? children[i].pid : (pid_t)0x3ffffff;
    if (type == P_PIDFD)
        id = fd = (int)call(SYS_pidfd_open, id, 0);
    if (type == P_PGID && chance(50))
        id = 0, arg("0");
    long r = call(SYS_waitid, type, id, &info, SOME(flags, 3) | WNOHANG, NULL);
    end(r);
    if (fd >= 0)
        close(fd);
    if (r == 0 && info.si_pid)
        say(" {%s code=%d status=%d uid=%u}", who(info.si_pid), info.si_code, info.si_status,
            info.si_uid);
    pid_t pid = info.si_pid;
    if (r == 0 && pid && info.si_code != CLD_STOPPED && info.si_code != CLD_CONTINUED &&
        call(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) < 0)
        forget(pid);
}

static void op_ids(void)
{
    begin("ids");
    int i = draw_child();
    pid_t pid = children[i].pid;
    if (!pid)
        return end(0);
    say(" pgid=%s", who((pid_t)call(SYS_getpgid, pid)));
    pid_t session = (pid_t)call(SYS_getsid, pid);
    say(" sid=%s)", session == getsid(0) ? "same" : who(session));
}

static void op_setpgid(void)
{
    begin("setpgid");
    int i = draw_child(), of = draw_child();
    pid_t group = chance(30) ? (arg("0"), 0) : children[of].pid;
    if (!children[i].pid)
        return end(0);
    if (group == 0 && !chance(50))
        group = getpgrp(), arg("own");
    end(call(SYS_setpgid, children[i].pid, group));
}

static void op_pidfd(void)
{
    begin("pidfd_open");
    int i = draw_child();
    long flags = CHOOSE(0, 0, 0x800, 1);
    if (!children[i].pid)
        return end(0);
    int fd = (int)call(SYS_pidfd_open, children[i].pid, flags);
    end(fd < 0 ? fd : 0);
    if (fd < 0)
        return;
    long r = call(SYS_pidfd_getfd, fd, CHOOSE(2, 99, -1), chance(90) ? 0 : 1);
    say(" getfd=%s", r < 0 ? error_name(-r) : "0");
    if (r >= 0)
        close((int)r);
    siginfo_t info = {0};
    info.si_code = (int)CHOOSE(SI_QUEUE, SI_USER, 1, -60);
    info.si_signo = (int)CHOOSE(SIGCHLD, SIGURG, SIGWINCH);
    r = call(SYS_pidfd_send_signal, fd, SIGCHLD, &info, chance(90) ? 0 : 99);
    say(" send=%s", r < 0 ? error_name(-r) : "0");
    close(fd);
}

const struct op signals_ops[] = {
    {op_action, 8},  {op_mask, 14},    {op_send, 20},    {op_pending, 5}, {op_timedwait, 10},
    {op_suspend, 3}, {op_altstack, 4}, {op_signalfd, 6}, {op_timer, 6},   {op_itimer, 2},
    {op_fork, 10},   {op_command, 8},  {op_kill, 12},    {op_wait4, 6},   {op_waitid, 10},
    {op_ids, 3},     {op_setpgid, 4},  {op_pidfd, 4},    {NULL, 0},
};
