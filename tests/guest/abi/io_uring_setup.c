/* io_uring_setup(2): sizes, flags, what the parameters tell, the memory of the ring. */
#include "../uring.h"

#include <fcntl.h>

static int setup(unsigned n, unsigned flags, struct io_uring_params *p)
{
    p->flags = flags;
    return uring_setup(n, p);
}

static int setup_and_close(unsigned n, unsigned flags, unsigned cq_entries)
{
    struct io_uring_params p = {.cq_entries = cq_entries};
    int fd = setup(n, flags, &p);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -errno : (int)p.cq_entries;
}

static void rounds_sizes_up(void)
{
    NEED_URING();
    CHECK_EQ(setup_and_close(0, 0, 0), -EINVAL);
    CHECK_EQ(setup_and_close(1, 0, 0), 2);
    CHECK_EQ(setup_and_close(5, 0, 0), 16);
    CHECK_EQ(setup_and_close(32769, 0, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_CQSIZE, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_CQSIZE, 3), 4);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_CQSIZE, 2), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_CQSIZE, 9), 16);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_CQSIZE, 65537), -EINVAL);
    CHECK_EQ(setup_and_close(40000, IORING_SETUP_CLAMP, 0), 65536);
}

static void refuses_what_contradicts_itself(void)
{
    NEED_URING();
    CHECK_EQ(setup_and_close(4, 1u << 31, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_SQ_AFF, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_DEFER_TASKRUN, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_TASKRUN_FLAG, 0), -EINVAL);
    CHECK_EQ(setup_and_close(4, IORING_SETUP_SQPOLL | IORING_SETUP_COOP_TASKRUN, 0), -EINVAL);
    struct io_uring_params p = {.resv = {1, 0, 0}};
    CHECK_ERRNO(uring_setup(4, &p), EINVAL);
    CHECK_ERRNO(uring_setup(4, (void *)1), EFAULT);
    p = (struct io_uring_params){.wq_fd = 999};
    CHECK_ERRNO(setup(4, IORING_SETUP_ATTACH_WQ, &p), ENXIO);
    p = (struct io_uring_params){.wq_fd = 0};
    CHECK_ERRNO(setup(4, IORING_SETUP_ATTACH_WQ, &p), EINVAL);
}

static void tells_features_and_places(void)
{
    struct ring r;
    const unsigned features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                              IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
                              IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

    NEED_URING();
    NEED(ring_open(&r, 8, 0) == 0);
    CHECK_EQ(r.p.features & features, features);
    CHECK_EQ(*ring_word(&r, r.p.sq_off.ring_mask), 7);
    CHECK_EQ(*ring_word(&r, r.p.cq_off.ring_mask), 15);
    CHECK_EQ(*ring_word(&r, r.p.sq_off.ring_entries), 8);
    CHECK_EQ(*ring_word(&r, r.p.cq_off.ring_entries), 16);
    CHECK_EQ(fcntl(r.fd, F_GETFD), FD_CLOEXEC);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, r.fd, IORING_OFF_CQ_RING) != MAP_FAILED);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, r.fd, 0x40000000) == MAP_FAILED);
    ring_close(&r);
}

static void is_written_back_before_it_is_open(void)
{
    NEED_URING();
    int next = dup(0);
    close(next);
    struct io_uring_params *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(uring_setup(4, p), EFAULT);
    CHECK_EQ(dup(0), next);
    close(next);
}

int main(void)
{
    promise("rounds sizes up", rounds_sizes_up);
    promise("refuses what contradicts itself", refuses_what_contradicts_itself);
    promise("tells features and places", tells_features_and_places);
    promise("is written back before it is open", is_written_back_before_it_is_open);
    return check_end();
}
