// pidfd_open, pidfd_send_signal, pidfd_getfd, CLONE_PIDFD, waitid(P_PIDFD).
#include "check.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open_(pid_t pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_by(int fd, int signo, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, signo, info, flags);
}

static pid_t sleeper(void)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    return child;
}

static atomic_int there;

static void *wait_there(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    while (!atomic_load(&there))
        sleep_ms(1);
    return NULL;
}

static void opening(void)
{
    int fd = pidfd_open_(getpid(), 0);
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(close(fd), 0);
    CHECK_ERRNO(pidfd_open_(0, 0), EINVAL);
    CHECK_ERRNO(pidfd_open_(-1, 0), EINVAL);
    CHECK_ERRNO(pidfd_open_(getpid(), 1), EINVAL);
    CHECK_ERRNO(pidfd_open_(4194303, 0), ESRCH);
    static volatile pid_t tid;
    pthread_t thread;
    pthread_create(&thread, NULL, wait_there, (void *)&tid);
    while (!tid)
        sleep_ms(1);
    fd = pidfd_open_(tid, 0);
    CHECK(fd == -1 && (errno == EINVAL || errno == ENOENT));
    atomic_store(&there, 1);
    pthread_join(thread, NULL);
}

static void end_is_seen(void)
{
    pid_t child = sleeper();
    int fd = pidfd_open_(child, 0), ep = epoll_create1(0);
    struct pollfd p = {fd, POLLIN, 0};
    struct epoll_event event = {.events = EPOLLIN};
    NEED(fd >= 0);
    CHECK_EQ(poll(&p, 1, 0), 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), 0);
    CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0);
    CHECK_ERRNO(read(fd, &p, 1), EINVAL);
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLIN);
    CHECK_EQ(epoll_wait(ep, &event, 1, -1), 1);
    siginfo_t info = {};
    CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0);
    CHECK(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    CHECK_ERRNO(send_by(fd, 0, NULL, 0), ESRCH);
    CHECK_ERRNO(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
    CHECK_ERRNO(waitid(P_PIDFD, 1, &info, WEXITED), EBADF);
    close(ep);
    close(fd);
}

static volatile int got_signo, got_code, got_value;

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got_signo = signo;
    got_code = info->si_code;
    got_value = info->si_value.sival_int;
}

static void signals(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    int self = pidfd_open_(getpid(), 0), status;
    sigaction(SIGUSR1, &action, NULL);
    CHECK_EQ(send_by(self, 0, NULL, 0), 0);
    CHECK_EQ(send_by(self, SIGUSR1, NULL, 0), 0);
    CHECK(got_signo == SIGUSR1 && got_code == SI_USER);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    info.si_value.sival_int = 12;
    CHECK_EQ(send_by(self, SIGUSR1, &info, 0), 0);
    CHECK(got_code == SI_QUEUE && got_value == 12);
    CHECK_ERRNO(send_by(self, SIGUSR2, &info, 0), EINVAL);
    CHECK_ERRNO(send_by(self, SIGUSR1, NULL, 8), EINVAL);
    CHECK_ERRNO(send_by(self, 65, NULL, 0), EINVAL);
    CHECK_ERRNO(send_by(1, 0, NULL, 0), EBADF);
    CHECK_ERRNO(send_by(-1, 0, NULL, 0), EBADF);
    pid_t child = sleeper();
    int fd = pidfd_open_(child, 0);
    info.si_code = SI_USER;
    CHECK_ERRNO(send_by(fd, SIGUSR1, &info, 0), EPERM);
    CHECK_EQ(send_by(fd, SIGTERM, NULL, 0), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(fd);
    close(self);
}

static void files(void)
{
    int pipes[2], ready[2];
    char c;
    NEED(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (pipe(pipes) || dup2(pipes[0], 50) != 50 || write(pipes[1], "z", 1) != 1)
            _exit(1);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    CHECK_EQ(read(ready[0], &c, 1), 1);
    int fd = pidfd_open_(child, 0), got = (int)syscall(SYS_pidfd_getfd, fd, 50, 0);
    NEED(got >= 0);
    CHECK_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
    CHECK(read(got, &c, 1) == 1 && c == 'z');
    CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 51, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 50, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_pidfd_getfd, 1, 50, 0), EBADF);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 50, 0), ESRCH);
    close(fd);
    close(got);
}

static void from_clone(void)
{
    int fd = -1, status;
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&fd, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (child == 0)
        _exit(7);
    NEED(child > 0);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 7);
    CHECK_ERRNO(send_by(fd, 0, NULL, 0), ESRCH);
    close(fd);
}

static void nonblocking(void)
{
    pid_t child = sleeper();
    int fd = pidfd_open_(child, O_NONBLOCK);
    siginfo_t info;
    NEED(fd >= 0);
    CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    info.si_pid = 1;
    CHECK_EQ(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG), 0);
    CHECK_EQ(info.si_pid, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fd);
}

static void folder_of_proc(void)
{
    pid_t child = sleeper();
    char path[40];
    int status, fd, other;

    snprintf(path, sizeof(path), "/proc/%d", child);
    fd = open(path, O_RDONLY | O_DIRECTORY);
    NEED(fd >= 0);
    CHECK_EQ(send_by(fd, 0, NULL, 0), 0);
    CHECK_ERRNO(send_by(fd, 65, NULL, 0), EINVAL);
    CHECK_ERRNO(waitid(P_PIDFD, (id_t)fd, &(siginfo_t){0}, WEXITED | WNOHANG), EBADF);
    CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 0), EBADF);
    other = open(path, O_PATH);
    CHECK_ERRNO(send_by(other, 0, NULL, 0), EBADF);
    close(other);
    snprintf(path, sizeof(path), "/proc/%d/fd", child);
    other = open(path, O_RDONLY);
    CHECK_ERRNO(send_by(other, 0, NULL, 0), EBADF);
    close(other);
    CHECK_EQ(send_by(fd, SIGTERM, NULL, 0), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK_ERRNO(send_by(fd, 0, NULL, 0), ESRCH);
    close(fd);
}

int main(void)
{
    promise("pidfd_open makes a descriptor of a process that is there", opening);
    promise("poll and epoll tell of its end, waitid waits for it", end_is_seen);
    promise("pidfd_send_signal sends", signals);
    promise("pidfd_send_signal takes an open folder /proc/PID too", folder_of_proc);
    promise("pidfd_getfd takes another process' open file", files);
    promise("CLONE_PIDFD gives one with the child", from_clone);
    promise("a non-blocking one makes waitid answer EAGAIN", nonblocking);
    return check_end();
}
