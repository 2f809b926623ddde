/* liburing.c: what programs do with Debian's liburing: copy a file with linked, fixed and queued
 * requests, and serve a pair of sockets. Prints what came out. */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 4096, BLOCKS = 32 };

static char data[BLOCKS][BLOCK];
static int polled; /* a kernel thread takes the requests */

static void check(int ok, const char *what)
{
    if (ok)
        return;
    printf("failed: %s\n", what);
    exit(1);
}

/* What a submission of `n` may answer: with a polling thread it is what the thread had not taken
 * yet when the library looked (io_uring_submit(3)), so that only errors tell. */
static int submitted(int answer, int n)
{
    return polled ? answer >= 0 : answer == n;
}

static long drain(struct io_uring *ring, unsigned n)
{
    struct io_uring_cqe *cqe;
    long sum = 0;

    for (; n; n--) {
        check(io_uring_wait_cqe(ring, &cqe) == 0, "wait");
        check(cqe->res >= 0, strerror(-cqe->res));
        sum += cqe->res;
        io_uring_cqe_seen(ring, cqe);
    }
    return sum;
}

static void copy(struct io_uring *ring, int from, int to)
{
    for (int i = 0; i < BLOCKS; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        io_uring_prep_read(sqe, from, data[i], BLOCK, (unsigned)i * BLOCK);
        sqe->flags |= IOSQE_IO_LINK;
        sqe = io_uring_get_sqe(ring);
        io_uring_prep_write(sqe, to, data[i], BLOCK, (unsigned)i * BLOCK);
        sqe->flags |= i % 2 ? IOSQE_ASYNC : 0;
    }
    check(submitted(io_uring_submit(ring), 2 * BLOCKS), "submit");
    printf("moved %ld\n", drain(ring, 2 * BLOCKS));
}

static void talk(struct io_uring *ring)
{
    char in[8] = "";
    int fds[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
    io_uring_prep_recv(io_uring_get_sqe(ring), fds[0], in, sizeof(in), MSG_WAITALL);
    check(submitted(io_uring_submit(ring), 1), "submit recv");
    io_uring_prep_send(io_uring_get_sqe(ring), fds[1], "abcd", 4, 0);
    check(submitted(io_uring_submit_and_wait(ring, 1), 1), "submit send");
    printf("sent %ld\n", drain(ring, 1));
    io_uring_prep_send(io_uring_get_sqe(ring), fds[1], "efgh", 4, 0);
    check(submitted(io_uring_submit(ring), 1), "submit send");
    printf("both %ld %.8s\n", drain(ring, 2), in);
}

int main(int argc, char **argv)
{
    struct io_uring ring;
    polled = argc > 1 && !strcmp(argv[1], "sqpoll");
    int err = io_uring_queue_init(2 * BLOCKS, &ring, polled ? IORING_SETUP_SQPOLL : 0);

    if (err) {
        printf("no io_uring here: %s\n", strerror(-err));
        return 77;
    }
    FILE *from = tmpfile(), *to = tmpfile();
    check(from && to, "tmpfile");
    for (int i = 0; i < BLOCKS * BLOCK / 8; i++)
        fprintf(from, "%07d\n", i);
    fflush(from);
    copy(&ring, fileno(from), fileno(to));
    char line[9] = "";
    check(pread(fileno(to), line, 8, BLOCK * 31) == 8, "pread");
    printf("line %s", line);
    talk(&ring);
    io_uring_queue_exit(&ring);
    return 0;
}
