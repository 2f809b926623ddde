/* The file of a disk, /dev/vda: reading and writing at any byte, mapping, and its ioctls (man 4 sd;
 * Linux's linux/fs.h). All goes through the page cache (cache.h), but with O_DIRECT. */

#include "drivers/block/block.h"

#include "drivers/block/cache.h"
#include "drivers/block/ioctl.h"
#include "fs/file.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { CHUNK = 512 * 1024, CHUNK_LEAST = 4096 };

static struct block_device *device_of(const struct file *file)
{
    return file->data;
}

static uint64_t bytes_of(const struct block_device *device)
{
    return atomic_load_explicit(&device->sectors, memory_order_relaxed) * BLOCK_SECTOR;
}

static unsigned flags_of(const struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed);
}

/* --- through the cache -------------------------------------------------------------------- */

/* The page for reading; with nowait -EAGAIN rather than sleep. */
static int page_for_read(struct block_cache *cache, uint64_t index, unsigned want, bool nowait,
                         paddr_t *frame)
{
    if (!nowait)
        return cache_get(cache, index, want, frame);
    *frame = cache_peek(cache, index);
    return *frame ? 0 : -EAGAIN;
}

static ssize_t read_page(struct block_cache *cache, struct io *io, uint64_t pos, size_t left)
{
    size_t offset = pos & ~PAGE_MASK, n = MIN(left, PAGE_SIZE - offset);
    paddr_t frame;
    unsigned want = (offset + left + PAGE_SIZE - 1) >> PAGE_SHIFT;
    int err = page_for_read(cache, pos >> PAGE_SHIFT, want, io->nowait, &frame);
    if (err < 0)
        return err;
    size_t moved = io_put(io, (char *)phys_to_virt(frame) + offset, n);
    frame_put(frame);
    return moved ? (ssize_t)moved : -EFAULT;
}

/* A page that is written as a whole need not be read: bytes, or 0: it is there, or memory is short.
 */
static size_t write_new(struct block_cache *cache, struct io *io, uint64_t index, size_t n)
{
    struct io before = *io;
    paddr_t frame = cache_peek(cache, index);
    bool there = frame != 0;
    if (there || !(frame = cache_frame(n == PAGE_SIZE ? 0 : FRAME_ZERO))) {
        frame_put(frame);
        return 0;
    }
    if (io_get(io, phys_to_virt(frame), n) == n && cache_insert_dirty(cache, index, frame) == 0)
        return n;
    *io = before;
    frame_put(frame);
    return 0;
}

static ssize_t write_page(struct block_cache *cache, struct io *io, uint64_t pos, size_t left)
{
    uint64_t index = pos >> PAGE_SHIFT;
    size_t offset = pos & ~PAGE_MASK, n = MIN(left, PAGE_SIZE - offset);
    paddr_t frame;
    size_t moved = n == cache_page_bytes(cache, index) ? write_new(cache, io, index, n) : 0;
    if (moved)
        return moved;
    struct io before = *io;
    for (bool there = false; !there; frame_put(frame)) { /* again if it was dropped meanwhile */
        *io = before;
        int err = cache_get(cache, index, 1, &frame);
        if (err < 0)
            return err;
        moved = io_get(io, (char *)phys_to_virt(frame) + offset, n);
        there = !moved || cache_set_dirty(cache, index, frame);
    }
    return moved ? (ssize_t)moved : -EFAULT;
}

/* --- around it: O_DIRECT ------------------------------------------------------------------ */

/* Memory for the way between disk and program: as much as there is, for n bytes at most. */
static uint8_t *buffer(const struct block_device *device, size_t n, size_t *size)
{
    size_t block = device->limits.logical_block;
    for (*size = MIN(MAX(ALIGN_UP(n, block), (size_t)CHUNK_LEAST), (size_t)CHUNK);
         *size >= CHUNK_LEAST; *size = ALIGN_DOWN(*size / 2, block)) {
        uint8_t *p = kmalloc(*size);
        if (p)
            return p;
    }
    return NULL;
}

/* Position, lengths and addresses are multiples of the logical block (man 2 open). */
static bool fits_direct(const struct file *file, const struct io *io, off_t pos)
{
    uint64_t mask = device_of(file)->limits.logical_block - 1, bits = pos | io->left;
    for (unsigned i = 0; i < io->niov && io->left; i++)
        bits |= (io->iov[i].base + (i ? 0 : io->offset)) | (io->iov[i].len - (i ? 0 : io->offset));
    return !(bits & mask);
}

static ssize_t direct_chunk(struct block_device *device, bool write, struct io *io, uint64_t pos,
                            size_t left)
{
    struct block_cache *cache = &device->cache;
    size_t size, moved = 0;
    uint8_t *buf = buffer(device, left, &size);
    if (!buf)
        return -ENOMEM;
    size_t n = MIN(left, size);
    uint64_t first = pos >> PAGE_SHIFT, last = (pos + n - 1) >> PAGE_SHIFT;
    cache_write(cache, first, last);
    if (write)
        n = moved = ALIGN_DOWN(io_get(io, buf, n), device->limits.logical_block);
    int err =
        n ? block_transfer(device, write ? BLOCK_WRITE : BLOCK_READ, pos / BLOCK_SECTOR, buf, n)
          : 0;
    if (write)
        cache_drop(cache, first, last, false);
    else if (err == 0)
        moved = io_put(io, buf, n);
    kfree(buf);
    return err < 0 ? err : moved ? (ssize_t)moved : -EFAULT;
}

/* --- reading and writing ------------------------------------------------------------------ */

static ssize_t block_read(struct file *file, struct io *io, off_t *pos)
{
    struct block_device *device = device_of(file);
    uint64_t end = bytes_of(device);
    bool direct = flags_of(file) & O_DIRECT;
    if ((uint64_t)*pos >= end || !io->left)
        return 0;
    if (direct && !fits_direct(file, io, *pos))
        return -EINVAL;
    if (direct && io->nowait)
        return -EAGAIN;
    size_t want = MIN(io->left, end - *pos), done = 0;
    ssize_t n = 0;
    while (done < want && n >= 0 && !(done && thread_interrupted(current))) {
        n = direct ? direct_chunk(device, false, io, *pos, want - done)
                   : read_page(&device->cache, io, *pos, want - done);
        if (n > 0) {
            done += n;
            *pos += n;
        }
        thread_resched_point();
    }
    return done ? (ssize_t)done : n;
}

/* What was written is on the medium: O_DSYNC, fsync. */
static int settle(struct file *file, uint64_t from, uint64_t to)
{
    struct block_device *device = device_of(file);
    if (to > from)
        cache_write(&device->cache, from >> PAGE_SHIFT, (to - 1) >> PAGE_SHIFT);
    int err = cache_error_check(&device->cache, &file->error_seen);
    int flushed = block_flush(device);
    return err < 0 ? err : flushed;
}

static ssize_t write_chunks(struct file *file, struct io *io, off_t *pos, size_t want)
{
    struct block_device *device = device_of(file);
    bool direct = flags_of(file) & O_DIRECT;
    size_t done = 0;
    ssize_t n = 0;
    while (done < want && n >= 0 && !(done && thread_interrupted(current))) {
        n = direct ? direct_chunk(device, true, io, *pos, want - done)
                   : write_page(&device->cache, io, *pos, want - done);
        if (n > 0) {
            done += n;
            *pos += n;
        }
        if (!direct)
            cache_balance(&device->cache);
        thread_resched_point();
    }
    return done ? (ssize_t)done : n;
}

static ssize_t block_write(struct file *file, struct io *io, off_t *pos)
{
    struct block_device *device = device_of(file);
    unsigned flags = flags_of(file);
    uint64_t end = bytes_of(device);
    if (device->read_only)
        return -EPERM;
    if (!io->left)
        return 0;
    if (flags & O_APPEND)
        *pos = end;
    if ((uint64_t)*pos >= end)
        return -ENOSPC;
    if (flags & O_DIRECT && !fits_direct(file, io, *pos))
        return -EINVAL;
    if (io->nowait)
        return -EAGAIN;
    ssize_t n = write_chunks(file, io, pos, MIN(io->left, end - *pos));
    int err = n > 0 && flags & O_DSYNC ? settle(file, *pos - n, *pos) : 0;
    return err < 0 ? err : n;
}

static int block_fsync(struct file *file, bool data_only)
{
    return settle(file, 0, bytes_of(device_of(file)));
}

/* --- mapping ------------------------------------------------------------------------------ */

static int map_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                    bool *writable)
{
    struct block_cache *cache = container_of(object, struct block_cache, object);
    *writable = false;
    int err = cache_get(cache, index, 0, frame);
    while (err == 0 && write && !cache_set_dirty(cache, index, *frame)) {
        frame_put(*frame); /* it was dropped meanwhile */
        err = cache_get(cache, index, 0, frame);
    }
    if (err == 0 && write)
        cache_balance(cache);
    return err;
}

static void map_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    struct block_cache *cache = container_of(object, struct block_cache, object);
    for (unsigned i = 0; i < n; i++)
        frames[i] = cache_peek(cache, first + i);
}

/* Devices stay. */
static void map_hold(struct mem_object *object)
{
}

static int map_sync(struct mem_object *object, void *file, uint64_t first, uint64_t npages)
{
    uint64_t end = bytes_of(device_of(file)), from = first << PAGE_SHIFT;
    return settle(file, from, MIN(end, from + (npages << PAGE_SHIFT)));
}

static void map_identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    struct block_cache *cache = container_of(object, struct block_cache, object);
    *dev = cache->dev;
    *ino = cache->ino;
}

const struct mem_object_ops block_mem_ops = {
    .page = map_page,
    .around = map_around,
    .get = map_hold,
    .put = map_hold,
    .sync = map_sync,
    .name = file_mem_name,
    .identity = map_identity,
};

static int block_mmap(struct file *file, struct map_request *request)
{
    struct block_device *device = device_of(file);
    bool shared = (request->flags & 3) != MAP_PRIVATE;
    if (shared && device->read_only) {
        if (request->prot & PROT_WRITE)
            return -EACCES;
        request->max_prot &= ~(unsigned)PROT_WRITE;
    }
    request->object = &device->cache.object;
    request->file = file;
    return 0;
}

/* man 2 posix_fadvise; readahead(2) is WILLNEED. */
static int block_advise(struct file *file, off_t offset, off_t length, int advice)
{
    enum { WILLNEED = 3, DONTNEED = 4 };
    struct block_cache *cache = &device_of(file)->cache;
    uint64_t end = bytes_of(device_of(file)), from = offset, to = end;
    if (length && (uint64_t)length < end - MIN(from, end))
        to = from + length;
    if (from >= to)
        return 0;
    if (advice == WILLNEED)
        cache_prefetch(cache, from >> PAGE_SHIFT,
                       ((to - 1) >> PAGE_SHIFT) + 1 - (from >> PAGE_SHIFT));
    if (advice == DONTNEED) { /* whole pages */
        uint64_t first = (from + PAGE_SIZE - 1) >> PAGE_SHIFT;
        uint64_t after = to == end ? cache_last(cache) + 1 : to >> PAGE_SHIFT;
        if (first < after) {
            cache_write(cache, first, after - 1);
            cache_drop(cache, first, after - 1, false);
        }
    }
    return 0;
}

/* --- the rest ----------------------------------------------------------------------------- */

static off_t block_seek(struct file *file, off_t offset, int whence)
{
    enum { FROM_START, FROM_HERE, FROM_END };
    off_t end = bytes_of(device_of(file)), base;
    if (whence < FROM_START || whence > FROM_END)
        return -EINVAL;
    base = whence == FROM_START ? 0 : whence == FROM_HERE ? file->pos : end;
    if (__builtin_add_overflow(base, offset, &base) || base < 0 || base > end)
        return -EINVAL;
    return file->pos = base;
}

/* Write zeroes where the disk cannot do so by itself. */
static int zero_by_hand(struct block_device *device, uint64_t sector, uint64_t nsectors)
{
    size_t size;
    uint8_t *buf = buffer(device, nsectors * BLOCK_SECTOR, &size);
    if (!buf)
        return -ENOMEM;
    memset(buf, 0, size);
    int err = 0;
    while (nsectors && err == 0) {
        uint64_t n = MIN(nsectors, size / BLOCK_SECTOR);
        err = block_transfer(device, BLOCK_WRITE, sector, buf, n * BLOCK_SECTOR);
        sector += n;
        nsectors -= n;
    }
    kfree(buf);
    return err;
}

/* Of what the disk is about to forget, or has forgotten: the whole pages. */
static void forget(struct block_device *device, uint64_t start, uint64_t length)
{
    uint64_t end = start + length, first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
    uint64_t after = (end == bytes_of(device) ? end + PAGE_SIZE - 1 : end) >> PAGE_SHIFT;
    if (first < after)
        cache_drop(&device->cache, first, after - 1, true);
}

/* Bytes [from, to) of one page, after the disk has zeroes there: so has the cache. The rest of the
 * page may be somebody's who has not written it back, and a write that began before may still put
 * the old bytes on the disk: then they are written once more. */
static void zero_part(struct block_cache *cache, uint64_t from, uint64_t to)
{
    uint64_t index = from >> PAGE_SHIFT;
    paddr_t frame;
    for (bool done = false; !done && cache_get(cache, index, 1, &frame) == 0; frame_put(frame)) {
        char *p = (char *)phys_to_virt(frame) + (from & ~PAGE_MASK);
        done = !*p && !memcmp(p, p + 1, to - from - 1);
        if (!done) {
            memset(p, 0, to - from);
            done = cache_set_dirty(cache, index, frame); /* else it was dropped meanwhile */
            cache_balance(cache);
        }
    }
}

static int clear_range(struct block_device *device, enum block_op op, unsigned flags, bool by_hand,
                       uint64_t start, uint64_t length)
{
    uint64_t sector = start / BLOCK_SECTOR, n = length / BLOCK_SECTOR, end = start + length;
    forget(device, start, length);
    int err = block_clear(device, op, flags, sector, n);
    if (err == -EOPNOTSUPP && by_hand)
        err = zero_by_hand(device, sector, n);
    forget(device, start, length);
    uint64_t head = MIN(ALIGN_UP(start, PAGE_SIZE), end), tail = ALIGN_DOWN(end, PAGE_SIZE);
    if (err == 0 && start < head)
        zero_part(&device->cache, start, head);
    if (err == 0 && head <= tail && tail < end && end != bytes_of(device))
        zero_part(&device->cache, tail, end);
    return err;
}

int block_zero_range(struct block_device *device, unsigned flags, bool by_hand, uint64_t start,
                     uint64_t length)
{
    return clear_range(device, BLOCK_WRITE_ZEROES, flags, by_hand, start, length);
}

int block_discard_range(struct block_device *device, uint64_t start, uint64_t length)
{
    return clear_range(device, BLOCK_DISCARD, 0, false, start, length);
}

/* man 2 fallocate, "on block devices": zeroes, or giving space back. */
static int block_fallocate(struct file *file, int mode, off_t offset, off_t length)
{
    enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, NO_HIDE_STALE = 4, ZERO_RANGE = 16 };
    struct block_device *device = device_of(file);
    uint64_t end = bytes_of(device), from = offset, n = length;
    if (mode & ~(KEEP_SIZE | PUNCH_HOLE | NO_HIDE_STALE | ZERO_RANGE))
        return -EOPNOTSUPP;
    if (from >= end)
        return -EINVAL;
    if (from + n > end) {
        if (!(mode & KEEP_SIZE))
            return -EINVAL;
        n = end - from;
    }
    if ((from | n) & (device->limits.logical_block - 1))
        return -EINVAL;
    if (device->read_only)
        return -EPERM;
    switch (mode) {
    case ZERO_RANGE:
    case ZERO_RANGE | KEEP_SIZE:
        return block_zero_range(device, 0, true, from, n);
    case PUNCH_HOLE | KEEP_SIZE:
        return block_zero_range(device, BLOCK_UNMAP, false, from, n);
    case PUNCH_HOLE | KEEP_SIZE | NO_HIDE_STALE:
        return block_discard_range(device, from, n);
    default:
        return -EOPNOTSUPP;
    }
}

/* One more has it open. -ENXIO: it has gone meanwhile. */
static int count_open(struct block_device *device)
{
    mutex_lock(&block_whole(device)->open_lock);
    int err = device->gone ? -ENXIO : 0;
    device->nopen += err == 0;
    mutex_unlock(&block_whole(device)->open_lock);
    return err;
}

static int block_open(struct inode *inode, struct file *file)
{
    struct block_device *device = block_find(inode->rdev);
    int err = !device ? -ENXIO : flags_of(file) & O_EXCL ? block_claim(device, file) : 0;
    if (err == 0 && (err = count_open(device)) < 0)
        block_release(device, file);
    if (err == 0) {
        file->data = device;
        file->error_seen = cache_error_sample(&device->cache);
        device->cache.dev = inode->super->dev;
        device->cache.ino = inode->ino;
    }
    return err;
}

/* The last one to close it writes back and forgets all: who uses the disk otherwise (by another
 * partition) then sees what was written. A mapping keeps its file open. */
static void block_close(struct file *file)
{
    struct block_device *device = device_of(file);
    struct mutex *lock = &block_whole(device)->open_lock;
    block_release(device, file);
    if (device->nopen == 1 && device->sectors) /* most of it while others need not wait */
        cache_write(&device->cache, 0, cache_last(&device->cache));
    mutex_lock(lock); /* a partition stays in its place until all is written */
    if (--device->nopen == 0 && device->sectors) {
        cache_write(&device->cache, 0, cache_last(&device->cache));
        cache_drop(&device->cache, 0, cache_last(&device->cache), false);
    }
    mutex_unlock(lock);
}

static int64_t ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    return block_ioctl(device_of(file), file, cmd, arg);
}

const struct file_ops block_file_ops = {.open = block_open,
                                        .release = block_close,
                                        .read = block_read,
                                        .write = block_write,
                                        .seek = block_seek,
                                        .mmap = block_mmap,
                                        .advise = block_advise,
                                        .ioctl = ioctl,
                                        .fsync = block_fsync,
                                        .fallocate = block_fallocate};
