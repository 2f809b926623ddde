/* linux/io_uring_files.c: registered files and buffers. A request holds what it uses, so a slot may
 * change at any time; a tag is posted when its thing is out of use. ring->lock is held throughout.
 */
#include "linux/io_uring.h"

#include "lib/string.h"
#include "linux/path.h"

enum { FILES_MOST = 32768, BUFFERS_MOST = 16384, FILES_SKIP = -2, CAP_IPC_LOCK = 14 };
#define BUFFER_MOST (1ul << 30)

static void resource_put(struct resource *resource)
{
    if (atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (resource->file)
        file_put(resource->file);
    kfree(resource);
}

/* Tags that nothing is left to wait for. */
static void post_tags(struct uring *ring)
{
    while (!list_empty(&ring->retired)) {
        struct resource *first = list_first(&ring->retired, struct resource, link);
        if (first->users)
            return;
        list_del(&first->link);
        cq_post(ring, first->tag, 0, 0);
        resource_put(first);
    }
}

/* It has left its table, which had a reference. */
static void retire(struct resource *resource)
{
    struct uring *ring = resource->ring;
    if (!resource->tag) {
        resource_put(resource);
        return;
    }
    resource->generation = ring->resource_generation++;
    resource->users = ring->resource_users;
    ring->resource_users = 0;
    list_add_tail(&ring->retired, &resource->link);
    post_tags(ring);
}

static void leave_generation(struct uring *ring, uint64_t generation)
{
    if (generation == ring->resource_generation) {
        ring->resource_users--;
        return;
    }
    list_for_each_entry (struct resource, resource, &ring->retired, link) {
        if (resource->generation == generation) {
            resource->users--;
            break;
        }
    }
    post_tags(ring);
}

void resources_release(struct request *req)
{
    bool used = req->resources[0] || req->resources[1];
    for (unsigned i = 0; i < ARRAY_SIZE(req->resources); i++) {
        if (req->resources[i])
            resource_put(req->resources[i]);
    }
    if (used)
        leave_generation(req->ring, req->resource_generation);
}

static struct resource *resource_create(struct uring *ring, uint64_t tag)
{
    struct resource *resource = kzalloc(sizeof(*resource));
    if (!resource)
        return NULL;
    atomic_init(&resource->refs, 1);
    resource->ring = ring;
    resource->tag = tag;
    return resource;
}

enum { USES_FILE, USES_BUFFER };

/* The resource at index; the request keeps it from now on. */
static struct resource *use(struct request *req, unsigned which, const struct resource_table *table,
                            unsigned index)
{
    struct resource *resource = index < table->n ? table->slots[index] : NULL;
    if (resource && !req->resources[which]) {
        if (!req->resources[!which]) {
            req->resource_generation = req->ring->resource_generation;
            req->ring->resource_users++;
        }
        atomic_fetch_add_explicit(&resource->refs, 1, memory_order_relaxed);
        req->resources[which] = resource;
    }
    return resource;
}

static int table_create(struct resource_table *table, unsigned n)
{
    struct resource **slots = kcalloc(n, sizeof(struct resource *));
    if (!slots)
        return -ENOMEM;
    *table = (struct resource_table){.slots = slots, .n = n, .alloc_end = n};
    return 0;
}

static int table_free(struct resource_table *table)
{
    if (!table->slots)
        return -ENXIO;
    struct resource_table old = *table;
    *table = (struct resource_table){};
    for (unsigned i = 0; i < old.n; i++) {
        if (old.slots[i])
            retire(old.slots[i]);
    }
    kfree(old.slots);
    return 0;
}

static int get_tag(uintptr_t tags, unsigned i, uint64_t *tag)
{
    *tag = 0;
    return tags ? user_get64(tags + i * sizeof(*tag), tag) : 0;
}

/* --- files */

struct file *files_get(struct request *req, unsigned index)
{
    struct resource *resource = use(req, USES_FILE, &req->ring->files, index);
    if (!resource)
        return NULL;
    file_get(resource->file);
    return resource->file;
}

/* A file that may be registered, with a reference; NULL for none. */
static int take_file(int fd, struct file **file)
{
    *file = NULL;
    if (fd == -1)
        return 0;
    *file = fd_get(fd);
    if (!*file)
        return -EBADF;
    if (!uring_of(*file))
        return 0;
    file_put(*file); /* it would keep itself, or another that keeps it */
    *file = NULL;
    return -EBADF;
}

static int put_file_in(struct uring *ring, unsigned slot, struct file *file, uint64_t tag)
{
    struct resource *resource = resource_create(ring, tag);
    if (!resource)
        return -ENOMEM;
    resource->file = file;
    struct resource *old = ring->files.slots[slot];
    ring->files.slots[slot] = resource;
    if (old)
        retire(old);
    return 0;
}

static int find_slot(struct resource_table *table)
{
    for (unsigned i = 0; i < table->alloc_end - table->alloc_from; i++) {
        unsigned slot = table->alloc_hint + i;
        if (slot < table->alloc_from || slot >= table->alloc_end)
            slot = slot % MAX(table->alloc_end - table->alloc_from, 1u) + table->alloc_from;
        if (slot < table->n && !table->slots[slot]) {
            table->alloc_hint = slot + 1;
            return (int)slot;
        }
    }
    return -ENFILE;
}

int files_install(struct uring *ring, struct file *file, uint32_t slot)
{
    int at = (int)slot - 1, err = 0;
    if (uring_of(file))
        err = -EBADF;
    else if (!ring->files.slots)
        err = slot == (uint32_t)FILE_INDEX_ALLOC ? -ENFILE : -ENXIO;
    else if (slot == (uint32_t)FILE_INDEX_ALLOC)
        err = at = find_slot(&ring->files);
    else if (slot - 1 >= ring->files.n)
        err = -EINVAL;
    if (err >= 0)
        err = put_file_in(ring, (unsigned)at, file, 0);
    if (err < 0) {
        file_put(file);
        return err;
    }
    return slot == (uint32_t)FILE_INDEX_ALLOC ? at : 0;
}

int files_give(struct request *req, bool locked, struct file *file, uint32_t slot, bool cloexec)
{
    if (!slot) {
        int fd = fd_install(file, cloexec, 0);
        if (fd < 0)
            file_put(file);
        return fd;
    }
    if (!locked)
        uring_lock(req->ring);
    int result = files_install(req->ring, file, slot);
    if (!locked)
        uring_unlock(req->ring);
    return result;
}

static void clear(struct resource_table *table, unsigned slot)
{
    struct resource *old = table->slots[slot];
    table->slots[slot] = NULL;
    if (old)
        retire(old);
}

int files_close(struct uring *ring, uint32_t slot)
{
    if (!ring->files.slots)
        return -ENXIO;
    if (slot - 1 >= ring->files.n)
        return -EINVAL;
    if (!ring->files.slots[slot - 1])
        return -EBADF;
    clear(&ring->files, slot - 1);
    return 0;
}

static int fill_files(struct uring *ring, uintptr_t fds, uintptr_t tags)
{
    for (unsigned i = 0; i < ring->files.n; i++) {
        uint32_t fd;
        uint64_t tag;
        struct file *file;
        if (user_get32(fds + i * sizeof(fd), &fd) < 0 || get_tag(tags, i, &tag) < 0)
            return -EFAULT;
        if ((int)fd == -1 && tag)
            return -EINVAL;
        int err = take_file((int)fd, &file);
        if (!err && file)
            err = put_file_in(ring, i, file, tag);
        if (err) {
            if (file)
                file_put(file);
            return err;
        }
    }
    return 0;
}

/* What was registered so far goes without telling. */
static void undo(struct resource_table *table)
{
    for (unsigned i = 0; i < table->n; i++) {
        if (table->slots[i])
            table->slots[i]->tag = 0;
    }
    table_free(table);
}

int files_register(struct uring *ring, uintptr_t fds, unsigned n, uintptr_t tags, bool sparse)
{
    if (ring->files.slots)
        return -EBUSY;
    if (!n)
        return -EINVAL;
    if (n > FILES_MOST || n > current_process()->limits[LIMIT_NOFILE][0])
        return -EMFILE;
    int err = table_create(&ring->files, n);
    if (!err && !sparse)
        err = fill_files(ring, fds, tags);
    if (err && ring->files.slots)
        undo(&ring->files);
    return err;
}

int files_unregister(struct uring *ring)
{
    return table_free(&ring->files);
}

static int update_file(struct uring *ring, unsigned slot, int fd, uint64_t tag)
{
    struct file *file;
    if ((fd == FILES_SKIP || fd == -1) && tag)
        return -EINVAL;
    if (fd == FILES_SKIP)
        return 0;
    int err = take_file(fd, &file);
    if (err)
        return err;
    if (!file) {
        clear(&ring->files, slot);
        return 0;
    }
    err = put_file_in(ring, slot, file, tag);
    if (err)
        file_put(file);
    return err;
}

static int check_update(const struct resource_table *table, unsigned at, unsigned n)
{
    unsigned end;
    if (!table->slots)
        return -ENXIO;
    if (__builtin_add_overflow(at, n, &end))
        return -EOVERFLOW;
    return end > table->n ? -EINVAL : 0;
}

/* How many were updated, or why not even one. */
int files_update(struct uring *ring, unsigned at, uintptr_t fds, unsigned n, uintptr_t tags)
{
    int err = check_update(&ring->files, at, n);
    unsigned done = 0;
    for (; done < n && !err; done += !err) {
        uint32_t fd;
        uint64_t tag;
        if (user_get32(fds + done * sizeof(fd), &fd) < 0 || get_tag(tags, done, &tag) < 0)
            err = -EFAULT;
        else
            err = update_file(ring, at + done, (int)fd, tag);
    }
    return done ? (int)done : err;
}

int files_alloc_range(struct uring *ring, unsigned from, unsigned n)
{
    unsigned end;
    if (__builtin_add_overflow(from, n, &end))
        return -EOVERFLOW;
    if (!ring->files.slots || end > ring->files.n)
        return -EINVAL;
    ring->files.alloc_from = ring->files.alloc_hint = from;
    ring->files.alloc_end = end;
    return 0;
}

int prep_files_update(struct request *req)
{
    return req->sqe.flags & (SQE_FIXED_FILE | SQE_BUFFER_SELECT) || !req->sqe.len ? -EINVAL : 0;
}

/* Pick a slot for each of the files, and tell which. */
static int64_t allocate_files(struct request *req)
{
    int err = req->ring->files.slots ? 0 : -ENXIO;
    unsigned done = 0;
    for (; done < req->sqe.len && !err; done += !err) {
        uintptr_t at = req->sqe.addr + done * sizeof(uint32_t);
        struct file *file = NULL;
        uint32_t fd;
        err = user_get32(at, &fd);
        if (!err)
            err = (int)fd < 0 ? -EBADF : take_file((int)fd, &file);
        if (err)
            break;
        int slot = files_install(req->ring, file, (uint32_t)FILE_INDEX_ALLOC);
        err = slot < 0 ? slot : user_put32(at, (uint32_t)slot);
        if (err && slot >= 0)
            files_close(req->ring, (uint32_t)slot + 1);
    }
    return done ? (int64_t)done : err;
}

URING_ISSUE(issue_files_update)
{
    if ((uint32_t)req->sqe.off == (uint32_t)FILE_INDEX_ALLOC)
        return allocate_files(req);
    return files_update(req->ring, (unsigned)req->sqe.off, req->sqe.addr, req->sqe.len, 0);
}

/* --- buffers */

/* Memory of a file on a disk cannot be kept in place; shared memory and tmpfs can. */
static bool is_file_memory(uintptr_t addr, size_t len)
{
    struct address_space *space = current_process()->space;
    bool found = false;
    read_lock(&space->lock);
    struct mapping *m = address_space_find(space, addr);
    for (; m && m->start < addr + len && !found; m = mapping_next(m)) {
        const struct file *file = m->file;
        found = file && (file->inode->mode & S_IFMT) == S_IFREG &&
                strcmp(file->inode->super->type->name, "tmpfs") != 0;
    }
    read_unlock(&space->lock);
    return found;
}

static int check_buffer(const struct iovec *iov)
{
    if (!iov->base)
        return iov->len ? -EFAULT : 0;
    if (!iov->len || iov->len > BUFFER_MOST)
        return -EFAULT;
    if (iov->base + iov->len < iov->base)
        return -EOVERFLOW;
    return user_range_ok(iov->base, iov->len) ? 0 : -EFAULT;
}

static int over_lock_limit(size_t len)
{
    uint64_t limit = current_process()->limits[LIMIT_MEMLOCK][0];
    return len > limit && !capable(CAP_IPC_LOCK) ? -ENOMEM : 0;
}

/* The buffer's pages are brought in; they are looked up again at each transfer. */
static int set_buffer(struct uring *ring, unsigned slot, uintptr_t at, uint64_t tag)
{
    struct iovec iov;
    if (user_read(&iov, at, sizeof(iov)) < 0)
        return -EFAULT;
    int err = check_buffer(&iov);
    if (!err && !iov.base && tag)
        err = -EINVAL;
    if (!err && iov.base)
        err = over_lock_limit(iov.len);
    if (err)
        return err;
    if (!iov.base) {
        clear(&ring->buffers, slot);
        return 0;
    }
    uintptr_t start = ALIGN_DOWN(iov.base, PAGE_SIZE);
    size_t whole = ALIGN_UP(iov.base + iov.len, PAGE_SIZE) - start;
    if (address_space_populate(current_process()->space, start, whole, true) < 0)
        return -EFAULT;
    if (is_file_memory(start, whole))
        return -EOPNOTSUPP;
    struct resource *resource = resource_create(ring, tag);
    if (!resource)
        return -ENOMEM;
    resource->addr = iov.base;
    resource->len = iov.len;
    clear(&ring->buffers, slot);
    ring->buffers.slots[slot] = resource;
    return 0;
}

int buffers_register(struct uring *ring, uintptr_t iovs, unsigned n, uintptr_t tags, bool sparse)
{
    if (ring->buffers.slots)
        return -EBUSY;
    if (!n || n > BUFFERS_MOST)
        return -EINVAL;
    int err = table_create(&ring->buffers, n);
    for (unsigned i = 0; i < n && !err && !sparse; i++) {
        uint64_t tag;
        err = get_tag(tags, i, &tag) ?: set_buffer(ring, i, iovs + i * sizeof(struct iovec), tag);
    }
    if (err && ring->buffers.slots)
        undo(&ring->buffers);
    return err;
}

int buffers_unregister(struct uring *ring)
{
    return table_free(&ring->buffers);
}

int buffers_update(struct uring *ring, unsigned at, uintptr_t iovs, unsigned n, uintptr_t tags)
{
    int err = check_update(&ring->buffers, at, n);
    unsigned done = 0;
    for (; done < n && !err; done += !err) {
        uint64_t tag;
        err = get_tag(tags, done, &tag);
        if (!err)
            err = set_buffer(ring, at + done, iovs + done * sizeof(struct iovec), tag);
    }
    return done ? (int)done : err;
}

/* Does [addr, addr+len) lie in the buffer that the request names? */
int buffer_import(struct request *req, uintptr_t addr, size_t len)
{
    const struct resource *buffer = req->resources[USES_BUFFER];
    if (!buffer) /* later it stays with the one that it found first */
        buffer = use(req, USES_BUFFER, &req->ring->buffers, req->sqe.buf_index);
    uintptr_t end;
    if (!buffer || __builtin_add_overflow(addr, len, &end))
        return -EFAULT;
    return addr < buffer->addr || end > buffer->addr + buffer->len ? -EFAULT : 0;
}
