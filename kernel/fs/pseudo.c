/* fs/pseudo.c: file systems whose files are made when they are read. */
#include "fs/pseudo.h"

#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { WRITE_MAX = 65536 };
/* Positions of readdir: fixed entries from 2, registered ones behind them, numbers from here. */
#define NUMBERS_POS ((off_t)1 << 32)

struct pseudo_node {
    struct inode inode;
    struct pseudo self;
};

static const struct inode_ops node_ops, magic_ops;
static const struct file_ops file_ops, polled_ops, dir_ops;
static struct kcache node_cache = {.name = "pseudo", .size = sizeof(struct pseudo_node)};

static const struct pseudo *self_of(const struct inode *inode)
{
    return &container_of(inode, struct pseudo_node, inode)->self;
}

const struct pseudo *pseudo_of_folder(const struct file *file)
{
    return file->ops == &dir_ops ? self_of(file->inode) : NULL;
}

static const struct pseudo_special *special_of(const struct pseudo *self)
{
    static const struct pseudo_special none;
    return self->entry->special ? self->entry->special : &none;
}

/* What lies in the kernel's image, by the low half of its address. */
static void *in_image(uint32_t low)
{
    return low ? (void *)(~0ul << 32 | low) : NULL;
}

static uint32_t low_half(const void *address)
{
    assert(in_image((uintptr_t)address) == address);
    return (uintptr_t)address;
}

/* --- nodes */

int (*pseudo_guard_hook)(const struct pseudo *self);

static uint64_t ino_of(const struct pseudo *self)
{
    uint64_t h = (uintptr_t)self->entry >> 3;
    h = (h ^ self->key * 0x9e3779b97f4a7c15ull) + self->subkey * 0xc2b2ae3d27d4eb4full;
    return (h ^ h >> 29) & 0x7fffffffffffull;
}

void (*pseudo_owner_hook)(const struct pseudo *self, struct attributes *attr);

/* What the entry says of itself, on what the inode says. */
static void own_attr(const struct inode *inode, const struct pseudo *self, struct attributes *attr)
{
    attr->mode = inode->mode;
    if (inode->flags & INODE_OWNED)
        pseudo_owner_hook(self, attr);
    if (special_of(self)->attr)
        special_of(self)->attr(self, attr);
    attr->mode = (inode->mode & S_IFMT) | (attr->mode & 07777);
}

static struct inode *make_node(struct super *super, const struct pseudo *self, uint32_t inherited)
{
    struct pseudo_node *node = kcache_alloc(&node_cache);
    if (!node)
        return NULL;
    struct inode *inode = &node->inode;
    node->self = *self;
    inode_init(inode, super, self->entry->mode);
    inode->ops = inode_is(inode, S_IFLNK) && special_of(self)->follow ? &magic_ops : &node_ops;
    inode->file_ops = inode_is(inode, S_IFDIR) ? &dir_ops : &file_ops;
    inode->ino = ino_of(self);
    inode->flags = self->entry->flags | inherited;
    inode->nlink = inode_is(inode, S_IFDIR) ? 2 : 1;
    inode->atime = inode->mtime = inode->ctime = inode->btime = timespec_now();
    struct attributes attr = {};
    own_attr(inode, self, &attr);
    inode->uid = attr.uid;
    inode->gid = attr.gid;
    inode->mode = attr.mode;
    inode->size = attr.size;
    return inode;
}

static void destroy_node(struct inode *inode)
{
    kcache_free(&node_cache, container_of(inode, struct pseudo_node, inode));
}

/* The n-th fixed or registered entry; NULL past the end. */
static const struct pseudo_entry *entry_at(const struct pseudo_entry *folder, uint64_t n)
{
    if (n < folder->ntable)
        return &folder->table[n];
    const struct pseudo_entry *e = in_image(folder->registered);
    for (n -= folder->ntable; e && n; n--)
        e = in_image(e->sibling);
    if (e)
        return e;
    for (const struct pseudo_group *g = in_image(folder->groups); g; n -= g->count, g = g->next)
        if (n < g->count)
            return &g->entries[n];
    return NULL;
}

static const struct pseudo_entry *named(const struct pseudo_entry *entries, unsigned count,
                                        const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

/* The fixed or registered entry of this name, or NULL. */
static const struct pseudo_entry *entry_named(const struct pseudo_entry *folder, const char *name)
{
    const struct pseudo_entry *found = named(folder->table, folder->ntable, name);
    for (const struct pseudo_entry *e = in_image(folder->registered); e && !found;
         e = in_image(e->sibling))
        found = named(e, 1, name);
    for (const struct pseudo_group *g = in_image(folder->groups); g && !found; g = g->next)
        found = named(g->entries, g->count, name);
    return found;
}

static int lookup(struct inode *dir, const char *name, struct inode **found)
{
    const struct pseudo *self = self_of(dir);
    const struct pseudo_entry *folder = self->entry;
    struct pseudo child = *self;
    child.entry = entry_named(folder, name);
    int err = child.entry                ? 0
              : special_of(self)->lookup ? special_of(self)->lookup(self, name, &child)
                                         : -ENOENT;
    if (err < 0)
        return err;
    *found =
        make_node(dir->super, &child, dir->flags & (INODE_CLOSED | INODE_BY_MODE | INODE_OWNED));
    return *found ? 0 : -ENOMEM;
}

static ssize_t copy_out(const char *s, size_t len, char *buf, size_t size)
{
    size_t n = MIN(len, size);
    memcpy(buf, s, n);
    return n;
}

static ssize_t read_magic(const struct pseudo *self, char *buf, size_t size)
{
    struct path place;
    int err = special_of(self)->follow(self, &place);
    if (err < 0)
        return err;
    char *name = kmalloc(PATH_MAX), *start = name ? path_name(&place, name, PATH_MAX) : NULL;
    path_put(&place);
    ssize_t n = start ? copy_out(start, strlen(start), buf, size) : name ? -ENAMETOOLONG : -ENOMEM;
    kfree(name);
    return n;
}

static ssize_t readlink(struct inode *inode, char *buf, size_t size)
{
    const struct pseudo *self = self_of(inode);
    struct text text = {};
    int err = inode->flags & INODE_GUARDED ? pseudo_guard_hook(self) : 0;
    if (err < 0)
        return err;
    if (!self->entry->show)
        return special_of(self)->follow ? read_magic(self, buf, size) : -EINVAL;
    err = self->entry->show(&text, self);
    if (err == 0 && text.failed)
        err = -ENOMEM;
    ssize_t n = err < 0 ? err : copy_out(text.buf, text.len, buf, size);
    kfree(text.buf);
    return n;
}

static int follow(struct inode *inode, struct path *place)
{
    const struct pseudo *self = self_of(inode);
    int err = inode->flags & INODE_GUARDED ? pseudo_guard_hook(self) : 0;
    return err ?: special_of(self)->follow(self, place);
}

static int get_attributes(struct inode *inode, struct attributes *attr)
{
    const struct pseudo *self = self_of(inode);
    attr->blksize = 1024;
    attr->blocks = 0;
    own_attr(inode, self, attr);
    return 0;
}

/* Only what opening with O_TRUNC asks. */
static int set_attributes(struct inode *inode, const struct attributes *attr)
{
    return attr->mask & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

static bool allows(const struct inode *inode)
{
    const struct pseudo *self = self_of(inode);
    return special_of(self)->allows && special_of(self)->allows(self);
}

static const struct inode_ops node_ops = {
    .allows = allows,
    .lookup = lookup,
    .readlink = readlink,
    .getattr = get_attributes,
    .setattr = set_attributes,
    .destroy = destroy_node,
};
static const struct inode_ops magic_ops = {
    .readlink = readlink,
    .follow = follow,
    .getattr = get_attributes,
    .setattr = set_attributes,
    .destroy = destroy_node,
};

/* --- files: the text is made at the first read and again whenever one starts at 0 */

struct contents {
    struct mutex lock;
    struct text text;
    unsigned seen; /* for the entry's poll */
    bool made;
};

static int open_file(struct inode *inode, struct file *file)
{
    const struct pseudo *self = self_of(inode);
    int err = inode->flags & INODE_GUARDED ? pseudo_guard_hook(self) : 0;
    if (err < 0)
        return err;
    if (special_of(self)->open)
        return special_of(self)->open(self, file);
    if (file_writable(file) && !self->entry->store)
        return -EACCES;
    struct contents *c = kzalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    file->data = c;
    if (special_of(self)->poll) {
        file->ops = &polled_ops;
        special_of(self)->poll(self, NULL, &c->seen); /* what it was like when it was opened */
    }
    return 0;
}

static unsigned poll_file(struct file *file, struct poll_table *table)
{
    const struct pseudo *self = self_of(file->inode);
    struct contents *c = file->data;
    return special_of(self)->poll(self, table, &c->seen);
}

static void release_file(struct file *file)
{
    struct contents *c = file->data;
    kfree(c->text.buf);
    kfree(c);
}

static int make_contents(struct contents *c, const struct pseudo *self)
{
    c->text.len = 0;
    c->text.failed = false;
    c->made = false;
    /* Once more: the process may run by now what the reader may not look into. */
    int err = self->entry->flags & INODE_GUARDED ? pseudo_guard_hook(self) : 0;
    if (err == 0)
        err = self->entry->show(&c->text, self);
    if (err < 0)
        return err;
    c->made = true;
    return c->text.failed ? -ENOMEM : 0;
}

static ssize_t read_file(struct file *file, struct io *io, off_t *pos)
{
    const struct pseudo *self = self_of(file->inode);
    struct contents *c = file->data;
    ssize_t n = 0;
    if (!self->entry->show)
        return -EINVAL;
    mutex_lock(&c->lock);
    if (!c->made || *pos == 0)
        n = make_contents(c, self);
    if (n == 0 && (uint64_t)*pos < c->text.len && io->left) {
        n = io_put(io, c->text.buf + *pos, MIN(io->left, c->text.len - *pos));
        if (n == 0)
            n = -EFAULT;
        else
            *pos += n;
    }
    mutex_unlock(&c->lock);
    return n;
}

static ssize_t write_file(struct file *file, struct io *io, off_t *pos)
{
    const struct pseudo *self = self_of(file->inode);
    size_t n = MIN(io->left, (size_t)WRITE_MAX);
    if (!self->entry->store)
        return -EIO;
    char *text = kmalloc(n + 1);
    if (!text)
        return -ENOMEM;
    size_t got = io_get(io, text, n);
    text[got] = 0;
    int err = got < n ? -EFAULT : self->entry->store(self, text, n);
    kfree(text);
    if (err < 0)
        return err;
    *pos += n;
    return n;
}

static const struct file_ops file_ops = {
    .open = open_file,
    .release = release_file,
    .read = read_file,
    .write = write_file,
    .seek = file_seek_generic,
};

static const struct file_ops polled_ops = {
    .open = open_file,
    .release = release_file,
    .read = read_file,
    .write = write_file,
    .seek = file_seek_generic,
    .poll = poll_file,
};

/* --- folders */

static int read_numbers(struct file *file, struct dir_sink *sink)
{
    const struct pseudo *self = self_of(file->inode);
    char name[NAME_MAX + 1];
    struct pseudo child;
    uint64_t cursor = file->pos - NUMBERS_POS;
    for (;;) {
        child = *self;
        if (!special_of(self)->next(self, &cursor, name, &child))
            return 0;
        off_t next = NUMBERS_POS + cursor;
        if (!sink->entry(sink, name, strlen(name), ino_of(&child),
                         (child.entry->mode & S_IFMT) >> 12, next))
            return 0;
        file->pos = next;
    }
}

static int read_dir(struct file *file, struct dir_sink *sink)
{
    const struct pseudo *self = self_of(file->inode);
    if (!dir_emit_dots(file, sink))
        return 0;
    const struct pseudo_entry *e;
    while (file->pos < NUMBERS_POS && (e = entry_at(self->entry, file->pos - 2))) {
        struct pseudo child = {e, self->key, self->subkey};
        if (!sink->entry(sink, e->name, strlen(e->name), ino_of(&child), (e->mode & S_IFMT) >> 12,
                         file->pos + 1))
            return 0;
        file->pos++;
    }
    if (!special_of(self)->next)
        return 0;
    if (file->pos < NUMBERS_POS)
        file->pos = NUMBERS_POS;
    return read_numbers(file, sink);
}

static off_t seek_dir(struct file *file, off_t offset, int whence)
{
    if (whence == 1)
        offset += file->pos;
    if ((whence != 0 && whence != 1) || offset < 0)
        return -EINVAL;
    return file->pos = offset;
}

static const struct file_ops dir_ops = {.readdir = read_dir, .seek = seek_dir};

/* --- for the file systems */

void pseudo_register(struct pseudo_entry *folder, struct pseudo_entry *entry)
{
    uint32_t *at = &folder->registered;
    while (*at)
        at = &((struct pseudo_entry *)in_image(*at))->sibling;
    entry->sibling = 0;
    *at = low_half(entry);
}

static struct pseudo_entry *child_folder(struct pseudo_entry *folder, const char *name, size_t len)
{
    struct pseudo_entry *e = in_image(folder->registered);
    while (e && !(*e->name == *name && strncmp(e->name, name, len) == 0 && !e->name[len]))
        e = in_image(e->sibling);
    return e;
}

struct pseudo_entry *pseudo_folder(struct pseudo_entry *folder, const char *path)
{
    while (folder && *path) {
        const char *slash = strchr(path, '/');
        size_t len = slash ? (size_t)(slash - path) : strlen(path);
        folder = child_folder(folder, path, len);
        path += len + (slash != NULL);
    }
    return folder;
}

void pseudo_register_group(struct pseudo_entry *folder, struct pseudo_group *group)
{
    group->next = in_image(folder->groups);
    folder->groups = low_half(group);
}

int pseudo_mount(const struct fs_type *type, const struct pseudo_entry *root, struct super **out)
{
    struct pseudo self = {.entry = root};
    struct super *super = super_create(type);
    struct inode *inode = super ? make_node(super, &self, 0) : NULL;
    if (!inode) {
        kfree(super);
        return -ENOMEM;
    }
    inode->ino = 1;
    super->root = inode;
    super->no_cache = true;
    *out = super;
    return 0;
}

uint64_t pseudo_number(const char *name)
{
    uint64_t n;
    if (name[0] < '1' || name[0] > '9' || strlen(name) > 10 || parse_u64(name, 10, &n) < 0)
        return 0;
    return n;
}
