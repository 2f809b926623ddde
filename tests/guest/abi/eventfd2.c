/* man 2 eventfd */
#include "abi.h"
#include <sys/eventfd.h>

static void results(void)
{
    uint64_t value = 0;
    int fd = CALL(eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);

    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(read(fd, &value, 8) == 8 && value == 1 && read(fd, &value, 8) == 8 && value == 1);
    CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
    value = ~1ull;
    CHECK_EQ(write(fd, &value, 8), 8);
    value = 1;
    CHECK_ERRNO(write(fd, &value, 8), EAGAIN); /* it would overflow */
    CHECK_ERRNO(write(fd, (char[100]){0}, 100), EINVAL);
    CHECK_ERRNO(CALL(eventfd2, 0, 2), EINVAL);
}

int main(void)
{
    promise("eventfd2: flags and errors", results);
    return check_end();
}
