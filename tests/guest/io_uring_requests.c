// cpus: 1 2
/* io_uring_requests.c: what requests do, and how they follow, guard and end each other. */
#include "uring.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct __kernel_timespec soon = {.tv_nsec = 5 * MS}, never = {.tv_sec = 1000};

static void reads_and_writes_a_file(void)
{
    struct ring r;
    char buf[16] = "";

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    NEED(fd >= 0);
    ring_sqe(&r, IORING_OP_WRITE, fd, "hello", 5, 0, 0);
    CHECK_EQ(ring_do(&r), 5);
    ring_sqe(&r, IORING_OP_READ, fd, buf, 16, 1, 0);
    CHECK_EQ(ring_do(&r), 4);
    CHECK(!memcmp(buf, "ello", 4));
    struct iovec iov[2] = {{buf, 2}, {buf + 8, 8}};
    ring_sqe(&r, IORING_OP_READV, fd, iov, 2, 0, 0);
    CHECK_EQ(ring_do(&r), 5);
    CHECK(!memcmp(buf + 8, "llo", 3));
    ring_sqe(&r, IORING_OP_READ, fd, buf, 2, (uint64_t)-1, 0); /* at the file's own position */
    CHECK_EQ(ring_do(&r), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
    ring_sqe(&r, IORING_OP_READ, 999, buf, 2, 0, 0);
    CHECK_EQ(ring_do(&r), -EBADF);
    ring_sqe(&r, IORING_OP_READ, fd, (void *)1, 2, 0, 0);
    CHECK_EQ(ring_do(&r), -EFAULT);
    close(fd);
    ring_close(&r);
}

static void a_read_waits_for_its_pipe(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    char buf[8];
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    for (int async = 0; async < 2; async++) {
        ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 7)->flags = async ? IOSQE_ASYNC : 0;
        CHECK_EQ(ring_enter(&r, 1, 0), 1);
        CHECK_EQ(ring_ready(&r), 0);
        CHECK_EQ(write(fds[1], "xyz", 3), 3);
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, 3);
        CHECK_EQ(cqe.user_data, 7);
    }
    ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 7);
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    close(fds[1]);
    NEED(ring_take(&r, &cqe));
    CHECK_EQ(cqe.res, 0);
    close(fds[0]);
    ring_close(&r);
}

static void links_run_in_order_and_break(void)
{
    struct ring r;
    int results[4];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_READ, 999, NULL, 0, 0, 1)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 3);
    CHECK_EQ(ring_enter(&r, 4, 4), 4);
    NEED(ring_collect(&r, 4, results));
    CHECK_EQ(results[0], 0);
    CHECK_EQ(results[1], -EBADF);
    CHECK_EQ(results[2], -ECANCELED);
    CHECK_EQ(results[3], -ECANCELED);
    ring_sqe(&r, IORING_OP_READ, 999, NULL, 0, 0, 0)->flags = IOSQE_IO_HARDLINK;
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 2), 2);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], -EBADF);
    CHECK_EQ(results[1], 0);
    ring_close(&r);
}

static void a_timeout_ends_what_it_is_linked_to(void)
{
    struct ring r;
    char buf[8];
    int fds[2], results[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 0)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 2), 2);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], -ECANCELED);
    CHECK_EQ(results[1], -ETIME);
    ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 0)->flags = IOSQE_IO_LINK;
    ring_sqe(&r, IORING_OP_LINK_TIMEOUT, -1, &never, 1, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 0), 2);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], 1);
    CHECK_EQ(results[1], -ECANCELED);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void timeouts_expire_count_and_are_removed(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    int results[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    ring_sqe(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0, 0);
    CHECK_EQ(ring_do(&r), -ETIME);
    ring_sqe(&r, IORING_OP_TIMEOUT, -1, &never, 1, 1, 0); /* or one completion */
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 2), 2);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], 0);
    ring_sqe(&r, IORING_OP_TIMEOUT, -1, &never, 1, 0, 0);
    ring_sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)0, 0, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 2), 2);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], -ECANCELED);
    CHECK_EQ(results[1], 0);
    ring_sqe(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)55, 0, 0, 1);
    CHECK_EQ(ring_do(&r), -ENOENT);
    struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&soon};
    CHECK_ERRNO(
        uring_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)),
        ETIME);
    CHECK_EQ(ring_ready(&r), 0);
    (void)cqe;
    ring_close(&r);
}

static void polls_once_and_many_times(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    uint64_t one = 1;

    NEED_URING();
    int fd = eventfd(0, EFD_NONBLOCK);
    NEED(ring_open(&r, 8, 0) == 0 && fd >= 0);
    ring_sqe(&r, IORING_OP_POLL_ADD, fd, NULL, IORING_POLL_ADD_MULTI, 0, 1)->poll32_events = POLLIN;
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(write(fd, &one, 8), 8);
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, POLLIN);
        CHECK_EQ(cqe.flags, IORING_CQE_F_MORE);
        CHECK_EQ(read(fd, &one, 8), 8);
    }
    ring_sqe(&r, IORING_OP_POLL_REMOVE, -1, (void *)1, 0, 0, 0);
    CHECK_EQ(ring_enter(&r, 1, 2), 1);
    for (int i = 0; i < 2; i++) {
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, cqe.user_data ? -ECANCELED : 0);
        CHECK_EQ(cqe.flags, 0);
    }
    ring_sqe(&r, IORING_OP_POLL_ADD, fd, NULL, 0, 0, 1)->poll32_events = POLLOUT;
    CHECK_EQ(ring_do(&r), POLLOUT);
    close(fd);
    ring_close(&r);
}

static void cancels_by_data_file_and_all(void)
{
    struct ring r;
    char buf[4][8];
    int fds[2], results[4];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], buf[0], 8, 0, 0);
    ring_sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)0, 0, 0, 1);
    CHECK_EQ(ring_enter(&r, 2, 2), 2);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], -ECANCELED);
    CHECK_EQ(results[1], 0);
    for (unsigned i = 0; i < 3; i++)
        ring_sqe(&r, IORING_OP_READ, fds[0], buf[i], 8, 0, i);
    ring_sqe(&r, IORING_OP_ASYNC_CANCEL, fds[0], NULL, 0, 0, 3)->cancel_flags =
        IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
    CHECK_EQ(ring_enter(&r, 4, 4), 4);
    NEED(ring_collect(&r, 4, results));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(results[i], -ECANCELED);
    CHECK_EQ(results[3], 3);
    ring_sqe(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)77, 0, 0, 3);
    CHECK_EQ(ring_do(&r), -ENOENT);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void drained_requests_wait_for_those_before(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    char buf[8];
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 1);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 2)->flags = IOSQE_IO_DRAIN;
    CHECK_EQ(ring_enter(&r, 2, 0), 2);
    CHECK_EQ(ring_ready(&r), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    for (uint64_t i = 1; i < 3; i++) {
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.user_data, i);
    }
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void sockets_receive_into_provided_buffers(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    static char pool[4][16];
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    ring_sqe(&r, IORING_OP_PROVIDE_BUFFERS, 4, pool, 16, 10, 0)->buf_group = 5;
    CHECK_EQ(ring_do(&r), 0);
    struct io_uring_sqe *sqe = ring_sqe(&r, IORING_OP_RECV, fds[0], NULL, 0, 0, 1);
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = 5;
    sqe->ioprio = IORING_RECV_MULTISHOT;
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, 3);
        CHECK_EQ(cqe.flags, IORING_CQE_F_BUFFER | IORING_CQE_F_MORE | (10 + i) << 16);
        CHECK(!memcmp(pool[i], "abc", 3));
    }
    CHECK_EQ(send(fds[1], "abc", 3, 0), 3);
    NEED(ring_take(&r, &cqe));
    CHECK_EQ(cqe.res, -ENOBUFS);
    CHECK_EQ(cqe.flags, 0);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void overflown_completions_are_kept_in_order(void)
{
    struct ring r;
    struct io_uring_cqe cqe;

    NEED_URING();
    NEED(ring_open(&r, 2, 0) == 0);
    NEED(r.p.cq_entries == 4);
    for (uint64_t i = 0; i < 8; i++) {
        ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, i);
        CHECK_EQ(ring_enter(&r, 1, 0), 1);
    }
    CHECK(*ring_word(&r, r.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW);
    for (uint64_t i = 0; i < 8; i++) {
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.user_data, i);
    }
    CHECK(!(*ring_word(&r, r.p.sq_off.flags) & IORING_SQ_CQ_OVERFLOW));
    ring_close(&r);
}

static void a_child_leaves_nothing_behind(void)
{
    struct ring r;
    char buf[8];
    int fds[2], status;

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 0);
        ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 1)->flags = IOSQE_ASYNC;
        _exit(ring_enter(&r, 2, 0) != 2);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_EQ(write(fds[1], "mine", 4), 4); /* nobody takes it any more */
    CHECK_EQ(read(fds[0], buf, 8), 4);
    pid = fork();
    if (pid == 0) {
        ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 0);
        if (ring_enter(&r, 1, 0) == 1)
            execl("/proc/self/exe", "again", "exec", (char *)NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void rings_do_not_travel_over_sockets(void)
{
    struct ring r;
    char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &r.fd, sizeof(int));
    CHECK_ERRNO(sendmsg(fds[0], &msg, 0), EINVAL);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void the_kernel_thread_submits_by_itself(void)
{
    struct ring r;
    struct io_uring_cqe cqe;

    NEED_URING();
    NEED(ring_open(&r, 8, IORING_SETUP_SQPOLL) == 0);
    for (uint64_t i = 0; i < 20; i++) {
        ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, i);
        atomic_thread_fence(memory_order_seq_cst); /* the thread sets the flag, looks, sleeps */
        if (*ring_word(&r, r.p.sq_off.flags) & IORING_SQ_NEED_WAKEUP)
            CHECK(uring_enter(r.fd, 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0) >= 0);
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.user_data, i);
    }
    ring_close(&r);
}

static void deferred_work_waits_for_its_caller(void)
{
    struct ring r;
    struct io_uring_cqe cqe;
    char buf[8];
    int fds[2];

    NEED_URING();
    if (ring_open(&r, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) < 0)
        SKIP("no DEFER_TASKRUN before Linux 6.1");
    NEED(pipe(fds) == 0);
    ring_sqe(&r, IORING_OP_READ, fds[0], buf, 8, 0, 1);
    CHECK_EQ(ring_enter(&r, 1, 0), 1);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(getppid() < 0, 0);
    CHECK_EQ(ring_ready(&r), 0);
    NEED(ring_take(&r, &cqe));
    CHECK_EQ(cqe.res, 1);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void data_may_be_reused_after_submission(void)
{
    struct ring r;
    char buf[8] = "";
    int fds[2], file, results[3];
    char name[] = "stable";

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0 && pipe(fds) == 0);
    struct iovec iov = {buf, 4};
    ring_sqe(&r, IORING_OP_READV, fds[0], &iov, 1, 0, 0)->flags = IOSQE_IO_HARDLINK;
    struct io_uring_sqe *sqe = ring_sqe(&r, IORING_OP_OPENAT, AT_FDCWD, name, 0600, 0, 1);
    sqe->open_flags = O_CREAT | O_RDWR;
    CHECK_EQ(ring_enter(&r, 2, 0), 2);
    iov.iov_base = (void *)1;
    memcpy(name, "forged", 6);
    CHECK_EQ(write(fds[1], "1234", 4), 4);
    NEED(ring_collect(&r, 2, results));
    CHECK_EQ(results[0], 4);
    CHECK(!memcmp(buf, "1234", 4));
    file = results[1];
    CHECK(file >= 0 && access("stable", F_OK) == 0 && access("forged", F_OK) == -1);
    ring_sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "stable", 0, 0, 0);
    CHECK_EQ(ring_do(&r), 0);
    ring_sqe(&r, IORING_OP_CLOSE, file, NULL, 0, 0, 0);
    CHECK_EQ(ring_do(&r), 0);
    CHECK_EQ(fcntl(file, F_GETFD), -1);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void names_work_while_somebody_is_traced(void)
{
    struct ring r;
    struct stat st;
    int status;

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    ring_sqe(&r, IORING_OP_MKDIRAT, AT_FDCWD, "traced", 0700, 0, 0);
    CHECK_EQ(ring_do(&r), 0);
    CHECK(stat("traced", &st) == 0 && S_ISDIR(st.st_mode));
    ring_sqe(&r, IORING_OP_UNLINKAT, AT_FDCWD, "traced", 0, 0, 0)->unlink_flags = AT_REMOVEDIR;
    CHECK_EQ(ring_do(&r), 0);
    kill(pid, SIGKILL);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    ring_close(&r);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exec"))
        return 0;
    enter_fresh_dir();
    promise("reads and writes a file", reads_and_writes_a_file);
    promise("a read waits for its pipe", a_read_waits_for_its_pipe);
    promise("links run in order and break", links_run_in_order_and_break);
    promise("a timeout ends what it is linked to", a_timeout_ends_what_it_is_linked_to);
    promise("timeouts expire, count and are removed", timeouts_expire_count_and_are_removed);
    promise("polls once and many times", polls_once_and_many_times);
    promise("cancels by data, file and all", cancels_by_data_file_and_all);
    promise("drained requests wait for those before", drained_requests_wait_for_those_before);
    promise("sockets receive into provided buffers", sockets_receive_into_provided_buffers);
    promise("overflown completions are kept in order", overflown_completions_are_kept_in_order);
    promise("a child leaves nothing behind", a_child_leaves_nothing_behind);
    promise("rings do not travel over sockets", rings_do_not_travel_over_sockets);
    promise("the kernel's thread submits by itself", the_kernel_thread_submits_by_itself);
    promise("deferred work waits for its caller", deferred_work_waits_for_its_caller);
    promise("data may be reused after submission", data_may_be_reused_after_submission);
    promise("names work while somebody is traced", names_work_while_somebody_is_traced);
    return check_end();
}
