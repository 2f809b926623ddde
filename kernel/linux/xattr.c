/* linux/xattr.c: extended attributes (man 7 xattr). */
#include "linux/path.h"
#include "linux/syscall.h"

#include "lib/string.h"
#include "mm/heap.h"

enum { XATTR_NAME_MAX = 255, XATTR_SIZE_MAX = 65536, XATTR_FLAGS = 3 };

/* What a call works on: a name (followed or not) or a descriptor. */
enum how { FOLLOW, NOFOLLOW, DESCRIPTOR };

static int find(enum how how, uint64_t what, struct path *place)
{
    if (how == DESCRIPTOR)
        return fd_lookup((int)what, false, place);
    return user_lookup(AT_FDCWD, what, how == NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0, place);
}

static int get_name(char name[XATTR_NAME_MAX + 1], uintptr_t addr)
{
    struct user_path copied;
    if (addr >= USER_END && !user_path_get(&copied, addr, true)) /* io_uring has it already */
        return (ssize_t)strlcpy(name, copied.name, XATTR_NAME_MAX + 1) > XATTR_NAME_MAX ? -ERANGE
                                                                                        : 0;
    ssize_t len = user_read_string(name, addr, XATTR_NAME_MAX + 1);
    if (len == 0 || len == -ENAMETOOLONG)
        return -ERANGE;
    return len < 0 ? (int)len : 0;
}

static int64_t set(enum how how, uint64_t what, uintptr_t name_addr, uintptr_t value, size_t size,
                   unsigned flags)
{
    char name[XATTR_NAME_MAX + 1];
    if (flags & ~(unsigned)XATTR_FLAGS)
        return -EINVAL;
    int err = get_name(name, name_addr);
    if (err)
        return err;
    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    char *buf = kmalloc(size ? size : 1);
    if (!buf)
        return -ENOMEM;
    struct path place;
    err = user_read(buf, value, size);
    if (!err)
        err = find(how, what, &place);
    if (!err) {
        err = vfs_setxattr(&place, name, buf, size, (int)flags);
        path_put(&place);
    }
    kfree(buf);
    return err;
}

/* Read an attribute, or (name NULL) the list of them. */
static ssize_t fetch(const struct path *place, const char *name, char *buf, size_t size)
{
    return name ? vfs_getxattr(place, name, buf, size) : vfs_listxattr(place, buf, size);
}

static int64_t get_or_list(enum how how, uint64_t what, const char *name, uintptr_t value,
                           size_t size)
{
    size_t room = MIN(size, (size_t)XATTR_SIZE_MAX);
    char *buf = room ? kmalloc(room) : NULL;
    if (room && !buf)
        return -ENOMEM;
    struct path place;
    int64_t result = find(how, what, &place);
    if (!result) {
        result = fetch(&place, name, buf, room);
        path_put(&place);
    }
    if (result > 0 && room && user_write(value, buf, (size_t)result) < 0)
        result = -EFAULT;
    if (result == -ERANGE && size >= XATTR_SIZE_MAX)
        result = -E2BIG;
    kfree(buf);
    return result;
}

static int64_t get(enum how how, uint64_t what, uintptr_t name_addr, uintptr_t value, size_t size)
{
    char name[XATTR_NAME_MAX + 1];
    int err = get_name(name, name_addr);
    return err ? err : get_or_list(how, what, name, value, size);
}

static int64_t remove(enum how how, uint64_t what, uintptr_t name_addr)
{
    char name[XATTR_NAME_MAX + 1];
    struct path place;
    int err = get_name(name, name_addr);
    if (!err)
        err = find(how, what, &place);
    if (err)
        return err;
    err = vfs_removexattr(&place, name);
    path_put(&place);
    return err;
}

SYSCALL(setxattr, 5, SYSCALL_WHOLE, "")
{
    return set(FOLLOW, a0, a1, a2, a3, (unsigned)a4);
}
SYSCALL(lsetxattr, 5, SYSCALL_WHOLE, "")
{
    return set(NOFOLLOW, a0, a1, a2, a3, (unsigned)a4);
}
SYSCALL(fsetxattr, 5, SYSCALL_WHOLE, "")
{
    return set(DESCRIPTOR, a0, a1, a2, a3, (unsigned)a4);
}

SYSCALL(getxattr, 4, SYSCALL_WHOLE, "")
{
    return get(FOLLOW, a0, a1, a2, a3);
}
SYSCALL(lgetxattr, 4, SYSCALL_WHOLE, "")
{
    return get(NOFOLLOW, a0, a1, a2, a3);
}
SYSCALL(fgetxattr, 4, SYSCALL_WHOLE, "")
{
    return get(DESCRIPTOR, a0, a1, a2, a3);
}

SYSCALL(listxattr, 3, SYSCALL_WHOLE, "")
{
    return get_or_list(FOLLOW, a0, NULL, a1, a2);
}
SYSCALL(llistxattr, 3, SYSCALL_WHOLE, "")
{
    return get_or_list(NOFOLLOW, a0, NULL, a1, a2);
}
SYSCALL(flistxattr, 3, SYSCALL_WHOLE, "")
{
    return get_or_list(DESCRIPTOR, a0, NULL, a1, a2);
}

SYSCALL(removexattr, 2, SYSCALL_WHOLE, "")
{
    return remove(FOLLOW, a0, a1);
}
SYSCALL(lremovexattr, 2, SYSCALL_WHOLE, "")
{
    return remove(NOFOLLOW, a0, a1);
}
SYSCALL(fremovexattr, 2, SYSCALL_WHOLE, "")
{
    return remove(DESCRIPTOR, a0, a1);
}
