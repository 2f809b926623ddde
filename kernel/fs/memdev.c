/* fs/memdev.c: null zero full random urandom kmsg: devices that are only memory (man 4 null,
 * random). */
#include "core/boot.h"
#include "core/log.h"
#include "core/random.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { CHUNK = 1 << 20 };

static off_t seek_null(struct file *file, off_t offset, int whence)
{
    return file->pos = 0;
}

static ssize_t read_null(struct file *file, struct io *io, off_t *pos)
{
    return 0;
}

static ssize_t write_null(struct file *file, struct io *io, off_t *pos)
{
    size_t n = io->left;
    io_skip(io, n);
    return n;
}

static ssize_t read_zero(struct file *file, struct io *io, off_t *pos)
{
    size_t want = io->left;
    if (likely(want <= CHUNK)) {
        size_t n = io_zero(io, want);
        return n || !want ? (ssize_t)n : -EFAULT;
    }
    while (io->left) {
        size_t part = MIN(io->left, (size_t)CHUNK);
        if (io_zero(io, part) < part)
            break;
        if (thread_interrupted(current))
            break;
        thread_resched_point();
    }
    size_t n = want - io->left;
    return n ? (ssize_t)n : -EFAULT;
}

static __attribute__((noinline)) ssize_t read_zero_slowly(struct file *file, uintptr_t buf,
                                                          size_t n)
{
    struct iovec iov;
    struct io io = io_user(&iov, buf, n);
    return read_zero(file, &io, NULL);
}

/* read(2) and write(2) of these two are what programs measure a system call with. */
static ssize_t read_zero_user(struct file *file, uintptr_t buf, size_t n)
{
    if (likely(n <= CHUNK && user_zero(buf, n) == 0))
        return n;
    return read_zero_slowly(file, buf, n);
}

static ssize_t write_null_user(struct file *file, uintptr_t buf, size_t n)
{
    return n;
}

static ssize_t write_full(struct file *file, struct io *io, off_t *pos)
{
    return io->left ? -ENOSPC : 0;
}

/* Anonymous memory: private, or shared with children (mm gives it an object of its own). */
static int map_zero(struct file *file, struct map_request *request)
{
    request->object = NULL;
    request->file = NULL;
    request->flags |= MAP_ANONYMOUS;
    return 0;
}

static ssize_t read_random(struct file *file, struct io *io, off_t *pos)
{
    uint8_t buf[256];
    size_t want = io->left;
    while (io->left) {
        size_t n = MIN(io->left, sizeof(buf));
        random_bytes(buf, n);
        if (io_put(io, buf, n) < n)
            break;
        if (thread_interrupted(current))
            break;
        thread_resched_point();
    }
    memset(buf, 0, sizeof(buf));
    size_t n = want - io->left;
    return n || !want ? (ssize_t)n : -EFAULT;
}

enum { RNDGETENTCNT = 0x80045200, RNDADDTOENTCNT = 0x40045201, RNDADDENTROPY = 0x40085203 };

static int64_t ioctl_random(struct file *file, unsigned cmd, uintptr_t arg)
{
    switch (cmd) {
    case RNDGETENTCNT:
        return user_put32(arg, 256);
    case RNDADDTOENTCNT:
    case RNDADDENTROPY:
        return cred_has(vfs_caller_hook()->cred, VFS_CAP_SYS_ADMIN) ? 0 : -EPERM;
    default:
        return -ENOTTY;
    }
}

/* --- kmsg: a snapshot of the log, one line a read (Documentation/ABI dev-kmsg) */

struct kmsg {
    size_t len, at;
    unsigned line;
    char text[];
};

static int open_kmsg(struct inode *inode, struct file *file)
{
    enum { SIZE = 16384 };
    struct kmsg *kmsg = kzalloc(sizeof(*kmsg) + SIZE);
    if (!kmsg)
        return -ENOMEM;
    kmsg->len = log_read(kmsg->text, SIZE);
    file->data = kmsg;
    return 0;
}

static void release_kmsg(struct file *file)
{
    kfree(file->data);
}

static ssize_t read_kmsg(struct file *file, struct io *io, off_t *pos)
{
    struct kmsg *kmsg = file->data;
    char line[1024];
    if (kmsg->at >= kmsg->len)
        return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK ? -EAGAIN : 0;
    char *start = kmsg->text + kmsg->at, *end = memchr(start, '\n', kmsg->len - kmsg->at);
    size_t n = end ? (size_t)(end - start) : kmsg->len - kmsg->at;
    int len = snprintf(line, sizeof(line), "6,%u,0,-;%.*s\n", kmsg->line,
                       (int)MIN(n, sizeof(line) - 32), start);
    if ((size_t)len > io->left)
        return -EINVAL;
    kmsg->at += n + 1;
    kmsg->line++;
    size_t moved = io_put(io, line, len);
    return moved ? (ssize_t)moved : -EFAULT;
}

static ssize_t write_kmsg(struct file *file, struct io *io, off_t *pos)
{
    char line[512];
    size_t want = io->left, n = io_get(io, line, MIN(want, sizeof(line) - 1));
    if (!n)
        return want ? -EFAULT : 0;
    line[n] = 0;
    char *text = line, *end = line[0] == '<' ? strchr(line, '>') : NULL;
    if (end)
        text = end + 1;
    size_t len = strlen(text);
    if (len && text[len - 1] == '\n')
        text[len - 1] = 0;
    log_at(LOG_INFO, "%s", text);
    io_skip(io, io->left);
    return want;
}

static const struct file_ops null_ops = {
    .read = read_null, .write = write_null, .write_user = write_null_user, .seek = seek_null};
static const struct file_ops zero_ops = {.read = read_zero,
                                         .read_user = read_zero_user,
                                         .write = write_null,
                                         .write_user = write_null_user,
                                         .seek = seek_null,
                                         .mmap = map_zero};
static const struct file_ops full_ops = {
    .read = read_zero, .write = write_full, .seek = seek_null, .mmap = map_zero};
static const struct file_ops random_ops = {
    .read = read_random, .write = write_null, .seek = seek_null, .ioctl = ioctl_random};
static const struct file_ops kmsg_ops = {
    .open = open_kmsg, .release = release_kmsg, .read = read_kmsg, .write = write_kmsg};

static int start(void)
{
    chardev_register(makedev(1, 3), "null", 0666, &null_ops);
    chardev_register(makedev(1, 5), "zero", 0666, &zero_ops);
    chardev_register(makedev(1, 7), "full", 0666, &full_ops);
    chardev_register(makedev(1, 8), "random", 0666, &random_ops);
    chardev_register(makedev(1, 9), "urandom", 0666, &random_ops);
    chardev_register(makedev(1, 11), "kmsg", 0644, &kmsg_ops);
    return 0;
}
BOOT_STEP(PHASE_BUS, "memory devices", start);
