/* fs/overlay.c: a tmpfs over a read-only file system.
 *
 * A folder shows its own entries, then those of its lower folder that no entry of its own hides. A
 * name found only in the lower gets a clean node, which may be forgotten again. Whatever changes a
 * node pins it first: it becomes an entry of its folder (which is pinned, too, up to the root).
 * Nodes point at their lower inodes, so a folder moves with one entry and a file's data stays below
 * until a page of it is written: then that page is copied. One lower inode has one node at a time
 * (lower->overlay_of, under tmpfs.names).
 *
 * A file whose data is all in the lower is opened there: reading and mapping it costs nothing
 * extra. As on Linux, such an open file does not see what is written later through others. */
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { OVERLAY_INO_FIRST = 1ll << 32 }; /* above the lower's numbers, which are kept */

/* --- clean nodes */

/* What the node shows of its lower inode (takes over the reference). */
static void take_lower(struct tmpfs_node *node, struct inode *lower)
{
    struct inode *inode = &node->inode;
    node->lower = lower;
    lower->overlay_of = inode;
    inode->ino = lower->ino;
    inode->uid = lower->uid;
    inode->gid = lower->gid;
    inode->mode = lower->mode;
    inode->nlink = lower->nlink;
    inode->rdev = lower->rdev;
    inode->size = lower->size;
    inode->atime = lower->atime;
    inode->mtime = lower->mtime;
    inode->ctime = lower->ctime;
    inode->btime = lower->btime;
    if (inode_is(inode, S_IFREG))
        node->lower_size = lower->size;
}

/* names held. The node of a lower inode (reference taken over) found as dir/name. */
static struct tmpfs_node *node_for(struct tmpfs_node *dir, const char *name, struct inode *lower)
{
    struct inode *have = lower->overlay_of;
    if (have && inode_try_get(have)) {
        inode_put(lower);
        return tmpfs_node(have);
    }
    char *copy = kstrdup(name);
    struct tmpfs_node *node = copy ? tmpfs_node_create(dir->inode.super, NULL, lower->mode) : NULL;
    if (!node) {
        kfree(copy);
        inode_put(lower);
        return NULL;
    }
    take_lower(node, lower);
    inode_get(&dir->inode);
    node->home = dir;
    node->home_name = copy;
    node->pinned = false;
    return node;
}

int overlay_lookup(struct tmpfs_node *dir, const char *name, struct inode **found)
{
    struct tmpfs *fs = tmpfs_of(&dir->inode);
    struct inode *lower;
    int err = dir->lower->ops->lookup(dir->lower, name, &lower);
    if (err < 0)
        return err;
    mutex_lock(&fs->names);
    struct tmpfs_node *node = node_for(dir, name, lower);
    mutex_unlock(&fs->names);
    if (!node)
        return -ENOMEM;
    *found = &node->inode;
    return 0;
}

/* --- pinning (names held) */

static struct tmpfs_node *forget_home(struct tmpfs_node *node)
{
    struct tmpfs_node *home = node->home;
    node->home = NULL;
    kfree(node->home_name);
    node->home_name = NULL;
    node->pinned = true;
    return home;
}

void overlay_unnamed(struct tmpfs_node *node)
{
    if (node->pinned)
        return;
    /* Its folder is in use by the caller: this is not the last reference. */
    inode_put(&forget_home(node)->inode);
}

/* One clean node whose folder is pinned becomes an entry there. */
static int pin_one(struct tmpfs_node *node)
{
    struct tmpfs_node *home = node->home;
    if (!tmpfs_entry_find(home, node->home_name)) {
        struct tmpfs_entry *e = tmpfs_entry_add(home, node->home_name, true);
        if (!e)
            return -ENOMEM;
        inode_get(&node->inode);
        e->inode = &node->inode;
        home->nentries++;
    }
    if (node->inode.nlink > 1 && !inode_is(&node->inode, S_IFDIR)) {
        inode_get(&node->inode);
        node->kept = true;
    }
    forget_home(node);
    /* The entries of pinned folders keep it: not the last reference, unless it was removed. */
    return 0;
}

int overlay_pin(struct tmpfs_node *node)
{
    struct tmpfs *fs = tmpfs_of(&node->inode);
    int err = 0;
    while (unlikely(!node->pinned) && err == 0) {
        struct tmpfs_node *top = node, *home = NULL;
        mutex_lock(&fs->names);
        while (!top->pinned && !top->home->pinned)
            top = top->home;
        if (!top->pinned) {
            home = top->home;
            err = pin_one(top);
        }
        mutex_unlock(&fs->names);
        if (home && err == 0)
            inode_put(&home->inode);
    }
    return err;
}

void overlay_destroy(struct tmpfs_node *node)
{
    struct tmpfs *fs = tmpfs_of(&node->inode);
    mutex_lock(&fs->names);
    if (node->lower->overlay_of == &node->inode)
        node->lower->overlay_of = NULL;
    mutex_unlock(&fs->names);
    inode_put(node->lower);
    kfree(node->home_name);
    if (node->home)
        inode_put(&node->home->inode);
}

/* --- folders */

/* An open file of the lower folder, for its readdir. */
static int open_lower_dir(struct tmpfs_node *dir, struct file **out)
{
    struct inode *lower = dir->lower;
    struct file *file = file_alloc(lower->file_ops, O_RDONLY | O_DIRECTORY);
    if (!file)
        return -ENOMEM;
    inode_get(lower);
    file->inode = lower;
    int err = lower->file_ops->open ? lower->file_ops->open(lower, file) : 0;
    if (err < 0) {
        file_abandon(file);
        return err;
    }
    *out = file;
    return 0;
}

/* Hands on what the lower folder lists, as this folder sees it. */
struct lower_sink {
    struct dir_sink sink;
    struct dir_sink *to; /* NULL: only look whether there is anything */
    struct tmpfs_node *dir;
    bool any;
};

static bool lower_entry(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                        unsigned type, off_t next_pos)
{
    struct lower_sink *s = container_of(sink, struct lower_sink, sink);
    struct tmpfs *fs = tmpfs_of(&s->dir->inode);
    char copy[NAME_MAX + 1];
    if (len > NAME_MAX || (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
        return true;
    memcpy(copy, name, len);
    copy[len] = 0;
    bool hidden = false;
    mutex_lock(&fs->names);
    struct tmpfs_entry *e = tmpfs_entry_find(s->dir, copy);
    if (e) {
        hidden = !e->inode;
        if (e->inode) {
            ino = e->inode->ino;
            type = (e->inode->mode & S_IFMT) >> 12;
        }
    }
    mutex_unlock(&fs->names);
    if (hidden)
        return true;
    s->any = true;
    return s->to && s->to->entry(s->to, copy, len, ino, type, TMPFS_LOWER_POS + next_pos);
}

__cold bool overlay_dir_empty(struct tmpfs_node *dir)
{
    struct lower_sink sink = {{lower_entry}, NULL, dir, false};
    struct file *file;
    if (open_lower_dir(dir, &file) < 0)
        return false;
    int err = file->ops->readdir(file, &sink.sink);
    file_put(file);
    return err >= 0 && !sink.any;
}

int overlay_readdir(struct file *file, struct dir_sink *out)
{
    struct tmpfs_node *dir = tmpfs_node(file->inode);
    struct lower_sink sink = {{lower_entry}, out, dir, false};
    struct file *lower = file->data;
    if (!lower) {
        int err = open_lower_dir(dir, &lower);
        if (err < 0)
            return err;
        file->data = lower;
    }
    if (file->pos < TMPFS_LOWER_POS)
        file->pos = TMPFS_LOWER_POS;
    lower->pos = file->pos - TMPFS_LOWER_POS;
    int err = lower->ops->readdir(lower, &sink.sink);
    file->pos = TMPFS_LOWER_POS + lower->pos;
    return err;
}

void overlay_release_dir(struct file *file)
{
    if (file->data)
        file_put(file->data);
}

/* --- files */

int overlay_open(struct tmpfs_node *node, struct file *file)
{
    struct inode *lower = node->lower;
    if (file_writable(file))
        return overlay_pin(node);
    bool changed = atomic_load_explicit(&node->store.npages, memory_order_relaxed) ||
                   node->lower_size != lower->size || node->inode.size != lower->size;
    if (changed)
        return 0;
    inode_get(lower);
    file->inode = lower;
    file->ops = lower->file_ops;
    return lower->file_ops->open ? lower->file_ops->open(lower, file) : 0;
}

int overlay_page(struct tmpfs_node *node, uint64_t index, paddr_t *frame)
{
    struct inode *lower = node->lower;
    bool writable;
    int err = lower->mem.ops->page(&lower->mem, index, false, frame, &writable);
    return err == -EFAULT ? -EIO : err;
}

int overlay_copy_page(struct tmpfs_node *node, uint64_t index)
{
    paddr_t lower, frame = frame_alloc(0, FRAME_USER);
    if (!frame)
        return -ENOMEM;
    int err = overlay_page(node, index, &lower);
    if (err < 0) {
        frame_put(frame);
        return err;
    }
    uint64_t shown = MIN(node->lower_size - (index << PAGE_SHIFT), PAGE_SIZE);
    char *to = phys_to_virt(frame);
    memcpy(to, phys_to_virt(lower), shown);
    memset(to + shown, 0, PAGE_SIZE - shown);
    frame_put(lower);
    err = page_store_insert(&node->store, index, frame);
    if (err < 0)
        frame_put(frame);
    return err == -EEXIST ? 0 : err; /* another fault has copied it meanwhile */
}

/* Before the first change: a copy of all that the lower has. */
__cold int overlay_own_xattrs(struct tmpfs_node *node)
{
    struct inode *lower = node->lower;
    if (!lower || node->own_xattrs)
        return 0;
    node->own_xattrs = true;
    if (!lower->ops->listxattr || !lower->ops->getxattr)
        return 0;
    ssize_t n = lower->ops->listxattr(lower, NULL, 0);
    char *names = n > 0 ? kmalloc(n) : NULL;
    if (n > 0 && !names)
        return -ENOMEM;
    if (n > 0)
        n = lower->ops->listxattr(lower, names, n);
    int err = 0;
    for (char *name = names; err == 0 && n > 0 && name < names + n; name += strlen(name) + 1) {
        ssize_t size = lower->ops->getxattr(lower, name, NULL, 0);
        char *value = size >= 0 ? kmalloc(size + 1) : NULL;
        if (value)
            size = lower->ops->getxattr(lower, name, value, size);
        err = !value || size < 0 ? -ENOMEM : xattr_set(&node->xattrs, name, value, size, 0);
        kfree(value);
    }
    kfree(names);
    return err;
}

/* --- the file system */

static struct fs_type overlay_type = {.name = "overlay", .nodev = true};

__cold int overlay_create(struct super *lower, struct super **out)
{
    int err = tmpfs_create(&overlay_type, 0, 0755, out);
    if (err < 0)
        return err;
    struct tmpfs *fs = (*out)->data;
    struct tmpfs_node *root = tmpfs_node((*out)->root);
    fs->lower = lower;
    atomic_store_explicit(&fs->next_ino, OVERLAY_INO_FIRST, memory_order_relaxed);
    inode_get(lower->root);
    take_lower(root, lower->root);
    return 0;
}
