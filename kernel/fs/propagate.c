/* fs/propagate.c: shared subtrees. Mounts with the same `group` are peers; one with a `master` gets
 * what is mounted in that group, and gives nothing back. What is mounted on a place of a shared
 * mount is mounted on the same place of all that get it, as copies: those for peers are peers of
 * the original, those for slaves its slaves. All with mounts_lock held. */
#include "fs/dentry.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/heap.h"

static unsigned next_group = 1;

/* --- kinds of mounts */

/* The mount is no peer any more. True: others of its group are left. */
static bool leave_group(struct mount *m)
{
    unsigned group = m->group;
    m->group = 0;
    list_for_each_entry (struct mount, other, &mounts, link) {
        if (other->group == group)
            return true;
    }
    list_for_each_entry (struct mount, slave, &mounts, link) {
        if (slave->master == group)
            slave->master = m->master;
    }
    return false;
}

void mount_set_type(struct mount *m, unsigned type)
{
    if (type != MS_SLAVE)
        m->unbindable = type == MS_UNBINDABLE;
    if (type == MS_SHARED) {
        if (!m->group)
            m->group = next_group++;
        return;
    }
    unsigned group = m->group;
    if (group && leave_group(m))
        m->master = group;
    if (type != MS_SLAVE)
        m->master = 0;
}

bool mount_has_unbindable(struct mount *top)
{
    struct mount_list list;
    bool found = false;
    if (mount_collect(top, top->root, true, &list) < 0)
        return false;
    for (size_t i = 0; i < list.n; i++)
        found |= list.m[i]->unbindable;
    kfree(list.m);
    return found;
}

/* --- who gets it */

/* One that gets what is mounted in another. `up` is the receiver (or 0: the place itself) of whose
 * copy its own is the peer (same group), or the slave. */
struct receiver {
    struct mount *mount;
    size_t up;
    bool peer;
    struct mount_list copies;
};
struct receivers {
    struct receiver *all;
    size_t n;
};

static void add_receiver(struct receivers *r, struct mount *m, size_t up, bool peer)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->all[i].mount == m)
            return;
        if (!peer && m->group && r->all[i].mount->group == m->group) {
            peer = true; /* of another slave */
            up = i;
        }
    }
    r->all[r->n++] = (struct receiver){m, up, peer, {}};
}

/* all[0] is the mount itself. Peers of one come before its slaves. */
static int find_receivers(struct mount *m, struct receivers *r)
{
    size_t max = 1;
    list_for_each (at, &mounts)
        max++;
    r->all = kzalloc(max * sizeof(*r->all));
    if (!r->all)
        return -ENOMEM;
    r->all[0] = (struct receiver){.mount = m};
    r->n = 1;
    for (size_t i = 0; i < r->n; i++) {
        unsigned group = r->all[i].mount->group;
        for (int slaves = 0; group && slaves < 2; slaves++) {
            list_for_each_entry (struct mount, other, &mounts, link) {
                bool gets = slaves ? other->master == group : other->group == group;
                if (gets)
                    add_receiver(r, other, i, !slaves);
            }
        }
    }
    return 0;
}

static bool shows(const struct mount *m, struct dentry *place)
{
    return m->super == place->super && dentry_is_below(place, m->root);
}

void mount_each_propagated(const struct mount *m, void (*fn)(struct mount *copy, void *arg),
                           void *arg)
{
    struct path on = m->on;
    struct receivers r;
    if (!on.mount || !on.mount->group || find_receivers(on.mount, &r) < 0)
        return;
    for (size_t i = 1; i < r.n; i++) {
        struct mount *copy = mount_at(r.all[i].mount, on.dentry);
        if (copy)
            fn(copy, arg);
    }
    kfree(r.all);
}

/* --- mounting */

/* The kind of the copies for one receiver, by those of the one above. */
static void set_kinds(const struct receiver *r, const struct mount_list *above)
{
    for (size_t i = 0; i < r->copies.n; i++) {
        struct mount *copy = r->copies.m[i], *from = above->m[i];
        if (!copy || !from)
            continue;
        if (r->peer) {
            copy->group = from->group;
            copy->master = from->master;
        } else {
            copy->master = from->group;
            copy->group = r->mount->group ? next_group++ : 0;
        }
    }
}

/* After whose copies it takes; those of receivers that do not show the place are not there. */
static const struct mount_list *model_of(const struct receivers *rs, struct receiver *r,
                                         const struct mount_list *tree)
{
    while (r->up && !rs->all[r->up].copies.n) {
        r->peer &= rs->all[r->up].peer;
        r->up = rs->all[r->up].up;
    }
    return r->up ? &rs->all[r->up].copies : tree;
}

static int copy_for(struct receivers *rs, size_t i, const struct mount_list *tree,
                    struct dentry *place)
{
    struct receiver *r = &rs->all[i];
    if (!shows(r->mount, place))
        return 0;
    int err = mount_copy(tree, tree->m[0]->root, &r->copies);
    if (err == 0)
        set_kinds(r, model_of(rs, r, tree));
    else
        r->copies = (struct mount_list){};
    return err;
}

/* On a place where something may be mounted already, which then is on top. */
static void tuck(struct mount *m, const struct path *place)
{
    struct mount *over = mount_at(place->mount, place->dentry);
    struct path covered;
    mount_unlist(m);
    if (over)
        mount_detach(over, &covered);
    mount_attach(m, place);
    if (over) {
        struct path above = {m, m->root};
        mount_attach(over, &above);
        path_put(&covered);
    }
}

static int graft_shared(const struct mount_list *tree, const struct path *place)
{
    struct receivers r;
    int err = find_receivers(place->mount, &r);
    if (err < 0)
        return err;
    for (size_t i = 0; i < tree->n; i++)
        mount_set_type(tree->m[i], MS_SHARED);
    for (size_t i = 1; err == 0 && i < r.n; i++)
        err = copy_for(&r, i, tree, place->dentry);
    if (err == 0 && r.n > 1)
        err = mount_room(1);
    if (err == 0)
        mount_attach(tree->m[0], place);
    for (size_t i = 1; i < r.n; i++) {
        struct mount_list *copies = &r.all[i].copies;
        struct path there = {r.all[i].mount, place->dentry};
        if (copies->n && err == 0)
            tuck(copies->m[0], &there);
        else if (copies->n)
            mount_drop_tree(copies->m[0]);
        if (copies->n)
            kfree(copies->m);
    }
    kfree(r.all);
    return err;
}

int mount_graft(struct mount *top, const struct path *place)
{
    struct mount_list tree;
    if (!place->mount->group) {
        mount_attach(top, place);
        return 0;
    }
    int err = mount_collect(top, top->root, true, &tree);
    if (err == 0) {
        err = graft_shared(&tree, place);
        kfree(tree.m);
    }
    return err;
}
