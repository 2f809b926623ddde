// cpus: 1 2 4
// timeout: 120
/* TCP over loopback: connecting, data, ends, errors and readiness as tcp(7), socket(7), poll(2) and
 * Linux have them. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ALL_POLL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM)

static struct sockaddr_in loop(unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return in;
}

static int tcp_socket(int flags)
{
    return socket(AF_INET, SOCK_STREAM | flags, 0);
}

static unsigned port_of(int fd)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    return getsockname(fd, (struct sockaddr *)&in, &len) ? 0 : ntohs(in.sin_port);
}

static int bind_to(int fd, unsigned port)
{
    struct sockaddr_in in = loop(port);
    return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

static int connect_to(int fd, unsigned port)
{
    struct sockaddr_in in = loop(port);
    return connect(fd, (struct sockaddr *)&in, sizeof(in));
}

static int listen_any(int backlog)
{
    int fd = tcp_socket(0);
    if (fd < 0 || bind_to(fd, 0) || listen(fd, backlog)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A connection: s[0] has connected, s[1] was accepted. */
static bool make_pair(int s[2])
{
    int listener = listen_any(5);
    s[0] = tcp_socket(0);
    bool ok = listener >= 0 && !connect_to(s[0], port_of(listener));
    s[1] = ok ? accept(listener, NULL, NULL) : -1;
    close(listener);
    return CHECK(ok && s[1] >= 0);
}

static void close_pair(int s[2])
{
    close(s[0]);
    close(s[1]);
}

/* What poll says, once all of `wanted` is there (waits for it, for ever). */
static int poll_for(int fd, int wanted)
{
    struct pollfd p = {fd, ALL_POLL, 0};
    do {
        if (poll(&p, 1, -1) < 0)
            return -1;
        if ((p.revents & wanted) != wanted)
            sched_yield();
    } while ((p.revents & wanted) != wanted);
    return p.revents;
}

static int poll_now(int fd)
{
    struct pollfd p = {fd, ALL_POLL, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int error_of(int fd)
{
    int err = -1;
    socklen_t len = sizeof(err);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    return err;
}

static int state_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? -1 : info.tcpi_state;
}

static void wait_state(int fd, int state)
{
    while (state_of(fd) != state)
        usleep(1000);
}

/* --- connecting */

static void a_connection(void)
{
    int s[2];
    struct sockaddr_in a, b;
    socklen_t len = sizeof(a);
    char buf[16];
    NEED(make_pair(s));
    CHECK(!getsockname(s[0], (struct sockaddr *)&a, &len) && len == sizeof(a));
    CHECK(!getpeername(s[1], (struct sockaddr *)&b, &len) && len == sizeof(b));
    CHECK(a.sin_family == AF_INET && a.sin_port == b.sin_port);
    CHECK_EQ(a.sin_addr.s_addr, b.sin_addr.s_addr);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(read(s[1], buf, sizeof(buf)), 5);
    CHECK(!memcmp(buf, "hello", 5));
    CHECK_EQ(send(s[1], "you", 3, 0), 3);
    len = sizeof(b);
    CHECK_EQ(recvfrom(s[0], buf, sizeof(buf), 0, (struct sockaddr *)&b, &len), 3);
    CHECK_ERRNO(connect_to(s[0], 1), EISCONN);
    CHECK_ERRNO(listen(s[0], 1), EINVAL);
    CHECK_ERRNO(accept(s[0], NULL, NULL), EINVAL);
    CHECK_EQ(state_of(s[0]), TCP_ESTABLISHED);
    close_pair(s);
}

static void refused(void)
{
    int listener = listen_any(1), fd = tcp_socket(0);
    unsigned port = port_of(listener);
    close(listener);
    CHECK_ERRNO(connect_to(fd, port), ECONNREFUSED);
    CHECK_EQ(error_of(fd), 0);
    CHECK_ERRNO(connect_to(fd, port), ECONNREFUSED);
    close(fd);
    fd = tcp_socket(SOCK_NONBLOCK);
    if (connect_to(fd, port)) {
        CHECK(errno == EINPROGRESS || errno == ECONNREFUSED);
        if (errno == EINPROGRESS) {
            int events = poll_for(fd, POLLERR | POLLHUP);
            CHECK((events & (POLLIN | POLLOUT | POLLRDHUP)) == (POLLIN | POLLOUT | POLLRDHUP));
            CHECK_EQ(error_of(fd), ECONNREFUSED);
            CHECK_EQ(error_of(fd), 0);
            CHECK_EQ(poll_now(fd) & POLLERR, 0);
        }
    }
    close(fd);
}

static void connects_without_waiting(void)
{
    int listener = listen_any(5), fd = tcp_socket(SOCK_NONBLOCK);
    int result = connect_to(fd, port_of(listener));
    CHECK(result == 0 || errno == EINPROGRESS);
    CHECK((poll_for(fd, POLLOUT) & (POLLERR | POLLHUP)) == 0);
    CHECK_EQ(error_of(fd), 0);
    if (result)
        CHECK_EQ(connect_to(fd, port_of(listener)), 0);
    CHECK_ERRNO(connect_to(fd, port_of(listener)), EISCONN);
    poll_for(listener, POLLIN);
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(accepted >= 0);
    CHECK_EQ(fcntl(accepted, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_EQ(fcntl(accepted, F_GETFD), FD_CLOEXEC);
    char byte;
    CHECK_ERRNO(read(accepted, &byte, 1), EAGAIN);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    CHECK_ERRNO(accept(listener, NULL, NULL), EAGAIN);
    close(accepted);
    close(fd);
    close(listener);
}

static void not_connected(void)
{
    int fd = tcp_socket(0);
    char byte = 0;
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    CHECK_ERRNO(recv(fd, &byte, 1, 0), ENOTCONN);
    CHECK_ERRNO(send(fd, &byte, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(getpeername(fd, (struct sockaddr *)&in, &len), ENOTCONN);
    CHECK_ERRNO(shutdown(fd, SHUT_RDWR), ENOTCONN);
    CHECK_ERRNO(accept(fd, NULL, NULL), EINVAL);
    CHECK_EQ(error_of(fd), 0);
    close(fd);
    fd = tcp_socket(0);
    CHECK_EQ(poll_now(fd), POLLOUT | POLLWRNORM | POLLHUP);
    CHECK_EQ(state_of(fd), TCP_CLOSE);
    close(fd);
    int listener = listen_any(1);
    CHECK_ERRNO(recv(listener, &byte, 1, 0), ENOTCONN);
    CHECK_ERRNO(send(listener, &byte, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(poll_now(listener), 0);
    CHECK_ERRNO(connect_to(listener, port_of(listener)), EISCONN);
    CHECK_EQ(state_of(listener), TCP_LISTEN);
    close(listener);
}

static void bad_addresses(void)
{
    int fd = tcp_socket(0);
    struct sockaddr_in in = loop(1);
    CHECK_ERRNO(connect(fd, (struct sockaddr *)&in, 8), EINVAL);
    in.sin_family = AF_UNIX;
    CHECK_ERRNO(connect(fd, (struct sockaddr *)&in, sizeof(in)), EAFNOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    int two[2];
    CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, two), EOPNOTSUPP);
    close(fd);
}

static void connects_to_itself(void)
{
    int fd = tcp_socket(0);
    char buf[8];
    NEED(!bind_to(fd, 0));
    NEED(!connect_to(fd, port_of(fd)));
    CHECK_EQ(write(fd, "self", 4), 4);
    CHECK_EQ(recv(fd, buf, 4, MSG_WAITALL), 4);
    CHECK(!shutdown(fd, SHUT_WR));
    CHECK_EQ(read(fd, buf, 4), 0);
    close(fd);
}

static void disconnects(void)
{
    int s[2];
    struct sockaddr in = {.sa_family = AF_UNSPEC};
    char byte;
    NEED(make_pair(s));
    CHECK_EQ(connect(s[0], &in, sizeof(in)), 0);
    CHECK_ERRNO(read(s[1], &byte, 1), ECONNRESET);
    CHECK_EQ(read(s[1], &byte, 1), 0);
    error_of(s[0]);
    int listener = listen_any(5);
    CHECK_EQ(connect_to(s[0], port_of(listener)), 0);
    int other = accept(listener, NULL, NULL);
    CHECK_EQ(write(s[0], "x", 1), 1);
    CHECK_EQ(read(other, &byte, 1), 1);
    close(other);
    close_pair(s);
    CHECK_EQ(connect(listener, &in, sizeof(in)), 0);
    CHECK_EQ(state_of(listener), TCP_CLOSE);
    close(listener);
}

/* --- listening */

static void fills_the_backlog(void)
{
    int listener = listen_any(2), fds[3];
    for (int i = 0; i < 3; i++) { /* as Linux counts, one more than asked for */
        fds[i] = tcp_socket(0);
        CHECK_EQ(connect_to(fds[i], port_of(listener)), 0);
    }
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in in;
        socklen_t len = sizeof(in);
        poll_for(listener, POLLIN);
        int fd = accept(listener, (struct sockaddr *)&in, &len);
        CHECK(fd >= 0 && ntohs(in.sin_port) == port_of(fds[i])); /* in order */
        close(fd);
    }
    CHECK_EQ(poll_now(listener), 0);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(listener);
}

static void *accept_in_vain(void *arg)
{
    int fd = accept(*(int *)arg, NULL, NULL);
    return (void *)(long)(fd < 0 ? errno : 0);
}

static void a_listener_is_shut_down(void)
{
    int listener = listen_any(2);
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, accept_in_vain, &listener);
    usleep(10000); /* likely waiting; right either way */
    CHECK(!shutdown(listener, SHUT_RD));
    pthread_join(thread, &result);
    CHECK_EQ((long)result, EINVAL);
    CHECK_EQ(state_of(listener), TCP_CLOSE);
    CHECK(!listen(listener, 2));
    close(listener);
}

static void a_listener_goes(void)
{
    int listener = listen_any(5), fd = tcp_socket(0);
    char byte;
    NEED(!connect_to(fd, port_of(listener)));
    poll_for(listener, POLLIN);
    close(listener); /* the connection was never accepted */
    poll_for(fd, POLLHUP);
    CHECK_ERRNO(read(fd, &byte, 1), ECONNRESET);
    close(fd);
}

static void ports_are_taken(void)
{
    int a = listen_any(1), b = tcp_socket(0), one = 1;
    CHECK_ERRNO(bind_to(b, port_of(a)), EADDRINUSE);
    setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CHECK_ERRNO(bind_to(b, port_of(a)), EADDRINUSE);
    CHECK_ERRNO(bind_to(a, 0), EINVAL);
    close(b);
    close(a);
}

/* Who closes first stays in TIME_WAIT, and only SO_REUSEADDR binds over it. */
static void time_wait(void)
{
    int one = 1, listener = tcp_socket(0), s[2];
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    NEED(!bind_to(listener, 0) && !listen(listener, 5));
    unsigned port = port_of(listener);
    s[0] = tcp_socket(0);
    NEED(!connect_to(s[0], port));
    s[1] = accept(listener, NULL, NULL);
    close(listener);
    CHECK(!shutdown(s[1], SHUT_WR));
    char byte;
    CHECK_EQ(read(s[0], &byte, 1), 0);
    CHECK(!shutdown(s[0], SHUT_WR));
    wait_state(s[0], TCP_CLOSE);
    wait_state(s[1], TCP_CLOSE); /* a small object remembers it */
    close_pair(s);
    int again = tcp_socket(0);
    CHECK_ERRNO(bind_to(again, port), EADDRINUSE);
    setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CHECK(!bind_to(again, port) && !listen(again, 1));
    close(again);
}

/* --- ends */

static void half_closes(void)
{
    int s[2];
    char buf[8];
    NEED(make_pair(s));
    CHECK_EQ(write(s[0], "abc", 3), 3);
    CHECK(!shutdown(s[0], SHUT_WR));
    CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(recv(s[1], buf, 3, MSG_WAITALL), 3);
    CHECK_EQ(read(s[1], buf, 8), 0);
    CHECK_EQ(read(s[1], buf, 8), 0);
    CHECK_EQ(poll_for(s[1], POLLRDHUP), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM);
    CHECK_EQ(state_of(s[1]), TCP_CLOSE_WAIT);
    wait_state(s[0], 5); /* FIN_WAIT2 */
    CHECK_EQ(poll_now(s[0]), POLLOUT | POLLWRNORM);
    CHECK_EQ(write(s[1], "back", 4), 4);
    CHECK_EQ(recv(s[0], buf, 4, MSG_WAITALL), 4);
    CHECK(!shutdown(s[1], SHUT_WR));
    CHECK_EQ(read(s[0], buf, 8), 0);
    CHECK((poll_for(s[0], POLLHUP) & (POLLIN | POLLRDHUP | POLLERR)) == (POLLIN | POLLRDHUP));
    CHECK_ERRNO(shutdown(s[0], SHUT_WR), ENOTCONN);
    close_pair(s);
}

static void reading_ends_here(void)
{
    int s[2];
    char buf[8];
    NEED(make_pair(s));
    CHECK(!shutdown(s[1], SHUT_RD));
    CHECK_EQ(read(s[1], buf, 8), 0);
    CHECK_EQ(poll_now(s[1]), POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM);
    CHECK_EQ(write(s[1], "out", 3), 3);
    CHECK_EQ(recv(s[0], buf, 3, MSG_WAITALL), 3);
    CHECK_EQ(write(s[0], "in", 2), 2); /* what comes can be read all the same */
    int left = 0;
    while (!ioctl(s[1], FIONREAD, &left) && left < 2)
        sched_yield();
    CHECK_EQ(read(s[1], buf, 8), 2);
    CHECK_EQ(read(s[1], buf, 8), 0);
    close_pair(s);
}

static void unread_bytes_reset(void)
{
    int s[2];
    char byte;
    NEED(make_pair(s));
    CHECK_EQ(write(s[0], "abc", 3), 3);
    poll_for(s[1], POLLIN);
    close(s[1]);
    int events = poll_for(s[0], POLLHUP);
    CHECK_EQ(events, (ALL_POLL & ~POLLPRI) | POLLERR | POLLHUP);
    CHECK_ERRNO(read(s[0], &byte, 1), ECONNRESET);
    CHECK_EQ(read(s[0], &byte, 1), 0);
    CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(s[0]);
}

static void lingers_not_at_all(void)
{
    int s[2];
    struct linger linger = {1, 0};
    NEED(make_pair(s));
    CHECK(!setsockopt(s[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    close(s[1]);
    poll_for(s[0], POLLERR | POLLHUP);
    CHECK_EQ(error_of(s[0]), ECONNRESET);
    close(s[0]);
}

static void lingers_until_it_is_read(void)
{
    int s[2];
    struct linger linger = {1, 60};
    char buf[8];
    NEED(make_pair(s));
    CHECK(!setsockopt(s[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    CHECK_EQ(write(s[1], "last", 4), 4);
    close(s[1]); /* acknowledged by the other side's stack: does not take a minute */
    CHECK_EQ(recv(s[0], buf, 8, MSG_WAITALL), 4);
    close(s[0]);
}

static volatile sig_atomic_t pipes;
static void on_pipe(__attribute__((unused)) int sig)
{
    pipes++;
}

static void a_broken_pipe(void)
{
    int s[2];
    struct sigaction action = {.sa_handler = on_pipe}, old;
    NEED(make_pair(s));
    sigaction(SIGPIPE, &action, &old);
    close(s[1]);
    poll_for(s[0], POLLRDHUP);
    CHECK_EQ(write(s[0], "x", 1), 1); /* a RST answers it */
    poll_for(s[0], POLLHUP);
    pipes = 0;
    CHECK_ERRNO(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(pipes, 0);
    CHECK_ERRNO(write(s[0], "x", 1), EPIPE);
    CHECK_EQ(pipes, 1);
    sigaction(SIGPIPE, &old, NULL);
    close(s[0]);
}

/* --- data */

static void flags_of_recv(void)
{
    int s[2], n = 0;
    char buf[16] = "";
    NEED(make_pair(s));
    CHECK_ERRNO(recv(s[1], buf, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(write(s[0], "0123456789", 10), 10);
    CHECK_EQ(recv(s[1], buf, 10, MSG_PEEK | MSG_WAITALL), 10);
    CHECK_EQ(recv(s[1], buf, 3, MSG_PEEK), 3);
    CHECK(!memcmp(buf, "012", 3));
    CHECK(!ioctl(s[1], FIONREAD, &n));
    CHECK_EQ(n, 10);
    CHECK_EQ(recv(s[1], NULL, 4, MSG_TRUNC), 4); /* thrown away */
    CHECK_EQ(recv(s[1], buf, 16, MSG_DONTWAIT), 6);
    CHECK(!memcmp(buf, "456789", 6));
    CHECK_EQ(recv(s[1], buf, 0, MSG_DONTWAIT), -1);
    CHECK_EQ(write(s[0], "ab", 2), 2);
    CHECK(!shutdown(s[0], SHUT_WR));
    CHECK_EQ(recv(s[1], buf, 16, MSG_WAITALL), 2); /* the end comes first */
    close_pair(s);
}

static void waits_so_long(void)
{
    int s[2];
    char buf[8];
    struct timeval tv = {0, 20000};
    NEED(make_pair(s));
    CHECK(!setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    CHECK_ERRNO(read(s[1], buf, 8), EAGAIN);
    CHECK_EQ(write(s[0], "ab", 2), 2);
    int low = 4, n = 0;
    while (!ioctl(s[1], FIONREAD, &n) && n < 2)
        sched_yield();
    CHECK_EQ(recv(s[1], buf, 8, MSG_WAITALL), 2);
    CHECK(!setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)));
    CHECK_EQ(write(s[0], "abc", 3), 3);
    while (!ioctl(s[1], FIONREAD, &n) && n < 3)
        sched_yield();
    CHECK_EQ(poll_now(s[1]) & POLLIN, 0);
    CHECK_EQ(write(s[0], "d", 1), 1);
    CHECK((poll_for(s[1], POLLIN) & POLLIN) == POLLIN);
    CHECK_EQ(read(s[1], buf, 8), 4);
    CHECK(!setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    static char big[65536];
    ssize_t sent;
    while ((sent = write(s[0], big, sizeof(big))) > 0)
        ;
    CHECK_EQ(errno, EAGAIN);
    close_pair(s);
}

static void on_signal(__attribute__((unused)) int sig)
{
}

static void *interrupted_reader(void *arg)
{
    char byte;
    ssize_t n = read(*(int *)arg, &byte, 1);
    return (void *)(long)(n < 0 ? errno : 0);
}

static void a_signal_breaks_off(void)
{
    int s[2];
    struct sigaction action = {.sa_handler = on_signal}, old;
    pthread_t thread;
    void *result = NULL;
    NEED(make_pair(s));
    sigaction(SIGUSR1, &action, &old);
    pthread_create(&thread, NULL, interrupted_reader, &s[0]);
    while (pthread_kill(thread, SIGUSR1) == 0 && pthread_tryjoin_np(thread, &result) == EBUSY)
        usleep(1000);
    CHECK_EQ((long)result, EINTR);
    sigaction(SIGUSR1, &old, NULL);
    close_pair(s);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)((at * 2654435761u) >> 24);
}

struct transfer {
    int fd;
    size_t size, step;
    bool ok;
};

static void *sender(void *arg)
{
    struct transfer *t = arg;
    uint8_t *buf = malloc(t->step);
    t->ok = true;
    for (size_t at = 0; at < t->size && t->ok;) {
        size_t n = t->size - at < t->step ? t->size - at : t->step;
        for (size_t i = 0; i < n; i++)
            buf[i] = pattern(at + i);
        for (size_t done = 0; done < n;) {
            ssize_t sent = write(t->fd, buf + done, n - done);
            if (sent <= 0) {
                t->ok = false;
                break;
            }
            done += (size_t)sent;
        }
        at += n;
    }
    shutdown(t->fd, SHUT_WR);
    free(buf);
    return NULL;
}

static size_t receive_all(int fd, size_t step, bool *right)
{
    uint8_t *buf = malloc(step);
    size_t at = 0;
    ssize_t n;
    *right = true;
    while ((n = read(fd, buf, step)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            *right &= buf[i] == pattern(at + (size_t)i);
        at += (size_t)n;
    }
    *right &= n == 0;
    free(buf);
    return at;
}

static void transfer(size_t size, size_t step, size_t read_step, int buffer)
{
    int s[2];
    bool right;
    pthread_t thread;
    NEED(make_pair(s));
    if (buffer) {
        setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
        setsockopt(s[1], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    }
    struct transfer t = {s[0], size, step, false};
    pthread_create(&thread, NULL, sender, &t);
    CHECK_EQ(receive_all(s[1], read_step, &right), size);
    pthread_join(thread, NULL);
    CHECK(right && t.ok);
    close_pair(s);
}

static void much_data(void)
{
    transfer(8 << 20, 65536, 65536, 0);
    transfer(4 << 20, 1 << 20, 10000, 0);
    transfer(300000, 100, 70000, 0);
    transfer(1 << 20, 5000, 3000, 8192);
}

static void *echo(void *arg)
{
    int fd = *(int *)arg;
    char buf[4096];
    ssize_t n;
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        if (write(fd, buf, (size_t)n) != n)
            break;
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void questions_and_answers(void)
{
    int s[2];
    pthread_t thread;
    char buf[64];
    NEED(make_pair(s));
    pthread_create(&thread, NULL, echo, &s[1]);
    for (int i = 0; i < 2000; i++) {
        int n = snprintf(buf, sizeof(buf), "question %d", i);
        char answer[64];
        if (write(s[0], buf, (size_t)n) != n || recv(s[0], answer, (size_t)n, MSG_WAITALL) != n ||
            memcmp(buf, answer, (size_t)n)) {
            CHECK(!"an answer like the question");
            break;
        }
    }
    CHECK(!shutdown(s[0], SHUT_WR));
    CHECK_EQ(read(s[0], buf, 1), 0);
    pthread_join(thread, NULL);
    close_pair(s);
}

static void vectors_and_files(void)
{
    int s[2], p[2];
    char buf[64] = "";
    struct iovec iov[3] = {{"one", 3}, {"", 0}, {"two", 3}};
    NEED(make_pair(s));
    CHECK_EQ(writev(s[0], iov, 3), 6);
    CHECK_EQ(recv(s[1], buf, 6, MSG_WAITALL), 6);
    CHECK(!memcmp(buf, "onetwo", 6));
    int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    NEED(file >= 0);
    CHECK_EQ(write(file, "contents of a file", 18), 18);
    off_t at = 3;
    CHECK_EQ(sendfile(s[0], file, &at, 15), 15);
    CHECK_EQ(at, 18);
    CHECK_EQ(recv(s[1], buf, 15, MSG_WAITALL), 15);
    CHECK(!memcmp(buf, "tents of a file", 15));
    NEED(!pipe(p));
    CHECK_EQ(write(p[1], "spliced", 7), 7);
    CHECK_EQ(splice(p[0], NULL, s[0], NULL, 7, 0), 7);
    poll_for(s[1], POLLIN);
    CHECK_EQ(splice(s[1], NULL, p[1], NULL, 7, 0), 7);
    CHECK_EQ(read(p[0], buf, 7), 7);
    CHECK(!memcmp(buf, "spliced", 7));
    close(p[0]);
    close(p[1]);
    close(file);
    close_pair(s);
}

static void bad_pointers(void)
{
    int s[2];
    char buf[8];
    NEED(make_pair(s));
    CHECK_ERRNO(write(s[0], (void *)8, 4), EFAULT);
    CHECK_EQ(write(s[0], "abc", 3), 3);
    poll_for(s[1], POLLIN);
    CHECK_ERRNO(read(s[1], (void *)8, 4), EFAULT);
    CHECK_EQ(read(s[1], buf, 8), 3); /* nothing is lost */
    close_pair(s);
}

static void corked(void)
{
    int s[2], on = 1, off = 0, n = 0;
    char buf[16];
    NEED(make_pair(s));
    CHECK(!setsockopt(s[0], IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
    CHECK_EQ(write(s[0], "ab", 2), 2);
    CHECK_EQ(write(s[0], "cd", 2), 2);
    CHECK(!setsockopt(s[0], IPPROTO_TCP, TCP_CORK, &off, sizeof(off)));
    CHECK_EQ(recv(s[1], buf, 4, MSG_WAITALL), 4);
    CHECK_EQ(send(s[0], "ef", 2, MSG_MORE), 2);
    CHECK_EQ(send(s[0], "gh", 2, 0), 2);
    CHECK_EQ(recv(s[1], buf, 4, MSG_WAITALL), 4);
    CHECK(!memcmp(buf, "efgh", 4));
    CHECK_EQ(send(s[0], "ij", 2, MSG_MORE), 2); /* goes by itself after a while */
    CHECK_EQ(recv(s[1], buf, 2, MSG_WAITALL), 2);
    while (!ioctl(s[0], TIOCOUTQ, &n) && n)
        usleep(1000);
    CHECK_EQ(n, 0);
    close_pair(s);
}

/* --- readiness */

static void room_to_write(void)
{
    int s[2];
    static char big[65536];
    NEED(make_pair(s));
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    fcntl(s[1], F_SETFL, O_NONBLOCK);
    size_t sent = 0, got = 0;
    ssize_t n;
    CHECK_EQ(poll_now(s[0]), POLLOUT | POLLWRNORM);
    for (int i = 0; i < 3; i++) { /* windows and buffers grow meanwhile */
        while ((n = write(s[0], big, sizeof(big))) > 0)
            sent += (size_t)n;
        CHECK_EQ(errno, EAGAIN);
    }
    while (got < sent)
        if ((n = read(s[1], big, sizeof(big))) > 0)
            got += (size_t)n;
        else
            poll_for(s[1], POLLIN);
    CHECK_EQ(got, sent);
    poll_for(s[0], POLLOUT);
    CHECK(write(s[0], big, 1) == 1);
    close_pair(s);
}

static void edges(void)
{
    int s[2], ep = epoll_create1(0);
    char buf[8];
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};
    NEED(make_pair(s));
    NEED(!epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &event));
    CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0);
    CHECK_EQ(write(s[0], "ab", 2), 2);
    CHECK_EQ(epoll_wait(ep, &event, 1, -1), 1);
    CHECK_EQ(event.events, EPOLLIN);
    CHECK_EQ(recv(s[1], buf, 2, MSG_PEEK | MSG_WAITALL), 2);
    CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0); /* told once */
    CHECK_EQ(write(s[0], "c", 1), 1);
    CHECK_EQ(epoll_wait(ep, &event, 1, -1), 1);
    CHECK_EQ(read(s[1], buf, 8), 3);
    CHECK(!shutdown(s[0], SHUT_WR));
    do
        CHECK_EQ(epoll_wait(ep, &event, 1, -1), 1);
    while (!(event.events & EPOLLRDHUP));
    CHECK_EQ(event.events, EPOLLIN | EPOLLRDHUP);
    close(s[0]);
    close(s[1]);
    close(ep);
}

enum { MANY = 200 };
static void *connect_many(void *arg)
{
    long wrong = 0;
    for (int i = 0; i < MANY; i++) {
        int fd = tcp_socket(0);
        char byte = 0;
        wrong += connect_to(fd, (unsigned)(long)arg) || write(fd, "?", 1) != 1 ||
                 read(fd, &byte, 1) != 1 || byte != '!' || read(fd, &byte, 1) != 0;
        close(fd);
    }
    return (void *)wrong;
}

static void many_connections(void)
{
    int listener = listen_any(64);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, connect_many, (void *)(long)port_of(listener));
    for (int i = 0; i < 4 * MANY; i++) {
        char byte = 0;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || read(fd, &byte, 1) != 1 || byte != '?' || write(fd, "!", 1) != 1)
            CHECK(!"a question for each connection");
        close(fd);
    }
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK_EQ((long)wrong, 0);
    }
    close(listener);
}

int main(void)
{
    quiet_net();
    promise("a connection", a_connection);
    promise("a port where nobody listens", refused);
    promise("connect without waiting", connects_without_waiting);
    promise("calls on a socket without a connection", not_connected);
    promise("addresses that are none", bad_addresses);
    promise("a socket that connects to itself", connects_to_itself);
    promise("connect to AF_UNSPEC", disconnects);
    promise("the backlog", fills_the_backlog);
    promise("shutdown of a listener", a_listener_is_shut_down);
    promise("a listener that closes with connections waiting", a_listener_goes);
    promise("ports that are taken", ports_are_taken);
    promise("TIME_WAIT", time_wait);
    promise("half a connection", half_closes);
    promise("shutdown of reading", reading_ends_here);
    promise("close with bytes that were not read", unread_bytes_reset);
    promise("SO_LINGER of no time", lingers_not_at_all);
    promise("SO_LINGER until all is acknowledged", lingers_until_it_is_read);
    promise("a peer that has gone: EPIPE, SIGPIPE", a_broken_pipe);
    promise("MSG_PEEK, MSG_WAITALL, MSG_TRUNC, MSG_DONTWAIT", flags_of_recv);
    promise("timeouts and SO_RCVLOWAT", waits_so_long);
    promise("a signal breaks off a read", a_signal_breaks_off);
    promise("much data arrives as it was sent", much_data);
    promise("questions and answers", questions_and_answers);
    promise("writev, sendfile, splice", vectors_and_files);
    promise("bad pointers", bad_pointers);
    promise("TCP_CORK and MSG_MORE", corked);
    promise("room to write", room_to_write);
    promise("epoll with EPOLLET", edges);
    promise("many connections", many_connections);
    return check_end();
}
