/* linux/signal.h: signals (man 7 signal). Sending: any context; the rest in the thread concerned.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"

struct task;
struct process;
struct regs;

enum {
    SIGHUP = 1,
    SIGINT,
    SIGQUIT,
    SIGILL,
    SIGTRAP,
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGKILL,
    SIGUSR1,
    SIGSEGV,
    SIGUSR2,
    SIGPIPE,
    SIGALRM,
    SIGTERM,
    SIGSTKFLT,
    SIGCHLD,
    SIGCONT,
    SIGSTOP,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGURG,
    SIGXCPU,
    SIGXFSZ,
    SIGVTALRM,
    SIGPROF,
    SIGWINCH,
    SIGIO,
    SIGPWR,
    SIGSYS,
    SIGRTMIN = 32,
    SIGRTMAX = 64,
};
#define SIG_DFL    0ul
#define SIG_IGN    1ul
#define SIGMASK(n) (1ull << ((n)-1))

/* siginfo_t as the program sees it (128 bytes). */
struct siginfo {
    int32_t signo, err, code, pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } kill;
        struct {
            int32_t tid, overrun;
            uint64_t value;
        } timer;
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status, pad;
            int64_t utime, stime;
        } child;
        struct {
            uint64_t addr;
        } fault;
        struct {
            int64_t band;
            int32_t fd;
        } poll;
        struct {
            uint64_t call_addr;
            int32_t nr;
            uint32_t arch;
        } sys;
        uint64_t raw[14];
    };
};
enum {
    SI_USER = 0,
    SI_KERNEL = 0x80,
    SI_QUEUE = -1,
    SI_TIMER = -2,
    SI_MESGQ = -3,
    SI_ASYNCIO = -4,
    SI_SIGIO = -5,
    SI_TKILL = -6
};

struct signal_queue {
    uint64_t set;
    struct list infos; /* struct queued_signal, oldest first */
};
struct sigaction {
    uint64_t handler, flags, restorer, mask; /* the kernel's rt_sigaction layout */
};
struct signal_actions {
    atomic_uint refs;
    struct sigaction actions[64];
};

/* One pending signal. An owner may keep an entry of its own (POSIX timers): `taken` is called when
 * it leaves the queue, with signal_lock held; it may still change *info. */
struct queued_signal {
    struct list link;
    struct siginfo info;
    bool queued;
    void (*taken)(struct queued_signal *entry, struct siginfo *info);
};
enum {
    SA_NOCLDSTOP = 1,
    SA_NOCLDWAIT = 2,
    SA_SIGINFO = 4,
    SA_RESTORER = 0x04000000,
    SA_ONSTACK = 0x08000000,
    SA_RESTART = 0x10000000,
    SA_NODEFER = 0x40000000,
};
#define SA_RESETHAND 0x80000000ul
enum { SS_ONSTACK = 1, SS_DISABLE = 2, MINSIGSTKSZ = 2048 };
#define SS_AUTODISARM 0x80000000u
/* si_code of faults. */
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2, SYS_SECCOMP = 1 };

/* Queue a signal for a process (any of its threads) or one task. 0, or -EAGAIN (queue limit). */
int signal_send_process(struct process *process, const struct siginfo *info);
int signal_send_task(struct task *task, const struct siginfo *info);
/* The same for a program that asks for it: -EPERM; signal 0 only asks. task NULL: the process. */
int signal_send_checked(struct process *process, struct task *task, int signo,
                        const struct siginfo *info);
int signal_kill_group(int pgid, int signo, const struct siginfo *info);
/* tgid 0: whatever process the thread belongs to. */
int signal_kill_thread(int tgid, int tid, int signo, const struct siginfo *info);
/* The siginfo that the program gives (0: kill(2)'s) for a signal to this process. */
int signal_info_for(int signo, uintptr_t from, int target, struct siginfo *info);
/* Queue an owner's entry for the task, or (NULL) the process. 0; 1: it is pending still; 2: the
 * signal is ignored. */
int signal_send_entry(struct process *process, struct task *task, struct queued_signal *entry);
/* Take an owner's entry out of its queue, if it is there. */
void signal_withdraw(struct process *process, struct queued_signal *entry);
void signal_queue_init(struct signal_queue *queue);
void signal_queue_drop(struct process *process, struct signal_queue *queue, uint64_t set);
struct signal_actions *signal_actions_create(const struct signal_actions *from);
void signal_actions_put(struct signal_actions *actions);
/* What execve does: handlers become the default; ignored ones stay. */
void signal_actions_reset(struct signal_actions *actions);
/* Wake threads for signals of the process that they may take and the current task will not. With
 * signal_lock held. */
void signal_retarget(struct process *process, uint64_t set);
/* Have all threads of a stopping process come to a stand? True once a stop. With signal_lock held;
 * the caller tells the parent when it has released it. */
bool signal_stop_complete(struct process *process);
/* signal_take() with signal_lock held. */
int signal_take_locked(struct task *task, uint64_t set, struct siginfo *info);
/* An action was set: drop what is ignored now. With signal_lock held. */
void signal_action_changed(struct process *process, int signo);
/* Force a signal on the current task: if it is blocked or ignored the process ends by it. */
void signal_force(const struct siginfo *info);
/* Build a handler's frame; 0 or -EFAULT. Go back from one; the result of rt_sigreturn. */
int signal_frame_push(struct task *task, struct regs *regs, const struct siginfo *info,
                      const struct sigaction *action, uint64_t mask);
int64_t signal_frame_pop(struct task *task, struct regs *regs);
size_t signal_frame_max(void); /* AT_MINSIGSTKSZ */
/* sigaltstack(2) with the program's stack pointer. */
struct sigaltstack {
    uint64_t base;
    uint32_t flags, pad;
    uint64_t size;
};
int signal_altstack(struct task *task, const struct sigaltstack *set, uint64_t rsp, size_t min);
void signal_altstack_get(const struct task *task, uint64_t rsp, struct sigaltstack *out);
/* The program's way out of the kernel: program_exit_hook and program_fault_hook. */
void signal_exit_work(struct regs *regs);
/* With a temporary mask until the next handler has been set up (sigsuspend, ppoll, pselect,
 * epoll_pwait); the old one comes back at the way out. */
void signal_set_temporary_mask(uint64_t mask);
/* What a call with a temporary mask does before it returns: keeps it only if a signal came. */
void signal_restore_mask(bool interrupted);

/* A fault of the current task: cannot be blocked or ignored (ends the process then). */
void signal_fault(struct regs *regs, int signo, int code, uint64_t addr);
/* No memory for the page at addr, which cannot be refused: say so and end the process. */
void signal_out_of_memory(uintptr_t addr, uintptr_t rip);
/* To every process of a group (tty: ^C). Any context. */
int signal_send_group(int pgid, const struct siginfo *info);
void signal_simple(struct siginfo *info, int signo); /* SI_KERNEL */
/* Take the next pending signal within set (sigtimedwait, signalfd); its number or 0. */
int signal_take(struct task *task, uint64_t set, struct siginfo *info);
uint64_t signal_pending_set(struct task *task); /* thread's and process's */
/* Set the mask (SIGKILL and SIGSTOP dropped) and look at what became deliverable. */
void signal_set_mask(struct task *task, uint64_t mask);
const char *signal_name(int signo); /* "SIGSEGV" */
