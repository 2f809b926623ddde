/* fs/pipe_ring.h: the ring inside a pipe, for pipe.c and splice.c. */
#pragma once

#include "fs/pipe.h"

enum { PIPE_SLOTS = 16 };

/* A page, or part of one; the slot holds a reference of the frame. */
struct pipe_buffer {
    paddr_t frame;
    uint32_t offset, len;
    bool packet; /* a read ends with it and drops what is left of it */
    bool own;    /* nobody else has the page: a write may go on behind it */
};

struct pipe {
    struct mutex lock;
    atomic_uint head, tail, nslots; /* slots written, read; a power of two */
    atomic_uint readers, writers;   /* open ends */
    atomic_uint readers_ever, writers_ever;
    bool polled; /* somebody polls: wake at every change, for edge-triggered epoll */
    unsigned files;
    paddr_t spare; /* a frame kept for the next write */
    struct waitqueue readable, writable;
    struct pipe_buffer *slots;
    struct pipe_buffer first_slots[PIPE_SLOTS];
};

static inline unsigned pipe_count(const atomic_uint *n)
{
    return atomic_load_explicit(n, memory_order_acquire);
}
static inline unsigned pipe_head(const struct pipe *pipe)
{
    return pipe_count(&pipe->head);
}
static inline unsigned pipe_tail(const struct pipe *pipe)
{
    return pipe_count(&pipe->tail);
}
static inline bool pipe_empty(const struct pipe *pipe)
{
    return pipe_head(pipe) == pipe_tail(pipe);
}
static inline bool pipe_full(const struct pipe *pipe)
{
    return pipe_head(pipe) - pipe_tail(pipe) >= pipe_count(&pipe->nslots);
}
static inline struct pipe_buffer *pipe_slot(struct pipe *pipe, unsigned i)
{
    return &pipe->slots[i & (pipe_count(&pipe->nslots) - 1)];
}
static inline bool file_nonblock(const struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
}

/* With pipe->lock held. A frame for new content (0: no memory); drop the oldest slot; add one
 * (there is room; takes over the frame's reference). */
paddr_t pipe_take_frame(struct pipe *pipe);
void pipe_pop(struct pipe *pipe);
void pipe_push(struct pipe *pipe, const struct pipe_buffer *buffer);
