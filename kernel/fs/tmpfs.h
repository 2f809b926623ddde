/* fs/tmpfs.h: files in memory; also the writable face of a read-only file system (fs/overlay.c).
 *
 * A folder's entries hold references of their inodes. A node may have a `lower`: the folder or file
 * of a read-only file system that shows through where the node has nothing of its own. Locks:
 * inode->lock, then tmpfs.names, then page_store's. */
#pragma once

#include "fs/vfs.h"
#include "lib/rbtree.h"
#include "mm/shm.h"

struct tmpfs_node;

/* One file system. */
struct tmpfs {
    struct mutex names; /* over all folders' entries, and what overlay.c keeps in nodes */
    atomic_ulong pages, max_pages;         /* 0: half of memory, looked up when it matters */
    _Atomic uint64_t next_ino, max_inodes; /* max_inodes 0: no bound */
    _Atomic uint64_t inodes;               /* in use, the root too */
    bool size_given, inodes_given;
    uint32_t mode, uid, gid; /* of the root, as the mount's options gave them */
    struct super *lower;     /* the read-only file system below, with a reference of its root */
    /* Run before the first reading of the root or look for a name that is not there (devfs makes
     * its files then). */
    void (*_Atomic populate)(struct inode *root);
};

/* A name in a folder. inode NULL: removed, hides the lower folder's name ("whiteout"). */
struct tmpfs_entry {
    struct rb_node by_name, by_cookie;
    struct inode *inode;
    uint64_t cookie; /* readdir's position, never used again */
    uint32_t hash;
    bool in_lower; /* the lower folder has the name, too: readdir shows it there */
    char name[];
};

struct tmpfs_node {
    struct inode inode;
    /* Folders. */
    struct rb_tree names, order;
    uint64_t next_cookie;
    size_t nentries; /* with an inode */
    /* Files. */
    struct page_store store;
    atomic_uint seals;
    bool sealable;
    bool huge;      /* memfd of huge pages: whole ones only, mapped only */
    uint64_t nhuge; /* drawn from the pool for it; under the inode's lock */
    struct list xattrs;
    /* Over a lower file system. A clean node (as the lower has it) may be forgotten; a pinned one
     * is in its folder's entries. */
    struct inode *lower;
    uint64_t lower_size;     /* bytes of the lower file that still show through */
    struct tmpfs_node *home; /* clean: where it was found, with a reference */
    char *home_name;
    bool pinned;
    bool kept;       /* has a reference of its own: other names in the lower lead to it */
    bool own_xattrs; /* the lower's do not show any more */
    bool evicted;    /* in no count of the file system's any more */
    struct list dying;
};

static inline struct tmpfs_node *tmpfs_node(struct inode *inode)
{
    return container_of(inode, struct tmpfs_node, inode);
}
static inline struct tmpfs *tmpfs_of(const struct inode *inode)
{
    return inode->super->data;
}

/* A file system with an empty root of the given mode. max_pages 0: half of memory. */
int tmpfs_create(const struct fs_type *type, uint64_t max_pages, uint32_t mode,
                 struct super **super);
/* The same over a read-only one (takes over its reference). */
int overlay_create(struct super *lower, struct super **super);

/* Register the file system (fs/root.c). */
int tmpfs_start(void);

/* memfd_create(2): an open file without a name ("/memfd:NAME (deleted)"). seals: MFD_ALLOW_SEALING
 * given. name NULL: it is for fs/secretmem.c. */
int tmpfs_create_file(const char *name, bool seals, bool huge, struct file **file);
bool tmpfs_is_huge(const struct file *file); /* made of huge pages */
enum {
    SEAL_SEAL = 1,
    SEAL_SHRINK = 2,
    SEAL_GROW = 4,
    SEAL_WRITE = 8,
    SEAL_FUTURE_WRITE = 16,
    SEAL_EXEC = 32 /* the mode's x bits stay as they are */
};
/* F_GET_SEALS, F_ADD_SEALS; -EINVAL: not such a file, -EPERM, -EBUSY (mapped for writing). */
int tmpfs_get_seals(struct file *file);
int tmpfs_add_seals(struct file *file, unsigned seals);

/* --- between the parts of tmpfs */

/* The limit of its size; half of memory unless it was said. */
uint64_t tmpfs_max_pages(struct tmpfs *fs);
extern const struct inode_ops tmpfs_inode_ops;
extern const struct file_ops tmpfs_file_ops, tmpfs_dir_ops; /* tmpfs_file.c, tmpfs_dir.c */

/* A node without a name (refs 1, nlink 1, folders 2), owned as the caller and the folder say (dir
 * NULL: the caller's). NULL: no memory. */
struct tmpfs_node *tmpfs_node_create(struct super *super, const struct inode *dir, uint32_t mode);

/* tmpfs_dir.c */
int tmpfs_lookup(struct inode *dir, const char *name, struct inode **found);
int tmpfs_add(struct inode *dir, const char *name, struct inode *inode); /* takes a reference */
int tmpfs_link(struct inode *dir, const char *name, struct inode *inode);
int tmpfs_unlink(struct inode *dir, const char *name, struct inode *inode);
int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *inode);
int tmpfs_rename(struct inode *from_dir, const char *from, struct inode *inode,
                 struct inode *to_dir, const char *to, struct inode *target, unsigned flags);
/* names held. The name's entry; or a new one without an inode, NULL: no memory. */
struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_node *dir, const char *name);
struct tmpfs_entry *tmpfs_entry_add(struct tmpfs_node *dir, const char *name, bool in_lower);
/* Put the references of a dying folder's entries. */
void tmpfs_drop_entries(struct tmpfs_node *dir);

/* Positions of readdir from here on are the lower folder's. */
#define TMPFS_LOWER_POS ((off_t)1 << 62)
/* "." and "..", positions 0 and 1; false: the sink is full. */
bool dir_emit_dots(struct file *file, struct dir_sink *sink);

/* tmpfs_file.c */
bool tmpfs_mapped_writable(struct tmpfs_node *node);
extern const struct mem_object_ops tmpfs_mem_ops;
int tmpfs_resize(struct tmpfs_node *node, uint64_t size); /* inode locked */
void tmpfs_drop_pages(struct tmpfs_node *node);

/* xattr.c: lists of extended attributes. The folder's or file's lock is held. */
ssize_t xattr_get(const struct list *xattrs, const char *name, void *value, size_t size);
int xattr_set(struct list *xattrs, const char *name, const void *value, size_t size, int flags);
ssize_t xattr_list(const struct list *xattrs, char *list, size_t size);
void xattr_clear(struct list *xattrs);

/* overlay.c: what happens where a node has, or may have, a lower. */
/* Make sure that changes of the node are kept. -ENOMEM. */
int overlay_pin(struct tmpfs_node *node);
int overlay_lookup(struct tmpfs_node *dir, const char *name, struct inode **found);
/* The node's name was removed (names held): it is not clean any more. */
void overlay_unnamed(struct tmpfs_node *node);
bool overlay_dir_empty(struct tmpfs_node *dir);
void overlay_release_dir(struct file *file);
int overlay_readdir(struct file *file, struct dir_sink *sink);
int overlay_open(struct tmpfs_node *node, struct file *file);
/* The lower file's page with a reference (to read), or an own copy of it. */
int overlay_page(struct tmpfs_node *node, uint64_t index, paddr_t *frame);
int overlay_copy_page(struct tmpfs_node *node, uint64_t index);
int overlay_own_xattrs(struct tmpfs_node *node);
void overlay_destroy(struct tmpfs_node *node);
