// clang-format off
// sources: tests/unit/shim/vfs.c kernel/fs/inode.c kernel/fs/dentry.c kernel/fs/handle.c kernel/fs/mount.c kernel/fs/namei.c
// sources: kernel/fs/mount_tree.c kernel/fs/mount_ns.c kernel/fs/propagate.c kernel/fs/text.c kernel/fs/lease.c
// sources: kernel/fs/create.c kernel/fs/remove.c kernel/fs/rename.c kernel/fs/attr.c kernel/fs/open.c
// sources: kernel/fs/file.c kernel/fs/tmpfs.c kernel/fs/tmpfs_dir.c kernel/fs/tmpfs_file.c kernel/fs/xattr.c
// sources: kernel/fs/overlay.c kernel/fs/lock.c kernel/fs/notify.c kernel/mm/page_store.c kernel/lib/rbtree.c
// flags: -Itests/unit -Itests/unit/shim -Ikernel -DDIRECT_MAP_BASE=0ul -Wno-unused-parameter -fwrapv
// clang-format on
/* The VFS with tmpfs, then with the overlay over what it has left, does what Linux does: random
 * calls go to both, in a child that has changed its root to an empty folder, and every result is
 * compared. Needs root for the chroot. SOAK=1: a hundred times as many. */
#include "shim/vfs.h"

#include "fs/dentry.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

char *strcat(char *restrict dst, const char *restrict src);
long syscall(long nr, ...);
int fork(void);
void _exit(int status) __attribute__((noreturn));
int pipe2(int ends[2], int flags);
char *mkdtemp(char *name);
char *getenv(const char *name);
int *__errno_location(void);
unsigned geteuid(void);
int chroot(const char *path);
int chdir(const char *path);
unsigned umask(unsigned mask);
ssize_t read(int fd, void *buf, size_t n);
ssize_t write(int fd, const void *buf, size_t n);
int close(int fd);
int setfsuid(unsigned uid);
int setfsgid(unsigned gid);
int rmdir(const char *path);
int system(const char *command);

enum kind {
    OP_OPEN,
    OP_CLOSE,
    OP_READ,
    OP_WRITE,
    OP_PREAD,
    OP_FTRUNCATE,
    OP_FSTAT,
    OP_MKDIR,
    OP_RMDIR,
    OP_UNLINK,
    OP_RENAME,
    OP_LINK,
    OP_SYMLINK,
    OP_READLINK,
    OP_LSTAT,
    OP_STAT,
    OP_TRUNCATE,
    OP_LIST,
    OP_CHMOD,
    OP_CHOWN,
    OP_ACCESS,
    OP_USER,
    OP_PUNCH,
    OP_GETCWD,
    OP_KINDS
};
static const char *const kind_names[] = {
    "open",     "close",  "read",   "write", "pread",   "ftruncate", "fstat", "mkdir",
    "rmdir",    "unlink", "rename", "link",  "symlink", "readlink",  "lstat", "stat",
    "truncate", "list",   "chmod",  "chown", "access",  "user",      "punch", "getcwd"};

enum { SLOTS = 4, DATA = 9000 };
struct op {
    enum kind kind;
    int slot;
    char a[96], b[96];
    long x, y;
};
struct result {
    long value; /* or a negative errno */
    uint64_t mode, nlink, size, uid, hash;
};

static uint64_t seed = 88172645463325252ull;
static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n--; p++)
        h = (h ^ *p) * 0x100000001b3;
    return h;
}

static void fill_data(char *buf, size_t n, long what)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (char)(what * 31 + i);
}

/* --- the host's side */

enum {
    NR_READ = 0,
    NR_WRITE = 1,
    NR_CLOSE = 3,
    NR_FSTAT = 5,
    NR_PREAD = 17,
    NR_TRUNCATE = 76,
    NR_FTRUNCATE = 77,
    NR_CHMOD = 90,
    NR_CHOWN = 92,
    NR_GETDENTS = 217,
    NR_OPENAT = 257,
    NR_MKDIRAT = 258,
    NR_FSTATAT = 262,
    NR_UNLINKAT = 263,
    NR_LINKAT = 265,
    NR_SYMLINKAT = 266,
    NR_READLINKAT = 267,
    NR_FALLOCATE = 285,
    NR_RENAMEAT2 = 316,
    NR_FACCESSAT2 = 439,
    CWD = -100
};

struct host_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev, size, rest[12];
};

static long call(long result)
{
    return result < 0 ? -*__errno_location() : result;
}

static void from_stat(struct result *r, const struct host_stat *s)
{
    bool dir = (s->mode & S_IFMT) == S_IFDIR;
    r->mode = s->mode;
    r->uid = s->uid;
    r->nlink = dir ? 0 : s->nlink;
    r->size = dir ? 0 : s->size;
}

struct host_dirent {
    uint64_t ino, off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

static void host_list(struct result *r, const char *path)
{
    char buf[8192];
    long fd = call(syscall(NR_OPENAT, CWD, path, O_RDONLY | O_DIRECTORY)), n;
    r->value = fd;
    if (fd < 0)
        return;
    r->value = 0;
    while ((n = call(syscall(NR_GETDENTS, fd, buf, sizeof(buf)))) > 0) {
        for (long at = 0; at < n;) {
            struct host_dirent *d = (void *)(buf + at);
            r->hash += hash_bytes(d->type, d->name, strlen(d->name));
            r->value++;
            at += d->reclen;
        }
    }
    syscall(NR_CLOSE, fd);
}

static int host_slots[SLOTS] = {-1, -1, -1, -1};

/* Calls on names, and OP_USER. */
static long host_names(const struct op *op, struct result *r, char *buf, struct host_stat *st)
{
    switch (op->kind) {
    case OP_MKDIR:
        return call(syscall(NR_MKDIRAT, CWD, op->a, op->x));
    case OP_RMDIR:
        return call(syscall(NR_UNLINKAT, CWD, op->a, 0x200));
    case OP_UNLINK:
        return call(syscall(NR_UNLINKAT, CWD, op->a, 0));
    case OP_RENAME:
        return call(syscall(NR_RENAMEAT2, CWD, op->a, CWD, op->b, op->x));
    case OP_LINK:
        return call(syscall(NR_LINKAT, CWD, op->a, CWD, op->b, 0));
    case OP_SYMLINK:
        return call(syscall(NR_SYMLINKAT, op->a, CWD, op->b));
    case OP_READLINK:
        return call(syscall(NR_READLINKAT, CWD, op->a, buf, op->x));
    case OP_LSTAT:
    case OP_STAT:
        return call(syscall(NR_FSTATAT, CWD, op->a, st, op->kind == OP_LSTAT ? 0x100 : 0));
    case OP_TRUNCATE:
        return call(syscall(NR_TRUNCATE, op->a, op->x));
    case OP_LIST:
        host_list(r, op->a);
        return r->value;
    case OP_CHMOD:
        return call(syscall(NR_CHMOD, op->a, op->x));
    case OP_CHOWN:
        return call(syscall(NR_CHOWN, op->a, op->x, op->y));
    case OP_ACCESS:
        return call(syscall(NR_FACCESSAT2, CWD, op->a, op->x, 0x200));
    case OP_USER:
        setfsgid(op->x);
        setfsuid(op->x);
        return 0;
    default:
        return 0;
    }
}

static struct result host_do(const struct op *op)
{
    static char buf[DATA];
    struct result r = {0};
    struct host_stat st;
    int *slot = &host_slots[op->slot];
    switch (op->kind) {
    case OP_OPEN:
        r.value = call(syscall(NR_OPENAT, CWD, op->a, op->x, op->y));
        if (r.value >= 0) {
            *slot = (int)r.value;
            r.value = 0;
        }
        break;
    case OP_CLOSE:
        r.value = call(syscall(NR_CLOSE, *slot));
        *slot = -1;
        break;
    case OP_READ:
        r.value = call(syscall(NR_READ, *slot, buf, op->x));
        break;
    case OP_PREAD:
        r.value = call(syscall(NR_PREAD, *slot, buf, op->x, op->y));
        break;
    case OP_WRITE:
        fill_data(buf, op->x, op->y);
        r.value = call(syscall(NR_WRITE, *slot, buf, op->x));
        break;
    case OP_FTRUNCATE:
        r.value = call(syscall(NR_FTRUNCATE, *slot, op->x));
        break;
    case OP_PUNCH:
        r.value = call(syscall(NR_FALLOCATE, *slot, 3, op->x, op->y));
        break;
    case OP_FSTAT:
        r.value = call(syscall(NR_FSTAT, *slot, &st));
        break;
    default:
        r.value = host_names(op, &r, buf, &st);
    }
    if (r.value >= 0 && (op->kind == OP_FSTAT || op->kind == OP_STAT || op->kind == OP_LSTAT))
        from_stat(&r, &st);
    if (r.value > 0 && (op->kind == OP_READ || op->kind == OP_PREAD || op->kind == OP_READLINK))
        r.hash = hash_bytes(0, buf, r.value);
    return r;
}

static int to_host, from_host;

static void host_start(void)
{
    char name[] = "/tmp/osprey-vfs-XXXXXX";
    int there[2], back[2];
    NEED(mkdtemp(name) && pipe2(there, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0);
    int child = fork();
    NEED(child >= 0);
    if (child == 0) {
        struct op op;
        close(there[1]);
        close(back[0]);
        umask(022);
        NEED(chdir(name) == 0 && chroot(".") == 0);
        while (read(there[0], &op, sizeof(op)) == sizeof(op)) {
            struct result r = host_do(&op);
            if (write(back[1], &r, sizeof(r)) != sizeof(r))
                break;
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    to_host = there[1];
    from_host = back[0];
    char command[128];
    /* Cleared when both ends are gone: the folder stays usable for the child until then. */
    snprintf(command, sizeof(command),
             "(while kill -0 %d; do sleep 1; done; rm -rf %s) 2>/dev/null &", child, name);
    NEED(system(command) == 0);
}

static struct result host_ask(const struct op *op)
{
    struct result r;
    NEED(write(to_host, op, sizeof(*op)) == sizeof(*op));
    NEED(read(from_host, &r, sizeof(r)) == sizeof(r));
    return r;
}

/* --- ours */

static struct file *slots[SLOTS];
static struct credentials cred = {.cap_effective = ~0ull, .cap_permitted = ~0ull};
static struct path root_path, cwd_path;
static struct vfs_caller caller = {.cred = &cred,
                                   .root = &root_path,
                                   .cwd = &cwd_path,
                                   .umask = 022,
                                   .file_size_limit = UINT64_MAX};
static struct vfs_caller *get_caller(void)
{
    return &caller;
}

static void from_attr(struct result *r, const struct attributes *a)
{
    bool dir = (a->mode & S_IFMT) == S_IFDIR;
    r->mode = a->mode;
    r->uid = a->uid;
    r->nlink = dir ? 0 : a->nlink;
    r->size = dir ? 0 : a->size;
}

struct list_sink {
    struct dir_sink sink;
    struct result *r;
    unsigned room;
};

static bool list_entry_(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                        unsigned type, off_t next_pos)
{
    struct list_sink *s = container_of(sink, struct list_sink, sink);
    NEED(name[len] == 0 && strlen(name) == len && next_pos > 0 && ino);
    if (!s->room)
        return false;
    s->room--;
    s->r->hash += hash_bytes(type, name, len);
    s->r->value++;
    return true;
}

static void our_list(struct result *r, const char *name)
{
    struct file *file;
    r->value = vfs_open(NULL, name, O_RDONLY | O_DIRECTORY, 0, 0, &file);
    if (r->value < 0)
        return;
    long before;
    do {
        struct list_sink sink = {{list_entry_}, r, 1 + below(4)};
        before = r->value;
        if (file_readdir(file, &sink.sink) < 0)
            break;
    } while (r->value > before);
    file_put(file);
}

static long with_place(const char *name, unsigned lookup, long (*fn)(struct path *, const void *),
                       const void *arg)
{
    struct path place;
    long err = vfs_lookup(NULL, name, lookup, &place);
    if (err < 0)
        return err;
    err = fn(&place, arg);
    path_put(&place);
    return err;
}

static long do_stat(struct path *place, const void *arg)
{
    struct attributes a;
    long err = vfs_getattr(place, &a);
    from_attr((struct result *)arg, &a);
    return err;
}
static long do_setattr(struct path *place, const void *arg)
{
    return vfs_setattr(place, arg);
}
static long do_truncate(struct path *place, const void *arg)
{
    return *(const long *)arg < 0 ? -EINVAL : vfs_truncate(place, *(const long *)arg);
}
static long do_access(struct path *place, const void *arg)
{
    return vfs_access(place, (int)*(const long *)arg);
}
static long do_link(struct path *place, const void *arg)
{
    return vfs_link(place, NULL, arg);
}
static char link_buf[DATA];
static long do_readlink(struct path *place, const void *arg)
{
    return vfs_readlink(place, link_buf, *(const long *)arg);
}

/* Calls on names, and OP_USER. */
static long our_names(const struct op *op, struct result *r)
{
    struct attributes attr;
    long n;
    switch (op->kind) {
    case OP_MKDIR:
        return vfs_mkdir(NULL, op->a, op->x);
    case OP_RMDIR:
        return vfs_rmdir(NULL, op->a);
    case OP_UNLINK:
        return vfs_unlink(NULL, op->a);
    case OP_RENAME:
        return vfs_rename(NULL, op->a, NULL, op->b, op->x);
    case OP_LINK:
        return with_place(op->a, 0, do_link, op->b);
    case OP_SYMLINK:
        return vfs_symlink(op->a, NULL, op->b);
    case OP_READLINK:
        n = with_place(op->a, 0, do_readlink, &op->x);
        if (n > 0)
            r->hash = hash_bytes(0, link_buf, n);
        return n;
    case OP_LSTAT:
    case OP_STAT:
        return with_place(op->a, op->kind == OP_STAT ? LOOKUP_FOLLOW : 0, do_stat, r);
    case OP_TRUNCATE:
        return with_place(op->a, LOOKUP_FOLLOW, do_truncate, &op->x);
    case OP_LIST:
        our_list(r, op->a);
        return r->value;
    case OP_CHMOD:
        attr = (struct attributes){.mask = ATTR_MODE, .mode = op->x};
        return with_place(op->a, LOOKUP_FOLLOW, do_setattr, &attr);
    case OP_CHOWN:
        attr = (struct attributes){
            .mask = ATTR_OWNER | ATTR_UID | ATTR_GID, .uid = op->x, .gid = op->y};
        return with_place(op->a, LOOKUP_FOLLOW, do_setattr, &attr);
    case OP_ACCESS:
        return with_place(op->a, LOOKUP_FOLLOW, do_access, &op->x);
    case OP_USER:
        cred.fsuid = cred.fsgid = op->x;
        cred.cap_effective = op->x ? 0 : ~0ull;
        return 0;
    default:
        return 0;
    }
}

static struct result our_do(const struct op *op)
{
    static char buf[DATA];
    struct result r = {0};
    struct file *file = slots[op->slot];
    struct iovec iov;
    struct io io = io_kernel(&iov, buf, op->x);
    struct attributes attr = {0};
    off_t pos = op->y;
    switch (op->kind) {
    case OP_OPEN:
        r.value = vfs_open(NULL, op->a, (int)op->x, op->y, 0, &slots[op->slot]);
        if (r.value < 0)
            slots[op->slot] = NULL;
        break;
    case OP_CLOSE:
        file_put(file);
        slots[op->slot] = NULL;
        break;
    case OP_READ:
        r.value = file_read(file, &io, NULL);
        break;
    case OP_PREAD:
        r.value = file_read(file, &io, &pos);
        break;
    case OP_WRITE:
        fill_data(buf, op->x, op->y);
        r.value = file_write(file, &io, NULL);
        break;
    case OP_FTRUNCATE:
        r.value = file_truncate(file, op->x);
        break;
    case OP_PUNCH:
        r.value = file_fallocate(file, 3, op->x, op->y);
        break;
    case OP_FSTAT:
        r.value = vfs_getattr(&file->path, &attr);
        from_attr(&r, &attr);
        break;
    default:
        r.value = our_names(op, &r);
    }
    if (r.value > 0 && (op->kind == OP_READ || op->kind == OP_PREAD))
        r.hash = hash_bytes(0, buf, r.value);
    return r;
}

/* --- random calls */

static void random_name(char *to)
{
    static const char *const names[] = {"a",
                                        "b",
                                        "c",
                                        "d",
                                        "a",
                                        "b",
                                        "..",
                                        ".",
                                        "e-long-name-that-"
                                        "does-not-fit-in-a-dentry-itself"};
    size_t parts = 1 + below(3);
    *to = 0;
    if (below(8) == 0)
        strcat(to, "/");
    for (size_t i = 0; i < parts; i++) {
        const char *name = names[below(parts == 1 && below(6) ? 6 : 9)];
        if (i)
            strcat(to, below(20) ? "/" : "//");
        if (strlen(to) + strlen(name) < 90)
            strcat(to, name);
    }
    if (below(12) == 0 && strlen(to) < 90)
        strcat(to, "/");
}

static struct op random_op(void)
{
    static const int accesses[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
    struct op op = {.kind = below(OP_KINDS - 1), .slot = below(SLOTS)};
    random_name(op.a);
    random_name(op.b);
    bool needs_slot = (op.kind >= OP_CLOSE && op.kind <= OP_FSTAT) || op.kind == OP_PUNCH;
    if (needs_slot && !slots[op.slot])
        op.kind = OP_OPEN;
    else if (op.kind == OP_OPEN && slots[op.slot])
        op.kind = OP_CLOSE;
    if (op.kind == OP_LINK && cred.fsuid)
        op.kind = OP_STAT; /* sysctl fs.protected_hardlinks */
    op.x = below(DATA);
    op.y = below(3 * 4096);
    switch (op.kind) {
    case OP_OPEN:
        op.x = accesses[below(4)];
        op.x |= (below(2) ? O_CREAT : 0) | (below(5) ? 0 : O_EXCL) | (below(4) ? 0 : O_TRUNC) |
                (below(5) ? 0 : O_APPEND) | (below(8) ? 0 : O_NOFOLLOW) |
                (below(10) ? 0 : O_DIRECTORY);
        if (op.x & O_CREAT)
            op.x &= ~(long)O_DIRECTORY; /* Linux versions differ there */
        op.y = 0600 | below(0200);
        break;
    case OP_MKDIR:
        op.x = 0700 | below(0100);
        break;
    case OP_RENAME:
        op.x = below(3) ? 0 : below(3);
        break;
    case OP_CHMOD:
        /* No sticky bit: what it does beyond POSIX depends on sysctl fs.protected_*. */
        op.x = below(4) ? 0700 | below(0100) : below(010000) & 06777;
        break;
    case OP_CHOWN:
        op.x = below(2) * 1000;
        op.y = below(2) * 1000;
        break;
    case OP_ACCESS:
        op.x = below(8);
        break;
    case OP_USER:
        op.x = below(3) ? 0 : 1000;
        break;
    case OP_READLINK:
        op.x = 1 + below(100);
        break;
    default:
        break;
    }
    return op;
}

static void close_all(void)
{
    for (int i = 0; i < SLOTS; i++) {
        struct op op = {.kind = OP_CLOSE, .slot = i};
        if (slots[i]) {
            host_ask(&op);
            our_do(&op);
        }
    }
}

static const char *phase;

/* On the overlay an open file that was opened for reading before the first write to it goes on
 * showing the old data (as on Linux's): then only that is not compared. */
static bool stale(const struct op *op)
{
    const struct file *file = slots[op->slot];
    return (op->kind == OP_READ || op->kind == OP_PREAD) && file &&
           file->inode != file->path.dentry->inode;
}

/* What both sides have at each beginning of a name, to help whoever looks at a failure. */
static void explain(const char *name)
{
    for (size_t n = 1; name[n - 1]; n++) {
        struct op op = {.kind = OP_LSTAT};
        if (name[n] && name[n] != '/')
            continue;
        memcpy(op.a, name, n);
        struct result host = host_ask(&op), our = our_do(&op);
        printf("# %s: Linux: %ld %lo uid %lu, here: %ld %lo uid %lu\n", op.a, host.value, host.mode,
               host.uid, our.value, our.mode, our.uid);
    }
}

static void run(long n)
{
    for (long i = 0; i < n; i++) {
        struct op op = random_op();
        bool loose = stale(&op);
        struct result host = host_ask(&op), our = our_do(&op);
        if (!loose && memcmp(&host, &our, sizeof(host)) != 0) {
            printf("not ok - %s, call %ld: %s(slot %d, \"%s\", \"%s\", %#lx, %#lx)\n", phase, i,
                   kind_names[op.kind], op.slot, op.a, op.b, op.x, op.y);
            printf("# Linux: %ld mode %lo nlink %lu size %lu uid %lu hash %lx\n", host.value,
                   host.mode, host.nlink, host.size, host.uid, host.hash);
            printf("# here:  %ld mode %lo nlink %lu size %lu uid %lu hash %lx\n", our.value,
                   our.mode, our.nlink, our.size, our.uid, our.hash);
            printf("# fsuid %u\n", cred.fsuid);
            explain(op.a);
            explain(op.b);
            exit(1);
        }
        if (below(50) == 0)
            shim_quiescent();
        if (below(200) == 0)
            dentry_shrink(below(20));
    }
    struct op root = {.kind = OP_USER, .x = 0};
    host_ask(&root);
    our_do(&root);
    close_all();
    shim_quiescent();
}

/* --- a tmpfs as the lower of an overlay */

static int lower_readdir(struct file *file, struct dir_sink *sink)
{
    if (file->pos < 2)
        file->pos = 2; /* the overlay shows "." and ".." itself */
    return tmpfs_dir_ops.readdir(file, sink);
}
static off_t lower_seek(struct file *file, off_t offset, int whence)
{
    return tmpfs_dir_ops.seek(file, offset, whence);
}
static const struct file_ops lower_dir_ops = {.readdir = lower_readdir, .seek = lower_seek};

static void freeze(struct inode *inode)
{
    if ((inode->mode & S_IFMT) != S_IFDIR)
        return;
    inode->file_ops = &lower_dir_ops;
    struct tmpfs_node *node = tmpfs_node(inode);
    for (struct rb_node *at = rb_first(&node->names); at; at = rb_next(at)) {
        struct inode *child = container_of(at, struct tmpfs_entry, by_name)->inode;
        if (child)
            freeze(child);
    }
}

static void start_on(struct super *super)
{
    NEED(mount_super(super, "test", NULL, 0) == 0);
    root_path = cwd_path = vfs_root;
}

int main(void)
{
    long n = getenv("SOAK") && *getenv("SOAK") == '1' ? 2000000 : 20000;
    struct super *tmpfs, *overlay;
    if (geteuid() != 0) {
        printf("skip - the VFS does what Linux does # needs root for chroot\n");
        return 0;
    }
    host_start();
    shim_start();
    tmpfs_start();
    vfs_caller_hook = get_caller;
    NEED(tmpfs_create(fs_find("tmpfs"), 0, 0755, &tmpfs) == 0);
    tmpfs->root->mode = S_IFDIR | 0755;
    start_on(tmpfs);
    struct op mode = {.kind = OP_CHMOD, .a = "/", .x = 0777};
    host_ask(&mode);
    our_do(&mode);
    phase = "tmpfs";
    run(n);
    printf("ok - the VFS on tmpfs does what Linux does in %ld random calls\n", n);
    /* Several rounds, because the overlay's own nodes win the upper hand with time. */
    phase = "overlay";
    freeze(tmpfs->root);
    tmpfs->readonly = true;
    NEED(overlay_create(tmpfs, &overlay) == 0);
    start_on(overlay);
    run(n);
    printf("ok - the VFS on the overlay does what Linux does in %ld random calls\n", n);
    return 0;
}
