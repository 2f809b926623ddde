/* fs/mount.c: file systems, and where they are mounted. */
#include "fs/mount.h"

#include "core/panic.h"
#include "fs/dentry.h"
#include "lib/string.h"
#include "mm/heap.h"

/* Beside the count. MARKED: for MNT_EXPIRE; whoever takes a reference is counted. */
enum { REFS_DEAD = 1u << 31, REFS_MARKED = 1u << 30 };

struct list mounts = LIST_INIT(mounts);
struct mutex mounts_lock;
struct waitqueue mounts_wait = {.waiters = LIST_INIT(mounts_wait.waiters)};
atomic_uint mounts_changes;

void mounts_changed(void)
{
    atomic_fetch_add_explicit(&mounts_changes, 1, memory_order_release);
    waitqueue_wake(&mounts_wait, 0, POLLPRI | POLLERR);
}
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

struct super *super_get(struct super *super)
{
    atomic_fetch_add_explicit(&super->refs, 1, memory_order_relaxed);
    return super;
}

void super_put(struct super *super)
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
    if (likely(!(old & (REFS_DEAD | REFS_MARKED))))
        return true;
    if (old & REFS_DEAD)
        return false;
    atomic_fetch_add_explicit(&m->uses, 1, memory_order_relaxed);
    return true;
}

unsigned mount_users(const struct mount *m)
{
    return (atomic_load_explicit(&m->refs, memory_order_acquire) & ~REFS_MARKED) - 1;
}

bool mount_mark(struct mount *m)
{
    bool marked =
        atomic_fetch_or_explicit(&m->refs, REFS_MARKED, memory_order_relaxed) & REFS_MARKED;
    /* The caller's own look-up is one. */
    return atomic_exchange_explicit(&m->uses, 0, memory_order_relaxed) <= 1 && marked;
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

unsigned mount_max = 100000;
static size_t listed;

int mount_room(size_t n)
{
    return listed + n > mount_max ? -ENOSPC : 0;
}

void mount_unlist(struct mount *m)
{
    list_del(&m->link);
    listed--;
}

void mount_attach(struct mount *m, const struct path *on)
{
    list_add_tail(&mounts, &m->link);
    listed++;
    mounts_changed();
    m->detached = false;
    if (!on)
        return;
    path_get(on);
    on->mount->nmounts++;
    mutex_lock(&dentry_lock);
    tree_change_begin();
    m->on = *on;
    rcu_store(m->next_here, on->dentry->mounted);
    rcu_store(on->dentry->mounted, m);
    dentry_mounted(on->dentry);
    tree_change_end();
    mutex_unlock(&dentry_lock);
}

void mount_detach(struct mount *m, struct path *on)
{
    *on = m->on;
    mount_unlist(m);
    mounts_changed();
    m->detached = true;
    m->anonymous = false;
    atomic_fetch_and_explicit(&m->refs, ~REFS_MARKED, memory_order_relaxed);
    if (!on->dentry)
        return;
    struct mount *_Atomic *at = &on->dentry->mounted;
    while (*at != m)
        at = &(*at)->next_here;
    mutex_lock(&dentry_lock);
    tree_change_begin();
    rcu_store(*at, m->next_here);
    m->on = (struct path){};
    dentry_unmounted(on->dentry);
    tree_change_end();
    mutex_unlock(&dentry_lock);
    on->mount->nmounts--;
}

struct mount *mount_create(struct super *super, struct dentry *root, const char *source,
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
    m->id = next_mount_id++;
    list_init(&m->link);
    return m;
}

struct path mount_topmost(const struct path *on)
{
    struct path place = *on;
    for (struct mount *m; (m = mount_at(place.mount, place.dentry));)
        place = (struct path){m, m->root};
    return place;
}

struct path mount_lock_place(const struct path *on)
{
    for (;;) {
        mutex_lock(&mounts_lock);
        struct path place = mount_topmost(on);
        path_get(&place);
        mutex_unlock(&mounts_lock);
        read_lock(&place.dentry->inode->lock);
        mutex_lock(&mounts_lock);
        struct path now = mount_topmost(on);
        if (now.mount == place.mount && now.dentry == place.dentry)
            return place;
        mount_unlock_place(&place);
    }
}

void mount_unlock_place(const struct path *place)
{
    mutex_unlock(&mounts_lock);
    read_unlock(&place->dentry->inode->lock);
    path_put(place);
}

static bool is_dir(const struct dentry *d)
{
    return (d->inode->mode & S_IFMT) == S_IFDIR;
}

/* May m be attached on the place? */
static int check_place(const struct mount *m, const struct path *place)
{
    if (mount_place_gone(place))
        return -ENOENT;
    if (!mount_is_ours(place->mount))
        return -EINVAL;
    if (place->dentry == place->mount->root && place->mount->super == m->super &&
        m->root == place->dentry)
        return -EBUSY; /* the same once more */
    return is_dir(m->root) == is_dir(place->dentry) ? 0 : -ENOTDIR;
}

static void add_root(struct mount *m)
{
    mutex_lock(&mounts_lock);
    mount_attach(m, NULL);
    mount_get(m);
    dentry_get(m->root);
    vfs_root = (struct path){m, m->root};
    first_mounts.root = m;
    mutex_unlock(&mounts_lock);
}

static int add(struct mount *m, const struct path *on)
{
    struct path place = mount_lock_place(on);
    int err = check_place(m, &place);
    if (err == 0)
        err = mount_room(1);
    if (err == 0)
        err = mount_graft(m, &place);
    mount_unlock_place(&place);
    return err;
}

/* A mount of a super, whose reference it takes over in any case. */
static struct mount *mount_of_super(struct super *super, const char *source, unsigned flags)
{
    static struct mutex root_lock; /* a super may be mounted twice at once */

    mutex_lock(&root_lock);
    if (!super->root_dentry)
        super->root_dentry = dentry_create_root(super, super->root, "");
    mutex_unlock(&root_lock);
    if (!super->root_dentry) {
        super_put(super);
        return NULL;
    }
    dentry_get(super->root_dentry);
    struct mount *m = mount_create(super, super->root_dentry, source, flags);
    if (!m) {
        dentry_put(super->root_dentry);
        super_put(super);
    }
    return m;
}

int mount_super(struct super *super, const char *source, const struct path *on, unsigned flags)
{
    struct mount *m = mount_of_super(super, source, flags);
    if (!m)
        return -ENOMEM;
    int err = 0;
    if (on)
        err = add(m, on);
    else
        add_root(m);
    if (err < 0)
        mount_put(m);
    return err;
}

int vfs_mount_anonymous(struct super *super, const char *source, unsigned flags, struct path *top)
{
    struct mount *m = mount_of_super(super, source, flags);
    if (!m)
        return -ENOMEM;
    mutex_lock(&mounts_lock);
    mount_attach(m, NULL);
    m->anonymous = true;
    *top = (struct path){m, m->root};
    path_get(top);
    mutex_unlock(&mounts_lock);
    return 0;
}

int vfs_mount(const char *source, const struct path *on, const char *type, unsigned flags,
              const char *options)
{
    struct fs_type *t = fs_find(type);
    if (!t)
        return -ENODEV;
    struct super *super = NULL;
    int err = t->mount(source, flags, options, &super);
    if (err < 0)
        return err;
    super_set_flags(super, flags | (super->readonly ? MS_RDONLY : 0));
    return mount_super(super, source, on, flags);
}

/* --- changing a file system or a mount of it */

/* Files open for writing, through whatever mount. mounts_lock held. */
static bool is_written(const struct super *super)
{
    list_for_each_entry (struct mount, m, &mounts, link) {
        if (m->super == super && atomic_load_explicit(&m->writers, memory_order_acquire))
            return true;
    }
    return false;
}

int super_reconfigure(struct super *super, unsigned flags, const char *options)
{
    int err = 0;
    mutex_lock(&mounts_lock);
    if (flags & MS_RDONLY && !super->readonly && is_written(super))
        err = -EBUSY;
    else if (super->type->remount)
        err = super->type->remount(super, options);
    if (err == 0)
        super_set_flags(super, flags);
    mutex_unlock(&mounts_lock);
    return err;
}

int vfs_remount(const struct path *path, unsigned flags, const char *options, bool bind)
{
    struct mount *m = path->mount;
    if (path->dentry != m->root || !mount_is_ours(m))
        return -EINVAL;
    unsigned kept = m->super->flags & MS_DIRSYNC; /* a remount does not change it */
    int err = bind ? 0 : super_reconfigure(m->super, (flags & ~MS_DIRSYNC) | kept, options);
    if (err < 0)
        return err;
    mutex_lock(&mounts_lock);
    if (bind && flags & ~m->flags & MS_RDONLY && atomic_load(&m->writers))
        err = -EBUSY;
    else
        m->flags = flags & MOUNT_FLAGS;
    mounts_changed();
    mutex_unlock(&mounts_lock);
    return err;
}

/* ST_* (man 2 statfs). */
static uint64_t statfs_flags(const struct mount *m, const struct super *super)
{
    enum { ST_VALID = 0x20, ST_RELATIME = 0x1000, ST_NOSYMFOLLOW = 0x2000 };
    unsigned flags = m ? m->flags : 0;
    uint64_t shown = ST_VALID | (flags & (15 | MS_NOATIME | MS_NODIRATIME));
    if (flags & MS_RELATIME)
        shown |= ST_RELATIME;
    if (flags & MS_NOSYMFOLLOW)
        shown |= ST_NOSYMFOLLOW;
    shown |= super->flags & (MS_SYNCHRONOUS | MS_MANDLOCK);
    return super->readonly ? shown | MS_RDONLY : shown;
}

/* Pipes, sockets and the like have no file system; Linux shows one for each kind (linux/magic.h).
 */
static uint64_t anonymous_type(const struct dentry *dentry)
{
    enum { PIPEFS = 0x50495045, SOCKFS = 0x534f434b, ANON_INODE_FS = 0x09041934 };
    uint32_t type = dentry->inode->mode & S_IFMT;
    return type == S_IFIFO ? PIPEFS : type == S_IFSOCK ? SOCKFS : ANON_INODE_FS;
}

int vfs_statfs(const struct path *path, struct statfs_info *info)
{
    struct super *super = path->dentry->super;
    *info = (struct statfs_info){.bsize = PAGE_SIZE, .namelen = NAME_MAX};
    if (!super)
        return -ENOSYS;
    if (super->statfs)
        super->statfs(super, info);
    else if (path->dentry->anonymous)
        info->type = anonymous_type(path->dentry);
    info->fsid = super->dev;
    info->flags = statfs_flags(path->mount, super);
    return 0;
}

/* --- names of places */

static char *prepend(char *start, char *at, const char *s, size_t n)
{
    if ((size_t)(at - start) < n)
        return NULL;
    return memcpy(at - n, s, n);
}

/* One step up: the name is put before *at, if it is none between mounts. False: at the top of
 * everything, or, with *at as it was at first, of a file system of which the mount shows a part
 * that the place was moved out of. */
static bool name_step(struct path *p, char *start, char **at, char *end)
{
    if (p->dentry == p->mount->root) {
        if (!p->mount->on.mount)
            return false;
        *p = p->mount->on;
        return true;
    }
    if (p->dentry == p->dentry->parent) {
        *at = end;
        return false;
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

/* As seen from a root, before `suffix`; *outside: the root of the tree, if the place is not below
 * that. */
static char *name_from(const struct path *root, const struct path *path, const char *suffix,
                       char *buf, size_t size, const struct mount **outside)
{
    struct path p = *path;
    if (size < 2)
        return NULL;
    char *at = buf + size;
    *--at = 0;
    if (!(at = prepend(buf, at, suffix, strlen(suffix))))
        return NULL;
    char *end = at;
    mutex_lock(&dentry_lock);
    bool inside = true;
    while (at && inside && !(p.mount == root->mount && p.dentry == root->dentry))
        inside = name_step(&p, buf, &at, end);
    mutex_unlock(&dentry_lock);
    if (at == end)
        at = prepend(buf, at, "/", 1);
    *outside = inside ? NULL : p.mount;
    return at;
}

static char *name_seen(const struct path *path, char *buf, size_t size, const char *mark)
{
    const struct mount *outside;
    if (path->dentry->anonymous)
        return name_anonymous(path->dentry, buf, size);
    char *at = name_from(vfs_caller_hook()->root, path, path->dentry->unhashed ? " (deleted)" : "",
                         buf, size, &outside);
    return at && outside ? prepend(buf, at, mark, strlen(mark)) : at;
}

char *path_name(const struct path *path, char *buf, size_t size)
{
    return name_seen(path, buf, size, "");
}

char *path_name_marked(const struct path *path, char *buf, size_t size)
{
    return name_seen(path, buf, size, "(unreachable)");
}

char *path_name_below(const struct path *root, const struct path *path, char *buf, size_t size)
{
    const struct mount *outside;
    char *at = name_from(root, path, "", buf, size, &outside);
    return at && outside ? NULL : at;
}
