/* fs/file.c: open files: life, reading and writing with the rules of Linux. */
#include "fs/file.h"

#include "core/cpu.h"
#include "fs/dentry.h"
#include "fs/lease.h"
#include "fs/lock.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/sanitize.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
    RW_MAX = 0x7ffff000,
    SEEK_SET = 0,
    SEEK_CUR = 1,
    SEEK_END = 2,
    SEEK_DATA = 3,
    SEEK_HOLE = 4
};

void (*vfs_file_gone_hook)(struct file *file);

/* --- life
 *
 * Files are reused as files only while there are readers, so that file_try_get() may touch one that
 * was closed meanwhile. Free ones wait in a list per CPU, which needs no lock because the kernel is
 * not preempted; what is too many where more are closed than opened goes back to the heap. */

enum { FREE_MAX = 64 };

static struct free_files {
    struct file *first;
    unsigned n;
} free_files[CPUS_MAX];

static struct file *take_free(void)
{
    struct free_files *list = &free_files[this_cpu()->id];
    struct file *file = list->first;
    if (unlikely(!file))
        return kzalloc(sizeof(*file));
    list->first = file->data;
    list->n--;
    return file;
}

static void free_later(struct rcu_head *head)
{
    kfree(container_of(head, struct file, rcu));
}

static void give_free(struct file *file)
{
    struct free_files *list = &free_files[this_cpu()->id];
    if (unlikely(SANITIZED || list->n >= FREE_MAX)) {
        rcu_call(&file->rcu, free_later);
        return;
    }
    file->data = list->first;
    list->first = file;
    list->n++;
}

struct file *file_alloc(const struct file_ops *ops, int flags)
{
    struct file *file = take_free();
    if (unlikely(!file))
        return NULL;
    file->ops = ops;
    file->inode = NULL;
    file->path = (struct path){};
    atomic_store_explicit(&file->flags, flags, memory_order_relaxed);
    file->seekable = file->can_pread = file->counted = false;
    file->pos = 0;
    file->pos_lock = (struct mutex){};
    file->data = NULL;
    list_init(&file->watchers);
    file->watchers_lock = (struct spinlock){};
    file->owner_pid = file->owner_sig = file->owner_type = 0;
    atomic_store_explicit(&file->refs, 1, memory_order_release);
    return file;
}

void file_get(struct file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

bool file_try_get(struct file *file)
{
    unsigned refs = atomic_load_explicit(&file->refs, memory_order_relaxed);
    while (refs) {
        if (atomic_compare_exchange_weak_explicit(&file->refs, &refs, refs + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    }
    return false;
}

static void put_parts(struct file *file)
{
    struct dentry *dentry = file->path.dentry;
    struct inode *named = dentry ? dentry->inode : NULL;
    if (file->counted) {
        atomic_fetch_sub_explicit(&named->writers, 1, memory_order_release);
        atomic_fetch_sub_explicit(&file->path.mount->writers, 1, memory_order_release);
    }
    if (file->inode && file->inode != named)
        inode_put(file->inode);
    if (dentry)
        path_put(&file->path);
    give_free(file);
}

void file_abandon(struct file *file)
{
    atomic_store_explicit(&file->refs, 0, memory_order_relaxed);
    put_parts(file);
}

void file_put(struct file *file)
{
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (unlikely(!list_empty(&file->watchers)))
        vfs_file_gone_hook(file);
    struct dentry *dentry = file->path.dentry;
    if (dentry && !(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_PATH)) {
        if (unlikely(!list_empty(&((struct inode *)dentry->inode)->locks)))
            lock_release_file(file);
        if (unlikely(((struct inode *)dentry->inode)->leases))
            lease_release(file);
        notify_dentry(dentry, file_writable(file) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    }
    if (file->ops->release)
        file->ops->release(file);
    put_parts(file);
}

/* --- files without a name */

static struct super anon_super = {
    .type = &(const struct fs_type){.name = "anon_inodefs", .nodev = true},
    .dev = 0x0f,
    .no_cache = true,
    .refs = 1,
    .inodes = 1,
};
static struct mount anon_mount = {.super = &anon_super, .refs = 1};
static atomic_ulong next_anon_ino = 1024; /* netstat(8) does not believe in one digit */
static struct kcache anon_cache = {.name = "anon_inode", .size = sizeof(struct inode)};

void file_anonymous_destroy(struct inode *inode)
{
    kcache_free(&anon_cache, inode);
}

/* Pipes and sockets have a mode and an owner of their own, whatever they are good for. */
int file_anonymous_setattr(struct inode *inode, const struct attributes *attr)
{
    if (!inode_is(inode, S_IFIFO) && !inode_is(inode, S_IFSOCK))
        return -EOPNOTSUPP;
    inode_set(inode, attr);
    return 0;
}

static const struct inode_ops anon_inode_ops = {
    .setattr = file_anonymous_setattr,
    .destroy = file_anonymous_destroy,
};

static struct inode *anon_inode(uint32_t mode)
{
    const struct credentials *cred = vfs_caller_hook()->cred;
    struct inode *inode = kcache_alloc(&anon_cache);
    if (!inode)
        return NULL;
    inode_init(inode, &anon_super, mode);
    inode->ops = &anon_inode_ops;
    inode->ino = atomic_fetch_add_explicit(&next_anon_ino, 1, memory_order_relaxed);
    inode->uid = cred->fsuid;
    inode->gid = cred->fsgid;
    inode->atime = inode->mtime = inode->ctime = timespec_now();
    return inode;
}

int file_of_inode(const char *label, struct inode *inode, int flags, struct file **out)
{
    struct file *file = file_alloc(inode->file_ops, flags);
    struct dentry *dentry = file ? dentry_create_root(&anon_super, inode, label) : NULL;
    if (!dentry) {
        inode_put(inode);
        if (file)
            file_abandon(file);
        return -ENOMEM;
    }
    mount_get(&anon_mount);
    file->path = (struct path){&anon_mount, dentry};
    file->inode = inode;
    file->seekable = file->can_pread = file->ops && file->ops->seek;
    *out = file;
    return 0;
}

int file_anonymous(const char *label, const struct file_ops *ops, uint32_t mode, int flags,
                   void *data, struct file **out)
{
    struct inode *inode = anon_inode(mode);
    if (!inode)
        return -ENOMEM;
    inode->data = data;
    int err = file_of_inode(label, inode, flags, out);
    if (err < 0)
        return err;
    (*out)->ops = ops;
    (*out)->data = data;
    (*out)->seekable = (*out)->can_pread = ops->seek && ops->seek != file_seek_nowhere;
    return 0;
}

int file_anonymous_pair(struct file *first, const struct file_ops *ops, int flags, void *data,
                        struct file **out)
{
    struct file *file = file_alloc(ops, flags);
    if (!file)
        return -ENOMEM;
    path_get(&first->path);
    file->path = first->path;
    file->inode = first->inode;
    file->data = data;
    *out = file;
    return 0;
}

/* --- reading and writing */

/* relatime: the first reading after a change, or after a day. */
static void accessed(struct file *file)
{
    struct inode *inode = file->inode;
    unsigned how = file->path.mount->flags;
    if (how & MS_RELATIME && inode->atime.sec > inode->mtime.sec &&
        inode->atime.sec > inode->ctime.sec)
        return;
    if (inode->flags & INODE_NOATIME)
        return;
    if (inode->super->readonly || how & (MS_RDONLY | MS_NOATIME) ||
        (how & MS_NODIRATIME && inode_is(inode, S_IFDIR)) ||
        atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NOATIME)
        return;
    const struct timespec *a = &inode->atime, *m = &inode->mtime, *c = &inode->ctime;
    bool newer_m = a->sec > m->sec || (a->sec == m->sec && a->nsec > m->nsec);
    bool newer_c = a->sec > c->sec || (a->sec == c->sec && a->nsec > c->nsec);
    if (!newer_m || !newer_c || !(how & MS_RELATIME))
        inode->atime = timespec_now();
}

static ssize_t read_at(struct file *file, struct io *io, off_t *pos)
{
    ssize_t n = file->ops->read(file, io, pos);
    if (file->seekable && inode_is(file->inode, S_IFREG))
        accessed(file);
    if (n > 0)
        notify_dentry(file->path.dentry, IN_ACCESS);
    return n;
}

static void bound_io(struct io *io)
{
    if (unlikely(io->left > RW_MAX))
        io->left = RW_MAX;
}

/* Somebody else may be moving the position: not if the only reference is that of a descriptor
 * table with one user (linux/fd.h), or the caller's own. */
static bool pos_is_shared(const struct file *file)
{
    return atomic_load_explicit(&file->refs, memory_order_relaxed) != 1;
}

ssize_t file_read(struct file *file, struct io *io, off_t *pos)
{
    if (unlikely(!file_readable(file)))
        return -EBADF;
    if (unlikely(!file->ops->read))
        return inode_is(file->inode, S_IFDIR) ? -EISDIR
               : pos && !file->can_pread      ? -ESPIPE
                                              : -EINVAL;
    bound_io(io);
    if (pos) {
        if (!file->can_pread)
            return -ESPIPE;
        return *pos < 0 ? -EINVAL : read_at(file, io, pos);
    }
    if (!file->seekable || !pos_is_shared(file))
        return read_at(file, io, &file->pos);
    mutex_lock(&file->pos_lock);
    ssize_t n = read_at(file, io, &file->pos);
    mutex_unlock(&file->pos_lock);
    return n;
}

static ssize_t write_at(struct file *file, struct io *io, off_t *pos)
{
    off_t was = *pos;
    ssize_t n = file->ops->write(file, io, pos);
    if (n < 0)
        *pos = was; /* O_APPEND has moved it */
    if (n > 0)
        notify_dentry(file->path.dentry, IN_MODIFY);
    return n;
}

ssize_t file_write(struct file *file, struct io *io, off_t *pos)
{
    if (unlikely(!file_writable(file)))
        return -EBADF;
    if (unlikely(!file->ops->write))
        return pos && !file->can_pread ? -ESPIPE : -EINVAL;
    bound_io(io);
    if (pos) {
        if (!file->can_pread)
            return -ESPIPE;
        return *pos < 0 ? -EINVAL : write_at(file, io, pos);
    }
    if (!file->seekable || !pos_is_shared(file))
        return write_at(file, io, &file->pos);
    mutex_lock(&file->pos_lock);
    ssize_t n = write_at(file, io, &file->pos);
    mutex_unlock(&file->pos_lock);
    return n;
}

ssize_t file_write_prepare(struct file *file, off_t *pos, size_t n)
{
    struct inode *inode = file->inode;
    if (atomic_load_explicit(&file->flags, memory_order_relaxed) & O_APPEND && likely(n))
        *pos = inode->size;
    uint64_t limit = vfs_caller_hook()->file_size_limit, at = *pos;
    if (unlikely(at + n > limit)) {
        if (at >= limit && n) {
            if (vfs_sigxfsz_hook)
                vfs_sigxfsz_hook();
            return -EFBIG;
        }
        n = limit - at;
    }
    if (unlikely(at + n > INT64_MAX)) {
        if (at >= INT64_MAX)
            return -EFBIG;
        n = INT64_MAX - at;
    }
    if (unlikely(inode->mode & (S_ISUID | S_ISGID | S_HAS_CAPS)) && n)
        inode_drop_set_id(inode);
    return n;
}

ssize_t file_read_kernel(struct file *file, void *buf, size_t n, off_t pos)
{
    size_t done = 0;
    if (!file->ops->read)
        return -EINVAL;
    while (done < n) {
        struct iovec iov;
        struct io io = io_kernel(&iov, (char *)buf + done, n - done);
        ssize_t got = file->ops->read(file, &io, &pos);
        if (got < 0)
            return done ? (ssize_t)done : got;
        if (got == 0)
            break;
        done += got;
    }
    return done;
}

/* --- the rest */

int file_mmap(struct file *file, struct map_request *request)
{
    bool shared = (request->flags & 3) != MAP_PRIVATE;
    bool no_exec = file->path.mount->flags & MS_NOEXEC || file->inode->super == &anon_super;
    if (!file_readable(file))
        return -EACCES;
    if (shared && request->prot & PROT_WRITE && !file_writable(file))
        return -EACCES;
    if (request->prot & PROT_EXEC && no_exec)
        return -EPERM;
    if (!file->ops->mmap)
        return -ENODEV;
    if (request->flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (shared && request->prot & PROT_WRITE && file->inode->flags & INODE_APPEND)
        return -EACCES;
    request->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (shared && !file_writable(file))
        request->max_prot &= ~PROT_WRITE;
    if (no_exec)
        request->max_prot &= ~PROT_EXEC;
    return file->ops->mmap(file, request);
}

unsigned file_poll(struct file *file, struct poll_table *table)
{
    if (!file->ops->poll)
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    return file->ops->poll(file, table);
}

off_t file_seek_generic(struct file *file, off_t offset, int whence)
{
    off_t size = file->inode->size, base;
    switch (whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = file->pos;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (offset < 0 || offset >= size)
            return -ENXIO;
        base = whence == SEEK_HOLE ? size - offset : 0;
        break;
    default:
        return -EINVAL;
    }
    off_t pos;
    if (__builtin_add_overflow(base, offset, &pos) || pos < 0)
        return -EINVAL;
    file->pos = pos;
    return pos;
}

off_t file_seek_nowhere(struct file *file, off_t offset, int whence)
{
    return 0;
}

off_t file_seek(struct file *file, off_t offset, int whence)
{
    if (!file->ops->seek)
        return -ESPIPE;
    mutex_lock(&file->pos_lock);
    off_t pos = file->ops->seek(file, offset, whence);
    mutex_unlock(&file->pos_lock);
    return pos;
}

int file_readdir(struct file *file, struct dir_sink *sink)
{
    if (!file->ops->readdir)
        return -ENOTDIR;
    mutex_lock(&file->pos_lock);
    int err = -ENOENT;
    if (!file->path.dentry->unhashed)
        err = file->ops->readdir(file, sink);
    mutex_unlock(&file->pos_lock);
    if (err >= 0 && !file->inode->super->readonly)
        accessed(file);
    return err;
}

int64_t file_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    return file->ops->ioctl ? file->ops->ioctl(file, cmd, arg) : -ENOTTY;
}

int file_sync(struct file *file, bool data_only)
{
    return file->ops->fsync ? file->ops->fsync(file, data_only) : -EINVAL;
}

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2 };

__cold int file_fallocate(struct file *file, int mode, off_t offset, off_t length)
{
    off_t end;
    if (offset < 0 || length <= 0)
        return -EINVAL;
    if (mode & ~0x7f)
        return -EOPNOTSUPP;
    if (mode & FALLOC_PUNCH_HOLE && !(mode & FALLOC_KEEP_SIZE))
        return -EOPNOTSUPP;
    if (!file_writable(file))
        return -EBADF;
    if (!inode_is(file->inode, S_IFREG) && !inode_is(file->inode, S_IFBLK)) {
        uint32_t type = file->inode->mode & S_IFMT;
        return type == S_IFIFO ? -ESPIPE : type == S_IFDIR ? -EISDIR : -ENODEV;
    }
    if (__builtin_add_overflow(offset, length, &end))
        return -EFBIG;
    if (file->inode->flags & INODE_IMMUTABLE ||
        (file->inode->flags & INODE_APPEND && mode & ~FALLOC_KEEP_SIZE))
        return -EPERM;
    if (!(mode & FALLOC_PUNCH_HOLE) && (uint64_t)end > file->inode->size &&
        (uint64_t)end > vfs_caller_hook()->file_size_limit) {
        if (vfs_sigxfsz_hook)
            vfs_sigxfsz_hook();
        return -EFBIG;
    }
    if (!file->ops->fallocate)
        return -EOPNOTSUPP;
    int err = file->ops->fallocate(file, mode, offset, length);
    if (err == 0)
        notify_dentry(file->path.dentry, IN_MODIFY);
    return err;
}
