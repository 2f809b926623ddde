#include "drivers/block/ioctl.h"

#include "drivers/block/cache.h"
#include "drivers/block/partitions.h"
#include "fs/vfs.h"

enum { /* linux/fs.h, linux/hdreg.h */
       BLKROSET = 0x125d,
       BLKROGET = 0x125e,
       BLKRRPART = 0x125f,
       BLKGETSIZE = 0x1260,
       BLKFLSBUF = 0x1261,
       BLKRASET = 0x1262,
       BLKRAGET = 0x1263,
       BLKFRASET = 0x1264,
       BLKFRAGET = 0x1265,
       BLKSECTGET = 0x1267,
       BLKSSZGET = 0x1268,
       BLKPG = 0x1269,
       BLKDISCARD = 0x1277,
       BLKIOMIN = 0x1278,
       BLKIOOPT = 0x1279,
       BLKALIGNOFF = 0x127a,
       BLKPBSZGET = 0x127b,
       BLKDISCARDZEROES = 0x127c,
       BLKSECDISCARD = 0x127d,
       BLKROTATIONAL = 0x127e,
       BLKZEROOUT = 0x127f,
       HDIO_GETGEO = 0x0301
};
#define BLKBSZGET     0x80081270u
#define BLKBSZSET     0x40081271u
#define BLKGETSIZE64  0x80081272u
#define BLKGETDISKSEQ 0x80081280u

static uint64_t sectors_of(const struct block_device *device)
{
    return atomic_load_explicit(&device->sectors, memory_order_relaxed);
}

static bool privileged(void)
{
    return cred_has(vfs_caller_hook()->cred, VFS_CAP_SYS_ADMIN);
}

static int put16(uintptr_t arg, uint16_t value)
{
    return user_write(arg, &value, sizeof(value));
}

/* Two numbers, start and length in bytes: checked as Linux's blk_ioctl_discard() does. */
static int get_range(struct block_device *device, struct file *file, uintptr_t arg, uint64_t *range)
{
    uint64_t end = sectors_of(device) * BLOCK_SECTOR;
    if (!file_writable(file))
        return -EBADF;
    if (device->read_only)
        return -EPERM;
    if (user_read(range, arg, 2 * sizeof(*range)) < 0)
        return -EFAULT;
    if ((range[0] | range[1]) & (device->limits.logical_block - 1))
        return -EINVAL;
    return range[0] > end || range[1] > end - range[0] ? -EINVAL : 0;
}

static int discard(struct block_device *device, struct file *file, uintptr_t arg)
{
    uint64_t range[2];
    if (!device->limits.discard_sectors)
        return -EOPNOTSUPP;
    int err = get_range(device, file, arg, range);
    if (err < 0)
        return err;
    return block_discard_range(device, range[0], range[1]);
}

static int zero_out(struct block_device *device, struct file *file, uintptr_t arg)
{
    uint64_t range[2];
    int err = get_range(device, file, arg, range);
    return err < 0 ? err : block_zero_range(device, 0, true, range[0], range[1]);
}

static int set_read_only(struct block_device *device, uintptr_t arg)
{
    uint32_t value;
    if (!privileged())
        return -EACCES;
    if (user_get32(arg, &value) < 0)
        return -EFAULT;
    if (!value && device->always_read_only)
        return -EACCES;
    device->read_only = value;
    return 0;
}

static int set_block_size(struct block_device *device, uintptr_t arg)
{
    enum { MOST = 4096 };
    uint32_t value;
    if (!privileged())
        return -EACCES;
    if (user_get32(arg, &value) < 0)
        return -EFAULT;
    if (value > MOST || value < device->limits.logical_block || value & (value - 1))
        return -EINVAL;
    device->block_size = value;
    return 0;
}

static int get_geometry(struct block_device *device, uintptr_t arg)
{
    enum { HEADS = 16, SECTORS = 63, CYLINDERS_MOST = 0xffff };
    struct {
        uint8_t heads, sectors;
        uint16_t cylinders;
        uint64_t start;
    } geometry = {HEADS, SECTORS,
                  MIN(sectors_of(device) / (HEADS * SECTORS), (uint64_t)CYLINDERS_MOST),
                  device->start};
    return user_write(arg, &geometry, sizeof(geometry));
}

static int flush_buffers(struct block_device *device)
{
    if (!privileged())
        return -EACCES;
    if (device->sectors) {
        cache_write(&device->cache, 0, cache_last(&device->cache));
        cache_drop(&device->cache, 0, cache_last(&device->cache), false);
    }
    return block_flush(device);
}

static int set_read_ahead(struct block_device *device, uintptr_t arg)
{
    if (!privileged())
        return -EACCES;
    device->read_ahead = arg;
    return 0;
}

/* linux/blkpg.h: a partition by hand. */
static int change_partition(struct block_device *disk, uintptr_t arg)
{
    enum { ADD = 1, DELETE, RESIZE };
    struct {
        int32_t op, flags, datalen;
        uint64_t data;
    } call;
    struct {
        int64_t start, length;
        int32_t number;
    } p;
    if (!privileged())
        return -EACCES;
    if (user_read(&call, arg, sizeof(call)) < 0 || user_read(&p, call.data, sizeof(p)) < 0)
        return -EFAULT;
    if (disk->whole || p.number <= 0)
        return -EINVAL;
    if (call.op == DELETE)
        return partition_delete(disk, p.number);
    if (p.start < 0 || p.length <= 0 || (p.start | p.length) & (disk->limits.logical_block - 1))
        return -EINVAL;
    uint64_t start = p.start / BLOCK_SECTOR, n = p.length / BLOCK_SECTOR;
    if (call.op == ADD)
        return partition_add(disk, p.number, start, n);
    return call.op == RESIZE ? partition_resize(disk, p.number, start, n) : -EINVAL;
}

int64_t block_ioctl(struct block_device *device, struct file *file, unsigned cmd, uintptr_t arg)
{
    enum { MOST_SECTORS = 1024 };
    const struct block_limits *l = &device->limits;
    switch (cmd) {
    case BLKROSET:
        return set_read_only(device, arg);
    case BLKROGET:
        return user_put32(arg, device->read_only);
    case BLKRRPART:
        return privileged() ? partitions_reread(device) : -EACCES;
    case BLKPG:
        return change_partition(device, arg);
    case BLKGETSIZE:
        return user_put64(arg, sectors_of(device));
    case BLKGETSIZE64:
        return user_put64(arg, sectors_of(device) * BLOCK_SECTOR);
    case BLKFLSBUF:
        return flush_buffers(device);
    case BLKRASET:
    case BLKFRASET:
        return set_read_ahead(device, arg);
    case BLKRAGET:
    case BLKFRAGET:
        return user_put64(arg, device->read_ahead);
    case BLKSECTGET:
        return put16(arg, MOST_SECTORS);
    case BLKSSZGET:
        return user_put32(arg, l->logical_block);
    case BLKBSZGET:
        return user_put32(arg, device->block_size);
    case BLKBSZSET:
        return set_block_size(device, arg);
    case BLKPBSZGET:
        return user_put32(arg, l->physical_block);
    case BLKIOMIN:
        return user_put32(arg, l->io_min);
    case BLKIOOPT:
        return user_put32(arg, l->io_opt);
    case BLKALIGNOFF:
        return user_put32(arg, l->alignment);
    case BLKROTATIONAL:
        return put16(arg, l->rotational);
    case BLKDISCARDZEROES:
        return user_put32(arg, 0);
    case BLKDISCARD:
        return discard(device, file, arg);
    case BLKSECDISCARD:
        return -EOPNOTSUPP;
    case BLKZEROOUT:
        return zero_out(device, file, arg);
    case BLKGETDISKSEQ:
        return user_put64(arg, block_whole(device)->number);
    case HDIO_GETGEO:
        return get_geometry(device, arg);
    default:
        return -ENOTTY;
    }
}
