/* fs/mount_tree.c: trees of mounts: copying, moving, taking apart. */
#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "mm/heap.h"

/* --- what a tree is (mounts_lock held) */

static struct mount *top_of(const struct mount *m)
{
    while (m->on.mount)
        m = m->on.mount;
    return (struct mount *)m;
}

static struct mount_ns *ours(void)
{
    return vfs_caller_hook()->mounts;
}

bool mount_is_ours(const struct mount *m)
{
    return top_of(m) == ours()->root && !m->detached;
}

static bool is_root(const struct path *path)
{
    return path->dentry == path->mount->root;
}

/* Is the place inside (or the same as) the tree or folder above it? */
static bool is_inside(const struct path *place, const struct path *above)
{
    struct path p = *place;
    while (p.mount != above->mount && p.mount->on.mount)
        p = p.mount->on;
    return p.mount == above->mount && dentry_is_below(p.dentry, above->dentry);
}

static size_t count_mounts(void)
{
    size_t n = 1;
    list_for_each (at, &mounts)
        n++;
    return n;
}

int mount_collect(struct mount *top, struct dentry *below, bool recursive, struct mount_list *list)
{
    list->m = kmalloc(count_mounts() * sizeof(*list->m));
    if (!list->m)
        return -ENOMEM;
    list->m[0] = top;
    list->n = 1;
    for (size_t i = 0; recursive && i < list->n; i++) {
        list_for_each_entry (struct mount, m, &mounts, link) {
            if (m->on.mount == list->m[i] && (i || dentry_is_below(m->on.dentry, below)))
                list->m[list->n++] = m;
        }
    }
    return 0;
}

struct mount *mount_clone(const struct mount *m, struct dentry *root)
{
    struct mount *copy = mount_create(m->super, root, m->source, m->flags);
    if (!copy)
        return NULL;
    super_get(m->super);
    dentry_get(root);
    copy->group = m->group;
    copy->master = m->master;
    return copy;
}

static struct mount *copy_of(const struct mount_list *list, const struct mount_list *copies,
                             const struct mount *m)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->m[i] == m)
            return copies->m[i];
    return NULL;
}

int mount_copy(const struct mount_list *list, struct dentry *root, struct mount_list *copies)
{
    int err = mount_room(list->n);
    if (err < 0)
        return err;
    copies->m = kzalloc(list->n * sizeof(*copies->m));
    copies->n = list->n;
    if (!copies->m)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        struct mount *m = list->m[i];
        struct path on = {i ? copy_of(list, copies, m->on.mount) : NULL, m->on.dentry};
        if (i && ((m->unbindable && !copies->whole) || !on.mount))
            continue;
        struct mount *copy = mount_clone(m, i ? m->root : root);
        if (!copy) {
            if (i)
                mount_drop_tree(copies->m[0]);
            kfree(copies->m);
            return -ENOMEM;
        }
        copy->unbindable = m->unbindable && copies->whole;
        copies->m[i] = copy;
        mount_attach(copy, i ? &on : NULL);
    }
    return 0;
}

void mount_drop(struct mount *m)
{
    struct path on;
    mount_set_type(m, MS_PRIVATE);
    mount_detach(m, &on);
    notify_inode(m->root->inode, IN_UNMOUNT);
    if (on.mount)
        path_put(&on);
    mount_put(m);
}

static struct mount *one_on(const struct mount *below)
{
    if (!below->nmounts)
        return NULL;
    list_for_each_entry (struct mount, m, &mounts, link)
        if (m->on.mount == below)
            return m;
    return NULL;
}

/* From the leaves down. A loop: a tree may be deeper than the stack. */
void mount_drop_tree(struct mount *top)
{
    struct mount *m = top, *next;

    while (m) {
        next = one_on(m);
        if (!next) {
            next = m == top ? NULL : m->on.mount;
            mount_drop(m);
        }
        m = next;
    }
}

/* --- copies */

/* A copy of the place's mount, or tree, as the root of a tree of its own. */
static int copy_place(const struct path *from, bool recursive, struct mount **top)
{
    struct mount_list list, copies = {};
    int err = mount_collect(from->mount, from->dentry, recursive, &list);
    if (err < 0)
        return err;
    err = mount_copy(&list, from->dentry, &copies);
    if (err == 0) {
        *top = copies.m[0];
        kfree(copies.m);
    }
    kfree(list.m);
    return err;
}

static int check_source(const struct path *from)
{
    const struct mount *top = top_of(from->mount);
    return from->mount->unbindable || (top != ours()->root && !top->anonymous) ? -EINVAL : 0;
}

/* Give the tree whose root has no place yet one. */
static int place_tree(struct mount *top, const struct path *place)
{
    mount_unlist(top);
    int err = mount_graft(top, place);
    if (err < 0)
        mount_attach(top, NULL);
    return err;
}

int vfs_bind(const struct path *from, const struct path *on, bool recursive)
{
    struct mount *top = NULL;
    struct path place = mount_lock_place(on);
    int err = mount_place_gone(&place) ? -ENOENT : check_source(from);
    if (err == 0 && !mount_is_ours(place.mount))
        err = -EINVAL;
    if (err == 0 &&
        inode_is(from->dentry->inode, S_IFDIR) != inode_is(place.dentry->inode, S_IFDIR))
        err = -ENOTDIR;
    if (err == 0)
        err = copy_place(from, recursive, &top);
    if (err == 0) {
        err = place_tree(top, &place);
        if (err < 0)
            mount_drop_tree(top);
    }
    mount_unlock_place(&place);
    return err;
}

int vfs_copy_tree(const struct path *from, bool recursive, struct path *top)
{
    struct mount *m;
    mutex_lock(&mounts_lock);
    int err = check_source(from);
    if (err == 0)
        err = copy_place(from, recursive, &m);
    if (err == 0) {
        m->anonymous = true;
        *top = (struct path){m, m->root};
        path_get(top);
    }
    mutex_unlock(&mounts_lock);
    return err;
}

void vfs_dissolve(struct mount *top)
{
    mutex_lock(&mounts_lock);
    if (top->anonymous)
        mount_drop_tree(top);
    mutex_unlock(&mounts_lock);
}

/* --- moving */

static int check_move(const struct path *from, const struct path *place)
{
    struct mount *m = from->mount, *parent = m->on.mount;
    if (mount_place_gone(place))
        return -ENOENT;
    if (!is_root(from) || !(m->anonymous || (parent && mount_is_ours(m))))
        return -EINVAL;
    if (!mount_is_ours(place->mount) || (parent && parent->group))
        return -EINVAL;
    if (inode_is(from->dentry->inode, S_IFDIR) != inode_is(place->dentry->inode, S_IFDIR))
        return -EINVAL;
    if (place->mount->group && mount_has_unbindable(m))
        return -EINVAL;
    for (const struct mount *above = place->mount; above; above = above->on.mount)
        if (above == m)
            return -ELOOP;
    return 0;
}

/* The place below what is mounted topmost on `on`, which may not be m or have it inside. */
static int place_beneath(const struct mount *m, const struct path *on, struct path *place)
{
    struct path top = mount_topmost(on);
    if (top.dentry != top.mount->root || !top.mount->on.mount || top.mount == ours()->root ||
        top.mount == vfs_caller_hook()->root->mount)
        return -EINVAL;
    for (; m; m = m->on.mount)
        if (m == top.mount)
            return -EINVAL;
    *place = top.mount->on;
    return 0;
}

int vfs_move_mount(const struct path *from, const struct path *on, bool beneath)
{
    struct mount *m = from->mount, *over = NULL;
    struct path old = {}, locked = mount_lock_place(on), place = locked, covered;
    int err = beneath ? place_beneath(m, on, &place) : 0;
    if (err == 0)
        err = check_move(from, &place);
    if (err == 0) {
        over = beneath ? mount_at(place.mount, place.dentry) : NULL;
        bool anonymous = m->anonymous;
        mount_detach(m, &old);
        err = mount_graft(m, &place);
        if (err < 0) {
            mount_attach(m, old.mount ? &old : NULL);
            m->anonymous = anonymous;
        }
    }
    if (err == 0 && over) {
        mount_detach(over, &covered);
        struct path above = {m, m->root};
        mount_attach(over, &above);
        path_put(&covered);
    }
    mount_unlock_place(&locked);
    if (old.mount)
        path_put(&old);
    return err;
}

/* The root of everything becomes a mount on put_old, `new` the root. mounts_lock held. */
static void exchange_roots(struct mount *new, const struct path *put_old)
{
    struct mount_ns *ns = ours();
    struct mount *old = ns->root;
    struct path on, none;
    mount_detach(new, &on);
    mount_detach(old, &none);
    struct path place = mount_topmost(put_old);
    mount_attach(new, NULL);
    mount_attach(old, &place);
    ns->root = new;
    path_put(&on);
}

static void exchange_places(struct mount *new, struct mount *old, const struct path *put_old)
{
    struct path new_on, old_on;
    mount_detach(new, &new_on);
    mount_detach(old, &old_on);
    struct path place = mount_topmost(put_old);
    mount_attach(old, &place);
    mount_attach(new, &old_on);
    path_put(&new_on);
    path_put(&old_on);
}

static int check_pivot(const struct path *new, const struct path *put_old, const struct path *root)
{
    struct mount *new_parent = new->mount->on.mount, *root_parent = root->mount->on.mount;
    if (put_old->mount->group || (new_parent && new_parent->group) ||
        (root_parent && root_parent->group))
        return -EINVAL;
    if (!mount_is_ours(root->mount) || !mount_is_ours(new->mount))
        return -EINVAL;
    if (new->dentry->unhashed || put_old->dentry->unhashed)
        return -ENOENT;
    if (new->mount == root->mount || put_old->mount == root->mount)
        return -EBUSY;
    if (!is_root(root) || !is_root(new) || !new_parent)
        return -EINVAL;
    return is_inside(put_old, new) && is_inside(new, root) ? 0 : -EINVAL;
}

int vfs_pivot_root(const struct path *new, const struct path *put_old, struct path *old)
{
    struct path place = mount_lock_place(put_old);
    *old = *vfs_caller_hook()->root;
    int err = check_pivot(new, put_old, old);
    if (err == 0) {
        path_get(old);
        if (old->mount == ours()->root)
            exchange_roots(new->mount, put_old);
        else
            exchange_places(new->mount, old->mount, put_old);
    }
    if (err == 0 && first_mounts.root == new->mount) {
        struct path before = vfs_root;
        path_get(new);
        vfs_root = *new;
        path_put(&before);
    }
    mount_unlock_place(&place);
    return err;
}

/* --- taking away */

static void find_busy(struct mount *copy, void *arg)
{
    if (!copy->nmounts && mount_users(copy))
        *(bool *)arg = true;
}

static void drop_copy(struct mount *copy, void *arg)
{
    if (!copy->nmounts)
        mount_drop(copy);
}

/* Deepest first, so that copies elsewhere have lost theirs, too. */
static void unmount_tree(struct mount *top)
{
    struct mount_list list;
    if (mount_collect(top, top->root, true, &list) < 0) {
        mount_drop_tree(top);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        mount_get(list.m[i]);
    while (list.n--) {
        struct mount *m = list.m[list.n];
        mount_each_propagated(m, drop_copy, NULL);
        if (!m->detached) /* as a copy of one before */
            mount_drop(m);
        mount_put(m);
    }
    kfree(list.m);
}

/* own: the references of m that are the caller's. */
static int check_expire(struct mount *m, int flags, unsigned own)
{
    if (!(flags & MNT_EXPIRE))
        return 0;
    if (flags & (MNT_FORCE | MNT_DETACH) || m == vfs_caller_hook()->root->mount)
        return -EINVAL;
    if (mount_users(m) > own)
        return -EBUSY;
    return mount_mark(m) ? 0 : -EAGAIN;
}

int vfs_unmount(const struct path *path, int flags)
{
    mutex_lock(&mounts_lock);
    struct path top = mount_topmost(path); /* "." may be covered */
    struct mount *m = top.mount;
    unsigned own = m == path->mount;
    int err = is_root(&top) && mount_is_ours(m) ? check_expire(m, flags, own) : -EINVAL;
    if (err == 0 && !(flags & MNT_DETACH)) {
        bool busy = m->nmounts || mount_users(m) > own;
        mount_each_propagated(m, find_busy, &busy);
        err = busy ? -EBUSY : 0;
    }
    if (err == 0 && !m->on.mount)
        err = -EINVAL; /* the root of everything stays */
    if (err == 0)
        unmount_tree(m);
    mutex_unlock(&mounts_lock);
    return err;
}

/* --- flags of trees */

static int set_flags_of(const struct mount_list *list, unsigned set, unsigned clear,
                        unsigned propagation)
{
    for (size_t i = 0; i < list->n; i++)
        if (set & ~list->m[i]->flags & MS_RDONLY && atomic_load(&list->m[i]->writers))
            return -EBUSY;
    for (size_t i = 0; i < list->n; i++) {
        struct mount *m = list->m[i];
        m->flags = (m->flags & ~clear) | set;
        if (propagation)
            mount_set_type(m, propagation);
    }
    return 0;
}

int vfs_set_mount_flags(const struct path *path, unsigned set, unsigned clear, unsigned propagation,
                        bool recursive)
{
    struct mount *m = path->mount;
    struct mount_list list;
    mutex_lock(&mounts_lock);
    bool known = top_of(m)->anonymous || mount_is_ours(m);
    int err = is_root(path) && known ? 0 : -EINVAL;
    if (err == 0)
        err = mount_collect(m, m->root, recursive, &list);
    if (err == 0) {
        err = set_flags_of(&list, set, clear, propagation);
        mounts_changed();
        kfree(list.m);
    }
    mutex_unlock(&mounts_lock);
    return err;
}

int vfs_set_propagation(const struct path *path, unsigned type, bool recursive)
{
    return vfs_set_mount_flags(path, 0, 0, type, recursive);
}

/* man 2 move_mount has nothing of it; Linux 5.15: both mounts of one file system, `to` private, its
 * root inside that of `from`. */
int vfs_set_group(const struct path *from_path, const struct path *to_path)
{
    struct mount *from = from_path->mount, *to = to_path->mount;
    int err = 0;
    mutex_lock(&mounts_lock);
    if (!is_root(from_path) || !is_root(to_path) || to->group || to->master ||
        (!from->group && !from->master) || from->super != to->super ||
        !dentry_is_below(to->root, from->root)) {
        err = -EINVAL;
    } else {
        to->group = from->group;
        to->master = from->master;
        to->unbindable = false;
    }
    mutex_unlock(&mounts_lock);
    return err;
}
