/* man 2 io_cancel */
#include "abi.h"
#include <linux/aio_abi.h>

static void results(void)
{
    unsigned long context = 0;
    struct iocb never = {.aio_lio_opcode = IOCB_CMD_PREAD};
    struct io_event event;

    if (CALL(io_setup, 8, &context) != 0 && errno == ENOSYS)
        SKIP("this Linux has no asynchronous I/O");
    CHECK_ERRNO(CALL(io_cancel, context, &never, &event), EINVAL); /* not submitted */
    CHECK_ERRNO(CALL(io_cancel, context, BAD, &event), EFAULT);
    CHECK_ERRNO(CALL(io_cancel, 0, &never, &event), EINVAL);
    CHECK_EQ(CALL(io_destroy, context), 0);
}

int main(void)
{
    promise("io_cancel: errors", results);
    return check_end();
}
