/* linux/core_sink.c: the bytes of a core on their way: gathered to larger pieces, zeros put off
 * until bytes follow. */
#include "lib/string.h"
#include "linux/core.h"
#include "mm/heap.h"

enum { BUFFER = 32768 };

int core_sink_open(struct core_sink *sink, int signo)
{
    int error;

    *sink = (struct core_sink){.limit = LIMIT_INFINITY, .size = BUFFER};
    sink->buffer = kmalloc(sink->size);
    if (!sink->buffer) {
        sink->size = PAGE_SIZE;
        sink->buffer = kmalloc(sink->size);
    }
    if (!sink->buffer)
        return -ENOMEM;
    error = core_host_open(sink, signo);
    if (error == -ENOENT)
        error = core_file_open(sink, signo);
    if (error)
        kfree(sink->buffer);
    return error;
}

static int pass_on(struct core_sink *sink, const void *bytes, size_t n)
{
    size_t allowed = MIN(sink->limit - sink->written, (uint64_t)n);
    int error = allowed ? sink->ops->write(sink, bytes, allowed) : 0;

    sink->written += allowed;
    if (error)
        return error;
    return allowed < n ? -EFBIG : 0;
}

static int flush(struct core_sink *sink)
{
    size_t n = sink->used;

    if (atomic_load_explicit(&current_process()->exiting, memory_order_relaxed))
        return -EINTR;
    sink->used = 0;
    return n ? pass_on(sink, sink->buffer, n) : 0;
}

static int flush_hole(struct core_sink *sink)
{
    uint64_t n = sink->hole;

    sink->hole = 0;
    return n ? sink->ops->skip(sink, n) : 0;
}

int core_sink_put(struct core_sink *sink, const void *bytes, size_t n)
{
    int error = flush_hole(sink);

    while (n && !error) {
        size_t part = MIN(n, sink->size - sink->used);

        memcpy(sink->buffer + sink->used, bytes, part);
        sink->used += part;
        bytes = (const char *)bytes + part;
        n -= part;
        if (sink->used == sink->size)
            error = flush(sink);
    }
    return error;
}

int core_sink_skip(struct core_sink *sink, uint64_t n)
{
    int error = n && sink->used ? flush(sink) : 0;

    sink->hole += n;
    return error;
}

void core_sink_close(struct core_sink *sink, int error)
{
    if (!error)
        error = flush(sink);
    if (!error)
        error = flush_hole(sink);
    sink->ops->close(sink, error);
    kfree(sink->buffer);
}
