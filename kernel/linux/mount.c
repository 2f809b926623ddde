/* linux/mount.c: mount(2), umount2(2), pivot_root(2). */
#include "linux/path.h"
#include "linux/syscall.h"

#include "lib/string.h"
#include "mm/heap.h"

enum {
    MS_SILENT = 32768,
    MS_STRICTATIME = 1 << 24,
    UMOUNT_NOFOLLOW = 8,
};
#define MS_MAGIC      0xc0ed0000u
#define MS_MAGIC_MASK 0xffff0000u

/* The strings of a mount call; absent ones are NULL. */
struct strings {
    char *source, *type, *options;
};

static int get_string(uintptr_t addr, char **copy)
{
    *copy = NULL;
    if (!addr)
        return 0;
    char *buf = kmalloc(PATH_MAX);
    if (!buf)
        return -ENOMEM;
    ssize_t len = user_read_string(buf, addr, PATH_MAX);
    if (len < 0) {
        kfree(buf);
        return (int)len;
    }
    *copy = buf;
    return 0;
}

/* mount's data: a page of it at most, as far as it can be read. */
static int get_options(uintptr_t addr, char **copy)
{
    *copy = NULL;
    if (!addr)
        return 0;
    char *buf = kzalloc(PAGE_SIZE);
    if (!buf)
        return -ENOMEM;
    if (user_read_partial(buf, addr, PAGE_SIZE - 1) == PAGE_SIZE - 1) {
        kfree(buf);
        return -EFAULT;
    }
    *copy = buf;
    return 0;
}

static int bind(const struct strings *strings, const struct path *on, unsigned flags, bool move)
{
    if (!strings->source || !strings->source[0])
        return -EINVAL;
    struct path from;
    int err = vfs_lookup(NULL, strings->source, LOOKUP_FOLLOW, &from);
    if (err)
        return err;
    err = move ? vfs_move_mount(&from, on, false) : vfs_bind(&from, on, flags & MS_REC);
    path_put(&from);
    return err;
}

/* The flags that the mount itself keeps; a remount that says nothing of times leaves them. */
static unsigned own_flags(unsigned flags, const struct path *on)
{
    const unsigned times = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;
    unsigned own = flags & (unsigned)(MOUNT_FLAGS | SUPER_FLAGS);
    if (flags & MS_REMOUNT && !(flags & (times | MS_STRICTATIME)))
        return (own & ~times) | (on->mount->flags & times);
    if (flags & MS_STRICTATIME)
        return own & ~(unsigned)(MS_NOATIME | MS_RELATIME);
    return flags & MS_NOATIME ? own & ~(unsigned)MS_RELATIME : own | MS_RELATIME;
}

static int change_type(const struct path *on, unsigned flags)
{
    unsigned type = flags & ~(unsigned)(MS_REC | MS_SILENT);
    if (type & ~(unsigned)MS_PROPAGATION || type & (type - 1))
        return -EINVAL;
    return vfs_set_propagation(on, type, flags & MS_REC);
}

static int do_mount(const struct strings *strings, const struct path *on, unsigned flags)
{
    unsigned own = own_flags(flags, on);
    if (flags & MS_REMOUNT)
        return vfs_remount(on, own, strings->options, flags & MS_BIND);
    if (flags & MS_BIND)
        return bind(strings, on, flags, false);
    if (flags & MS_PROPAGATION)
        return change_type(on, flags);
    if (flags & MS_MOVE)
        return bind(strings, on, flags, true);
    if (!strings->type)
        return -EINVAL;
    return vfs_mount(strings->source, on, strings->type, own, strings->options);
}

static int mount_with(struct strings *strings, const uint64_t args[5])
{
    uint64_t flags = args[3];
    if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
        flags &= ~MS_MAGIC_MASK; /* and what is above it */
    int err = get_string(args[0], &strings->source);
    if (!err)
        err = get_string(args[2], &strings->type);
    if (!err)
        err = get_options(args[4], &strings->options);
    struct path on;
    if (!err)
        err = user_lookup(AT_FDCWD, args[1], 0, &on);
    if (err)
        return err;
    if (flags >> 31) /* MS_NOUSER and what is above it */
        err = -EINVAL;
    else
        err = capable(CAP_SYS_ADMIN) ? do_mount(strings, &on, (unsigned)flags) : -EPERM;
    path_put(&on);
    return err;
}

SYSCALL(mount, 5, SYSCALL_WHOLE, "")
{
    struct strings strings = {};
    int err = mount_with(&strings, (uint64_t[5]){a0, a1, a2, a3, a4});
    kfree(strings.source);
    kfree(strings.type);
    kfree(strings.options);
    return err;
}

SYSCALL(umount2, 2, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a1;
    if (flags & ~(unsigned)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    struct path place;
    int err = user_lookup(AT_FDCWD, a0, flags & UMOUNT_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &place);
    if (err)
        return err;
    err = capable(CAP_SYS_ADMIN) ? vfs_unmount(&place, (int)(flags & ~(unsigned)UMOUNT_NOFOLLOW))
                                 : -EPERM;
    path_put(&place);
    return err;
}

static int folder_lookup(uintptr_t name, struct path *place)
{
    int err = user_lookup(AT_FDCWD, name, 0, place);
    if (err || (place->dentry->inode->mode & S_IFMT) == S_IFDIR)
        return err;
    path_put(place);
    return -ENOTDIR;
}

SYSCALL(pivot_root, 2, SYSCALL_WHOLE, "")
{
    struct path new, put_old, old;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    int err = folder_lookup(a0, &new);
    if (err)
        return err;
    err = folder_lookup(a1, &put_old);
    if (!err) {
        err = vfs_pivot_root(&new, &put_old, &old);
        path_put(&put_old);
    }
    if (!err) {
        fs_context_move_all(&old, &new);
        path_put(&old);
    }
    path_put(&new);
    return err;
}
