/* fs/erofs.c: EROFS, read only: the root image in memory, or on a block device.
 *
 * Whole pages of files are mapped where they lie: in the image in memory, or in the page cache of
 * the device. A page that holds something else behind the end of the file (its data ends in the
 * block of its inode) is copied once into a store of the inode, filled up with zeros; so is
 * everything if the image is not page-aligned. */
#include "core/boot.h"
#include "core/log.h"
#include "fs/cached.h"
#include "fs/erofs.h"
#include "fs/erofs_image.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/shm.h"

enum { EROFS_MAGIC = 0xe0f5e1e2, BUCKETS = 256 };

struct node {
    struct inode inode;
    struct erofs_inode disk;
    struct page_store copies;
    struct node *next; /* in its bucket */
};
struct erofs {
    struct erofs_image image;
    struct mutex lock; /* over buckets */
    struct node *buckets[BUCKETS];
    struct super *super;
    struct file *device;      /* NULL: the image is in memory */
    struct mem_object *pages; /* the device's */
    struct erofs *next;       /* of those on devices */
};

static struct erofs *on_devices;
static struct mutex on_devices_lock;

static struct kcache node_cache = {.name = "erofs_node", .size = sizeof(struct node)};

static const struct inode_ops inode_ops;
static const struct file_ops file_ops, dir_ops;
static const struct mem_object_ops mem_ops;

static struct node *node_of(const struct inode *inode)
{
    return container_of(inode, struct node, inode);
}

static struct erofs *erofs_of(const struct inode *inode)
{
    return inode->super->data;
}

static const struct erofs_image *image_of(const struct inode *inode)
{
    return &erofs_of(inode)->image;
}

/* --- inodes: one for each number, as long as somebody holds it ----------------------------------
 */

static void fill_inode(struct node *node)
{
    struct inode *inode = &node->inode;
    const struct erofs_inode *disk = &node->disk;

    inode->ops = &inode_ops;
    inode->ino = disk->nid;
    inode->size = disk->size;
    inode->uid = disk->uid;
    inode->gid = disk->gid;
    inode->nlink = disk->nlink;
    inode->rdev = disk->rdev;
    inode->mtime = (struct timespec){disk->mtime, disk->mtime_nsec};
    inode->atime = inode->ctime = inode->btime = inode->mtime;
    if (inode_is(inode, S_IFDIR))
        inode->file_ops = &dir_ops;
    if (inode_is(inode, S_IFREG)) {
        inode->file_ops = &file_ops;
        mem_object_init(&inode->mem, &mem_ops);
        page_store_init(&node->copies);
    }
}

static struct node *find_node(struct erofs *erofs, uint64_t nid)
{
    for (struct node *node = erofs->buckets[nid % BUCKETS]; node; node = node->next)
        if (node->disk.nid == nid && inode_try_get(&node->inode))
            return node;
    return NULL;
}

static int get_inode(struct super *super, uint64_t nid, struct inode **found)
{
    struct erofs *erofs = super->data;
    struct erofs_inode disk;

    mutex_lock(&erofs->lock);
    struct node *node = find_node(erofs, nid);
    int err = node ? 0 : erofs_inode(&erofs->image, nid, &disk);
    if (!node && !err) {
        node = kcache_alloc(&node_cache);
        if (node) {
            inode_init(&node->inode, super, disk.mode | (disk.xattr_size ? S_HAS_CAPS : 0));
            node->disk = disk;
            fill_inode(node);
            node->next = erofs->buckets[nid % BUCKETS];
            erofs->buckets[nid % BUCKETS] = node;
        } else {
            err = -ENOMEM;
        }
    }
    mutex_unlock(&erofs->lock);
    if (err == -EOPNOTSUPP)
        log_err("erofs: file %lu of the image is compressed, which is not supported", nid);
    else if (err == -EIO)
        log_err("erofs: file %lu of the image is damaged", nid);
    if (!err)
        *found = &node->inode;
    return err;
}

static __cold void destroy_inode(struct inode *inode)
{
    struct node *node = node_of(inode);
    struct erofs *erofs = erofs_of(inode);

    mutex_lock(&erofs->lock);
    struct node **link = &erofs->buckets[node->disk.nid % BUCKETS];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    mutex_unlock(&erofs->lock);
    page_store_remove(&node->copies, 0, UINT64_MAX);
    kcache_free(&node_cache, node);
}

static int lookup(struct inode *dir, const char *name, struct inode **found)
{
    uint64_t nid = 0;
    int err = erofs_lookup(image_of(dir), &node_of(dir)->disk, name, strlen(name), &nid);
    return err ? err : get_inode(dir->super, nid, found);
}

static ssize_t read_link(struct inode *inode, char *buf, size_t size)
{
    uint64_t at, n;

    if (!inode->size)
        return -EIO;
    int err = erofs_extent(image_of(inode), &node_of(inode)->disk, 0, &at, &n);
    if (err)
        return err;
    if (at == EROFS_HOLE || n < inode->size)
        return -EIO;
    n = MIN(n, (uint64_t)size);
    err = erofs_read(image_of(inode), at, buf, n);
    return err ? err : (ssize_t)n;
}

static int get_attributes(struct inode *inode, struct attributes *attr)
{
    attr->blksize = EROFS_BLOCK;
    attr->blocks = (inode->size + 511) / 512;
    return 0;
}

/* --- extended attributes
 * -------------------------------------------------------------------------- */

static bool has_name(const struct erofs_xattr *xattr, const char *name)
{
    size_t n = xattr->prefix ? strlen(xattr->prefix) : 0;
    return n && !strncmp(name, xattr->prefix, n) && strlen(name) == n + xattr->len &&
           !memcmp(name + n, xattr->name, xattr->len);
}

static __cold ssize_t get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
    struct erofs_xattr xattr;

    for (unsigned i = 0;; i++) {
        int more = erofs_xattr_at(image_of(inode), &node_of(inode)->disk, i, &xattr);
        if (more <= 0)
            return more ? more : -ENODATA;
        if (!has_name(&xattr, name))
            continue;
        if (size && size < xattr.size)
            return -ERANGE;
        int err = size ? erofs_read(image_of(inode), xattr.value_at, value, xattr.size) : 0;
        return err ? err : (ssize_t)xattr.size;
    }
}

static ssize_t list_xattrs(struct inode *inode, char *list, size_t size)
{
    struct erofs_xattr xattr;
    size_t total = 0;

    for (unsigned i = 0;; i++) {
        int more = erofs_xattr_at(image_of(inode), &node_of(inode)->disk, i, &xattr);
        if (more <= 0)
            return more ? more : (ssize_t)total;
        if (!xattr.prefix)
            continue;
        size_t n = strlen(xattr.prefix), len = n + xattr.len + 1;
        if (size && size - total < len)
            return -ERANGE;
        if (size) {
            memcpy(list + total, xattr.prefix, n);
            memcpy(list + total + n, xattr.name, xattr.len);
            list[total + len - 1] = 0;
        }
        total += len;
    }
}

static const struct inode_ops inode_ops = {
    .lookup = lookup,
    .readlink = read_link,
    .getattr = get_attributes,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .destroy = destroy_inode,
};

/* --- reading
 * -------------------------------------------------------------------------------------- */

/* What lies in one piece at an offset of the image to the program; bytes. */
static ssize_t put_piece(struct inode *inode, struct io *io, uint64_t at, uint64_t n)
{
    struct erofs_piece piece;
    int err = erofs_hold(image_of(inode), at, &piece);
    if (err)
        return err;
    size_t moved = io_put(io, piece.data, MIN(n, piece.n));
    erofs_release(image_of(inode), &piece);
    return moved ? (ssize_t)moved : -EFAULT;
}

static ssize_t read_file(struct file *file, struct io *io, off_t *pos)
{
    struct inode *inode = file->inode;
    size_t done = 0;

    while (io->left && (uint64_t)*pos < inode->size) {
        uint64_t at, n;
        ssize_t moved = erofs_extent(image_of(inode), &node_of(inode)->disk, *pos, &at, &n);
        if (!moved && at == EROFS_HOLE)
            moved = (ssize_t)io_zero(io, MIN(n, (uint64_t)io->left)) ?: -EFAULT;
        else if (!moved)
            moved = put_piece(inode, io, at, MIN(n, (uint64_t)io->left));
        if (moved < 0)
            return done ? (ssize_t)done : moved;
        done += moved;
        *pos += moved;
    }
    return done;
}

static int read_dir(struct file *file, struct dir_sink *sink)
{
    struct inode *inode = file->inode;
    struct erofs_piece piece = {};
    struct erofs_entry entry;
    int more;

    while ((more = erofs_entry_at(image_of(inode), &node_of(inode)->disk, file->pos, &piece,
                                  &entry)) > 0 &&
           sink->entry(sink, entry.name, entry.len, entry.nid, entry.type, entry.next))
        file->pos = entry.next;
    erofs_release(image_of(inode), &piece);
    return MIN(more, 0);
}

/* --- mapping
 * -------------------------------------------------------------------------------------- */

/* The n bytes before the end of a page. */
static bool all_zero(const uint8_t *p, size_t n)
{
    while (n % sizeof(uint64_t) && !*p)
        p++, n--;
    if (n % sizeof(uint64_t))
        return false;
    const uint64_t *word = (const void *)p;
    while (n && !*word)
        word++, n -= sizeof(*word);
    return !n;
}

/* A page of the image, with a reference where one is counted: in memory, or of the device's cache;
 * wait: even if it must be read. 0: not to be had as it is. */
static paddr_t image_page(struct erofs *erofs, uint64_t index, bool wait)
{
    const uint8_t *base = erofs->image.base;
    paddr_t frame = 0;
    bool writable;
    if (base)
        return IS_ALIGNED((uintptr_t)base, PAGE_SIZE) ? virt_to_phys(base + (index << PAGE_SHIFT))
                                                      : 0;
    if (!wait)
        erofs->pages->ops->around(erofs->pages, index, 1, &frame);
    else if (erofs->pages->ops->page(erofs->pages, index, false, &frame, &writable))
        return 0;
    return frame;
}

/* The frame of a page that may be shown as it lies there; 0: it must be copied. */
static paddr_t frame_in_place(struct inode *inode, uint64_t index, bool wait)
{
    struct erofs *erofs = erofs_of(inode);
    const struct erofs_inode *disk = &node_of(inode)->disk;
    uint64_t pos = index << PAGE_SHIFT, in_page = MIN(inode->size - pos, PAGE_SIZE), at, n;

    if ((!wait && !erofs->image.base && disk->chunk_bits) ||
        erofs_extent(&erofs->image, disk, pos, &at, &n) || n < in_page ||
        !IS_ALIGNED(at, PAGE_SIZE))
        return 0;
    paddr_t frame = image_page(erofs, at >> PAGE_SHIFT, wait);
    if (frame && !all_zero((uint8_t *)phys_to_virt(frame) + in_page, PAGE_SIZE - in_page)) {
        frame_put(frame);
        return 0;
    }
    return frame;
}

/* Whole pages in a row of an image in memory; how many. */
static unsigned run_in_place(struct inode *inode, uint64_t index, unsigned max, paddr_t *frames)
{
    const struct erofs_image *image = image_of(inode);
    uint64_t at, n;

    if (!image->base || !IS_ALIGNED((uintptr_t)image->base, PAGE_SIZE) ||
        erofs_extent(image, &node_of(inode)->disk, index << PAGE_SHIFT, &at, &n) ||
        !IS_ALIGNED(at, PAGE_SIZE))
        return 0;
    unsigned pages = MIN(n >> PAGE_SHIFT, max);
    for (unsigned i = 0; i < pages; i++)
        frames[i] = virt_to_phys(image->base + at) + i * PAGE_SIZE;
    return pages;
}

static int copy_page(struct node *node, uint64_t index)
{
    struct inode *inode = &node->inode;
    uint64_t pos = index << PAGE_SHIFT, end = MIN(inode->size, pos + PAGE_SIZE);
    paddr_t frame;
    while (!(frame = frame_alloc(0, FRAME_USER | FRAME_ZERO)) && frame_reclaim())
        ;
    int err = frame ? 0 : -ENOMEM;

    for (char *to = phys_to_virt(frame); !err && pos < end;) {
        uint64_t at, n;
        err = erofs_extent(image_of(inode), &node->disk, pos, &at, &n);
        if (err)
            break;
        n = MIN(n, end - pos);
        if (at != EROFS_HOLE)
            err = erofs_read(image_of(inode), at, to, n);
        to += n;
        pos += n;
    }
    if (!err)
        err = page_store_insert(&node->copies, index, frame);
    if (err && frame)
        frame_put(frame);
    return err == -EEXIST ? 0 : err;
}

static int map_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                    bool *writable)
{
    struct inode *inode = container_of(object, struct inode, mem);
    struct node *node = node_of(inode);

    if (index >= (inode->size + PAGE_SIZE - 1) >> PAGE_SHIFT)
        return -EFAULT;
    *writable = false;
    *frame = frame_in_place(inode, index, true);
    if (*frame)
        return 0;
    int err = 0;
    while (!err && !(*frame = page_store_get(&node->copies, index, false)))
        err = copy_page(node, index); /* which unmap_all() may take away again */
    return err;
}

static void map_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    struct inode *inode = container_of(object, struct inode, mem);
    uint64_t end = (inode->size + PAGE_SIZE - 1) >> PAGE_SHIFT;

    n = MIN(n, end - MIN(first, end));
    for (unsigned i = 0; i < n;) {
        unsigned run = run_in_place(inode, first + i, n - i, frames + i);
        i += run;
        if (run)
            continue;
        frames[i] = frame_in_place(inode, first + i, false);
        if (!frames[i])
            frames[i] = page_store_get(&node_of(inode)->copies, first + i, false);
        i++;
    }
}

static const void *map_peek(struct mem_object *object, uint64_t pos, size_t *n)
{
    struct inode *inode = container_of(object, struct inode, mem);
    const struct erofs_image *image = image_of(inode);
    uint64_t at;
    if (!image->base || pos >= inode->size ||
        erofs_extent(image, &node_of(inode)->disk, pos, &at, n) < 0 || at == EROFS_HOLE)
        return NULL;
    return image->base + at;
}

static void map_get(struct mem_object *object)
{
    inode_get(container_of(object, struct inode, mem));
}

static void map_put(struct mem_object *object)
{
    inode_put(container_of(object, struct inode, mem));
}

static void map_identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    struct inode *inode = container_of(object, struct inode, mem);
    *dev = inode->super->dev;
    *ino = inode->ino;
}

static const struct mem_object_ops mem_ops = {
    .page = map_page,
    .around = map_around,
    .peek = map_peek,
    .get = map_get,
    .put = map_put,
    .name = file_mem_name,
    .identity = map_identity,
};

static int map_file(struct file *file, struct map_request *request)
{
    request->object = &file->inode->mem;
    request->file = file;
    return 0;
}

/* Nothing is ever written. */
static int sync_file(struct file *file, bool data_only)
{
    return 0;
}

static const struct file_ops file_ops = {
    .read = read_file,
    .seek = file_seek_generic,
    .mmap = map_file,
    .fsync = sync_file,
};
static const struct file_ops dir_ops = {
    .readdir = read_dir,
    .seek = file_seek_generic,
    .fsync = sync_file,
};

/* --- the file system
 * ------------------------------------------------------------------------------ */

static void get_statfs(struct super *super, struct statfs_info *info)
{
    const struct erofs *erofs = super->data;
    info->type = EROFS_MAGIC;
    info->bsize = EROFS_BLOCK;
    info->blocks = erofs->image.blocks;
    info->files = erofs->image.inodes;
    info->namelen = NAME_MAX;
}

static __cold void destroy_super(struct super *super)
{
    struct erofs *erofs = super->data;
    if (erofs->device) {
        mutex_lock(&on_devices_lock);
        struct erofs **link = &on_devices;
        while (*link && *link != erofs)
            link = &(*link)->next;
        if (*link)
            *link = erofs->next;
        mutex_unlock(&on_devices_lock);
        file_put(erofs->device);
    }
    kfree(erofs);
}

static struct fs_type erofs_type;

static const char *reason(int err)
{
    switch (err) {
    case -EINVAL:
        return "it is no EROFS image";
    case -EOPNOTSUPP:
        return "it uses a feature that is not supported (compression, block size, devices)";
    case -EIO:
        return "it is damaged or cut short";
    }
    return "no memory";
}

/* A file system of what *template says; takes over its device if it succeeds. */
static int make_super(const struct erofs *template, struct super **out)
{
    struct super *super = super_create(&erofs_type);
    struct erofs *erofs = super ? kzalloc(sizeof(*erofs)) : NULL;
    if (!erofs) {
        kfree(super);
        return -ENOMEM;
    }
    *erofs = *template;
    erofs->image.owner = erofs;
    super->data = erofs;
    super->readonly = true;
    super->statfs = get_statfs;
    super->destroy = destroy_super;
    int err = get_inode(super, erofs->image.root_nid, &super->root);
    if (!err && !inode_is(super->root, S_IFDIR)) {
        /* The first inode's end would end the super, too. */
        destroy_inode(super->root);
        err = -EIO;
    }
    if (err) {
        kfree(erofs);
        kfree(super);
        return err;
    }
    *out = super;
    return 0;
}

static int mount_memory(struct super **super)
{
    struct erofs erofs = {};
    int err =
        erofs_open(&erofs.image, phys_to_virt(boot_info.root_image), boot_info.root_image_size);
    return err ? err : make_super(&erofs, super);
}

/* --- on a block device ------------------------------------------------------------------- */

static int hold_block(void *owner, uint64_t block, struct erofs_piece *piece)
{
    struct erofs *erofs = owner;
    paddr_t frame;
    bool writable;
    int err = erofs->pages->ops->page(erofs->pages, block, false, &frame, &writable);
    if (err)
        return err == -ENOMEM ? err : -EIO;
    piece->data = phys_to_virt(frame);
    piece->held = frame;
    return 0;
}

static void release_block(void *owner, struct erofs_piece *piece)
{
    frame_put(piece->held);
}

/* Pages are to be given back: nobody may be waited for (cached_unmap_hook). */
static __cold void unmap_all(void)
{
    if (!mutex_trylock(&on_devices_lock))
        return;
    for (struct erofs *erofs = on_devices; erofs; erofs = erofs->next) {
        if (!mutex_trylock(&erofs->lock))
            continue;
        for (unsigned i = 0; i < BUCKETS; i++)
            for (struct node *node = erofs->buckets[i]; node; node = node->next)
                if (inode_is(&node->inode, S_IFREG)) {
                    page_store_remove(&node->copies, 0, UINT64_MAX);
                    mem_object_unmap(&node->inode.mem, 0, UINT64_MAX >> PAGE_SHIFT);
                }
        mutex_unlock(&erofs->lock);
    }
    mutex_unlock(&on_devices_lock);
}

/* The file system of a device that is mounted already, with a reference. */
static struct super *find_mounted(uint32_t rdev)
{
    for (struct erofs *erofs = on_devices; erofs; erofs = erofs->next) {
        unsigned refs = atomic_load(&erofs->super->refs); /* 0: it is about to go */
        while (erofs->device->inode->rdev == rdev && refs)
            if (atomic_compare_exchange_weak(&erofs->super->refs, &refs, refs + 1))
                return erofs->super;
    }
    return NULL;
}

static int open_device(uint32_t rdev, struct erofs *erofs, uint64_t *size)
{
    enum { FROM_END = 2 };
    struct map_request request = {.prot = PROT_READ, .flags = MAP_PRIVATE};
    int err = blockdev_open(rdev, O_RDONLY | O_EXCL, &erofs->device);
    if (err < 0)
        return err;
    *size = erofs->device->ops->seek(erofs->device, 0, FROM_END);
    err = erofs->device->ops->mmap ? erofs->device->ops->mmap(erofs->device, &request) : -ENODEV;
    erofs->pages = request.object;
    return err;
}

static int mount_new(uint32_t rdev, struct super **super)
{
    static const struct erofs_source source = {hold_block, release_block};
    struct erofs *erofs = kzalloc(sizeof(*erofs));
    uint64_t size = 0;
    int err = erofs ? open_device(rdev, erofs, &size) : -ENOMEM;
    if (!err)
        err = erofs_open_source(&erofs->image, &source, erofs, size);
    if (!err)
        err = make_super(erofs, super);
    if (!err) {
        struct erofs *made = (*super)->data;
        made->super = *super;
        made->next = on_devices;
        on_devices = made;
        cached_unmap_hook = unmap_all;
    } else if (erofs && erofs->device) {
        file_put(erofs->device);
    }
    kfree(erofs);
    return err;
}

__cold int erofs_mount_device(uint32_t rdev, struct super **super)
{
    mutex_lock(&on_devices_lock);
    *super = find_mounted(rdev);
    int err = *super ? 0 : mount_new(rdev, super);
    mutex_unlock(&on_devices_lock);
    if (err == -EINVAL || err == -EIO || err == -EOPNOTSUPP)
        log_err("erofs: the image on %u:%u cannot be used: %s", dev_major(rdev), dev_minor(rdev),
                reason(err));
    return err;
}

int erofs_mount_image(struct super **super)
{
    if (!boot_info.root_image)
        return -ENXIO;
    int err = mount_memory(super);
    if (err)
        log_err("erofs: the root image cannot be used: %s", reason(err));
    return err;
}

/* mount(2): "initrd" is the image in memory, others are names of block devices. */
static int mount(const char *source, unsigned flags, const char *options, struct super **super)
{
    struct path path;
    if (!source || !*source)
        return -EINVAL;
    if (strcmp(source, "initrd") == 0)
        return erofs_mount_image(super);
    int err = vfs_lookup(NULL, source, LOOKUP_FOLLOW, &path);
    if (err < 0)
        return err;
    struct inode *inode = path.dentry->inode;
    bool block = inode_is(inode, S_IFBLK);
    uint32_t rdev = inode->rdev;
    err = !block ? -ENOTBLK : path.mount->flags & MS_NODEV ? -EACCES : 0;
    path_put(&path);
    return err < 0 ? err : erofs_mount_device(rdev, super);
}

static struct fs_type erofs_type = {.name = "erofs", .mount = mount};

static int start(void)
{
    fs_register(&erofs_type);
    return 0;
}
BOOT_STEP(PHASE_BUS, "erofs", start);
