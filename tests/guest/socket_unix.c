// cpus: 1 2
/* AF_UNIX sockets: pairs, names, connections, messages, descriptors and credentials beside them. */
#include "check.h"
#include "quiet_net.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

static socklen_t address(struct sockaddr_un *un, const char *name)
{
    memset(un, 0, sizeof(*un));
    un->sun_family = AF_UNIX;
    size_t len = strlen(name);
    memcpy(un->sun_path, name, len);
    if (name[0] == '@')
        un->sun_path[0] = 0;
    return offsetof(struct sockaddr_un, sun_path) + len + (name[0] != '@');
}

static int bound(int type, const char *name)
{
    struct sockaddr_un un;
    socklen_t len = address(&un, name);
    int fd = socket(AF_UNIX, type, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&un, len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connected(int type, const char *name)
{
    struct sockaddr_un un;
    socklen_t len = address(&un, name);
    int fd = socket(AF_UNIX, type, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&un, len) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static void making(void)
{
    int fds[2];
    CHECK_ERRNO(socket(AF_UNIX, 77, 0), EINVAL);
    CHECK_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 7), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
    NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    struct stat st;
    CHECK_EQ(fstat(fds[0], &st), 0);
    CHECK(S_ISSOCK(st.st_mode));
    char byte;
    CHECK_ERRNO(read(fds[0], &byte, 1), EAGAIN);
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
    close(fds[0]);
    close(fds[1]);
    CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8), EFAULT);
    CHECK_ERRNO(listen(0x7fff, 1), EBADF);
    NEED(pipe(fds) == 0);
    CHECK_ERRNO(listen(fds[0], 1), ENOTSOCK);
    close(fds[0]);
    close(fds[1]);
}

static void stream_pair(void)
{
    int fds[2], n;
    char text[32] = "";
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK_EQ(write(fds[0], "abc", 3), 3);
    CHECK_EQ(send(fds[0], "defgh", 5, 0), 5);
    CHECK_EQ(ioctl(fds[1], FIONREAD, &n), 0);
    CHECK_EQ(n, 8);
    CHECK_EQ(recv(fds[1], text, 8, MSG_PEEK), 8);
    CHECK_EQ(read(fds[1], text, 5), 5);
    CHECK_EQ(recv(fds[1], text + 5, 20, 0), 3);
    CHECK(strcmp(text, "abcdefgh") == 0);
    CHECK_ERRNO(recv(fds[1], text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(recv(fds[1], text, 1, MSG_OOB | MSG_DONTWAIT), EINVAL);
    struct timeval tv = {0, 50000};
    CHECK_EQ(setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
    int64_t start = now_ns();
    CHECK_ERRNO(recv(fds[1], text, 1, 0), EAGAIN);
    CHECK(now_ns() - start >= 45 * MS);
    CHECK_EQ(shutdown(fds[0], SHUT_WR), 0);
    CHECK_EQ(recv(fds[1], text, 1, 0), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(read(fds[0], text, 1), 1);
    CHECK_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(fds[1]);
    CHECK_EQ(read(fds[0], text, 1), 0);
    close(fds[0]);
}

static volatile sig_atomic_t pipes;
static void on_pipe(int signo)
{
    (void)signo;
    pipes++;
}

static void broken(void)
{
    int fds[2];
    char text[4];
    signal(SIGPIPE, on_pipe);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK_EQ(write(fds[1], "unread", 6), 6);
    CHECK_EQ(write(fds[0], "unread", 6), 6);
    close(fds[1]);
    CHECK_ERRNO(write(fds[0], "x", 1), EPIPE);
    CHECK_EQ(pipes, 1);
    CHECK_EQ(read(fds[0], text, 4), 4);
    CHECK_EQ(read(fds[0], text, 4), 2);
    CHECK_ERRNO(read(fds[0], text, 4), ECONNRESET);
    CHECK_EQ(read(fds[0], text, 4), 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_DFL);
}

static void *sender(void *arg)
{
    char *block = malloc(1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        block[i] = (char)(i * 7 + i / 4096);
    ssize_t n = write(*(int *)arg, block, 1 << 20);
    free(block);
    return (void *)n;
}

static void large(void)
{
    int fds[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    pthread_t thread;
    char *got = malloc(1 << 20);
    pthread_create(&thread, NULL, sender, &fds[0]);
    CHECK_EQ(recv(fds[1], got, 1 << 20, MSG_WAITALL), 1 << 20);
    void *sent;
    pthread_join(thread, &sent);
    CHECK_EQ((intptr_t)sent, 1 << 20);
    int wrong = 0;
    for (int i = 0; i < 1 << 20; i++)
        wrong += got[i] != (char)(i * 7 + i / 4096);
    CHECK_EQ(wrong, 0);
    free(got);
    int full = 0;
    while (send(fds[0], "0123456789abcdef", 16, MSG_DONTWAIT) == 16)
        full++;
    CHECK_EQ(errno, EAGAIN);
    CHECK(full > 100);
    struct pollfd pfd = {fds[0], POLLOUT, 0};
    CHECK_EQ(poll(&pfd, 1, 0), 0);
    char drain[4096];
    while (recv(fds[1], drain, sizeof drain, MSG_DONTWAIT) > 0)
        ;
    CHECK_EQ(poll(&pfd, 1, 0), 1);
    close(fds[0]);
    close(fds[1]);
}

static void names(void)
{
    struct sockaddr_un un;
    socklen_t len = sizeof un;
    struct stat st;
    int fd = bound(SOCK_STREAM, "./listener");
    NEED(fd >= 0);
    CHECK_EQ(stat("listener", &st), 0);
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_ERRNO(open("listener", O_RDWR), ENXIO);
    CHECK_EQ(getsockname(fd, (struct sockaddr *)&un, &len), 0);
    CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) + 11);
    CHECK(strcmp(un.sun_path, "./listener") == 0);
    errno = 0;
    CHECK(bound(SOCK_STREAM, "listener") == -1 && errno == EADDRINUSE);
    errno = 0;
    CHECK(connected(SOCK_STREAM, "listener") == -1 && errno == ECONNREFUSED);
    errno = 0;
    CHECK(connected(SOCK_DGRAM, "listener") == -1 && errno == EPROTOTYPE);
    errno = 0;
    CHECK(connected(SOCK_STREAM, "nothing") == -1 && errno == ENOENT);
    close(fd);
    errno = 0;
    CHECK(connected(SOCK_STREAM, "listener") == -1 && errno == ECONNREFUSED);
    unlink("listener");
    int a = bound(SOCK_STREAM, "@abstract name");
    CHECK(a >= 0);
    errno = 0;
    CHECK(bound(SOCK_STREAM, "@abstract name") == -1 && errno == EADDRINUSE);
    close(a);
    a = bound(SOCK_STREAM, "@abstract name");
    CHECK(a >= 0);
    close(a);
    a = socket(AF_UNIX, SOCK_DGRAM, 0);
    un.sun_family = AF_UNIX;
    CHECK_EQ(bind(a, (struct sockaddr *)&un, sizeof(sa_family_t)), 0);
    len = sizeof un;
    CHECK_EQ(getsockname(a, (struct sockaddr *)&un, &len), 0);
    CHECK_EQ(len, sizeof(sa_family_t) + 6);
    CHECK_EQ(un.sun_path[0], 0);
    len = sizeof un;
    CHECK_ERRNO(getpeername(a, (struct sockaddr *)&un, &len), ENOTCONN);
    CHECK_ERRNO(bind(a, (struct sockaddr *)&un, 200), EINVAL);
    close(a);
}

static void *connector(void *arg)
{
    (void)arg;
    sleep_ms(20);
    int fd = connected(SOCK_STREAM, "@server");
    char text[8] = "";
    if (fd >= 0 && write(fd, "ping", 4) == 4 && read(fd, text, 8) == 4)
        fd = strcmp(text, "pong") == 0 ? fd : -1;
    return (void *)(intptr_t)fd;
}

static void server(void)
{
    int fd = bound(SOCK_STREAM, "@server");
    NEED(fd >= 0);
    char text[8] = "";
    CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
    CHECK_EQ(listen(fd, 1), 0);
    int yes = 0;
    socklen_t size = sizeof yes;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size), 0);
    CHECK_EQ(yes, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, connector, NULL);
    struct sockaddr_un un;
    socklen_t len = sizeof un;
    int con = accept4(fd, (struct sockaddr *)&un, &len, SOCK_CLOEXEC);
    NEED(con >= 0);
    CHECK_EQ(len, sizeof(sa_family_t));
    CHECK_EQ(fcntl(con, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(read(con, text, 8), 4);
    CHECK_EQ(write(con, "pong", 4), 4);
    void *other;
    pthread_join(thread, &other);
    int client = (int)(intptr_t)other;
    CHECK(client >= 0);
    len = sizeof un;
    CHECK_EQ(getpeername(client, (struct sockaddr *)&un, &len), 0);
    CHECK(len == sizeof(sa_family_t) + 7 && memcmp(un.sun_path, "\0server", 7) == 0);
    struct ucred cred;
    size = sizeof cred;
    CHECK_EQ(getsockopt(con, SOL_SOCKET, SO_PEERCRED, &cred, &size), 0);
    CHECK_EQ(cred.pid, getpid());
    CHECK_EQ(cred.uid, geteuid());
    errno = 0;
    CHECK(connect(client, (struct sockaddr *)&un, len) == -1 && errno == EISCONN);
    close(con);
    close(client);
    /* A full backlog. */
    int fds[8], n = 0;
    len = address(&un, "@server");
    for (; n < 8; n++) {
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[n], (struct sockaddr *)&un, len) != 0)
            break;
    }
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(n, 2);
    struct pollfd pfd = {fd, POLLIN, 0};
    CHECK_EQ(poll(&pfd, 1, 0), 1);
    close(fd);
    CHECK_ERRNO(read(fds[0], text, 1), ECONNRESET);
    for (int i = 0; i <= n; i++)
        close(fds[i]);
}

static void datagrams(void)
{
    struct sockaddr_un un, from;
    socklen_t len = address(&un, "@dgram server"), from_len = sizeof from;
    int a = bound(SOCK_DGRAM, "@dgram server"), b = bound(SOCK_DGRAM, "@dgram client");
    NEED(a >= 0 && b >= 0);
    char text[16];
    CHECK_EQ(sendto(b, "hello", 5, 0, (struct sockaddr *)&un, len), 5);
    CHECK_EQ(sendto(b, "", 0, 0, (struct sockaddr *)&un, len), 0);
    CHECK_EQ(sendto(b, "again", 5, 0, (struct sockaddr *)&un, len), 5);
    CHECK_EQ(recvfrom(a, text, 3, MSG_TRUNC, (struct sockaddr *)&from, &from_len), 5);
    CHECK(from_len == sizeof(sa_family_t) + 13 && memcmp(from.sun_path, "\0dgram client", 13) == 0);
    CHECK_EQ(recv(a, text, 16, 0), 0);
    CHECK_EQ(recv(a, text, 16, 0), 5);
    CHECK_ERRNO(send(b, "x", 1, 0), ENOTCONN);
    CHECK_EQ(connect(b, (struct sockaddr *)&un, len), 0);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(connect(a, (struct sockaddr *)&from, from_len), 0);
    int c = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK_ERRNO(sendto(c, "x", 1, 0, (struct sockaddr *)&un, len), EPERM);
    close(c);
    close(a);
    CHECK_ERRNO(send(b, "x", 1, 0), ECONNREFUSED);
    CHECK_ERRNO(send(b, "x", 1, 0), ENOTCONN);
    close(b);
    int fds[2];
    NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
    CHECK_EQ(send(fds[0], "one", 3, 0), 3);
    CHECK_EQ(send(fds[0], "two", 3, 0), 3);
    int waiting = 0;
    CHECK(ioctl(fds[1], FIONREAD, &waiting) == 0 && waiting == 6);
    struct iovec iov = {text, 2};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(fds[1], &msg, 0), 2);
    CHECK(msg.msg_flags & MSG_TRUNC);
    CHECK_EQ(recv(fds[1], text, 16, 0), 3);
    close(fds[0]);
    CHECK_EQ(recv(fds[1], text, 16, 0), 0);
    close(fds[1]);
}

/* A packet socket whose peer went with something unread says so once, before anything else. */
static void packets_lost(void)
{
    char text[16];
    int fds[2];
    for (int i = 0; i < 2; i++) {
        NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
        CHECK_EQ(send(fds[0], "one", 3, 0), 3);
        CHECK_EQ(send(fds[1], "two", 3, 0), 3);
        close(fds[1]);
        if (i)
            CHECK_ERRNO(recv(fds[0], text, 16, 0), ECONNRESET);
        else
            CHECK_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), ECONNRESET);
        CHECK_EQ(recv(fds[0], text, 16, 0), 3);
        CHECK_ERRNO(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
        close(fds[0]);
    }
}

/* What came from a peer that is left is lost, and the peer is told. */
static void datagrams_lost(void)
{
    char text[16];
    int fds[2];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
    CHECK_EQ(send(fds[1], "one", 3, 0), 3);
    CHECK_EQ(connect(fds[0], &(struct sockaddr){AF_UNSPEC}, sizeof(sa_family_t)), 0);
    CHECK_ERRNO(recv(fds[0], text, 16, MSG_DONTWAIT), EAGAIN);
    CHECK_ERRNO(recv(fds[1], text, 16, MSG_DONTWAIT), ECONNRESET);
    CHECK_ERRNO(recv(fds[1], text, 16, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(fds[1], "two", 3, 0), 3);
    close(fds[0]);
    close(fds[1]);
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
    CHECK_EQ(send(fds[1], "one", 3, 0), 3);
    close(fds[1]);
    CHECK_ERRNO(send(fds[0], "x", 1, 0), ECONNREFUSED);
    CHECK_ERRNO(recv(fds[0], text, 16, MSG_DONTWAIT), EAGAIN);
    close(fds[0]);
}

/* A stream's receiver learns the name of the sender; recv of nothing waits for something. */
static void stream_details(void)
{
    struct sockaddr_un from = {0};
    socklen_t len = sizeof from;
    char text[8];
    int l = bound(SOCK_STREAM, "@details");
    NEED(l >= 0 && listen(l, 1) == 0);
    int c = connected(SOCK_STREAM, "@details"), s = accept(l, NULL, NULL);
    NEED(c >= 0 && s >= 0);
    CHECK_ERRNO(recv(c, text, 0, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(read(c, text, 0), 0);
    CHECK_EQ(write(s, "hello", 5), 5);
    CHECK_EQ(recv(c, text, 0, MSG_DONTWAIT), 0);
    CHECK_EQ(recvfrom(c, text, 2, MSG_PEEK, (struct sockaddr *)&from, &len), 2);
    CHECK(len == sizeof(sa_family_t) + 8 && memcmp(from.sun_path, "\0details", 8) == 0);
    len = sizeof from;
    memset(&from, 0, sizeof from);
    CHECK_EQ(recvfrom(c, text, 5, 0, (struct sockaddr *)&from, &len), 5);
    CHECK(len == sizeof(sa_family_t) + 8 && memcmp(from.sun_path, "\0details", 8) == 0);
    CHECK_EQ(write(c, "x", 1), 1);
    len = sizeof from;
    CHECK_EQ(recvfrom(s, text, 5, 0, (struct sockaddr *)&from, &len), 1);
    CHECK_EQ(len, 0);
    struct msghdr msg = {.msg_name = &from, .msg_namelen = -1};
    CHECK_EQ(write(s, "kept", 4), 4);
    CHECK_ERRNO(recvmsg(c, &msg, 0), EINVAL);
    CHECK_EQ(recv(c, text, 8, 0), 4);
    close(c);
    close(s);
    close(l);
}

static void *connect_late(void *arg)
{
    int fd = connected(SOCK_STREAM, arg);
    return (void *)(intptr_t)(fd < 0 ? errno : 0);
}

static void closed_listener(void)
{
    int l = bound(SOCK_STREAM, "@full");
    NEED(l >= 0 && listen(l, 0) == 0);
    int c = connected(SOCK_STREAM, "@full");
    pthread_t thread;
    void *error;
    NEED(c >= 0 && pthread_create(&thread, NULL, connect_late, "@full") == 0);
    usleep(50000);
    close(l);
    CHECK_EQ(pthread_join(thread, &error), 0);
    CHECK_EQ((intptr_t)error, ECONNREFUSED);
    close(c);
}

/* Threads connect one datagram socket to two others at once. */
static void *reconnect(void *arg)
{
    struct sockaddr_un un[2];
    socklen_t len[2] = {address(&un[0], "@peer one"), address(&un[1], "@peer two")};
    for (int i = 0; i < 2000; i++)
        connect(*(int *)arg, (struct sockaddr *)&un[i & 1], len[i & 1]);
    return NULL;
}

static void many_peers(void)
{
    int one = bound(SOCK_DGRAM, "@peer one"), two = bound(SOCK_DGRAM, "@peer two");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    pthread_t thread[3];
    NEED(one >= 0 && two >= 0 && fd >= 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, reconnect, &fd), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    close(one);
    close(two);
    CHECK_ERRNO(send(fd, "x", 1, 0), ECONNREFUSED);
    close(fd);
}

static ssize_t send_fds(int fd, const int *fds, int n)
{
    char control[CMSG_SPACE(sizeof(int) * 4)] = "";
    struct iovec iov = {"F", 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = CMSG_SPACE(sizeof(int) * n)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(head), fds, sizeof(int) * n);
    return sendmsg(fd, &msg, 0);
}

static void descriptors(void)
{
    int pair[2], pipes[2], got[4];
    char text[8], control[128];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(pipes) == 0);
    CHECK_EQ(send_fds(pair[0], pipes, 2), 1);
    close(pipes[0]);
    struct iovec iov = {text, 8};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK_EQ(recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC), 1);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    NEED(head && head->cmsg_type == SCM_RIGHTS);
    CHECK_EQ(head->cmsg_len, CMSG_LEN(2 * sizeof(int)));
    CHECK_EQ(msg.msg_controllen, CMSG_SPACE(2 * sizeof(int)));
    memcpy(got, CMSG_DATA(head), 2 * sizeof(int));
    CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(write(pipes[1], "through", 7), 7);
    CHECK_EQ(read(got[0], text, 8), 7);
    close(got[0]);
    close(got[1]);
    int bad = 12345;
    CHECK_ERRNO(send_fds(pair[0], &bad, 1), EBADF);
    /* No room: the rest is closed, and said so. */
    CHECK_EQ(send_fds(pair[0], pair, 2), 1);
    msg.msg_controllen = CMSG_LEN(sizeof(int));
    CHECK_EQ(recvmsg(pair[1], &msg, 0), 1);
    CHECK(msg.msg_flags & MSG_CTRUNC);
    head = CMSG_FIRSTHDR(&msg);
    NEED(head);
    memcpy(got, CMSG_DATA(head), sizeof(int));
    close(got[0]);
    /* In flight when the last socket closes: they go with it. */
    CHECK_EQ(send_fds(pair[0], &pipes[1], 1), 1);
    close(pair[0]);
    close(pair[1]);
    close(pipes[1]);
}

/* A descriptor in the queue of a socket that is in the queue of a socket, and so on. */
static void nested_descriptors(void)
{
    int pair[2], ends[2], last;
    char byte;

    NEED(pipe(ends) == 0);
    last = ends[1];
    for (int i = 0; i < 500; i++) {
        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        NEED(send_fds(pair[0], &last, 1) > 0);
        close(last);
        close(pair[0]);
        last = pair[1];
    }
    close(last);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* the innermost is closed, too */
    close(ends[0]);
}

static void credentials(void)
{
    int pair[2], yes = 1;
    char text[8], control[128];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK_EQ(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes), 0);
    CHECK_EQ(send(pair[0], "x", 1, 0), 1);
    struct iovec iov = {text, 8};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK_EQ(recvmsg(pair[1], &msg, 0), 1);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    NEED(head && head->cmsg_type == SCM_CREDENTIALS);
    struct ucred cred;
    memcpy(&cred, CMSG_DATA(head), sizeof cred);
    CHECK_EQ(cred.pid, getpid());
    CHECK_EQ(cred.uid, geteuid());
    close(pair[0]);
    close(pair[1]);
}

static void options(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), value = 0;
    socklen_t len = sizeof value;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len), 0);
    CHECK_EQ(value, SOCK_STREAM);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len), 0);
    CHECK_EQ(value, AF_UNIX);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len), 0);
    CHECK_EQ(value, 0);
    value = 10000;
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &len), 0);
    CHECK_EQ(value, 20000);
    value = 1;
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), 0);
    value = 0;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
    CHECK_EQ(value, 1);
    struct linger linger = {1, 5}, back = {0, 0};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    len = sizeof back;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &back, &len), 0);
    CHECK(back.l_onoff == 1 && back.l_linger == 5);
    CHECK_ERRNO(setsockopt(fd, 6 /* TCP */, 1, &value, sizeof value), EOPNOTSUPP);
    CHECK_ERRNO(getsockopt(fd, 6, 1, &value, &len), EOPNOTSUPP);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 2), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4), EFAULT);
    CHECK_ERRNO(connect(fd, (void *)8, 16), EFAULT);
    CHECK_ERRNO(shutdown(fd, 3), EINVAL);
    close(fd);
}

static void many(void)
{
    int pair[2];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    struct mmsghdr out[3] = {0}, in[5] = {0};
    char texts[5][8];
    struct iovec iov[5], oiov[3];
    for (int i = 0; i < 3; i++) {
        oiov[i] = (struct iovec){"message", (size_t)i + 3};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &oiov[i], .msg_iovlen = 1};
    }
    for (int i = 0; i < 5; i++) {
        iov[i] = (struct iovec){texts[i], 8};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    CHECK_EQ(sendmmsg(pair[0], out, 3, 0), 3);
    CHECK_EQ(out[2].msg_len, 5);
    CHECK_EQ(recvmmsg(pair[1], in, 5, MSG_WAITFORONE, NULL), 3);
    CHECK_EQ(in[0].msg_len, 3);
    CHECK_EQ(in[2].msg_len, 5);
    CHECK_ERRNO(recvmmsg(pair[1], in, 5, MSG_DONTWAIT, NULL), EAGAIN);
    close(pair[0]);
    close(pair[1]);
}

static void readiness(void)
{
    int pair[2], ep = epoll_create1(0);
    char byte;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = 7}}, got;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, pair[1], &ev), 0);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    CHECK_EQ(got.events, EPOLLOUT);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_EQ(write(pair[0], "x", 1), 1);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    CHECK_EQ(got.events, EPOLLIN | EPOLLOUT);
    CHECK_EQ(read(pair[1], &byte, 1), 1);
    shutdown(pair[0], SHUT_WR);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    CHECK_EQ(got.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    close(pair[0]);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
    CHECK_EQ(got.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
    close(pair[1]);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    int alone = socket(AF_UNIX, SOCK_STREAM, 0);
    struct pollfd pfd = {alone, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&pfd, 1, 0), 1);
    CHECK_EQ(pfd.revents, POLLOUT | POLLHUP);
    close(alone);
    close(ep);
}

int main(void)
{
    quiet_net();
    enter_fresh_dir();
    promise("socket and socketpair", making);
    promise("a stream pair", stream_pair);
    promise("a connection that is gone", broken);
    promise("a megabyte arrives, a full buffer says so", large);
    promise("names", names);
    promise("listen, connect, accept", server);
    promise("datagrams and packets", datagrams);
    promise("packets that were lost", packets_lost);
    promise("datagrams that were lost", datagrams_lost);
    promise("names on streams, recv of nothing", stream_details);
    promise("a listener that closes refuses who waits", closed_listener);
    promise("threads change one socket's peer at once", many_peers);
    promise("descriptors travel", descriptors);
    promise("descriptors travel in descriptors that travel", nested_descriptors);
    promise("credentials travel", credentials);
    promise("options", options);
    promise("sendmmsg, recvmmsg", many);
    promise("poll and epoll", readiness);
    return check_end();
}
