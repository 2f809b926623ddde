/* man 3 mq_send */
#include "../own_ipc.h"
#include "abi.h"
#include <mqueue.h>

static void results(void)
{
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    struct timespec past = {1, 0}, wrong = {1, 1000000000};
    int fd = CALL(mq_open, "abi-send", O_RDWR | O_CREAT, 0600, &attr), nonblock;

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    nonblock = CALL(mq_open, "abi-send", O_WRONLY | O_NONBLOCK, 0, NULL);
    CALL(mq_unlink, "abi-send");
    CHECK_ERRNO(CALL(mq_timedsend, fd, "123456789", 9, 0, NULL), EMSGSIZE);
    CHECK_ERRNO(CALL(mq_timedsend, fd, "x", 1, 32768, NULL), EINVAL);
    CHECK_ERRNO(CALL(mq_timedsend, fd, BAD, 1, 0, NULL), EFAULT);
    CHECK_EQ(CALL(mq_timedsend, fd, "12345678", 8, 32767, &past), 0); /* it does not wait */
    CHECK_ERRNO(CALL(mq_timedsend, fd, "x", 1, 0, &past), ETIMEDOUT);
    CHECK_ERRNO(CALL(mq_timedsend, fd, "x", 1, 0, &wrong), EINVAL);
    CHECK_ERRNO(CALL(mq_timedsend, nonblock, "x", 1, 0, NULL), EAGAIN);
    CHECK_ERRNO(CALL(mq_timedsend, BAD_FD, "x", 1, 0, NULL), EBADF);
    CHECK_ERRNO(CALL(mq_timedsend, 1, "x", 1, 0, NULL), EBADF);
}

int main(void)
{
    own_ipc();
    promise("mq_timedsend: results and errors", results);
    return check_end();
}
