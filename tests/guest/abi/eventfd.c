/* man 2 eventfd: the call without flags. */
#include "abi.h"

static void results(void)
{
    uint64_t value = 0;
    int fd = CALL(eventfd, 7);

    NEED(fd >= 0);
    CHECK(read(fd, &value, 8) == 8 && value == 7);
    value = 3;
    CHECK(write(fd, &value, 8) == 8 && write(fd, &value, 8) == 8);
    CHECK(read(fd, &value, 8) == 8 && value == 6);
    CHECK_ERRNO(read(fd, &value, 4), EINVAL);
    value = ~0ull;
    CHECK_ERRNO(write(fd, &value, 8), EINVAL);
}

int main(void)
{
    promise("eventfd: results and errors", results);
    return check_end();
}
