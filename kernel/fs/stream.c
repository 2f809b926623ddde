#include "fs/stream.h"

#include "core/spinlock.h"
#include "lib/string.h"

static struct spinlock lock;
static struct stream *streams;

void stream_register(struct stream *stream)
{
    uint64_t flags = spin_lock_irq(&lock);
    stream->next = streams;
    streams = stream;
    spin_unlock_irq(&lock, flags);
}

__cold struct stream *stream_find(const char *name)
{
    uint64_t flags = spin_lock_irq(&lock);
    struct stream *found = streams;
    while (found && strcmp(found->name, name) != 0)
        found = found->next;
    spin_unlock_irq(&lock, flags);
    return found;
}
