/* io_uring_register(2): files, buffers, eventfd, probe, personality, restrictions, ring numbers. */
#include "../uring.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

static void refuses_what_is_no_ring(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    CHECK_ERRNO(uring_register(999, IORING_UNREGISTER_FILES, NULL, 0), EBADF);
    CHECK_ERRNO(uring_register(0, IORING_UNREGISTER_FILES, NULL, 0), EOPNOTSUPP);
    CHECK_ERRNO(uring_register(r.fd, 1000, NULL, 0), EINVAL);
    ring_close(&r);
}

static void keeps_files(void)
{
    struct ring r;
    int fds[3] = {-1, -1, -1}, pipes[2];
    char buf[4];

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0 && pipe(pipes) == 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_UNREGISTER_FILES, NULL, 0), ENXIO);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_FILES, fds, 0), EINVAL);
    fds[1] = 999;
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_FILES, fds, 3), EBADF);
    fds[1] = r.fd;
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_FILES, fds, 3), EBADF);
    fds[1] = pipes[0];
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_FILES, fds, 3), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_FILES, fds, 3), EBUSY);
    close(pipes[0]);
    CHECK_EQ(write(pipes[1], "ab", 2), 2);
    ring_sqe(&r, IORING_OP_READ, 1, buf, 4, 0, 0)->flags = IOSQE_FIXED_FILE;
    CHECK_EQ(ring_do(&r), 2);
    ring_sqe(&r, IORING_OP_READ, 0, buf, 4, 0, 0)->flags = IOSQE_FIXED_FILE;
    CHECK_EQ(ring_do(&r), -EBADF);
    int none = -1;
    struct io_uring_files_update up = {.offset = 1, .fds = (uintptr_t)&none};
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1), 1);
    up.offset = 3;
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1), EINVAL);
    CHECK_EQ(uring_register(r.fd, IORING_UNREGISTER_FILES, NULL, 0), 0);
    close(pipes[1]);
    ring_close(&r);
}

static void gives_slots_by_itself(void)
{
    struct ring r;
    struct io_uring_rsrc_register reg = {.nr = 2, .flags = IORING_RSRC_REGISTER_SPARSE};

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    if (uring_register(r.fd, IORING_REGISTER_FILES2, &reg, sizeof(reg)) < 0)
        SKIP("no sparse tables before Linux 5.19");
    for (int i = 0; i < 3; i++) {
        ring_sqe(&r, IORING_OP_OPENAT, AT_FDCWD, "/dev/null", 0, 0, 0)->file_index =
            IORING_FILE_INDEX_ALLOC;
        CHECK_EQ(ring_do(&r), i < 2 ? i : -ENFILE);
    }
    ring_sqe(&r, IORING_OP_CLOSE, 0, NULL, 0, 0, 0)->file_index = 1;
    CHECK_EQ(ring_do(&r), 0);
    ring_sqe(&r, IORING_OP_CLOSE, 0, NULL, 0, 0, 0)->file_index = 1;
    CHECK_EQ(ring_do(&r), -EBADF);
    ring_close(&r);
}

static void keeps_buffers(void)
{
    struct ring r;
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec iov[2] = {{memory, 4096}, {memory + 4096, 100}};
    int fds[2];

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0 && pipe(fds) == 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0), ENXIO);
    iov[1].iov_base = (void *)4096;
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_BUFFERS, iov, 2), EFAULT);
    iov[1].iov_base = memory + 4096;
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_BUFFERS, iov, 2), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_BUFFERS, iov, 2), EBUSY);
    CHECK_EQ(write(fds[1], "fixed", 5), 5);
    ring_sqe(&r, IORING_OP_READ_FIXED, fds[0], memory + 4096, 100, 0, 0)->buf_index = 1;
    CHECK_EQ(ring_do(&r), 5);
    CHECK(!memcmp(memory + 4096, "fixed", 5));
    ring_sqe(&r, IORING_OP_READ_FIXED, fds[0], memory + 4096, 101, 0, 0)->buf_index = 1;
    CHECK_EQ(ring_do(&r), -EFAULT);
    ring_sqe(&r, IORING_OP_READ_FIXED, fds[0], memory, 1, 0, 0)->buf_index = 2;
    CHECK_EQ(ring_do(&r), -EFAULT);
    CHECK_EQ(uring_register(r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
    close(fds[0]);
    close(fds[1]);
    ring_close(&r);
}

static void signals_an_eventfd(void)
{
    struct ring r;
    uint64_t count = 0;

    NEED_URING();
    int fd = eventfd(0, EFD_NONBLOCK), other = 0;
    NEED(ring_open(&r, 4, 0) == 0 && fd >= 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0), ENXIO);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_EVENTFD, &other, 1), EINVAL);
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_EVENTFD, &fd, 1), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_EVENTFD, &fd, 1), EBUSY);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0);
    CHECK_EQ(ring_do(&r), 0);
    CHECK_EQ(read(fd, &count, 8), 8);
    CHECK_EQ(count, 1);
    CHECK_EQ(uring_register(r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0), 0);
    close(fd);
    ring_close(&r);
}

static void tells_its_operations(void)
{
    struct ring r;
    static struct {
        struct io_uring_probe p;
        struct io_uring_probe_op ops[256];
    } probe;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_PROBE, &probe, 256), 0);
    CHECK(probe.p.last_op >= IORING_OP_MSG_RING);
    CHECK(probe.p.ops_len > IORING_OP_MSG_RING);
    CHECK_EQ(probe.ops[IORING_OP_MSG_RING].flags, IO_URING_OP_SUPPORTED);
    CHECK_EQ(probe.ops[IORING_OP_NOP].flags, IO_URING_OP_SUPPORTED);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_PROBE, &probe, 256), EINVAL); /* not zero */
    ring_close(&r);
}

static void restricts_a_ring_before_it_starts(void)
{
    struct ring r;
    struct io_uring_restriction only[2] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS},
    };

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_RESTRICTIONS, only, 2), EBADFD);
    ring_close(&r);
    NEED(ring_open(&r, 4, IORING_SETUP_R_DISABLED) == 0);
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_RESTRICTIONS, only, 2), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_RESTRICTIONS, only, 2), EBUSY);
    CHECK_EQ(uring_register(r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_REGISTER_PERSONALITY, NULL, 0), EACCES);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0);
    CHECK_EQ(ring_do(&r), 0);
    ring_sqe(&r, IORING_OP_FSYNC, 0, NULL, 0, 0, 0);
    CHECK_EQ(ring_do(&r), -EACCES);
    ring_close(&r);
}

static void numbers_rings_and_personalities(void)
{
    struct ring r;

    NEED_URING();
    NEED(ring_open(&r, 4, 0) == 0);
    struct io_uring_rsrc_update up = {.offset = -1U, .data = (unsigned)r.fd};
    if (uring_register(r.fd, IORING_REGISTER_RING_FDS, &up, 1) < 0)
        SKIP("no ring numbers before Linux 5.18");
    CHECK_EQ(up.offset, 0);
    ring_sqe(&r, IORING_OP_NOP, -1, NULL, 0, 0, 0);
    CHECK_EQ(uring_enter(0, 1, 1, IORING_ENTER_REGISTERED_RING | IORING_ENTER_GETEVENTS, NULL, 0),
             1);
    up.data = 0;
    CHECK_EQ(uring_register(r.fd, IORING_UNREGISTER_RING_FDS, &up, 1), 1);
    int id = uring_register(r.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
    CHECK(id > 0);
    CHECK_EQ(uring_register(r.fd, IORING_UNREGISTER_PERSONALITY, NULL, (unsigned)id), 0);
    CHECK_ERRNO(uring_register(r.fd, IORING_UNREGISTER_PERSONALITY, NULL, (unsigned)id), EINVAL);
    ring_close(&r);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    promise("refuses what is no ring", refuses_what_is_no_ring);
    promise("keeps files", keeps_files);
    promise("gives slots by itself", gives_slots_by_itself);
    promise("keeps buffers", keeps_buffers);
    promise("signals an eventfd", signals_an_eventfd);
    promise("tells its operations", tells_its_operations);
    promise("restricts a ring before it starts", restricts_a_ring_before_it_starts);
    promise("numbers rings and personalities", numbers_rings_and_personalities);
    return check_end();
}
