/* uring.h: io_uring by its bare system calls, for the tests of it. */
#ifndef URING_H
#define URING_H

#include "check.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

struct ring {
    int fd;
    struct io_uring_params p;
    char *mem;
    struct io_uring_sqe *sqes;
    size_t mem_size, sqes_size;
};

static inline unsigned *ring_word(const struct ring *r, unsigned offset)
{
    return (unsigned *)(r->mem + offset);
}

static inline int uring_setup(unsigned n, struct io_uring_params *p)
{
    return (int)syscall(__NR_io_uring_setup, n, p);
}

static inline int uring_enter(int fd, unsigned n, unsigned least, unsigned flags, const void *arg,
                              size_t size)
{
    return (int)syscall(__NR_io_uring_enter, fd, n, least, flags, arg, size);
}

static inline int uring_register(int fd, unsigned op, const void *arg, unsigned n)
{
    return (int)syscall(__NR_io_uring_register, fd, op, arg, n);
}

/* Why there is no io_uring here, or NULL. Containers often forbid it. */
static inline const char *uring_missing(void)
{
    struct io_uring_params p = {0};
    int fd = uring_setup(1, &p);

    if (fd >= 0)
        close(fd);
    else if (inside_osprey())
        return NULL;
    return fd >= 0           ? NULL
           : errno == ENOSYS ? "this Linux has no io_uring"
           : errno == EPERM  ? "io_uring is forbidden here"
                             : NULL;
}

#define NEED_URING()                                                                               \
    do {                                                                                           \
        if (uring_missing())                                                                       \
            SKIP(uring_missing());                                                                 \
    } while (0)

/* 0, or -1 with errno. */
static inline int ring_open(struct ring *r, unsigned n, unsigned flags)
{
    memset(r, 0, sizeof(*r));
    r->p.flags = flags;
    r->fd = uring_setup(n, &r->p);
    if (r->fd < 0)
        return -1;
    r->mem_size = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned);
    r->sqes_size = r->p.sq_entries * sizeof(struct io_uring_sqe);
    r->mem = mmap(NULL, r->mem_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
                  IORING_OFF_SQ_RING);
    r->sqes = mmap(NULL, r->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
                   IORING_OFF_SQES);
    return r->mem == MAP_FAILED || r->sqes == MAP_FAILED ? -1 : 0;
}

static inline void ring_close(struct ring *r)
{
    munmap(r->mem, r->mem_size);
    munmap(r->sqes, r->sqes_size);
    close(r->fd);
}

/* The next entry, filled with what most operations need. It counts from ring_submit() on. */
static inline struct io_uring_sqe *ring_sqe(struct ring *r, int op, int fd, const void *addr,
                                            unsigned len, uint64_t off, uint64_t user_data)
{
    unsigned *tail = ring_word(r, r->p.sq_off.tail), at = *tail & (r->p.sq_entries - 1);
    struct io_uring_sqe *sqe = &r->sqes[at];

    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = (uint8_t)op;
    sqe->fd = fd;
    sqe->addr = (uintptr_t)addr;
    sqe->len = len;
    sqe->off = off;
    sqe->user_data = user_data;
    ring_word(r, r->p.sq_off.array)[at] = at;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    return sqe;
}

static inline int ring_enter(struct ring *r, unsigned n, unsigned least)
{
    return uring_enter(r->fd, n, least, least ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

static inline unsigned ring_ready(const struct ring *r)
{
    return __atomic_load_n(ring_word(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE) -
           *ring_word(r, r->p.cq_off.head);
}

/* Take the oldest completion, waiting for it: false if that fails. */
static inline bool ring_take(struct ring *r, struct io_uring_cqe *cqe)
{
    unsigned *head = ring_word(r, r->p.cq_off.head);
    struct io_uring_cqe *cqes = (struct io_uring_cqe *)(r->mem + r->p.cq_off.cqes);

    while (!ring_ready(r))
        if (ring_enter(r, 0, 1) < 0 && errno != EINTR)
            return false;
    memcpy(cqe, &cqes[*head & (r->p.cq_entries - 1)], sizeof(*cqe));
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return true;
}

/* Submit one entry that was prepared, and its result. */
static inline int ring_do(struct ring *r)
{
    struct io_uring_cqe cqe;

    if (ring_enter(r, 1, 1) < 0)
        return -errno;
    return ring_take(r, &cqe) ? cqe.res : -EIO;
}

/* The completion of a request, whichever comes first is kept: results by user_data below n. */
static inline bool ring_collect(struct ring *r, unsigned n, int *results)
{
    for (unsigned i = 0; i < n; i++) {
        struct io_uring_cqe cqe;

        if (!ring_take(r, &cqe) || cqe.user_data >= n)
            return false;
        results[cqe.user_data] = cqe.res;
    }
    return true;
}

#endif
