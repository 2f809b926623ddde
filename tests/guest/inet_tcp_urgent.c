// cpus: 1 2
/* Urgent data as Linux does it: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI, SIGURG. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

static bool make_pair(int s[2])
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = !bind(listener, (struct sockaddr *)&in, len) && !listen(listener, 1) &&
              !getsockname(listener, (struct sockaddr *)&in, &len) &&
              !connect(s[0], (struct sockaddr *)&in, len);
    s[1] = ok ? accept(listener, NULL, NULL) : -1;
    close(listener);
    return CHECK(ok && s[1] >= 0);
}

static void close_pair(int s[2])
{
    close(s[0]);
    close(s[1]);
}

static void wait_urgent(int fd)
{
    struct pollfd p = {fd, POLLPRI, 0};
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLPRI);
}

static int at_mark(int fd)
{
    int at = -1;
    ioctl(fd, SIOCATMARK, &at);
    return at;
}

static void out_of_band(void)
{
    int s[2];
    char buf[16], byte = 0;
    NEED(make_pair(s));
    CHECK_ERRNO(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    CHECK_EQ(send(s[0], "abc", 3, MSG_OOB), 3);
    wait_urgent(s[1]);
    CHECK_EQ(send(s[0], "def", 3, 0), 3);
    CHECK_EQ(at_mark(s[1]), 0);
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB | MSG_PEEK), 1);
    CHECK_EQ(byte, 'c');
    CHECK_EQ(read(s[1], buf, sizeof(buf)), 2); /* stops before it */
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB), 1);
    CHECK_EQ(byte, 'c');
    CHECK_ERRNO(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    CHECK_EQ(recv(s[1], buf, 3, MSG_WAITALL), 3);
    CHECK(!memcmp(buf, "def", 3));
    CHECK_EQ(at_mark(s[1]), 0);
    close_pair(s);
}

static void in_line(void)
{
    int s[2], one = 1;
    char buf[16], byte;
    NEED(make_pair(s));
    CHECK(!setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)));
    CHECK_EQ(send(s[0], "abc", 3, MSG_OOB), 3);
    wait_urgent(s[1]);
    CHECK_ERRNO(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    CHECK_EQ(read(s[1], buf, sizeof(buf)), 2);
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_EQ(read(s[1], buf, sizeof(buf)), 1);
    CHECK_EQ(buf[0], 'c');
    CHECK_EQ(at_mark(s[1]), 0);
    close_pair(s);
}

static volatile sig_atomic_t urgents;
static void on_urgent(__attribute__((unused)) int sig)
{
    urgents++;
}

static void a_signal(void)
{
    int s[2];
    struct sigaction action = {.sa_handler = on_urgent}, old;
    NEED(make_pair(s));
    sigaction(SIGURG, &action, &old);
    CHECK(!fcntl(s[1], F_SETOWN, getpid()));
    CHECK_EQ(send(s[0], "!", 1, MSG_OOB), 1);
    while (!urgents) {
        struct pollfd p = {s[1], POLLPRI, 0};
        poll(&p, 1, 10);
    }
    CHECK_EQ(urgents, 1);
    sigaction(SIGURG, &old, NULL);
    close_pair(s);
}

static void not_read_it_is_skipped(void)
{
    int s[2];
    char buf[16];
    NEED(make_pair(s));
    CHECK_EQ(send(s[0], "ab!", 3, MSG_OOB), 3);
    wait_urgent(s[1]);
    CHECK_EQ(send(s[0], "cd", 2, 0), 2);
    CHECK_EQ(recv(s[1], buf, 2, MSG_WAITALL), 2);
    CHECK_EQ(recv(s[1], buf, 2, MSG_WAITALL), 2);
    CHECK(!memcmp(buf, "cd", 2));
    close_pair(s);
}

int main(void)
{
    quiet_net();
    promise("MSG_OOB", out_of_band);
    promise("SO_OOBINLINE", in_line);
    promise("SIGURG", a_signal);
    promise("urgent bytes that nobody reads", not_read_it_is_skipped);
    return check_end();
}
