// cpus: 2
/* AF_UNIX: which mistake is told where there are several, names by type, what a message says of who
 * sent it: as random calls compared with Linux have found it (tests/differ). */
#include "check.h"
#include "quiet_net.h"
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { OWN_STAMP = 0x8906, LISTEN = 3 };

static struct sockaddr_un un;

static socklen_t name(const char *text)
{
    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, text, strlen(text));
    if (text[0] == '@')
        un.sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) + (text[0] != '@'));
}

static int bind_to(int fd, const char *text)
{
    socklen_t len = name(text);
    return bind(fd, (struct sockaddr *)&un, len);
}

static int connect_to(int fd, const char *text)
{
    socklen_t len = name(text);
    return connect(fd, (struct sockaddr *)&un, len);
}

static int unix_socket(int type)
{
    return socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
}

static void names(void)
{
    int stream = unix_socket(SOCK_STREAM), dgram = unix_socket(SOCK_DGRAM);
    CHECK(bind_to(stream, "@order") == 0);
    CHECK(bind_to(dgram, "@order") == 0); /* each type has its own abstract names */
    CHECK_ERRNO(bind_to(dgram, "@other"), EINVAL);
    int other = unix_socket(SOCK_SEQPACKET);
    CHECK_ERRNO(connect_to(other, "@order"), ECONNREFUSED);
    CHECK(bind_to(other, "order-path") == 0);
    CHECK_ERRNO(bind_to(other, "order-path"), EADDRINUSE); /* before that it has a name */
    CHECK_ERRNO(bind_to(other, "order-path2"), EINVAL);
    CHECK_ERRNO(access("order-path2", F_OK), ENOENT);
    unlink("order-path");
    close(stream);
    close(dgram);
    close(other);
}

static void connecting(void)
{
    int listener = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
    CHECK(bind_to(listener, "@listen") == 0);
    CHECK_ERRNO(accept4(99, NULL, NULL, 1), EBADF);
    CHECK_ERRNO(accept4(0, NULL, NULL, 1), EINVAL);
    CHECK(listen(listener, LISTEN) == 0);
    CHECK(connect_to(client, "@listen") == 0);
    CHECK_ERRNO(connect_to(client, "@listen"), EISCONN);
    CHECK_ERRNO(connect_to(client, "@nobody"), ECONNREFUSED);
    int server = accept(listener, NULL, NULL);
    CHECK(server >= 0);
    shutdown(listener, SHUT_RDWR);
    CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
    CHECK_ERRNO(getpeername(client, NULL, &(socklen_t){(socklen_t)-1}), EINVAL);
    CHECK(getpeername(client, NULL, &(socklen_t){0}) == 0);
    struct sockaddr_un a;
    CHECK_ERRNO(ioctl(client, OWN_STAMP, &a), ENOTTY);
    CHECK(send(server, "x", 1, 0) == 1);
    CHECK_ERRNO(recvfrom(client, &a, 1, 0, (struct sockaddr *)&a, &(socklen_t){(socklen_t)-1}),
                EINVAL);
    close(listener);
    close(client);
    close(server);
}

static void sending(void)
{
    char c = 'x';
    int fd = unix_socket(SOCK_DGRAM);
    shutdown(fd, SHUT_RDWR);
    socklen_t len = name("@nobody");
    CHECK_ERRNO(sendto(fd, &c, 1, MSG_NOSIGNAL, (struct sockaddr *)&un, len), EPIPE);
    CHECK_ERRNO(recv(fd, &c, 1, 0), EAGAIN); /* only a socket that waits is told the end */
    fcntl(fd, F_SETFL, 0);
    CHECK(recv(fd, &c, 1, 0) == 0);
    struct msghdr m = {.msg_name = &un, .msg_namelen = (socklen_t)-1, .msg_iovlen = (size_t)-1};
    CHECK_ERRNO(sendmsg(fd, &m, 0), EINVAL);
    close(fd);
}

static long send_cred(int fd, struct ucred cred)
{
    _Alignas(8) char control[CMSG_SPACE(sizeof(cred))] = {0};
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(cred)), SOL_SOCKET, SCM_CREDENTIALS};
    memcpy(CMSG_DATA(c), &cred, sizeof(cred));
    return sendmsg(fd, &m, 0);
}

static struct ucred receive_cred(int fd)
{
    _Alignas(8) char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
    char c;
    struct ucred cred = {-1, 1, 1};
    struct iovec part = {&c, 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    if (recvmsg(fd, &m, 0) >= 0 && m.msg_controllen)
        memcpy(&cred, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(cred));
    return cred;
}

static void credentials(void)
{
    int ends[2], one = 1;
    struct ucred own = {getpid(), getuid(), getgid()}, got;
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK_ERRNO(send_cred(ends[0], (struct ucred){0x3fffffff, own.uid, own.gid}), ESRCH);
    CHECK_ERRNO(send_cred(ends[0], (struct ucred){own.pid, (uid_t)-1, own.gid}), EINVAL);
    CHECK(send(ends[0], "x", 1, 0) == 1);
    CHECK(send_cred(ends[0], own) == 1);
    setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
    CHECK(send(ends[0], "x", 1, 0) == 1);
    got = receive_cred(ends[1]); /* nobody had asked when this one was sent */
    CHECK(got.pid == 0 && got.uid == 65534 && got.gid == 65534);
    got = receive_cred(ends[1]);
    CHECK(got.pid == own.pid && got.uid == own.uid);
    got = receive_cred(ends[1]);
    CHECK(got.pid == own.pid && got.uid == own.uid);
    fcntl(ends[1], F_SETFL, 0);
    shutdown(ends[1], SHUT_RD);
    CHECK(receive_cred(ends[1]).pid == -1); /* the end is no message */
    CHECK_ERRNO(getsockopt(ends[0], SOL_SOCKET, SO_PEERGROUPS, &got, &(socklen_t){(socklen_t)-1}),
                EINVAL);
    close(ends[0]);
    close(ends[1]);
    int a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM);
    socklen_t len = sizeof(got);
    CHECK(bind_to(a, "@peer") == 0 && connect_to(b, "@peer") == 0);
    CHECK(getsockopt(b, SOL_SOCKET, SO_PEERCRED, &got, &len) == 0);
    CHECK(got.pid == 0 && got.uid == (uid_t)-1); /* a datagram socket's peer is not known */
    close(a);
    close(b);
}

/* The sender's name is the one that it has when the message is read. */
static void late_name(void)
{
    char c;
    struct sockaddr_un from;
    socklen_t len = sizeof(from);
    int to = unix_socket(SOCK_DGRAM), fd = unix_socket(SOCK_DGRAM);
    CHECK(bind_to(to, "@to") == 0 && connect_to(fd, "@to") == 0);
    CHECK(send(fd, "x", 1, 0) == 1);
    CHECK(bind_to(fd, "@from") == 0);
    CHECK(recvfrom(to, &c, 1, 0, (struct sockaddr *)&from, &len) == 1);
    CHECK(len == 2 + 5 && memcmp(from.sun_path + 1, "from", 4) == 0);
    close(to);
    close(fd);
}

/* Files beside bytes come with a receive of no bytes, too. */
static void no_bytes(void)
{
    int ends[2];
    _Alignas(8) char control[CMSG_SPACE(4)] = {0};
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    *CMSG_FIRSTHDR(&m) = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS};
    CHECK(sendmsg(ends[0], &m, 0) == 1);
    m.msg_iovlen = 0;
    CHECK(recvmsg(ends[1], &m, 0) == 0 && m.msg_controllen == sizeof(control));
    m.msg_controllen = sizeof(control);
    m.msg_iovlen = 1;
    part.iov_base = (char[1]){0};
    CHECK(recvmsg(ends[1], &m, 0) == 1 && m.msg_controllen == 0);
    close(ends[0]);
    close(ends[1]);
}

/* recvmmsg(2) tells a pending error before it looks for messages. */
static void pending_error(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK(send(ends[0], "x", 1, 0) == 1);
    close(ends[1]);
    CHECK_ERRNO(recvmmsg(ends[0], NULL, 0, 0, NULL), ECONNRESET);
    CHECK(recvmmsg(ends[0], NULL, 0, 0, NULL) == 0);
    close(ends[0]);
}

int main(void)
{
    quiet_net();
    CHECK(chdir("/tmp") == 0);
    promise("names are each type's own, a path is looked at first", names);
    promise("mistakes of connect, accept and names", connecting);
    promise("a socket shut down sends and receives nothing", sending);
    promise("credentials are there if somebody asked", credentials);
    promise("a sender's name is the present one", late_name);
    promise("files come with no bytes", no_bytes);
    promise("recvmmsg tells what is pending", pending_error);
    return check_end();
}
