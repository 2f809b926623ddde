/* man 2 sendmmsg */
#include "abi.h"
#include <sys/socket.h>

static void results(void)
{
    char text[8];
    int pair[2];
    struct iovec one = {"a", 1}, two = {"bc", 2}, bad = {BAD, 2};
    struct mmsghdr messages[3] = {{{.msg_iov = &one, .msg_iovlen = 1}, 0},
                                  {{.msg_iov = &two, .msg_iovlen = 1}, 0},
                                  {{.msg_iov = &bad, .msg_iovlen = 1}, 0}};

    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK_EQ(CALL(sendmmsg, pair[0], messages, 3, 0), 2); /* as far as it went */
    CHECK(messages[0].msg_len == 1 && messages[1].msg_len == 2);
    CHECK(read(pair[1], text, 8) == 1 && read(pair[1], text, 8) == 2);
    CHECK_ERRNO(CALL(sendmmsg, pair[0], messages + 2, 1, 0), EFAULT);
    CHECK_EQ(CALL(sendmmsg, pair[0], messages, 0, 0), 0);
    CHECK_ERRNO(CALL(sendmmsg, BAD_FD, messages, 1, 0), EBADF);
    CHECK_ERRNO(CALL(sendmmsg, pair[0], BAD, 1, 0), EFAULT);
}

int main(void)
{
    promise("sendmmsg: results and errors", results);
    return check_end();
}
