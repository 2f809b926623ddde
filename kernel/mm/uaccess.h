/* mm/uaccess.h: the only code that touches program memory.
 *
 * Program and kernel share the address space: a copy is a plain copy whose fault ends in a fix-up
 * (the page is faulted in first where it can be). Every address is checked to lie in the lower
 * half. Threads only; may sleep (page faults), so no spinlock may be held. */
#pragma once

#include "arch/x86_64/paging.h"
#include "lib/errno.h"
#include "lib/types.h"

static inline bool user_range_ok(uintptr_t addr, size_t n)
{
    return n <= USER_END && addr <= USER_END - n;
}

/* Copy n bytes; 0 or -EFAULT (part may have been copied). */
int user_read(void *dst, uintptr_t src, size_t n);
int user_write(uintptr_t dst, const void *src, size_t n);
int user_zero(uintptr_t dst, size_t n);
/* How many bytes could NOT be copied (for partial results as read(2) gives them). */
size_t user_read_partial(void *dst, uintptr_t src, size_t n);
size_t user_write_partial(uintptr_t dst, const void *src, size_t n);
/* A NUL-terminated string: its length without NUL, -EFAULT, or -ENAMETOOLONG if size bytes hold no
 * NUL. */
ssize_t user_read_string(char *dst, uintptr_t src, size_t size);

/* Single naturally aligned values. */
int user_get32(uintptr_t src, uint32_t *value);
int user_get64(uintptr_t src, uint64_t *value);
int user_put32(uintptr_t dst, uint32_t value);
int user_put64(uintptr_t dst, uint64_t value);
/* *dst == *expected ? store desired : *expected = *dst. 0 swapped, 1 differed, -EFAULT. */
int user_cmpxchg32(uintptr_t dst, uint32_t *expected, uint32_t desired);
/* Read without faulting pages in (under a spinlock): -EFAULT if not present. */
int user_get32_nofault(uintptr_t src, uint32_t *value);

/* A transfer between program (or kernel) memory and a file: segments that are consumed. */
struct iovec {
    uintptr_t base;
    size_t len;
};
struct io {
    const struct iovec *iov; /* kernel copy */
    unsigned niov;
    size_t offset; /* into iov[0] */
    size_t left;   /* bytes */
    bool kernel;   /* addresses are the kernel's */
    bool nowait;   /* -EAGAIN rather than sleep, whatever the file's O_NONBLOCK (RWF_NOWAIT) */
};
static inline struct io io_kernel(struct iovec *iov, const void *p, size_t n)
{
    *iov = (struct iovec){(uintptr_t)p, n};
    return (struct io){.iov = iov, .niov = 1, .left = n, .kernel = true};
}
static inline struct io io_user(struct iovec *iov, uintptr_t p, size_t n)
{
    *iov = (struct iovec){p, n};
    return (struct io){.iov = iov, .niov = 1, .left = n};
}
/* Move up to n bytes and consume them: from src into the io's memory (a read), from the io's memory
 * to dst (a write), zeroes into it. Returns bytes moved (short: a fault was met; 0 and n>0: -EFAULT
 * to the program). */
size_t io_put(struct io *io, const void *src, size_t n);
size_t io_get(struct io *io, void *dst, size_t n);
size_t io_zero(struct io *io, size_t n);
void io_skip(struct io *io, size_t n);
