/* man 3 mq_notify */
#include "../own_ipc.h"
#include "abi.h"

static void results(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct timespec none = {0, 0};
    int fd = CALL(mq_open, "abi-notify", O_RDWR | O_CREAT, 0600, NULL);
    sigset_t set;
    siginfo_t info;
    char room[8192];

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    CALL(mq_unlink, "abi-notify");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    event.sigev_value.sival_int = 31;
    CHECK_EQ(CALL(mq_notify, fd, &event), 0);
    CHECK_ERRNO(CALL(mq_notify, fd, &event), EBUSY);
    CHECK_EQ(CALL(mq_timedsend, fd, "x", 1, 0, NULL), 0);
    CHECK_EQ(sigtimedwait(&set, &info, &none), SIGUSR1);
    CHECK(info.si_code == SI_MESGQ && info.si_value.sival_int == 31);
    CHECK_EQ(CALL(mq_timedreceive, fd, room, sizeof room, NULL, NULL), 1);
    CHECK_EQ(CALL(mq_timedsend, fd, "x", 1, 0, NULL), 0);
    CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN); /* once only */
    CHECK_EQ(CALL(mq_notify, fd, &event), 0);
    CHECK_EQ(CALL(mq_notify, fd, NULL), 0); /* never mind */
    event.sigev_signo = 99;
    CHECK_ERRNO(CALL(mq_notify, fd, &event), EINVAL);
    CHECK_ERRNO(CALL(mq_notify, BAD_FD, NULL), EBADF);
    CHECK_ERRNO(CALL(mq_notify, fd, BAD), EFAULT);
}

int main(void)
{
    own_ipc();
    promise_apart("mq_notify: results and errors", results);
    return check_end();
}
