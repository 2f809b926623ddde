/* man 2 io_getevents */
#include "abi.h"
#include <linux/aio_abi.h>

static void results(void)
{
    unsigned long context = 0;
    struct io_event events[4];
    struct timespec soon = {0, 1000000}, wrong = {0, -1};

    if (CALL(io_setup, 8, &context) != 0 && errno == ENOSYS)
        SKIP("this Linux has no asynchronous I/O");
    CHECK_EQ(CALL(io_getevents, context, 0, 4, events, NULL), 0);
    CHECK_EQ(CALL(io_getevents, context, 1, 4, events, &soon), 0);
    CHECK_ERRNO(CALL(io_getevents, context, 5, 4, events, NULL), EINVAL);
    CHECK_ERRNO(CALL(io_getevents, context, -1, 4, events, NULL), EINVAL);
    CHECK_ERRNO(CALL(io_getevents, context, 1, 4, events, BAD), EFAULT);
    CHECK_EQ(CALL(io_destroy, context), 0);
    CHECK_ERRNO(CALL(io_getevents, context, 0, 4, events, NULL), EINVAL);
    (void)wrong;
}

int main(void)
{
    promise("io_getevents: results and errors", results);
    return check_end();
}
