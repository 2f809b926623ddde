// cpus: 2
/* TCP sockets in odd states, as random calls compared with Linux have found them: after the end of
 * what comes, after a connect that failed, connect on a listener, control data of other families.
 */
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static struct sockaddr_in here;

static int listen_here(void)
{
    socklen_t len = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    here = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0 && listen(fd, 5) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&here, &len) == 0);
    return fd;
}

static int to_here(int fd, socklen_t len)
{
    return connect(fd, (struct sockaddr *)&here, len);
}

/* Until it has one of these: what it has then. */
static int wait_for(int fd, short events)
{
    struct pollfd p = {fd, events, 0};
    CHECK(poll(&p, 1, -1) == 1);
    return p.revents;
}

static void pair(int *client, int *server)
{
    int listener = listen_here();
    *client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(to_here(*client, sizeof(here)) == 0);
    *server = accept(listener, NULL, NULL);
    CHECK(*server >= 0);
    close(listener);
}

static void end_before_error(void)
{
    int client, server;
    char c;
    pair(&client, &server);
    close(client);
    wait_for(server, POLLRDHUP);
    CHECK(send(server, "x", 1, 0) == 1); /* is answered by a reset */
    wait_for(server, 0);
    CHECK(recv(server, &c, 1, 0) == 0);
    CHECK_ERRNO(send(server, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK(recv(server, &c, 1, 0) == 0);
    close(server);
}

static void failed_connect(void)
{
    char c;
    close(listen_here());
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (to_here(fd, sizeof(here)) != 0 && errno == EINPROGRESS) {
        wait_for(fd, POLLOUT);
        CHECK_ERRNO(to_here(fd, sizeof(here)), ECONNREFUSED);
    }
    CHECK(wait_for(fd, POLLIN | POLLOUT | POLLRDHUP) == (POLLOUT | POLLHUP)); /* as new */
    CHECK_ERRNO(recv(fd, &c, 1, 0), ENOTCONN);
    close(fd);
}

static void order(void)
{
    int fd = listen_here();
    CHECK_ERRNO(to_here(fd, 2), EISCONN);
    CHECK_ERRNO(to_here(fd, 1), EINVAL);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    here.sin_addr.s_addr = INADDR_BROADCAST;
    CHECK_ERRNO(to_here(fd, sizeof(here)), ENETUNREACH);
    close(fd);
}

static void control(void)
{
    int client, server, bad = -1;
    char c;
    _Alignas(8) char space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {"x", 1};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
    pair(&client, &server);
    *CMSG_FIRSTHDR(&m) = (struct cmsghdr){CMSG_LEN(sizeof(bad)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &bad, sizeof(bad));
    CHECK(sendmsg(client, &m, 0) == 1);
    CHECK(recv(server, &c, 1, 0) == 1);
    CHECK(recvmsg(server, &m, MSG_DONTWAIT) == -1);
    close(client);
    close(server);
}

int main(void)
{
    quiet_net();
    promise("the end is told before an error", end_before_error);
    promise("a socket whose connect failed is as new", failed_connect);
    promise("connect looks at the state before the address", order);
    promise("files beside bytes are of no interest to TCP", control);
    return check_end();
}
