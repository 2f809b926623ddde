/* linux/dir.c: folders and names: reading, making, removing, renaming; the working folder and the
 * root (man 2 getdents, chdir, mkdir, link, rename, ...). */
#include "linux/path.h"
#include "linux/syscall.h"

#include "lib/string.h"
#include "mm/heap.h"

/* --- reading
 * ---------------------------------------------------------------------------------------------- */

/* Entries go straight to the program, one by one. */
struct reader {
    struct dir_sink sink;
    uintptr_t at;
    size_t left;
    int err;
};

/* struct linux_dirent64, and the older linux_dirent with the type behind the name. */
struct entry64 {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[NAME_MAX + 1 + 8];
} __packed;
struct entry32 {
    uint64_t ino;
    uint64_t off;
    uint16_t reclen;
    char name[NAME_MAX + 1 + 8];
} __packed;

/* Hand over an entry of len bytes: false where it does not fit or memory is bad. */
static bool put_entry(struct reader *reader, const void *entry, size_t len)
{
    if (len > reader->left) {
        reader->err = -EINVAL; /* counts only if it is the first */
        return false;
    }
    if (user_write(reader->at, entry, len) < 0) {
        reader->err = -EFAULT;
        return false;
    }
    reader->at += len;
    reader->left -= len;
    return true;
}

static bool put_entry64(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                        unsigned type, off_t next_pos)
{
    struct entry64 entry;
    size_t size = ALIGN_UP(offsetof(struct entry64, name) + len + 1, 8ul);
    entry.ino = ino;
    entry.off = next_pos;
    entry.reclen = (uint16_t)size;
    entry.type = (uint8_t)type;
    memcpy(entry.name, name, len);
    memset(entry.name + len, 0, size - offsetof(struct entry64, name) - len);
    return put_entry(container_of(sink, struct reader, sink), &entry, size);
}

static bool put_entry32(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                        unsigned type, off_t next_pos)
{
    struct entry32 entry;
    size_t size = ALIGN_UP(offsetof(struct entry32, name) + len + 2, 8ul);
    entry.ino = ino;
    entry.off = (uint64_t)next_pos;
    entry.reclen = (uint16_t)size;
    memcpy(entry.name, name, len);
    memset(entry.name + len, 0, size - offsetof(struct entry32, name) - len);
    ((char *)&entry)[size - 1] = (char)type;
    return put_entry(container_of(sink, struct reader, sink), &entry, size);
}

static int64_t read_entries(int fd, uintptr_t addr, size_t size,
                            bool (*entry)(struct dir_sink *, const char *, size_t, uint64_t,
                                          unsigned, off_t))
{
    struct fd_ref ref = fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    struct reader reader = {.sink.entry = entry, .at = addr, .left = size};
    int64_t err = file_readdir(ref.file, &reader.sink);
    fd_return(ref);
    if (reader.left != size)
        return (int64_t)(size - reader.left);
    return err ? err : reader.err;
}

SYSCALL(getdents64, 3, SYSCALL_WHOLE, "")
{
    return read_entries((int)a0, a1, (uint32_t)a2, put_entry64);
}

SYSCALL(getdents, 3, SYSCALL_WHOLE, "")
{
    return read_entries((int)a0, a1, (uint32_t)a2, put_entry32);
}

/* --- the working folder and the root
 * ---------------------------------------------------------------------- */

SYSCALL(getcwd, 2, SYSCALL_WHOLE, "")
{
    struct fs_context *fs = current_task()->fs;
    char *buf = kmalloc(PATH_MAX);
    if (!buf)
        return -ENOMEM;
    mutex_lock(&fs->lock);
    bool removed = fs->cwd.dentry->unhashed;
    char *name = path_name_marked(&fs->cwd, buf, PATH_MAX);
    mutex_unlock(&fs->lock);
    int64_t result;
    if (removed) {
        result = -ENOENT;
    } else if (!name) {
        result = -ENAMETOOLONG;
    } else {
        size_t len = strlen(name) + 1;
        if (len > a1)
            result = -ERANGE;
        else
            result = user_write(a0, name, len) < 0 ? -EFAULT : (int64_t)len;
    }
    kfree(buf);
    return result;
}

/* Make place one of the context's two folders; takes over its reference. */
static void change(struct path *which, struct path place)
{
    struct fs_context *fs = current_task()->fs;
    mutex_lock(&fs->lock);
    struct path old = *which;
    *which = place;
    mutex_unlock(&fs->lock);
    path_put(&old);
}

static int check_folder(const struct path *place)
{
    struct inode *inode = place->dentry->inode;
    if ((inode->mode & S_IFMT) != S_IFDIR)
        return -ENOTDIR;
    return inode_permission(inode, 1);
}

static int64_t change_to(struct path *which, struct path place, bool allowed)
{
    int err = check_folder(&place);
    if (!err && !allowed)
        err = -EPERM;
    if (err)
        path_put(&place);
    else
        change(which, place);
    return err;
}

SYSCALL(chdir, 1, SYSCALL_WHOLE, "")
{
    struct path place;
    int err = user_lookup(AT_FDCWD, a0, 0, &place);
    return err ? err : change_to(&current_task()->fs->cwd, place, true);
}

SYSCALL(fchdir, 1, SYSCALL_WHOLE, "")
{
    struct path place;
    int err = fd_lookup((int)a0, true, &place);
    return err ? err : change_to(&current_task()->fs->cwd, place, true);
}

SYSCALL(chroot, 1, SYSCALL_WHOLE, "")
{
    struct path place;
    int err = user_lookup(AT_FDCWD, a0, 0, &place);
    return err ? err : change_to(&current_task()->fs->root, place, capable(CAP_SYS_CHROOT));
}

/* --- making
 * -----------------------------------------------------------------------------------------------
 */

static int64_t do_mkdir(int dirfd, uintptr_t name, uint32_t mode)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, name, 0);
    if (err)
        return err;
    err = vfs_mkdir(at.start, at.path.name, mode & 01777);
    user_at_put(&at);
    return err;
}

SYSCALL(mkdir, 2, SYSCALL_WHOLE, "")
{
    return do_mkdir(AT_FDCWD, a0, (uint32_t)a1);
}

SYSCALL(mkdirat, 3, SYSCALL_WHOLE, "")
{
    return do_mkdir((int)a0, a1, (uint32_t)a2);
}

static int64_t do_mknod(int dirfd, uintptr_t name, uint32_t mode, uint32_t dev)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    struct user_at at;
    int err = user_at_get(&at, dirfd, name, 0);
    if (err)
        return err;
    err = vfs_mknod(at.start, at.path.name, mode & (S_IFMT | 07777), dev);
    user_at_put(&at);
    return err;
}

SYSCALL(mknod, 3, SYSCALL_WHOLE, "")
{
    return do_mknod(AT_FDCWD, a0, (uint32_t)a1, (uint32_t)a2);
}

SYSCALL(mknodat, 4, SYSCALL_WHOLE, "")
{
    return do_mknod((int)a0, a1, (uint32_t)a2, (uint32_t)a3);
}

static int64_t do_symlink(uintptr_t target, int dirfd, uintptr_t name)
{
    struct user_path content;
    int err = user_path_get(&content, target, false);
    if (err)
        return err;
    struct user_at at;
    err = user_at_get(&at, dirfd, name, 0);
    if (!err) {
        err = vfs_symlink(content.name, at.start, at.path.name);
        user_at_put(&at);
    }
    user_path_put(&content);
    return err;
}

SYSCALL(symlink, 2, SYSCALL_WHOLE, "")
{
    return do_symlink(a0, AT_FDCWD, a1);
}

SYSCALL(symlinkat, 3, SYSCALL_WHOLE, "")
{
    return do_symlink(a0, (int)a1, a2);
}

static int64_t do_link(int from_fd, uintptr_t from, int dirfd, uintptr_t name, unsigned flags)
{
    if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    struct path place;
    unsigned how = flags & AT_EMPTY_PATH && capable(CAP_DAC_READ_SEARCH) ? AT_EMPTY_PATH : 0;
    if (!(flags & AT_SYMLINK_FOLLOW))
        how |= AT_SYMLINK_NOFOLLOW;
    int err = user_lookup(from_fd, from, how, &place);
    if (err)
        return err;
    struct user_at at;
    err = user_at_get(&at, dirfd, name, 0);
    if (!err) {
        err = vfs_link(&place, at.start, at.path.name);
        user_at_put(&at);
    }
    path_put(&place);
    return err;
}

SYSCALL(link, 2, SYSCALL_WHOLE, "")
{
    return do_link(AT_FDCWD, a0, AT_FDCWD, a1, 0);
}

SYSCALL(linkat, 5, SYSCALL_WHOLE, "")
{
    return do_link((int)a0, a1, (int)a2, a3, (unsigned)a4);
}

/* --- removing and renaming
 * -------------------------------------------------------------------------------- */

static int64_t do_remove(int dirfd, uintptr_t name, bool folder)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, name, 0);
    if (err)
        return err;
    err = folder ? vfs_rmdir(at.start, at.path.name) : vfs_unlink(at.start, at.path.name);
    user_at_put(&at);
    return err;
}

SYSCALL(unlink, 1, SYSCALL_WHOLE, "")
{
    return do_remove(AT_FDCWD, a0, false);
}

SYSCALL(rmdir, 1, SYSCALL_WHOLE, "")
{
    return do_remove(AT_FDCWD, a0, true);
}

SYSCALL(unlinkat, 3, SYSCALL_WHOLE, "")
{
    if ((unsigned)a2 & ~(unsigned)AT_REMOVEDIR)
        return -EINVAL;
    return do_remove((int)a0, a1, a2 & AT_REMOVEDIR);
}

enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };

static int64_t do_rename(int from_fd, uintptr_t from, int to_fd, uintptr_t to, unsigned flags)
{
    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
        (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
        return -EINVAL;
    struct user_at old, new;
    int err = user_at_get(&old, from_fd, from, 0);
    if (err)
        return err;
    err = user_at_get(&new, to_fd, to, 0);
    if (err) {
        err = vfs_check_parent(old.start, old.path.name) ?: err; /* the old name comes first */
    } else {
        err = vfs_rename(old.start, old.path.name, new.start, new.path.name, flags);
        user_at_put(&new);
    }
    user_at_put(&old);
    return err;
}

SYSCALL(rename, 2, SYSCALL_WHOLE, "")
{
    return do_rename(AT_FDCWD, a0, AT_FDCWD, a1, 0);
}

SYSCALL(renameat, 4, SYSCALL_WHOLE, "")
{
    return do_rename((int)a0, a1, (int)a2, a3, 0);
}

SYSCALL(renameat2, 5, SYSCALL_WHOLE, "")
{
    return do_rename((int)a0, a1, (int)a2, a3, (unsigned)a4);
}
