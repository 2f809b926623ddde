// cpus: 2
/* Answers about children, signals and timers in corners that programs seldom visit. (Found by
 * comparing random calls with Linux's.) */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

static void small_calls(void)
{
    uint32_t head[2] = {0x20080522, 0x3ffffff};
    unsigned node = 7;
    char name[20], text[20] = "";
    int fd = open("/proc/self/comm", O_RDWR);
    CHECK_EQ(syscall(SYS_capget, head, NULL), 0);
    CHECK_ERRNO(syscall(SYS_getcpu, 8, &node, NULL), EFAULT);
    CHECK_EQ(node, 0);
    CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, 0x4204), 0); // with a hint
    CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 0x4204);
    CHECK_EQ(syscall(SYS_sched_get_priority_max, 7), 0);
    CHECK_EQ(syscall(SYS_membarrier, 16, 0, 0), 0);
    CHECK_EQ(syscall(SYS_membarrier, 512, 0, 0) & 16, 16);
    CHECK_EQ(prctl(PR_MCE_KILL, 1, 1, 0, 0), 0);
    CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), 1);
    prctl(PR_SET_NAME, "a long name");
    CHECK_EQ(write(fd, "x\n", 2), 2);
    CHECK(prctl(PR_GET_NAME, text) == 0 && strcmp(text, "x\n") == 0 && text[3] == 0);
    CHECK_EQ(pread(fd, name, sizeof(name), 0), 3);
    close(fd);
}

/* Room that would lie beyond the limit, though it makes the file no longer. */
static void limit_of_files(void)
{
    int fd = memfd_create("file", 0), status; /* other file systems may let it be */
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, 100});
        fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 5000);
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    close(fd);
}

int main(void)
{
    promise("signals may be sent to who has ended", signals_to_zombies);
    promise("waitid: what has ended neither stops nor goes on", waiting_for_what_cannot_be);
    promise("a second SIGCONT leaves what is to be told of the first", continuing_twice);
    promise("timers that stand: their intervals", timers_that_stand);
    promise("small calls on oneself", small_calls);
    promise("RLIMIT_FSIZE stops fallocate()", limit_of_files);
    return check_end();
}
