/* linux/fd.h: from a descriptor to its open file, without paying for threads that are not there.
 *
 * Threads only. A table that only the current task uses is read and changed without a lock, and its
 * files are borrowed without counting: nobody else can close them during the call. */
#pragma once

#include "linux/task.h"

/* A file for the length of one call. file is NULL where the descriptor is not open. */
struct fd_ref {
    struct file *file;
    bool counted;
};

/* With a reference of its own, which the end of the borrowing drops. */
struct fd_ref fd_borrow_counted(int fd);

/* The open file of a descriptor that no other task can close before the caller sleeps; NULL: look
 * with fd_borrow_any(). */
static inline struct file *fd_glance(int fd)
{
    struct fd_table *table = current_task()->fds;
    if (unlikely((atomic_load_explicit(&table->refs, memory_order_relaxed) != 1 && ncpus > 1) ||
                 (unsigned)fd >= atomic_load_explicit(&table->size, memory_order_relaxed)))
        return NULL;
    struct fd_entry *entries = atomic_load_explicit(&table->entries, memory_order_relaxed);
    return atomic_load_explicit(&entries[(unsigned)fd].file, memory_order_relaxed);
}

/* The open file of a descriptor, O_PATH files too. Give it back with fd_return(). */
static inline struct fd_ref fd_borrow_any(int fd)
{
    struct fd_table *table = current_task()->fds;
    if (unlikely(atomic_load_explicit(&table->refs, memory_order_relaxed) != 1))
        return fd_borrow_counted(fd);
    if (unlikely((unsigned)fd >= atomic_load_explicit(&table->size, memory_order_relaxed)))
        return (struct fd_ref){};
    struct fd_entry *entries = atomic_load_explicit(&table->entries, memory_order_relaxed);
    return (struct fd_ref){atomic_load_explicit(&entries[fd].file, memory_order_relaxed), false};
}
static inline void fd_return(struct fd_ref ref)
{
    if (unlikely(ref.counted))
        file_put(ref.file);
}
/* The same for files that are open for more than their name: NULL for O_PATH. What is compiled for
 * size shares one. */
struct fd_ref fd_borrow_called(int fd);
#ifdef __OPTIMIZE_SIZE__
#define fd_borrow fd_borrow_called
#else
static inline struct fd_ref fd_borrow(int fd)
{
    struct fd_ref ref = fd_borrow_any(fd);
    if (likely(ref.file) &&
        unlikely(atomic_load_explicit(&ref.file->flags, memory_order_relaxed) & O_PATH)) {
        fd_return(ref);
        return (struct fd_ref){};
    }
    return ref;
}
#endif

/* Take the lowest free number >= from before the file is there, so that a full table is found out
 * before anything has happened: the number, -EMFILE, -ENOMEM. Then one of the two below. */
int fd_reserve(unsigned from);
void fd_publish(int fd, struct file *file, bool cloexec); /* takes over the reference */
void fd_unreserve(int fd);
/* Publish in a reserved number, or give it up: fd where err is 0, else err. */
int fd_finish(int fd, int err, struct file *file, bool cloexec);

/* FD_CLOEXEC of an open descriptor: 0 or 1; -EBADF. */
int fd_get_cloexec(int fd);
int fd_set_cloexec(int fd, bool cloexec);
/* close_range(2): close, or mark close-on-exec, all open ones of [first, last]. */
void fd_close_range(unsigned first, unsigned last, bool only_mark);
/* Give the current task a table of its own if it shares one. */
int fd_unshare(void);
/* Install two files (pipe, socketpair) and tell the program their numbers; on failure (-EMFILE,
 * -EFAULT, ...) both are put. */
int fd_install_pair(struct file *files[2], bool cloexec, uintptr_t user_fds);
