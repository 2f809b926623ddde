// AF_UNIX: urgent data, times of arrival, options; mq_notify's thread.
#include "check.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int at_mark(int fd)
{
    int mark = -1;
    CHECK(ioctl(fd, 0x8905 /* SIOCATMARK */, &mark) == 0);
    return mark;
}

static void urgent(void)
{
    int s[2];
    char buf[16] = "";
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_ERRNO(recv(s[1], buf, 1, MSG_OOB), EINVAL);
    CHECK_ERRNO(send(s[0], "", 0, MSG_OOB), EOPNOTSUPP);
    CHECK_EQ(send(s[0], "abc", 3, MSG_OOB), 3);
    CHECK_EQ(send(s[0], "de", 2, 0), 2);
    struct pollfd p = {.fd = s[1], .events = POLLPRI | POLLIN};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLPRI | POLLIN);
    CHECK_EQ(at_mark(s[1]), 0);
    // Reading stops before it.
    CHECK_EQ(recv(s[1], buf, sizeof(buf), 0), 2);
    CHECK(memcmp(buf, "ab", 2) == 0);
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_EQ(recv(s[1], buf, sizeof(buf), MSG_OOB | MSG_PEEK), 1);
    CHECK_EQ(buf[0], 'c');
    buf[0] = 0;
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(s[1], &msg, MSG_OOB), 1);
    CHECK_EQ(buf[0], 'c');
    CHECK_EQ(msg.msg_flags & MSG_OOB, MSG_OOB);
    CHECK_ERRNO(recv(s[1], buf, 1, MSG_OOB), EINVAL);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    CHECK_EQ(recv(s[1], buf, sizeof(buf), 0), 2);
    CHECK(memcmp(buf, "de", 2) == 0);
    // One that nobody reads is passed over.
    CHECK_EQ(send(s[0], "x", 1, MSG_OOB), 1);
    CHECK_EQ(send(s[0], "yz", 2, 0), 2);
    CHECK_EQ(recv(s[1], buf, sizeof(buf), 0), 2);
    CHECK(memcmp(buf, "yz", 2) == 0);
    // A newer one makes the older plain.
    CHECK_EQ(send(s[0], "12", 2, MSG_OOB), 2);
    CHECK_EQ(send(s[0], "34", 2, MSG_OOB), 2);
    CHECK_EQ(recv(s[1], buf, 1, MSG_OOB), 1);
    CHECK_EQ(buf[0], '4');
    CHECK_EQ(recv(s[1], buf, 3, MSG_WAITALL), 3);
    CHECK(memcmp(buf, "123", 3) == 0);
    // In line it is like the others.
    int one = 1;
    CHECK(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)) == 0);
    CHECK_EQ(send(s[0], "pq", 2, MSG_OOB), 2);
    CHECK_ERRNO(recv(s[1], buf, 1, MSG_OOB), EINVAL);
    CHECK_EQ(recv(s[1], buf, sizeof(buf), 0), 1);
    CHECK_EQ(recv(s[1], buf, sizeof(buf), 0), 1);
    CHECK_EQ(buf[0], 'q');
    close(s[0]);
    close(s[1]);
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
    CHECK_ERRNO(send(s[0], "x", 1, MSG_OOB), EOPNOTSUPP);
    CHECK_ERRNO(recv(s[1], buf, 1, MSG_OOB), EOPNOTSUPP);
    close(s[0]);
    close(s[1]);
}

static volatile sig_atomic_t urged;

static void on_urgent(int sig)
{
    urged = sig;
}

static void urgent_signal(void)
{
    int s[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    signal(SIGURG, on_urgent);
    CHECK(fcntl(s[1], F_SETOWN, getpid()) == 0);
    CHECK_EQ(send(s[0], "x", 1, MSG_OOB), 1);
    CHECK_EQ(urged, SIGURG);
    close(s[0]);
    close(s[1]);
}

/* The control message of a datagram sent through a pair with the option; 0: none. */
static int stamp_type(int option, struct timespec *ts)
{
    int s[2], one = 1, type = 0;
    char buf[4], control[200];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
    CHECK(setsockopt(s[1], SOL_SOCKET, option, &one, sizeof(one)) == 0);
    CHECK_EQ(send(s[0], "x", 1, 0), 1);
    CHECK_EQ(recvmsg(s[1], &msg, 0), 1);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET) {
        type = c->cmsg_type;
        memcpy(ts, CMSG_DATA(c), sizeof(*ts));
    }
    close(s[0]);
    close(s[1]);
    return type;
}

static void times(void)
{
    struct timespec ts, now;
    clock_gettime(CLOCK_REALTIME, &now);
    CHECK_EQ(stamp_type(SO_TIMESTAMP, &ts), SCM_TIMESTAMP);
    CHECK(ts.tv_sec >= now.tv_sec - 1 && ts.tv_sec <= now.tv_sec + 60 && ts.tv_nsec < 1000000);
    CHECK_EQ(stamp_type(SO_TIMESTAMPNS, &ts), SCM_TIMESTAMPNS);
    CHECK(ts.tv_sec >= now.tv_sec - 1 && ts.tv_sec <= now.tv_sec + 60);
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), one = 1, value = 0;
    socklen_t len = sizeof(value);
    CHECK(setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) == 0);
    CHECK(getsockopt(s, SOL_SOCKET, SO_TIMESTAMP, &value, &len) == 0);
    CHECK_EQ(value, 0);
    CHECK(getsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &value, &len) == 0);
    CHECK_EQ(value, 1);
    close(s);
}

static void options(void)
{
    int s[2], value = -1, other = -1, zero = 0, one = 1;
    socklen_t len = sizeof(value);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), ENOENT);
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)) == 0);
    CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_LOCK_FILTER, &zero, sizeof(zero)), EPERM);
    CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), EPERM);
    CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), EOPNOTSUPP);
    CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERSEC, &value, &len), ENOPROTOOPT);
    uint64_t cookie = 0, again = 0;
    len = sizeof(cookie);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_COOKIE, &again, &len) == 0);
    CHECK(cookie != 0 && cookie == again);
    CHECK(getsockopt(s[1], SOL_SOCKET, SO_COOKIE, &again, &len) == 0);
    CHECK(cookie != again);
    value = -1;
    CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, 46 /* SO_BUSY_POLL */, &value, sizeof(value)), EINVAL);
    gid_t groups[64];
    len = sizeof(groups);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0);
    CHECK_EQ(len, getgroups(0, NULL) * sizeof(gid_t));
    len = sizeof(other);
    if (getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &other, &len) == 0) {
        CHECK(fcntl(other, F_GETFD) & FD_CLOEXEC);
        close(other);
    } else {
        CHECK_EQ(errno, ENOPROTOOPT); // before Linux 6.5
    }
    close(s[0]);
    close(s[1]);
    int alone = socket(AF_UNIX, SOCK_STREAM, 0);
    len = sizeof(groups);
    CHECK_ERRNO(getsockopt(alone, SOL_SOCKET, SO_PEERGROUPS, groups, &len), ENODATA);
    close(alone);
}

static sem_t notified;
static int notified_value;

static void on_message(union sigval value)
{
    notified_value = value.sival_int;
    sem_post(&notified);
}

static void queue_thread(void)
{
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
    char name[32], buf[8];
    snprintf(name, sizeof(name), "/check%d", getpid());
    mqd_t q = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
    NEED(q != (mqd_t)-1);
    mq_unlink(name);
    sem_init(&notified, 0, 0);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_notify_function = on_message,
                             .sigev_value.sival_int = 42};
    NEED(mq_notify(q, &event) == 0);
    CHECK_ERRNO(mq_notify(q, &event), EBUSY);
    CHECK(mq_send(q, "x", 1, 0) == 0);
    CHECK(sem_wait(&notified) == 0);
    CHECK_EQ(notified_value, 42);
    CHECK_EQ(mq_receive(q, buf, sizeof(buf), NULL), 1);
    CHECK(mq_notify(q, &event) == 0); // it is over after one
    CHECK(mq_notify(q, NULL) == 0);
    mq_close(q);
}

int main(void)
{
    promise("MSG_OOB on a stream", urgent);
    promise("SIGURG goes to the owner", urgent_signal);
    promise("SO_TIMESTAMP and SO_TIMESTAMPNS on datagrams", times);
    promise("options", options);
    promise("mq_notify with SIGEV_THREAD", queue_thread);
    return check_end();
}
