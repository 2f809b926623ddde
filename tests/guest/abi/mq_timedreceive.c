/* man 3 mq_receive */
#include "../own_ipc.h"
#include "abi.h"
#include <mqueue.h>

static void results(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 8};
    struct timespec past = {1, 0};
    char text[8];
    unsigned priority = 0;
    int fd = CALL(mq_open, "abi-receive", O_RDWR | O_CREAT, 0600, &attr);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    CALL(mq_unlink, "abi-receive");
    CHECK_ERRNO(CALL(mq_timedreceive, fd, text, 8, NULL, &past), ETIMEDOUT);
    NEED(CALL(mq_timedsend, fd, "low", 3, 1, NULL) == 0);
    NEED(CALL(mq_timedsend, fd, "high", 4, 9, NULL) == 0);
    CHECK_ERRNO(CALL(mq_timedreceive, fd, text, 7, NULL, NULL), EMSGSIZE);
    CHECK_EQ(CALL(mq_timedreceive, fd, text, 8, &priority, NULL), 4);
    CHECK(priority == 9 && memcmp(text, "high", 4) == 0);
    CHECK_EQ(CALL(mq_timedreceive, fd, text, 8, NULL, NULL), 3);
    CHECK_ERRNO(CALL(mq_timedreceive, BAD_FD, text, 8, NULL, NULL), EBADF);
}

int main(void)
{
    own_ipc();
    promise("mq_timedreceive: results and errors", results);
    return check_end();
}
