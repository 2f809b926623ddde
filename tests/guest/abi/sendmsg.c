/* man 2 sendmsg */
#include "abi.h"
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

static void results(void)
{
    char text[8];
    int pair[2];
    struct iovec parts[2] = {{"ab", 2}, {"cde", 3}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    CHECK_EQ(CALL(sendmsg, pair[0], &message, 0), 5);
    CHECK(read(pair[1], text, 8) == 5 && memcmp(text, "abcde", 5) == 0);
    message.msg_iovlen = IOV_MAX + 1;
    CHECK_ERRNO(CALL(sendmsg, pair[0], &message, 0), EMSGSIZE);
    message.msg_iovlen = 2;
    message.msg_iov = BAD;
    CHECK_ERRNO(CALL(sendmsg, pair[0], &message, 0), EFAULT);
    CHECK_ERRNO(CALL(sendmsg, pair[0], BAD, 0), EFAULT);
    message.msg_iov = parts;
    CHECK_ERRNO(CALL(sendmsg, BAD_FD, &message, 0), EBADF);
    CHECK_ERRNO(CALL(sendmsg, open("/dev/null", O_RDONLY), &message, 0), ENOTSOCK);
}

static void control(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    int pair[2];
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    memcpy(CMSG_DATA(&control.head), &(int){BAD_FD}, sizeof(int));
    CHECK_ERRNO(CALL(sendmsg, pair[0], &message, 0), EBADF);
    memcpy(CMSG_DATA(&control.head), &(int){1}, sizeof(int));
    CHECK_EQ(CALL(sendmsg, pair[0], &message, 0), 1);
    control.head.cmsg_len = 3;
    CHECK_ERRNO(CALL(sendmsg, pair[0], &message, 0), EINVAL);
    control.head.cmsg_len = sizeof control + 100;
    CHECK_ERRNO(CALL(sendmsg, pair[0], &message, 0), EINVAL);
}

/* Of a stream that is gone, that counts first. */
static void control_of_tcp(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {3, SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    NEED(fd >= 0);
    CHECK_ERRNO(CALL(sendmsg, fd, &message, MSG_NOSIGNAL), EPIPE);
}

int main(void)
{
    promise("sendmsg: results and errors", results);
    promise("sendmsg checks control messages", control);
    promise("sendmsg: control messages of TCP", control_of_tcp);
    return check_end();
}
