#include "proxy.h"

#include "backlog.h"
#include "core.h"
#include "flow.h"
#include "qemu.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    GRACE_MS = 3000,     /* for QEMU to end once the program has */
    LINGER_MS = 1000,    /* for its last bytes once it has ended */
    BACKGROUND_MS = 300, /* how often to see whether the terminal is ours again */
    REPORT_MS = 5000,    /* for the kernel to say what it does, when time is up */
    WIDEN_MS = 20,       /* how often to look whether QEMU listens */
    WIDEN_TIMES = 500,   /* then it never will */
    SAID_MAX = 4096,     /* of what QEMU prints itself */
    LINE_MAX_SIZE = 512, /* of a control line */
    ORDERS_MAX = 4096,   /* bytes of control lines waiting for the VM */
    STATUS_NONE = -1,
    FIXED = 4,        /* descriptors waited for beside the flows: turn() */
    EXIT_PANIC = 121, /* QEMU's own status when the kernel wrote 60 to the exit port */
};

enum flow_name { IN, OUT, ERR, TTY_IN, TTY_OUT, CONSOLE, FLOWS };

struct proxy {
    const struct proxy_request *request;
    struct flow flow[FLOWS];
    int control;
    int core;
    int signals;
    int said_fd;
    struct text said;
    struct text orders;       /* lines for the VM not yet written */
    char line[LINE_MAX_SIZE]; /* a line of the VM not yet whole */
    size_t line_size;
    pid_t qemu;
    bool qemu_ended;
    int qemu_status;
    int status;     /* of the program, or STATUS_NONE */
    int killed_by;  /* the signal that ended the program, or 0 */
    int stopped_by; /* our second INT or TERM, or 0 */
    bool asked;     /* a first INT or TERM went to the program */
    bool timed_out;
    bool lingered;
    uint64_t timeout_at, grace_at, linger_at, widen_at; /* ms; 0: not set */
    unsigned widened;                                   /* times that it was tried */
};

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void kill_qemu(struct proxy *proxy)
{
    if (!proxy->qemu_ended)
        kill(proxy->qemu, SIGKILL);
}

static void order(struct proxy *proxy, const char *line)
{
    if (proxy->orders.size + strlen(line) <= ORDERS_MAX)
        text_str(&proxy->orders, line);
}

static void order_signal(struct proxy *proxy, int number)
{
    char line[32];

    snprintf(line, sizeof line, "signal %d\n", number);
    order(proxy, line);
}

static void order_size(struct proxy *proxy)
{
    unsigned rows, columns;
    char line[48];

    if (!terminal_size(proxy->request->terminal, &rows, &columns))
        return;
    snprintf(line, sizeof line, "winsize %u %u\n", rows, columns);
    order(proxy, line);
}

/* Be stopped as any program, and the VM with us. */
static void stop_self(struct proxy *proxy)
{
    terminal_restore();
    proxy->request->terminal->raw = false;
    kill(proxy->qemu, SIGSTOP);
    raise(SIGSTOP);
    kill(proxy->qemu, SIGCONT);
    order_size(proxy);
}

static void reap(struct proxy *proxy)
{
    int status;

    if (proxy->qemu_ended || waitpid(proxy->qemu, &status, WNOHANG) != proxy->qemu)
        return;
    proxy->qemu_ended = true;
    proxy->qemu_status = status;
    proxy->linger_at = now_ms() + LINGER_MS;
}

static void forward_signal(struct proxy *proxy, int number)
{
    bool ends = number == SIGINT || number == SIGTERM;

    if (ends && (proxy->asked || proxy->qemu_ended)) {
        proxy->stopped_by = number;
        kill_qemu(proxy);
        return;
    }
    proxy->asked |= ends;
    order_signal(proxy, number);
}

static void take_signals(struct proxy *proxy)
{
    struct signalfd_siginfo info;

    while (read(proxy->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(proxy);
            break;
        case SIGWINCH:
            order_size(proxy);
            break;
        case SIGTSTP:
            stop_self(proxy);
            break;
        case SIGCONT:
            break;
        default:
            forward_signal(proxy, (int)info.ssi_signo);
        }
    }
}

/* A line from the VM's control port. */
static void take_line(struct proxy *proxy, const char *line)
{
    int number, at;

    if (proxy->status != STATUS_NONE)
        return;
    if (sscanf(line, "exit %d", &number) == 1) {
        proxy->status = number & 255;
    } else if (sscanf(line, "killed %d", &number) == 1) {
        proxy->killed_by = number & 127;
        proxy->status = 128 + proxy->killed_by;
    } else if (sscanf(line, "error %d %n", &number, &at) == 1) {
        proxy->status = number & 255;
        terminal_restore();
        warn("%s", line + at);
    }
    if (proxy->status != STATUS_NONE)
        proxy->grace_at = now_ms() + GRACE_MS;
}

static void take_control(struct proxy *proxy)
{
    char bytes[1024];
    ssize_t size = recv(proxy->control, bytes, sizeof bytes, MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        close(proxy->control);
        proxy->control = -1;
        return;
    }
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            proxy->line[proxy->line_size] = 0;
            take_line(proxy, proxy->line);
            proxy->line_size = 0;
        } else if (proxy->line_size < sizeof proxy->line - 1) {
            proxy->line[proxy->line_size++] = bytes[i];
        }
    }
}

/* Bytes of a core. They are taken at the disk's speed, as a shell's redirection would be. */
static void take_core(struct proxy *proxy)
{
    static char bytes[1 << 16];
    ssize_t size = recv(proxy->core, bytes, sizeof bytes, MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0 && core_take(proxy->request->core, bytes, (size_t)size))
        return;
    close(proxy->core); /* the VM sees it and sends no more */
    proxy->core = -1;
}

static void give_orders(struct proxy *proxy)
{
    ssize_t size =
        send(proxy->control, proxy->orders.data, proxy->orders.size, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (size <= 0)
        return;
    proxy->orders.size -= (size_t)size;
    memmove(proxy->orders.data, proxy->orders.data + size, proxy->orders.size + 1);
}

/* What QEMU prints itself; false if there is no more at the moment. */
static bool take_said(struct proxy *proxy)
{
    char bytes[1024];
    ssize_t size = read(proxy->said_fd, bytes, sizeof bytes);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        close(proxy->said_fd);
        proxy->said_fd = -1;
        return false;
    }
    if (proxy->said.size + (size_t)size <= SAID_MAX)
        text_add(&proxy->said, bytes, (size_t)size);
    return true;
}

static void start_qemu(struct proxy *proxy, int said)
{
    const struct proxy_request *request = proxy->request;
    pid_t parent = getpid();

    proxy->qemu = fork();
    if (proxy->qemu < 0)
        die(STATUS_FAILED, "cannot start QEMU: %s", strerror(errno));
    if (proxy->qemu)
        return;
    sigset_t none;
    sigemptyset(&none);
    setsid(); /* ^C on the terminal is not QEMU's */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    for (int i = 0; i < LINE_COUNT; i++)
        if (request->theirs[i] >= 0)
            fcntl(request->theirs[i], F_SETFD, 0);
    execv(request->command->item[0], request->command->item);
    dprintf(STDERR_FILENO, "%s: %s\n", request->command->item[0], strerror(errno));
    _exit(1);
}

static void open_signals(struct proxy *proxy)
{
    struct sigaction old;
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        if (!sigaction(forwarded[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaddset(&set, forwarded[i]); /* nohup, and jobs that a script put behind */
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN); /* giving the terminal back from the background */
    proxy->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (proxy->signals < 0)
        die(STATUS_FAILED, "cannot wait for signals: %s", strerror(errno));
}

static void open_flows(struct proxy *proxy)
{
    const int *ours = proxy->request->ours;
    const struct terminal *terminal = proxy->request->terminal;

    proxy->control = ours[LINE_CONTROL];
    proxy->core = ours[LINE_CORE];
    if (ours[LINE_STDIN] >= 0)
        flow_open(&proxy->flow[IN], open_again(0, O_RDONLY), ours[LINE_STDIN], FLOW_INTO);
    if (ours[LINE_STDOUT] >= 0)
        flow_open(&proxy->flow[OUT], ours[LINE_STDOUT], open_again(1, O_WRONLY), FLOW_OUT_OF);
    if (ours[LINE_STDERR] >= 0)
        flow_open(&proxy->flow[ERR], ours[LINE_STDERR], open_again(2, O_WRONLY), FLOW_OUT_OF);
    if (ours[LINE_TTY] >= 0) {
        flow_open(&proxy->flow[TTY_IN], terminal->fd, ours[LINE_TTY], FLOW_INTO);
        flow_open(&proxy->flow[TTY_OUT], ours[LINE_TTY], terminal->fd, FLOW_OUT_OF);
    }
    flow_open(&proxy->flow[CONSOLE], ours[LINE_CONSOLE], open_again(2, O_WRONLY), FLOW_CONSOLE);
    proxy->flow[CONSOLE].mute = proxy->request->firmware;
    proxy->flow[CONSOLE].copy = proxy->request->console;
}

/* The last byte of every stream out of the VM has been passed on. */
static bool drained(const struct proxy *proxy)
{
    static const enum flow_name out[] = {OUT, ERR, TTY_OUT, CONSOLE};

    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        if (flow_busy(&proxy->flow[out[i]]))
            return false;
    return proxy->control < 0 && proxy->core < 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static int wait_time(const struct proxy *proxy, bool background)
{
    uint64_t now = now_ms();
    uint64_t at = earlier(earlier(proxy->timeout_at, proxy->grace_at), proxy->linger_at);

    at = earlier(earlier(at, proxy->widen_at), background ? now + BACKGROUND_MS : 0);
    if (!at)
        return -1;
    return at <= now ? 0 : at - now > 1000000 ? 1000000 : (int)(at - now);
}

/* The kernel says to an NMI what each processor and thread does, and ends. */
static void ask_for_report(struct proxy *proxy)
{
    static const char nmi[] = "nmi\n";
    int monitor = proxy->request->ours[LINE_MONITOR];

    if (write(monitor, nmi, sizeof nmi - 1) == sizeof nmi - 1)
        proxy->grace_at = earlier(proxy->grace_at, now_ms() + REPORT_MS);
    else
        kill_qemu(proxy);
}

static void watch_clock(struct proxy *proxy)
{
    uint64_t now = now_ms();

    if (proxy->timeout_at && now >= proxy->timeout_at) {
        proxy->timeout_at = 0;
        proxy->timed_out = true;
        ask_for_report(proxy);
    }
    if (proxy->widen_at && now >= proxy->widen_at)
        proxy->widen_at = backlog_widen(proxy->qemu, proxy->request->network) ||
                                  ++proxy->widened == WIDEN_TIMES || proxy->qemu_ended
                              ? 0
                              : now + WIDEN_MS;
    if (proxy->grace_at && now >= proxy->grace_at) {
        proxy->grace_at = 0;
        kill_qemu(proxy);
    }
    if (proxy->linger_at && now >= proxy->linger_at) {
        /* Something else holds QEMU's ends open; what has come is all. */
        proxy->linger_at = 0;
        proxy->lingered = true;
        for (int i = 0; i < FLOWS; i++)
            flow_end_input(&proxy->flow[i]);
        if (proxy->control >= 0)
            close(proxy->control);
        if (proxy->core >= 0)
            close(proxy->core);
        proxy->control = proxy->core = -1;
    }
}

/* One round of the loop: wait for something and deal with it. */
static void turn(struct proxy *proxy)
{
    struct pollfd poll_fd[2 * FLOWS + FIXED];
    struct terminal *terminal = proxy->request->terminal;
    bool keyboard = terminal_take(terminal);
    size_t count = 0;

    proxy->flow[CONSOLE].carriage_return = terminal->raw;
    poll_fd[count++] = (struct pollfd){.fd = proxy->signals, .events = POLLIN};
    poll_fd[count++] = (struct pollfd){
        .fd = proxy->control, .events = (short)(POLLIN | (proxy->orders.size ? POLLOUT : 0))};
    poll_fd[count++] = (struct pollfd){.fd = proxy->said_fd, .events = POLLIN};
    poll_fd[count++] = (struct pollfd){.fd = proxy->core, .events = POLLIN};
    for (int i = 0; i < FLOWS; i++) {
        flow_poll(&proxy->flow[i], &poll_fd[count], i != TTY_IN || keyboard);
        count += 2;
    }
    bool background = terminal->input && !keyboard;
    if (poll(poll_fd, count, wait_time(proxy, background)) < 0)
        return;
    if (poll_fd[0].revents)
        take_signals(proxy);
    if (poll_fd[1].revents & (POLLIN | POLLHUP | POLLERR))
        take_control(proxy);
    if (proxy->control >= 0 && poll_fd[1].revents & POLLOUT)
        give_orders(proxy);
    if (poll_fd[2].revents)
        take_said(proxy);
    if (poll_fd[3].revents)
        take_core(proxy);
    for (int i = 0; i < FLOWS; i++)
        flow_move(&proxy->flow[i], &poll_fd[FIXED + 2 * i]);
}

/* The message a shell prints for a signal; none for those that people send on purpose. */
static void tell_signal(int number)
{
    if (number == SIGINT || number == SIGPIPE)
        return;
    const char *name = strsignal(number);
    dprintf(STDERR_FILENO, "%s\n", name ? name : "Killed by an unknown signal");
}

static int no_status(struct proxy *proxy)
{
    int status = proxy->qemu_status;

    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PANIC)
        return STATUS_PANIC;
    for (char *save, *line = strtok_r(proxy->said.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        warn("QEMU: %s", line);
    if (WIFSIGNALED(status))
        warn("the VM ended without a status: QEMU was ended by signal %d", WTERMSIG(status));
    else
        warn("the VM ended without a status of the program (QEMU's is %d)", WEXITSTATUS(status));
    return STATUS_FAILED;
}

/* Output that could not be written although somebody was there to have it: a full disk. */
static bool lost_output(const struct proxy *proxy)
{
    static const char *const names[FLOWS] = {[OUT] = "standard output", [ERR] = "standard error"};
    bool lost = false;

    for (int i = 0; i < FLOWS; i++) {
        int error = proxy->flow[i].error;
        if (!names[i] || !(error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO))
            continue;
        warn("cannot write %s: %s", names[i], strerror(error));
        lost = true;
    }
    return lost;
}

static int outcome(struct proxy *proxy)
{
    bool lost = lost_output(proxy);

    if (proxy->status != STATUS_NONE) {
        if (proxy->killed_by)
            tell_signal(proxy->killed_by);
        return lost && !proxy->status ? STATUS_FAILED : proxy->status;
    }
    if (proxy->timed_out) {
        warn("ended after %g s, as --timeout asked", (double)proxy->request->timeout_ms / 1000);
        return STATUS_TIMEOUT;
    }
    if (proxy->stopped_by)
        return 128 + proxy->stopped_by;
    return no_status(proxy);
}

int proxy_run(const struct proxy_request *request)
{
    struct proxy proxy = {.request = request, .status = STATUS_NONE};
    int said[2];

    if (pipe2(said, O_CLOEXEC | O_NONBLOCK))
        die(STATUS_FAILED, "cannot make a pipe: %s", strerror(errno));
    text_str(&proxy.said, "");
    atexit(terminal_restore);
    open_signals(&proxy);
    start_qemu(&proxy, said[1]);
    close(said[1]);
    proxy.said_fd = said[0];
    for (int i = 0; i < LINE_COUNT; i++)
        if (request->theirs[i] >= 0)
            close(request->theirs[i]);
    open_flows(&proxy);
    if (request->timeout_ms)
        proxy.timeout_at = now_ms() + request->timeout_ms;
    if (backlog_wanted(request->network))
        proxy.widen_at = now_ms() + WIDEN_MS;
    while (!proxy.qemu_ended || !drained(&proxy)) {
        turn(&proxy);
        watch_clock(&proxy);
        if (proxy.lingered && (proxy.stopped_by || proxy.timed_out))
            break; /* whoever reads our output may never do so again */
    }
    terminal_restore();
    while (proxy.said_fd >= 0 && proxy.status == STATUS_NONE && take_said(&proxy))
        continue;
    if (request->core)
        core_close(request->core, proxy.killed_by);
    return outcome(&proxy);
}
