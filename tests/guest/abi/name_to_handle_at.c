/* man 2 name_to_handle_at */
#include "abi.h"

#include "../mounts.h"

enum { FID = 0x200, ID_UNIQUE = 1, CONNECTABLE = 2, INVALID = 0xff, HANDLE_BYTES = 12 };

static struct {
    struct file_handle h;
    unsigned char bytes[MAX_HANDLE_SZ];
} h;

static int name(int at, const char *path, unsigned bytes, int flags)
{
    uint64_t mount;
    h.h.handle_bytes = bytes;
    h.h.handle_type = 77;
    return CALL(name_to_handle_at, at, path, &h, &mount, flags);
}

static void sizes(void)
{
    CHECK_ERRNO(name(AT_FDCWD, "file", 0, 0), EOVERFLOW);
    CHECK(h.h.handle_bytes == HANDLE_BYTES && h.h.handle_type == INVALID);
    CHECK_ERRNO(name(AT_FDCWD, "file", HANDLE_BYTES - 1, 0), EOVERFLOW);
    CHECK_ERRNO(name(AT_FDCWD, "file", MAX_HANDLE_SZ + 1, 0), EINVAL);
    CHECK_EQ(name(AT_FDCWD, "file", HANDLE_BYTES + 1, 0), 0);
    CHECK(h.h.handle_bytes == HANDLE_BYTES && h.h.handle_type == 1);
}

static void flags(void)
{
    unsigned char plain[HANDLE_BYTES];
    int fd = open("file", O_PATH);

    CHECK_EQ(name(AT_FDCWD, "file", MAX_HANDLE_SZ, 0), 0);
    memcpy(plain, h.bytes, HANDLE_BYTES);
    CHECK_EQ(name(fd, "", MAX_HANDLE_SZ, AT_EMPTY_PATH), 0);
    CHECK_EQ(memcmp(plain, h.bytes, HANDLE_BYTES), 0);
    CHECK_ERRNO(name(fd, "", MAX_HANDLE_SZ, 0), ENOENT);
    CHECK_EQ(name(AT_FDCWD, "link", MAX_HANDLE_SZ, AT_SYMLINK_FOLLOW), 0);
    CHECK_EQ(memcmp(plain, h.bytes, HANDLE_BYTES), 0);
    CHECK_EQ(name(AT_FDCWD, "link", MAX_HANDLE_SZ, 0), 0);
    CHECK(memcmp(plain, h.bytes, HANDLE_BYTES) != 0);
    CHECK_ERRNO(name(AT_FDCWD, "/proc/self/status", MAX_HANDLE_SZ, 0), EOPNOTSUPP);
    CHECK_ERRNO(name(AT_FDCWD, "file", MAX_HANDLE_SZ, 8), EINVAL);
    if (name(AT_FDCWD, "/proc/self/status", MAX_HANDLE_SZ, FID) != 0)
        SKIP("Linux before 6.6");
    CHECK_EQ(h.h.handle_type, 0x81);
    CHECK_EQ(name(AT_FDCWD, "file", MAX_HANDLE_SZ, FID | ID_UNIQUE), 0);
    CHECK_EQ(memcmp(plain, h.bytes, HANDLE_BYTES), 0);
    CHECK_ERRNO(name(AT_FDCWD, "file", MAX_HANDLE_SZ, CONNECTABLE), EOPNOTSUPP);
    CHECK_ERRNO(name(AT_FDCWD, "file", MAX_HANDLE_SZ, CONNECTABLE | FID), EINVAL);
}

static void errors(void)
{
    char want[40], *at;
    int mount = -1;

    CHECK_ERRNO(name(AT_FDCWD, "none", MAX_HANDLE_SZ, 0), ENOENT);
    CHECK_ERRNO(name(AT_FDCWD, "file/x", MAX_HANDLE_SZ, 0), ENOTDIR);
    CHECK_ERRNO(name(BAD_FD, "x", MAX_HANDLE_SZ, 0), EBADF);
    CHECK_ERRNO(CALL(name_to_handle_at, AT_FDCWD, "file", BAD, &mount, 0), EFAULT);
    h.h.handle_bytes = MAX_HANDLE_SZ;
    CHECK_ERRNO(CALL(name_to_handle_at, AT_FDCWD, "file", &h, BAD, 0), EFAULT);
    CHECK_EQ(h.h.handle_bytes, MAX_HANDLE_SZ);
    CHECK_EQ(CALL(name_to_handle_at, AT_FDCWD, "file", &h, &mount, 0), 0);
    at = realpath(".", NULL);
    snprintf(want, sizeof(want), "%d ", mount);
    CHECK(strncmp(mount_line(at), want, strlen(want)) == 0);
    free(at);
}

int main(void)
{
    if (!promise_mounts())
        return check_end();
    close(file_with("file", "abc"));
    CHECK_EQ(symlink("file", "link"), 0);
    promise("a handle says how long it is", sizes);
    promise("flags of name_to_handle_at", flags);
    promise("errors of name_to_handle_at, and the mount's number", errors);
    return check_end();
}
