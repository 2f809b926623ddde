/* The file of a disk, /dev/vda: reading and writing at any byte, and its ioctls (man 4 sd; Linux's
 * linux/fs.h). Every call goes to the disk: what write(2) has taken, the disk has. */

#include "drivers/block/block.h"

#include "drivers/block/ioctl.h"
#include "fs/vfs.h"
#include "lib/string.h"
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

/* Memory for the way between disk and program: as much as there is, for n bytes at most, and at
 * least two logical blocks. */
static uint8_t *buffer(const struct block_device *device, size_t n, size_t *size)
{
    size_t block = device->limits.logical_block, least = MAX(2 * block, (size_t)CHUNK_LEAST);
    for (*size = MIN(MAX(ALIGN_UP(n, block) + block, least), (size_t)CHUNK); *size >= least;
         *size = ALIGN_DOWN(*size / 2, block)) {
        uint8_t *p = kmalloc(*size);
        if (p)
            return p;
    }
    return NULL;
}

/* O_DIRECT: position, lengths and addresses are multiples of the logical block (man 2 open). */
static bool fits_direct(const struct file *file, const struct io *io, off_t pos)
{
    uint64_t mask = device_of(file)->limits.logical_block - 1, bits = pos | io->left;
    if (!(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_DIRECT))
        return true;
    for (unsigned i = 0; i < io->niov && io->left; i++)
        bits |= (io->iov[i].base + (i ? 0 : io->offset)) | (io->iov[i].len - (i ? 0 : io->offset));
    return !(bits & mask);
}

/* --- reading ------------------------------------------------------------------------------ */

static ssize_t read_chunk(struct block_device *device, struct io *io, off_t pos, size_t n,
                          uint8_t *buf, size_t size)
{
    size_t block = device->limits.logical_block, head = pos & (block - 1);
    n = MIN(n, size - head);
    size_t span = ALIGN_UP(head + n, block);
    int err = block_transfer(device, BLOCK_READ, (pos - head) / BLOCK_SECTOR, buf, span);
    if (err < 0)
        return err;
    size_t moved = io_put(io, buf + head, n);
    return moved ? (ssize_t)moved : -EFAULT;
}

static ssize_t block_read(struct file *file, struct io *io, off_t *pos)
{
    struct block_device *device = device_of(file);
    uint64_t end = bytes_of(device);
    if ((uint64_t)*pos >= end || !io->left)
        return 0;
    if (!fits_direct(file, io, *pos))
        return -EINVAL;
    if (io->nowait)
        return -EAGAIN;
    size_t want = MIN(io->left, end - *pos), size;
    uint8_t *buf = buffer(device, want, &size);
    ssize_t n = buf ? 0 : -ENOMEM;
    size_t done = 0;
    while (done < want && n >= 0 && !(done && thread_interrupted(current))) {
        n = read_chunk(device, io, *pos, want - done, buf, size);
        if (n > 0) {
            done += n;
            *pos += n;
        }
        thread_resched_point();
    }
    kfree(buf);
    return done ? (ssize_t)done : n;
}

/* --- writing ------------------------------------------------------------------------------ */

static ssize_t write_whole(struct block_device *device, struct io *io, off_t pos, size_t n,
                           uint8_t *buf, size_t size)
{
    size_t block = device->limits.logical_block;
    n = ALIGN_DOWN(MIN(n, size), block);
    size_t moved = ALIGN_DOWN(io_get(io, buf, n), block);
    if (!moved)
        return -EFAULT;
    read_lock(&device->parts);
    int err = block_transfer(device, BLOCK_WRITE, pos / BLOCK_SECTOR, buf, moved);
    read_unlock(&device->parts);
    return err < 0 ? err : (ssize_t)moved;
}

/* Part of a logical block: read it, change it, write it, and let nobody write in between. */
static ssize_t write_part(struct block_device *device, struct io *io, off_t pos, size_t n,
                          uint8_t *buf)
{
    size_t block = device->limits.logical_block, head = pos & (block - 1);
    uint64_t sector = (pos - head) / BLOCK_SECTOR;
    n = io_get(io, buf + block, MIN(n, block - head));
    if (!n)
        return -EFAULT;
    write_lock(&device->parts);
    int err = block_transfer(device, BLOCK_READ, sector, buf, block);
    if (err == 0) {
        memcpy(buf + head, buf + block, n);
        err = block_transfer(device, BLOCK_WRITE, sector, buf, block);
    }
    write_unlock(&device->parts);
    return err < 0 ? err : (ssize_t)n;
}

static ssize_t write_chunks(struct block_device *device, struct io *io, off_t *pos, size_t want)
{
    size_t block = device->limits.logical_block, done = 0, size;
    uint8_t *buf = buffer(device, want, &size);
    ssize_t n = buf ? 0 : -ENOMEM;
    while (done < want && n >= 0 && !(done && thread_interrupted(current))) {
        bool whole = !(*pos & (block - 1)) && want - done >= block;
        n = whole ? write_whole(device, io, *pos, want - done, buf, size)
                  : write_part(device, io, *pos, want - done, buf);
        if (n > 0) {
            done += n;
            *pos += n;
        }
        thread_resched_point();
    }
    kfree(buf);
    return done ? (ssize_t)done : n;
}

static ssize_t block_write(struct file *file, struct io *io, off_t *pos)
{
    struct block_device *device = device_of(file);
    unsigned flags = atomic_load_explicit(&file->flags, memory_order_relaxed);
    uint64_t end = bytes_of(device);
    if (device->read_only)
        return -EPERM;
    if (!io->left)
        return 0;
    if (flags & O_APPEND)
        *pos = end;
    if ((uint64_t)*pos >= end)
        return -ENOSPC;
    if (!fits_direct(file, io, *pos))
        return -EINVAL;
    if (io->nowait)
        return -EAGAIN;
    ssize_t n = write_chunks(device, io, pos, MIN(io->left, end - *pos));
    int err = n > 0 && flags & O_DSYNC ? block_flush(device) : 0;
    return err < 0 ? err : n;
}

static int block_fsync(struct file *file, bool data_only)
{
    return block_flush(device_of(file));
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

int block_zero_range(struct block_device *device, unsigned flags, bool by_hand, uint64_t start,
                     uint64_t length)
{
    uint64_t sector = start / BLOCK_SECTOR, n = length / BLOCK_SECTOR;
    read_lock(&device->parts);
    int err = block_clear(device, BLOCK_WRITE_ZEROES, flags, sector, n);
    if (err == -EOPNOTSUPP && by_hand)
        err = zero_by_hand(device, sector, n);
    read_unlock(&device->parts);
    return err;
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
        return block_clear(device, BLOCK_DISCARD, 0, from / BLOCK_SECTOR, n / BLOCK_SECTOR);
    default:
        return -EOPNOTSUPP;
    }
}

static void count_open(struct block_device *device, int by)
{
    mutex_lock(&block_whole(device)->open_lock);
    device->nopen += by;
    mutex_unlock(&block_whole(device)->open_lock);
}

static int block_open(struct inode *inode, struct file *file)
{
    struct block_device *device = block_find(inode->rdev);
    bool exclusive = atomic_load_explicit(&file->flags, memory_order_relaxed) & O_EXCL;
    int err = !device ? -ENXIO : exclusive ? block_claim(device, file) : 0;
    if (err == 0) {
        file->data = device;
        count_open(device, 1);
    }
    return err;
}

static void block_close(struct file *file)
{
    block_release(device_of(file), file);
    count_open(device_of(file), -1);
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
                                        .ioctl = ioctl,
                                        .fsync = block_fsync,
                                        .fallocate = block_fallocate};
