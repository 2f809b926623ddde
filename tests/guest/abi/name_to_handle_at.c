// name_to_handle_at, open_by_handle_at: what they say of their arguments.
#include "../check.h"

#include <fcntl.h>

static struct {
    struct file_handle handle;
    unsigned char bytes[MAX_HANDLE_SZ];
} h;

static void naming(void)
{
    int mount;
    h.handle.handle_bytes = MAX_HANDLE_SZ;
    int result = name_to_handle_at(AT_FDCWD, "/proc/self/status", &h.handle, &mount, 0);
    CHECK(result == 0 || errno == EOPNOTSUPP);
    CHECK_ERRNO(name_to_handle_at(AT_FDCWD, "/none", &h.handle, &mount, 0), ENOENT);
    CHECK_ERRNO(name_to_handle_at(AT_FDCWD, "/tmp", &h.handle, &mount, 8), EINVAL);
    CHECK_ERRNO(name_to_handle_at(999, "x", &h.handle, &mount, 0), EBADF);
    h.handle.handle_bytes = 129;
    result = name_to_handle_at(AT_FDCWD, "/tmp", &h.handle, &mount, 0);
    CHECK(result == -1 && (errno == EINVAL || errno == EOPNOTSUPP));
}

static void opening(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    h.handle.handle_bytes = 0;
    CHECK_EQ(open_by_handle_at(AT_FDCWD, &h.handle, O_RDONLY), -1);
    CHECK(errno == EINVAL || errno == EPERM);
    CHECK_EQ(open_by_handle_at(999, &h.handle, O_RDONLY), -1);
    CHECK(errno == EINVAL || errno == EPERM);
}

int main(void)
{
    promise("naming looks at its arguments", naming);
    promise("opening looks at its arguments", opening);
    return check_end();
}
