/* linux/path.c: names in program memory. */
#include "linux/path.h"

#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

/* A name that io_uring copied when its request was submitted; only such a one lies in the kernel.
 */
static ssize_t kernel_name(struct user_path *path, uintptr_t addr)
{
    const uintptr_t *names = current_task()->kernel_names;

    if (!addr || (addr != names[0] && addr != names[1]))
        return -EFAULT;
    path->name = (const char *)addr;
    return (ssize_t)strlen(path->name);
}

int user_path_get(struct user_path *path, uintptr_t addr, bool empty_ok)
{
    path->big = NULL;
    path->name = path->small;
    ssize_t len = user_read_string(path->small, addr, sizeof(path->small));
    if (unlikely(len == -ENAMETOOLONG)) {
        path->big = kmalloc(PATH_MAX);
        if (!path->big)
            return -ENOMEM;
        path->name = path->big;
        len = user_read_string(path->big, addr, PATH_MAX);
    }
    if (len == 0 && !empty_ok)
        len = -ENOENT;
    if (len >= 0)
        return 0;
    if (len == -EFAULT && kernel_name(path, addr) >= !empty_ok)
        return 0;
    user_path_put(path);
    return (int)len;
}

void user_path_free(struct user_path *path)
{
    kfree(path->big);
    path->big = NULL;
}

int user_at_get(struct user_at *at, int dirfd, uintptr_t addr, unsigned flags)
{
    at->dir = (struct fd_ref){};
    at->start = NULL;
    int err = user_path_get(&at->path, addr, flags & AT_EMPTY_PATH);
    if (err || dirfd == AT_FDCWD || (at->path.name[0] == '/' && !(flags & AT_IN_ROOT)))
        return err;
    at->dir = fd_borrow_any(dirfd);
    if (!at->dir.file) {
        user_path_put(&at->path);
        return -EBADF;
    }
    at->start = &at->dir.file->path;
    if (at->path.name[0] && (at->start->dentry->inode->mode & S_IFMT) != S_IFDIR) {
        user_at_put(at);
        return -ENOTDIR;
    }
    return 0;
}

void user_at_put(struct user_at *at)
{
    user_path_put(&at->path);
    fd_return(at->dir);
}

/* The place of an empty name: the descriptor's own, or the working folder. */
static int lookup_empty(const struct user_at *at, struct path *place)
{
    if (!at->start)
        return vfs_lookup(NULL, ".", 0, place);
    *place = *at->start;
    path_get(place);
    return 0;
}

int user_lookup(int dirfd, uintptr_t addr, unsigned flags, struct path *place)
{
    struct user_at at;
    int err = user_at_get(&at, dirfd, addr, flags);
    if (err)
        return err;
    if (!at.path.name[0])
        err = lookup_empty(&at, place);
    else
        err = vfs_lookup(at.start, at.path.name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW,
                         place);
    user_at_put(&at);
    return err;
}

int fd_lookup(int fd, bool opath_too, struct path *place)
{
    struct fd_ref ref = opath_too ? fd_borrow_any(fd) : fd_borrow(fd);
    if (!ref.file)
        return -EBADF;
    *place = ref.file->path;
    path_get(place);
    fd_return(ref);
    return 0;
}

int user_read_extensible(void *dst, size_t size, uintptr_t src, size_t user_size)
{
    memset(dst, 0, size);
    if (user_read(dst, src, MIN(size, user_size)) < 0)
        return -EFAULT;
    for (size_t at = size; at < user_size; at++) {
        uint8_t byte;
        if (user_read(&byte, src + at, 1) < 0)
            return -EFAULT;
        if (byte)
            return -E2BIG;
    }
    return 0;
}
