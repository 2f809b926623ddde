/* fs/mount.c: file systems, and where they are mounted. */
#include "fs/mount.h"

#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { REFS_DEAD = 1u << 31, MNT_DETACH = 2, MOUNT_FLAGS = 0x0020040f | MS_NODIRATIME };

struct list mounts = LIST_INIT(mounts);
struct mutex mounts_lock;
struct path vfs_root;
static struct fs_type *types;
static unsigned next_mount_id = 1;
static atomic_uint next_dev = 1;

/* --- file system types */

void fs_register(struct fs_type *type)
{
    struct fs_type **at = &types;
    while (*at)
        at = &(*at)->next;
    *at = type;
}

struct fs_type *fs_find(const char *name)
{
    for (struct fs_type *t = types; t; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

struct fs_type *fs_first(void)
{
    return types;
}

struct super *super_create(const struct fs_type *type)
{
    struct super *super = kzalloc(sizeof(*super));
    if (!super)
        return NULL;
    super->type = type;
    super->dev = makedev(0, atomic_fetch_add_explicit(&next_dev, 1, memory_order_relaxed));
    atomic_init(&super->refs, 1);
    atomic_init(&super->inodes, 1);
    return super;
}

void super_drop_inode(struct super *super)
{
    if (atomic_fetch_sub_explicit(&super->inodes, 1, memory_order_acq_rel) != 1)
        return;
    if (super->destroy)
        super->destroy(super);
    kfree(super);
}

static void super_put(struct super *super)
{
    if (atomic_fetch_sub_explicit(&super->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (super->root_dentry) {
        dentry_prune(super->root_dentry);
        dentry_put(super->root_dentry);
    } else {
        inode_put(super->root);
    }
    super_drop_inode(super);
}

/* --- references */

void mount_get(struct mount *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
}

bool mount_try_get(struct mount *m)
{
    unsigned old = atomic_fetch_add_explicit(&m->refs, 1, memory_order_acquire);
    return likely(!(old & REFS_DEAD));
}

static void mount_free(struct rcu_head *head)
{
    struct mount *m = container_of(head, struct mount, rcu);
    dentry_put(m->root);
    super_put(m->super);
    kfree((char *)m->source);
    kfree(m);
}

static bool claim(struct mount *m, unsigned refs)
{
    return atomic_compare_exchange_strong_explicit(&m->refs, &refs, REFS_DEAD, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

void mount_put(struct mount *m)
{
    if (likely(atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1))
        return;
    if (claim(m, 0))
        rcu_call(&m->rcu, mount_free);
}

void path_get(const struct path *path)
{
    mount_get(path->mount);
    dentry_get(path->dentry);
}

void path_put(const struct path *path)
{
    dentry_put(path->dentry);
    if (path->mount)
        mount_put(path->mount);
}

/* --- attaching (mounts_lock held) */

static void attach(struct mount *m, const struct path *on)
{
    list_add_tail(&mounts, &m->link);
    if (!on)
        return;
    path_get(on);
    on->mount->nmounts++;
    tree_change_begin();
    m->on = *on;
    rcu_store(m->next_here, on->dentry->mounted);
    rcu_store(on->dentry->mounted, m);
    tree_change_end();
}

/* The place's references are the caller's to put, in *on. */
static void detach(struct mount *m, struct path *on)
{
    *on = m->on;
    list_del(&m->link);
    m->detached = true;
    if (!on->dentry)
        return;
    struct mount *_Atomic *at = &on->dentry->mounted;
    while (*at != m)
        at = &(*at)->next_here;
    tree_change_begin();
    rcu_store(*at, m->next_here);
    m->on = (struct path){};
    tree_change_end();
    on->mount->nmounts--;
}

static struct mount *mount_create(struct super *super, struct dentry *root, const char *source,
                                  unsigned flags)
{
    struct mount *m = kzalloc(sizeof(*m));
    char *copy = kstrdup(source ? source : "none");
    if (!m || !copy) {
        kfree(m);
        kfree(copy);
        return NULL;
    }
    atomic_init(&m->refs, 1);
    m->super = super;
    m->root = root;
    m->source = copy;
    m->flags = flags & MOUNT_FLAGS;
    list_init(&m->link);
    return m;
}

/* Follow mounts that cover the place already: a new one goes on top. */
static struct path topmost(const struct path *on)
{
    struct path place = *on;
    for (struct mount *m; (m = mount_at(place.mount, place.dentry));)
        place = (struct path){m, m->root};
    return place;
}

static int add(struct mount *m, const struct path *on)
{
    mutex_lock(&mounts_lock);
    m->id = next_mount_id++;
    if (on) {
        struct path place = topmost(on);
        if (place.dentry->unhashed || place.mount->detached) {
            mutex_unlock(&mounts_lock);
            return -ENOENT;
        }
        attach(m, &place);
    } else {
        attach(m, NULL);
        mount_get(m);
        dentry_get(m->root);
        vfs_root = (struct path){m, m->root};
    }
    mutex_unlock(&mounts_lock);
    return 0;
}

int mount_super(struct super *super, const char *source, const struct path *on, unsigned flags)
{
    if (!super->root_dentry) {
        super->root_dentry = dentry_create_root(super, super->root, "");
        if (!super->root_dentry) {
            super_put(super);
            return -ENOMEM;
        }
    }
    dentry_get(super->root_dentry);
    struct mount *m = mount_create(super, super->root_dentry, source, flags);
    if (!m) {
        dentry_put(super->root_dentry);
        super_put(super);
        return -ENOMEM;
    }
    int err = add(m, on);
    if (err < 0)
        mount_put(m);
    return err;
}

/* --- what system calls ask for */

static bool is_dir(const struct dentry *d)
{
    return (d->inode->mode & S_IFMT) == S_IFDIR;
}

int vfs_mount(const char *source, const struct path *on, const char *type, unsigned flags,
              const char *options)
{
    struct fs_type *t = fs_find(type);
    if (!t)
        return -ENODEV;
    if (on && !is_dir(on->dentry))
        return -ENOTDIR;
    struct super *super = NULL;
    int err = t->mount(source, flags, options, &super);
    if (err < 0)
        return err;
    return mount_super(super, source, on, flags);
}

static struct mount *clone(const struct mount *m, struct dentry *root)
{
    struct mount *copy = mount_create(m->super, root, m->source, m->flags);
    if (!copy)
        return NULL;
    atomic_fetch_add_explicit(&m->super->refs, 1, memory_order_relaxed);
    dentry_get(root);
    return copy;
}

/* Repeat the mounts below `from` below the new mount. mounts_lock held; new ones are at the end of
 * the list, so each parent's copy is found by walking in order. */
static int clone_below(const struct path *from, struct mount *top)
{
    struct mapped {
        struct mount *old, *new;
        struct mapped *next;
    } first = {from->mount, top, NULL}, *seen = &first;
    int err = 0;
    struct list *last = mounts.prev;
    for (struct list *at = mounts.next; err == 0; at = at->next) {
        struct mount *m = list_entry(at, struct mount, link);
        struct mapped *parent = seen;
        while (parent && parent->old != m->on.mount)
            parent = parent->next;
        if (parent && m != top && dentry_is_below(m->on.dentry, parent->new->root)) {
            struct mapped *entry = kmalloc(sizeof(*entry));
            struct mount *copy = entry ? clone(m, m->root) : NULL;
            if (copy) {
                copy->id = next_mount_id++;
                struct path place = {parent->new, m->on.dentry};
                attach(copy, &place);
                *entry = (struct mapped){m, copy, seen};
                seen = entry;
            } else {
                kfree(entry);
                err = -ENOMEM;
            }
        }
        if (at == last)
            break;
    }
    while (seen != &first) {
        struct mapped *next = seen->next;
        kfree(seen);
        seen = next;
    }
    return err;
}

int vfs_bind(const struct path *from, const struct path *on, bool recursive)
{
    if (is_dir(from->dentry) != is_dir(on->dentry))
        return -ENOTDIR;
    struct mount *m = clone(from->mount, from->dentry);
    if (!m)
        return -ENOMEM;
    int err = add(m, on);
    if (err < 0) {
        mount_put(m);
        return err;
    }
    if (recursive) {
        mutex_lock(&mounts_lock);
        err = clone_below(from, m);
        mutex_unlock(&mounts_lock);
    }
    return err;
}

static bool is_mount_root(const struct path *path)
{
    return path->dentry == path->mount->root && path->mount->on.mount;
}

/* Take the mounts inside m away as well (lazily): each is detached and its reference dropped. */
static void detach_inside(struct mount *m)
{
    while (m->nmounts) {
        struct mount *inner = NULL;
        list_for_each (at, &mounts) {
            struct mount *candidate = list_entry(at, struct mount, link);
            if (candidate->on.mount == m)
                inner = candidate;
        }
        if (!inner)
            break;
        detach_inside(inner);
        struct path on;
        detach(inner, &on);
        path_put(&on);
        mount_put(inner);
    }
}

int vfs_unmount(const struct path *path, int flags)
{
    struct mount *m = path->mount;
    struct path on = {};
    int err = 0;
    mutex_lock(&mounts_lock);
    if (!is_mount_root(path)) {
        err = -EINVAL;
    } else if (flags & MNT_DETACH) {
        detach_inside(m);
        detach(m, &on);
    } else if (m->nmounts || atomic_load_explicit(&m->refs, memory_order_acquire) > 2) {
        err = -EBUSY; /* more than the tree's reference and the caller's */
    } else {
        detach(m, &on);
    }
    mutex_unlock(&mounts_lock);
    if (err == 0) {
        notify_inode(m->root->inode, IN_UNMOUNT);
        path_put(&on);
        mount_put(m);
    }
    return err;
}

int vfs_remount(const struct path *path, unsigned flags, const char *options)
{
    if (path->dentry != path->mount->root)
        return -EINVAL;
    path->mount->flags = flags & MOUNT_FLAGS;
    return 0;
}

int vfs_move_mount(const struct path *from, const struct path *on)
{
    struct mount *m = from->mount;
    struct path old = {};
    int err = 0;
    mutex_lock(&mounts_lock);
    struct path place = topmost(on);
    for (struct mount *above = place.mount; above; above = above->on.mount)
        if (above == m)
            err = -ELOOP;
    if (!is_mount_root(from))
        err = -EINVAL;
    else if (is_dir(from->dentry) != is_dir(on->dentry))
        err = -ENOTDIR;
    if (err == 0) {
        detach(m, &old);
        m->detached = false;
        attach(m, &place);
    }
    mutex_unlock(&mounts_lock);
    if (err == 0)
        path_put(&old);
    return err;
}

int vfs_statfs(const struct path *path, struct statfs_info *info)
{
    struct super *super = path->dentry->super;
    *info = (struct statfs_info){.bsize = PAGE_SIZE, .namelen = NAME_MAX};
    if (!super)
        return -ENOSYS;
    if (super->statfs)
        super->statfs(super, info);
    info->fsid = super->dev;
    info->flags = 0x20 | (path->mount ? path->mount->flags & 0xf : 0); /* ST_VALID */
    if (super->readonly)
        info->flags |= MS_RDONLY;
    return 0;
}

/* --- names of places */

static char *prepend(char *start, char *at, const char *s, size_t n)
{
    if ((size_t)(at - start) < n)
        return NULL;
    return memcpy(at - n, s, n);
}

/* One step up: the name is put before *at. False: at the top of everything. */
static bool name_step(struct path *p, char *start, char **at)
{
    while (p->dentry == p->mount->root) {
        if (!p->mount->on.mount)
            return false;
        *p = p->mount->on;
    }
    *at = prepend(start, *at, p->dentry->name, p->dentry->name_len);
    if (*at)
        *at = prepend(start, *at, "/", 1);
    p->dentry = p->dentry->parent;
    return true;
}

static char *name_anonymous(const struct dentry *d, char *buf, size_t size)
{
    const char *mark = strstr(d->name, "%ino");
    int len = mark ? snprintf(buf, size, "%.*s%lu%s", (int)(mark - d->name), d->name, d->inode->ino,
                              mark + 4)
                   : snprintf(buf, size, "%s", d->name);
    return (size_t)len < size ? buf : NULL;
}

char *path_name(const struct path *path, char *buf, size_t size)
{
    static const char deleted[] = " (deleted)";
    if (path->dentry->anonymous)
        return name_anonymous(path->dentry, buf, size);
    if (size < 2)
        return NULL;
    struct path root = *vfs_caller_hook()->root, p = *path;
    char *at = buf + size;
    *--at = 0;
    if (p.dentry->unhashed && !(at = prepend(buf, at, deleted, sizeof(deleted) - 1)))
        return NULL;
    char *end = at;
    mutex_lock(&dentry_lock);
    bool inside = true;
    while (at && inside && !(p.mount == root.mount && p.dentry == root.dentry))
        inside = name_step(&p, buf, &at);
    mutex_unlock(&dentry_lock);
    if (at == end)
        at = prepend(buf, at, "/", 1);
    if (at && !inside && !(p.mount == vfs_root.mount))
        at = prepend(buf, at, "(unreachable)", 13);
    return at;
}
