/* fs/handle.c: an index of the names of which there are handles. */
#include "fs/handle.h"

#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/tmpfs.h"
#include "mm/heap.h"

struct handle {
    struct rb_node node;
    struct dentry *dentry;
};
static struct rb_tree handles; /* under dentry_lock, by super and number */

/* Where the file's handle is, or belongs (*link NULL). */
static struct rb_node **find(const struct super *super, uint64_t ino, struct rb_node **parent)
{
    struct rb_node **link = &handles.root;
    *parent = NULL;
    while (*link) {
        const struct dentry *d = container_of(*link, struct handle, node)->dentry;
        uint64_t have = d->inode->ino;
        if (d->super == super && have == ino)
            break;
        *parent = *link;
        link = super < d->super || (super == d->super && ino < have) ? &(*link)->left
                                                                     : &(*link)->right;
    }
    return link;
}

static struct handle *handle_of(const struct dentry *d)
{
    struct rb_node *parent;
    return container_of(*find(d->super, d->inode->ino, &parent), struct handle, node);
}

static void pass_to(struct handle *h, struct dentry *other)
{
    h->dentry->kept = false;
    h->dentry = other;
    dentry_keep(other);
}

void handle_unnamed(struct dentry *d)
{
    struct dentry *other = d->inode->nlink ? dentry_find_alias(d) : NULL;
    if (other)
        pass_to(handle_of(d), other);
}

void handle_gone(struct dentry *d)
{
    struct handle *h = handle_of(d);
    if (d->unhashed) /* of O_TMPFILE: it may have got a name since */
        handle_unnamed(d);
    if (!d->kept)
        return;
    rb_remove(&handles, &h->node);
    kfree(h);
}

static int add(struct dentry *d)
{
    struct rb_node *parent, **link;
    struct handle *h = kmalloc(sizeof(*h));
    if (!h)
        return -ENOMEM;
    mutex_lock(&dentry_lock);
    link = find(d->super, d->inode->ino, &parent);
    if (!*link) {
        h->dentry = d;
        rb_insert(&handles, &h->node, parent, link);
        dentry_keep(d);
        h = NULL;
    } else {
        struct handle *have = container_of(*link, struct handle, node);
        if (have->dentry->unhashed && !d->unhashed)
            pass_to(have, d);
    }
    mutex_unlock(&dentry_lock);
    kfree(h);
    return 0;
}

static uint32_t generation(const struct inode *inode)
{
    return (uint32_t)(inode->btime.sec ^ inode->btime.nsec) ^ inode->super->dev << 16;
}

int vfs_name_to_handle(const struct path *path, bool compare_only, struct handle_id *id)
{
    struct dentry *d = path->dentry;
    const struct inode *inode = d->inode;
    bool found_again = inode->ops == &tmpfs_inode_ops && !d->anonymous;
    if (!found_again && !compare_only)
        return -EOPNOTSUPP;
    *id = (struct handle_id){0, (uint32_t)inode->ino, inode->ino >> 32};
    if (!found_again)
        return HANDLE_INO64_GEN;
    id->generation = generation(inode);
    return add(d) ?: HANDLE_INO32_GEN;
}

int vfs_find_handle(const struct path *at, const struct handle_id *id, struct path *found)
{
    struct rb_node *parent, *node;
    struct dentry *d = NULL;
    mutex_lock(&dentry_lock);
    node = *find(at->dentry->super, (uint64_t)id->ino_high << 32 | id->ino, &parent);
    if (node)
        d = container_of(node, struct handle, node)->dentry;
    if (d && (generation(d->inode) != id->generation || !dentry_try_get(d)))
        d = NULL;
    mutex_unlock(&dentry_lock);
    if (!d)
        return -ESTALE;
    mount_get(at->mount);
    *found = (struct path){at->mount, d};
    return 0;
}
