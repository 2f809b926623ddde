/* fs/tmpfs_file.c: the data of tmpfs's files: pages by index, made when they are first touched. */
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"

enum {
    FALLOC_KEEP_SIZE = 1,
    FALLOC_PUNCH_HOLE = 2,
    FALLOC_ZERO_RANGE = 0x10,
    SEEK_DATA = 3,
    SEEK_HOLE = 4
};

/* --- pages */

/* Is there room for one page more in the file system? Faults on several CPUs may exceed it by a
 * page each. */
static int check_room(struct tmpfs_node *node)
{
    struct tmpfs *fs = tmpfs_of(&node->inode);
    uint64_t pages = atomic_load_explicit(&fs->pages, memory_order_relaxed);
    if (likely(pages < atomic_load_explicit(&fs->max_pages, memory_order_relaxed)))
        return 0;
    return pages < tmpfs_max_pages(fs) ? 0 : -ENOSPC;
}

static bool shows_lower(const struct tmpfs_node *node, uint64_t index)
{
    return unlikely(node->lower_size > index << PAGE_SHIFT);
}

/* The file's own page with a reference, made if there is none. */
static int own_page(struct tmpfs_node *node, uint64_t index, paddr_t *frame)
{
    *frame = page_store_get(&node->store, index, false);
    if (*frame)
        return 0;
    int err = check_room(node);
    if (err == 0 && shows_lower(node, index))
        err = overlay_copy_page(node, index);
    if (err < 0)
        return err;
    *frame = page_store_get(&node->store, index, true);
    return *frame ? 0 : -ENOMEM;
}

static void drop_pages(struct tmpfs_node *node, uint64_t first, uint64_t n)
{
    if (atomic_load_explicit(&node->store.npages, memory_order_relaxed))
        page_store_remove(&node->store, first, n);
}

void tmpfs_drop_pages(struct tmpfs_node *node)
{
    drop_pages(node, 0, UINT64_MAX);
}

/* Zero bytes [from, to) of one page, if it has any content. */
static int zero_part(struct tmpfs_node *node, uint64_t from, uint64_t to)
{
    uint64_t index = from >> PAGE_SHIFT;
    paddr_t frame;
    if (from >= to)
        return 0;
    if (shows_lower(node, index)) {
        int err = own_page(node, index, &frame);
        if (err < 0)
            return err;
    } else {
        frame = page_store_get(&node->store, index, false);
        if (!frame)
            return 0;
    }
    memset((char *)phys_to_virt(frame) + (from & ~PAGE_MASK), 0, to - from);
    frame_put(frame);
    return 0;
}

int tmpfs_resize(struct tmpfs_node *node, uint64_t size)
{
    struct inode *inode = &node->inode;
    uint64_t old = inode->size;
    unsigned seals = atomic_load_explicit(&node->seals, memory_order_relaxed);
    if (unlikely(node->huge) && !IS_ALIGNED(size, HUGE_SIZE))
        return -EINVAL;
    if ((size < old && seals & SEAL_SHRINK) || (size > old && seals & SEAL_GROW))
        return -EPERM;
    inode->size = size;
    if (size > old)
        return 0; /* else pages beyond the end go, too */
    if (node->nhuge > size / HUGE_SIZE) {
        hugetlb_return(node->nhuge - size / HUGE_SIZE);
        node->nhuge = size / HUGE_SIZE;
    }
    if (node->lower_size > size)
        node->lower_size = size;
    uint64_t keep = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    drop_pages(node, keep, (UINT64_MAX >> PAGE_SHIFT) - keep);
    mem_object_cut(&node->inode.mem, keep); /* nobody finds the pages any more */
    paddr_t last = size & ~PAGE_MASK ? page_store_get(&node->store, size >> PAGE_SHIFT, false) : 0;
    if (last) {
        size_t from = size & ~PAGE_MASK;
        memset((char *)phys_to_virt(last) + from, 0, PAGE_SIZE - from);
        frame_put(last);
    }
    return 0;
}

/* --- reading and writing */

/* Up to n bytes at pos, all in one page. Bytes moved, or a negative errno. */
static ssize_t read_part(struct tmpfs_node *node, struct io *io, uint64_t pos, size_t n)
{
    uint64_t index = pos >> PAGE_SHIFT;
    paddr_t frame = page_store_get(&node->store, index, false);
    if (!frame && node->lower_size > pos) {
        int err = overlay_page(node, index, &frame);
        if (err < 0)
            return err;
        n = MIN(n, node->lower_size - pos);
    }
    if (!frame)
        return io_zero(io, n);
    size_t moved = io_put(io, (char *)phys_to_virt(frame) + (pos & ~PAGE_MASK), n);
    frame_put(frame);
    return moved;
}

static ssize_t read_file(struct file *file, struct io *io, off_t *pos)
{
    struct tmpfs_node *node = tmpfs_node(file->inode);
    uint64_t at = *pos, size = file->inode->size;
    ssize_t moved = 0;
    while (io->left && at < size) {
        size_t n = MIN(io->left, PAGE_SIZE - (at & ~PAGE_MASK));
        n = MIN(n, size - at);
        moved = read_part(node, io, at, n);
        if (moved <= 0)
            break;
        at += moved;
    }
    ssize_t total = at - *pos;
    *pos = at;
    if (total)
        return total;
    return io->left && at < size ? (moved < 0 ? moved : -EFAULT) : 0;
}

static ssize_t write_part(struct tmpfs_node *node, struct io *io, uint64_t pos, size_t n)
{
    paddr_t frame;
    int err = own_page(node, pos >> PAGE_SHIFT, &frame);
    if (err < 0)
        return err;
    size_t moved = io_get(io, (char *)phys_to_virt(frame) + (pos & ~PAGE_MASK), n);
    frame_put(frame);
    return moved ? (ssize_t)moved : -EFAULT;
}

static ssize_t write_pages(struct tmpfs_node *node, struct io *io, uint64_t pos, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t part = MIN(n - done, PAGE_SIZE - ((pos + done) & ~PAGE_MASK));
        ssize_t moved = write_part(node, io, pos + done, part);
        if (moved < 0)
            return done ? (ssize_t)done : moved;
        done += moved;
        if (pos + done > node->inode.size)
            node->inode.size = pos + done;
    }
    return done;
}

static ssize_t write_locked(struct tmpfs_node *node, struct file *file, struct io *io, off_t *pos)
{
    ssize_t n = file_write_prepare(file, pos, io->left);
    if (n <= 0)
        return n;
    unsigned seals = atomic_load_explicit(&node->seals, memory_order_relaxed);
    if (unlikely(seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)))
        return -EPERM;
    if (unlikely(seals & SEAL_GROW) && (uint64_t)*pos + n > node->inode.size) {
        if ((uint64_t)*pos >= node->inode.size)
            return -EPERM;
        n = node->inode.size - *pos;
    }
    n = write_pages(node, io, *pos, n);
    if (n > 0) {
        *pos += n;
        inode_touch(&node->inode, true);
    }
    return n;
}

static ssize_t write_file(struct file *file, struct io *io, off_t *pos)
{
    if (unlikely(tmpfs_node(file->inode)->huge))
        return -EINVAL;
    write_lock(&file->inode->lock);
    ssize_t n = write_locked(tmpfs_node(file->inode), file, io, pos);
    write_unlock(&file->inode->lock);
    return n;
}

static off_t seek_file(struct file *file, off_t offset, int whence)
{
    struct tmpfs_node *node = tmpfs_node(file->inode);
    uint64_t size = file->inode->size;
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return file_seek_generic(file, offset, whence);
    if (offset < 0 || (uint64_t)offset >= size)
        return -ENXIO;
    uint64_t at = offset, index = at >> PAGE_SHIFT, found;
    if (whence == SEEK_DATA) {
        if (!shows_lower(node, index)) {
            if (!page_store_next(&node->store, index, &found))
                return -ENXIO;
            at = MAX(at, found << PAGE_SHIFT);
            if (at >= size)
                return -ENXIO;
        }
    } else {
        while (index << PAGE_SHIFT < size &&
               (shows_lower(node, index) ||
                (page_store_next(&node->store, index, &found) && found == index)))
            index++;
        at = MIN(MAX(at, index << PAGE_SHIFT), size);
    }
    file->pos = at;
    return at;
}

/* --- mapping */

/* ENOSPC becomes SIGBUS, as on Linux. */
static int map_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                    bool *writable)
{
    struct tmpfs_node *node = container_of(object, struct tmpfs_node, inode.mem);
    if (index >= (node->inode.size + PAGE_SIZE - 1) >> PAGE_SHIFT)
        return -EFAULT;
    *writable = true;
    int err = own_page(node, index, frame);
    return err == -ENOSPC ? -EFAULT : err;
}

static void map_get(struct mem_object *object)
{
    inode_get(container_of(object, struct inode, mem));
}

static void map_put(struct mem_object *object)
{
    inode_put(container_of(object, struct inode, mem));
}

void file_mem_name(struct mem_object *object, void *opaque, char *buf, size_t size)
{
    struct file *file = opaque;
    char *name = file ? path_name(&file->path, buf, size) : NULL;
    if (!name)
        buf[0] = 0;
    else if (name != buf)
        memmove(buf, name, strlen(name) + 1);
}

static void map_identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    struct inode *inode = container_of(object, struct inode, mem);
    *dev = inode->super->dev;
    *ino = inode->ino;
}

static void map_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    struct tmpfs_node *node = container_of(object, struct tmpfs_node, inode.mem);
    uint64_t end = (node->inode.size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    if (first < end) /* there may be room behind the end: fallocate(2) */
        page_store_around(&node->store, first, (unsigned)MIN(n, end - first), frames);
}

static int map_punch(struct mem_object *object, uint64_t first, uint64_t npages);

const struct mem_object_ops tmpfs_mem_ops = {
    .page = map_page,
    .around = map_around,
    .punch = map_punch,
    .get = map_get,
    .put = map_put,
    .name = file_mem_name,
    .identity = map_identity,
};

bool tmpfs_mapped_writable(struct tmpfs_node *node)
{
    bool found = false;
    mutex_lock(&node->inode.mem.lock);
    list_for_each_entry (struct mapping, m, &node->inode.mem.mappings, object_link) {
        if ((m->flags & 3) != MAP_PRIVATE && m->max_prot & PROT_WRITE)
            found = true;
    }
    mutex_unlock(&node->inode.mem.lock);
    return found;
}

/* Huge pages for the first `end` bytes of the file. */
static int draw_huge(struct tmpfs_node *node, uint64_t end)
{
    uint64_t need = end / HUGE_SIZE;
    int err = 0;
    write_lock(&node->inode.lock);
    if (need > node->nhuge) {
        err = hugetlb_take(need - node->nhuge);
        if (err == 0)
            node->nhuge = need;
    }
    write_unlock(&node->inode.lock);
    return err;
}

static int map_huge(struct tmpfs_node *node, struct map_request *request)
{
    uint64_t start = request->object_page << PAGE_SHIFT;
    if (!IS_ALIGNED(start, HUGE_SIZE))
        return -EINVAL;
    request->length = ALIGN_UP(request->length, HUGE_SIZE);
    request->flags |= MAP_HUGETLB;
    if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && !IS_ALIGNED(request->addr, HUGE_SIZE))
        return -EINVAL;
    return draw_huge(node, start + request->length);
}

static int map_file(struct file *file, struct map_request *request)
{
    struct tmpfs_node *node = tmpfs_node(file->inode);
    unsigned seals = atomic_load_explicit(&node->seals, memory_order_relaxed);
    bool shared = (request->flags & 3) != MAP_PRIVATE;
    if (unlikely(seals & (SEAL_WRITE | SEAL_FUTURE_WRITE)) && shared) {
        if (request->prot & PROT_WRITE)
            return -EPERM;
        request->max_prot &= ~PROT_WRITE;
    }
    request->object = &file->inode->mem;
    request->file = file;
    return unlikely(node->huge) ? map_huge(node, request) : 0;
}

/* --- fallocate */

static __cold int punch(struct tmpfs_node *node, uint64_t from, uint64_t to)
{
    uint64_t first = (from + PAGE_SIZE - 1) >> PAGE_SHIFT, last = to >> PAGE_SHIFT;
    if (first > last)
        return zero_part(node, from, to);
    int err = zero_part(node, from, first << PAGE_SHIFT);
    if (err == 0)
        err = zero_part(node, last << PAGE_SHIFT, to);
    if (err < 0 || first == last)
        return err;
    drop_pages(node, first, last - first);
    mem_object_unmap(&node->inode.mem, first, last - first);
    /* Where the lower file would show through again there must be zeroes of our own. */
    for (uint64_t i = first; err == 0 && i < last && shows_lower(node, i); i++)
        err = zero_part(node, i << PAGE_SHIFT, (i + 1) << PAGE_SHIFT);
    return err;
}

/* Either there is room for all of it or nothing is taken. */
static int preallocate(struct tmpfs_node *node, uint64_t from, uint64_t to)
{
    struct tmpfs *fs = tmpfs_of(&node->inode);
    uint64_t first = MAX(from, ALIGN_UP(node->lower_size, PAGE_SIZE)) >> PAGE_SHIFT;
    uint64_t end = ALIGN_UP(to, PAGE_SIZE) >> PAGE_SHIFT, need = end > first ? end - first : 0;
    uint64_t max = tmpfs_max_pages(fs), used = atomic_load(&fs->pages);
    uint64_t room = max > used ? max - used : 0;
    if (need > max)
        return -ENOSPC; /* before any is looked for: there may be too many */
    for (uint64_t i = first; unlikely(need > room) && i < end; i++) {
        paddr_t frame = page_store_get(&node->store, i, false);
        need -= frame != 0;
        if (frame)
            frame_put(frame);
    }
    if (need > room)
        return -ENOSPC;
    for (uint64_t i = from >> PAGE_SHIFT; i << PAGE_SHIFT < to; i++) {
        paddr_t frame;
        if (shows_lower(node, i))
            continue;
        int err = own_page(node, i, &frame);
        if (err < 0)
            return err;
        frame_put(frame);
        if (thread_interrupted(current))
            return -EINTR;
    }
    return 0;
}

static int allocate_locked(struct tmpfs_node *node, int mode, uint64_t from, uint64_t to)
{
    struct inode *inode = &node->inode;
    unsigned seals = atomic_load_explicit(&node->seals, memory_order_relaxed);
    if (mode & FALLOC_PUNCH_HOLE) {
        if (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE))
            return -EPERM;
        return punch(node, from, MIN(to, ALIGN_UP(inode->size, PAGE_SIZE)));
    }
    if (node->huge) {
        from = ALIGN_DOWN(from, HUGE_SIZE);
        to = ALIGN_UP(to, HUGE_SIZE);
    }
    bool grow = !(mode & FALLOC_KEEP_SIZE) && to > inode->size;
    if (grow && seals & SEAL_GROW)
        return -EPERM;
    int err = 0;
    if (mode & FALLOC_ZERO_RANGE)
        err = punch(node, from, to);
    if (err == 0)
        err = preallocate(node, from, to);
    if (err == 0 && grow)
        inode->size = to;
    return err;
}

static int allocate(struct inode *inode, int mode, uint64_t offset, uint64_t end)
{
    write_lock(&inode->lock);
    int err = allocate_locked(tmpfs_node(inode), mode, offset, end);
    if (err == 0) {
        inode_drop_set_id(inode);
        inode_touch(inode, true);
    }
    write_unlock(&inode->lock);
    return err;
}

static int map_punch(struct mem_object *object, uint64_t first, uint64_t npages)
{
    return allocate(container_of(object, struct inode, mem), FALLOC_PUNCH_HOLE, first << PAGE_SHIFT,
                    (first + npages) << PAGE_SHIFT);
}

static int allocate_file(struct file *file, int mode, off_t offset, off_t length)
{
    struct inode *inode = file->inode;
    uint64_t end = offset + length;
    if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE))
        return -EOPNOTSUPP;
    struct tmpfs *fs = tmpfs_of(inode);
    if (!(mode & FALLOC_PUNCH_HOLE) && (uint64_t)length >> PAGE_SHIFT > tmpfs_max_pages(fs))
        return -ENOSPC;
    return allocate(inode, mode, offset, end);
}

/* --- opening */

static int open_file(struct inode *inode, struct file *file)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    return node->lower ? overlay_open(node, file) : 0;
}

static int sync_file(struct file *file, bool data_only)
{
    return 0;
}

const struct file_ops tmpfs_file_ops = {
    .open = open_file,
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .mmap = map_file,
    .fsync = sync_file,
    .fallocate = allocate_file,
};
