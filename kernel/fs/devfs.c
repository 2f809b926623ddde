/* fs/devfs.c: devtmpfs: a tmpfs that starts with a file for each registered device. */
#include "fs/devfs.h"

#include "fs/dentry.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

static struct super *devfs; /* one for all mounts */
static bool shown;          /* its files were made */

static struct inode *make_node(struct inode *dir, const struct device *device)
{
    struct tmpfs_node *node = tmpfs_node_create(dir->super, NULL, device->mode);
    if (!node)
        return NULL;
    node->inode.rdev = device->rdev;
    node->inode.uid = node->inode.gid = 0;
    char *target = device->target ? kstrdup(device->target) : NULL;
    if (target) {
        node->inode.size = strlen(target);
        atomic_init(&node->inode.link, target);
    }
    return &node->inode;
}

/* The part of the name up to the next slash, in part[]; what follows it, or NULL. */
static const char *cut(const char *name, char part[NAME_MAX + 1])
{
    const char *slash = strchr(name, '/');
    size_t len = slash ? (size_t)(slash - name) : strlen(name);
    len = MIN(len, (size_t)NAME_MAX);
    memcpy(part, name, len);
    part[len] = 0;
    return slash ? slash + 1 : NULL;
}

static int add_node(struct inode *dir, const char *name, const struct device *device)
{
    struct inode *inode = make_node(dir, device);
    if (!inode)
        return -ENOMEM;
    int err = tmpfs_add(dir, name, inode);
    if (err == 0 && inode_is(inode, S_IFDIR))
        dir->nlink++;
    inode_put(inode);
    return err;
}

/* Without dentries: at the first look nobody has seen a name yet. */
static int show_first(struct inode *dir, const struct device *device)
{
    static const struct device folder = {.mode = S_IFDIR | 0755};
    char part[NAME_MAX + 1];
    const char *rest = cut(device->name, part);
    int err = 0;
    inode_get(dir);
    while (err == 0) {
        struct inode *next = NULL;
        err = tmpfs_lookup(dir, part, &next);
        if (err == -ENOENT)
            err = add_node(dir, part, rest ? &folder : device);
        if (!rest || err < 0) {
            inode_put(next);
            break;
        }
        if (!next)
            err = tmpfs_lookup(dir, part, &next);
        inode_put(dir);
        dir = next;
        rest = cut(rest, part);
    }
    inode_put(dir);
    return err;
}

/* Oldest first, as registered. */
static void show_all(struct inode *root, const struct device *device)
{
    unsigned n = 0;
    for (const struct device *d = device; d; d = d->next)
        n++;
    while (n--) {
        const struct device *d = device;
        for (unsigned i = 0; i < n; i++)
            d = d->next;
        if (d->name && !d->hidden)
            show_first(root, d);
    }
}

/* The folders that get mounts at boot, which then need not make all the files. */
static void make_folders(struct inode *root)
{
    static const struct device pts = {.name = "pts", .mode = S_IFDIR | 0755};
    static const struct device shm = {.name = "shm", .mode = S_IFDIR | S_ISVTX | 0777};
    add_node(root, pts.name, &pts);
    add_node(root, shm.name, &shm);
}

static void populate(struct inode *root)
{
    shown = true;
    show_all(root, device_first());
}

/* --- later: through the cache of names, which may know that the name was missing */

/* The folder of the name with a reference, and the last part. */
static int find_folder(const char *name, char part[NAME_MAX + 1], struct dentry **folder)
{
    struct dentry *dir = devfs->root_dentry;
    const char *rest = cut(name, part);
    dentry_get(dir);
    while (rest) {
        struct dentry *next = NULL;
        size_t len = strlen(part);
        write_lock(&((struct inode *)dir->inode)->lock);
        int err = dentry_lookup(dir, part, len, name_hash(part, len), &next);
        write_unlock(&((struct inode *)dir->inode)->lock);
        dentry_put(dir);
        if (err < 0)
            return err;
        dir = next;
        if (!dir->inode || !inode_is(dir->inode, S_IFDIR)) {
            dentry_put(dir);
            return -ENOENT;
        }
        rest = cut(rest, part);
    }
    *folder = dir;
    return 0;
}

int devfs_show(const struct device *device)
{
    char part[NAME_MAX + 1];
    struct dentry *dir, *d;
    if (!shown)
        return 0;
    int err = find_folder(device->name, part, &dir);
    if (err < 0)
        return err;
    struct inode *folder = dir->inode;
    size_t len = strlen(part);
    write_lock(&folder->lock);
    err = dentry_lookup(dir, part, len, name_hash(part, len), &d);
    if (err == 0) {
        struct inode *inode = d->inode ? NULL : make_node(folder, device);
        err = d->inode ? -EEXIST : inode ? tmpfs_add(folder, part, inode) : -ENOMEM;
        if (err == 0) {
            dentry_instantiate(d, inode);
        } else {
            inode_put(inode);
        }
        dentry_put(d);
    }
    write_unlock(&folder->lock);
    dentry_put(dir);
    return err;
}

int devfs_hide(const struct device *device)
{
    char part[NAME_MAX + 1];
    struct dentry *dir, *d;
    if (!shown)
        return 0;
    int err = find_folder(device->name, part, &dir);
    if (err < 0)
        return err;
    struct inode *folder = dir->inode;
    size_t len = strlen(part);
    write_lock(&folder->lock);
    err = dentry_lookup(dir, part, len, name_hash(part, len), &d);
    if (err == 0) {
        struct inode *inode = d->inode;
        if (inode && inode->rdev == device->rdev) {
            write_lock(&inode->lock);
            err = tmpfs_unlink(folder, part, inode);
            write_unlock(&inode->lock);
            if (err == 0)
                dentry_remove(d);
        }
        dentry_put(d);
    }
    write_unlock(&folder->lock);
    dentry_put(dir);
    return err;
}

/* --- the file system */

static int mount(const char *source, unsigned flags, const char *options, struct super **super);
static struct fs_type devfs_type = {.name = "devtmpfs", .nodev = true, .mount = mount};

static int mount(const char *source, unsigned flags, const char *options, struct super **super)
{
    if (!devfs) {
        int err = tmpfs_create(&devfs_type, 0, 0755, &devfs);
        if (err < 0)
            return err;
        make_folders(devfs->root);
        ((struct tmpfs *)devfs->data)->populate = populate;
    }
    /* One more reference than mounts: it stays. */
    atomic_fetch_add_explicit(&devfs->refs, 1, memory_order_relaxed);
    *super = devfs;
    return 0;
}

int devfs_start(void)
{
    fs_register(&devfs_type);
    devfs_folder("mqueue", 01777);
    devfs_symlink("fd", "/proc/self/fd");
    devfs_symlink("stdin", "/proc/self/fd/0");
    devfs_symlink("stdout", "/proc/self/fd/1");
    devfs_symlink("stderr", "/proc/self/fd/2");
    return 0;
}
