/* man 2 recvmmsg */
#include "abi.h"
#include <sys/socket.h>

static void results(void)
{
    char a[4], b[4], c[4];
    int pair[2];
    struct iovec parts[3] = {{a, 4}, {b, 4}, {c, 4}};
    struct mmsghdr messages[3] = {{{.msg_iov = &parts[0], .msg_iovlen = 1}, 0},
                                  {{.msg_iov = &parts[1], .msg_iovlen = 1}, 0},
                                  {{.msg_iov = &parts[2], .msg_iovlen = 1}, 0}};
    struct timespec wrong = {0, 1000000000};

    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK_ERRNO(CALL(recvmmsg, pair[1], messages, 3, MSG_DONTWAIT, NULL), EAGAIN);
    NEED(write(pair[0], "x", 1) == 1 && write(pair[0], "yz", 2) == 2);
    CHECK_EQ(CALL(recvmmsg, pair[1], messages, 3, MSG_WAITFORONE, NULL), 2);
    CHECK(messages[0].msg_len == 1 && messages[1].msg_len == 2 && b[1] == 'z');
    CHECK_ERRNO(CALL(recvmmsg, pair[1], messages, 3, 0, &wrong), EINVAL);
    CHECK_ERRNO(CALL(recvmmsg, pair[1], messages, 3, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(recvmmsg, BAD_FD, messages, 3, 0, NULL), EBADF);
}

int main(void)
{
    promise("recvmmsg: results and errors", results);
    return check_end();
}
