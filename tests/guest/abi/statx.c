/* man 2 statx */
#include "abi.h"

static void results(void)
{
    struct statx sx;
    int fd = file_with("file", "abc");

    memset(&sx, 0xff, sizeof sx);
    CHECK_EQ(CALL(statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS | STATX_BTIME, &sx), 0);
    CHECK_EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    CHECK(sx.stx_mode == (S_IFREG | 0644) && sx.stx_size == 3 && sx.stx_nlink == 1);
    CHECK(sx.stx_mtime.tv_sec > 1600000000 && sx.stx_mtime.tv_nsec < 1000000000);
    NEED(symlink("file", "link") == 0);
    CHECK_EQ(CALL(statx, AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx), 0);
    CHECK(S_ISLNK(sx.stx_mode));
    CHECK_EQ(CALL(statx, AT_FDCWD, NULL, AT_EMPTY_PATH, STATX_ALL, &sx), 0);
    CHECK(S_ISDIR(sx.stx_mode));
    CHECK_ERRNO(CALL(statx, AT_FDCWD, NULL, 0, STATX_ALL, &sx), EFAULT);
    CHECK_EQ(CALL(statx, fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_ALL, &sx), 0);
    CHECK_EQ(CALL(statx, AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &sx), 0);
    CHECK(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
          sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static void errors(void)
{
    struct statx sx;

    CHECK_ERRNO(CALL(statx, AT_FDCWD, "file", 1, STATX_ALL, &sx), EINVAL);
    CHECK_ERRNO(CALL(statx, AT_FDCWD, "file", 0, 1u << 31, &sx), EINVAL);
    CHECK_ERRNO(CALL(statx, AT_FDCWD, "file", AT_STATX_SYNC_TYPE, STATX_ALL, &sx), EINVAL);
    CHECK_ERRNO(CALL(statx, AT_FDCWD, "absent", 0, STATX_ALL, &sx), ENOENT);
    CHECK_ERRNO(CALL(statx, BAD_FD, "file", 0, STATX_ALL, &sx), EBADF);
    CHECK_ERRNO(CALL(statx, AT_FDCWD, "file", 0, STATX_ALL, BAD), EFAULT);
    CHECK_ERRNO(CALL(statx, AT_FDCWD, BAD, 0, STATX_ALL, &sx), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("statx: results", results);
    promise("statx: errors", errors);
    return check_end();
}
