/* linux/handle.c: name_to_handle_at(2), open_by_handle_at(2). */
#include "fs/handle.h"

#include "linux/path.h"
#include "linux/syscall.h"

enum {
    HANDLE_MAX = 128,
    AT_HANDLE_MNT_ID_UNIQUE = 1,
    AT_HANDLE_CONNECTABLE = 2,
    AT_HANDLE_FID = 0x200,
    HANDLE_IS_CONNECTABLE = 0x10000, /* in the type */
    HANDLE_IS_DIR = 0x20000,
    HANDLE_INVALID = 0xff
};

struct file_handle {
    uint32_t bytes;
    int32_t type;
    struct handle_id id;
};
enum { HANDLE_HEAD = offsetof(struct file_handle, id) };

static int write_handle(uintptr_t addr, uintptr_t mount_id, const struct path *place,
                        unsigned flags)
{
    struct file_handle handle;
    uint64_t id = place->mount ? place->mount->id : 0;
    int type = flags & AT_HANDLE_CONNECTABLE
                   ? -EOPNOTSUPP
                   : vfs_name_to_handle(place, flags & AT_HANDLE_FID, &handle.id);
    if (type < 0)
        return type;
    if (user_read(&handle, addr, HANDLE_HEAD) < 0)
        return -EFAULT;
    if (handle.bytes > HANDLE_MAX)
        return -EINVAL;
    bool fits = handle.bytes >= sizeof(handle.id);
    handle.bytes = sizeof(handle.id);
    handle.type = fits ? type : HANDLE_INVALID;
    if (user_write(mount_id, &id, flags & AT_HANDLE_MNT_ID_UNIQUE ? 8 : 4) < 0 ||
        user_write(addr, &handle, fits ? sizeof(handle) : HANDLE_HEAD) < 0)
        return -EFAULT;
    return fits ? 0 : -EOVERFLOW;
}

SYSCALL(name_to_handle_at, 5, SYSCALL_WHOLE, "")
{
    const unsigned apart = AT_HANDLE_FID | AT_HANDLE_CONNECTABLE;
    const unsigned known = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_MNT_ID_UNIQUE | apart;
    unsigned flags = (unsigned)a4;
    struct path place;

    if (flags & ~known || (flags & apart) == apart)
        return -EINVAL;
    int err = user_lookup(
        (int)a0, a1,
        (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH), &place);
    if (err)
        return err;
    err = write_handle(a2, a3, &place, flags);
    path_put(&place);
    return err;
}

/* The file of a handle whose head was read, on the mount that `at` is on. */
static int find_file(const struct path *at, const struct file_handle *head, uintptr_t addr,
                     struct path *place)
{
    struct handle_id id;
    if (!capable(CAP_DAC_READ_SEARCH))
        return -EPERM;
    if (head->bytes < sizeof(id))
        return -ESTALE;
    if (user_read(&id, addr + HANDLE_HEAD, sizeof(id)) < 0)
        return -EFAULT;
    int err = vfs_find_handle(at, &id, place);
    if (err == 0 && head->type & HANDLE_IS_DIR &&
        (place->dentry->inode->mode & S_IFMT) != S_IFDIR) {
        path_put(place);
        err = -ESTALE;
    }
    return err;
}

static int open_file(const struct path *place, unsigned flags)
{
    struct open_how how;
    int err = open_how_loosely((int)flags, 0, &how);
    if (!err && how.flags & O_CREAT) /* it is there */
        err = how.flags & O_EXCL                                 ? -EEXIST
              : (place->dentry->inode->mode & S_IFMT) == S_IFDIR ? -EISDIR
                                                                 : 0;
    int fd = err ?: fd_reserve(0);
    if (fd >= 0) {
        struct file *file = NULL;
        err = vfs_open(place, "", (int)how.flags & ~(O_CREAT | O_CLOEXEC), 0, LOOKUP_EMPTY, &file);
        fd = fd_finish(fd, err, file, flags & O_CLOEXEC);
    }
    return fd;
}

SYSCALL(open_by_handle_at, 3, SYSCALL_WHOLE, "")
{
    const int known = HANDLE_IS_CONNECTABLE | HANDLE_IS_DIR | 0xffff;
    struct file_handle head;
    struct path at, place;

    if (user_read(&head, a1, HANDLE_HEAD) < 0)
        return -EFAULT;
    if (head.bytes == 0 || head.bytes > HANDLE_MAX || head.type & ~known)
        return -EINVAL;
    int err = (int)a0 == AT_FDCWD ? vfs_lookup(NULL, ".", 0, &at) : fd_lookup((int)a0, false, &at);
    if (err)
        return err;
    err = find_file(&at, &head, a1, &place);
    path_put(&at);
    if (err)
        return err;
    int fd = open_file(&place, (unsigned)a2);
    path_put(&place);
    return fd;
}
