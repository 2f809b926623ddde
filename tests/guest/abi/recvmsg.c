/* man 2 recvmsg */
#include "abi.h"
#include <sys/socket.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(2 * sizeof(int))];
};

static void send_fds(int to)
{
    union control control = {.head = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};

    memcpy(CMSG_DATA(&control.head), (int[2]){0, 1}, 2 * sizeof(int));
    CHECK_EQ(sendmsg(to, &message, 0), 1);
}

static void results(void)
{
    char a[2], b[8];
    int pair[2], fds[2];
    struct iovec parts[2] = {{a, 2}, {b, 8}};
    union control control;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 && write(pair[0], "abcde", 5) == 5);
    CHECK_EQ(CALL(recvmsg, pair[1], &message, 0), 5);
    CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0);
    NEED(write(pair[0], "abcde", 5) == 5);
    message.msg_iovlen = 1;
    CHECK_EQ(CALL(recvmsg, pair[1], &message, 0), 2);
    CHECK(message.msg_flags & MSG_TRUNC);
    send_fds(pair[0]);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    CHECK_EQ(CALL(recvmsg, pair[1], &message, MSG_CMSG_CLOEXEC), 1);
    CHECK(control.head.cmsg_type == SCM_RIGHTS && control.head.cmsg_len == CMSG_LEN(sizeof fds));
    memcpy(fds, CMSG_DATA(&control.head), sizeof fds);
    CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC && fcntl(fds[1], F_GETFD) == FD_CLOEXEC);
    send_fds(pair[0]);
    message.msg_controllen = CMSG_LEN(sizeof(int)); /* room for one: the other is closed */
    CHECK_EQ(CALL(recvmsg, pair[1], &message, 0), 1);
    CHECK(message.msg_flags & MSG_CTRUNC && control.head.cmsg_len == CMSG_LEN(sizeof(int)));
    CHECK_ERRNO(CALL(recvmsg, pair[1], &message, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(CALL(recvmsg, pair[1], BAD, 0), EFAULT);
    CHECK_ERRNO(CALL(recvmsg, BAD_FD, &message, 0), EBADF);
}

int main(void)
{
    promise("recvmsg: results and errors", results);
    return check_end();
}
