/* fs/tmpfs.c: tmpfs: its nodes, mounting it, memfd. Names are in tmpfs_dir.c, data in tmpfs_file.c.
 */
#include "fs/tmpfs.h"

#include "fs/file.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"

enum { TMPFS_MAGIC = 0x01021994, OVERLAY_MAGIC = 0x794c7630 };

static struct kcache node_cache = {.name = "tmpfs_node", .size = sizeof(struct tmpfs_node)};

/* --- nodes */

static void set_owner(struct inode *inode, const struct inode *dir)
{
    const struct credentials *cred = vfs_caller_hook()->cred;
    inode->uid = cred->fsuid;
    inode->gid = cred->fsgid;
    if (!dir || !(dir->mode & S_ISGID))
        return;
    inode->gid = dir->gid;
    if (inode_is(inode, S_IFDIR))
        inode->mode |= S_ISGID;
    else if (inode->mode & 010 && !cred_in_group(cred, dir->gid) && !cred_has(cred, VFS_CAP_FSETID))
        inode->mode &= ~S_ISGID;
}

struct tmpfs_node *tmpfs_node_create(struct super *super, const struct inode *dir, uint32_t mode)
{
    struct tmpfs_node *node = kcache_alloc(&node_cache);
    struct tmpfs *fs = super->data;
    if (!node)
        return NULL;
    struct inode *inode = &node->inode;
    inode_init(inode, super, mode);
    atomic_fetch_add_explicit(&fs->inodes, 1, memory_order_relaxed);
    inode->ops = &tmpfs_inode_ops;
    inode->ino = atomic_fetch_add_explicit(&fs->next_ino, 1, memory_order_relaxed);
    inode->atime = inode->mtime = inode->ctime = inode->btime = timespec_now();
    set_owner(inode, dir);
    list_init(&node->xattrs);
    node->pinned = true;
    if (inode_is(inode, S_IFREG)) {
        inode->file_ops = &tmpfs_file_ops;
        page_store_init(&node->store);
        node->store.total = &fs->pages;
        mem_object_init(&inode->mem, &tmpfs_mem_ops);
    } else if (inode_is(inode, S_IFDIR)) {
        inode->file_ops = &tmpfs_dir_ops;
        inode->nlink = 2;
        node->next_cookie = 2; /* after "." and ".." */
    }
    return node;
}

/* A folder that dies takes what it holds along: with a list instead of recursion, which would have
 * no bound. */
static struct list dying = LIST_INIT(dying);
static struct mutex dying_lock;
static bool burying;

/* Pages of a link's target: longer ones than Linux keeps in the inode take one. */
static unsigned link_pages(const struct tmpfs_node *node)
{
    return inode_is(&node->inode, S_IFLNK) && node->inode.size >= 128 && !node->lower;
}

static void evict(struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    if (node->evicted)
        return;
    node->evicted = true;
    atomic_fetch_sub_explicit(&tmpfs_of(inode)->inodes, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&tmpfs_of(inode)->pages, link_pages(node), memory_order_relaxed);
    if (inode_is(inode, S_IFREG))
        tmpfs_drop_pages(node);
    if (unlikely(node->nhuge))
        hugetlb_return(node->nhuge);
}

static void node_free(struct tmpfs_node *node)
{
    evict(&node->inode);
    if (node->inode.super->data && node->lower)
        overlay_destroy(node);
    if (inode_is(&node->inode, S_IFDIR))
        tmpfs_drop_entries(node);
    else if (inode_is(&node->inode, S_IFREG))
        tmpfs_drop_pages(node); /* an image with too few links counted can have made some anew */
    xattr_clear(&node->xattrs);
    kcache_free(&node_cache, node);
}

static void node_bury(struct inode *inode)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    if (!inode_is(inode, S_IFDIR)) {
        node_free(node);
        return;
    }
    /* The inode's count in the super goes with our return: keep the super for the list. */
    atomic_fetch_add_explicit(&inode->super->inodes, 1, memory_order_relaxed);
    mutex_lock(&dying_lock);
    list_add_tail(&dying, &node->dying);
    bool mine = !burying;
    burying = true;
    while (mine && !list_empty(&dying)) {
        struct tmpfs_node *next = list_first(&dying, struct tmpfs_node, dying);
        struct super *super = next->inode.super;
        list_del(&next->dying);
        mutex_unlock(&dying_lock);
        node_free(next);
        super_drop_inode(super);
        mutex_lock(&dying_lock);
    }
    if (mine)
        burying = false;
    mutex_unlock(&dying_lock);
}

/* --- operations on inodes */

static int check_inodes(const struct inode *dir)
{
    const struct tmpfs *fs = tmpfs_of(dir);
    return unlikely(fs->max_inodes) && atomic_load(&fs->inodes) >= fs->max_inodes ? -ENOSPC : 0;
}

static int add_new(struct inode *dir, const char *name, struct tmpfs_node *node,
                   struct inode **created)
{
    if (!node)
        return -ENOMEM;
    int err = tmpfs_add(dir, name, &node->inode);
    if (err < 0) {
        inode_put(&node->inode);
        return err;
    }
    *created = &node->inode;
    return 0;
}

static int create(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                  struct inode **created)
{
    if (check_inodes(dir) < 0)
        return -ENOSPC;
    struct tmpfs_node *node = tmpfs_node_create(dir->super, dir, mode);
    if (node)
        node->inode.rdev = rdev;
    return add_new(dir, name, node, created);
}

static int make_dir(struct inode *dir, const char *name, uint32_t mode, struct inode **created)
{
    if (check_inodes(dir) < 0)
        return -ENOSPC;
    struct tmpfs_node *node = tmpfs_node_create(dir->super, dir, S_IFDIR | mode);
    int err = add_new(dir, name, node, created);
    if (err == 0)
        dir->nlink++;
    return err;
}

static int make_symlink(struct inode *dir, const char *name, const char *target,
                        struct inode **created)
{
    if (check_inodes(dir) < 0)
        return -ENOSPC;
    struct tmpfs *fs = tmpfs_of(dir);
    char *copy = kstrdup(target);
    struct tmpfs_node *node = copy ? tmpfs_node_create(dir->super, dir, S_IFLNK | 0777) : NULL;
    if (!node) {
        kfree(copy);
        return -ENOMEM;
    }
    atomic_init(&node->inode.link, copy);
    node->inode.size = strlen(copy);
    atomic_fetch_add_explicit(&fs->pages, link_pages(node), memory_order_relaxed);
    if (link_pages(node) && fs->pages > tmpfs_max_pages(fs)) {
        inode_put(&node->inode);
        return -ENOSPC;
    }
    return add_new(dir, name, node, created);
}

static int make_tmpfile(struct inode *dir, uint32_t mode, struct inode **created)
{
    if (check_inodes(dir) < 0)
        return -ENOSPC;
    struct tmpfs_node *node = tmpfs_node_create(dir->super, dir, mode);
    if (!node)
        return -ENOMEM;
    node->inode.nlink = 0;
    *created = &node->inode;
    return 0;
}

static ssize_t read_symlink(struct inode *inode, char *buf, size_t size)
{
    const char *target = atomic_load_explicit(&inode->link, memory_order_acquire);
    struct inode *lower = tmpfs_node(inode)->lower;
    if (!target)
        return lower ? lower->ops->readlink(lower, buf, size) : -EINVAL;
    size_t n = MIN(strlen(target), size);
    memcpy(buf, target, n);
    return n;
}

static int get_attributes(struct inode *inode, struct attributes *attr)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    attr->blocks = 0;
    if (node->huge)
        attr->blksize = HUGE_SIZE;
    if (inode_is(inode, S_IFREG)) {
        uint64_t shown = MIN(node->lower_size, inode->size);
        uint64_t own = atomic_load_explicit(&node->store.npages, memory_order_relaxed);
        attr->blocks = MAX(own * (PAGE_SIZE / 512), (shown + 511) / 512);
    } else if (inode_is(inode, S_IFDIR) && !node->lower) {
        attr->size = (node->nentries + 2) * 20;
    }
    return 0;
}

static int set_attributes(struct inode *inode, const struct attributes *attr)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    int err = overlay_pin(node);
    if (err == 0 && attr->mask & ATTR_SIZE)
        err = inode_is(inode, S_IFREG) ? tmpfs_resize(node, attr->size) : -EINVAL;
    if (err == 0 && attr->mask & ATTR_MODE && (attr->mode ^ inode->mode) & 0111 &&
        atomic_load_explicit(&node->seals, memory_order_relaxed) & SEAL_EXEC)
        err = -EPERM;
    if (err < 0)
        return err;
    inode_set(inode, attr);
    return 0;
}

static int set_flags(struct inode *inode, uint32_t flags)
{
    int err = overlay_pin(tmpfs_node(inode));
    if (err == 0)
        inode->flags = flags;
    return err;
}

static ssize_t get_xattr(struct inode *inode, const char *name, void *value, size_t size)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    struct inode *lower = node->lower;
    if (lower && !node->own_xattrs)
        return lower->ops->getxattr ? lower->ops->getxattr(lower, name, value, size) : -ENODATA;
    return xattr_get(&node->xattrs, name, value, size);
}

static int set_xattr(struct inode *inode, const char *name, const void *value, size_t size,
                     int flags)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    int err = overlay_pin(node);
    if (err == 0)
        err = overlay_own_xattrs(node);
    return err < 0 ? err : xattr_set(&node->xattrs, name, value, size, flags);
}

static ssize_t list_xattrs(struct inode *inode, char *list, size_t size)
{
    struct tmpfs_node *node = tmpfs_node(inode);
    struct inode *lower = node->lower;
    if (lower && !node->own_xattrs)
        return lower->ops->listxattr ? lower->ops->listxattr(lower, list, size) : 0;
    return xattr_list(&node->xattrs, list, size);
}

const struct inode_ops tmpfs_inode_ops = {
    .lookup = tmpfs_lookup,
    .create = create,
    .mkdir = make_dir,
    .symlink = make_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .tmpfile = make_tmpfile,
    .readlink = read_symlink,
    .getattr = get_attributes,
    .setattr = set_attributes,
    .set_flags = set_flags,
    .getxattr = get_xattr,
    .setxattr = set_xattr,
    .listxattr = list_xattrs,
    .evict = evict,
    .destroy = node_bury,
};

/* --- file systems */

uint64_t tmpfs_max_pages(struct tmpfs *fs)
{
    uint64_t max = atomic_load_explicit(&fs->max_pages, memory_order_relaxed);
    if (!max) {
        struct frame_stats frames;
        frame_get_stats(&frames);
        max = frames.total / 2;
        atomic_store_explicit(&fs->max_pages, max, memory_order_relaxed);
    }
    return max;
}

static void get_statfs(struct super *super, struct statfs_info *info)
{
    struct tmpfs *fs = super->data;
    struct frame_stats frames;
    frame_get_stats(&frames);
    uint64_t used = atomic_load_explicit(&fs->pages, memory_order_relaxed);
    info->type = fs->lower ? OVERLAY_MAGIC : TMPFS_MAGIC;
    info->blocks = tmpfs_max_pages(fs);
    if (info->blocks == UINT64_MAX)
        info->blocks = 0; /* no bound: nothing is said */
    info->bfree = info->bavail = used < info->blocks ? info->blocks - used : 0;
    if (!fs->inodes_given) {
        info->files = frames.total;
        info->ffree = frames.free;
    } else if ((info->files = fs->max_inodes))
        info->ffree = info->files - MIN(info->files, atomic_load(&fs->inodes));
}

static void destroy(struct super *super)
{
    kfree(super->data);
}

int tmpfs_create(const struct fs_type *type, uint64_t max_pages, uint32_t mode, struct super **out)
{
    struct super *super = super_create(type);
    struct tmpfs *fs = super ? kzalloc(sizeof(*fs)) : NULL;
    if (!fs) {
        kfree(super);
        return -ENOMEM;
    }
    atomic_init(&fs->max_pages, max_pages);
    fs->mode = mode;
    atomic_init(&fs->next_ino, 1);
    super->data = fs;
    super->statfs = get_statfs;
    super->destroy = destroy;
    struct tmpfs_node *root = tmpfs_node_create(super, NULL, S_IFDIR | mode);
    if (!root) {
        kfree(fs);
        kfree(super);
        return -ENOMEM;
    }
    super->root = &root->inode;
    *out = super;
    return 0;
}

enum { HAS_SIZE = 1, HAS_INODES = 2 };
struct options {
    unsigned given;
    uint64_t pages, inodes;
    uint32_t mode, uid, gid;
};

/* "10m", "50%" of memory's pages: a number, and whether it counts bytes or pages. */
static int parse_scaled(const char *s, uint64_t *n, bool *percent)
{
    char digits[24];
    size_t len = strlen(s);
    unsigned shift = 0;
    if (!len || len >= sizeof(digits))
        return -EINVAL;
    strlcpy(digits, s, sizeof(digits));
    static const char units[] = "kKmMgGtT";
    const char *unit = strchr(units, digits[len - 1]);
    *percent = digits[len - 1] == '%';
    if (unit && *unit)
        shift = 10 * ((unsigned)(unit - units) / 2 + 1);
    if (shift || *percent)
        digits[len - 1] = 0;
    if (parse_u64(digits, 0, n) < 0)
        return -EINVAL;
    *n <<= shift;
    return 0;
}

/* In pages. */
static int parse_size(const char *s, uint64_t *pages)
{
    struct frame_stats frames;
    bool percent;
    int err = parse_scaled(s, pages, &percent);
    if (err)
        return err;
    frame_get_stats(&frames);
    if (percent)
        *pages = frames.total * *pages / 100;
    else
        *pages = (*pages + PAGE_SIZE - 1) >> PAGE_SHIFT;
    return 0;
}

static int parse_count(const char *s, uint64_t *n)
{
    bool percent;
    int err = parse_scaled(s, n, &percent);
    return err < 0 || percent ? -EINVAL : 0;
}

static int parse_mode(const char *value, uint32_t *mode)
{
    uint64_t n;
    int err = parse_u64(value, 8, &n);
    if (err == 0)
        *mode = n & 07777;
    return err;
}

static int parse_id(const char *value, uint32_t *id)
{
    uint64_t n;
    int err = parse_u64(value, 10, &n);
    if (err < 0 || n >= UINT32_MAX)
        return -EINVAL;
    *id = n;
    return 0;
}

/* Words about swap, inode numbers and large pages: all of them are as they would have it, or say
 * nothing about what a program can see. */
static int check_word(const char *word, const char *value)
{
    static const char *const huge[] = {"never", "always", "within_size", "advise"};
    if (!value)
        return strcmp(word, "inode64") == 0 || strcmp(word, "inode32") == 0 ||
                       strcmp(word, "noswap") == 0
                   ? 0
                   : -ENOENT;
    for (size_t i = 0; strcmp(word, "huge") == 0 && i < ARRAY_SIZE(huge); i++)
        if (strcmp(value, huge[i]) == 0)
            return 0;
    if (strcmp(word, "mpol") == 0 && strncmp(value, "default", 7) == 0)
        return 0;
    return strcmp(word, "mpol") == 0 || strcmp(word, "huge") == 0 ? -EINVAL : -ENOENT;
}

static int parse_option(char *word, struct options *options)
{
    char *value = strchr(word, '=');
    if (!value)
        return check_word(word, NULL);
    *value++ = 0;
    if (strcmp(word, "size") == 0) {
        options->given |= HAS_SIZE;
        return parse_size(value, &options->pages);
    }
    if (strcmp(word, "nr_blocks") == 0) {
        options->given |= HAS_SIZE;
        return parse_count(value, &options->pages);
    }
    if (strcmp(word, "nr_inodes") == 0) {
        options->given |= HAS_INODES;
        return parse_count(value, &options->inodes);
    }
    if (strcmp(word, "mode") == 0)
        return parse_mode(value, &options->mode);
    if (strcmp(word, "uid") == 0)
        return parse_id(value, &options->uid);
    if (strcmp(word, "gid") == 0)
        return parse_id(value, &options->gid);
    return check_word(word, value);
}

static int check_option(const char *option)
{
    char word[128];
    struct options unused;
    return strlcpy(word, option, sizeof(word)) < sizeof(word) ? parse_option(word, &unused)
                                                              : -EINVAL;
}

static int parse_options(const char *text, struct options *options)
{
    char word[128];
    while (text && *text) {
        const char *end = strchr(text, ',');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        if (n >= sizeof(word))
            return -EINVAL;
        memcpy(word, text, n);
        word[n] = 0;
        if (n && parse_option(word, options) < 0)
            return -EINVAL;
        text += n + (end != NULL);
    }
    return 0;
}

/* What is given must hold what is there. */
static int remount(struct super *super, const char *text)
{
    struct tmpfs *fs = super->data;
    struct options options = {};
    int err = parse_options(text, &options);
    if (err < 0)
        return err;
    if (options.pages &&
        (options.pages < atomic_load(&fs->pages) || atomic_load(&fs->max_pages) == UINT64_MAX))
        return -EINVAL; /* what has no bound gets none later */
    if (options.inodes &&
        (options.inodes < atomic_load(&fs->inodes) || (fs->inodes_given && !fs->max_inodes)))
        return -EINVAL;
    if (options.given & HAS_SIZE) {
        atomic_store_explicit(&fs->max_pages, options.pages ? options.pages : UINT64_MAX,
                              memory_order_relaxed);
        fs->size_given = true;
    }
    if (options.given & HAS_INODES) {
        fs->max_inodes = options.inodes;
        fs->inodes_given = true;
    }
    return 0;
}

static void show(const struct super *super, struct text *text)
{
    struct tmpfs *fs = super->data;
    uint64_t pages = atomic_load_explicit(&fs->max_pages, memory_order_relaxed);
    if (fs->size_given)
        text_printf(text, ",size=%luk", (pages + 1 ? pages : 0) * (PAGE_SIZE / 1024));
    if (fs->inodes_given)
        text_printf(text, ",nr_inodes=%lu", fs->max_inodes);
    if (fs->mode != 01777)
        text_printf(text, ",mode=%o", fs->mode);
    if (fs->uid)
        text_printf(text, ",uid=%u", fs->uid);
    if (fs->gid)
        text_printf(text, ",gid=%u", fs->gid);
    text_printf(text, ",inode64");
}

static int mount(const char *source, unsigned flags, const char *text, struct super **super);
static struct fs_type tmpfs_type = {.name = "tmpfs",
                                    .nodev = true,
                                    .mount = mount,
                                    .check_option = check_option,
                                    .remount = remount,
                                    .show = show};

static int mount(const char *source, unsigned flags, const char *text, struct super **super)
{
    const struct credentials *cred = vfs_caller_hook()->cred;
    struct options options = {.mode = 01777, .uid = cred->fsuid, .gid = cred->fsgid};
    int err = parse_options(text, &options);
    if (err == 0 && options.given & HAS_SIZE && !options.pages)
        options.pages = UINT64_MAX; /* size=0: no bound */
    if (err == 0)
        err = tmpfs_create(&tmpfs_type, options.pages, options.mode, super);
    if (err == 0) {
        struct tmpfs *fs = (*super)->data;
        fs->max_inodes = options.inodes;
        fs->size_given = options.given & HAS_SIZE;
        fs->inodes_given = options.given & HAS_INODES;
        (*super)->root->uid = fs->uid = options.uid;
        (*super)->root->gid = fs->gid = options.gid;
    }
    return err;
}

/* --- memfd */

static struct super *_Atomic memfd_super;

/* The file system behind all memfds, made at the first. */
static int get_memfd_super(struct super **super)
{
    struct super *have = rcu_load(memfd_super), *none = NULL;
    if (!have) {
        struct frame_stats frames;
        frame_get_stats(&frames);
        int err = tmpfs_create(&tmpfs_type, frames.total, 0777, &have);
        if (err < 0)
            return err;
        /* A second one made at the same time is just used once and kept. */
        atomic_compare_exchange_strong(&memfd_super, &none, have);
    }
    *super = have;
    return 0;
}

int tmpfs_create_file(const char *name, bool seals, bool huge, struct file **file)
{
    char label[NAME_MAX + 32];
    struct super *super;
    int err = get_memfd_super(&super);
    if (err < 0)
        return err;
    struct tmpfs_node *node = tmpfs_node_create(super, NULL, S_IFREG | 0777);
    if (!node)
        return -ENOMEM;
    node->inode.nlink = 0;
    node->sealable = seals;
    node->huge = huge;
    if (!seals)
        atomic_init(&node->seals, SEAL_SEAL);
    snprintf(label, sizeof(label), name ? "/memfd:%s (deleted)" : "/secretmem (deleted)", name);
    return file_of_inode(label, &node->inode, O_RDWR | O_LARGEFILE, file);
}

bool tmpfs_is_huge(const struct file *file)
{
    return file->ops == &tmpfs_file_ops && tmpfs_node(file->inode)->huge;
}

static struct tmpfs_node *sealable(struct file *file)
{
    bool tmpfs = file->inode->ops == &tmpfs_inode_ops && inode_is(file->inode, S_IFREG);
    return tmpfs && !tmpfs_of(file->inode)->lower ? tmpfs_node(file->inode) : NULL;
}

int tmpfs_get_seals(struct file *file)
{
    struct tmpfs_node *node = sealable(file);
    if (!node)
        return -EINVAL;
    unsigned seals = atomic_load_explicit(&node->seals, memory_order_relaxed);
    return node->sealable ? seals : seals | SEAL_SEAL;
}

int tmpfs_add_seals(struct file *file, unsigned seals)
{
    struct tmpfs_node *node = sealable(file);
    if (!file_writable(file))
        return -EPERM;
    if (!node || seals & ~0x3fu)
        return -EINVAL;
    struct inode *inode = &node->inode;
    int err = 0;
    write_lock(&inode->lock);
    if (seals & SEAL_EXEC && inode->mode & 0111) /* what may be run does not change */
        seals |= SEAL_SHRINK | SEAL_GROW | SEAL_WRITE | SEAL_FUTURE_WRITE;
    unsigned have = atomic_load_explicit(&node->seals, memory_order_relaxed);
    if (!node->sealable || have & SEAL_SEAL)
        err = -EPERM;
    else if (seals & SEAL_WRITE && !(have & SEAL_WRITE) && tmpfs_mapped_writable(node))
        err = -EBUSY;
    else
        atomic_store_explicit(&node->seals, have | seals, memory_order_release);
    write_unlock(&inode->lock);
    return err;
}

int tmpfs_start(void)
{
    fs_register(&tmpfs_type);
    return 0;
}
