/* man 2 select */
#include "abi.h"
#include <sys/select.h>

static void results(void)
{
    int a[2], b[2];
    fd_set in, out;
    struct timeval none = {0, 0}, soon = {0, 1000}, wrong = {-1, 0};

    NEED(pipe(a) == 0 && pipe(b) == 0 && write(a[1], "x", 1) == 1);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(a[0], &in);
    FD_SET(b[0], &in);
    FD_SET(b[1], &out);
    CHECK_EQ(CALL(select, 20, &in, &out, NULL, &none), 2);
    CHECK(FD_ISSET(a[0], &in) && !FD_ISSET(b[0], &in) && FD_ISSET(b[1], &out));
    FD_ZERO(&in);
    FD_SET(b[0], &in);
    CHECK_EQ(CALL(select, 20, &in, NULL, NULL, &soon), 0);
    CHECK(!FD_ISSET(b[0], &in) && soon.tv_sec == 0 && soon.tv_usec == 0);
    CHECK_ERRNO(CALL(select, -1, &in, NULL, NULL, &none), EINVAL);
    CHECK_ERRNO(CALL(select, 20, &in, NULL, NULL, &wrong), EINVAL);
    CHECK_ERRNO(CALL(select, 20, BAD, NULL, NULL, &none), EFAULT);
    close(b[0]);
    FD_SET(b[0], &in);
    CHECK_ERRNO(CALL(select, 20, &in, NULL, NULL, &none), EBADF);
}

int main(void)
{
    promise("select: results and errors", results);
    return check_end();
}
