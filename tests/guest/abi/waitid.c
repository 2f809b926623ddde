/* man 2 waitid */
#include "abi.h"

static void results(void)
{
    siginfo_t info;
    pid_t pid = start();

    if (pid == 0)
        _exit(7);
    CHECK_EQ(CALL(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL), 0);
    CHECK(info.si_signo == SIGCHLD && info.si_code == CLD_EXITED && info.si_status == 7);
    CHECK(info.si_pid == pid && info.si_uid == getuid());
    CHECK_EQ(CALL(waitid, P_ALL, 0, &info, WEXITED, NULL), 0); /* still there */
    CHECK_ERRNO(CALL(waitid, P_ALL, 0, &info, WEXITED, NULL), ECHILD);
    pid = start();
    if (pid == 0)
        for (;;)
            pause();
    memset(&info, 0xff, sizeof info);
    CHECK_EQ(CALL(waitid, P_PID, pid, &info, WEXITED | WNOHANG, NULL), 0);
    CHECK_EQ(info.si_pid, 0); /* nothing happened yet */
    kill(pid, SIGSTOP);
    CHECK_EQ(CALL(waitid, P_PID, pid, &info, WSTOPPED, NULL), 0);
    CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    kill(pid, SIGKILL);
    CHECK_EQ(CALL(waitid, P_PID, pid, &info, WEXITED, NULL), 0);
    CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

static void errors(void)
{
    siginfo_t info;

    CHECK_ERRNO(CALL(waitid, P_ALL, 0, &info, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(waitid, P_ALL, 0, &info, 1 << 12, NULL), EINVAL);
    CHECK_ERRNO(CALL(waitid, 99, 0, &info, WEXITED, NULL), EINVAL);
    CHECK_ERRNO(CALL(waitid, P_PID, 0, &info, WEXITED, NULL), EINVAL);
    CHECK_ERRNO(CALL(waitid, P_PIDFD, BAD_FD, &info, WEXITED, NULL), EBADF);
    CHECK_ERRNO(CALL(waitid, P_PID, getpid(), &info, WEXITED, NULL), ECHILD);
}

int main(void)
{
    promise("waitid: results", results);
    promise("waitid: errors", errors);
    return check_end();
}
