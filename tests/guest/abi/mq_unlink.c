/* man 3 mq_unlink */
#include "../own_ipc.h"
#include "abi.h"

static void results(void)
{
    int fd = CALL(mq_open, "abi-unlink", O_RDWR | O_CREAT, 0600, NULL);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    CHECK_EQ(CALL(mq_unlink, "abi-unlink"), 0);
    CHECK_ERRNO(CALL(mq_unlink, "abi-unlink"), ENOENT);
    CHECK_EQ(CALL(mq_timedsend, fd, "x", 1, 0, NULL), 0); /* it lives as long as it is open */
    CHECK_ERRNO(CALL(mq_unlink, BAD), EFAULT);
    CHECK_ERRNO(CALL(mq_unlink, ""), ENOENT);
}

int main(void)
{
    own_ipc();
    promise("mq_unlink: results and errors", results);
    return check_end();
}
