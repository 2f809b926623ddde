/* linux/io_uring_buffers.c: buffers that the program provides in groups, for whichever request
 * needs one: handed over one by one (PROVIDE_BUFFERS), or in a ring of its own memory. */
#include "linux/io_uring.h"

#include "linux/path.h"

enum { GROUP_RING_MOST = 32768, BUFFERS_IN_GROUP = 65535 };

/* struct io_uring_buf, io_uring_buf_reg */
struct ring_entry {
    uint64_t addr;
    uint32_t len;
    uint16_t id, tail; /* tail: in the first one */
};
struct ring_registration {
    uint64_t addr;
    uint32_t entries;
    uint16_t group, pad;
    uint64_t resv[3];
};

static struct kcache provided_cache = {.name = "io_uring_buffer", .size = sizeof(struct provided)};

static struct buffer_group *find(struct uring *ring, unsigned id)
{
    list_for_each_entry (struct buffer_group, group, &ring->groups[id % BUFFER_BUCKETS], link) {
        if (group->id == id)
            return group;
    }
    return NULL;
}

static struct buffer_group *find_or_make(struct uring *ring, unsigned id)
{
    struct buffer_group *group = find(ring, id);
    if (group)
        return group;
    group = kzalloc(sizeof(*group));
    if (!group)
        return NULL;
    group->id = id;
    list_init(&group->buffers);
    list_add_tail(&ring->groups[id % BUFFER_BUCKETS], &group->link);
    return group;
}

/* Up to n of them: how many there were. */
static unsigned drop_buffers(struct buffer_group *group, unsigned n)
{
    unsigned done = 0;
    for (; done < n && !list_empty(&group->buffers); done++) {
        struct provided *buffer = list_first(&group->buffers, struct provided, link);
        list_del(&buffer->link);
        kcache_free(&provided_cache, buffer);
    }
    return done;
}

static void free_group(struct buffer_group *group)
{
    drop_buffers(group, UINT32_MAX);
    list_del(&group->link);
    kfree(group);
}

void provided_free(struct uring *ring)
{
    for (unsigned i = 0; i < BUFFER_BUCKETS; i++) {
        while (!list_empty(&ring->groups[i]))
            free_group(list_first(&ring->groups[i], struct buffer_group, link));
    }
}

/* --- selecting */

static int select_from_ring(struct request *req, struct buffer_group *group,
                            struct provided *buffer)
{
    struct ring_entry entry;
    uint16_t tail;
    if (user_read(&tail, group->ring + offsetof(struct ring_entry, tail), sizeof(tail)) < 0)
        return -ENOBUFS;
    atomic_thread_fence(memory_order_acquire);
    uintptr_t at = group->ring + (group->head & group->mask) * sizeof(entry);
    if (tail == group->head || user_read(&entry, at, sizeof(entry)) < 0)
        return -ENOBUFS;
    group->head++;
    *buffer = (struct provided){.addr = entry.addr, .len = entry.len, .id = entry.id};
    return 0;
}

static int select(struct request *req, struct provided *buffer)
{
    struct buffer_group *group = find(req->ring, req->sqe.buf_index);
    if (!group)
        return -ENOBUFS;
    if (group->ring)
        return select_from_ring(req, group, buffer);
    if (list_empty(&group->buffers))
        return -ENOBUFS;
    req->provided = list_first(&group->buffers, struct provided, link);
    list_del(&req->provided->link);
    *buffer = *req->provided;
    return 0;
}

int provided_select(struct request *req, bool locked, uintptr_t *addr, uint32_t *len)
{
    struct provided buffer;
    if (!locked)
        uring_lock(req->ring);
    int err = select(req, &buffer);
    if (!locked)
        uring_unlock(req->ring);
    if (err)
        return err;
    req->flags |= REQ_SELECTED;
    req->buffer_id = buffer.id;
    *addr = buffer.addr;
    if (!*len || *len > buffer.len)
        *len = buffer.len;
    return 0;
}

void provided_recycle(struct request *req, bool locked)
{
    if (!(req->flags & REQ_SELECTED))
        return;
    req->flags &= ~(unsigned)REQ_SELECTED;
    if (!locked)
        uring_lock(req->ring);
    struct buffer_group *group = find(req->ring, req->sqe.buf_index);
    if (group && group->ring && !req->provided)
        group->head--;
    else if (group && !group->ring && req->provided)
        list_add(&group->buffers, &req->provided->link);
    else if (req->provided)
        kcache_free(&provided_cache, req->provided);
    req->provided = NULL;
    if (!locked)
        uring_unlock(req->ring);
}

uint32_t provided_commit(struct request *req)
{
    req->flags &= ~(unsigned)REQ_SELECTED;
    if (req->provided)
        kcache_free(&provided_cache, req->provided);
    req->provided = NULL;
    return CQE_BUFFER | (uint32_t)req->buffer_id << CQE_BUFFER_SHIFT;
}

/* --- PROVIDE_BUFFERS, REMOVE_BUFFERS */

int prep_provide(struct request *req)
{
    const struct sqe *sqe = &req->sqe;
    uint64_t bytes, end;
    if (sqe->fd <= 0 || sqe->fd > BUFFERS_IN_GROUP)
        return -E2BIG;
    if (__builtin_mul_overflow((uint64_t)sqe->fd, (uint64_t)sqe->len, &bytes) ||
        __builtin_add_overflow(sqe->addr, bytes, &end))
        return -EOVERFLOW;
    if (!user_range_ok(sqe->addr, bytes))
        return -EFAULT;
    return sqe->off > BUFFERS_IN_GROUP || sqe->off + (unsigned)sqe->fd > BUFFERS_IN_GROUP + 1
               ? -EINVAL
               : 0;
}

URING_ISSUE(issue_provide)
{
    const struct sqe *sqe = &req->sqe;
    struct buffer_group *group = find_or_make(req->ring, sqe->buf_index);
    if (!group)
        return -ENOMEM;
    if (group->ring)
        return -EINVAL;
    for (int i = 0; i < sqe->fd; i++) {
        struct provided *buffer = kcache_alloc(&provided_cache);
        if (!buffer)
            return i ? 0 : -ENOMEM;
        buffer->addr = sqe->addr + (uint64_t)i * sqe->len;
        buffer->len = sqe->len;
        buffer->id = (uint16_t)(sqe->off + (unsigned)i);
        list_add_tail(&group->buffers, &buffer->link);
    }
    return 0;
}

int prep_remove(struct request *req)
{
    return req->sqe.fd <= 0 || req->sqe.fd > BUFFERS_IN_GROUP ? -EINVAL : 0;
}

URING_ISSUE(issue_remove)
{
    struct buffer_group *group = find(req->ring, req->sqe.buf_index);
    if (!group)
        return -ENOENT;
    return group->ring ? -EINVAL : (int64_t)drop_buffers(group, (unsigned)req->sqe.fd);
}

/* --- REGISTER_PBUF_RING, UNREGISTER_PBUF_RING */

static int add_ring(struct uring *ring, const struct ring_registration *reg)
{
    if (!reg->addr)
        return -EFAULT;
    if (reg->addr & ~PAGE_MASK || !reg->entries || reg->entries & (reg->entries - 1) ||
        reg->entries > GROUP_RING_MOST)
        return -EINVAL;
    size_t size = reg->entries * sizeof(struct ring_entry);
    if (!user_range_ok(reg->addr, size) ||
        address_space_populate(current_process()->space, reg->addr, ALIGN_UP(size, PAGE_SIZE),
                               true) < 0)
        return -EFAULT;
    struct buffer_group *group = find_or_make(ring, reg->group);
    if (!group)
        return -ENOMEM;
    if (group->ring || !list_empty(&group->buffers))
        return -EEXIST;
    group->ring = reg->addr;
    group->mask = (uint16_t)(reg->entries - 1);
    group->head = 0;
    return 0;
}

int provided_ring(struct uring *ring, uintptr_t arg, bool add)
{
    struct ring_registration reg;
    if (user_read(&reg, arg, sizeof(reg)) < 0)
        return -EFAULT;
    if (reg.pad || reg.resv[0] || reg.resv[1] || reg.resv[2])
        return -EINVAL;
    if (add)
        return add_ring(ring, &reg);
    struct buffer_group *group = find(ring, reg.group);
    if (!group)
        return -ENOENT;
    if (!group->ring)
        return -EINVAL;
    free_group(group);
    return 0;
}
