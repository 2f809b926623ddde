/* fs/secretmem.c: a file of tmpfs from which all ways to its pages but mappings are taken. */
#include "fs/secretmem.h"

#include "fs/file.h"
#include "fs/tmpfs.h"

static int get_attributes(struct inode *inode, struct attributes *attr)
{
    int err = tmpfs_inode_ops.getattr(inode, attr);
    attr->blocks = 0; /* as Linux has it, however much there is */
    return err;
}

static int set_attributes(struct inode *inode, const struct attributes *attr)
{
    if (attr->mask & ATTR_SIZE && inode->size)
        return -EINVAL;
    return tmpfs_inode_ops.setattr(inode, attr);
}

static void destroy(struct inode *inode)
{
    tmpfs_inode_ops.destroy(inode);
}

static const struct inode_ops inode_ops = {
    .getattr = get_attributes,
    .setattr = set_attributes,
    .destroy = destroy,
};

/* There is no second opening, by way of /proc/PID/fd. */
static int open(struct inode *inode, struct file *file)
{
    return -ENXIO;
}

static int map(struct file *file, struct map_request *request)
{
    if (request->prot & PROT_EXEC)
        return -EPERM;
    if ((request->flags & 3) == MAP_PRIVATE)
        return -EINVAL;
    request->object = &file->inode->mem;
    request->flags |= MAP_LOCKED;
    request->max_prot &= ~(unsigned)PROT_EXEC;
    return 0;
}

static const struct file_ops file_ops = {.open = open, .mmap = map};

static int page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                bool *writable)
{
    return tmpfs_mem_ops.page(object, index, write, frame, writable);
}

static void get(struct mem_object *object)
{
    tmpfs_mem_ops.get(object);
}

static void put(struct mem_object *object)
{
    tmpfs_mem_ops.put(object);
}

static void identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    tmpfs_mem_ops.identity(object, dev, ino);
}

static const struct mem_object_ops mem_ops = {
    .page = page,
    .get = get,
    .put = put,
    .name = file_mem_name,
    .identity = identity,
    .secret = true,
};

int secretmem_create(struct file **file)
{
    int err = tmpfs_create_file(NULL, false, false, file);
    if (err)
        return err;
    struct inode *inode = (*file)->inode;
    inode->mode = S_IFREG | 0600;
    inode->nlink = 1;
    inode->ops = &inode_ops;
    inode->file_ops = (*file)->ops = &file_ops;
    inode->mem.ops = &mem_ops;
    (*file)->seekable = (*file)->can_pread = false;
    return 0;
}
