/* fs/device.c: character and block devices by number. */
#include "fs/devfs.h"

#include "fs/cached.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "mm/heap.h"

const struct cached_ops *cached;
void (*cached_unmap_hook)(void);

static struct device *_Atomic devices;
static struct mutex devices_lock;

static const struct file_ops *find(uint32_t rdev, uint32_t type)
{
    for (struct device *d = rcu_load(devices); d; d = d->next)
        if (d->rdev == rdev && (d->mode & S_IFMT) == type && d->ops)
            return d->ops;
    return NULL;
}

const struct file_ops *chardev_find(uint32_t rdev)
{
    return find(rdev, S_IFCHR);
}

const struct file_ops *blockdev_find(uint32_t rdev)
{
    return find(rdev, S_IFBLK);
}

const struct device *device_first(void)
{
    return rcu_load(devices);
}

static int add(struct device *device)
{
    mutex_lock(&devices_lock);
    device->next = devices;
    rcu_store(devices, device);
    mutex_unlock(&devices_lock);
    return device->name ? devfs_show(device) : 0;
}

int chardev_register(uint32_t rdev, const char *name, uint32_t mode, const struct file_ops *ops)
{
    struct device *device = kzalloc(sizeof(*device));
    if (!device)
        return -ENOMEM;
    *device =
        (struct device){.rdev = rdev, .name = name, .mode = S_IFCHR | (mode & 07777), .ops = ops};
    return add(device);
}

int blockdev_register(uint32_t rdev, const char *driver, const char *name, uint32_t mode,
                      const struct file_ops *ops)
{
    struct device *device = kzalloc(sizeof(*device));
    if (!device)
        return -ENOMEM;
    *device = (struct device){
        .rdev = rdev, .name = name, .driver = driver, .mode = S_IFBLK | (mode & 07777), .ops = ops};
    return add(device);
}

int blockdev_open(uint32_t rdev, int flags, struct file **file)
{
    const struct file_ops *ops = blockdev_find(rdev);
    struct file *f;
    int err = ops ? file_anonymous("block", ops, S_IFBLK | 0600, flags, NULL, &f) : -ENXIO;
    if (err < 0)
        return err;
    f->inode->rdev = rdev;
    err = ops->open(f->inode, f);
    if (err < 0)
        file_abandon(f);
    else
        *file = f;
    return err;
}

int blockdev_show(uint32_t rdev, bool visible)
{
    mutex_lock(&devices_lock);
    struct device *d = devices;
    while (d && (d->rdev != rdev || (d->mode & S_IFMT) != S_IFBLK))
        d = d->next;
    if (d)
        d->hidden = !visible;
    mutex_unlock(&devices_lock);
    return !d ? -ENXIO : visible ? devfs_show(d) : devfs_hide(d);
}

int devfs_symlink(const char *name, const char *target)
{
    struct device *device = kzalloc(sizeof(*device));
    if (!device)
        return -ENOMEM;
    *device = (struct device){.name = name, .target = target, .mode = S_IFLNK | 0777};
    return add(device);
}

int devfs_folder(const char *name, uint32_t mode)
{
    struct device *device = kzalloc(sizeof(*device));
    if (!device)
        return -ENOMEM;
    *device = (struct device){.name = name, .mode = S_IFDIR | (mode & 07777)};
    return add(device);
}
