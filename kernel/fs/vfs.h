/* fs/vfs.h: inodes, names, mounts, open files. Threads only; everything may sleep.
 *
 * Errors are negative errno. An inode's operations are called with inode->lock held for writing
 * where they change a folder or the inode's attributes, and for reading where they look; file
 * operations take what they need themselves. Locks: folder before child; the two folders of a
 * rename (one at a time, machine-wide) ancestor first, else in address order.
 *
 * Names are walked without locks or references under RCU (fs/namei.c): a dentry's inode changes
 * only from NULL to an inode, and both are freed after readers have ended. */
#pragma once

#include "core/clock.h"
#include "core/mutex.h"
#include "core/rcu.h"
#include "core/waitqueue.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "mm/address_space.h"
#include "mm/uaccess.h"

struct inode;
struct dentry;
struct file;
struct mount;
struct super;
struct poll_table;
struct text;

enum {
    S_IFMT = 0170000,
    S_IFSOCK = 0140000,
    S_IFLNK = 0120000,
    S_IFREG = 0100000,
    S_IFBLK = 0060000,
    S_IFDIR = 0040000,
    S_IFCHR = 0020000,
    S_IFIFO = 0010000,
    S_HAS_CAPS = 0200000, /* in inode->mode only: there is an attribute XATTR_CAPS */
    S_ISUID = 04000,
    S_ISGID = 02000,
    S_ISVTX = 01000,
};
enum { NAME_MAX = 255, PATH_MAX = 4096, SYMLINKS_MAX = 40 };
enum {
    O_RDONLY = 0,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_ACCMODE = 3,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_NOCTTY = 0400,
    O_TRUNC = 01000,
    O_APPEND = 02000,
    O_NONBLOCK = 04000,
    O_DSYNC = 010000,
    O_ASYNC = 020000,
    O_DIRECT = 040000,
    O_LARGEFILE = 0100000,
    O_DIRECTORY = 0200000,
    O_NOFOLLOW = 0400000,
    O_NOATIME = 01000000,
    O_CLOEXEC = 02000000,
    O_SYNC = 04010000,
    O_PATH = 010000000,
    O_TMPFILE = 020200000,
};
enum {
    POLLIN = 1,
    POLLPRI = 2,
    POLLOUT = 4,
    POLLERR = 8,
    POLLHUP = 0x10,
    POLLNVAL = 0x20,
    POLLRDNORM = 0x40,
    POLLRDBAND = 0x80,
    POLLWRNORM = 0x100,
    POLLWRBAND = 0x200,
    POLLMSG = 0x400,
    POLLRDHUP = 0x2000,
};

struct timespec {
    int64_t sec, nsec;
};

/* Supplementary groups, in order; never changed, shared by who has the same (linux/groups.h). */
struct group_set {
    struct rcu_head rcu;
    _Atomic unsigned refs;
    uint32_t n, ids[];
};
/* Who asks: part of every task (linux/). Kernel threads act as root. A plain copy is good for as
 * long as the original keeps its groups. */
struct credentials {
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    struct group_set *groups; /* NULL: none */
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
};
/* Supplied by linux/ at boot: the current task's credentials, root and working folder, umask, its
 * RLIMIT_FSIZE in bytes, and its process id (for locks and F_SETOWN); defaults: root's. */
struct vfs_caller {
    const struct credentials *cred;
    struct path *root, *cwd;
    struct mount_ns *mounts; /* the namespace that both are in */
    uint32_t umask;
    uint64_t file_size_limit;
};
extern struct vfs_caller *(*vfs_caller_hook)(void);
/* Supplied by linux/: raise SIGPIPE (a write to a broken pipe), SIGXFSZ (beyond RLIMIT_FSIZE) in
 * the current thread. */
extern void (*vfs_sigpipe_hook)(void);
extern void (*vfs_sigxfsz_hook)(void);
/* Supplied by linux/: file_put() of the last reference calls it, before release(), for a file whose
 * `watchers` is not empty (epoll, O_ASYNC); afterwards the list is empty. May sleep. */
extern void (*vfs_file_gone_hook)(struct file *file);
/* Supplied by linux/: tell the owner of an open file with a lease that it is to give it up (SIGIO
 * or F_SETSIG's). fd is that of F_SETLEASE. Any thread, under a mutex. */
extern void (*vfs_lease_hook)(struct file *file, int fd);

/* Capabilities (man 7 capabilities) as bits of cap_effective: those that files need. */
static inline bool cred_has(const struct credentials *cred, unsigned cap)
{
    return cred->cap_effective >> cap & 1;
}
enum { CAP_LAST = 40 };
#define CAP_ALL ((1ull << (CAP_LAST + 1)) - 1)
enum {
    VFS_CAP_CHOWN = 0,
    VFS_CAP_DAC_OVERRIDE = 1,
    VFS_CAP_DAC_READ_SEARCH = 2,
    VFS_CAP_FOWNER = 3,
    VFS_CAP_FSETID = 4,
    VFS_CAP_LINUX_IMMUTABLE = 9,
    VFS_CAP_SYS_ADMIN = 21,
    VFS_CAP_SYS_RESOURCE = 24,
    VFS_CAP_MKNOD = 27,
    VFS_CAP_LEASE = 28,
    VFS_CAP_SETFCAP = 31,
};
bool cred_in_group(const struct credentials *cred, uint32_t gid);  /* fsgid or supplementary */
bool cred_has_group(const struct credentials *cred, uint32_t gid); /* supplementary */

/* --- inodes ------------------------------------------------------------------------------------
 */

struct attributes { /* for getattr and setattr */
    uint32_t mask;  /* ATTR_* of what to set */
    uint32_t mode, uid, gid, nlink, blksize, rdev, dev;
    uint64_t ino, size, blocks; /* blocks of 512 bytes */
    struct timespec atime, mtime, ctime, btime;
};
enum {
    ATTR_MODE = 1,
    ATTR_UID = 2,
    ATTR_GID = 4,
    ATTR_SIZE = 8,
    ATTR_ATIME = 16,
    ATTR_MTIME = 32,
    ATTR_CTIME = 64,
    ATTR_NOW = 128,   /* with ATIME, MTIME: to the present time, which writers may, too */
    ATTR_OWNER = 256, /* chown(2), be it to nobody else: set-id bits go */
};

struct inode_ops {
    /* Folders. name is not NUL-terminated beyond len? It IS NUL-terminated; never "." or "..". */
    int (*lookup)(struct inode *dir, const char *name, struct inode **found); /* -ENOENT */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                  struct inode **created); /* any type by S_IFMT but folders and links */
    int (*mkdir)(struct inode *dir, const char *name, uint32_t mode, struct inode **created);
    int (*symlink)(struct inode *dir, const char *name, const char *target, struct inode **created);
    int (*link)(struct inode *dir, const char *name, struct inode *inode);
    int (*unlink)(struct inode *dir, const char *name, struct inode *inode);
    int (*rmdir)(struct inode *dir, const char *name, struct inode *inode); /* -ENOTEMPTY */
    /* flags: RENAME_NOREPLACE 1 (checked by the VFS), EXCHANGE 2, WHITEOUT 4. target may be NULL.
     */
    int (*rename)(struct inode *from_dir, const char *from, struct inode *inode,
                  struct inode *to_dir, const char *to, struct inode *target, unsigned flags);
    int (*tmpfile)(struct inode *dir, uint32_t mode, struct inode **created);
    /* Links: the target into buf, its length (not NUL-terminated). */
    ssize_t (*readlink)(struct inode *inode, char *buf, size_t size);
    /* A "magic" link (/proc/self/fd/N) that leads straight to a place; takes references. NULL:
     * none. */
    int (*follow)(struct inode *inode, struct path *place);
    /* All. getattr NULL: from the inode's fields. setattr NULL: -EPERM. */
    int (*getattr)(struct inode *inode, struct attributes *attr);
    int (*setattr)(struct inode *inode, const struct attributes *attr);
    int (*set_flags)(struct inode *inode, uint32_t flags); /* INODE_*; NULL: it has none */
    /* Whether the caller may do all the same what mode and capabilities refuse. NULL: no. */
    bool (*allows)(const struct inode *inode);
    ssize_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
    int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags); /* value NULL: remove */
    ssize_t (*listxattr)(struct inode *inode, char *list, size_t size);
    /* No name is left and nobody uses it: give the space back. Who walks by may still look at the
     * inode itself. destroy follows. NULL: nothing to give. */
    void (*evict)(struct inode *inode);
    /* The last reference is gone: free what the file system keeps. */
    void (*destroy)(struct inode *inode);
};

struct inode {
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* what open() gives the file; devices: by rdev */
    struct super *super;
    struct mem_object mem; /* the file's pages, for mappings; mem.ops set by its owner */
    struct rwlock lock;
    atomic_uint refs;
    uint64_t ino, size;
    uint32_t mode, uid, gid, nlink, rdev;
    struct timespec atime, mtime, ctime, btime;
    atomic_int writers;           /* open for writing; negative: being executed (ETXTBSY) */
    void *data;                   /* the file system's; FIFOs: the pipe; sockets: the net's */
    char *_Atomic link;           /* a link's target once it was read; freed with the inode */
    bool linkable;                /* made by O_TMPFILE: may get its first name */
    uint8_t write_hint;           /* F_SET_RW_HINT */
    uint32_t flags;               /* INODE_* */
    struct lease *_Atomic leases; /* fs/lease.c */
    struct list locks;            /* POSIX and flock locks (fs/lock.c) */
    struct waitqueue lock_wait;
    void *_Atomic watches;    /* inotify */
    struct inode *overlay_of; /* overlay: see fs/overlay.c */
};

/* Flags of an inode (man 2 ioctl_iflags). */
enum {
    INODE_IMMUTABLE = 0x10,
    INODE_APPEND = 0x20, /* only O_APPEND writes */
    INODE_NODUMP = 0x40,
    INODE_NOATIME = 0x80,
    INODE_FLAGS = 0xf0,
    /* Not for programs; of all below a folder of fs/pseudo.h: nobody looks up a name that is not
     * there, not to make it either; no capability stands in for a missing bit of the mode. */
    INODE_CLOSED = 0x01,
    INODE_BY_MODE = 0x02,
    INODE_OWNED = 0x08,   /* the owner is who pseudo_owner_hook says */
    INODE_GUARDED = 0x04, /* a file or link of fs/pseudo.h: pseudo_guard_hook says for whom */
};

/* A fresh inode (zeroed) of a mode, type included: one link, one reference, counted in super (NULL:
 * none). inode_put() of the last reference ends it, and may sleep. */
void inode_init(struct inode *inode, struct super *super, uint32_t mode);
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);
/* From a weak pointer (kept valid by the caller's lock): false when its last reference is gone. */
bool inode_try_get(struct inode *inode);
/* May the caller read (4), write (2), execute/search (1)? 0 or -EACCES (-EROFS). */
int inode_permission(struct inode *inode, int mask);
/* Mode, owner and times as attr->mask names them; locked for writing. */
void inode_set(struct inode *inode, const struct attributes *attr);
/* mtime and ctime := now (coarse). */
void inode_touch(struct inode *inode, bool modified);
struct timespec timespec_now(void);

/* --- file systems and mounts
 * ---------------------------------------------------------------------- */

struct statfs_info {
    uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags, fsid;
};
struct super {
    const struct fs_type *type;
    struct inode *root;
    struct dentry *root_dentry; /* the VFS's; made at the first mount */
    uint32_t dev;               /* st_dev: anonymous, unique */
    bool readonly;
    unsigned flags; /* SUPER_FLAGS */
    bool no_cache;  /* names must be looked up afresh each time (procfs) */
    void *data;
    void (*statfs)(struct super *super, struct statfs_info *info);
    void (*destroy)(struct super *super); /* after its last inode is gone */
    atomic_uint refs;                     /* mounts */
    atomic_uint inodes;                   /* and one for the mounts */
};
struct fs_type {
    const char *name; /* as in /proc/filesystems and mount(2) */
    bool nodev;       /* needs no block device */
    int (*mount)(const char *source, unsigned flags, const char *options, struct super **super);
    /* Does it know the option ("key" or "key=value") and like its value? NULL: there are none.
     * 0 or -EINVAL. */
    int (*check_option)(const char *option);
    int (*remount)(struct super *super, const char *options);   /* NULL: nothing to change */
    void (*show)(const struct super *super, struct text *text); /* ",size=10k": /proc/mounts */
    struct fs_type *next;
};
void fs_register(struct fs_type *type);
struct fs_type *fs_find(const char *name);
struct fs_type *fs_first(void);
struct super *super_create(const struct fs_type *type); /* refs 1, dev given; NULL: no memory */

/* A name in the tree. The tree of dentries is the cache of names; negative ones have no inode.
 * A child holds a reference of its parent. Unused ones stay in the cache until it is full. */
struct dentry {
    struct dentry *_Atomic hash_next;
    struct dentry *_Atomic parent; /* itself at a root */
    struct inode *_Atomic inode;   /* NULL: known not to exist */
    char *_Atomic name;            /* short_name, or allocated */
    uint32_t hash;                 /* of the name */
    uint16_t name_len;
    atomic_bool used; /* looked up since reclaim last came by */
    bool hashed;      /* in the cache */
    bool unhashed;    /* removed from the tree ("(deleted)") */
    bool anonymous;   /* the name of an anonymous file */
    bool kept;        /* there are handles of it (fs/handle.h) */
    atomic_uint refs;
    struct mount *_Atomic mounted; /* the mounts that cover this place */
    struct super *super;
    struct list siblings, children, lru;
    struct rcu_head rcu;
    char short_name[40];
};
struct path {
    struct mount *mount;
    struct dentry *dentry;
};
void path_get(const struct path *path);
void path_put(const struct path *path);
/* Absolute path as seen from the caller's root; returns the start inside buf, "(deleted)" appended
 * to removed ones, or NULL if size is too small. */
char *path_name(const struct path *path, char *buf, size_t size);
/* With "(unreachable)" before what is not below that root. */
char *path_name_marked(const struct path *path, char *buf, size_t size);
/* The same from another root, and nothing appended; NULL also for what is not below that. Not for
 * anonymous files. */
char *path_name_below(const struct path *root, const struct path *path, char *buf, size_t size);

struct mount {
    struct super *super;
    struct dentry *root;
    struct path on; /* where; {} for the root of a tree */
    unsigned flags; /* MOUNT_FLAGS */
    const char *source;
    atomic_uint refs;
    struct list link;
    unsigned id;
    struct mount *_Atomic next_here; /* another mount on the same dentry */
    unsigned nmounts;                /* mounts on places inside this one */
    bool detached;
    bool anonymous; /* the root of a tree that no name leads to (open_tree, fsmount) */
    bool unbindable;
    unsigned group, master; /* peer groups: its own, and whose events it gets; 0: none */
    atomic_uint uses;       /* since it was marked for MNT_EXPIRE */
    atomic_uint writers;    /* files open for writing through it */
    struct rcu_head rcu;
};
enum {
    MS_RDONLY = 1,
    MS_NOSUID = 2,
    MS_NODEV = 4,
    MS_NOEXEC = 8,
    MS_SYNCHRONOUS = 16,
    MS_REMOUNT = 32,
    MS_MANDLOCK = 64,
    MS_DIRSYNC = 128,
    MS_NOSYMFOLLOW = 256,
    MS_NOATIME = 1024,
    MS_NODIRATIME = 2048,
    MS_BIND = 4096,
    MS_MOVE = 8192,
    MS_REC = 16384,
    MS_UNBINDABLE = 1 << 17,
    MS_PRIVATE = 1 << 18,
    MS_SLAVE = 1 << 19,
    MS_SHARED = 1 << 20,
    MS_LAZYTIME = 1 << 25,
    MS_RELATIME = 1 << 21, /* neither this nor MS_NOATIME: every reading counts */
    MS_PROPAGATION = MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED,
    SUPER_FLAGS = MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME, /* told, no more */
    MOUNT_FLAGS = 15 | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_RELATIME,
    MNT_FORCE = 1,
    MNT_DETACH = 2,
    MNT_EXPIRE = 4,
};
extern struct list mounts; /* all that are part of a tree, under mounts_lock */
extern struct mutex mounts_lock;
/* Counts changes of the list, and wakes who waits for one. */
extern struct waitqueue mounts_wait;
extern atomic_uint mounts_changes;
void mounts_changed(void);
/* Mount a new file system; flags are the mount's and, MS_RDONLY, the super's. */
int vfs_mount(const char *source, const struct path *on, const char *type, unsigned flags,
              const char *options);
int vfs_bind(const struct path *from, const struct path *on, bool recursive);
/* -EINVAL: not the root of a mount; -EBUSY; -EAGAIN: now marked (MNT_EXPIRE). The path's reference
 * is the caller's, as always. */
int vfs_unmount(const struct path *path, int flags);
/* Change the file system itself (bind false), or this mount of it only. -EBUSY: files are open for
 * writing. */
int vfs_remount(const struct path *path, unsigned flags, const char *options, bool bind);
/* beneath: below what is mounted on top of `on`. */
int vfs_move_mount(const struct path *from, const struct path *on, bool beneath);
/* One of MS_PROPAGATION. */
int vfs_set_propagation(const struct path *path, unsigned type, bool recursive);
/* `to` becomes a peer of `from` (MOVE_MOUNT_SET_GROUP). */
int vfs_set_group(const struct path *from, const struct path *to);
/* Set and clear flags of the mount and, recursive, of all inside; propagation 0: as it is. */
int vfs_set_mount_flags(const struct path *path, unsigned set, unsigned clear, unsigned propagation,
                        bool recursive);
/* pivot_root(2) but for moving processes over, which is the caller's: from *old to *new. */
int vfs_pivot_root(const struct path *new, const struct path *put_old, struct path *old);
/* A tree without a name (its root in *top, with references): a copy of a place, or a new mount of a
 * super (takes over its reference). vfs_dissolve() takes it apart unless it was given a place
 * meanwhile. */
int vfs_copy_tree(const struct path *from, bool recursive, struct path *top);
int vfs_mount_anonymous(struct super *super, const char *source, unsigned flags, struct path *top);
void vfs_dissolve(struct mount *top);
/* ro or rw, and options, for a file system as a whole. */
int super_reconfigure(struct super *super, unsigned flags, const char *options);
/* Take MS_RDONLY and SUPER_FLAGS. */
static inline void super_set_flags(struct super *super, unsigned flags)
{
    super->readonly = flags & MS_RDONLY;
    super->flags = flags & SUPER_FLAGS;
}
void super_put(struct super *super);
struct super *super_get(struct super *super);
int vfs_statfs(const struct path *path, struct statfs_info *info);
extern struct path vfs_root; /* the first root: what processes start with */

/* A mount namespace (man 7 mount_namespaces): the tree that a process sees. */
struct mount_ns {
    atomic_uint refs;
    struct mount *root; /* changes under mounts_lock (pivot_root) */
    uint64_t id;        /* "mnt:[id]" */
};
extern struct mount_ns first_mounts;
struct mount_ns *mount_ns_get(struct mount_ns *ns);
void mount_ns_put(
    struct mount_ns *ns); /* the last one unmounts all that is in it; NULL is nothing */
/* A copy of the tree. The two places, whose references stay the caller's, go to the copies of their
 * mounts. -ENOMEM, -ENOSPC: nothing has changed. */
int mount_ns_copy(struct mount_ns *from, struct path *root, struct path *cwd,
                  struct mount_ns **made);
/* Its root (what is topmost there) with a reference. */
struct path mount_ns_root(struct mount_ns *ns);

/* --- walking names
 * --------------------------------------------------------------------------------- */

enum {
    LOOKUP_FOLLOW = 1,    /* follow a link at the end */
    LOOKUP_DIRECTORY = 2, /* the end must be a folder */
    LOOKUP_NO_SYMLINKS = 4,
    LOOKUP_NO_MAGIC = 8,
    LOOKUP_BENEATH = 16,
    LOOKUP_IN_ROOT = 32,
    LOOKUP_NO_XDEV = 64, /* openat2's RESOLVE_* */
    LOOKUP_CACHED = 128, /* -EAGAIN rather than sleep */
    LOOKUP_EMPTY = 256,  /* "" is `at` itself (AT_EMPTY_PATH) */
};
/* Find a place from `at` (NULL: the caller's working folder; ignored for absolute names). The
 * caller puts the path. */
int vfs_lookup(const struct path *at, const char *name, unsigned flags, struct path *found);

/* --- what system calls ask for (names relative to `at`)
 * ---------------------------------------------- */

/* Each is the system call of its name: 0 or its errno, negative; nothing has changed on an error.
 * Threads; may sleep. A file of vfs_open() is the caller's, who puts it. `lookup`: LOOKUP_*. */
int vfs_open(const struct path *at, const char *name, int flags, uint32_t mode, unsigned lookup,
             struct file **file);
int vfs_mknod(const struct path *at, const char *name, uint32_t mode, uint32_t rdev);
int vfs_mkdir(const struct path *at, const char *name, uint32_t mode);
int vfs_symlink(const char *target, const struct path *at, const char *name);
int vfs_link(const struct path *from, const struct path *at, const char *name);
int vfs_unlink(const struct path *at, const char *name);
int vfs_rmdir(const struct path *at, const char *name);
/* Is there a folder for the name to be in? */
int vfs_check_parent(const struct path *at, const char *name);
int vfs_rename(const struct path *from_at, const char *from, const struct path *to_at,
               const char *to, unsigned flags);
ssize_t vfs_readlink(const struct path *path, char *buf, size_t size);
int vfs_getattr(const struct path *path, struct attributes *attr);
int vfs_setattr(const struct path *path, const struct attributes *attr); /* checks who may */
int vfs_truncate(const struct path *path, uint64_t size);
int vfs_access(const struct path *path, int mask);
/* The inode's flags; -ENOTTY: it has none. vfs_set_flags: -EPERM, -EOPNOTSUPP, -EROFS. */
int vfs_get_flags(const struct path *path, uint32_t *flags);
int vfs_set_flags(const struct path *path, uint32_t flags);
/* Extended attributes with every check of xattr(7). Sizes and errors as the system calls give them.
 */
ssize_t vfs_getxattr(const struct path *path, const char *name, void *value, size_t size);
int vfs_setxattr(const struct path *path, const char *name, const void *value, size_t size,
                 int flags);
int vfs_removexattr(const struct path *path, const char *name);
/* Capabilities of a file (man 7 capabilities): whether that may be the attribute's value. */
#define XATTR_CAPS "security.capability"
bool caps_valid(const void *value, size_t size);
ssize_t vfs_listxattr(const struct path *path, char *list, size_t size);

/* --- open files
 * ------------------------------------------------------------------------------------ */

/* One entry handed to the reader of a folder; false: full, stop (and give it again next time). */
struct dir_sink {
    bool (*entry)(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                  unsigned type /* S_IFMT >> 12 */, off_t next_pos);
};

struct file_ops {
    /* Called by open after the file is set up; may replace file->ops (devices). */
    int (*open)(struct inode *inode, struct file *file);
    /* The last reference is gone. */
    void (*release)(struct file *file);
    /* Each close(2) of a descriptor. */
    int (*flush)(struct file *file);
    /* Move bytes at *pos and advance it; number of bytes, 0 at the end, or negative errno. Streams
     * ignore pos. nonblock: file->flags & O_NONBLOCK, or asked for this call (RWF_NOWAIT). */
    ssize_t (*read)(struct file *file, struct io *io, off_t *pos);
    ssize_t (*write)(struct file *file, struct io *io, off_t *pos);
    /* Optional short cuts for read(2) and write(2) of files without a position: n bytes straight
     * to or from program memory, whose range has been checked. The caller's hold on the file may
     * last only until it sleeps: an operation that needs the file afterwards takes a reference. */
    ssize_t (*read_user)(struct file *file, uintptr_t buf, size_t n);
    ssize_t (*write_user)(struct file *file, uintptr_t buf, size_t n);
    int (*readdir)(struct file *file, struct dir_sink *sink);   /* from file->pos on; advances it */
    off_t (*seek)(struct file *file, off_t offset, int whence); /* NULL: -ESPIPE */
    int64_t (*ioctl)(struct file *file, unsigned cmd, uintptr_t arg); /* -ENOTTY */
    /* POLL* bits that hold now. With a table, first hook the caller on every queue that may change
     * them: poll_wait(table, queue). */
    unsigned (*poll)(struct file *file, struct poll_table *table);
    /* The object to map for [offset, +length): NULL op: -ENODEV. May adjust the request. */
    int (*mmap)(struct file *file, struct map_request *request);
    int (*fsync)(struct file *file, bool data_only);
    int (*fallocate)(struct file *file, int mode, off_t offset, off_t length);
    /* posix_fadvise(2), checked already; readahead(2) is WILLNEED. NULL: nothing to do. */
    int (*advise)(struct file *file, off_t offset, off_t length, int advice);
    /* Lines for /proc/self/fdinfo/N beyond the usual. */
    int (*fdinfo)(struct file *file, char *buf, size_t size);
};

struct file {
    const struct file_ops *ops;
    struct inode *inode; /* where the data is; path.dentry->inode is the one that has the name:
                            attributes and locks are there (they differ under an overlay) */
    union {
        struct path path;
        struct rcu_head rcu; /* when it is free */
    };
    atomic_uint refs;
    atomic_uint flags; /* O_*: access mode and status flags */
    bool seekable;     /* pos counts: read/write take pos_lock */
    bool can_pread;
    bool counted;        /* among the inode's writers */
    uint32_t error_seen; /* the last error of writing that was told (drivers/block/cache.h) */
    off_t pos;
    struct mutex pos_lock;
    void *data;           /* the owner's */
    struct list watchers; /* epoll items on this file */
    struct spinlock watchers_lock;
    uint32_t owner_pid, owner_sig, owner_type; /* F_SETOWN, F_SETSIG */
};

struct poll_table {
    void (*wait)(struct poll_table *table, struct waitqueue *queue);
};
static inline void poll_wait(struct poll_table *table, struct waitqueue *queue)
{
    if (table)
        table->wait(table, queue);
}

struct file *file_alloc(const struct file_ops *ops, int flags); /* refs 1; NULL: no memory */
/* A file without a name (pipe, eventfd, ...): an anonymous inode of the given mode under `label`
 * ("anon_inode:[eventfd]", "pipe:[%ino]"). */
int file_anonymous(const char *label, const struct file_ops *ops, uint32_t mode, int flags,
                   void *data, struct file **file);
/* Those of such an inode: for ops that have taken the place of its own. */
int file_anonymous_setattr(struct inode *inode, const struct attributes *attr);
void file_anonymous_destroy(struct inode *inode);
/* Another open file of the same anonymous inode (a pipe's other end). */
int file_anonymous_pair(struct file *first, const struct file_ops *ops, int flags, void *data,
                        struct file **file);
void file_get(struct file *file);
/* For a pointer read under RCU (a descriptor table): files are reused only as files, so take the
 * reference, then look whether the table still has this file, else put it. */
bool file_try_get(struct file *file);
void file_put(struct file *file);
/* Open a place that was found (checks permission, truncates). */
int file_open_path(const struct path *path, int flags, struct file **file);
/* To be executed: who may do that, which the caller has asked, need not be able to read it. */
int file_open_program(const struct path *path, struct file **file);
/* read/write with every rule of Linux applied (mode, limits, pos): what read(2), pread(2) and
 * friends share. pos NULL: the file's own. */
ssize_t file_read(struct file *file, struct io *io, off_t *pos);
ssize_t file_write(struct file *file, struct io *io, off_t *pos);
/* For the kernel's own reading (ELF headers): bytes read. */
ssize_t file_read_kernel(struct file *file, void *buf, size_t n, off_t pos);
int file_mmap(struct file *file, struct map_request *request);
unsigned file_poll(struct file *file, struct poll_table *table);

/* What else system calls do with an open file; every rule of Linux applied. */
off_t file_seek(struct file *file, off_t offset, int whence);
int file_readdir(struct file *file, struct dir_sink *sink);
int64_t file_ioctl(struct file *file, unsigned cmd, uintptr_t arg); /* the file's own only */
int file_sync(struct file *file, bool data_only);
int file_truncate(struct file *file, uint64_t size);
int file_fallocate(struct file *file, int mode, off_t offset, off_t length);
static inline bool file_readable(const struct file *file)
{
    return (atomic_load_explicit(&file->flags, memory_order_relaxed) + 1) & 1;
}
static inline bool file_writable(const struct file *file)
{
    return (atomic_load_explicit(&file->flags, memory_order_relaxed) + 1) & 2;
}
/* While a program executes the file nobody may open it for writing (-ETXTBSY both ways). */
int file_deny_write(struct file *file);
void file_allow_write(struct file *file);
/* For write operations of file systems, inode locked: where the write begins (O_APPEND) and how
 * much of n may be written (RLIMIT_FSIZE; -EFBIG with SIGXFSZ). Also drops set-id bits. */
ssize_t file_write_prepare(struct file *file, off_t *pos, size_t n);

/* Generic seek for files with a size (SEEK_SET/CUR/END, DATA/HOLE as one extent). */
off_t file_seek_generic(struct file *file, off_t offset, int whence);
/* For files whose position means nothing (eventfd): it stays 0, and they are not seekable. */
off_t file_seek_nowhere(struct file *file, off_t offset, int whence);

/* --- devices
 * ---------------------------------------------------------------------------------------- */

static inline uint32_t makedev(unsigned major, unsigned minor)
{
    return (major & 0xfff) << 8 | (minor & 0xff) | (minor & 0xfff00) << 12;
}
static inline unsigned dev_major(uint32_t rdev)
{
    return rdev >> 8 & 0xfff;
}
static inline unsigned dev_minor(uint32_t rdev)
{
    return (rdev & 0xff) | (rdev >> 12 & 0xfff00);
}
/* A character device; a name also makes /dev/NAME (slashes make folders). From boot phase BUS on;
 * devfs shows it whenever it is mounted. */
int chardev_register(uint32_t rdev, const char *name, uint32_t mode, const struct file_ops *ops);
const struct file_ops *chardev_find(uint32_t rdev);
/* The same for a block device; driver: what /proc/devices calls its major number. */
int blockdev_register(uint32_t rdev, const char *driver, const char *name, uint32_t mode,
                      const struct file_ops *ops);
const struct file_ops *blockdev_find(uint32_t rdev);
/* Open it, without a name; flags: O_*. -ENXIO, -EBUSY (O_EXCL). */
int blockdev_open(uint32_t rdev, int flags, struct file **file);
/* Take its file in /dev away, or bring it back. */
int blockdev_show(uint32_t rdev, bool visible);
/* A link in /dev. */
int devfs_symlink(const char *name, const char *target);

/* --- generated files (procfs, sysfs; fs/pseudo.c)
 * ------------------------------------------------------ */

/* A text that grows while it is written; bounded at 4 MiB. */
struct text {
    char *buf;
    size_t len, size;
    bool failed;
};
void text_printf(struct text *text, const char *fmt, ...) __printf(2, 3);
void text_put(struct text *text, const char *s, size_t n);
