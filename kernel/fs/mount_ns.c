/* fs/mount_ns.c: mount namespaces: trees of mounts with a root of their own. */
#include "fs/dentry.h"
#include "fs/mount.h"
#include "mm/heap.h"

/* Numbers as Linux gives them: the first one's is fixed, others count. */
struct mount_ns first_mounts = {.refs = 1, .id = 4026531841};
static atomic_ulong next_id = 4026532000;

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
    atomic_fetch_add_explicit(&ns->refs, 1, memory_order_relaxed);
    return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
    if (!ns || atomic_fetch_sub_explicit(&ns->refs, 1, memory_order_acq_rel) != 1)
        return;
    mutex_lock(&mounts_lock);
    mount_drop_tree(ns->root);
    mutex_unlock(&mounts_lock);
    kfree(ns);
}

struct path mount_ns_root(struct mount_ns *ns)
{
    mutex_lock(&mounts_lock);
    struct path root = {ns->root, ns->root->root};
    root = mount_topmost(&root);
    path_get(&root);
    mutex_unlock(&mounts_lock);
    return root;
}

/* The place in the copy of the mount that it is in. */
static void move_place(struct path *place, const struct mount_list *from,
                       const struct mount_list *to)
{
    for (size_t i = 0; i < from->n; i++) {
        if (from->m[i] != place->mount)
            continue;
        mount_get(to->m[i]);
        mount_put(from->m[i]); /* its tree has one more */
        place->mount = to->m[i];
        return;
    }
}

/* mounts_lock held */
static int copy_tree(struct mount_ns *from, struct mount_ns *ns, struct path *root,
                     struct path *cwd)
{
    struct mount_list list, copies = {.whole = true};
    int err = mount_collect(from->root, from->root->root, true, &list);
    if (err < 0)
        return err;
    err = mount_copy(&list, from->root->root, &copies);
    if (err == 0) {
        ns->root = copies.m[0];
        move_place(root, &list, &copies);
        move_place(cwd, &list, &copies);
        kfree(copies.m);
    }
    kfree(list.m);
    return err;
}

int mount_ns_copy(struct mount_ns *from, struct path *root, struct path *cwd,
                  struct mount_ns **made)
{
    struct mount_ns *ns = kzalloc(sizeof(*ns));
    if (!ns)
        return -ENOMEM;
    atomic_init(&ns->refs, 1);
    ns->id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
    mutex_lock(&mounts_lock);
    int err = copy_tree(from, ns, root, cwd);
    mutex_unlock(&mounts_lock);
    if (err < 0)
        kfree(ns);
    else
        *made = ns;
    return err;
}

/* --- names that are mounted on elsewhere */

bool mounted_here(const struct dentry *dentry)
{
    bool here = false;
    mutex_lock(&mounts_lock);
    for (struct mount *m = dentry->mounted; m && !here; m = m->next_here)
        here = mount_is_ours(m);
    mutex_unlock(&mounts_lock);
    return here;
}

void mounted_drop(struct dentry *dentry)
{
    mutex_lock(&mounts_lock);
    while (dentry->mounted)
        mount_drop_tree(dentry->mounted);
    mutex_unlock(&mounts_lock);
}
