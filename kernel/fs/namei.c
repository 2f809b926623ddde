/* fs/namei.c: walking names.
 *
 * A walk runs under RCU: it takes no lock and no reference until its end, where it takes one of
 * what it found and looks whether tree_sequence is still what it was. If anything gets in the way
 * (a name that is not cached, a link whose target is not, a rename meanwhile) the whole walk is
 * done again with references and, for names that are not cached, the folder's lock. -ECHILD says
 * so. */
#include "fs/namei.h"

#include "fs/dentry.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/heap.h"

/* --- references of the walk */

/* A reference of a place that another thread may replace (the caller's cwd and root). */
static void get_shared_path(const struct path *shared, struct path *copy)
{
    for (;;) {
        copy->mount = *(struct mount *volatile *)&shared->mount;
        copy->dentry = *(struct dentry *volatile *)&shared->dentry;
        if (copy->dentry->super != copy->mount->super || !mount_try_get(copy->mount))
            continue;
        if (dentry_try_get(copy->dentry))
            return;
        mount_put(copy->mount);
    }
}

static void start_path(struct walk *w, const struct path *from, struct path *to)
{
    if (!w->rcu) {
        get_shared_path(from, to);
        return;
    }
    do {
        to->mount = *(struct mount *volatile *)&from->mount;
        to->dentry = *(struct dentry *volatile *)&from->dentry;
    } while (unlikely(to->dentry->super != to->mount->super));
}

/* Go to a place of which the walk (with references) has one already. */
static void move_to(struct walk *w, struct mount *mount, struct dentry *dentry)
{
    struct path old = w->at;
    w->at = (struct path){mount, dentry};
    if (!w->rcu)
        path_put(&old);
}

void walk_end(struct walk *w)
{
    if (w->rcu)
        return;
    while (w->nheld)
        inode_put(w->held[--w->nheld]);
    if (w->at.mount)
        path_put(&w->at);
    path_put(&w->root);
    w->at = (struct path){};
}

/* --- steps */

static int search_permission(const struct walk *w)
{
    const struct inode *dir = w->at.dentry->inode;
    if (unlikely(!inode_is(dir, S_IFDIR)))
        return -ENOTDIR;
    if (likely((dir->mode & 0111) == 0111))
        return 0;
    return inode_permission_as(dir, 1, w->caller->cred);
}

static int jump_to_root(struct walk *w)
{
    if (w->flags & LOOKUP_BENEATH)
        return -EXDEV;
    if (w->flags & LOOKUP_NO_XDEV && w->at.mount != w->root.mount)
        return -EXDEV;
    if (!w->rcu)
        path_get(&w->root);
    move_to(w, w->root.mount, w->root.dentry);
    return 0;
}

/* Onto what is mounted here. */
static int cross_mounts(struct walk *w)
{
    for (;;) {
        rcu_read_lock();
        struct mount *m = mount_at(w->at.mount, w->at.dentry);
        if (likely(!m))
            return 0;
        if (w->flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        if (!w->rcu) {
            if (!mount_try_get(m))
                continue;
            dentry_get(m->root);
        }
        move_to(w, m, m->root);
    }
}

/* A mount may show a part of its file system only, and a folder may have been moved out of that. */
static bool is_shown(const struct mount *m, struct dentry *d)
{
    if (likely(m->root == m->super->root_dentry))
        return true;
    rcu_read_lock();
    while (d != m->root && d != rcu_load(d->parent))
        d = rcu_load(d->parent);
    rcu_read_unlock();
    return d == m->root;
}

static int step_up(struct walk *w)
{
    for (;;) {
        struct path *at = &w->at;
        if (at->dentry == w->root.dentry && at->mount == w->root.mount)
            return w->flags & LOOKUP_BENEATH ? -EXDEV : cross_mounts(w);
        if (at->dentry != at->mount->root)
            break;
        struct path on = at->mount->on;
        if (!on.mount)
            return cross_mounts(w);
        if (w->flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        if (!w->rcu)
            path_get(&on);
        move_to(w, on.mount, on.dentry);
    }
    struct dentry *parent;
    if (w->rcu) {
        parent = rcu_load(w->at.dentry->parent);
    } else {
        parent = dentry_get_parent(w->at.dentry);
        mount_get(w->at.mount);
    }
    move_to(w, w->at.mount, parent);
    return is_shown(w->at.mount, parent) ? cross_mounts(w) : -ENOENT;
}

/* Nothing has moved since the walk began: err; else -ECHILD. */
static int rcu_verify(const struct walk *w, int err)
{
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&tree_sequence, memory_order_relaxed) != w->sequence)
        return -ECHILD;
    return err;
}

/* The child of that name; with a reference unless under RCU. */
static int find_child(struct walk *w, const struct last *c, struct dentry **child)
{
    struct dentry *dir = w->at.dentry, *d = dentry_find(dir, c->name, c->len, c->hash);
    if (w->rcu) {
        *child = d;
        return d ? 0 : -ECHILD;
    }
    if (d && dentry_try_get(d)) {
        *child = d;
        if (likely(rcu_verify(w, 0) == 0))
            return 0;
        dentry_put(d); /* it may have been renamed meanwhile */
    }
    write_lock(&dir->inode->lock);
    int err = dentry_lookup(dir, c->name, c->len, c->hash, child);
    write_unlock(&dir->inode->lock);
    return err;
}

/* The target of a link, kept with the inode once it was read. */
static int read_link(struct walk *w, struct inode *inode, const char **target)
{
    char *cached = rcu_load(inode->link);
    if (likely(cached != NULL)) {
        *target = cached;
        return 0;
    }
    if (w->rcu)
        return -ECHILD;
    if (!inode->ops->readlink)
        return -EINVAL;
    char *buf = kmalloc(PATH_MAX);
    if (!buf)
        return -ENOMEM;
    ssize_t n = inode->ops->readlink(inode, buf, PATH_MAX - 1);
    if (n >= 0)
        buf[n] = 0;
    char *copy = n >= 0 ? kstrdup(buf) : NULL;
    kfree(buf);
    if (!copy)
        return n < 0 ? (int)n : -ENOMEM;
    char *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&inode->link, &none, copy, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        kfree(copy);
        copy = none;
    }
    *target = copy;
    return 0;
}

static int follow_magic(struct walk *w, struct inode *inode)
{
    struct path place;
    if (w->rcu)
        return -ECHILD;
    if (w->flags & (LOOKUP_NO_MAGIC | LOOKUP_BENEATH | LOOKUP_IN_ROOT))
        return w->flags & LOOKUP_NO_MAGIC ? -ELOOP : -EXDEV;
    int err = inode->ops->follow(inode, &place);
    if (err < 0)
        return err;
    move_to(w, place.mount, place.dentry);
    return 0;
}

/* Go through a link found in w->at: *body is what to walk next, or NULL: the place is reached.
 * With references, the link's reference is taken over. */
static int enter_link(struct walk *w, struct dentry *link, const char **body)
{
    struct inode *inode = link->inode;
    *body = NULL;
    if (!w->rcu) {
        inode_get(inode);
        dentry_put(link);
        w->held[w->nheld++] = inode;
    }
    if (w->flags & LOOKUP_NO_SYMLINKS || w->at.mount->flags & MS_NOSYMFOLLOW)
        return -ELOOP;
    if (inode->ops->follow)
        return follow_magic(w, inode);
    int err = read_link(w, inode, body);
    if (err < 0)
        return err;
    if (!**body)
        return -ENOENT;
    return **body == '/' ? jump_to_root(w) : 0;
}

static int count_link(struct walk *w)
{
    return ++w->nlinks > SYMLINKS_MAX ? -ELOOP : 0;
}

/* Go to the child c, through a link too if `follow`: *body then is the link's target to walk. */
static int step(struct walk *w, const struct last *c, bool follow, const char **body)
{
    struct dentry *child;
    *body = NULL;
    if (unlikely(c->kind != LAST_NAME))
        return c->kind == LAST_DOTDOT ? step_up(w) : 0;
    int err = find_child(w, c, &child);
    if (err < 0)
        return err;
    struct inode *inode = rcu_load(child->inode);
    if (!inode) {
        if (!w->rcu)
            dentry_put(child);
        return -ENOENT;
    }
    if (unlikely(inode_is(inode, S_IFLNK)) && follow) {
        err = count_link(w);
        if (err == 0)
            return enter_link(w, child, body);
        if (!w->rcu)
            dentry_put(child);
        return err;
    }
    if (!w->rcu)
        mount_get(w->at.mount);
    move_to(w, w->at.mount, child);
    return likely(!rcu_load(child->mounted)) ? 0 : cross_mounts(w);
}

/* Cut the next component off; returns what follows it and its slashes. */
static const char *next_component(const char *name, struct last *c)
{
    uint32_t hash = NAME_HASH_START;
    const char *p = name;
    for (; *p && *p != '/'; p++)
        hash = name_hash_step(hash, *p);
    *c = (struct last){.name = name, .len = p - name, .hash = hash, .slash = *p == '/'};
    if (unlikely(*name == '.')) {
        if (c->len == 1)
            c->kind = LAST_DOT;
        else if (c->len == 2 && name[1] == '.')
            c->kind = LAST_DOTDOT;
    }
    while (*p == '/')
        p++;
    return p;
}

/* Walk all components but the last one of the outermost name into w->at. */
static int walk_components(struct walk *w, const char *name)
{
    while (*name == '/')
        name++;
    if (!*name) {
        w->last = (struct last){.name = "", .kind = LAST_ROOT};
        return 0;
    }
    for (;;) {
        struct last c;
        const char *body;
        const char *rest = next_component(name, &c);
        int err = search_permission(w);
        if (err < 0)
            return err;
        if (!*rest && !w->depth) {
            w->last = c;
            return 0; /* too long a name is dentry_lookup()'s to refuse */
        }
        err = step(w, &c, true, &body);
        if (err < 0)
            return err;
        name = rest;
        if (body) {
            if (*rest)
                w->rest[w->depth++] = rest;
            while (*body == '/')
                body++;
            name = body;
        }
        while (!*name && w->depth)
            name = w->rest[--w->depth];
        if (!*name)
            return 0;
    }
}

/* --- whole walks */

static int walk_start(struct walk *w, const struct path *at, const char *name)
{
    w->nlinks = w->depth = w->nheld = 0;
    w->at = (struct path){};
    w->sequence = atomic_load_explicit(&tree_sequence, memory_order_acquire);
    if (w->rcu && w->sequence & 1)
        return -ECHILD;
    const struct path *from = at ? at : w->caller->cwd;
    bool confined = w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
    start_path(w, confined ? from : w->caller->root, &w->root);
    if (*name == '/') {
        if (w->flags & LOOKUP_BENEATH)
            return -EXDEV;
        if (!w->rcu)
            path_get(&w->root);
        w->at = w->root;
        return 0;
    }
    start_path(w, from, &w->at);
    return 0;
}

/* Take references of where the walk under RCU has come to. */
static int rcu_take(struct walk *w)
{
    if (!mount_try_get(w->at.mount))
        return -ECHILD;
    if (!dentry_try_get(w->at.dentry)) {
        mount_put(w->at.mount);
        return -ECHILD;
    }
    int err = rcu_verify(w, 0);
    if (err < 0)
        path_put(&w->at);
    return err;
}

/* From the last component on: through links, to the end. */
static int walk_last(struct walk *w)
{
    for (;;) {
        const char *body;
        bool follow = w->flags & LOOKUP_FOLLOW || w->last.slash;
        bool slash = w->last.slash;
        if (w->last.kind == LAST_ROOT)
            return 0;
        struct last c = w->last;
        int err = step(w, &c, follow, &body);
        if (err == 0 && slash && !body && !inode_is(w->at.dentry->inode, S_IFDIR))
            err = -ENOTDIR;
        if (err < 0 || !body)
            return err;
        err = walk_components(w, body);
        if (err < 0)
            return err;
        w->last.slash |= slash;
    }
}

static int walk_whole(struct walk *w, const struct path *at, const char *name)
{
    int err = walk_start(w, at, name);
    if (err == 0)
        err = walk_components(w, name);
    if (err == 0)
        err = walk_last(w);
    if (err == 0 && w->flags & LOOKUP_DIRECTORY && !inode_is(w->at.dentry->inode, S_IFDIR))
        err = -ENOTDIR;
    return err;
}

static int walk_restart(struct walk *w)
{
    w->rcu = false;
    return w->flags & LOOKUP_CACHED ? -EAGAIN : 0;
}

/* `at` itself, for an empty name. */
static int lookup_empty(const struct walk *w, const struct path *at, struct path *found)
{
    if (!(w->flags & LOOKUP_EMPTY))
        return -ENOENT;
    get_shared_path(at ? at : w->caller->cwd, found);
    if (w->flags & LOOKUP_DIRECTORY && !inode_is(found->dentry->inode, S_IFDIR)) {
        path_put(found);
        return -ENOTDIR;
    }
    return 0;
}

int vfs_lookup(const struct path *at, const char *name, unsigned flags, struct path *found)
{
    struct walk w;
    w.caller = vfs_caller_hook();
    w.flags = flags;
    w.rcu = true;
    if (unlikely(!*name))
        return lookup_empty(&w, at, found);
    rcu_read_lock();
    int err = walk_whole(&w, at, name);
    if (likely(err == 0))
        err = rcu_take(&w);
    else if (err != -ECHILD)
        err = rcu_verify(&w, err);
    rcu_read_unlock();
    if (likely(err != -ECHILD)) {
        *found = w.at;
        return err;
    }
    err = walk_restart(&w);
    if (err < 0)
        return err;
    err = walk_whole(&w, at, name);
    if (err == 0) {
        *found = w.at;
        w.at = (struct path){};
    }
    walk_end(&w);
    return err;
}

/* Under RCU, then with references. At the end references are held in any case. */
int walk_parent(struct walk *w, const struct path *at, const char *name, unsigned flags)
{
    w->caller = vfs_caller_hook();
    w->flags = flags;
    w->rcu = true;
    w->nheld = 0;
    if (!*name)
        return -ENOENT;
    rcu_read_lock();
    int err = walk_start(w, at, name);
    if (err == 0)
        err = walk_components(w, name);
    if (err == 0 && !mount_try_get(w->root.mount))
        err = -ECHILD;
    if (err == 0) {
        dentry_get(w->root.dentry);
        err = rcu_take(w);
        if (err < 0)
            path_put(&w->root);
    } else if (err != -ECHILD) {
        err = rcu_verify(w, err);
    }
    rcu_read_unlock();
    if (err == 0)
        w->rcu = false;
    if (err != -ECHILD)
        return err;
    err = walk_restart(w);
    if (err < 0) {
        w->rcu = true;
        return err;
    }
    err = walk_start(w, at, name);
    return err < 0 ? err : walk_components(w, name);
}

int vfs_check_parent(const struct path *at, const char *name)
{
    struct walk w;
    int err = walk_parent(&w, at, name, 0);
    walk_end(&w);
    return err;
}

int walk_follow_last(struct walk *w, struct dentry *link)
{
    const char *body;
    bool slash = w->last.slash;
    int err = count_link(w);
    if (err < 0) {
        dentry_put(link);
        return err;
    }
    err = enter_link(w, link, &body);
    if (err < 0)
        return err;
    if (!body) {
        w->last = (struct last){.name = "", .kind = LAST_ROOT, .slash = slash};
        return 0;
    }
    err = walk_components(w, body);
    w->last.slash |= slash;
    return err;
}

ssize_t vfs_readlink(const struct path *path, char *buf, size_t size)
{
    struct inode *inode = path->dentry->inode;
    const char *cached = rcu_load(inode->link);
    if (!inode_is(inode, S_IFLNK) || !inode->ops->readlink)
        return -EINVAL;
    if (!cached || inode->super->no_cache)
        return inode->ops->readlink(inode, buf, size);
    size_t n = MIN(strlen(cached), size);
    memcpy(buf, cached, n);
    return n;
}
