/* linux/handle.c: name_to_handle_at(2), open_by_handle_at(2). No file system here finds a file by
 * its number, so there are no handles; the arguments are looked at as Linux does. */
#include "linux/path.h"
#include "linux/syscall.h"

enum { HANDLE_MAX = 128, CAP_READ_SEARCH = CAP_DAC_READ_SEARCH };

struct file_handle {
    uint32_t bytes;
    int32_t type;
};

SYSCALL(name_to_handle_at, 5, SYSCALL_WHOLE, "")
{
    const unsigned known = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH;
    struct file_handle handle;
    struct path place;

    if ((unsigned)a4 & ~known)
        return -EINVAL;
    int err = user_lookup((int)a0, a1,
                          (a4 & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (a4 & AT_EMPTY_PATH),
                          &place);
    if (err)
        return err;
    path_put(&place);
    if (user_read(&handle, a2, sizeof(handle)) < 0)
        return -EFAULT;
    return handle.bytes > HANDLE_MAX ? -EINVAL : -EOPNOTSUPP;
}

SYSCALL(open_by_handle_at, 3, SYSCALL_WHOLE, "")
{
    struct file_handle handle;

    if (!capable(CAP_READ_SEARCH))
        return -EPERM;
    if (user_read(&handle, a1, sizeof(handle)) < 0)
        return -EFAULT;
    if (handle.bytes == 0 || handle.bytes > HANDLE_MAX)
        return -EINVAL;
    if ((int)a0 != AT_FDCWD) {
        struct fd_ref ref = fd_borrow_any((int)a0);
        if (!ref.file)
            return -EBADF;
        fd_return(ref);
    }
    return -ESTALE;
}
