/* man 2 mount_setattr */
#include "../mounts.h"
#include "abi.h"
#include <linux/mount.h>

static void results(void)
{
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY}, rw = {.attr_clr = MOUNT_ATTR_RDONLY};
    struct mount_attr wrong = {.attr_set = 1ull << 40}, both = {.propagation = 99};

    NEED(mkdir("point", 0700) == 0);
    if (mount("none", "point", "tmpfs", 0, NULL) != 0)
        SKIP("mounting is not allowed here");
    CHECK_EQ(CALL(mount_setattr, AT_FDCWD, "point", 0, &ro, sizeof ro), 0);
    CHECK_ERRNO(open("point/file", O_CREAT | O_WRONLY, 0600), EROFS);
    CHECK_EQ(CALL(mount_setattr, AT_FDCWD, "point", AT_RECURSIVE, &rw, sizeof rw), 0);
    CHECK(open("point/file", O_CREAT | O_RDONLY, 0600) >= 0);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &wrong, sizeof wrong), EINVAL);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &both, sizeof both), EINVAL);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 1, &ro, sizeof ro), EINVAL);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &ro, 8), EINVAL);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, BAD, sizeof ro), EFAULT);
    struct mount_attr idmap = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = 99999};
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &idmap, sizeof idmap), EBADF);
    idmap.userns_fd = (unsigned)open("/dev/null", O_RDONLY);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &idmap, sizeof idmap), EINVAL);
    idmap.userns_fd = 1ull << 40;
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &idmap, sizeof idmap), EINVAL);
    idmap = (struct mount_attr){.attr_clr = MOUNT_ATTR_IDMAP, .userns_fd = 99999};
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "point", 0, &idmap, sizeof idmap), EINVAL);
    CHECK_ERRNO(CALL(mount_setattr, AT_FDCWD, "absent", 0, &ro, sizeof ro), ENOENT);
    CHECK_EQ(umount2("point", MNT_DETACH), 0);
}

int main(void)
{
    enter_mounts();
    promise("mount_setattr: results and errors", results);
    return check_end();
}
