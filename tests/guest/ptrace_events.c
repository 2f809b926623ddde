// cpus: 1 4
/* Who is traced and what of: events, threads, attaching, group stops, ends (man 2 ptrace). */
#include "ptrace.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static unsigned long message_of(pid_t pid)
{
    unsigned long message = 0;

    CHECK_EQ(REQUEST(PTRACE_GETEVENTMSG, pid, 0, &message), 0);
    return message;
}

static void set_options(pid_t pid, long options)
{
    CHECK_EQ(REQUEST(PTRACE_SETOPTIONS, pid, 0, options), 0);
}

/* Until it is in the state, or has ended. */
static void wait_for_state(pid_t pid, char state)
{
    char path[64], line[512], *at = NULL;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    for (int i = 0; i < 100000 && (!at || (at[2] != state && at[2] != 'Z')); i++) {
        FILE *file = fopen(path, "r");

        sleep_ms(1);
        at = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        if (file)
            fclose(file);
    }
}

static int fork_and_wait(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(23);
    return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 1;
}

static void fork_brings_another_tracee(void)
{
    pid_t pid = start_traced(fork_and_wait), child;
    int status;

    set_options(pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_FORK)));
    child = (pid_t)message_of(pid);
    NEED(stopped_with(next_status(child), SIGSTOP));
    NEED(stopped_with(go_on(PTRACE_CONT, child, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_EXIT)));
    CHECK_EQ(message_of(child), 23 << 8);
    CHECK(exited_with(go_on(PTRACE_CONT, child, 0), 23));
    CHECK_ERRNO(waitpid(child, NULL, __WALL), ECHILD); /* not for its tracer any more */
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    do { /* its own parent waits for it, too */
        status = next_status(pid);
        if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD)
            CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, SIGCHLD), 0);
    } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD);
    CHECK(stopped_with(status, EVENT_STOP(SIGTRAP, PTRACE_EVENT_EXIT)));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 23));
}

static int vfork_and_wait(void)
{
    int status;
    pid_t pid = vfork();

    if (pid == 0)
        _exit(24);
    return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 1;
}

static void vfork_tells_twice(void)
{
    pid_t pid = start_traced(vfork_and_wait), child;
    int status;

    set_options(pid, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_VFORK)));
    child = (pid_t)message_of(pid);
    NEED(stopped_with(next_status(child), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, child, 0), 24));
    status = next_status(pid);
    CHECK(stopped_with(status, EVENT_STOP(SIGTRAP, PTRACE_EVENT_VFORK_DONE)));
    CHECK_EQ(message_of(pid), child);
    status = go_on(PTRACE_CONT, pid, 0);
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD)
        status = go_on(PTRACE_CONT, pid, 0);
    CHECK(exited_with(status, 24));
}

static void *thread_body(void *arg)
{
    syscall(SYS_getppid);
    return arg;
}

static int start_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, thread_body, NULL))
        return 1;
    pthread_join(thread, NULL);
    return 6;
}

static void threads_are_tracees(void)
{
    pid_t pid = start_traced(start_thread), thread;

    set_options(pid, PTRACE_O_TRACECLONE);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_CLONE)));
    thread = (pid_t)message_of(pid);
    CHECK(thread != pid);
    NEED(stopped_with(next_status(thread), SIGSTOP));
    CHECK(exited_with(go_on(PTRACE_CONT, thread, 0), 0));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 6));
}

/* Once the process has ended, a thread that ended before and was not waited for tells the
 * process's status in the place of its own. */
static void late_thread_tells_the_end_of_all(void)
{
    pid_t pid = start_traced(start_thread), thread;
    siginfo_t info;

    set_options(pid, PTRACE_O_TRACECLONE);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_CLONE)));
    thread = (pid_t)message_of(pid);
    NEED(stopped_with(next_status(thread), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_CONT, thread, 0, 0), 0);
    CHECK_EQ(waitid(P_PID, (id_t)thread, &info, WEXITED | WNOWAIT | __WALL), 0);
    CHECK_EQ(info.si_status, 0);
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    wait_for_state(pid, 'Z');
    CHECK(exited_with(next_status(thread), 6));
    CHECK(exited_with(next_status(pid), 6));
}

static int exit_with_threads(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL))
        return 1;
    return 9;
}

/* The leader's end is told when the others have been waited for. */
static void the_leader_comes_last(void)
{
    pid_t pid = start_traced(exit_with_threads), thread;

    set_options(pid, PTRACE_O_TRACECLONE);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_CLONE)));
    thread = (pid_t)message_of(pid);
    NEED(stopped_with(next_status(thread), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_CONT, thread, 0, 0), 0);
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    wait_for_state(pid, 'Z');
    CHECK_EQ(waitpid(pid, NULL, __WALL | WNOHANG), 0);
    CHECK(exited_with(next_status(thread), 9));
    CHECK(exited_with(next_status(pid), 9));
}

static int exec_itself(void)
{
    char *argv[] = {"/proc/self/exe", "--exit", NULL};

    execv(argv[0], argv);
    return 1;
}

static void exec_tells(void)
{
    pid_t pid = start_traced(exec_itself);
    siginfo_t info;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGTRAP)); /* the old way */
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_code, SI_USER);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 44));

    pid = start_traced(exec_itself);
    set_options(pid, PTRACE_O_TRACEEXEC);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_EXEC)));
    CHECK_EQ(message_of(pid), pid);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0), SYS_execve);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 44));
}

static void *exec_in_thread(void *arg)
{
    exec_itself();
    return arg;
}

static int exec_from_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, exec_in_thread, NULL);
    for (;;)
        pause();
    return 1;
}

static void exec_in_a_thread_takes_the_number(void)
{
    pid_t pid = start_traced(exec_from_thread), thread;

    set_options(pid, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_CLONE)));
    thread = (pid_t)message_of(pid);
    NEED(stopped_with(next_status(thread), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_EQ(REQUEST(PTRACE_CONT, thread, 0, 0), 0);
    NEED(stopped_with(next_status(pid), EVENT_STOP(SIGTRAP, PTRACE_EVENT_EXEC)));
    CHECK_EQ(message_of(pid), thread);
    CHECK_ERRNO(REQUEST(PTRACE_CONT, thread, 0, 0), ESRCH);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 44));
}

static volatile int *shared;

/* Count until somebody sets a negative number, which no step may overwrite. */
static int count_up(void)
{
    for (;;) {
        int seen = *shared;

        if (seen < 0)
            return 17;
        __sync_bool_compare_and_swap(shared, seen, (seen + 1) & INT32_MAX);
    }
}

static void attach_and_detach(void)
{
    pid_t pid;
    int status, seen;
    char path[64], line[256];
    FILE *file;
    bool told = false;

    *shared = 0;
    pid = start_child(count_up);
    CHECK_EQ(REQUEST(PTRACE_ATTACH, pid, 0, 0), 0);
    status = next_status(pid);
    NEED(stopped_with(status, SIGSTOP));
    seen = *shared;
    sleep_ms(5);
    CHECK_EQ(*shared, seen);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        int tracer;

        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            told = tracer == getpid();
    }
    if (file)
        fclose(file);
    CHECK(told);
    CHECK_ERRNO(REQUEST(PTRACE_ATTACH, pid, 0, 0), EPERM);
    CHECK_EQ(REQUEST(PTRACE_DETACH, pid, 0, 0), 0);
    CHECK_ERRNO(REQUEST(PTRACE_CONT, pid, 0, 0), ESRCH);
    while (*shared == seen)
        sched_yield();
    *shared = -10000000;
    CHECK(exited_with(next_status(pid), 17));
}

static long sleep_millis;

static int sleep_long(void)
{
    struct timespec ts = {sleep_millis / 1000, sleep_millis % 1000 * 1000000};

    *shared = 1;
    return nanosleep(&ts, NULL) == 0 ? 18 : 19;
}

/* A call that is broken off by attaching goes on as if nothing had been. */
static void attach_in_a_call(void)
{
    pid_t pid;
    int status = 0;

    /* Where this program stood still for as long as the child slept, it sleeps longer. */
    for (sleep_millis = 300; sleep_millis < 30000; sleep_millis *= 4) {
        *shared = 0;
        pid = start_child(sleep_long);
        while (!*shared)
            sched_yield();
        wait_for_state(pid, 'S');
        if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
            status = next_status(pid);
            if (WIFSTOPPED(status))
                break;
            CHECK(exited_with(status, 18));
        } else
            CHECK(exited_with(next_status(pid), 18));
    }
    NEED(stopped_with(status, SIGSTOP));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 18));
}

static void seize_and_interrupt(void)
{
    pid_t pid;
    siginfo_t info;

    *shared = 0;
    pid = start_child(count_up);
    CHECK_EQ(REQUEST(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
    CHECK_EQ(waitpid(pid, NULL, __WALL | WNOHANG), 0);
    CHECK_ERRNO(REQUEST(PTRACE_CONT, pid, 0, 0), ESRCH); /* it runs */
    CHECK_EQ(REQUEST(PTRACE_INTERRUPT, pid, 0, 0), 0);
    NEED(stopped_with(next_status(pid), EVENT_STOP(SIGTRAP, PTRACE_EVENT_STOP)));
    CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
    CHECK_EQ(info.si_code, EVENT_STOP(SIGTRAP, PTRACE_EVENT_STOP));
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    *shared = -10000000;
    CHECK(exited_with(next_status(pid), 17));
}

static void group_stop_of_a_seized(void)
{
    pid_t pid;

    *shared = 0;
    pid = start_child(count_up);
    CHECK_EQ(REQUEST(PTRACE_SEIZE, pid, 0, 0), 0);
    kill(pid, SIGSTOP);
    NEED(stopped_with(next_status(pid), SIGSTOP)); /* delivery */
    NEED(stopped_with(go_on(PTRACE_CONT, pid, SIGSTOP),
                      EVENT_STOP(SIGSTOP, PTRACE_EVENT_STOP))); /* the stop itself */
    CHECK_EQ(REQUEST(PTRACE_LISTEN, pid, 0, 0), 0);
    CHECK_EQ(waitpid(pid, NULL, __WALL | WNOHANG), 0);
    CHECK_ERRNO(REQUEST(PTRACE_CONT, pid, 0, 0), ESRCH);
    kill(pid, SIGCONT);
    NEED(stopped_with(next_status(pid), EVENT_STOP(SIGTRAP, PTRACE_EVENT_STOP)));
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGCONT));
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, SIGCONT), 0);
    *shared = -10000000;
    CHECK(exited_with(next_status(pid), 17));
}

static void group_stop_of_an_attached(void)
{
    pid_t pid;
    siginfo_t info;

    *shared = 0;
    pid = start_child(count_up);
    CHECK_EQ(REQUEST(PTRACE_ATTACH, pid, 0, 0), 0);
    NEED(stopped_with(next_status(pid), SIGSTOP));
    NEED(stopped_with(go_on(PTRACE_CONT, pid, SIGSTOP), SIGSTOP)); /* not a delivery */
    CHECK_ERRNO(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), EINVAL);
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    *shared = -10000000;
    CHECK(exited_with(next_status(pid), 17));
}

static void a_stopped_process_is_seized(void)
{
    pid_t pid;

    *shared = 0;
    pid = start_child(count_up);
    kill(pid, SIGSTOP);
    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(REQUEST(PTRACE_SEIZE, pid, 0, 0), 0);
    NEED(stopped_with(next_status(pid), EVENT_STOP(SIGSTOP, PTRACE_EVENT_STOP)));
    CHECK_EQ(REQUEST(PTRACE_DETACH, pid, 0, 0), 0);
    wait_for_state(pid, 'T'); /* it stands as before */
    *shared = -10000000;
    kill(pid, SIGCONT);
    CHECK(exited_with(next_status(pid), 17));
}

static int trace_and_die(pid_t victim, long options, bool seize)
{
    pid_t tracer = fork();

    if (tracer == 0) {
        if (REQUEST(seize ? PTRACE_SEIZE : PTRACE_ATTACH, victim, 0, seize ? options : 0) != 0)
            _exit(1);
        if (!seize && waitpid(victim, NULL, 0) != victim)
            _exit(2);
        _exit(0);
    }
    return next_status(tracer);
}

static void tracers_die(void)
{
    pid_t pid;
    int status;

    *shared = 0;
    pid = start_child(count_up);
    CHECK(exited_with(trace_and_die(pid, 0, false), 0));
    *shared = -10000000; /* it has been set free */
    CHECK(exited_with(next_status(pid), 17));

    *shared = 0;
    pid = start_child(count_up);
    CHECK(exited_with(trace_and_die(pid, PTRACE_O_EXITKILL, true), 0));
    status = next_status(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The parent waits for a child that another process traces. */
static void parent_and_tracer(void)
{
    int ready[2], go[2], status;
    pid_t pid, tracer;
    char byte = 0;

    *shared = 0;
    NEED(pipe(ready) == 0 && pipe(go) == 0);
    pid = start_child(count_up);
    fflush(stdout);
    tracer = fork();
    if (tracer == 0) {
        if (REQUEST(PTRACE_SEIZE, pid, 0, 0) != 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        status = next_status(pid); /* the zombie is the tracer's first */
        if (!exited_with(status, 17) || read(go[0], &byte, 1) != 1)
            _exit(2);
        _exit(0);
    }
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    *shared = -10000000;
    CHECK_EQ(write(go[1], "x", 1), 1);
    CHECK(exited_with(next_status(pid), 17));
    CHECK(exited_with(next_status(tracer), 0));
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

static void *wait_in_thread(void *arg)
{
    pid_t pid = *(pid_t *)arg;
    long result = waitpid(pid, NULL, __WALL | __WNOTHREAD | WNOHANG);

    CHECK(result == -1 && errno == ECHILD); /* not this thread's */
    CHECK_ERRNO(REQUEST(PTRACE_CONT, pid, 0, 0), ESRCH);
    return NULL;
}

static void tracers_are_threads(void)
{
    pid_t pid = start_traced(fork_and_wait);
    pthread_t thread;

    pthread_create(&thread, NULL, wait_in_thread, &pid);
    pthread_join(thread, NULL);
    end_traced(pid);
}

static void waitid_shows_stops(void)
{
    pid_t pid = start_traced(fork_and_wait);
    siginfo_t info = {0};

    set_options(pid, PTRACE_O_TRACEFORK);
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT | __WALL), 0);
    CHECK_EQ(info.si_code, CLD_TRAPPED);
    CHECK_EQ(info.si_status, EVENT_STOP(SIGTRAP, PTRACE_EVENT_FORK));
    CHECK_EQ(info.si_pid, pid);
    CHECK(stopped_with(next_status(pid), EVENT_STOP(SIGTRAP, PTRACE_EVENT_FORK)));
    end_traced(pid);
}

static void killed_in_a_stop(void)
{
    pid_t pid = start_traced(fork_and_wait);
    int status;

    set_options(pid, PTRACE_O_TRACEEXIT);
    kill(pid, SIGKILL);
    status = next_status(pid);
    if (WIFSTOPPED(status)) { /* it may show its end first */
        CHECK(stopped_with(status, EVENT_STOP(SIGTRAP, PTRACE_EVENT_EXIT)));
        CHECK_EQ(message_of(pid), SIGKILL);
        status = go_on(PTRACE_CONT, pid, 0);
    }
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* It goes on on the nth processor that there is, from 0 on and around. */
static void move(pid_t pid, int nth)
{
    cpu_set_t all, one;
    int cpu = -1;

    NEED(sched_getaffinity(0, sizeof(all), &all) == 0);
    for (nth %= CPU_COUNT(&all); nth >= 0; nth--)
        do
            cpu++;
        while (!CPU_ISSET(cpu, &all));
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK_EQ(sched_setaffinity(pid, sizeof(one), &one), 0);
}

/* A watched word, of one thread only. */
static volatile long watched_word;

static __attribute__((noinline, noclone)) int write_watched(void)
{
    for (int i = 0; i < 100; i++)
        sched_yield();
    watched_word = 1;
    watched_word = 2;
    return 12;
}

static long debug_reg(int i)
{
    return (long)(offsetof(struct user, u_debugreg) + (unsigned)i * 8);
}

static void watchpoints(void)
{
    pid_t pid = start_traced(write_watched), other = start_traced(write_watched);
    siginfo_t info;

    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, debug_reg(0), &watched_word), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, debug_reg(7), 1 | 1 << 16 | 2 << 18), 0); /* 8 bytes */
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, debug_reg(0), 0), (long)&watched_word);
    for (int i = 1; i <= 2; i++) {
        move(pid, i); /* where it goes, its registers go */
        NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGTRAP));
        CHECK_EQ(REQUEST(PTRACE_GETSIGINFO, pid, 0, &info), 0);
        CHECK_EQ(info.si_code, TRAP_HWBKPT);
        CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, debug_reg(6), 0) & 0xf, 1);
        CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, &watched_word, 0), i);
        CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, debug_reg(6), 0), 0);
        if (i == 1) /* without a watch it runs to its end meanwhile */
            CHECK(exited_with(go_on(PTRACE_CONT, other, 0), 12));
    }
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 12));

    pid = start_traced(write_watched); /* an instruction */
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, debug_reg(1), (long)write_watched), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, debug_reg(7), 4), 0);
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGTRAP));
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0), (long)write_watched);
    CHECK_EQ(ptrace(PTRACE_PEEKUSER, pid, debug_reg(6), 0) & 0xf, 2);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 12)); /* not met twice */
}

/* --- threads that have ended --- */

static int thread_pipe[2], thread_go[2];

static void *thread_that_ends(void *arg)
{
    pid_t tid = (pid_t)syscall(SYS_gettid);
    char byte;

    if (write(thread_pipe[1], &tid, sizeof(tid)) != (ssize_t)sizeof(tid) ||
        read(thread_go[0], &byte, 1) != 1)
        _exit(98);
    return arg;
}

static int thread_and_wait(void)
{
    pthread_t thread;
    char byte;

    if (pthread_create(&thread, NULL, thread_that_ends, NULL) != 0)
        return 97;
    return read(thread_go[0], &byte, 1) == 1 && byte == 'p' ? 21 : 96;
}

static char state_in(const char *format, pid_t pid, pid_t tid, pid_t *number)
{
    char path[64], line[512], *at = NULL;
    FILE *file;

    snprintf(path, sizeof(path), format, pid, tid);
    file = fopen(path, "r");
    if (file && fgets(line, sizeof(line), file))
        at = strrchr(line, ')');
    if (file)
        fclose(file);
    *number = at ? atoi(line) : 0;
    return at ? at[2] : 0;
}

static void dead_thread_is_shown(void)
{
    pid_t pid, tid, number;
    siginfo_t info;
    int status;

    NEED(pipe(thread_pipe) == 0 && pipe(thread_go) == 0);
    pid = start_child(thread_and_wait);
    NEED(read(thread_pipe[0], &tid, sizeof(tid)) == (ssize_t)sizeof(tid));
    CHECK(state_in("/proc/%2$d/stat", pid, tid, &number) && number == tid);
    NEED(REQUEST(PTRACE_SEIZE, tid, 0, 0) == 0);
    /* One of the two reads it; the first thread only when the other one has gone. */
    NEED(REQUEST(PTRACE_SEIZE, pid, 0, 0) == 0 && REQUEST(PTRACE_INTERRUPT, pid, 0, 0) == 0);
    NEED(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status));
    CHECK_EQ(write(thread_go[1], "t", 1), 1);
    NEED(waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | __WALL) == 0);
    CHECK_EQ(state_in("/proc/%d/task/%d/stat", pid, tid, &number), 'Z');
    CHECK_EQ(number, tid);
    CHECK_EQ(state_in("/proc/%2$d/stat", pid, tid, &number), 'Z');
    CHECK(waitpid(tid, &status, __WALL) == tid && WIFEXITED(status));
    CHECK_EQ(state_in("/proc/%d/task/%d/stat", pid, tid, &number), 0);
    CHECK_EQ(REQUEST(PTRACE_CONT, pid, 0, 0), 0);
    CHECK_EQ(write(thread_go[1], "p", 1), 1);
    CHECK(waitpid(pid, &status, __WALL) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 21);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--exit") == 0)
        return 44;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    promise("fork brings another tracee, whose end both are told", fork_brings_another_tracee);
    promise("vfork tells at its beginning and its end", vfork_tells_twice);
    promise("threads are tracees of their own", threads_are_tracees);
    promise("a thread waited for late tells the end of all", late_thread_tells_the_end_of_all);
    promise("the end of the leader comes last", the_leader_comes_last);
    promise("execve tells, in the old way and the new", exec_tells);
    promise("execve in a thread takes the leader's number", exec_in_a_thread_takes_the_number);
    promise("attach and detach", attach_and_detach);
    promise("attach while it sleeps in a call", attach_in_a_call);
    promise("seize and interrupt", seize_and_interrupt);
    promise("a group stop of a seized process, LISTEN and SIGCONT", group_stop_of_a_seized);
    promise("a group stop of an attached process", group_stop_of_an_attached);
    promise("a stopped process is seized and given back", a_stopped_process_is_seized);
    promise("the end of a tracer", tracers_die);
    promise("the parent waits after the tracer", parent_and_tracer);
    promise("the tracer is a thread", tracers_are_threads);
    promise("waitid shows stops", waitid_shows_stops);
    promise("SIGKILL ends a stop", killed_in_a_stop);
    promise("watchpoints and hardware breakpoints", watchpoints);
    promise("/proc shows a dead thread until its tracer waits for it", dead_thread_is_shown);
    return check_end();
}
