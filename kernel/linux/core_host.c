/* linux/core_host.c: cores for `osprey run --core FILE`: through the port osprey.core, which is
 * there if the host wants them (docs/host-guest.md). One core at a time. */
#include "core/log.h"
#include "drivers/console/virtio_console.h"
#include "fs/stream.h"
#include "lib/string.h"
#include "linux/core.h"

enum { LINE = 128 };

static struct mutex lock; /* from open to close */

static struct stream *port(void)
{
    return stream_find("osprey.core");
}

bool core_host_wanted(void)
{
    return port() != NULL;
}

/* SIGKILL ends it. */
static int send(struct core_sink *sink, const void *bytes, size_t n)
{
    struct stream *stream = sink->stream;

    while (n) {
        if (WAIT_EVENT(&stream->wait, stream->ops->writable(stream) != 0, WAIT_INTERRUPTIBLE,
                       NSEC_FOREVER) < 0)
            return -EINTR;
        ssize_t done = stream->ops->write(stream, bytes, n);

        if (done < 0)
            return -EPIPE;
        bytes = (const char *)bytes + done;
        n -= (size_t)done;
    }
    return 0;
}

static int say(struct core_sink *sink, const char *fmt, ...) __printf(2, 3);
static int say(struct core_sink *sink, const char *fmt, ...)
{
    char line[LINE];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    return send(sink, line, MIN((size_t)n, sizeof(line) - 1));
}

static int write_host(struct core_sink *sink, const void *bytes, size_t n)
{
    int error = say(sink, "data %lu\n", n);

    return error ? error : send(sink, bytes, n);
}

static int skip_host(struct core_sink *sink, uint64_t n)
{
    return say(sink, "skip %lu\n", n);
}

static void close_host(struct core_sink *sink, int error)
{
    struct stream *stream = sink->stream;

    if (!error)
        error = say(sink, "end\n");
    else if (error != -EINTR) /* whatever was cut off there is not known to be a whole line */
        (void)say(sink, "failed %d\n", -error);
    stream->ops->drain(stream);
    if (error == -EPIPE)
        log_info("core: the host takes no more");
    mutex_unlock(&lock);
}

static const struct core_sink_ops host_ops = {write_host, skip_host, close_host};

/* The name goes last: it may hold anything but a newline. */
int core_host_open(struct core_sink *sink, int signo)
{
    const struct task *task = current_task();
    char name[CORE_NAME];
    int error;

    streams_wait_ready();
    sink->stream = port();
    if (!sink->stream)
        return -ENOENT;
    strlcpy(name, task->thread.name, sizeof(name));
    for (char *c = name; *c; c++)
        if (*c < ' ')
            *c = '?';
    sink->ops = &host_ops;
    mutex_lock(&lock);
    error = say(sink, "core %d %d %s\n", task->process->pid, signo, name);
    if (error)
        mutex_unlock(&lock);
    return error;
}
