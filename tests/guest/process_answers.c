// cpus: 2
/* Answers about children, signals and timers in corners that programs seldom visit. (Found by
 * comparing random calls with Linux's.) */
#include "check.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static long raw_waitid(int type, int id, siginfo_t *info, int options)
{
    return syscall(SYS_waitid, type, id, info, options, NULL);
}

/* A child that has ended and is still there. */
static pid_t zombie(int status)
{
    siginfo_t info;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(status);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    return pid;
}

static void signals_to_zombies(void)
{
    pid_t pid = zombie(3);

    CHECK_EQ(kill(pid, 0), 0);
    CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGTERM), 0);
    CHECK_EQ(syscall(SYS_tkill, pid, 0), 0);
    CHECK_ERRNO(syscall(SYS_tgkill, pid, pid, 65), EINVAL);
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    CHECK_ERRNO(kill(pid, 65), ESRCH); /* nobody there comes first */
    CHECK_ERRNO(syscall(SYS_tgkill, pid, pid, 65), ESRCH);
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
}

static void waiting_for_what_cannot_be(void)
{
    siginfo_t info;
    pid_t pid = zombie(3);

    CHECK_ERRNO(raw_waitid(P_PID, pid, &info, WCONTINUED | WNOHANG), ECHILD);
    CHECK_ERRNO(raw_waitid(P_PID, pid, &info, WSTOPPED), ECHILD);
    CHECK_ERRNO(raw_waitid(P_PIDFD, -1, &info, WEXITED), EINVAL);
    CHECK_EQ(raw_waitid(P_PID, pid, &info, WEXITED | WSTOPPED), 0);
    CHECK_EQ(info.si_pid, pid);
    CHECK_ERRNO(raw_waitid(P_PID, pid, &info, WEXITED), ECHILD);
    CHECK_EQ(info.si_pid, 0); /* zeros, though it failed */
    CHECK_EQ(info.si_signo, 0);
}

static void continuing_twice(void)
{
    siginfo_t info;
    int status, ends[2];
    char c;
    NEED(pipe(ends) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        (void)!read(ends[0], &c, 1);
        _exit(0);
    }
    close(ends[0]);
    kill(pid, SIGSTOP);
    NEED(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    kill(pid, SIGCONT);
    NEED(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOWAIT) == 0);
    kill(pid, SIGCONT); /* it goes on already: this changes nothing */
    CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), pid);
    CHECK(WIFCONTINUED(status));
    CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
    close(ends[1]);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
}

static void timers_that_stand(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_signo = SIGURG};
    struct itimerspec set = {.it_interval = {5, 0}}, now;
    struct itimerval of_cpu = {.it_interval = {7, 0}}, old;
    int id;

    NEED(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    CHECK_EQ(syscall(SYS_timer_settime, id, 0, &set, NULL), 0);
    CHECK_EQ(syscall(SYS_timer_gettime, id, &now), 0);
    CHECK_EQ(now.it_interval.tv_sec, 0);
    CHECK_EQ(syscall(SYS_timer_delete, id), 0);
    CHECK_EQ(setitimer(ITIMER_PROF, &of_cpu, NULL), 0);
    CHECK_EQ(getitimer(ITIMER_PROF, &old), 0);
    CHECK_EQ(old.it_interval.tv_sec, 7);
    CHECK_EQ(setitimer(ITIMER_REAL, &of_cpu, NULL), 0);
    CHECK_EQ(getitimer(ITIMER_REAL, &old), 0);
    CHECK_EQ(old.it_interval.tv_sec, 0);
}

int main(void)
{
    promise("signals may be sent to who has ended", signals_to_zombies);
    promise("waitid: what has ended neither stops nor goes on", waiting_for_what_cannot_be);
    promise("a second SIGCONT leaves what is to be told of the first", continuing_twice);
    promise("timers that stand: their intervals", timers_that_stand);
    return check_end();
}
