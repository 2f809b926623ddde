/* man 3 mq_open; the call's names have no slash in front. */
#include "abi.h"
#include <mqueue.h>

static void results(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64}, got;
    int fd = CALL(mq_open, "abi-open", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(CALL(mq_getsetattr, fd, NULL, &got) == 0 && got.mq_maxmsg == 4 && got.mq_msgsize == 64);
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDWR | O_CREAT | O_EXCL, 0600, &attr), EEXIST);
    CHECK(CALL(mq_open, "abi-open", O_RDONLY, 0, NULL) >= 0);
    CHECK_EQ(CALL(mq_unlink, "abi-open"), 0);
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDONLY, 0, NULL), ENOENT);
    CHECK_ERRNO(CALL(mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    CHECK_ERRNO(CALL(mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
    CHECK_ERRNO(CALL(mq_open, BAD, O_RDWR, 0600, NULL), EFAULT);
    attr.mq_maxmsg = 0;
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDWR | O_CREAT, 0600, &attr), EINVAL);
}

int main(void)
{
    promise("mq_open: results and errors", results);
    return check_end();
}
