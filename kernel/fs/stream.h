/* fs/stream.h: byte streams to and from the host (drivers/console/): what fd 0, 1, 2 and the
 * terminal sit on. Threads only; calls sleep. */
#pragma once

#include "core/waitqueue.h"
#include "lib/types.h"

struct stream_ops;
struct stream {
    const char *name; /* "osprey.stdin", "ttyS0" */
    const struct stream_ops *ops;
    struct waitqueue wait; /* readable, writable, closed */
    void *driver;
    struct stream *above; /* one that is joined with this: woken as well; or NULL */
    struct stream *next;
};
struct stream_ops {
    /* Up to n bytes without sleeping: bytes moved, 0 when nothing/no room now, -EPIPE: the other
     * side is gone for good (read: end of file). Kernel memory only. */
    ssize_t (*read)(struct stream *stream, void *buf, size_t n);
    ssize_t (*write)(struct stream *stream, const void *buf, size_t n);
    /* Readable/writable bytes now (write: room), -EPIPE when closed. */
    ssize_t (*readable)(struct stream *stream);
    ssize_t (*writable)(struct stream *stream);
    /* Sleep until all written bytes were taken over by the host (bounded by the host's reading). */
    void (*drain)(struct stream *stream);
};
/* Any context; the owner has initialised `wait`. For good. */
void stream_register(struct stream *stream);
struct stream *stream_find(const char *name); /* NULL: not there */
