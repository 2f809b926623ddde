/* man 2 move_mount */
#include "../mounts.h"
#include "abi.h"
#include <linux/mount.h>

static void results(void)
{
    NEED(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0 && mkdir("b/c", 0700) == 0);
    if (mount("none", "a", "tmpfs", 0, NULL) != 0 || mount(NULL, "a", NULL, MS_PRIVATE, NULL) != 0)
        SKIP("mounting is not allowed here");
    close(file_with("a/inside", ""));
    CHECK_EQ(CALL(move_mount, AT_FDCWD, "a", AT_FDCWD, "b", 0), 0);
    CHECK(access("b/inside", F_OK) == 0 && access("a/inside", F_OK) == -1);
    CHECK_ERRNO(CALL(move_mount, AT_FDCWD, "a", AT_FDCWD, "b", 0), EINVAL); /* not a mount */
    CHECK_ERRNO(CALL(move_mount, AT_FDCWD, "absent", AT_FDCWD, "a", 0), ENOENT);
    CHECK_ERRNO(CALL(move_mount, AT_FDCWD, "b", AT_FDCWD, "a", 1 << 20), EINVAL);
    CHECK_ERRNO(CALL(move_mount, BAD_FD, "b", AT_FDCWD, "a", 0), EBADF);
    CHECK_ERRNO(CALL(move_mount, AT_FDCWD, "", AT_FDCWD, "a", 0), ENOENT);
    CHECK_EQ(umount("b"), 0);
}

int main(void)
{
    enter_mounts();
    promise_apart("move_mount: results and errors", results);
    return check_end();
}
