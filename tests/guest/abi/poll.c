/* man 2 poll */
#include "abi.h"
#include <poll.h>
#include <sys/resource.h>

static void results(void)
{
    int ends[2];
    NEED(pipe(ends) == 0);
    struct pollfd fds[4] = {
        {ends[0], POLLIN, 9}, {ends[1], POLLOUT, 9}, {-1, POLLIN, 9}, {BAD_FD, 0, 9}};

    CHECK_EQ(CALL(poll, fds, 3, 0), 1);
    CHECK(fds[0].revents == 0 && fds[1].revents == POLLOUT && fds[2].revents == 0);
    CHECK(write(ends[1], "a", 1) == 1 && CALL(poll, fds, 4, -1) == 3);
    CHECK(fds[0].revents == POLLIN && fds[3].revents == POLLNVAL);
    close(ends[1]);
    CHECK_EQ(CALL(poll, fds, 1, -1), 1);
    CHECK_EQ(fds[0].revents, POLLIN | POLLHUP);
    CHECK_EQ(CALL(poll, NULL, 0, 1), 0);
    fds[0].fd = open("/dev/null", O_RDONLY);
    fds[0].events = POLLIN | POLLOUT;
    CHECK(CALL(poll, fds, 1, 0) == 1 && fds[0].revents == (POLLIN | POLLOUT));
}

static void errors(void)
{
    struct pollfd fd = {0, POLLIN, 0};
    struct rlimit few = {1, 1};

    CHECK_ERRNO(CALL(poll, BAD, 1, 0), EFAULT);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_ERRNO(CALL(poll, &fd, 2, 0), EINVAL);
}

int main(void)
{
    promise("poll: results", results);
    promise_apart("poll: errors", errors);
    return check_end();
}
