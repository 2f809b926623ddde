/* io_uring_enter(2): what it refuses, what it submits, how it waits. */
#include "../uring.h"

#include <signal.h>

static void refuses_other_files_and_flags(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    CHECK_ERRNO(uring_enter(999, 0, 0, 0, NULL, 0), EBADF);
    CHECK_ERRNO(uring_enter(0, 0, 0, 0, NULL, 0), EOPNOTSUPP);
    CHECK_ERRNO(uring_enter(r.fd, 0, 0, 1u << 30, NULL, 0), EINVAL);
    CHECK_ERRNO(uring_enter(0, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0), EBADF);
    CHECK_ERRNO(uring_enter(16, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0), EINVAL);
    CHECK_EQ(uring_enter(r.fd, 0, 0, 0, NULL, 0), 0);
    CHECK_EQ(uring_enter(r.fd, 5, 0, 0, NULL, 0), 0); /* nothing was there to submit */
    ring_close(&r);
    NEED(ring_open(&r, 4, IORING_SETUP_R_DISABLED) == 0);
    CHECK_ERRNO(uring_enter(r.fd, 0, 0, 0, NULL, 0), EBADFD);
    ring_close(&r);
}

static void submits_no_more_than_it_is_told(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    for (uint64_t i = 0; i < 3; i++)
        ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, i);
    CHECK_EQ(ring_enter(&r, 2, 0), 2);
    CHECK_EQ(*ring_word(&r, r.p.sq_off.head), 2);
    CHECK_EQ(ring_ready(&r), 2);
    CHECK_EQ(ring_enter(&r, 9, 3), 1);
    CHECK_EQ(ring_ready(&r), 3);
    ring_close(&r);
}

static void stops_at_a_bad_entry(void)
{
    struct ring r;
    struct io_uring_cqe cqe;

    NEED_URING();
    for (int all = 0; all < 2; all++) {
        NEED(ring_open(&r, 4, all ? IORING_SETUP_SUBMIT_ALL : 0) == 0);
        ring_sqe(&r, 250, -1, NULL, 0, 0, 1);
        ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 2);
        CHECK_EQ(ring_enter(&r, 2, 0), all ? 2 : 1);
        NEED(ring_take(&r, &cqe));
        CHECK_EQ(cqe.res, -EINVAL);
        CHECK_EQ(cqe.user_data, 1);
        ring_close(&r);
    }
    NEED(ring_open(&r, 4, 0) == 0);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1);
    ring_word(&r, r.p.sq_off.array)[0] = 4; /* no such entry */
    ring_enter(&r, 1, 0);
    CHECK_EQ(*ring_word(&r, r.p.sq_off.dropped), 1);
    CHECK_EQ(ring_ready(&r), 0);
    ring_close(&r);
}

static void checks_flags_of_an_entry(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = 0x80;
    CHECK_EQ(ring_do(&r), -EINVAL);
    ring_sqe(&r, IORING_OP_FSYNC, 0, NULL, 0, 0, 1)->flags = IOSQE_BUFFER_SELECT;
    CHECK_EQ(ring_do(&r), -EOPNOTSUPP);
    ring_sqe(&r, IORING_OP_FSYNC, 0, "addr", 0, 0, 1);
    CHECK_EQ(ring_do(&r), -EINVAL);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 1)->personality = 9;
    CHECK_EQ(ring_do(&r), -EINVAL);
    ring_sqe(&r, IORING_OP_READ, 0, NULL, 0, 0, 1)->flags = IOSQE_FIXED_FILE;
    CHECK_EQ(ring_do(&r), -EBADF);
    ring_close(&r);
}

static void nothing(int signo)
{
    (void)signo;
}

static void waits_until_a_signal_or_its_time(void)
{
    struct ring r;
    struct __kernel_timespec ts = {.tv_nsec = 3 * MS};
    struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&ts};
    const unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    sigset_t none, usr1;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    CHECK_ERRNO(uring_enter(r.fd, 0, 1, flags, &arg, sizeof(arg)), ETIME);
    CHECK_ERRNO(uring_enter(r.fd, 0, 1, flags, &arg, 8), EINVAL);
    CHECK_ERRNO(uring_enter(r.fd, 0, 1, flags, (void *)1, sizeof(arg)), EFAULT);
    signal(SIGUSR1, nothing);
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    CHECK_ERRNO(uring_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS, &none, 8), EINTR);
    CHECK(sigpending(&none) == 0 && !sigismember(&none, SIGUSR1));
    CHECK_ERRNO(uring_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS, &none, 4), EINVAL);
    ring_close(&r);
}

int main(void)
{
    promise("refuses other files and flags", refuses_other_files_and_flags);
    promise("submits no more than it is told", submits_no_more_than_it_is_told);
    promise("stops at a bad entry", stops_at_a_bad_entry);
    promise("checks flags of an entry", checks_flags_of_an_entry);
    promise("waits until a signal or its time", waits_until_a_signal_or_its_time);
    return check_end();
}
