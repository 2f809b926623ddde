/* man 2 umount */
#include "../mounts.h"
#include "abi.h"
#include <sys/mount.h>

static void results(void)
{
    NEED(mkdir("point", 0700) == 0);
    if (mount("none", "point", "tmpfs", 0, NULL) != 0)
        SKIP("mounting is not allowed here");
    CHECK_EQ(CALL(umount2, "point", 0), 0);
    CHECK_ERRNO(CALL(umount2, "point", 0), EINVAL); /* not a mount point any more */
    NEED(mount("none", "point", "tmpfs", 0, NULL) == 0);
    int fd = open("point/file", O_CREAT | O_RDWR, 0600);
    CHECK_ERRNO(CALL(umount2, "point", 0), EBUSY);
    CHECK_EQ(CALL(umount2, "point", MNT_DETACH), 0);
    CHECK(write(fd, "x", 1) == 1 && access("point/file", F_OK) == -1);
    CHECK_ERRNO(CALL(umount2, "absent", 0), ENOENT);
    CHECK_ERRNO(CALL(umount2, "point", 99), EINVAL);
    CHECK_ERRNO(CALL(umount2, "point", MNT_EXPIRE | MNT_DETACH), EINVAL);
    CHECK_ERRNO(CALL(umount2, BAD, 0), EFAULT);
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(umount2, "point", 0), EPERM);
}

int main(void)
{
    enter_mounts();
    promise_apart("umount2: results and errors", results);
    return check_end();
}
