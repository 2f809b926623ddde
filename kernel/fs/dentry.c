/* fs/dentry.c: the cache of names. See fs/dentry.h for who may do what when. */
#include "fs/dentry.h"

#include "core/panic.h"
#include "fs/handle.h"
#include "fs/notify.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { BUCKETS_FIRST = 512, BUCKETS_MAX = 1 << 18, REFS_DEAD = 1u << 31 };

struct table {
    uint32_t shift; /* 32 - log2(buckets) */
    struct dentry *_Atomic *buckets;
};

static struct dentry *_Atomic first_buckets[BUCKETS_FIRST];
static struct table first_table = {32 - 9, first_buckets};
static struct table *_Atomic table = &first_table;

struct mutex dentry_lock;
atomic_uint tree_sequence;
static struct list lru = LIST_INIT(lru);
static size_t ncached, limit;
static struct kcache dentry_cache = {.name = "dentry", .size = sizeof(struct dentry)};

void tree_change_begin(void)
{
    unsigned old = atomic_fetch_add_explicit(&tree_sequence, 1, memory_order_seq_cst);
    assert(!(old & 1), "changes of the tree of names must not nest");
}

void tree_change_end(void)
{
    atomic_fetch_add_explicit(&tree_sequence, 1, memory_order_seq_cst);
}

static struct dentry *_Atomic *bucket_of(struct table *t, const struct dentry *parent,
                                         uint32_t hash)
{
    uint32_t h = (hash + (uint32_t)((uintptr_t)parent >> 6)) * 0x9e3779b1u;
    return &t->buckets[h >> t->shift];
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t len, uint32_t hash)
{
    struct table *t = rcu_load(table);
    struct dentry *d = rcu_load(*bucket_of(t, parent, hash));
    for (; d; d = rcu_load(d->hash_next)) {
        if (d->hash == hash && d->parent == parent && d->name_len == len &&
            memcmp(d->name, name, len) == 0) {
            if (!atomic_load_explicit(&d->used, memory_order_relaxed))
                atomic_store_explicit(&d->used, true, memory_order_relaxed);
            return d;
        }
    }
    return NULL;
}

/* --- allocation */

static int set_name(struct dentry *d, const char *name, size_t len)
{
    char *to = d->short_name;
    if (len >= sizeof(d->short_name)) {
        to = kmalloc(len + 1);
        if (!to)
            return -ENOMEM;
    }
    memcpy(to, name, len);
    to[len] = 0;
    atomic_init(&d->name, to);
    d->name_len = (uint16_t)len;
    return 0;
}

static struct dentry *dentry_alloc(struct super *super, const char *name, size_t len, uint32_t hash)
{
    struct dentry *d = kcache_alloc(&dentry_cache);
    if (!d)
        return NULL;
    if (set_name(d, name, len) < 0) {
        kcache_free(&dentry_cache, d);
        return NULL;
    }
    d->hash = hash;
    d->super = super;
    atomic_init(&d->refs, 1);
    atomic_init(&d->parent, d);
    list_init(&d->siblings);
    list_init(&d->children);
    list_init(&d->lru);
    return d;
}

static void dentry_free(struct dentry *d)
{
    struct inode *inode = d->inode;
    if (d->name != d->short_name)
        kfree(d->name);
    kcache_free(&dentry_cache, d);
    inode_put(inode);
}

static void dentry_free_rcu(struct rcu_head *head)
{
    dentry_free(container_of(head, struct dentry, rcu));
}

struct dentry *dentry_create_root(struct super *super, struct inode *inode, const char *name)
{
    size_t len = strlen(name);
    struct dentry *d = dentry_alloc(super, name, len, 0);
    if (!d)
        return NULL;
    atomic_init(&d->inode, inode);
    d->anonymous = len > 0;
    return d;
}

/* --- the table (dentry_lock held) */

static void table_insert(struct dentry *d)
{
    struct dentry *_Atomic *bucket = bucket_of(table, d->parent, d->hash);
    atomic_store_explicit(&d->hash_next, *bucket, memory_order_relaxed);
    rcu_store(*bucket, d);
    d->hashed = true;
}

/* hash_next stays, for readers that stand on d. */
static void table_remove(struct dentry *d)
{
    struct dentry *_Atomic *at = bucket_of(table, d->parent, d->hash);
    while (*at != d)
        at = &(*at)->hash_next;
    rcu_store(*at, d->hash_next);
    d->hashed = false;
}

static void lru_remove(struct dentry *d)
{
    if (list_empty(&d->lru))
        return;
    list_del(&d->lru);
    ncached--;
}

void dentry_keep(struct dentry *d)
{
    d->kept = true;
    lru_remove(d);
}

struct dentry *dentry_find_alias(const struct dentry *of)
{
    for (size_t i = 0; i < 1ul << (32 - table->shift); i++)
        for (struct dentry *d = table->buckets[i]; d; d = d->hash_next)
            if (d->inode == of->inode && d != of)
                return d;
    return NULL;
}

static void rehash(struct table *from, struct table *to)
{
    for (size_t i = 0; i < 1ul << (32 - from->shift); i++) {
        struct dentry *d = from->buckets[i], *next;
        for (; d; d = next) {
            struct dentry *_Atomic *bucket = bucket_of(to, d->parent, d->hash);
            next = d->hash_next;
            rcu_store(d->hash_next, *bucket);
            rcu_store(*bucket, d);
        }
    }
}

/* Readers of the old table may miss names: tree_sequence tells them. The old table is kept: all of
 * them together are as large as the newest. */
static void table_grow(void)
{
    size_t buckets = 2ul << (32 - table->shift);
    if (ncached < buckets || buckets > BUCKETS_MAX)
        return;
    struct table *bigger = kzalloc(sizeof(*bigger));
    struct dentry *_Atomic *array = kcalloc(buckets, sizeof(*array));
    if (!bigger || !array) {
        kfree(bigger);
        kfree((void *)array);
        return;
    }
    *bigger = (struct table){table->shift - 1, array};
    tree_change_begin();
    rehash(table, bigger);
    rcu_store(table, bigger);
    tree_change_end();
}

/* --- references */

bool dentry_try_get(struct dentry *d)
{
    unsigned old = atomic_fetch_add_explicit(&d->refs, 1, memory_order_acquire);
    return likely(!(old & REFS_DEAD));
}

/* Try to be the one who frees d, whose reference count was seen as 0. */
static bool claim(struct dentry *d)
{
    unsigned none = 0;
    return atomic_compare_exchange_strong_explicit(&d->refs, &none, REFS_DEAD, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Take a claimed dentry out of everything and free it after present readers; returns the parent
 * whose reference it held, or NULL. dentry_lock held. */
static struct dentry *unlink_claimed(struct dentry *d)
{
    struct dentry *parent = d->parent;
    if (d->hashed)
        table_remove(d);
    lru_remove(d);
    if (unlikely(d->kept))
        handle_gone(d);
    list_del(&d->siblings);
    rcu_call(&d->rcu, dentry_free_rcu);
    return parent != d ? parent : NULL;
}

/* Of a claimed dentry: what its file takes up is free now, not when dentry_free_rcu() comes by. */
static void evict(const struct dentry *d)
{
    struct inode *inode = d->inode;
    if (inode && !inode->nlink && inode->ops->evict &&
        atomic_load_explicit(&inode->refs, memory_order_acquire) == 1)
        inode->ops->evict(inode);
}

void dentry_put(struct dentry *d)
{
    while (d) {
        if (likely(atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1))
            return;
        if (likely(d->hashed) || !claim(d))
            return;
        if (d->anonymous) {
            dentry_free(d);
            return;
        }
        notify_last(d);
        evict(d);
        mutex_lock(&dentry_lock);
        d = unlink_claimed(d);
        mutex_unlock(&dentry_lock);
    }
}

struct dentry *dentry_get_parent(struct dentry *d)
{
    mutex_lock(&dentry_lock);
    struct dentry *parent = d->parent;
    dentry_get(parent);
    mutex_unlock(&dentry_lock);
    return parent;
}

/* --- reclaim */

static size_t cache_limit(void)
{
    if (!limit) {
        struct frame_stats stats;
        frame_get_stats(&stats);
        limit = MIN(MAX(stats.total / 8, 512ul), 262144ul);
    }
    return limit;
}

/* One unused dentry less, or a look at one that is in use; false: none left. */
static bool shrink_one(size_t *freed)
{
    struct dentry *parent = NULL;
    mutex_lock(&dentry_lock);
    bool any = !list_empty(&lru);
    if (any) {
        struct dentry *d = list_first(&lru, struct dentry, lru);
        list_del(&d->lru);
        list_add_tail(&lru, &d->lru);
        if (!atomic_exchange_explicit(&d->used, false, memory_order_relaxed) && claim(d)) {
            parent = unlink_claimed(d);
            (*freed)++;
        }
    }
    mutex_unlock(&dentry_lock);
    dentry_put(parent);
    return any;
}

size_t dentry_shrink(size_t n)
{
    size_t freed = 0;
    for (size_t looked = 0; looked < 4 * n && freed < n && shrink_one(&freed); looked++)
        ;
    return freed;
}

void dentry_drop(void)
{
    /* A folder becomes unused when its last name goes. */
    while (dentry_shrink(MAX(ncached, 1ul)) > 0)
        ;
    rcu_barrier();
}

void dentry_prune(struct dentry *dir)
{
    mutex_lock(&dentry_lock);
    struct dentry *at = dir;
    /* Depth first, from the leaves up; names in use stay. */
    for (bool down = true;;) {
        if (down && !list_empty(&at->children)) {
            at = list_first(&at->children, struct dentry, siblings);
            continue;
        }
        if (at == dir)
            break;
        struct dentry *parent = at->parent;
        struct list *next = at->siblings.next;
        if (claim(at)) {
            unlink_claimed(at);
            atomic_fetch_sub_explicit(&parent->refs, 1, memory_order_acq_rel);
        }
        down = next != &parent->children;
        at = down ? list_entry(next, struct dentry, siblings) : parent;
    }
    mutex_unlock(&dentry_lock);
}

/* --- names come and go (the folder's inode locked) */

static void insert(struct dentry *dir, struct dentry *d)
{
    mutex_lock(&dentry_lock);
    atomic_store_explicit(&d->parent, dir, memory_order_relaxed);
    dentry_get(dir);
    list_add_tail(&dir->children, &d->siblings);
    if (!d->super->no_cache && !dir->unhashed) {
        table_insert(d);
        list_add_tail(&lru, &d->lru);
        ncached++;
        table_grow();
    }
    mutex_unlock(&dentry_lock);
    if (ncached > cache_limit())
        dentry_shrink(64);
}

static struct dentry *find_locked(struct dentry *dir, const char *name, size_t len, uint32_t hash)
{
    mutex_lock(&dentry_lock);
    struct dentry *d = dentry_find(dir, name, len, hash);
    if (d && !dentry_try_get(d))
        d = NULL;
    mutex_unlock(&dentry_lock);
    return d;
}

int dentry_lookup(struct dentry *dir, const char *name, size_t len, uint32_t hash,
                  struct dentry **found)
{
    struct dentry *d = find_locked(dir, name, len, hash);
    if (d) {
        *found = d;
        return 0;
    }
    struct inode *inode = NULL;
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    d = dentry_alloc(dir->super, name, len, hash);
    if (!d)
        return -ENOMEM;
    int err = -ENOENT;
    if (dir->inode->ops->lookup)
        err = dir->inode->ops->lookup(dir->inode, d->name, &inode);
    if (err < 0 && err != -ENOENT) {
        dentry_free(d);
        return err;
    }
    atomic_init(&d->inode, inode);
    insert(dir, d);
    *found = d;
    return 0;
}

/* Names of a file system that keeps none are kept as long as they lead to a mount. */
void dentry_mounted(struct dentry *d)
{
    for (; d->super->no_cache && d->parent != d && !d->hashed && !d->unhashed; d = d->parent)
        table_insert(d);
}

static bool leads_to_mount(struct dentry *d)
{
    bool leads = d->mounted;
    list_for_each_entry (struct dentry, child, &d->children, siblings)
        leads |= child->hashed;
    return leads;
}

void dentry_unmounted(struct dentry *d)
{
    for (; d->super->no_cache && d->hashed && !leads_to_mount(d); d = d->parent)
        table_remove(d);
}

struct dentry *dentry_create_deleted(struct dentry *parent, struct inode *inode)
{
    char name[24];
    int len = snprintf(name, sizeof(name), "#%lu", inode->ino);
    struct dentry *d = dentry_alloc(parent->super, name, len, name_hash(name, len));
    if (!d)
        return NULL;
    atomic_init(&d->inode, inode);
    d->unhashed = true;
    mutex_lock(&dentry_lock);
    atomic_store_explicit(&d->parent, parent, memory_order_relaxed);
    dentry_get(parent);
    list_add_tail(&parent->children, &d->siblings);
    mutex_unlock(&dentry_lock);
    return d;
}

void dentry_instantiate(struct dentry *d, struct inode *inode)
{
    rcu_store(d->inode, inode);
}

static void remove_locked(struct dentry *d)
{
    if (d->hashed)
        table_remove(d);
    lru_remove(d);
    d->unhashed = true;
    if (unlikely(d->kept))
        handle_unnamed(d);
}

void dentry_remove(struct dentry *d)
{
    if (!list_empty(&d->children))
        dentry_prune(d);
    mutex_lock(&dentry_lock);
    remove_locked(d);
    mutex_unlock(&dentry_lock);
}

/* Exchange places (parents, names) of two dentries that are out of the table. Readers notice by
 * tree_sequence; a name that is allocated changes hands whole. */
static void swap_names(struct dentry *a, struct dentry *b)
{
    bool a_short = a->name == a->short_name, b_short = b->name == b->short_name;
    char *a_name = a->name, *b_name = b->name;
    for (size_t i = 0; i < sizeof(a->short_name); i++) {
        char c = a->short_name[i];
        a->short_name[i] = b->short_name[i];
        b->short_name[i] = c;
    }
    rcu_store(a->name, b_short ? a->short_name : b_name);
    rcu_store(b->name, a_short ? b->short_name : a_name);
    uint16_t len = a->name_len;
    a->name_len = b->name_len;
    b->name_len = len;
    uint32_t hash = a->hash;
    a->hash = b->hash;
    b->hash = hash;
}

static void swap_places(struct dentry *a, struct dentry *b)
{
    struct dentry *a_parent = a->parent, *b_parent = b->parent;
    swap_names(a, b);
    list_del(&a->siblings);
    list_del(&b->siblings);
    rcu_store(a->parent, b_parent);
    rcu_store(b->parent, a_parent);
    list_add_tail(&b_parent->children, &a->siblings);
    list_add_tail(&a_parent->children, &b->siblings);
}

/* After a swap: what was replaced stays known by its own name, for those who have it open. (A
 * name that is allocated is left swapped: readers may be at it.) Returns the parent that it has
 * left, whose reference is the caller's. dentry_lock held. */
static struct dentry *keep_place(struct dentry *to, const struct dentry *from)
{
    struct dentry *left = to->parent;
    if (to->name != to->short_name || from->name != from->short_name)
        return NULL;
    memcpy(to->short_name, from->short_name, sizeof(to->short_name));
    to->name_len = from->name_len;
    list_del(&to->siblings);
    dentry_get(from->parent);
    rcu_store(to->parent, from->parent);
    list_add_tail(&to->parent->children, &to->siblings);
    return left;
}

void dentry_move(struct dentry *from, struct dentry *to)
{
    if (!list_empty(&to->children))
        dentry_prune(to);
    mutex_lock(&dentry_lock);
    tree_change_begin();
    bool cached = from->hashed;
    if (cached)
        table_remove(from);
    remove_locked(to);
    swap_places(from, to);
    struct dentry *left = keep_place(to, from);
    if (cached)
        table_insert(from);
    tree_change_end();
    mutex_unlock(&dentry_lock);
    dentry_put(left);
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
    mutex_lock(&dentry_lock);
    tree_change_begin();
    bool a_cached = a->hashed, b_cached = b->hashed;
    if (a_cached)
        table_remove(a);
    if (b_cached)
        table_remove(b);
    swap_places(a, b);
    if (a_cached)
        table_insert(a);
    if (b_cached)
        table_insert(b);
    tree_change_end();
    mutex_unlock(&dentry_lock);
}

bool dentry_is_below(struct dentry *d, struct dentry *ancestor)
{
    mutex_lock(&dentry_lock);
    while (d != ancestor && d != d->parent)
        d = d->parent;
    mutex_unlock(&dentry_lock);
    return d == ancestor;
}
