// cpus: 1 2
/* io_uring_lifetime.c: what outlives what: rings that are closed, or whose program ends, while
 * something is under way; what has passed before anybody looks; tags and drained chains, which wait
 * for what came before them. */
#include "uring.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/wait.h>

enum { DEFER = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

static struct io_uring_sqe *poll_sqe(struct ring *r, int fd, unsigned flags, uint64_t user_data)
{
    struct io_uring_sqe *sqe = ring_sqe(r, IORING_OP_POLL_ADD, fd, NULL, flags, 0, user_data);
    sqe->poll32_events = POLLIN;
    return sqe;
}

/* Does a child that does this end by itself, with 0? */
static bool child_ends(void (*fn)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        fn();
        exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void a_poll_tells_what_has_passed(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    char c;
    int fds[2];

    NEED_URING();
    if (ring_open(&r, 8, DEFER) < 0)
        SKIP("no IORING_SETUP_DEFER_TASKRUN");
    NEED(pipe(fds) == 0);
    poll_sqe(&r, fds[0], IORING_POLL_ADD_MULTI, 1);
    poll_sqe(&r, fds[0], 0, 2);
    CHECK_EQ(ring_enter(&r, 2, 0), 2);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(read(fds[0], &c, 1), 1); /* before the ring looks */
    for (int i = 0; i < 2; i++) {
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, POLLIN);
        CHECK_EQ(cqe.flags, cqe.user_data == 1 ? IORING_CQE_F_MORE : 0);
    }
    CHECK_EQ(uring_enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0), 0);
    CHECK_EQ(ring_ready(&r), 0); /* and told once */
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void level_polls_are_refused(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    poll_sqe(&r, r.fd, IORING_POLL_ADD_LEVEL, 1);
    CHECK_EQ(ring_do(&r), -EINVAL);
    ring_close(&r);
}

static void what_follows_a_drained_chain_waits(void)
{
    struct ring r;
    char c;
    int fds[2], results[4] = {-1, -1, -1, -1};

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_READ, fds[0], &c, 1, 0, 1)->flags = IOSQE_IO_LINK | IOSQE_IO_DRAIN;
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 3);
    CHECK_EQ(ring_enter(&r, 4, 1), 4);
    CHECK_EQ(ring_ready(&r), 1); /* the chain's first one, not the last entry */
    CHECK_EQ(write(fds[1], "x", 1), 1);
    NEED(ring_collect(&r, 4, results));
    CHECK_EQ(results[1], 1);
    CHECK_EQ(results[3], 0);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void tags_wait_for_older_requests(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    char a[16], b[16];
    struct iovec iov[2] = {{a, 16}, {a, 16}}, other = {b, 16};
    uint64_t tags[2] = {1, 2}, tag = 3;
    struct io_uring_rsrc_register reg = {.nr = 2, .data = (uintptr_t)iov, .tags = (uintptr_t)tags};
    struct io_uring_rsrc_update2 up = {
        .offset = 1, .nr = 1, .data = (uintptr_t)&other, .tags = (uintptr_t)&tag};
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    NEED(uring_register(r.fd, IORING_REGISTER_BUFFERS2, &reg, sizeof(reg)) == 0);
    ring_sqe(&r, IORING_OP_READ_FIXED, fds[0], a, 1, 0, 100); /* the other buffer */
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up)), 1);
    tag = 4;
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up)), 1);
    usleep(20000);
    if (ring_ready(&r) && !inside_osprey())
        SKIP("this Linux waits only for what uses the buffer itself, unlike 6.1");
    CHECK_EQ(ring_ready(&r), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    NEED(ring_take(&r, &cqe));
    CHECK_EQ(cqe.user_data, 100);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 2; i++) {
        NEED(ring_take(&r, &cqe));
        sum += cqe.user_data;
    }
    CHECK_EQ(sum, 2 + 3);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

/* Work of a poll has come, and nobody will ever ask for it. */
static void close_with_work(void)
{
    struct ring r;
    int fds[2];
    if (ring_open(&r, 8, DEFER) < 0)
        return;
    NEED(pipe(fds) == 0);
    poll_sqe(&r, fds[0], 0, 1);
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    ring_close(&r);
    CHECK_EQ(write(fds[1], "x", 1), 1);
}

/* The ring keeps its own file, by a request that only the thread's end ends. */
static void close_ring_that_watches_itself(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    unsigned kinds[] = {0, DEFER};
    for (unsigned i = 0; i < 2; i++) {
        int fds[2];
        if (ring_open(&r, 8, kinds[i]) < 0)
            return;
        NEED(pipe(fds) == 0);
        poll_sqe(&r, r.fd, 0, 1);
        poll_sqe(&r, fds[0], 0, 2);
        CHECK_EQ(ring_enter(&r, 2, 0), 2);
        CHECK_EQ(write(fds[1], "x", 1), 1);
        NEED(ring_take(&r, &cqe));
        poll_sqe(&r, r.fd, IORING_POLL_ADD_MULTI, 3);
        CHECK_EQ(ring_enter(&r, 1, 0), 1);
        ring_close(&r);
    }
}

/* A ring with one more thread, in the middle of its beginning or of its end. */
static void close_at_once(void)
{
    struct ring r;
    if (ring_open(&r, 8, IORING_SETUP_SQPOLL) < 0)
        return;
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0);
    ring_close(&r);
}

static void leave_open(void)
{
    struct ring r;
    int fds[2];
    char c;
    if (ring_open(&r, 8, IORING_SETUP_SQPOLL) < 0)
        return;
    NEED(pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], &c, 1, 0, 0)->flags = IOSQE_ASYNC;
    ring_sqe(&r, IORING_OP_READ, fds[0], &c, 1, 0, 1);
}

/* Two rings that watch each other are closed while they do. */
static void close_two_that_watch_each_other(void)
{
    struct ring a, b;
    if (ring_open(&a, 8, DEFER) < 0 || ring_open(&b, 8, DEFER) < 0)
        return;
    poll_sqe(&a, b.fd, 0, 1);
    poll_sqe(&b, a.fd, 0, 1);
    CHECK_EQ(ring_enter(&a, 1, 0), 1);
    CHECK_EQ(ring_enter(&b, 1, 0), 1);
    ring_sqe(&a, IORING_OP_NOP, -1, NULL, 0, 0, 2);
    CHECK_EQ(ring_enter(&a, 1, 0), 1);
    ring_close(&a);
    ring_close(&b);
}

static void rings_may_be_closed_at_any_time(void)
{
    NEED_URING();
    for (int i = 0; i < 10; i++) {
        CHECK(child_ends(close_with_work));
        CHECK(child_ends(close_ring_that_watches_itself));
        CHECK(child_ends(close_at_once));
        CHECK(child_ends(leave_open));
        CHECK(child_ends(close_two_that_watch_each_other));
    }
}

static int told[2];

/* A ring's thread of its own works for who has this session keyring. */
static void leave_a_keyring(void)
{
    int serial = (int)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    struct ring r;
    int fds[2];
    char c;

    NEED(write(told[1], &serial, sizeof(serial)) == sizeof(serial) && serial > 0);
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], &c, 1, 0, 0)->flags = IOSQE_ASYNC;
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
}

static void keyrings_go_with_the_rings(void)
{
    int serial = 0;

    NEED_URING();
    if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 &&
        !inside_osprey())
        SKIP("keys are forbidden here");
    NEED(pipe(told) == 0);
    CHECK(child_ends(leave_a_keyring));
    NEED(read(told[0], &serial, sizeof(serial)) == sizeof(serial));
    while (syscall(SYS_keyctl, KEYCTL_DESCRIBE, serial, NULL, 0) >= 0)
        usleep(1000); /* what keeps it is given up after the process's end */
    CHECK_EQ(errno, ENOKEY);
}

int main(void)
{
    promise("a poll tells what has passed", a_poll_tells_what_has_passed);
    promise("level polls are refused", level_polls_are_refused);
    promise("what follows a drained chain waits", what_follows_a_drained_chain_waits);
    promise("tags wait for older requests", tags_wait_for_older_requests);
    promise("rings may be closed at any time", rings_may_be_closed_at_any_time);
    promise("keyrings go with the rings that worked for them", keyrings_go_with_the_rings);
    return check_end();
}
