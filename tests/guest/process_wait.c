// cpus: 1 2 4
// libc: glibc musl
// timeout: 120
/* What parents learn of their children: wait4, waitid, pidfd, SIGCHLD; groups, sessions, stopping
 * and continuing; orphans. */
#include "process.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* A child that sleeps until it is killed, or its parent ends. */
static pid_t sleeper(void)
{
    pid_t pid = start();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return pid;
}

static void no_children(void)
{
    siginfo_t info;

    CHECK_ERRNO(wait(NULL), ECHILD);
    CHECK_ERRNO(waitpid(getpid(), NULL, 0), ECHILD);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_wait4, -1, NULL, 0x10, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_wait4, (int)0x80000000, NULL, 0, NULL), ESRCH);
    CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
}

static void variants(void)
{
    int status, go[2];
    siginfo_t info;
    pid_t a, b;

    CHECK_EQ(pipe(go), 0);
    a = start();
    if (a == 0) {
        if (read(go[0], &status, 1) == 1) /* not before the parent has looked */
            usleep(20000);
        _exit(1);
    }
    b = sleeper();
    CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
    memset(&info, 1, sizeof info);
    CHECK_EQ(waitid(P_PID, b, &info, WEXITED | WNOHANG), 0);
    CHECK_EQ(info.si_pid, 0);
    CHECK_EQ(info.si_signo, 0);
    CHECK_EQ(write(go[1], "", 1), 1);
    CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    CHECK_EQ(info.si_pid, a);
    CHECK_EQ(info.si_signo, SIGCHLD);
    CHECK_EQ(info.si_code, CLD_EXITED);
    CHECK_EQ(info.si_status, 1);
    CHECK_EQ(info.si_uid, getuid());
    CHECK_EQ(state_of(a), 'Z');
    CHECK_EQ(waitpid(0, &status, 0), a); /* of this group */
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK_EQ(state_of(a), '?');
    close(go[0]);
    close(go[1]);
    CHECK_EQ(kill(b, SIGTERM), 0);
    CHECK_EQ(waitid(P_PGID, getpgrp(), &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, b);
    CHECK_EQ(info.si_code, CLD_KILLED);
    CHECK_EQ(info.si_status, SIGTERM);
    CHECK_ERRNO(kill(b, 0), ESRCH);
}

static void *wait_in_thread(void *arg)
{
    int *result = arg;

    errno = 0;
    result[0] = (int)syscall(SYS_wait4, -1, NULL, 0x20000000 /* __WNOTHREAD */, NULL);
    result[1] = errno;
    return NULL;
}

static void of_threads(void)
{
    pthread_t thread;
    int result[2];
    pid_t pid = start();

    if (pid == 0)
        _exit(0);
    NEED(pthread_create(&thread, NULL, wait_in_thread, result) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(result[0], -1);
    CHECK_EQ(result[1], ECHILD);
    CHECK_EQ(end_of(pid), 0);
}

static void use_of_children(void)
{
    struct rusage use, all;
    struct tms tms;
    int status;
    pid_t pid = start();

    if (pid == 0) {
        while (clock() < CLOCKS_PER_SEC / 16)
            ;
        _exit(0);
    }
    CHECK_EQ(wait4(pid, &status, 0, &use), pid);
    CHECK(use.ru_utime.tv_sec > 0 || use.ru_utime.tv_usec + use.ru_stime.tv_usec > 10000);
    CHECK(getrusage(RUSAGE_CHILDREN, &all) == 0);
    CHECK(all.ru_utime.tv_sec > 0 || all.ru_utime.tv_usec + all.ru_stime.tv_usec > 10000);
    CHECK(times(&tms) != -1);
    CHECK(tms.tms_cutime + tms.tms_cstime >= 1);
}

/* --- SIGCHLD --- */

static volatile sig_atomic_t chlds, chld_pid, chld_code, chld_status;

static void on_child(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    chlds = chlds + 1;
    chld_pid = info->si_pid;
    chld_code = info->si_code;
    chld_status = info->si_status;
}

static void catch_child(int flags)
{
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | flags};

    chlds = chld_pid = chld_code = chld_status = 0;
    sigaction(SIGCHLD, &action, NULL);
}

static void until_told(void)
{
    for (int i = 0; i < 30000 && !chlds; i++)
        sleep_ms(1);
}

static void child_signal(void)
{
    pid_t pid;

    catch_child(SA_RESTART);
    pid = start();
    if (pid == 0)
        _exit(5);
    until_told();
    CHECK_EQ(chlds, 1);
    CHECK_EQ(chld_pid, pid);
    CHECK_EQ(chld_code, CLD_EXITED);
    CHECK_EQ(chld_status, 5);
    CHECK_EQ(end_of(pid), 5);
    signal(SIGCHLD, SIG_DFL);
}

static void unwanted(void)
{
    pid_t pid;

    signal(SIGCHLD, SIG_IGN);
    pid = start();
    if (pid == 0) {
        usleep(10000);
        _exit(5);
    }
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD); /* when it has ended */
    CHECK_EQ(state_of(pid), '?');
    catch_child(SA_NOCLDWAIT | SA_RESTART);
    pid = start();
    if (pid == 0) {
        usleep(10000);
        _exit(5);
    }
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
    until_told();
    CHECK_EQ(chlds, 1);
    signal(SIGCHLD, SIG_DFL);
}

/* --- stopping --- */

static atomic_int *counters;

static void *count(void *arg)
{
    for (;;)
        atomic_fetch_add(&counters[(long)arg], 1);
    return NULL;
}

static void stop_and_continue(void)
{
    pid_t pid;
    int status, seen[2];
    siginfo_t info;

    counters = shared_memory(4096);
    catch_child(SA_RESTART);
    pid = start();
    if (pid == 0) {
        pthread_t thread;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_create(&thread, NULL, count, (void *)0);
        count((void *)1);
    }
    while (!counters[0] || !counters[1])
        sleep_ms(1);
    CHECK_EQ(kill(pid, SIGSTOP), 0);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    seen[0] = counters[0];
    seen[1] = counters[1];
    CHECK_EQ(state_of(pid), 'T');
    sleep_ms(20);
    CHECK_EQ(counters[0], seen[0]);
    CHECK_EQ(counters[1], seen[1]);
    until_told();
    CHECK_EQ(chld_code, CLD_STOPPED);
    CHECK_EQ(chld_status, SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0); /* told once */
    chlds = 0;
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK_EQ(waitid(P_PID, pid, &info, WCONTINUED), 0);
    CHECK_EQ(info.si_code, CLD_CONTINUED);
    CHECK_EQ(info.si_status, SIGCONT);
    until_told();
    CHECK_EQ(chld_code, CLD_CONTINUED);
    for (int i = 0; i < 30000 && counters[0] == seen[0]; i++)
        sleep_ms(1);
    CHECK(counters[0] != seen[0]);
    chlds = 0;
    kill(pid, SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    until_told();
    catch_child(SA_NOCLDSTOP | SA_RESTART);
    kill(pid, SIGCONT);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    CHECK_EQ(chlds, 0);
    kill(pid, SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    kill(pid, SIGKILL); /* ends what stands still, too */
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    signal(SIGCHLD, SIG_DFL);
}

/* --- groups and sessions --- */

static void groups(void)
{
    pid_t a = sleeper(), b, group;
    siginfo_t info;

    CHECK_EQ(setpgid(a, a), 0);
    CHECK_EQ(getpgid(a), a);
    b = sleeper();
    CHECK_EQ(setpgid(b, a), 0);
    CHECK_ERRNO(setpgid(b, 4000000), EPERM);
    CHECK_ERRNO(setpgid(b, -1), EINVAL);
    CHECK_ERRNO(setpgid(-1, 0), EINVAL);
    CHECK_ERRNO(setpgid(3999999, 0), ESRCH);
    CHECK_EQ(kill(-a, 0), 0);
    CHECK_EQ(kill(a, SIGKILL), 0);
    CHECK(comes_to(a, 'Z'));
    group = sleeper(); /* a group lives while its leader is a zombie */
    CHECK_EQ(setpgid(group, a), 0);
    CHECK_EQ(kill(-a, SIGTERM), 0);
    CHECK_EQ(waitid(P_PGID, a, &info, WEXITED), 0);
    CHECK_EQ(waitid(P_PGID, a, &info, WEXITED), 0);
    CHECK_EQ(waitid(P_PGID, a, &info, WEXITED), 0);
    CHECK_ERRNO(waitid(P_PGID, a, &info, WEXITED), ECHILD);
    CHECK_ERRNO(kill(-a, 0), ESRCH);
}

static void sessions(void)
{
    pid_t pid = start();

    if (pid == 0) {
        CHILD_NEED(setsid() == getpid());
        CHILD_NEED(getsid(0) == getpid() && getpgrp() == getpid());
        CHILD_NEED(setsid() == -1 && errno == EPERM);
        CHILD_NEED(setpgid(0, 0) == -1 && errno == EPERM); /* the leader of a session */
        CHILD_NEED(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    pid = start();
    if (pid == 0) {
        execl("/proc/self/exe", "self", "pause", (char *)NULL);
        _exit(1);
    }
    while (setpgid(pid, pid) == 0)
        sleep_ms(1);
    CHECK_EQ(errno, EACCES); /* it has executed */
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

/* A shell's work on a pseudo terminal: foreground, background, SIGTTIN, SIGTTOU, ^C, ^Z, hangup. */
static int job_control(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, status, ends[2];
    char byte;
    pid_t pid;

    CHILD_NEED(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    CHILD_NEED(setsid() == getpid());
    slave = open(ptsname(master), O_RDWR);
    CHILD_NEED(slave >= 0 && tcgetpgrp(slave) == getpid());
    CHILD_NEED(pipe(ends) == 0);
    pid = start();
    if (pid == 0) {
        setpgid(0, 0);
        write(ends[1], "x", 1);
        read(slave, &byte, 1); /* in the background: SIGTTIN */
        _exit(byte);
    }
    setpgid(pid, pid);
    CHILD_NEED(read(ends[0], &byte, 1) == 1);
    CHILD_NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHILD_NEED(WSTOPSIG(status) == SIGTTIN);
    CHILD_NEED(tcsetpgrp(slave, pid) == 0 && tcgetpgrp(slave) == pid);
    CHILD_NEED(kill(-pid, SIGCONT) == 0);
    CHILD_NEED(write(master, "A\n", 2) == 2);
    CHILD_NEED(end_of(pid) == 'A');
    signal(SIGTTOU, SIG_IGN); /* as shells do */
    CHILD_NEED(tcsetpgrp(slave, getpid()) == 0);
    pid = start();
    if (pid == 0) {
        signal(SIGTTOU, SIG_DFL);
        setpgid(0, 0);
        tcsetpgrp(slave, getpid()); /* in the background: SIGTTOU */
        write(ends[1], "y", 1);
        for (;;)
            pause();
    }
    setpgid(pid, pid);
    CHILD_NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHILD_NEED(WSTOPSIG(status) == SIGTTOU);
    CHILD_NEED(tcsetpgrp(slave, pid) == 0 && kill(-pid, SIGCONT) == 0);
    CHILD_NEED(read(ends[0], &byte, 1) == 1 && byte == 'y');
    CHILD_NEED(write(master, "\032", 1) == 1); /* ^Z */
    CHILD_NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHILD_NEED(WSTOPSIG(status) == SIGTSTP);
    CHILD_NEED(kill(-pid, SIGCONT) == 0);
    CHILD_NEED(write(master, "\003", 1) == 1); /* ^C */
    CHILD_NEED(end_of(pid) == 1000 + SIGINT);
    signal(SIGHUP, SIG_IGN);
    pid = start();
    if (pid == 0) {
        signal(SIGHUP, SIG_DFL);
        setpgid(0, 0);
        write(ends[1], "z", 1);
        for (;;)
            pause();
    }
    setpgid(pid, pid);
    CHILD_NEED(read(ends[0], &byte, 1) == 1);
    CHILD_NEED(tcsetpgrp(slave, pid) == 0);
    close(master); /* hangs up: the leader is told */
    kill(-pid, SIGHUP);
    CHILD_NEED(end_of(pid) == 1000 + SIGHUP);
    return 0;
}

static void jobs(void)
{
    pid_t pid = start();

    if (pid == 0)
        _exit(job_control());
    CHECK_EQ(end_of(pid), 0);
}

static void kill_all_of_group(void)
{
    pid_t pid = start();

    if (pid == 0) {
        int ready[2];
        char byte = 0;

        setpgid(0, 0);
        signal(SIGTERM, SIG_IGN);
        CHILD_NEED(pipe(ready) == 0);
        for (int i = 0; i < 3; i++)
            if (fork() == 0) {
                signal(SIGTERM, SIG_DFL);
                CHILD_NEED(write(ready[1], &byte, 1) == 1);
                for (;;)
                    pause();
            }
        for (int i = 0; i < 3; i++)
            CHILD_NEED(read(ready[0], &byte, 1) == 1);
        CHILD_NEED(kill(0, SIGTERM) == 0);
        for (int i = 0; i < 3; i++)
            CHILD_NEED(wait(NULL) > 0);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
}

/* The last process outside leaves a group with stopped members: SIGHUP and SIGCONT. */
static void orphaned_group(void)
{
    int ends[2];
    char byte = 0;
    pid_t pid;

    NEED(pipe(ends) == 0);
    pid = start();
    if (pid == 0) {
        pid_t child = fork();

        if (child == 0) {
            setpgid(0, 0);
            signal(SIGHUP, SIG_IGN);
            raise(SIGSTOP);
            write(ends[1], "c", 1); /* continued */
            _exit(0);
        }
        waitpid(child, NULL, WUNTRACED);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    CHECK_EQ(byte, 'c');
    close(ends[0]);
}

/* --- orphans --- */

static void adoption(void)
{
    int ends[2], numbers[2];
    pid_t pid;

    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    NEED(pipe(ends) == 0);
    pid = start();
    if (pid == 0) {
        pid_t me = getpid();

        if (fork() == 0) {
            while (getppid() == me)
                usleep(1000);
            numbers[0] = getpid();
            numbers[1] = getppid();
            write(ends[1], numbers, sizeof numbers);
            _exit(33);
        }
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(read(ends[0], numbers, sizeof numbers), sizeof numbers);
    CHECK_EQ(numbers[1], getpid());
    CHECK_EQ(end_of(numbers[0]), 33);
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    close(ends[0]);
    close(ends[1]);
}

static void parent_death(void)
{
    int ends[2];
    char byte;
    pid_t pid;

    NEED(pipe(ends) == 0);
    pid = start();
    if (pid == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            write(ends[1], "r", 1);
            for (;;)
                pause();
        }
        read(ends[0], &byte, 1);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* the grandchild is gone, and its end with it */
    close(ends[0]);
}

/* --- pidfd --- */

static void process_files(void)
{
    pid_t pid = sleeper();
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    siginfo_t info;

    NEED(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(poll(&p, 1, 0), 0);
    CHECK_EQ(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
    CHECK_EQ(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), 0);
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents & POLLIN, POLLIN);
    CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK_EQ(info.si_status, SIGTERM);
    CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
    close(fd);
    CHECK_ERRNO(syscall(SYS_pidfd_open, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_pidfd_open, 3999999, 0), ESRCH);
}

/* --- numbers and pipes --- */

static void pipeline(void)
{
    int a[2], b[2];
    char buf[64];
    ssize_t n, sum = 0;

    NEED(pipe(a) == 0 && pipe(b) == 0);
    if (start() == 0) {
        close(a[0]);
        for (int i = 0; i < 1000; i++)
            write(a[1], "0123456789", 10);
        _exit(0);
    }
    if (start() == 0) {
        close(a[1]);
        while ((n = read(a[0], buf, sizeof buf)) > 0)
            write(b[1], buf, (size_t)n);
        _exit(0);
    }
    close(a[0]);
    close(a[1]);
    close(b[1]);
    while ((n = read(b[0], buf, sizeof buf)) > 0)
        sum += n;
    CHECK_EQ(sum, 10000);
    CHECK(wait(NULL) > 0);
    CHECK(wait(NULL) > 0);
    close(b[0]);
    NEED(pipe(a) == 0);
    if (start() == 0) {
        close(a[0]);
        write(a[1], "x", 1); /* SIGPIPE */
        write(a[1], "x", 1);
        _exit(0);
    }
    close(a[0]);
    close(a[1]);
    CHECK(wait(NULL) > 0);
}

static void proc_of_others(void)
{
    char path[64], text[200] = "";
    pid_t pid = sleeper();
    int fd;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    fd = open(path, O_RDONLY);
    NEED(fd >= 0);
    n = read(fd, text, sizeof text - 1);
    CHECK(n > 0 && strstr(text, "process_wait"));
    close(fd);
    snprintf(path, sizeof path, "/proc/%d/fd/1", pid);
    CHECK(readlink(path, text, sizeof text) > 0);
    kill(pid, SIGKILL);
    CHECK(comes_to(pid, 'Z'));
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, 1) == 0);
    close(fd);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "pause"))
        for (;;)
            pause();
    promise("without children: errors", no_children);
    promise("wait4 and waitid: by number, group, without waiting, without taking", variants);
    promise("__WNOTHREAD: only the thread that made it", of_threads);
    promise("children's use of time", use_of_children);
    promise("SIGCHLD says who and how", child_signal);
    promise("SIG_IGN and SA_NOCLDWAIT: no zombies", unwanted);
    promise("stopping and continuing all threads, and being told", stop_and_continue);
    promise("groups", groups);
    promise("sessions", sessions);
    promise("job control on a terminal", jobs);
    promise("kill(0) reaches the group", kill_all_of_group);
    promise("an orphaned group that stands still goes on", orphaned_group);
    promise("orphans go to the subreaper", adoption);
    promise("PR_SET_PDEATHSIG", parent_death);
    promise("pidfd: poll, signal, wait", process_files);
    promise("pipes between processes", pipeline);
    promise("/proc of another process", proc_of_others);
    return check_end();
}
