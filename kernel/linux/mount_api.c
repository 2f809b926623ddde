/* linux/mount_api.c: mounts by descriptor: open_tree(2), move_mount(2), mount_setattr(2). */
#include "linux/mount_api.h"

#include "linux/path.h"
#include "linux/syscall.h"

enum { OPEN_TREE_CLONE = 1 };

static void dissolve(struct file *file)
{
    vfs_dissolve(file->path.mount);
}

/* An O_PATH file that stands for a tree without a name, which ends with it. */
static const struct file_ops tree_ops = {.release = dissolve};

int mount_tree_open(struct path *top, struct file **file)
{
    int err = file_open_path(top, O_PATH, file);
    if (err)
        vfs_dissolve(top->mount);
    else
        (*file)->ops = &tree_ops;
    path_put(top);
    return err;
}

static int open_place(const struct path *place, unsigned flags, struct file **file)
{
    struct path top;
    if (!(flags & OPEN_TREE_CLONE))
        return file_open_path(place, O_PATH, file);
    int err = vfs_copy_tree(place, flags & AT_RECURSIVE, &top);
    return err ? err : mount_tree_open(&top, file);
}

SYSCALL(open_tree, 3, SYSCALL_WHOLE, "")
{
    const unsigned known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
                           OPEN_TREE_CLONE | O_CLOEXEC;
    unsigned flags = (unsigned)a2;
    struct path place;
    struct file *file = NULL;
    if (flags & ~known || (flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
        return -EINVAL;
    if (flags & OPEN_TREE_CLONE && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    int err = user_lookup((int)a0, a1, flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), &place);
    if (!err) {
        err = open_place(&place, flags, &file);
        path_put(&place);
    }
    return fd_finish(fd, err, file, flags & O_CLOEXEC);
}

/* --- move_mount(2) */

enum {
    MOVE_MOUNT_F_SYMLINKS = 1,
    MOVE_MOUNT_F_EMPTY_PATH = 4,
    MOVE_MOUNT_T_SYMLINKS = 0x10,
    MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    MOVE_MOUNT_SET_GROUP = 0x100,
    MOVE_MOUNT_BENEATH = 0x200,
    MOVE_MOUNT_KNOWN = 0x377,
};

static int lookup_end(int dirfd, uintptr_t name, bool follow, bool empty, struct path *place)
{
    return user_lookup(dirfd, name,
                       (follow ? 0 : AT_SYMLINK_NOFOLLOW) | (empty ? AT_EMPTY_PATH : 0), place);
}

SYSCALL(move_mount, 5, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a4;
    struct path from, to;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (flags & ~(unsigned)MOVE_MOUNT_KNOWN)
        return -EINVAL;
    if ((flags & (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH)) ==
        (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH))
        return -EINVAL;
    int err = lookup_end((int)a2, a3, flags & MOVE_MOUNT_T_SYMLINKS,
                         flags & MOVE_MOUNT_T_EMPTY_PATH, &to); /* first, since Linux 6.15 */
    if (err)
        return err;
    err = lookup_end((int)a0, a1, flags & MOVE_MOUNT_F_SYMLINKS, flags & MOVE_MOUNT_F_EMPTY_PATH,
                     &from);
    if (!err) {
        err = flags & MOVE_MOUNT_SET_GROUP ? vfs_set_group(&from, &to)
                                           : vfs_move_mount(&from, &to, flags & MOVE_MOUNT_BENEATH);
        path_put(&from);
    }
    path_put(&to);
    return err;
}

/* --- mount_setattr(2) */

/* struct mount_attr of the program. */
struct mount_attr {
    uint64_t set, clear, propagation, userns_fd;
};

int mount_attr_to_flags(uint64_t attr, unsigned *flags)
{
    static const struct {
        unsigned attr, flag;
    } same[] = {{MOUNT_ATTR_RDONLY, MS_RDONLY},         {MOUNT_ATTR_NOSUID, MS_NOSUID},
                {MOUNT_ATTR_NODEV, MS_NODEV},           {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
                {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW}};
    *flags = 0;
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        if (attr & same[i].attr)
            *flags |= same[i].flag;
    switch (attr & MOUNT_ATTR_ATIME) {
    case 0:
        *flags |= MS_RELATIME;
        return 0;
    case MOUNT_ATTR_NOATIME:
        *flags |= MS_NOATIME;
        return 0;
    case MOUNT_ATTR_STRICTATIME:
        return 0;
    default:
        return -EINVAL;
    }
}

/* As Linux without CONFIG_USER_NS: no file stands for a user namespace. */
static int check_idmap(const struct mount_attr *attr)
{
    if (attr->clear & MOUNT_ATTR_IDMAP || attr->userns_fd > INT32_MAX)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)attr->userns_fd);
    if (!ref.file)
        return -EBADF;
    fd_return(ref);
    return -EINVAL;
}

static int translate(const struct mount_attr *attr, unsigned *set, unsigned *clear)
{
    uint64_t times = attr->clear & MOUNT_ATTR_ATIME;
    if (attr->propagation & ~(uint64_t)MS_PROPAGATION ||
        attr->propagation & (attr->propagation - 1))
        return -EINVAL;
    if ((attr->set | attr->clear) & ~(uint64_t)(MOUNT_ATTR_KNOWN | MOUNT_ATTR_IDMAP))
        return -EINVAL;
    if (times ? times != MOUNT_ATTR_ATIME : attr->set & MOUNT_ATTR_ATIME)
        return -EINVAL;
    int err = (attr->set | attr->clear) & MOUNT_ATTR_IDMAP ? check_idmap(attr) : 0;
    if (err)
        return err;
    err = mount_attr_to_flags(attr->set, set);
    mount_attr_to_flags(attr->clear & ~(uint64_t)MOUNT_ATTR_ATIME, clear);
    *clear &= ~(unsigned)MS_RELATIME;
    if (times)
        *clear |= MS_RELATIME | MS_NOATIME;
    else
        *set &= ~(unsigned)MS_RELATIME;
    return err;
}

SYSCALL(mount_setattr, 5, SYSCALL_WHOLE, "")
{
    const unsigned known = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    unsigned flags = (unsigned)a2, set, clear;
    struct mount_attr attr;
    struct path place;
    if (flags & ~known)
        return -EINVAL;
    if (a4 > PAGE_SIZE)
        return -E2BIG;
    if (a4 < sizeof(attr))
        return -EINVAL;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    int err = user_read_extensible(&attr, sizeof(attr), a3, a4);
    if (err)
        return err;
    if (!attr.set && !attr.clear && !attr.propagation)
        return 0;
    err = translate(&attr, &set, &clear);
    if (err)
        return err;
    err = user_lookup((int)a0, a1, flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), &place);
    if (err)
        return err;
    err = vfs_set_mount_flags(&place, set, clear, (unsigned)attr.propagation, flags & AT_RECURSIVE);
    path_put(&place);
    return err;
}
