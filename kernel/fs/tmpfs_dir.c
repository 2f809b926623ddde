/* fs/tmpfs_dir.c: the names in tmpfs's folders: two trees, by name and in order of making. */
#include "fs/dentry.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

/* --- entries (names held) */

static int compare(uint32_t hash, const char *name, const struct tmpfs_entry *e)
{
    if (hash != e->hash)
        return hash < e->hash ? -1 : 1;
    return strcmp(name, e->name);
}

struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_node *dir, const char *name)
{
    struct rb_node *at = dir->names.root;
    uint32_t hash = at ? name_hash(name, strlen(name)) : 0;
    while (at) {
        struct tmpfs_entry *e = container_of(at, struct tmpfs_entry, by_name);
        int order = compare(hash, name, e);
        if (order == 0)
            return e;
        at = order < 0 ? at->left : at->right;
    }
    return NULL;
}

static void insert_by_name(struct tmpfs_node *dir, struct tmpfs_entry *e)
{
    struct rb_node *parent = NULL, **link = &dir->names.root;
    while (*link) {
        parent = *link;
        int order = compare(e->hash, e->name, container_of(parent, struct tmpfs_entry, by_name));
        link = order < 0 ? &parent->left : &parent->right;
    }
    rb_insert(&dir->names, &e->by_name, parent, link);
}

static void insert_by_cookie(struct tmpfs_node *dir, struct tmpfs_entry *e)
{
    struct rb_node *parent = NULL, **link = &dir->order.root;
    e->cookie = dir->next_cookie++;
    while (*link) {
        parent = *link;
        link = &parent->right; /* the newest is the largest */
    }
    rb_insert(&dir->order, &e->by_cookie, parent, link);
}

struct tmpfs_entry *tmpfs_entry_add(struct tmpfs_node *dir, const char *name, bool in_lower)
{
    size_t len = strlen(name);
    struct tmpfs_entry *e = kmalloc(sizeof(*e) + len + 1);
    if (!e)
        return NULL;
    memcpy(e->name, name, len + 1);
    e->hash = name_hash(name, len);
    e->inode = NULL;
    e->in_lower = in_lower;
    insert_by_name(dir, e);
    insert_by_cookie(dir, e);
    return e;
}

static void entry_free(struct tmpfs_node *dir, struct tmpfs_entry *e)
{
    rb_remove(&dir->names, &e->by_name);
    rb_remove(&dir->order, &e->by_cookie);
    kfree(e);
}

/* Give the name an inode (takes over a reference); returns the one it had, for the caller to put.
 */
static struct inode *entry_set(struct tmpfs_node *dir, struct tmpfs_entry *e, struct inode *inode)
{
    struct inode *old = e->inode;
    dir->nentries += (inode != NULL) - (old != NULL);
    e->inode = inode;
    return old;
}

/* Take the name's inode away, and the entry unless it has to hide the lower's. */
static struct inode *entry_clear(struct tmpfs_node *dir, struct tmpfs_entry *e)
{
    struct inode *old = entry_set(dir, e, NULL);
    if (!e->in_lower || !dir->lower)
        entry_free(dir, e);
    return old;
}

void tmpfs_drop_entries(struct tmpfs_node *dir)
{
    struct rb_node *at;
    while ((at = dir->names.root)) {
        struct tmpfs_entry *e = container_of(at, struct tmpfs_entry, by_name);
        struct inode *inode = e->inode;
        entry_free(dir, e);
        inode_put(inode);
    }
}

/* --- operations */

/* devfs: make what has been put off until somebody looks for it; true if there was anything. */
static bool populate(struct inode *dir)
{
    struct tmpfs *fs = tmpfs_of(dir);
    if (likely(!atomic_load_explicit(&fs->populate, memory_order_relaxed)))
        return false;
    void (*fn)(struct inode *) = atomic_exchange(&fs->populate, NULL);
    if (fn)
        fn(dir->super->root);
    return fn != NULL;
}

/* The inode of an own entry with a reference, or NULL; *hidden: it says there is none. */
static struct inode *find_own(struct inode *dir, const char *name, bool *hidden)
{
    struct tmpfs *fs = tmpfs_of(dir);
    mutex_lock(&fs->names);
    struct tmpfs_entry *e = tmpfs_entry_find(tmpfs_node(dir), name);
    struct inode *inode = e ? e->inode : NULL;
    if (inode)
        inode_get(inode);
    mutex_unlock(&fs->names);
    *hidden = e && !inode;
    return inode;
}

int tmpfs_lookup(struct inode *dir, const char *name, struct inode **found)
{
    struct tmpfs_node *node = tmpfs_node(dir);
    bool hidden;
    *found = find_own(dir, name, &hidden);
    if (!*found && populate(dir))
        *found = find_own(dir, name, &hidden);
    if (*found)
        return 0;
    return node->lower && !hidden ? overlay_lookup(node, name, found) : -ENOENT;
}

int tmpfs_add(struct inode *dir, const char *name, struct inode *inode)
{
    struct tmpfs *fs = tmpfs_of(dir);
    struct tmpfs_node *node = tmpfs_node(dir);
    int err = overlay_pin(node);
    if (err < 0)
        return err;
    mutex_lock(&fs->names);
    struct tmpfs_entry *e = tmpfs_entry_find(node, name);
    if (!e)
        e = tmpfs_entry_add(node, name, false);
    if (e) {
        inode_get(inode);
        entry_set(node, e, inode);
    }
    mutex_unlock(&fs->names);
    if (!e)
        return -ENOMEM;
    inode_touch(dir, true);
    return 0;
}

int tmpfs_link(struct inode *dir, const char *name, struct inode *inode)
{
    int err = overlay_pin(tmpfs_node(inode));
    if (err == 0)
        err = tmpfs_add(dir, name, inode);
    if (err < 0)
        return err;
    inode->nlink++;
    inode_touch(inode, false);
    return 0;
}

/* One name less of a file; all of a folder. Returns a reference to put, if it had one of its own.
 */
static struct inode *drop_link(struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    if (inode_is(inode, S_IFDIR))
        inode->nlink = 0;
    else if (inode->nlink)
        inode->nlink--;
    inode_touch(inode, false);
    if (inode->nlink || !node->kept)
        return NULL;
    node->kept = false;
    return inode;
}

/* Take a name with its inode out of a folder (pinned). */
static int remove_name(struct tmpfs_node *dir, const char *name, struct inode *inode)
{
    struct tmpfs *fs = tmpfs_of(&dir->inode);
    struct inode *old = NULL;
    mutex_lock(&fs->names);
    struct tmpfs_entry *e = tmpfs_entry_find(dir, name);
    if (e)
        old = entry_clear(dir, e);
    else
        e = tmpfs_entry_add(dir, name, true); /* hides the lower's */
    if (e)
        overlay_unnamed(tmpfs_node(inode));
    mutex_unlock(&fs->names);
    inode_put(old);
    return e ? 0 : -ENOMEM;
}

int tmpfs_unlink(struct inode *dir, const char *name, struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    int err = overlay_pin(tmpfs_node(dir));
    if (err == 0 && inode->nlink > 1)
        err = overlay_pin(node);
    if (err == 0)
        err = remove_name(tmpfs_node(dir), name, inode);
    if (err < 0)
        return err;
    inode_put(drop_link(inode));
    inode_touch(dir, true);
    return 0;
}

static bool is_empty(struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    return node->nentries == 0 && (!node->lower || overlay_dir_empty(node));
}

int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *inode)
{
    if (!is_empty(inode))
        return -ENOTEMPTY;
    int err = overlay_pin(tmpfs_node(dir));
    if (err == 0)
        err = remove_name(tmpfs_node(dir), name, inode);
    if (err < 0)
        return err;
    inode_put(drop_link(inode));
    dir->nlink--;
    inode_touch(dir, true);
    return 0;
}

/* --- rename */

enum { EXCHANGE = 2, WHITEOUT = 4 };

static int swap_entries(struct tmpfs_node *from_dir, const char *from, struct tmpfs_node *to_dir,
                        const char *to)
{
    struct tmpfs_entry *a = tmpfs_entry_find(from_dir, from);
    struct tmpfs_entry *b = tmpfs_entry_find(to_dir, to);
    struct inode *inode = a->inode;
    a->inode = b->inode;
    b->inode = inode;
    return 0;
}

/* names held; both folders and inode pinned. left: what takes the old name, or NULL. *old: a
 * reference to put. */
static int move_entry(struct tmpfs_node *from_dir, const char *from, struct tmpfs_node *to_dir,
                      const char *to, struct inode *target, struct inode *left, struct inode **old)
{
    struct tmpfs_entry *b = tmpfs_entry_find(to_dir, to);
    if (!b)
        b = tmpfs_entry_add(to_dir, to, target != NULL); /* a clean target is the lower's */
    if (!b)
        return -ENOMEM;
    struct tmpfs_entry *a = tmpfs_entry_find(from_dir, from);
    struct inode *moved = left ? entry_set(from_dir, a, left) : entry_clear(from_dir, a);
    *old = entry_set(to_dir, b, moved);
    if (target)
        overlay_unnamed(tmpfs_node(target));
    return 0;
}

static int pin_all(struct inode *from_dir, struct inode *inode, struct inode *to_dir,
                   struct inode *target, unsigned flags)
{
    int err = overlay_pin(tmpfs_node(from_dir));
    if (err == 0)
        err = overlay_pin(tmpfs_node(to_dir));
    if (err == 0)
        err = overlay_pin(tmpfs_node(inode));
    if (err == 0 && target && (flags & EXCHANGE || target->nlink > 1))
        err = overlay_pin(tmpfs_node(target));
    return err;
}

int tmpfs_rename(struct inode *from_dir, const char *from, struct inode *inode,
                 struct inode *to_dir, const char *to, struct inode *target, unsigned flags)
{
    struct tmpfs *fs = tmpfs_of(from_dir);
    struct inode *old = NULL;
    bool folder = inode_is(inode, S_IFDIR), exchange = flags & EXCHANGE;
    bool target_folder = target && inode_is(target, S_IFDIR);
    if (target_folder && !exchange && !is_empty(target))
        return -ENOTEMPTY;
    int err = pin_all(from_dir, inode, to_dir, target, flags);
    if (err < 0)
        return err;
    struct tmpfs_node *left = NULL;
    if (flags & WHITEOUT && !(left = tmpfs_node_create(from_dir->super, from_dir, S_IFCHR)))
        return -ENOMEM;
    mutex_lock(&fs->names);
    if (exchange)
        err = swap_entries(tmpfs_node(from_dir), from, tmpfs_node(to_dir), to);
    else
        err = move_entry(tmpfs_node(from_dir), from, tmpfs_node(to_dir), to, target,
                         left ? &left->inode : NULL, &old);
    mutex_unlock(&fs->names);
    if (err < 0) {
        inode_put(left ? &left->inode : NULL);
        return err;
    }
    from_dir->nlink -= folder;
    to_dir->nlink += folder;
    if (exchange) {
        from_dir->nlink += target_folder;
        to_dir->nlink -= target_folder;
        inode_touch(target, false);
    } else if (target) {
        to_dir->nlink -= target_folder;
        inode_put(drop_link(target));
    }
    inode_touch(inode, false);
    inode_touch(from_dir, true);
    inode_touch(to_dir, true);
    inode_put(old);
    return 0;
}

/* --- reading folders: position 0 is ".", 1 "..", then the entries' cookies */

struct listed {
    uint64_t ino, cookie;
    unsigned type;
    char name[NAME_MAX + 1];
};

/* The first entry at or after the position that readdir shows here. */
static bool next_entry(struct tmpfs_node *dir, uint64_t pos, struct listed *listed)
{
    struct tmpfs *fs = tmpfs_of(&dir->inode);
    struct rb_node *at = dir->order.root, *best = NULL;
    mutex_lock(&fs->names);
    while (at) {
        bool fits = container_of(at, struct tmpfs_entry, by_cookie)->cookie >= pos;
        if (fits)
            best = at;
        at = fits ? at->left : at->right;
    }
    struct tmpfs_entry *e = NULL;
    for (; best; best = rb_next(best)) {
        e = container_of(best, struct tmpfs_entry, by_cookie);
        if (e->inode && !(e->in_lower && dir->lower))
            break;
    }
    if (best) {
        listed->ino = e->inode->ino;
        listed->cookie = e->cookie;
        listed->type = (e->inode->mode & S_IFMT) >> 12;
        strlcpy(listed->name, e->name, sizeof(listed->name));
    }
    mutex_unlock(&fs->names);
    return best != NULL;
}

bool dir_emit_dots(struct file *file, struct dir_sink *sink)
{
    struct dentry *dentry = file->path.dentry;
    if (file->pos == 0) {
        struct inode *self = dentry->inode;
        if (!sink->entry(sink, ".", 1, self->ino, S_IFDIR >> 12, 1))
            return false;
        file->pos = 1;
    }
    if (file->pos == 1) {
        struct dentry *parent = dentry_get_parent(dentry);
        uint64_t ino = ((struct inode *)parent->inode)->ino;
        dentry_put(parent);
        if (!sink->entry(sink, "..", 2, ino, S_IFDIR >> 12, 2))
            return false;
        file->pos = 2;
    }
    return true;
}

static int read_dir(struct file *file, struct dir_sink *sink)
{
    struct tmpfs_node *dir = tmpfs_node(file->inode);
    struct listed listed;
    populate(file->inode);
    if (!dir_emit_dots(file, sink))
        return 0;
    if (file->pos < TMPFS_LOWER_POS) {
        while (next_entry(dir, file->pos, &listed)) {
            if (!sink->entry(sink, listed.name, strlen(listed.name), listed.ino, listed.type,
                             listed.cookie + 1))
                return 0;
            file->pos = listed.cookie + 1;
        }
    }
    return dir->lower ? overlay_readdir(file, sink) : 0;
}

static off_t seek_dir(struct file *file, off_t offset, int whence)
{
    if (whence == 1)
        offset += file->pos;
    else if (whence != 0)
        return -EINVAL;
    if (offset < 0)
        return -EINVAL;
    file->pos = offset;
    return offset;
}

static int sync_dir(struct file *file, bool data_only)
{
    return 0;
}

const struct file_ops tmpfs_dir_ops = {
    .readdir = read_dir,
    .seek = seek_dir,
    .fsync = sync_dir,
    .release = overlay_release_dir,
};
