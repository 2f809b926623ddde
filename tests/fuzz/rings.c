// io_uring: rings that are mapped, entries of the submission ring, what is registered.
#define _GNU_SOURCE
#include "fuzz.h"

#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A ring's pages lie at RINGS; while they are not there, memory does. */
enum {
    RING_ROOM = 0x100000,
    RING_BYTES = 0x40000,
    SQES = 0x80000,
    SQES_BYTES = 0x40000,
    NRINGS = 2
};

static struct {
    struct io_uring_params p;
    bool there;
} rings[NRINGS];

static char *ring_memory(unsigned i)
{
    return (char *)(RINGS + i * (uint64_t)RING_ROOM);
}

static void put_memory(char *at, size_t size)
{
    mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static const uint32_t setups[] = {
    0,
    0,
    IORING_SETUP_CQSIZE,
    IORING_SETUP_SQPOLL,
    IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_SQE128,
    IORING_SETUP_CQE32,
    IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
    IORING_SETUP_R_DISABLED,
    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER,
    IORING_SETUP_ATTACH_WQ,
    IORING_SETUP_ATTACH_WQ | IORING_SETUP_SQPOLL,
    IORING_SETUP_CLAMP,
};

static void make_params(struct random *r, struct io_uring_params *p)
{
    memset(p, 0, sizeof(*p));
    p->flags = setups[below(r, sizeof(setups) / sizeof(setups[0]))];
    p->cq_entries = 1u << below(r, 8);
    p->sq_thread_idle = below(r, 20);
    p->wq_fd = (uint32_t)kinds[KIND_RING][below(r, 2)];
    if (chance(r, 5))
        p->flags ^= 1u << below(r, 20);
}

uint64_t ring_params(struct random *r, unsigned thread)
{
    struct io_uring_params *p = scratch(r, thread, sizeof(*p));
    make_params(r, p);
    return placed(r, thread, p, sizeof(*p));
}

/* The ring of this kind, mapped, instead of the one before. */
int ring_open(struct random *r, unsigned i)
{
    struct io_uring_params p;
    char *at = ring_memory(i);
    make_params(r, &p);
    int fd = (int)syscall(SYS_io_uring_setup, 1 << below(r, 6), &p);
    put_memory(at, RING_ROOM);
    rings[i].there = false;
    if (fd < 0)
        return fd;
    void *ring = mmap(at, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
                      fd, IORING_OFF_SQ_RING);
    if (ring == MAP_FAILED)
        for (size_t size = RING_BYTES; size >= 4096 && ring == MAP_FAILED; size /= 2)
            ring = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    void *sqes = MAP_FAILED;
    for (size_t size = SQES_BYTES; size >= 4096 && sqes == MAP_FAILED; size /= 2)
        sqes = mmap(at + SQES, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                    IORING_OFF_SQES);
    rings[i].p = p;
    rings[i].there = ring != MAP_FAILED && sqes != MAP_FAILED;
    return fd;
}

/* --- entries -----------------------------------------------------------------------------------
 */

/* Operations by what addr is. */
static const struct {
    uint8_t op;
    char addr, addr2; /* letters of args.c; 0: any */
    uint8_t kind;     /* of the descriptor, KINDS: any */
} operations[] = {
    {IORING_OP_NOP, 0, 0, KINDS},
    {IORING_OP_READV, 'v', 'L', KIND_FILE},
    {IORING_OP_WRITEV, 'v', 'L', KIND_FILE},
    {IORING_OP_FSYNC, '0', 'L', KIND_FILE},
    {IORING_OP_READ_FIXED, 'b', 'L', KIND_FILE},
    {IORING_OP_WRITE_FIXED, 'b', 'L', KIND_FILE},
    {IORING_OP_POLL_ADD, '0', '0', KIND_PIPE},
    {IORING_OP_POLL_ADD, '0', '0', KIND_EVENTS},
    {IORING_OP_POLL_REMOVE, 'N', 'N', KINDS},
    {IORING_OP_SYNC_FILE_RANGE, '0', 'L', KIND_FILE},
    {IORING_OP_SENDMSG, 'M', '0', KIND_SOCKET},
    {IORING_OP_RECVMSG, 'M', '0', KIND_SOCKET},
    {IORING_OP_TIMEOUT, 't', 'N', KINDS},
    {IORING_OP_TIMEOUT_REMOVE, 'N', 't', KINDS},
    {IORING_OP_ACCEPT, 'a', 'b', KIND_FREE_SOCKET},
    {IORING_OP_ASYNC_CANCEL, 'N', '0', KINDS},
    {IORING_OP_LINK_TIMEOUT, 't', '0', KINDS},
    {IORING_OP_CONNECT, 'a', 'N', KIND_FREE_SOCKET},
    {IORING_OP_FALLOCATE, 'L', 'L', KIND_FILE},
    {IORING_OP_OPENAT, 'p', '0', KIND_FOLDER},
    {IORING_OP_CLOSE, '0', '0', KINDS},
    {IORING_OP_FILES_UPDATE, 'b', 'N', KINDS},
    {IORING_OP_STATX, 'p', 'b', KIND_FOLDER},
    {IORING_OP_READ, 'b', 'L', KIND_PIPE},
    {IORING_OP_WRITE, 'b', 'L', KIND_PIPE_IN},
    {IORING_OP_FADVISE, '0', 'L', KIND_FILE},
    {IORING_OP_MADVISE, 'h', '0', KINDS},
    {IORING_OP_SEND, 'b', '0', KIND_SOCKET},
    {IORING_OP_RECV, 'b', '0', KIND_SOCKET},
    {IORING_OP_OPENAT2, 'p', 'b', KIND_FOLDER},
    {IORING_OP_EPOLL_CTL, 'e', 'N', KIND_EPOLL},
    {IORING_OP_SPLICE, 'L', 'i', KIND_PIPE},
    {IORING_OP_PROVIDE_BUFFERS, 'b', 'N', KINDS},
    {IORING_OP_REMOVE_BUFFERS, '0', '0', KINDS},
    {IORING_OP_TEE, '0', '0', KIND_PIPE},
    {IORING_OP_SHUTDOWN, '0', '0', KIND_SOCKET},
    {IORING_OP_RENAMEAT, 'q', 'q', KIND_FOLDER},
    {IORING_OP_UNLINKAT, 'q', '0', KIND_FOLDER},
    {IORING_OP_MKDIRAT, 'q', '0', KIND_FOLDER},
    {IORING_OP_SYMLINKAT, 'p', 'q', KIND_FOLDER},
    {IORING_OP_LINKAT, 'q', 'q', KIND_FOLDER},
    {IORING_OP_MSG_RING, 'N', 'N', KIND_RING},
    {IORING_OP_FSETXATTR, 'x', 'b', KIND_FILE},
    {IORING_OP_SETXATTR, 'x', 'b', KIND_FILE},
    {IORING_OP_FGETXATTR, 'x', 'b', KIND_FILE},
    {IORING_OP_GETXATTR, 'x', 'b', KIND_FILE},
    {IORING_OP_SOCKET, '0', 'N', KINDS},
    {IORING_OP_URING_CMD, 'N', 'N', KIND_SOCKET},
    {IORING_OP_SEND_ZC, 'b', '0', KIND_SOCKET},
    {IORING_OP_SENDMSG_ZC, 'M', '0', KIND_SOCKET},
};

static int32_t entry_descriptor(struct random *r, unsigned kind)
{
    if (chance(r, 6))
        return (int32_t)value_of(r, 'F', 0);
    if (kind == KINDS || chance(r, 15))
        return (int32_t)value_of(r, 'f', 0);
    return kinds[kind][below(r, 2)];
}

static void make_entry(struct random *r, unsigned thread, struct io_uring_sqe *e)
{
    unsigned what = below(r, sizeof(operations) / sizeof(operations[0]));
    memset(e, 0, sizeof(*e));
    e->opcode = operations[what].op;
    e->fd = entry_descriptor(r, operations[what].kind);
    e->addr = value_of(r, operations[what].addr, thread);
    e->addr2 = value_of(r, operations[what].addr2, thread);
    e->len = chance(r, 60) ? below(r, 300) : (uint32_t)value_of(r, 'n', thread);
    e->user_data = below(r, 17);
    if (chance(r, 40))
        e->flags = rnd(r) & rnd(r) & 0x7f;
    if (chance(r, 40))
        e->rw_flags = chance(r, 50) ? 1 << below(r, 12) : (int)value_of(r, 'i', thread);
    if (chance(r, 30)) {
        e->ioprio = 1u << below(r, 6);
        e->buf_group = below(r, 4);
    }
    if (chance(r, 10))
        e->file_index = below(r, 8);
    if (e->flags & IOSQE_FIXED_FILE)
        e->fd = (int32_t)below(r, 8);
    if (chance(r, 4)) /* one of its words is any */
        ((uint64_t *)e)[below(r, 8)] = value_of(r, 'i', thread);
}

static uint32_t *ring_word(unsigned i, uint32_t offset)
{
    return (uint32_t *)(ring_memory(i) + offset % (RING_BYTES - 4) / 4 * 4);
}

/* What a broken program writes where only the kernel should. */
static void spoil(struct random *r, unsigned i)
{
    struct io_uring_params *p = &rings[i].p;
    const uint32_t words[] = {p->sq_off.head,         p->sq_off.tail,        p->sq_off.ring_mask,
                              p->sq_off.ring_entries, p->sq_off.flags,       p->sq_off.dropped,
                              p->sq_off.array,        p->cq_off.head,        p->cq_off.tail,
                              p->cq_off.ring_mask,    p->cq_off.overflow,    p->cq_off.cqes,
                              p->cq_off.flags,        p->cq_off.ring_entries};
    *ring_word(i, words[below(r, 14)]) = (uint32_t)value_of(r, 'i', 0);
}

/* A ring's descriptor, after some entries were put into it. */
uint64_t ring_filled(struct random *r, unsigned thread)
{
    unsigned i = below(r, NRINGS), n = below(r, 6), number = 0;
    struct io_uring_params *p = &rings[i].p;
    struct io_uring_sqe made[6];
    for (; number < n; number++)
        make_entry(r, thread, &made[number]);
    bool broken = chance(r, 3);
    if (rings[i].there && p->sq_entries) {
        uint32_t mask = p->sq_entries - 1, tail = *ring_word(i, p->sq_off.tail);
        size_t size = p->flags & IORING_SETUP_SQE128 ? 128 : 64;
        for (number = 0; number < n; number++, tail++) {
            uint32_t slot = tail & mask;
            memcpy(ring_memory(i) + SQES + slot * size % SQES_BYTES, &made[number], 64);
            *ring_word(i, p->sq_off.array + 4 * slot) = slot;
        }
        __atomic_store_n(ring_word(i, p->sq_off.tail), tail, __ATOMIC_RELEASE);
        /* All answers are read. */
        *ring_word(i, p->cq_off.head) = *ring_word(i, p->cq_off.tail);
    }
    if (broken && rings[i].there)
        spoil(r, i);
    return (uint64_t)kinds[KIND_RING][i];
}

/* --- what is registered ------------------------------------------------------------------------
 */

static void registered_buffers(struct random *r, unsigned thread, uint64_t *at)
{
    struct iovec *iov = (void *)(at + 8);
    for (int i = 0; i < 16; i++)
        iov[i] = (struct iovec){(void *)value_of(r, 'b', thread), below(r, 6000)};
    at[0] = below(r, 5);
    at[1] = 0;
    at[2] = (uint64_t)iov;
    at[3] = 0;
}

static void registered_files(struct random *r, unsigned thread, uint64_t *at)
{
    int32_t *fds = (void *)(at + 8);
    for (int i = 0; i < 16; i++)
        fds[i] = chance(r, 20) ? -1 : (int32_t)value_of(r, 'f', thread);
    at[0] = below(r, 5);
    at[1] = (uint64_t)fds;
    at[2] = (uint64_t)fds;
    at[3] = below(r, 5);
}

/* An array or a structure as one of the kinds of io_uring_register wants it. */
uint64_t ring_registered(struct random *r, unsigned thread)
{
    uint64_t *at = scratch(r, thread, 2048);
    memset(at, 0, 512);
    switch (below(r, 6)) {
    case 0:
        registered_buffers(r, thread, at);
        return chance(r, 50) ? (uint64_t)(at + 8) : placed(r, thread, at, 64);
    case 1:
        registered_files(r, thread, at);
        return chance(r, 50) ? (uint64_t)(at + 8) : placed(r, thread, at, 64);
    case 2: /* a ring of buffers: address, entries, group */
        at[0] = PLAY + below(r, 256) * 4096ul;
        at[1] = (1u << below(r, 6)) | (uint64_t)below(r, 4) << 32;
        break;
    case 3: /* a cancellation: address, descriptor and flags, timeout */
        at[0] = below(r, 17);
        at[1] = (uint32_t)value_of(r, 'f', thread) | (uint64_t)below(r, 32) << 32;
        at[2] = chance(r, 50) ? 0 : -1ull;
        at[3] = chance(r, 50) ? 1000000 : -1ull;
        break;
    case 4: /* restrictions, ranges, workers: small numbers */
        for (int i = 0; i < 16; i++)
            at[i] = below(r, 6) | (uint64_t)below(r, 6) << 16 | (uint64_t)below(r, 6) << 32;
        break;
    default: /* an eventfd */
        at[0] = (uint32_t)kinds[KIND_EVENTS][below(r, 2)];
        break;
    }
    return placed(r, thread, at, 256);
}
