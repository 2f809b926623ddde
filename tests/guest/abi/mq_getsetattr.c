/* man 3 mq_getattr */
#include "../own_ipc.h"
#include "abi.h"
#include <mqueue.h>

static void results(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 8}, old;
    int fd = CALL(mq_open, "abi-attr", O_RDWR | O_CREAT, 0600, &attr);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    CALL(mq_unlink, "abi-attr");
    NEED(CALL(mq_timedsend, fd, "x", 1, 0, NULL) == 0);
    attr = (struct mq_attr){.mq_flags = O_NONBLOCK, .mq_maxmsg = 99};
    CHECK_EQ(CALL(mq_getsetattr, fd, &attr, &old), 0);
    CHECK(old.mq_flags == 0 && old.mq_maxmsg == 3 && old.mq_curmsgs == 1);
    CHECK_EQ(CALL(mq_getsetattr, fd, NULL, &old), 0);
    CHECK(old.mq_flags == O_NONBLOCK && old.mq_maxmsg == 3); /* the flag only */
    attr.mq_flags = 1;
    CHECK_ERRNO(CALL(mq_getsetattr, fd, &attr, NULL), EINVAL);
    CHECK_ERRNO(CALL(mq_getsetattr, BAD_FD, NULL, &old), EBADF);
    CHECK_ERRNO(CALL(mq_getsetattr, fd, NULL, BAD), EFAULT);
}

int main(void)
{
    own_ipc();
    promise("mq_getsetattr: results and errors", results);
    return check_end();
}
