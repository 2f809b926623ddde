/* devpts: the slaves of pseudo terminals as files, and ptmx (man 4 pts). Every mount shows the same
 * ones; its nodes are made anew at each lookup and keep nothing. */

#include "core/boot.h"
#include "drivers/tty/pty.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { ROOT_INO = 1, PTMX_INO = 2, FIRST_INO = 3, DEVPTS_MAGIC = 0x1cd1 };

/* Defaults of the mount: options mode=, uid=, gid=, ptmxmode=. */
struct devpts {
    uint32_t ptmx_mode;
};

static const struct inode_ops node_ops, root_ops;
static const struct file_ops root_file_ops;

static struct inode *create_inode(struct super *super, uint64_t ino, uint32_t mode, uint32_t rdev)
{
    struct inode *inode = kzalloc(sizeof(*inode));
    if (!inode)
        return NULL;
    inode_init(inode, super, mode);
    inode->ops = &node_ops;
    inode->ino = ino;
    inode->rdev = rdev;
    inode->atime = inode->mtime = inode->ctime = inode->btime = timespec_now();
    return inode;
}

static void destroy_inode(struct inode *inode)
{
    kfree(inode);
}

static bool is_slave(const struct inode *inode)
{
    return inode->ino >= FIRST_INO;
}

/* The owner is the pair's, so that all nodes of a slave show the same. */
static int get_attributes(struct inode *inode, struct attributes *attr)
{
    struct pts_info info;
    if (is_slave(inode) && pty_info(inode->ino - FIRST_INO, &info)) {
        inode->uid = info.uid;
        inode->gid = info.gid;
        inode->mode = S_IFCHR | info.mode;
        inode->btime = info.created;
    }
    attr->mode = inode->mode;
    attr->uid = inode->uid;
    attr->gid = inode->gid;
    attr->nlink = inode->nlink;
    attr->rdev = inode->rdev;
    attr->ino = inode->ino;
    attr->dev = inode->super->dev;
    attr->blksize = 1024;
    attr->size = attr->blocks = 0;
    attr->atime = inode->atime;
    attr->mtime = inode->mtime;
    attr->ctime = inode->ctime;
    attr->btime = inode->btime;
    return 0;
}

static int set_attributes(struct inode *inode, const struct attributes *attr)
{
    if (attr->mask & ATTR_SIZE)
        return -EINVAL;
    inode_set(inode, attr);
    inode->ctime = timespec_now();
    return is_slave(inode) ? pty_set_info(inode->ino - FIRST_INO, attr) : 0;
}

static const struct inode_ops node_ops = {
    .getattr = get_attributes,
    .setattr = set_attributes,
    .destroy = destroy_inode,
};

/* --- the folder --------------------------------------------------------------------------- */

static int lookup(struct inode *dir, const char *name, struct inode **found)
{
    struct devpts *fs = dir->super->data;
    struct pts_info info;
    uint64_t index;
    if (strcmp(name, "ptmx") == 0) {
        *found = create_inode(dir->super, PTMX_INO, S_IFCHR | fs->ptmx_mode, makedev(5, 2));
        return *found ? 0 : -ENOMEM;
    }
    if (strlen(name) > 9 || (name[0] == '0' && name[1]) || parse_u64(name, 10, &index) < 0 ||
        !pty_info(index, &info))
        return -ENOENT;
    struct inode *inode =
        create_inode(dir->super, FIRST_INO + index, S_IFCHR | info.mode, makedev(PTS_MAJOR, index));
    if (!inode)
        return -ENOMEM;
    inode->uid = info.uid;
    inode->gid = info.gid;
    *found = inode;
    return 0;
}

static int read_dir(struct file *file, struct dir_sink *sink)
{
    enum { PTMX_POS = 2, SLAVES_POS = 3 };
    if (!dir_emit_dots(file, sink))
        return 0;
    if (file->pos == PTMX_POS) {
        if (!sink->entry(sink, "ptmx", 4, PTMX_INO, S_IFCHR >> 12, SLAVES_POS))
            return 0;
        file->pos = SLAVES_POS;
    }
    int index;
    while ((index = pty_next(file->pos - SLAVES_POS)) >= 0) {
        char name[12];
        int len = snprintf(name, sizeof(name), "%d", index);
        off_t next = SLAVES_POS + index + 1;
        if (!sink->entry(sink, name, len, FIRST_INO + index, S_IFCHR >> 12, next))
            return 0;
        file->pos = next;
    }
    return 0;
}

static const struct inode_ops root_ops = {
    .lookup = lookup,
    .setattr = set_attributes,
    .getattr = get_attributes,
    .destroy = destroy_inode,
};
static const struct file_ops root_file_ops = {.readdir = read_dir};

/* --- mounting ----------------------------------------------------------------------------- */

/* ptmxmode=OCTAL; what else there may be (newinstance, mode=, gid=, max=) changes nothing. */
static uint32_t parse_ptmx_mode(const char *options)
{
    const char *word = options ? strstr(options, "ptmxmode=") : NULL;
    uint32_t mode = 0;
    for (word = word ? word + 9 : ""; *word >= '0' && *word <= '7'; word++)
        mode = mode * 8 + (*word - '0');
    return mode & 0777;
}

static void show_statfs(struct super *super, struct statfs_info *info)
{
    *info = (struct statfs_info){.type = DEVPTS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
}

static void destroy_super(struct super *super)
{
    kfree(super->data);
}

static int check_option(const char *option)
{
    static const char *const known[] = {"uid=", "gid=", "mode=", "ptmxmode=", "max="};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        size_t n = strlen(known[i]);
        if (strncmp(option, known[i], n) == 0 && option[n] >= '0' && option[n] <= '9')
            return 0;
    }
    return strcmp(option, "newinstance") == 0 ? 0 : -EINVAL;
}

static int mount(const char *source, unsigned flags, const char *options, struct super **made);
static struct fs_type devpts_type = {
    .name = "devpts", .nodev = true, .mount = mount, .check_option = check_option};

static int mount(const char *source, unsigned flags, const char *options, struct super **made)
{
    struct devpts *fs = kzalloc(sizeof(*fs));
    struct super *super = fs ? super_create(&devpts_type) : NULL;
    struct inode *root = super ? create_inode(super, ROOT_INO, S_IFDIR | 0755, 0) : NULL;
    if (!root) {
        kfree(super);
        kfree(fs);
        return -ENOMEM;
    }
    fs->ptmx_mode = parse_ptmx_mode(options);
    root->ops = &root_ops;
    root->file_ops = &root_file_ops;
    root->nlink = 2;
    super->root = root;
    super->data = fs;
    super->no_cache = true;
    super->statfs = show_statfs;
    super->destroy = destroy_super;
    *made = super;
    return 0;
}

static int devpts_init(void)
{
    fs_register(&devpts_type);
    return 0;
}
BOOT_STEP(PHASE_BUS, "devpts", devpts_init);
