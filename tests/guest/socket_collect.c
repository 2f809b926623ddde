// cpus: 1 2
/* man 7 unix, SCM_RIGHTS: sockets that were sent into each other's queues and that nobody can
 * receive any more are freed, with what else lies there; those that can be are not. ETOOMANYREFS.
 *
 * Whether a socket is freed is seen by the end of a pipe that lies beside it: the other end finds
 * the end of the file. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static int send_files(int to, const int *fds, int n)
{
    char control[CMSG_SPACE(8 * sizeof(int))] = "", byte = 'x';
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(header), fds, (size_t)n * sizeof(int));
    return (int)sendmsg(to, &message, MSG_DONTWAIT);
}

static int receive_file(int from, int flags)
{
    char control[CMSG_SPACE(sizeof(int))], byte;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header;
    int fd = -1;

    if (recvmsg(from, &message, MSG_DONTWAIT | flags) == 1 && (header = CMSG_FIRSTHDR(&message)))
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

/* A socket that ends makes the kernel look for others that should. */
static void end_a_socket(void)
{
    close(socket(AF_UNIX, SOCK_DGRAM, 0));
}

/* Nobody has the other end of the pipe any more: at once or soon. */
static bool ends(int pipe)
{
    struct pollfd poll_fd = {.fd = pipe, .events = POLLIN};

    for (int i = 0; i < 3000; i++) {
        end_a_socket();
        if (poll(&poll_fd, 1, 10) == 1 && poll_fd.revents & POLLHUP)
            return true;
    }
    return false;
}

/* Somebody has it, and so it stays. */
static bool stays(int pipe)
{
    struct pollfd poll_fd = {.fd = pipe, .events = POLLIN};

    for (int i = 0; i < 5; i++) {
        end_a_socket();
        if (poll(&poll_fd, 1, 10) != 0)
            return false;
    }
    return true;
}

/* Send a new pipe's writing end: the reading one. */
static int pipe_into(int to)
{
    int fds[2];

    if (!CHECK_EQ(pipe(fds), 0))
        return -1;
    CHECK_EQ(send_files(to, &fds[1], 1), 1);
    close(fds[1]);
    return fds[0];
}

/* --- promises --- */

static void to_itself(int type)
{
    int pair[2], witness;

    NEED(socketpair(AF_UNIX, type, 0, pair) == 0);
    witness = pipe_into(pair[1]);
    CHECK_EQ(send_files(pair[1], &pair[0], 1), 1);
    close(pair[1]);
    close(pair[0]);
    CHECK(ends(witness));
    close(witness);
}

static void one(void)
{
    to_itself(SOCK_STREAM);
    to_itself(SOCK_DGRAM);
    to_itself(SOCK_SEQPACKET);
}

static void both_ends(void)
{
    int pair[2], witness;

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    witness = pipe_into(pair[0]);
    CHECK_EQ(send_files(pair[1], pair, 2), 1);
    CHECK_EQ(send_files(pair[0], pair, 2), 1);
    close(pair[0]);
    close(pair[1]);
    CHECK(ends(witness));
    close(witness);
}

/* Each into the queue of the next, round; and the last of the ring closed last. */
static void ring_of(int n)
{
    int pairs[40][2], witness;

    for (int i = 0; i < n; i++)
        NEED(socketpair(AF_UNIX, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0, pairs[i]) == 0);
    for (int i = 0; i < n; i++)
        CHECK_EQ(send_files(pairs[(i + 1) % n][1], &pairs[i][0], 1), 1);
    witness = pipe_into(pairs[n / 2][1]);
    for (int i = 0; i < n; i++)
        close(pairs[i][1]);
    for (int i = 1; i < n; i++)
        close(pairs[i][0]);
    CHECK(stays(witness));
    close(pairs[0][0]);
    CHECK(ends(witness));
    close(witness);
}

static void rings(void)
{
    ring_of(2);
    ring_of(7);
    ring_of(40);
}

/* What hangs on the cycle without being part of it goes too; what the cycle hangs on stays. */
static void around_a_cycle(void)
{
    int outer[2], inner[2], leaf[2], first, second;

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, outer) == 0);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, inner) == 0);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, leaf) == 0);
    first = pipe_into(leaf[1]);
    CHECK_EQ(send_files(inner[1], &inner[0], 1), 1);
    CHECK_EQ(send_files(inner[1], &leaf[0], 1), 1);
    CHECK_EQ(send_files(outer[1], &inner[0], 1), 1);
    second = pipe_into(outer[1]);
    close(inner[0]);
    close(inner[1]);
    close(leaf[0]);
    close(leaf[1]);
    CHECK(stays(first)); /* from outer to inner to leaf */
    inner[0] = receive_file(outer[0], 0);
    CHECK(inner[0] >= 0);
    CHECK(stays(first));
    CHECK_EQ(receive_file(inner[0], MSG_PEEK) >= 0, 1);
    close(inner[0]); /* one more is open since the look: that stays */
    CHECK(stays(first));
    CHECK(stays(second));
    close(outer[0]);
    close(outer[1]);
    CHECK(ends(second));
}

static int listener(struct sockaddr_un *address, socklen_t *len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *len = sizeof(address->sun_family);
    if (bind(fd, (struct sockaddr *)address, *len) != 0) /* a name is chosen */
        return -1;
    *len = sizeof(*address);
    return getsockname(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 5) == 0 ? fd : -1;
}

/* A connection that waits to be accepted holds the listening socket. */
static void backlog(void)
{
    struct sockaddr_un address;
    socklen_t len;
    int server = listener(&address, &len), client = socket(AF_UNIX, SOCK_STREAM, 0), witness;

    NEED(server >= 0 && connect(client, (struct sockaddr *)&address, len) == 0);
    CHECK_EQ(send_files(client, &server, 1), 1);
    witness = pipe_into(client);
    close(client);
    CHECK(stays(witness));
    close(server);
    CHECK(ends(witness));
    close(witness);
}

/* What was kept can be used. */
static void kept(void)
{
    int pair[2], got, witness;
    char byte = 0;

    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    witness = pipe_into(pair[1]);
    CHECK_EQ(send_files(pair[1], &pair[1], 1), 1);
    close(pair[1]);
    CHECK(stays(witness));
    got = receive_file(pair[0], 0);
    CHECK(got >= 0 && write(got, "k", 1) == 1);
    close(got);
    CHECK(read(witness, &byte, 1) == 1 && byte == 'k');
    got = receive_file(pair[0], 0);
    CHECK(got >= 0 && write(got, "s", 1) == 1);
    CHECK(read(pair[0], &byte, 1) == 1 && byte == 's');
    close(got);
    close(pair[0]);
    CHECK(ends(witness));
    close(witness);
}

static void *make_cycles(void *arg)
{
    for (int i = 0; i < 300; i++) {
        int pair[2], got;

        if (!CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0))
            break;
        CHECK_EQ(send_files(pair[0], &pair[1], 1), 1);
        CHECK_EQ(send_files(pair[0], &pair[0], 1), 1);
        CHECK_EQ(send_files(pair[1], &pair[1], 1), 1);
        if (i % 3 == 0) { /* taken out again, looked at */
            got = receive_file(pair[1], 0);
            CHECK(got >= 0);
            close(got);
            close(receive_file(pair[1], MSG_PEEK));
        }
        if (i % 50 == 0)
            CHECK_EQ(send_files(pair[0], arg, 1), 1);
        close(pair[0]);
        close(pair[1]);
    }
    return NULL;
}

/* Several threads make and leave cycles; a pipe lies in some of them. */
static void many(void)
{
    pthread_t threads[4];
    int fds[2];

    NEED(pipe(fds) == 0);
    for (int i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, make_cycles, &fds[1]) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    close(fds[1]);
    CHECK(ends(fds[0]));
    close(fds[0]);
}

enum { LIMIT = 20, SOMEBODY = 54321 };

static int send_many(void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    int pair[2], zero = 0, n = 0;

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        syscall(SYS_setresuid, SOMEBODY, SOMEBODY, SOMEBODY) ||
        socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
        return 77;
    while (n < 5 * LIMIT && send_files(pair[0], &zero, 1) == 1 && receive_file(pair[1], 0) >= 0) {
        n++; /* what is received is not on its way */
        close(LIMIT - 1);
        for (int fd = 5; fd < LIMIT; fd++)
            close(fd);
    }
    CHECK_EQ(n, 5 * LIMIT);
    /* One may go over the limit, as it is looked at before. The queue is longer than that. */
    for (n = 0; n < 5 * LIMIT && send_files(pair[0], &zero, 1) == 1; n++)
        ;
    CHECK_EQ(errno, ETOOMANYREFS);
    CHECK(n <= LIMIT + 1);
    CHECK(n > 5); /* the queue of datagrams may be short */
    close(receive_file(pair[1], 0));
    CHECK_EQ(send_files(pair[0], &zero, 1), 1);
    fflush(stdout);
    return atomic_load(&check_failed_here) ? 1 : 0;
}

static void too_many(void)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0)
        _exit(send_many());
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("not allowed here");
    CHECK_EQ(status, 0);
}

int main(void)
{
    promise("a socket in its own queue is freed", one);
    promise("a pair in both of its queues is freed", both_ends);
    promise("rings of sockets are freed with the last one", rings);
    promise("what is beside a cycle is told apart", around_a_cycle);
    promise("connections that wait to be accepted count", backlog);
    promise("who can be received is not freed", kept);
    promise("many threads leave cycles behind", many);
    promise("so many files may be on their way: ETOOMANYREFS", too_many);
    return check_end();
}
